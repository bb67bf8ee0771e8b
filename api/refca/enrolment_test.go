package refca_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"testing"
	"time"

	"cloudkey/api/gen"
	"cloudkey/api/refca"

	"github.com/google/uuid"
)

func field(t *testing.T, body []byte, name string) string {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(body, &m); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(m[name])
}

func codeBody(code string) string {
	return fmt.Sprintf(`{"code":%q}`, base64.StdEncoding.EncodeToString([]byte(code)))
}

func TestM04_WrongCodesAreCountedAndEndTheEnrolment(t *testing.T) {
	b := newBench(t)
	p := b.phone()
	e, err := p.api.CreateEnrolment(t.Context(), uuid.New(), gen.EnrolmentRequest{Account: "10001"})
	if err != nil {
		t.Fatal(err)
	}
	code, _ := b.ca.LatestSMS("10001")
	if !regexp.MustCompile(`^[0-9]{8}$`).MatchString(code) {
		t.Fatalf("code %q", code)
	}
	verify := func(code string) error {
		_, err := p.api.VerifyEnrolment(t.Context(), uuid.New(), e.Id, gen.EnrolmentCode{Code: []byte(code)})
		return err
	}
	for left := 4; left >= 0; left-- {
		if left == 2 {
			b.restart() // does not give the tries back
			p.connect()
		}
		if p := wantCode(t, verify("x"+code[1:]), gen.ProblemCodeCodeWrong); *p.AttemptsLeft != left {
			t.Errorf("%d tries left, want %d", *p.AttemptsLeft, left)
		}
	}
	wantCode(t, verify(code), gen.ProblemCodeExpired)
}

func TestM04_CodeExpiresAndAnotherReplacesIt(t *testing.T) {
	b := newBench(t)
	p := b.phone()
	e, err := p.api.CreateEnrolment(t.Context(), uuid.New(), gen.EnrolmentRequest{Account: "10001"})
	if err != nil {
		t.Fatal(err)
	}
	old, _ := b.ca.LatestSMS("10001")
	verify := func(code string) error {
		_, err := p.api.VerifyEnrolment(t.Context(), uuid.New(), e.Id, gen.EnrolmentCode{Code: []byte(code)})
		return err
	}
	_, err = p.api.ResendEnrolmentCode(t.Context(), uuid.New(), e.Id)
	if wait := wantCode(t, err, gen.ProblemCodeRateLimited).RetryAfter; wait != time.Minute {
		t.Errorf("retry after %v", wait)
	}
	b.clock.pass(11 * time.Minute)
	wantCode(t, verify(old), gen.ProblemCodeExpired)
	again, err := p.api.ResendEnrolmentCode(t.Context(), uuid.New(), e.Id)
	if err != nil || again.Id != e.Id || !again.Expires.After(b.clock.now()) {
		t.Fatalf("%v, %v", again, err)
	}
	fresh, _ := b.ca.LatestSMS("10001")
	if fresh == old {
		t.Fatal("the same code again")
	}
	wantCode(t, verify(old), gen.ProblemCodeCodeWrong)
	if err := verify(fresh); err != nil {
		t.Fatal(err)
	}
	b.clock.pass(time.Minute)
	_, err = p.api.ResendEnrolmentCode(t.Context(), uuid.New(), e.Id)
	wantCode(t, err, gen.ProblemCodeStateConflict)
}

func TestUnknownAccountLooksLikeAKnownOne(t *testing.T) {
	b := newBench(t)
	type seen struct{ bodies []string }
	hide := regexp.MustCompile(`"id":"[^"]*"|"traceId":"[^"]*"|1[0-9]{2}\*{4}[0-9]{4}`)
	run := func(account string) (s seen, hints []string) {
		p := b.phone()
		note := func(out answerOf) answerOf {
			s.bodies = append(s.bodies, fmt.Sprint(out.status, " ", hide.ReplaceAllString(string(out.body), "…")))
			return out
		}
		first := note(b.send(p.raw("POST", "/v1/enrolments", enrolBody(account))))
		id := field(t, first.body, "id")
		second := note(b.send(p.raw("POST", "/v1/enrolments", enrolBody(account))))
		hints = append(hints, field(t, first.body, "phoneHint"), field(t, second.body, "phoneHint"))
		note(b.send(p.raw("POST", "/v1/enrolments/"+id+":resend", "")))
		for range 6 {
			note(b.send(p.raw("POST", "/v1/enrolments/"+id+":verify", codeBody("00000000"))))
		}
		note(b.send(p.raw("POST", "/v1/keys", fmt.Sprintf(`{"enrolmentId":%q,"message":"AAAA"}`, id))))
		return s, hints
	}
	before, err := b.ca.Audit()
	if err != nil {
		t.Fatal(err)
	}
	known, hints := run("10003")
	middle, err := b.ca.Audit()
	if err != nil {
		t.Fatal(err)
	}
	unknown, decoys := run("66666")
	after, err := b.ca.Audit()
	if err != nil {
		t.Fatal(err)
	}
	for i := range known.bodies {
		if known.bodies[i] != unknown.bodies[i] {
			t.Errorf("answer %d differs:\n known   %s\n unknown %s", i, known.bodies[i], unknown.bodies[i])
		}
	}
	// The same work: as many durable changes for one as for the other.
	if a, c := len(middle)-len(before), len(after)-len(middle); a != c {
		t.Errorf("%d audit entries for a known account, %d for an unknown one", a, c)
	}
	form := regexp.MustCompile(`^1[0-9]{2}\*{4}[0-9]{4}$`)
	for _, h := range append(hints, decoys...) {
		if !form.MatchString(h) {
			t.Errorf("hint %q", h)
		}
	}
	if hints[0] != hints[1] || decoys[0] != decoys[1] {
		t.Error("asking twice shows which hint is made up")
	}
	if _, found := b.ca.LatestSMS("66666"); found {
		t.Error("the outbox holds a message to nobody")
	}
}

func TestSMSLimitsHoldOverRestarts(t *testing.T) {
	b := &bench{t: t, clock: newClock(), dir: t.TempDir()}
	t.Cleanup(b.stop)
	open := func() {
		cfg := b.config()
		cfg.Limits = refca.Limits{SMSPerAccountHour: 2, SMSPerAccountDay: 3, SMSPerDeviceHour: 4, SMSPerAddressHour: 100}
		b.startWith(cfg)
	}
	open()
	p, other := b.phone(), b.phone()
	ask := func(p *phone, account string) answerOf {
		r := p.raw("POST", "/v1/enrolments", enrolBody(account))
		r.after = func(q *http.Request) { q.Header.Set("X-Forwarded-For", uuid.NewString()) }
		return b.send(r)
	}
	ask(p, "10001").ok(t)
	ask(p, "10001").ok(t)
	if out := ask(other, "10001").want(t, gen.ProblemCodeRateLimited); out.header.Get("Retry-After") != "3600" || out.problem.RetryAfter != 3600 {
		t.Errorf("Retry-After %s, %d", out.header.Get("Retry-After"), out.problem.RetryAfter)
	}
	b.stop()
	open()
	ask(p, "10001").want(t, gen.ProblemCodeRateLimited)
	ask(p, "77777").ok(t) // unknown accounts count for the device too
	ask(p, "10002").ok(t)
	ask(p, "10003").want(t, gen.ProblemCodeRateLimited) // the device's limit
	b.clock.pass(time.Hour)
	ask(p, "10001").ok(t)
	ask(p, "10001").want(t, gen.ProblemCodeRateLimited) // the day's limit
}

func TestEnrolmentBelongsToItsDevice(t *testing.T) {
	b := newBench(t)
	p, other := b.phone(), b.phone()
	e, err := p.api.CreateEnrolment(t.Context(), uuid.New(), gen.EnrolmentRequest{Account: "10001"})
	if err != nil {
		t.Fatal(err)
	}
	code, _ := b.ca.LatestSMS("10001")
	_, err = other.api.VerifyEnrolment(t.Context(), uuid.New(), e.Id, gen.EnrolmentCode{Code: []byte(code)})
	wantCode(t, err, gen.ProblemCodeNotFound)
	_, err = other.api.ResendEnrolmentCode(t.Context(), uuid.New(), e.Id)
	wantCode(t, err, gen.ProblemCodeNotFound)
	who, err := p.api.VerifyEnrolment(t.Context(), uuid.New(), e.Id, gen.EnrolmentCode{Code: []byte(code)})
	if err != nil || who.Holder != "张伟" || who.Account != "10001" || who.Phone != "138****0001" {
		t.Errorf("%+v, %v", who, err)
	}
}
