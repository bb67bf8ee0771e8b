package api

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fixture reads a file of testdata without its line end: an init QR, its root and an /info statement, kept so that the
// format cannot change unnoticed and every fuzzing process has the same key.
func fixture(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	must(t, err)
	return strings.TrimSuffix(string(text), "\n")
}

func fixtureAnchors(t testing.TB) *Anchors {
	t.Helper()
	anchors, err := ParseAnchors([]byte(fixture(t, "root.pem")))
	must(t, err)
	return anchors
}

// TestFixture shows that what was printed once stays readable.
func TestFixture(t *testing.T) {
	qr, err := ParseInit(fixture(t, "init.txt"), fixtureAnchors(t), qrTime)
	must(t, err)
	statement, err := ParseInfo(fixture(t, "info.txt"), qr.Signer, qrTime)
	must(t, err)
	if err := qr.Agrees(statement.Service); err != nil || !qr.Signer.Anchored() || qr.ID != "Zm9vYmFyYmF6cXV1eA" {
		t.Errorf("%v %+v", err, qr)
	}
}

// FuzzParseInit looks for texts that crash the parser, that are accepted with something the contract forbids, or that are
// accepted although the signed part was changed.
func FuzzParseInit(f *testing.F) {
	good, anchors := fixture(f, "init.txt"), fixtureAnchors(f)
	signedPart := good[:strings.LastIndex(good, ".")]
	f.Add(good)
	f.Add(scheme + "v1/login?o=demo&s=x")
	f.Add(scheme + "v2/init?d=x")
	for _, text := range []string{"", "cloudkey://", scheme + "v1/init?d=..", scheme + "v1/init?d=e30.e30.AA"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		qr, err := ParseInit(text, anchors, qrTime)
		if err != nil {
			if reasonOf(err) == 0 || qr != nil {
				t.Fatalf("%v %v", qr, err)
			}
			return
		}
		if qr.Signer.Anchored() && !strings.Contains(text, signedPart) {
			t.Fatalf("anchored without the anchor's key: %q", text)
		}
	})
}

// FuzzJWS varies header, payload and signature each for itself, which a mutated base64 text hardly ever reaches.
func FuzzJWS(f *testing.F) {
	good := strings.TrimPrefix(fixture(f, "init.txt"), scheme+"v1/init?d=")
	anchors := fixtureAnchors(f)
	var parts [3][]byte
	for i, part := range strings.Split(good, ".") {
		raw, err := decodeBase64URL(part)
		must(f, err)
		parts[i] = raw
	}
	f.Add(parts[0], parts[1], parts[2])
	f.Add([]byte(`{"alg":"none","typ":"cloudkey-init+jwt","x5c":["AA=="]}`), []byte(`{"v":1}`), make([]byte, 64))
	encode := base64.RawURLEncoding.EncodeToString
	f.Fuzz(func(t *testing.T, header, payload, signature []byte) {
		qr, err := ParseInit(scheme+"v1/init?d="+encode(header)+"."+encode(payload)+"."+encode(signature), anchors, qrTime)
		if err != nil {
			if reasonOf(err) == 0 {
				t.Fatal(err)
			}
			return
		}
		if qr.Signer.Anchored() && (!bytes.Equal(header, parts[0]) || !bytes.Equal(payload, parts[1])) {
			t.Fatalf("accepted %q %q", header, payload)
		}
	})
}

// FuzzClaims lets an organisation with a good key sign anything.
func FuzzClaims(f *testing.F) {
	org := newOrganisation(f, false)
	payload, err := json.Marshal(demoClaims())
	must(f, err)
	f.Add(payload)
	for _, pairs := range [][]any{{"orgName", "\u202e"}, {"api", "https://127.1/v1"}, {"tlsPins", []string{b64(1)}}, {"exp", 1 << 62}} {
		payload, err := json.Marshal(with(f, pairs...))
		must(f, err)
		f.Add(payload)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		if !json.Valid(payload) || len(payload) > 900 {
			return
		}
		qr, err := ParseInit(org.signRaw(t, typInit, json.RawMessage(payload)), org.anchors, qrTime)
		if err != nil {
			if reasonOf(err) == 0 || reasonOf(err) == QRBadSigner {
				t.Fatal(err)
			}
			return
		}
		if len(qr.Pins) < 2 || qr.Pins[0] == qr.Pins[1] || !strings.HasPrefix(qr.API.String(), "https://") || !displayable(qr.OrgName, 64) ||
			!qr.Expires.After(qrTime) || !isToken(qr.Token) || !isToken(qr.ID) || qr.OrgID == "" {
			t.Fatalf("accepted %+v", qr)
		}
	})
}

func FuzzAddress(f *testing.F) {
	for _, text := range []string{"https://ca.example.org:8443/v1", "https://[::1]/v1", "https://xn--fiqs8s/v1", "https://a@b/v1", "https://0x7f.1/v1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ParseAddress(text)
		if err != nil {
			return
		}
		again, err := ParseAddress(a.String())
		if err != nil || again.String() != a.String() || again.Private() != a.Private() {
			t.Fatalf("%q became %q: %v", text, a, err)
		}
		// What the user compares is what a request goes to.
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.String()+"/info", nil)
		if err != nil || r.URL.Host != a.Host() || r.URL.Scheme != "https" || r.URL.User != nil {
			t.Fatalf("%q leads to %v: %v", text, r.URL, err)
		}
	})
}

func FuzzProblem(f *testing.F) {
	f.Add(401, []byte(`{"status":401,"code":"pinWrong","attemptsLeft":2,"message":"AQID"}`))
	f.Add(423, []byte(`{"status":423,"code":"pinLocked","lockedUntil":"2026-03-01T08:00:00Z","retryAfter":-1}`))
	f.Add(500, []byte(`{"code":"x","code":"y"}`))
	f.Add(429, []byte(`{"status":429,"code":"rateLimited","retryAfter":9e99}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		p, err := parseProblem(status, body)
		if err != nil {
			return
		}
		if p.Code == "" || p.Status != status || p.RetryAfter < 0 {
			t.Fatalf("%+v", p)
		}
		encoded, err := json.Marshal(p.Document())
		if err != nil {
			t.Skip() // a year that RFC 3339 cannot write
		}
		again, err := parseProblem(status, encoded)
		if err != nil || again.Code != p.Code || !bytes.Equal(again.Message, p.Message) {
			t.Fatalf("%s: %+v %v", encoded, again, err)
		}
	})
}

func FuzzSignatureHeaders(f *testing.F) {
	device := newDevice(f)
	r := received(f, device, qrTime, http.MethodPost, demoTarget, demoBody)
	good := *r
	f.Add(r.Header.Get(headerSignatureInput), r.Header.Get(headerSignature), r.Header.Get(headerContentDigest))
	f.Add(`device=();created="x"`, "device=:AA==:", "sha-256=::")
	f.Add(`device=("@method");created=1.5;nonce=?1`, "device=1", "")
	f.Fuzz(func(t *testing.T, input, signature, digest string) {
		v := door(unixNow, device)
		fresh := httptest.NewRequestWithContext(t.Context(), good.Method, "https://ca.example.org"+demoTarget, strings.NewReader(demoBody))
		fresh.RequestURI = demoTarget
		fresh.Header = good.Header.Clone()
		fresh.Header.Set(headerSignatureInput, input)
		fresh.Header.Set(headerSignature, signature)
		fresh.Header.Set(headerContentDigest, digest)
		id, err := v.Verify(fresh)
		if err != nil {
			if codeOf(err) == "" {
				t.Fatal(err)
			}
			return
		}
		s, err := parseSignature(fresh.Header)
		if err != nil || id != device.ID() || !strings.Contains(good.Header.Get(headerSignatureInput), s.params) {
			t.Fatalf("accepted %q", input)
		}
	})
}

func FuzzDecodeRequest(f *testing.F) {
	f.Add([]byte(`{"keyId":"00112233445566778899aabbccddeeff","message":"AQID"}`))
	f.Add([]byte(`{"keyId":"a","keyId":"b"}`))
	f.Add([]byte(strings.Repeat("[", 100)))
	f.Add([]byte(`{"x":"\"[[[[[["}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var strict map[string]any
		if DecodeRequest(data, &strict) != nil {
			return
		}
		// What is accepted must mean the same to the standard decoder.
		var standard map[string]any
		if err := json.Unmarshal(data, &standard); err != nil || len(standard) != len(strict) {
			t.Fatalf("%q: %v", data, err)
		}
	})
}

func unixNow() time.Time { return qrTime }
