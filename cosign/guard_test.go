package cosign

import (
	"errors"
	"testing"
	"time"
)

func TestM13_LockLadder(t *testing.T) {
	server := newTestServer(t, nil)
	s, _ := newKey(t, server, nil)
	steps := []struct {
		left int
		lock time.Duration // 0 none, <0 until unlocked
	}{{2, 0}, {1, 0}, {0, 3 * time.Hour}, {2, 0}, {1, 0}, {0, 24 * time.Hour}, {2, 0}, {1, 0}, {0, -1}}
	for i, step := range steps {
		var wrong *PINError
		_, err := s.SignDigests(t.Context(), [][]byte{make([]byte, 32)}, wrongPIN)
		if !errors.As(err, &wrong) || wrong.AttemptsLeft != step.left || wrong.Locked != (step.lock != 0) {
			t.Fatalf("attempt %d: %v %+v", i+1, err, wrong)
		}
		var want time.Time
		if step.lock > 0 {
			want = server.now.Add(step.lock)
		}
		if !wrong.LockedUntil.Equal(want) {
			t.Errorf("attempt %d: locked until %v, want %v", i+1, wrong.LockedUntil, want)
		}
		if step.lock == 0 {
			continue
		}
		for _, pin := range [][]byte{wrongPIN, testPIN} { // a locked key does not look at the PIN
			var locked *LockedError
			if _, err := s.SignDigests(t.Context(), [][]byte{make([]byte, 32)}, pin); !errors.As(err, &locked) || !locked.Until.Equal(want) {
				t.Errorf("locked after %d: %v", i+1, err)
			}
		}
		if step.lock > 0 {
			server.now = want.Add(-time.Second)
			if !server.guard(t, s.id).Status(server.now).Locked {
				t.Error("lock ends early")
			}
			server.now = want
		}
	}
	server.now = server.now.AddDate(10, 0, 0)
	if st := server.guard(t, s.id).Status(server.now); !st.Locked || !st.LockedUntil.IsZero() {
		t.Errorf("after nine failures: %+v", st)
	}
	g := server.guard(t, s.id)
	g.Unlock()
	server.save(nil, g)
	signOnce(t, s, testPIN)
}

func TestM13_SuccessResetsTheCounter(t *testing.T) {
	server := newTestServer(t, nil)
	s, _ := newKey(t, server, nil)
	for range 4 {
		wantWrongPIN(t, s, wrongPIN, 2)
		wantWrongPIN(t, s, wrongPIN, 1)
		signOnce(t, s, testPIN)
	}
}

func TestCrashBetweenCounterAndCheckCounts(t *testing.T) {
	server := newTestServer(t, nil)
	s, _ := newKey(t, server, nil)
	crash := errors.New("power loss")
	for i := range 3 {
		server.beforeSettle = func() error { return crash }
		server.cut = func(c Call) (before, after error) {
			if c.Operation == Resume {
				return errCut, nil
			}
			return nil, nil
		}
		var uncertain *UncertainError
		if _, err := s.SignDigests(t.Context(), [][]byte{make([]byte, 32)}, testPIN); !errors.As(err, &uncertain) {
			t.Fatal(err)
		}
		server.cut, server.beforeSettle = nil, nil
		if i < 2 { // once without a restart, so that Resume ends the reservation
			server.restart()
		}
		st, err := s.Recover(t.Context())
		if err != nil || st.Done || !errors.Is(st.Err, ErrNotRun) || st.Operation != Sign {
			t.Fatalf("%+v %v", st, err)
		}
		if left := server.guard(t, s.id).Status(server.now).AttemptsLeft; left != []int{2, 1, 0}[i] {
			t.Errorf("after crash %d: %d attempts left", i+1, left)
		}
	}
	var locked *LockedError
	if _, err := s.Begin(t.Context(), [][]byte{make([]byte, 32)}); !errors.As(err, &locked) {
		t.Error("three crashed attempts did not lock:", err)
	}
}

func TestLostAnswerOfSignatureIsResumed(t *testing.T) {
	server := newTestServer(t, nil)
	s, store := newKey(t, server, nil)
	e := digest(t, s, []byte("lost"))

	// Only the answer is lost: the same call still returns the signature.
	lost := 0
	server.cut = func(c Call) (before, after error) {
		if c.Round == 3 && lost == 0 {
			lost++
			return nil, errCut
		}
		return nil, nil
	}
	sigs, err := s.SignDigests(t.Context(), [][]byte{e}, testPIN)
	if err != nil || !sigs[0].Verify(s.public, e) {
		t.Fatal(err)
	}

	// Everything after S3 is lost, then the app restarts: the signature is fetched, once, and the same each time.
	server.cut = func(c Call) (before, after error) {
		if c.Round == 3 {
			return nil, errCut
		}
		if c.Operation == Resume {
			return errCut, nil
		}
		return nil, nil
	}
	var uncertain *UncertainError
	if _, err := s.SignDigests(t.Context(), [][]byte{e}, testPIN); !errors.As(err, &uncertain) || uncertain.Operation != Sign {
		t.Fatal(err)
	}
	server.cut = nil
	want := server.last.Signatures[0]
	s, err = OpenSigner(t.Context(), s.id, store, server)
	if err != nil {
		t.Fatal(err)
	}
	server.restart()
	st, err := s.Recover(t.Context())
	if err != nil || !st.Done || st.Session != uncertain.Session || st.Signatures[0] != want {
		t.Fatalf("%+v %v", st, err)
	}
	if st, err = s.Recover(t.Context()); err != nil || st.Operation != 0 {
		t.Fatalf("second Recover: %+v %v", st, err)
	}
	signOnce(t, s, testPIN)

	// A wrong PIN whose answer is lost is told by Recover.
	server.cut = func(c Call) (before, after error) {
		if c.Round == 3 {
			return nil, errCut
		}
		if c.Operation == Resume {
			return errCut, nil
		}
		return nil, nil
	}
	if _, err := s.SignDigests(t.Context(), [][]byte{e}, wrongPIN); !errors.As(err, &uncertain) {
		t.Fatal(err)
	}
	server.cut = nil
	var wrong *PINError
	if st, err = s.Recover(t.Context()); err != nil || st.Done || !errors.As(st.Err, &wrong) || wrong.AttemptsLeft != 2 {
		t.Fatalf("%+v %v", st, err)
	}
	signOnce(t, s, testPIN)
}

func TestRequestNeverSentIsForgotten(t *testing.T) {
	server := newTestServer(t, nil)
	s, _ := newKey(t, server, nil)
	server.cut = func(c Call) (before, after error) {
		if c.Round == 3 {
			return errors.Join(errCut, ErrNotSent), nil
		}
		return nil, nil
	}
	if _, err := s.SignDigests(t.Context(), [][]byte{make([]byte, 32)}, testPIN); !errors.Is(err, ErrNotRun) || !errors.Is(err, errCut) {
		t.Fatal(err)
	}
	server.cut = nil
	signOnce(t, s, testPIN)
}

func TestKeyConfirmationIsResumed(t *testing.T) {
	for _, after := range []bool{false, true} {
		server := newTestServer(t, nil)
		store := newStore()
		id := NewKeyID()
		server.cut = func(c Call) (error, error) {
			if c.Round != 3 {
				return nil, nil
			}
			if after {
				return nil, errCut
			}
			return errCut, nil
		}
		var uncertain *UncertainError
		if _, err := GenerateKey(t.Context(), id, server.seal.Public(), fastKDF, testPIN, store, server); !errors.As(err, &uncertain) {
			t.Fatal(err)
		}
		server.cut = nil
		if after {
			server.restart()
		}
		s, err := OpenSigner(t.Context(), id, store, server)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Begin(t.Context(), [][]byte{make([]byte, 32)}); !errors.Is(err, ErrUnconfirmed) {
			t.Error("an unconfirmed key was used:", err)
		}
		if st, err := s.Recover(t.Context()); err != nil || !st.Done || st.Operation != Generate {
			t.Fatalf("%+v %v", st, err)
		}
		signOnce(t, s, testPIN)
	}
	// The server restarted before KG3: the key was never made.
	server := newTestServer(t, nil)
	store, id := newStore(), NewKeyID()
	server.cut = func(c Call) (error, error) {
		if c.Round == 3 {
			return errCut, nil
		}
		return nil, nil
	}
	if _, err := GenerateKey(t.Context(), id, server.seal.Public(), fastKDF, testPIN, store, server); err == nil {
		t.Fatal("no error")
	}
	server.cut = nil
	server.restart()
	s, err := OpenSigner(t.Context(), id, store, server)
	if err != nil {
		t.Fatal(err)
	}
	if st, err := s.Recover(t.Context()); err != nil || st.Done || !errors.Is(st.Err, ErrNotRun) {
		t.Fatalf("%+v %v", st, err)
	}
}
