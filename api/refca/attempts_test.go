package refca_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"cloudkey/api"
	"cloudkey/api/gen"
	"cloudkey/cosign"
)

const password = "Passw0rd"

// wrongPIN fails unless err is a counted wrong password, and returns it.
func wrongPIN(t *testing.T, err error) *cosign.PINError {
	t.Helper()
	var p *cosign.PINError
	if !errors.As(err, &p) {
		t.Fatalf("got %v, want a wrong password", err)
	}
	return p
}

func TestM13_LadderHoldsOverRestarts(t *testing.T) {
	b := newBench(t)
	f := b.phone().enrol("10001").ready(password)
	locked := func(until time.Time) {
		t.Helper()
		_, err := f.sign("x", password)
		if p := f.line.problem; err == nil || p.Code != gen.ProblemCodePinLocked || !p.LockedUntil.Equal(until) {
			t.Fatalf("%v, problem %+v; want pinLocked until %v", err, p, until)
		}
	}
	for i, wait := range []time.Duration{3 * time.Hour, 24 * time.Hour, 0} {
		for left := 2; left >= 1; left-- {
			b.restart()
			f.p.connect()
			_, err := f.sign("x", "wrong")
			if p := wrongPIN(t, err); p.AttemptsLeft != left {
				t.Fatalf("step %d: %d left, want %d", i, p.AttemptsLeft, left)
			}
			if p := f.line.problem; p.Code != gen.ProblemCodePinWrong || *p.AttemptsLeft != left {
				t.Fatalf("step %d: problem %+v", i, p)
			}
		}
		_, err := f.sign("x", "wrong")
		if p := wrongPIN(t, err); !p.Locked || p.AttemptsLeft != 0 {
			t.Fatalf("step %d: %+v", i, p)
		}
		if p := f.line.problem; p.Code != gen.ProblemCodePinLocked {
			t.Fatalf("step %d: problem %+v", i, p)
		}
		b.restart()
		f.p.connect()
		var until time.Time
		if wait > 0 {
			until = b.clock.now().Add(wait)
			b.clock.pass(wait - time.Second)
		} else {
			b.clock.pass(100 * 24 * time.Hour)
		}
		locked(until)
		status, err := f.p.api.GetCredentialStatus(t.Context(), f.id.String())
		if err != nil || !status.Locked || !status.LockedUntil.Equal(until) {
			t.Fatalf("status %+v, %v", status, err)
		}
		b.clock.pass(time.Second)
	}
	if err := b.ca.Unlock(t.Context(), serialOf(t, f.issued)); err != nil {
		t.Fatal(err)
	}
	if _, err := f.sign("x", password); err != nil {
		t.Fatal(err)
	}
	_, err := f.sign("x", "wrong")
	if p := wrongPIN(t, err); p.AttemptsLeft != 2 {
		t.Errorf("after a right password %d left", p.AttemptsLeft)
	}
}

// copies are n phones with the same device key and a copy of the same file.
func (f *profile) copies(n int) []*profile {
	f.p.b.t.Helper()
	record, err := f.p.LoadShare(f.p.b.t.Context(), f.id)
	if err != nil {
		f.p.b.t.Fatal(err)
	}
	out := make([]*profile, n)
	for i := range out {
		out[i] = f.copyWith(record)
	}
	return out
}

func (f *profile) copyWith(record []byte) *profile {
	f.p.b.t.Helper()
	p := f.p.b.phoneWith(f.p.key)
	p.shares[f.id] = append([]byte{}, record...)
	c := &profile{p: p, id: f.id, account: f.account, code: f.code, issued: f.issued, line: &line{p: p}}
	var err error
	if c.signer, err = cosign.OpenSigner(p.b.t.Context(), f.id, p, c.line); err != nil {
		p.b.t.Fatal(err)
	}
	return c
}

func TestParallelGuessesWithOneTryLeft(t *testing.T) {
	b := newBench(t)
	f := b.phone().enrol("10001").ready(password)
	for range 2 {
		_, err := f.sign("x", "wrong")
		wrongPIN(t, err)
	}
	var mu sync.Mutex
	evaluated := 0
	var wg sync.WaitGroup
	for i, c := range f.copies(64) {
		wg.Go(func() {
			_, err := c.sign("x", fmt.Sprintf("guess%d", i))
			var p *cosign.PINError
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				t.Error("a guess signed")
			}
			if errors.As(err, &p) || errors.Is(err, cosign.ErrCloneSuspected) {
				evaluated++
			}
		})
	}
	wg.Wait()
	lines, err := b.ca.Audit()
	if err != nil {
		t.Fatal(err)
	}
	counted := 0
	for _, l := range lines {
		if l == "finishSignature pinWrong" || l == "finishSignature pinLocked" || l == "finishSignature invalidRequest" {
			counted++
		}
	}
	if counted > 3 {
		t.Errorf("%d attempts were evaluated, the ladder allows 3", counted)
	}
	if status, err := f.p.api.GetCredentialStatus(t.Context(), f.id.String()); err != nil || !status.Locked && counted == 3 {
		t.Errorf("%+v, %v", status, err)
	}
}

func TestKillBetweenCounterAndCheck(t *testing.T) {
	b := newBench(t)
	f := b.phone().enrol("10001").ready(password)
	for i := range 3 {
		image := filepath.Join(t.TempDir(), "ca.db")
		b.ca.OnReserved(func(string) {
			if err := b.ca.Snapshot(image); err != nil {
				t.Error(err)
			}
		})
		f.line.lose = func(cosign.Call) error { return nil }
		_, err := f.sign("x", "wrong")
		wrongPIN(t, err)
		// The process dies at the hook: the phone has sent, the file is as it was then.
		b.restartFrom(image)
		f.p.connect()
		status, err := f.p.api.GetCredentialStatus(t.Context(), f.id.String())
		if err != nil {
			t.Fatal(err)
		}
		if locked := i == 2; status.Locked != locked {
			t.Fatalf("after %d kills locked is %v", i+1, status.Locked)
		}
	}
}

func TestRestartBetweenMessages(t *testing.T) {
	b := newBench(t)
	p := b.phone()

	// Between KG2 and KG3: the key generation fails, another one goes through.
	e, code := p.proven("10001")
	cut := &line{p: p, enrolment: e, before: func(c *cosign.Call) {
		if c.Operation == cosign.Generate && c.Round == 3 {
			b.restart()
			p.connect()
		}
	}}
	if _, err := cosign.GenerateKey(t.Context(), cosign.NewKeyID(), b.init.SealKey[:], lightKDF(), []byte(code), p, cut); err == nil {
		t.Fatal("key generation went through a restart that lost the server's half")
	}
	f := p.keyed(e, "10001", code).certify()

	// Between F4 and F5: exactly one password is usable afterwards.
	f.line.before = func(c *cosign.Call) {
		if c.Operation == cosign.Refresh && c.Round == 5 {
			b.restart()
			p.connect()
		}
	}
	if err := f.signer.ChangePIN(t.Context(), f.code, []byte(password), lightKDF()); err == nil {
		t.Fatal("the commit went through a restart that lost its session")
	}
	f.line.before = nil
	state, err := f.signer.Recover(t.Context())
	if err != nil || state.PINChanged {
		t.Fatalf("%+v, %v", state, err)
	}
	f.ready(password)

	// Between S2 and S3: nothing is counted, the next signature goes through.
	f.line.before = func(c *cosign.Call) {
		if c.Operation == cosign.Sign && c.Round == 3 {
			b.restart()
			p.connect()
		}
	}
	if _, err := f.sign("x", password); !errors.Is(err, cosign.ErrNotRun) {
		t.Fatalf("got %v", err)
	}
	f.line.before = nil
	signature, err := f.sign("x", password)
	if err != nil {
		t.Fatal(err)
	}
	verifyOutside(t, f.issued, []byte("x"), signature)
}

func TestLostAnswerIsFetchedOnce(t *testing.T) {
	b := newBench(t)
	f := b.phone().enrol("10001").ready(password)
	lostOnce := func(op cosign.Operation, round int) {
		f.line.lose = func(c cosign.Call) error {
			if c.Operation == op && c.Round == round {
				f.line.lose = nil
				return errLost
			}
			return nil
		}
	}
	before := countSigned(t, b)
	lostOnce(cosign.Sign, 3)
	signature, err := f.sign("x", password)
	if err != nil {
		t.Fatal(err)
	}
	verifyOutside(t, f.issued, []byte("x"), signature)
	if n := countSigned(t, b) - before; n != 1 {
		t.Errorf("%d signatures", n)
	}
	// A lost commit of a password change: the new password stands.
	lostOnce(cosign.Refresh, 5)
	if err := f.signer.ChangePIN(t.Context(), []byte(password), []byte("N3wPassword"), lightKDF()); err != nil {
		t.Fatal(err)
	}
	if _, err := f.sign("x", "N3wPassword"); err != nil {
		t.Error(err)
	}
	_, err = f.sign("x", password)
	wrongPIN(t, err)
}

func countSigned(t *testing.T, b *bench) (n int) {
	t.Helper()
	lines, err := b.ca.Audit()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lines {
		if l == "finishSignature ok" {
			n++
		}
	}
	return n
}

func TestOldShareAfterAPasswordChange(t *testing.T) {
	b := newBench(t)
	f := b.phone().enrol("10001").ready(password)
	old := f.copies(1)[0]
	if err := f.signer.ChangePIN(t.Context(), []byte(password), []byte("N3wPassword"), lightKDF()); err != nil {
		t.Fatal(err)
	}
	if _, err := old.sign("x", password); err == nil {
		t.Fatal("the old share signed with the old password")
	}
	if p := old.line.problem; p == nil || p.Code != gen.ProblemCodeStateConflict {
		t.Errorf("problem %+v", p)
	}
	if _, err := f.sign("x", "N3wPassword"); err != nil {
		t.Errorf("the new share: %v", err)
	}
}

func TestCopyOfThePhoneIsNoticed(t *testing.T) {
	b := newBench(t)
	f := b.phone().enrol("10001").ready(password)
	thief := f.copies(1)[0]
	if _, err := f.sign("x", password); err != nil {
		t.Fatal(err)
	}
	if _, err := thief.sign("x", password); !errors.Is(err, cosign.ErrCloneSuspected) {
		t.Fatalf("got %v", err)
	}
	if p := thief.line.problem; p.Code != gen.ProblemCodeCloneSuspected {
		t.Errorf("problem %+v", p)
	}
	_, err := f.sign("x", password)
	if !errors.Is(err, cosign.ErrCloneSuspected) {
		t.Fatalf("the owner got %v", err)
	}
	if err := b.ca.Unlock(t.Context(), serialOf(t, f.issued)); err != nil {
		t.Fatal(err)
	}
	if _, err := f.sign("x", password); err != nil {
		t.Errorf("after the operator's decision: %v", err)
	}
}

func TestRestoredServerDatabaseIsNoticed(t *testing.T) {
	b := newBench(t)
	f := b.phone().enrol("10001").ready(password)
	image := filepath.Join(t.TempDir(), "ca.db")
	if err := b.ca.Snapshot(image); err != nil {
		t.Fatal(err)
	}
	if _, err := f.sign("x", password); err != nil {
		t.Fatal(err)
	}
	b.restartFrom(image)
	f.p.connect()
	if _, err := f.sign("x", password); !errors.Is(err, cosign.ErrCloneSuspected) {
		t.Fatalf("got %v", err)
	}
}

func TestRevocationWinsOverASignatureInTheMaking(t *testing.T) {
	b := newBench(t)
	f := b.phone().enrol("10001").ready(password)
	b.ca.OnReserved(func(string) {
		if err := b.ca.Revoke(context.Background(), serialOf(t, f.issued)); err != nil {
			t.Error(err)
		}
	})
	if _, err := f.sign("x", password); err == nil {
		t.Fatal("a signature was released after the revocation")
	}
	var p *api.Problem = f.line.problem
	if p == nil || p.Code != gen.ProblemCodeStateConflict || len(p.Message) > 0 {
		t.Errorf("problem %+v", p)
	}
	if n := countSigned(t, b); n != 1 { // the certificate request
		t.Errorf("%d signatures", n)
	}
	status, err := f.p.api.GetCredentialStatus(t.Context(), f.id.String())
	if err != nil || status.State != gen.CredentialStateRevoked {
		t.Errorf("%+v, %v", status, err)
	}
}
