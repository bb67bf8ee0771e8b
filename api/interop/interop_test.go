package interop

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/yaronf/httpsign"

	"cloudkey/api"
	"cloudkey/api/gen"
)

const id = "00112233445566778899aabbccddeeff"

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return key
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestOthersVerifyOurRequests lets the other implementation check what the client sends.
func TestOthersVerifyOurRequests(t *testing.T) {
	key, serverKey := newKey(t), newKey(t)
	device, err := api.NewDeviceKey(key)
	must(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, serverKey.Public(), serverKey)
	must(t, err)
	leaf, err := x509.ParseCertificate(der)
	must(t, err)
	var verified int
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		covered := []string{"@method", "@target-uri"}
		if r.Method == http.MethodPost {
			covered = append(covered, "idempotency-key", "authorization", "content-type", "content-digest")
			if err := httpsign.ValidateContentDigestHeader(r.Header.Values("Content-Digest"), &r.Body, []string{"sha-256"}); err != nil {
				t.Errorf("%s: %v", r.URL, err)
			}
		}
		config := httpsign.NewVerifyConfig().SetVerifyCreated(true).SetAllowedAlgs([]string{"ecdsa-p256-sha256"}).SetKeyID(device.ID())
		verifier, err := httpsign.NewP256Verifier(key.PublicKey, config, httpsign.Headers(covered...))
		if err != nil {
			t.Error(err)
			return
		}
		r.URL.Scheme, r.URL.Host = "https", r.Host
		if err := httpsign.VerifyRequest("device", *verifier, r); err != nil {
			t.Errorf("%s: %v", r.URL, err)
		} else {
			verified++
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"bound":true}`)
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: serverKey}}}
	server.StartTLS()
	defer server.Close()
	address, err := api.ParseAddress(server.URL + "/v1")
	must(t, err)
	client, err := api.NewClient(api.Config{Address: address, Pins: []api.Pin{api.PinOf(leaf), {1}}, Device: device})
	must(t, err)
	defer client.CloseIdle()
	if _, err := client.BindDevice(t.Context(), uuid.New(), "one-use-token-0001", id, gen.BindingRequest{KeyId: id}); err != nil {
		t.Error(err)
	}
	if _, err := client.GetHandwriting(t.Context(), id); err != nil {
		t.Error(err)
	}
	if verified != 2 {
		t.Errorf("%d of 2 verified", verified)
	}
}

// TestWeVerifyOthersRequests lets the Verifier check what the other implementation signs.
func TestWeVerifyOthersRequests(t *testing.T) {
	key := newKey(t)
	device, err := api.NewDeviceKey(key)
	must(t, err)
	verifier := &api.Verifier{
		Key:    func(context.Context, string) (*ecdsa.PublicKey, error) { return &key.PublicKey, nil },
		Nonces: api.NewNonceCache(time.Now, 10, true), Now: time.Now,
	}
	body := io.NopCloser(strings.NewReader(`{"keyId":"` + id + `"}`))
	digest, err := httpsign.GenerateContentDigestHeader(&body, []string{"sha-256"})
	must(t, err)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://ca.example.org/v1/devices/"+id+":bind", body)
	r.RequestURI = "/v1/devices/" + id + ":bind"
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Content-Digest", digest)
	r.Header.Set("Idempotency-Key", uuid.NewString())
	nonce := make([]byte, 16)
	rand.Read(nonce) //nolint:errcheck // never fails
	config := httpsign.NewSignConfig().SignAlg(true).SignCreated(true).SetKeyID(device.ID()).SetTag("cloudkey-v1").
		SetNonce(base64.RawURLEncoding.EncodeToString(nonce))
	signer, err := httpsign.NewP256Signer(*key, config,
		httpsign.Headers("@method", "@target-uri", "idempotency-key", "content-type", "content-digest"))
	must(t, err)
	input, signature, err := httpsign.SignRequest("device", *signer, r)
	must(t, err)
	r.Header.Set("Signature-Input", input)
	r.Header.Set("Signature", signature)
	got, err := verifier.Verify(r)
	if err != nil || got != device.ID() {
		t.Errorf("%q %v\n%s", got, err, input)
	}
}
