// Package api is the conversation between a cloud-key app and a CA service: the contract, the app's HTTP client, the
// service's check of signed requests, and the signed texts that found trust (init QR and /info).
//
// # The contract
//
// openapi.yaml in this folder is the contract; its description says what every client and service must keep to
// (encoding, device signature, Idempotency-Key, authorization tokens, problem codes, transport). Package gen holds the
// types, request builders and chi server made from it. With that file and this page another client can be written:
//
//  1. Read an init QR (below), show its organisation, host and signer, and wait for the user's consent.
//  2. Connect with TLS 1.3 to Service.API, accepting only a server certificate with one of Service.Pins, and get /info.
//     Its signed member must be by the QR's signer and agree with the QR, or everything is dropped.
//  3. Make a P-256 key for the device and register it. From then on every request is signed with it.
//  4. Enrol an account with its SMS password, generate the key with the service (messages KG1 to KG4 of package cosign),
//     have the certificate request signed by both parties, get the certificate, and replace the first password.
//
// # Client
//
// A Client has one method per operation. It retries around the whole unit of request, body and parse, with exponential
// backoff, when a connection breaks, an answer is cut off or the service says 5xx: always with the same Idempotency-Key,
// always signed anew. Its errors tell what the app may believe:
//
//	*Problem           the service refused; decide by Code
//	*UnreachableError  no connection: nothing changed
//	*UncertainError    it may have acted: call again with the same key to find out
//	*TrustError        who answered holds no pinned key, or no TLS 1.3: nothing was sent
//	*InterceptedError  a captive portal or proxy answered in the service's place
//	*AnswerError       the service broke the contract
//	context.Canceled   the caller gave up before anything could have changed
//
// A caller stores the Idempotency-Key before the call and forgets it after an answer. A crash or UncertainError in between
// is resolved by the same call again. A clock that is up to 15 minutes wrong is corrected silently from the service's
// answer; beyond, the clockSkew problem with ServerTime is for the user.
//
// # Service
//
// A Verifier checks the device signature (RFC 9421) of a request, its freshness and its nonce. DecodeRequest decodes a body
// as strictly as the contract asks, WriteProblem sends a refusal. AuthStatement is what a user signs to authorize an
// operation; both sides build it.
//
// # Init QR
//
//	cloudkey://v1/init?d=<compact JWS>
//
// at most 1536 bytes. The JWS (RFC 7515) has exactly the header members alg ("ES256", or "SM2-SM3": SM2 with SM3 and the
// default user ID, r ‖ s), typ ("cloudkey-init+jwt") and x5c (signer first, root left out). The payload is InitClaims of the
// contract, its binary in base64url. The signer's certificate has the extended key usage SignerUsage and is no CA.
//
// A signer that chains to an anchor of the app is known. For one that does not, the organisation hands out a code of eight
// characters, FirstUseCode, for the user to type; without the right code nothing is sent. A caller must not use a
// ParseInit result whose Signer is not Anchored before CheckFirstUseCode returned nil.
//
// A host in punycode is shown as such; Address.Private tells hosts that only exist in a local network.
//
// # Login and sign QR
//
//	cloudkey://v1/login?o=<organisation>&s=<session>&e=<seconds>&m=<MAC>
//	cloudkey://v1/sign?o=<organisation>&s=<session>&e=<seconds>&m=<MAC>&h=<digests>
//
// An application shows one, with an e and m that change every second or two, while it waits for its session. They carry no
// address: the app sends the text to the organisation it knows by o, or nowhere (SessionQR.CheckOrganisation). s, m and h are
// 16 bytes each in base64url; e counts from the session's start, at most 120.
//
// m is HMAC-SHA-256 (RFC 2104), its first 16 bytes, under the session's secret of 32 bytes, over the text "cloudkey/v1/qr", a
// zero byte, and kind, o, s (16 bytes), e (4 bytes, big-endian) and h (16 bytes, zeros for login), each after its length in two
// bytes, big-endian. The service accepts a text for 10 seconds after it was made (SessionQR.Verify). h is the beginning of
// SM3 over the digests to be signed, which the app compares with those that the service names (SessionQR.CheckDigests).
//
// The format stands here before the operations that use it: no operation of the contract takes these texts yet.
package api
