package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"cloudkey/api/refca"
	"cloudkey/client"
)

// victim is a device whose app is killed at random moments, and what the test knows of it.
type victim struct {
	*bench
	dir     string
	app     *app
	usual   map[string]time.Duration // how long a flow takes
	kills   int
	inside  int // kills that came before the answer
	org     string
	account string
	cert    string
	pw      string
	signed  []string // acknowledged
}

// strike runs a flow that makes one call after the other and kills the app at a random moment of it, at the latest right
// after its end. It tells whether the flow was acknowledged.
func (v *victim) strike(flow string, run func(a *app) (answer, error)) bool {
	v.t.Helper()
	a := v.running()
	limit := v.usual[flow]
	if limit == 0 {
		limit = 200 * time.Millisecond
	}
	timer := time.AfterFunc(time.Duration(rand.Int64N(int64(limit))), func() { _ = a.cmd.Process.Kill() })
	start := time.Now()
	out, err := run(a)
	took := time.Since(start)
	timer.Stop()
	if err == nil && out.Err != "" {
		v.t.Fatalf("%s: %s\n%s", flow, out.Err, a.log)
	}
	if err == nil {
		v.usual[flow] = took*9/8 + time.Millisecond // so that most moments lie inside
	} else {
		v.inside++
	}
	v.kills++
	a.kill()
	v.app = nil
	return err == nil
}

func (v *victim) running() *app {
	v.t.Helper()
	if v.app == nil {
		v.app = v.startProcess(v.dir)
	}
	return v.app
}

func (v *victim) must(name string, fields ...string) answer {
	v.t.Helper()
	return v.running().must(v.t, name, fields...)
}

// enrol goes on with the first use of the account from wherever it is. It returns after the last step.
func (v *victim) enrol(a *app) (answer, error) {
	for range 8 {
		p, err := a.call("pending")
		if err != nil || p.Err != "" {
			return p, err
		}
		var out answer
		switch {
		case p.Text == "enrolment":
			out, err = a.call("enrol", p.ID, string(v.sms(v.account)))
		case p.Text == "certificate 1": // the key is made
			out, err = a.call("resume", p.ID, string(v.sms(v.account)))
		case p.Text == "certificate 2": // the certificate is here
			out, err = a.call("first", p.ID, string(v.sms(v.account)), v.pw)
		default:
			if out, err = a.call("certificates"); err == nil && len(out.List) > 0 {
				v.cert, _, _ = strings.Cut(out.List[0], " ")
				return out, nil
			}
			out, err = a.call("begin", v.org, v.account)
		}
		if err != nil || out.Err != "" {
			return out, err
		}
	}
	return answer{Err: "the first use does not end"}, nil
}

// checkHistory holds that the history is everything acknowledged in its order.
func (v *victim) checkHistory() {
	v.t.Helper()
	got := v.must("history", v.cert).List
	slices.Reverse(got)
	if !slices.Equal(got, v.signed) {
		v.t.Fatalf("history %v, acknowledged %v", got, v.signed)
	}
}

// usable tells whether a password signs.
func (v *victim) usable(pw string) bool {
	v.t.Helper()
	doc := fmt.Sprint("probe ", v.kills, pw)
	out, err := v.running().call("sign", v.cert, doc, pw)
	switch {
	case err != nil || out.Err != "" && out.Err != refused:
		v.t.Fatalf("%v %s\n%s", err, out.Err, v.app.log)
	case out.Err == "":
		v.signed = append(v.signed, doc)
	}
	return out.Err == ""
}

// TestR1_KilledApp kills the app (client and store, a process of its own) in every flow that changes something, at random
// moments. After each kill nothing acknowledged is lost, exactly one password opens the key, no flow needs a second
// certificate, and the same flow, done again, ends well.
func TestR1_KilledApp(t *testing.T) {
	b := &bench{t: t, dir: t.TempDir()}
	var err error
	b.ca, err = refca.Open(t.Context(), refca.Config{DataDir: filepath.Join(b.dir, "ca"), Demo: true, Limits: refca.Limits{
		SMSPerAccountHour: 1 << 20, SMSPerAccountDay: 1 << 20, SMSPerDeviceHour: 1 << 20, SMSPerAddressHour: 1 << 20, DevicesPerAddressHour: 1 << 20,
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.stopCA)
	v := &victim{bench: b, usual: map[string]time.Duration{}}
	certificates, signatures := map[string]int{}, 0
	for round := range rounds(2, 300) {
		if round%20 == 0 { // a new device now and then
			if v.app != nil {
				v.app.kill()
				v.app = nil
			}
			v.dir = filepath.Join(b.dir, fmt.Sprint("app", round))
			v.org = v.must("init").ID
		}
		v.account, v.pw, v.cert, v.signed = fmt.Sprintf("k%d", round), string(password), "", nil
		if err := b.ca.AddAccount(t.Context(), refca.Account{ID: v.account, Holder: "张伟", Phone: "13800000009"}); err != nil {
			t.Fatal(err)
		}
		v.life(3)
		certificates[v.account]++
		signatures += len(v.signed)
		if *torture > 0 && v.kills >= 2000 {
			break
		}
	}
	if v.app != nil {
		v.app.kill()
	}
	b.stopCA()
	issued := audited(t, filepath.Join(b.dir, "ca"), "requestCertificate")
	if fmt.Sprint(issued) != fmt.Sprint(certificates) {
		t.Errorf("certificates issued: %v", issued)
	}
	t.Logf("%d signatures made meanwhile", signatures)
	report(t, map[string]mark{
		"R1":        {float64(v.kills), "kills of the app in every changing flow; nothing acknowledged lost, no second certificate, one usable password", 2000},
		"R1.inside": {float64(v.inside), "of them before the flow was acknowledged", 0},
	})
}

// TestR1_EndedBeforeTheCertificateIsStored ends the app when the CA has issued the certificate and it is not here yet.
func TestR1_EndedBeforeTheCertificateIsStored(t *testing.T) {
	b := newBench(t)
	org := b.initialise()
	e, err := b.client.BeginEnrolment(t.Context(), org.ID, "10001")
	if err != nil {
		t.Fatal(err)
	}
	sms := b.sms("10001")
	ctx, cancel := context.WithCancel(t.Context())
	_, err = b.client.Enrol(ctx, e.ID, sms, func(s client.Step) {
		if s == client.StepStore {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	b.stopApp()
	b.startApp()
	p, err := b.client.Pending(t.Context())
	if err != nil || p.Certificate == nil || p.Certificate.Profile != client.ProfileKeyed {
		t.Fatalf("%+v %v", p, err)
	}
	cert, err := b.client.ResumeEnrol(t.Context(), p.Certificate.ID, sms, nil)
	if err != nil || cert.Profile != client.ProfileMustPassword {
		t.Fatalf("%+v %v", cert, err)
	}
	if err := b.client.SetFirstPassword(t.Context(), cert.ID, sms, password); err != nil {
		t.Fatal(err)
	}
	if err := b.sign(cert, password); err != nil {
		t.Fatal(err)
	}
}

// life is an account from its enrolment to its deletion, with kills in every flow; often bounds those of each.
func (v *victim) life(often int) {
	for range often {
		if v.strike("enrol", v.enrol) {
			break
		}
	}
	if out, err := v.enrol(v.running()); err != nil || out.Err != "" {
		v.t.Fatalf("enrol after the kills: %v %s\n%s", err, out.Err, v.app.log)
	}
	if all := v.must("certificates").List; len(all) != 1 {
		v.t.Fatalf("certificates %v", all)
	}
	for i := range often {
		doc := fmt.Sprint("document ", i)
		done := v.strike("sign", func(a *app) (answer, error) { return a.call("sign", v.cert, doc, v.pw) })
		if done {
			v.signed = append(v.signed, doc)
			doc = ""
		}
		// What was made without an answer enters the history with the next use of the key.
		if out := v.must("sign", v.cert, "next", v.pw); out.Err != "" {
			v.t.Fatal(out.Err)
		}
		v.noted(doc, "next")
	}
	other := string(other)
	for range often {
		done := v.strike("change", func(a *app) (answer, error) { return a.call("change", v.cert, v.pw, other) })
		oldWorks, newWorks := v.usable(v.pw), v.usable(other)
		if oldWorks == newWorks || done && !newWorks {
			v.t.Fatalf("acknowledged %v: old password %v, new %v", done, oldWorks, newWorks)
		}
		if newWorks {
			v.pw, other = other, v.pw
		}
		v.checkHistory()
	}
	for i := range often {
		flow := []string{"bind", "unbind"}[i%2]
		done := v.strike(flow, func(a *app) (answer, error) { return a.call(flow, v.cert, v.pw) })
		here := v.must("binding", v.cert).Text
		if want := fmt.Sprint(i%2 == 0); here != want {
			if done {
				v.t.Fatalf("%s was acknowledged", flow)
			}
			v.must(flow, v.cert, v.pw)
		}
	}
	for range often {
		done := v.strike("ink", func(a *app) (answer, error) { return a.call("ink", v.cert, v.pw) })
		if has := strings.Fields(v.must("certificates").List[0])[3] == "true"; done && !has {
			v.t.Fatal("handwriting was acknowledged")
		}
	}
	v.must("ink", v.cert, v.pw)
	v.checkHistory()
	v.must("check")
	if !v.strike("delete", func(a *app) (answer, error) { return a.call("delete", v.cert) }) {
		if all := v.must("certificates").List; len(all) > 0 {
			v.must("delete", v.cert)
		}
	}
	if all := v.must("certificates").List; len(all) != 0 {
		v.t.Fatalf("deleted: %v", all)
	}
	v.must("check")
}

// noted holds that a document whose signature was in doubt stands before the next one or nowhere.
func (v *victim) noted(doubtful, next string) {
	v.t.Helper()
	got := v.must("history", v.cert).List
	slices.Reverse(got)
	want := append(slices.Clone(v.signed), next)
	if doubtful != "" && len(got) > len(v.signed) && got[len(v.signed)] == doubtful {
		want = append(append(slices.Clone(v.signed), doubtful), next)
	}
	if !slices.Equal(got, want) {
		v.t.Fatalf("history %v, acknowledged %v, in doubt %q", got, v.signed, doubtful)
	}
	v.signed = want
}

// audited counts by account what a stopped CA did of one kind.
func audited(t testing.TB, dir, event string) map[string]int {
	t.Helper()
	out := map[string]int{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".db" {
			return err
		}
		db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, Timeout: time.Second})
		if err != nil {
			return err
		}
		defer db.Close()
		return db.View(func(tx *bbolt.Tx) error {
			return tx.Bucket([]byte("audit")).ForEach(func(_, raw []byte) error {
				var e struct{ Event, Result, Account string }
				if err := json.Unmarshal(raw, &e); err != nil {
					return err
				}
				if e.Event == event && e.Result == "ok" {
					out[e.Account]++
				}
				return nil
			})
		})
	})
	if err != nil || len(out) == 0 {
		t.Fatal("audit log of the CA: ", len(out), err)
	}
	return out
}
