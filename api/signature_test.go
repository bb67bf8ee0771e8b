package api

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cloudkey/api/gen"
)

func newDevice(t testing.TB) *DeviceKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	device, err := NewDeviceKey(key)
	must(t, err)
	return device
}

// door is a verifier that knows the devices given.
func door(now func() time.Time, devices ...*DeviceKey) *Verifier {
	return &Verifier{
		Key: func(_ context.Context, id string) (*ecdsa.PublicKey, error) {
			for _, device := range devices {
				if device.ID() == id {
					return device.signer.Public().(*ecdsa.PublicKey), nil
				}
			}
			return nil, ErrUnknownDevice
		},
		Nonces: NewNonceCache(now, 1000, true), Now: now,
	}
}

const (
	demoTarget = "/v1/devices/ffeeddccbbaa99887766554433221100:bind?x=1"
	demoBody   = `{"keyId":"00112233445566778899aabbccddeeff"}`
)

// received returns a signed request as a server sees it.
func received(t testing.TB, device *DeviceKey, now time.Time, method, target, body string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "https://ca.example.org"+target, strings.NewReader(body))
	r.RequestURI = target
	if body != "" {
		r.Header.Set("Content-Type", contentJSON)
	}
	if method != http.MethodGet {
		r.Header.Set(headerIdempotency, "7d3f6f0e-58f5-4d4c-9a3b-3a8a1f1f6a10")
		r.Header.Set("Authorization", "Bearer one-use-token-0001")
	}
	must(t, device.sign(method, "https://ca.example.org"+target, r.Header, []byte(body), now))
	return r
}

func codeOf(err error) gen.ProblemCode {
	var p *Problem
	if errors.As(err, &p) {
		return p.Code
	}
	return ""
}

func TestSignedRequest(t *testing.T) {
	now := func() time.Time { return qrTime }
	device := newDevice(t)
	v := door(now, device)
	v.Authorities = []string{"ca.example.org"}
	for _, r := range []*http.Request{
		received(t, device, qrTime, http.MethodPost, demoTarget, demoBody),
		received(t, device, qrTime, http.MethodGet, "/v1/credentials", ""),
		received(t, device, qrTime, http.MethodPost, "/v1/enrolments/abcdefghijklmnop:resend", ""),
		received(t, device, qrTime.Add(-Freshness), http.MethodGet, "/v1/credentials", ""),
		received(t, device, qrTime.Add(Freshness), http.MethodGet, "/v1/credentials", ""),
	} {
		id, err := v.Verify(r)
		if err != nil || id != device.ID() {
			t.Errorf("%s %s: %q %v", r.Method, r.URL, id, err)
		}
		if body, err := io.ReadAll(r.Body); err != nil || r.Method == http.MethodPost && r.URL.RawQuery != "" && string(body) != demoBody {
			t.Errorf("body after verification: %q %v", body, err)
		}
	}
}

// TestSignatureParameterOrder accepts another order of components and parameters: other clients may use another library.
func TestSignatureParameterOrder(t *testing.T) {
	device := newDevice(t)
	v := door(func() time.Time { return qrTime }, device)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://ca.example.org/v1/credentials", nil)
	r.RequestURI = "/v1/credentials"
	params := fmt.Sprintf(`("@target-uri" "@method");keyid="%s";tag="cloudkey-v1";alg="ecdsa-p256-sha256";nonce="AAECAwQFBgcICQoLDA0ODw";created=%d`,
		device.ID(), qrTime.Unix())
	base := fmt.Sprintf("\"@target-uri\": https://ca.example.org/v1/credentials\n\"@method\": GET\n\"@signature-params\": %s", params)
	r.Header.Set(headerSignatureInput, "device="+params)
	r.Header.Set(headerSignature, "device="+signBase(t, device, base))
	if _, err := v.Verify(r); err != nil {
		t.Error(err)
	}
}

func TestSignedRequestRefused(t *testing.T) {
	device, other := newDevice(t), newDevice(t)
	input := func(r *http.Request, old, new string) {
		value := r.Header.Get(headerSignatureInput)
		if !strings.Contains(value, old) {
			t.Fatalf("%q is not in %q", old, value)
		}
		r.Header.Set(headerSignatureInput, strings.Replace(value, old, new, 1))
	}
	cases := []struct {
		name   string
		change func(*http.Request)
		code   gen.ProblemCode
	}{
		{"other path", func(r *http.Request) { r.RequestURI = strings.Replace(r.RequestURI, ":bind", ":unbind", 1) }, "badSignature"},
		{"other query", func(r *http.Request) { r.RequestURI += "&y=2" }, "badSignature"},
		{"other method", func(r *http.Request) { r.Method = http.MethodPut }, "badSignature"},
		{"other host", func(r *http.Request) { r.Host = "ca2.example.org" }, "badSignature"},
		{"absolute form", func(r *http.Request) { r.RequestURI = "https://ca.example.org" + r.RequestURI }, "badSignature"},
		{"other body", func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(`{}`)) }, "badSignature"},
		{"no body", func(r *http.Request) { r.Body = http.NoBody }, "badSignature"},
		{"other body and digest", func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader(`{}`))
			r.Header.Set(headerContentDigest, contentDigest([]byte(`{}`)))
		}, "badSignature"},
		{"other content type", func(r *http.Request) { r.Header.Set("Content-Type", contentJSON+"; charset=utf-8") }, "badSignature"},
		{"other charset", func(r *http.Request) { r.Header.Set("Content-Type", contentJSON+"; charset=utf-16") }, "invalidRequest"},
		{"no JSON", func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, "invalidRequest"},
		{"digest missing", func(r *http.Request) { r.Header.Del(headerContentDigest) }, "badSignature"},
		{"digest of another kind", func(r *http.Request) { r.Header.Set(headerContentDigest, "md5=:AAAA:") }, "badSignature"},
		{"other idempotency key", func(r *http.Request) { r.Header.Set(headerIdempotency, "7d3f6f0e-58f5-4d4c-9a3b-3a8a1f1f6a11") }, "badSignature"},
		{"idempotency key removed", func(r *http.Request) { r.Header.Del(headerIdempotency) }, "badSignature"},
		{"idempotency key twice", func(r *http.Request) { r.Header.Add(headerIdempotency, "7d3f6f0e-58f5-4d4c-9a3b-3a8a1f1f6a10") }, "badSignature"},
		{"other token", func(r *http.Request) { r.Header.Set("Authorization", "Bearer one-use-token-0002") }, "badSignature"},
		{"token removed", func(r *http.Request) { r.Header.Del("Authorization") }, "badSignature"},
		{"device of another key", func(r *http.Request) { input(r, device.ID(), other.ID()) }, "badSignature"},
		{"unknown device", func(r *http.Request) { input(r, device.ID(), strings.Repeat("0", 32)) }, "badSignature"},
		{"keyid no hex", func(r *http.Request) { input(r, device.ID(), strings.Repeat("Z", 32)) }, "badSignature"},
		{"other nonce", func(r *http.Request) { input(r, `nonce="`, `nonce="AAECAwQFBgcICQoLDA0ODw";x="`) }, "badSignature"},
		{"created a second later", func(r *http.Request) { input(r, fmt.Sprint(qrTime.Unix()), fmt.Sprint(qrTime.Unix()+1)) }, "badSignature"},
		{"created a text", func(r *http.Request) { input(r, fmt.Sprint(qrTime.Unix()), `"now"`) }, "badSignature"},
		{"created negative", func(r *http.Request) { input(r, fmt.Sprint(qrTime.Unix()), `-1`) }, "badSignature"},
		{"created missing", func(r *http.Request) { input(r, fmt.Sprintf(";created=%d", qrTime.Unix()), "") }, "badSignature"},
		{"nonce a number", func(r *http.Request) { input(r, `nonce="`, `nonce=1;tag="`) }, "badSignature"},
		{"other alg", func(r *http.Request) { input(r, signatureAlg, "hmac-sha256") }, "badSignature"},
		{"other tag", func(r *http.Request) { input(r, signatureTag, "cloudkey-v2") }, "badSignature"},
		{"method not covered", func(r *http.Request) { input(r, `"@method" `, "") }, "badSignature"},
		{"component twice", func(r *http.Request) { input(r, `"@method"`, `"@method" "@method"`) }, "badSignature"},
		{"component with a parameter", func(r *http.Request) { input(r, `"@method"`, `"@method";req`) }, "badSignature"},
		{"component not a string", func(r *http.Request) { input(r, `"@method"`, `1`) }, "badSignature"},
		{"other label", func(r *http.Request) { input(r, "device=", "sig1=") }, "badSignature"},
		{"no signature", func(r *http.Request) { r.Header.Del(headerSignature) }, "badSignature"},
		{"no input", func(r *http.Request) { r.Header.Del(headerSignatureInput) }, "badSignature"},
		{"two signatures", func(r *http.Request) { r.Header.Add(headerSignature, r.Header.Get(headerSignature)) }, "badSignature"},
		{"signature too short", func(r *http.Request) { r.Header.Set(headerSignature, "device=:AAAA:") }, "badSignature"},
		{"signature of zeros", func(r *http.Request) {
			r.Header.Set(headerSignature, "device=:"+strings.Repeat("A", 86)+"==:")
		}, "badSignature"},
		{"signature a list", func(r *http.Request) { r.Header.Set(headerSignature, "device=(1 2)") }, "badSignature"},
		{"header of 100 kB", func(r *http.Request) { r.Header.Set(headerSignature, strings.Repeat("a,", 50<<10)) }, "badSignature"},
		{"body of 2 MiB", func(r *http.Request) { r.Body = io.NopCloser(bytes.NewReader(make([]byte, 2<<20))) }, "tooLarge"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			v := door(func() time.Time { return qrTime }, device, other)
			r := received(t, device, qrTime, http.MethodPost, demoTarget, demoBody)
			c.change(r)
			if id, err := v.Verify(r); codeOf(err) != c.code || id != "" {
				t.Errorf("%q %v, want %s", id, err, c.code)
			}
		})
	}
}

func TestSignatureFreshness(t *testing.T) {
	device := newDevice(t)
	v := door(func() time.Time { return qrTime }, device)
	for _, off := range []time.Duration{-Freshness - time.Second, Freshness + time.Second, -72 * time.Hour, 72 * time.Hour} {
		_, err := v.Verify(received(t, device, qrTime.Add(off), http.MethodGet, "/v1/credentials", ""))
		var p *Problem
		if !errors.As(err, &p) || p.Code != gen.ProblemCodeClockSkew || !p.ServerTime.Equal(qrTime) {
			t.Errorf("%v off: %v", off, err)
		}
	}
}

func TestReplayedRequest(t *testing.T) {
	device := newDevice(t)
	v := door(func() time.Time { return qrTime }, device)
	r := received(t, device, qrTime, http.MethodPost, demoTarget, demoBody)
	again := func() *http.Request {
		c := r.Clone(t.Context())
		c.Body = io.NopCloser(strings.NewReader(demoBody))
		return c
	}
	// A spoilt copy must not use the nonce up.
	spoilt := again()
	spoilt.Header.Set("Authorization", "Bearer stolen")
	if _, err := v.Verify(spoilt); codeOf(err) != gen.ProblemCodeBadSignature {
		t.Fatal(err)
	}
	var accepted atomic.Int32
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			if _, err := v.Verify(again()); err == nil {
				accepted.Add(1)
			} else if codeOf(err) != gen.ProblemCodeBadSignature {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if accepted.Load() != 1 {
		t.Errorf("accepted %d times", accepted.Load())
	}
}

// TestReplayAfterRestart shows that a new process does not accept what the one before may have seen, and that a client
// gets through by signing again.
func TestReplayAfterRestart(t *testing.T) {
	device := newDevice(t)
	clock := qrTime
	now := func() time.Time { return clock }
	old := received(t, device, clock.Add(-5*time.Second), http.MethodGet, "/v1/credentials", "")
	v := door(now, device)
	v.Nonces = NewNonceCache(now, 1000, false)
	_, err := v.Verify(old)
	var p *Problem
	if !errors.As(err, &p) || p.Code != gen.ProblemCodeMaintenance || p.RetryAfter < 5*time.Second {
		t.Fatalf("%v", err)
	}
	clock = clock.Add(p.RetryAfter)
	// The device's clock lags by five seconds all the time.
	if _, err := v.Verify(received(t, device, clock.Add(-5*time.Second), http.MethodGet, "/v1/credentials", "")); err != nil {
		t.Error(err)
	}
}

func TestNonceCacheIsBounded(t *testing.T) {
	clock := qrTime
	c := NewNonceCache(func() time.Time { return clock }, 10, true)
	use := func(i int) (bool, error) { return c.Use(t.Context(), "d", fmt.Sprint(i), clock.Add(2*Freshness)) }
	for i := range 10 {
		if fresh, err := use(i); !fresh || err != nil {
			t.Fatal(fresh, err)
		}
	}
	if _, err := use(10); codeOf(err) != gen.ProblemCodeRateLimited {
		t.Errorf("beyond the limit: %v", err)
	}
	clock = clock.Add(2*Freshness + time.Second)
	if fresh, err := use(11); !fresh || err != nil {
		t.Errorf("after the old ones ended: %v %v", fresh, err)
	}
}

func TestSignedRegistration(t *testing.T) {
	device, other := newDevice(t), newDevice(t)
	v := door(func() time.Time { return qrTime })
	body := func(d *DeviceKey, more string) string {
		public, err := d.PublicKey()
		must(t, err)
		encoded, err := encode(gen.DeviceRegistration{PublicKey: public, Name: "Phone", Platform: "android", SealKey: make([]byte, 32)})
		must(t, err)
		return strings.TrimSuffix(string(encoded), "}") + more + "}"
	}
	for _, c := range []struct {
		name, body string
		code       gen.ProblemCode
	}{
		{"own key", body(device, ""), ""},
		{"another's key", body(other, ""), "badSignature"},
		{"unknown member", body(device, `,"admin":true`), "invalidRequest"},
		{"duplicate member", body(device, `,"name":"x"`), "invalidRequest"},
		{"case of a member", strings.Replace(body(device, ""), "publicKey", "publickey", 1), "invalidRequest"},
		{"no key", `{"publicKey":"AAAA","name":"x","platform":"x","sealKey":""}`, "invalidRequest"},
		{"two values", body(device, "") + "{}", "invalidRequest"},
	} {
		id, registration, err := v.VerifyRegistration(received(t, device, qrTime, http.MethodPost, "/v1/devices", c.body))
		if codeOf(err) != c.code || c.code == "" && (err != nil || id != device.ID() || registration.Name != "Phone") {
			t.Errorf("%s: %q %v", c.name, id, err)
		}
	}
}

func TestDeviceKeyMustBeP256(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	must(t, err)
	if _, err := NewDeviceKey(key); err == nil {
		t.Error("P-384 accepted")
	}
}

func TestStatement(t *testing.T) {
	s := AuthStatement{
		Operation: "bindDevice", KeyID: "00112233445566778899aabbccddeeff", DeviceID: "ffeeddccbbaa99887766554433221100",
		Nonce: []byte("0123456789abcdef"),
	}
	got, err := s.Bytes()
	must(t, err)
	want := "cloudkey/v1/authenticate\x00\x00\x0abindDevice\x00\x2000112233445566778899aabbccddeeff\x00\x20ffeeddccbbaa99887766554433221100" +
		"\x00\x100123456789abcdef\x00\x00"
	if string(got) != want {
		t.Errorf("%q", got)
	}
	for name, change := range map[string]func(*AuthStatement){
		"operation":     func(s *AuthStatement) { s.Operation = "unbindDevice" },
		"keyId":         func(s *AuthStatement) { s.KeyID = s.DeviceID },
		"deviceId":      func(s *AuthStatement) { s.DeviceID = s.KeyID },
		"nonce":         func(s *AuthStatement) { s.Nonce = []byte("fedcba9876543210") },
		"contentDigest": func(s *AuthStatement) { s.ContentDigest = make([]byte, 32) },
	} {
		other := s
		change(&other)
		if b, err := other.Bytes(); err != nil || bytes.Equal(b, got) {
			t.Errorf("%s does not change the bytes: %v", name, err)
		}
	}
	for name, change := range map[string]func(*AuthStatement){
		"no operation":    func(s *AuthStatement) { s.Operation = "" },
		"odd operation":   func(s *AuthStatement) { s.Operation = "bind device" },
		"keyId upper":     func(s *AuthStatement) { s.KeyID = strings.ToUpper(s.DeviceID) },
		"short deviceId":  func(s *AuthStatement) { s.DeviceID = "ff" },
		"short nonce":     func(s *AuthStatement) { s.Nonce = s.Nonce[:15] },
		"short digest":    func(s *AuthStatement) { s.ContentDigest = make([]byte, 31) },
		"operation 49":    func(s *AuthStatement) { s.Operation = strings.Repeat("a", 49) },
		"operation dotty": func(s *AuthStatement) { s.Operation = "bind.Device" },
	} {
		other := s
		change(&other)
		if _, err := other.Bytes(); err == nil {
			t.Errorf("%s accepted", name)
		}
	}
}

// signBase signs a signature base made by hand and returns it as a structured byte sequence.
func signBase(t testing.TB, device *DeviceKey, base string) string {
	t.Helper()
	value, err := device.signBytes([]byte(base))
	must(t, err)
	return value
}
