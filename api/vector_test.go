package api

// A signer certificate on P-256 (DER, base64) and its first-use code for the organisation demo-hospital, computed with the
// reference command line tool: argon2 cloudkey/v1/first-use/demo-hospital -id -t 3 -m 16 -p 1 -l 5 -r < spki.der
const (
	vectorSigner = "MIIBRTCB7KADAgECAggRIjNEVWZ3iDAKBggqhkjOPQQDAjAUMRIwEAYDVQQDEwlEZW1vIFJvb3QwHhcNMjYwMjAxMDgwMDAwWhcN" +
		"MjgwMzAxMDgwMDAwWjAXMRUwEwYDVQQDDAznpLrojIPljLvpmaIwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASKx/wEvu6bXH9f" +
		"LksB64ndr25DDVEr9m5lRub1YhUeWmH9CFcKyrA0jawm2NuuHgsRSGak1Evptag23gKhTmC6oyUwIzAOBgNVHQ8BAf8EBAMCB4Aw" +
		"EQYDVR0lBAowCAYGaaKI8WIBMAoGCCqGSM49BAMCA0gAMEUCIEeif16FESbJaRXQDIYS884aZhwNY0t6M0EVjgFNNvE4AiEAtwBf" +
		"Wbgn0P5EK6ueVYaDz0BvmRIDMWyPRZ/D2zgU1tc="
	vectorCode = "1EZJ562C"
)
