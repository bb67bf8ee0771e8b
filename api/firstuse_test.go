package api

import (
	"encoding/base64"
	"strings"
	"testing"
)

func TestFirstUseCode(t *testing.T) {
	org, stranger := newOrganisation(t, false), newOrganisation(t, false)
	signer, err := ParseSigner(org.leaf)
	must(t, err)
	evil, err := ParseSigner(stranger.leaf)
	must(t, err)
	code := FirstUseCode("demo", signer)
	if len(code) != 8 || strings.Trim(code, crockford) != "" {
		t.Fatalf("code %q", code)
	}
	typed := strings.NewReplacer("0", "o", "1", "l").Replace(strings.ToLower(code))
	if err := CheckFirstUseCode(" "+typed[:4]+"-"+typed[4:]+" ", "demo", signer); err != nil {
		t.Errorf("the code as people type it: %v", err)
	}
	for name, err := range map[string]error{
		"another signer":       CheckFirstUseCode(code, "demo", evil),
		"another organisation": CheckFirstUseCode(code, "other", signer),
		"too short":            CheckFirstUseCode(code[:7], "demo", signer),
		"empty":                CheckFirstUseCode("", "demo", signer),
		"letter left out":      CheckFirstUseCode(code[:7]+"U", "demo", signer),
	} {
		if reasonOf(err) != QRWrongCode {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFirstUseCodeVector fixes the format: argon2id as the argon2 command line tool (P-H-C reference) computes it.
func TestFirstUseCodeVector(t *testing.T) {
	der, err := base64.StdEncoding.DecodeString(vectorSigner)
	must(t, err)
	signer, err := ParseSigner(der)
	must(t, err)
	if code := FirstUseCode("demo-hospital", signer); code != vectorCode {
		t.Errorf("code %q, want %q", code, vectorCode)
	}
}

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
