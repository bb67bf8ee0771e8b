package refca_test

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"cloudkey/api/gen"

	"github.com/google/uuid"
)

func enrolBody(account string) string { return fmt.Sprintf(`{"account":%q}`, account) }

func TestReplayedRequestIsRefusedAlsoAfterARestart(t *testing.T) {
	b := newBench(t)
	p := b.phone()
	change, get := p.raw("POST", "/v1/enrolments", enrolBody("10001")), p.raw("GET", "/v1/credentials", "")
	for _, r := range []raw{change, get} {
		b.send(r).ok(t)
		b.send(r).want(t, gen.ProblemCodeBadSignature)
	}
	b.restart()
	for _, r := range []raw{change, get} {
		b.send(r).want(t, gen.ProblemCodeBadSignature)
	}
	// Nonces that housekeeping has forgotten do not come to life again when the clock is set back.
	b.clock.pass(5 * time.Minute)
	if err := b.ca.Purge(); err != nil {
		t.Fatal(err)
	}
	b.clock.pass(-5 * time.Minute)
	for _, r := range []raw{change, get} {
		b.send(r).want(t, gen.ProblemCodeBadSignature)
	}
	b.restart()
	b.send(change).want(t, gen.ProblemCodeBadSignature)
}

func TestNonceReusedByManyParallelRequestsServesOne(t *testing.T) {
	b := newBench(t)
	p := b.phone()
	r := p.raw("GET", "/v1/credentials", "")
	var served, refused int
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 64 {
		req := r.request(t, b.ca.Addresses().API)
		wg.Go(func() {
			res, err := b.http().Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			res.Body.Close()
			mu.Lock()
			defer mu.Unlock()
			switch res.StatusCode {
			case http.StatusOK:
				served++
			case http.StatusUnauthorized:
				refused++
			}
		})
	}
	wg.Wait()
	if served != 1 || refused != 63 {
		t.Errorf("%d served, %d refused", served, refused)
	}
}

func TestSignatureMustFitTheRequest(t *testing.T) {
	b := newBench(t)
	p, other := b.phone(), b.phone()
	post := func(change func(*raw)) raw {
		r := p.raw("POST", "/v1/enrolments", enrolBody("10001"))
		change(&r)
		return r
	}
	for name, c := range map[string]struct {
		r    raw
		code gen.ProblemCode
	}{
		"key of another device":     {post(func(r *raw) { r.key = other.key }), gen.ProblemCodeBadSignature},
		"unknown device":            {post(func(r *raw) { r.keyID = strings.Repeat("0", 32) }), gen.ProblemCodeBadSignature},
		"idempotency key uncovered": {post(func(r *raw) { r.drop = "idempotency-key" }), gen.ProblemCodeBadSignature},
		"body uncovered":            {post(func(r *raw) { r.drop = "content-digest" }), gen.ProblemCodeBadSignature},
		"target uncovered":          {post(func(r *raw) { r.drop = "@target-uri" }), gen.ProblemCodeBadSignature},
		"moved to another path": {post(func(r *raw) {
			r.after = func(q *http.Request) { q.URL.Path = "/v1/keys" }
		}), gen.ProblemCodeBadSignature},
		"moved to another method": {func() raw {
			r := p.raw("GET", "/v1/handwriting?keyId="+strings.Repeat("0", 32), "")
			r.idem = uuid.NewString()
			r.after = func(q *http.Request) { q.Method = http.MethodPut }
			return r
		}(), gen.ProblemCodeBadSignature},
		"another idempotency key": {post(func(r *raw) {
			r.after = func(q *http.Request) { q.Header.Set("Idempotency-Key", uuid.NewString()) }
		}), gen.ProblemCodeBadSignature},
		"no signature": {post(func(r *raw) {
			r.after = func(q *http.Request) { q.Header.Del("Signature") }
		}), gen.ProblemCodeBadSignature},
		"clock too slow":             {post(func(r *raw) { r.created = r.created.Add(-61 * time.Second) }), gen.ProblemCodeClockSkew},
		"clock too fast":             {post(func(r *raw) { r.created = r.created.Add(61 * time.Second) }), gen.ProblemCodeClockSkew},
		"another host":               {post(func(r *raw) { r.after = func(q *http.Request) { q.Host = "ca.example.org" } }), gen.ProblemCodeBadSignature},
		"no idempotency key":         {post(func(r *raw) { r.idem = "" }), gen.ProblemCodeInvalidRequest},
		"idempotency key is no UUID": {post(func(r *raw) { r.idem = "1" }), gen.ProblemCodeInvalidRequest},
	} {
		t.Run(name, func(t *testing.T) {
			out := b.send(c.r).want(t, c.code)
			if c.code == gen.ProblemCodeClockSkew && !out.problem.ServerTime.Equal(b.clock.now()) {
				t.Errorf("serverTime %v", out.problem.ServerTime)
			}
		})
	}
	if code, found := b.ca.LatestSMS("10001"); found {
		t.Errorf("a refused request sent a message: %s", code)
	}
}

func TestMalformedRequests(t *testing.T) {
	b := newBench(t)
	p := b.phone()
	deep := strings.Repeat(`{"account":`, 100_000) + `1` + strings.Repeat("}", 100_000)
	for name, c := range map[string]struct {
		body string
		code gen.ProblemCode
	}{
		"no JSON":          {"account", gen.ProblemCodeInvalidRequest},
		"empty":            {"", gen.ProblemCodeInvalidRequest},
		"unknown member":   {`{"account":"10001","admin":true}`, gen.ProblemCodeInvalidRequest},
		"duplicate member": {`{"account":"10001","account":"10002"}`, gen.ProblemCodeInvalidRequest},
		"other case":       {`{"Account":"10001"}`, gen.ProblemCodeInvalidRequest},
		"trailing data":    {`{"account":"10001"}{}`, gen.ProblemCodeInvalidRequest},
		"wrong type":       {`{"account":10001}`, gen.ProblemCodeInvalidRequest},
		"control":          {"{\"account\":\"10\\u00001\"}", gen.ProblemCodeInvalidRequest},
		"path":             {`{"account":""}`, gen.ProblemCodeInvalidRequest},
		"deep":             {deep[:min(len(deep), 1<<20-1)], gen.ProblemCodeInvalidRequest},
		"too large":        {`{"account":"` + strings.Repeat("1", 1<<20) + `"}`, gen.ProblemCodeTooLarge},
	} {
		t.Run(name, func(t *testing.T) { b.send(p.raw("POST", "/v1/enrolments", c.body)).want(t, c.code) })
	}
	t.Run("no such operation", func(t *testing.T) { b.send(p.raw("GET", "/v1/accounts", "")).want(t, gen.ProblemCodeNotFound) })
	t.Run("no such method", func(t *testing.T) { b.send(p.raw("DELETE", "/v1/credentials", "")).want(t, gen.ProblemCodeNotFound) })
}

func TestHeaderFloodIsCutOff(t *testing.T) {
	b := newBench(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.ca.Addresses().API+"/info", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10_000 {
		req.Header.Set(fmt.Sprintf("X-Flood-%d", i), "1")
	}
	res, err := b.http().Do(req)
	if err == nil { // or the connection is closed while the rest is sent
		defer res.Body.Close()
		if res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("status %d", res.StatusCode)
		}
	}
	if out, err := b.phone().api.GetInfo(t.Context()); err != nil || out.Signed == "" {
		t.Errorf("afterwards: %v", err)
	}
}

func TestOnlyTLS13(t *testing.T) {
	b := newBench(t)
	conn, err := tls.Dial("tcp", b.init.API.Host(), &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12})
	if err == nil {
		conn.Close()
		t.Error("TLS 1.2 was accepted")
	}
	plain, err := net.Dial("tcp", b.init.API.Host())
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	fmt.Fprintf(plain, "GET /v1/info HTTP/1.1\r\nHost: %s\r\n\r\n", b.init.API.Host())
	answer := make([]byte, 256)
	n, _ := plain.Read(answer)
	if strings.Contains(string(answer[:n]), "200 OK") {
		t.Error("plain HTTP was answered")
	}
}

func TestIdempotencyKey(t *testing.T) {
	b := newBench(t)
	p, other := b.phone(), b.phone()
	again := func(r raw) raw { // the same request, signed anew
		fresh := p.raw(r.method, r.path, r.body)
		fresh.idem = r.idem
		return fresh
	}
	first := p.raw("POST", "/v1/enrolments", enrolBody("10001"))
	want := b.send(first).ok(t)
	code, _ := b.ca.LatestSMS("10001")
	if got := b.send(again(first)).ok(t); string(got.body) != string(want.body) {
		t.Errorf("repeated: %s, first: %s", got.body, want.body)
	}
	b.restart()
	if got := b.send(again(first)).ok(t); string(got.body) != string(want.body) {
		t.Errorf("after a restart: %s, first: %s", got.body, want.body)
	}
	if now, _ := b.ca.LatestSMS("10001"); now != code {
		t.Error("a second message was sent")
	}
	changed := again(first)
	changed.body = enrolBody("10002")
	b.send(changed).want(t, gen.ProblemCodeIdempotencyMismatch)
	moved := again(first)
	moved.path = "/v1/shares:begin"
	b.send(moved).want(t, gen.ProblemCodeIdempotencyMismatch)

	// Another device has its own space: the key neither collides nor shows it the first one's answer.
	foreign := other.raw(first.method, first.path, first.body)
	foreign.idem = first.idem
	if got := b.send(foreign).ok(t); string(got.body) == string(want.body) {
		t.Error("another device got the first one's answer")
	}

	// A refusal that had an effect is kept as well: repeating a wrong code costs one try.
	id := field(t, want.body, "id")
	wrong := p.raw("POST", "/v1/enrolments/"+id+":verify", `{"code":"MDAwMDAwMDA="}`)
	for range 3 {
		if out := b.send(again(wrong)).want(t, gen.ProblemCodeCodeWrong); *out.problem.AttemptsLeft != 4 {
			t.Errorf("%d tries left", *out.problem.AttemptsLeft)
		}
	}

	b.clock.pass(25 * time.Hour)
	if got := b.send(again(first)).ok(t); string(got.body) == string(want.body) {
		t.Error("the answer was kept for more than a day")
	}
}
