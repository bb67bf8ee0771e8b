package refca_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"cloudkey/api/gen"

	"github.com/google/uuid"
)

// raw is a request of a device, signed as RFC 9421 and the contract say, written here a second time so that a test can
// also sign wrongly.
type raw struct {
	method, path string // path begins with /v1
	body         string
	idem         string // empty: none
	bearer       string
	created      time.Time
	nonce        string
	keyID        string
	key          *ecdsa.PrivateKey
	drop         string              // component that is not covered
	after        func(*http.Request) // changes the request after signing
}

func (p *phone) raw(method, path, body string) raw {
	nonce := make([]byte, 16)
	rand.Read(nonce)
	r := raw{
		method: method, path: path, body: body, created: p.b.clock.now(), keyID: p.id, key: p.key,
		nonce: base64.RawURLEncoding.EncodeToString(nonce),
	}
	if method != http.MethodGet {
		r.idem = uuid.NewString()
	}
	return r
}

func (r raw) request(t testing.TB, base string) *http.Request {
	t.Helper()
	url := strings.TrimSuffix(base, "/v1") + r.path
	req, err := http.NewRequestWithContext(t.Context(), r.method, url, strings.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	components := []string{"@method", "@target-uri"}
	values := map[string]string{"@method": r.method, "@target-uri": url}
	add := func(name, value string) {
		components = append(components, name)
		values[name] = value
		req.Header.Set(name, value)
	}
	if r.idem != "" {
		add("idempotency-key", r.idem)
	}
	if r.bearer != "" {
		add("authorization", "Bearer "+r.bearer)
	}
	if r.body != "" {
		sum := sha256.Sum256([]byte(r.body))
		add("content-type", "application/json")
		add("content-digest", "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":")
	}
	var covered, base2 []string
	for _, c := range components {
		if c != r.drop {
			covered = append(covered, `"`+c+`"`)
			base2 = append(base2, fmt.Sprintf("%q: %s", c, values[c]))
		}
	}
	params := fmt.Sprintf(`(%s);created=%d;nonce="%s";alg="ecdsa-p256-sha256";keyid="%s";tag="cloudkey-v1"`,
		strings.Join(covered, " "), r.created.Unix(), r.nonce, r.keyID)
	base2 = append(base2, `"@signature-params": `+params)
	digest := sha256.Sum256([]byte(strings.Join(base2, "\n")))
	x, y, err := ecdsa.Sign(rand.Reader, r.key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	value := make([]byte, 64)
	x.FillBytes(value[:32])
	y.FillBytes(value[32:])
	req.Header.Set("Signature-Input", "device="+params)
	req.Header.Set("Signature", "device=:"+base64.StdEncoding.EncodeToString(value)+":")
	if r.after != nil {
		r.after(req)
	}
	return req
}

// answerOf is what came back.
type answerOf struct {
	status  int
	body    []byte
	problem gen.Problem
	header  http.Header
}

func (b *bench) http() *http.Client {
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13},
		DisableKeepAlives: true,
	}
	return &http.Client{Transport: transport}
}

func (b *bench) do(req *http.Request) answerOf {
	b.t.Helper()
	res, err := b.http().Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	out := answerOf{status: res.StatusCode, header: res.Header}
	if out.body, err = io.ReadAll(res.Body); err != nil {
		b.t.Fatal(err)
	}
	if res.StatusCode >= 400 {
		if res.Header.Get("Content-Type") != "application/problem+json" {
			b.t.Fatalf("status %d with %s: %s", res.StatusCode, res.Header.Get("Content-Type"), out.body)
		}
		if err := json.Unmarshal(out.body, &out.problem); err != nil || out.problem.Status != res.StatusCode {
			b.t.Fatalf("problem document %s: %v", out.body, err)
		}
	}
	return out
}

func (b *bench) send(r raw) answerOf {
	b.t.Helper()
	return b.do(r.request(b.t, b.ca.Addresses().API))
}

func (a answerOf) want(t *testing.T, code gen.ProblemCode) answerOf {
	t.Helper()
	if a.problem.Code != code {
		t.Fatalf("got %d %s, want %s", a.status, bytes.TrimSpace(a.body), code)
	}
	return a
}

func (a answerOf) ok(t *testing.T) answerOf {
	t.Helper()
	if a.status != http.StatusOK && a.status != http.StatusNoContent {
		t.Fatalf("got %d %s", a.status, bytes.TrimSpace(a.body))
	}
	return a
}
