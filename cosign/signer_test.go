package cosign

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/emmansun/gmsm/sm2"
)

func TestSignerIsSafeForConcurrentUse(t *testing.T) {
	server := newTestServer(t, nil)
	s, _ := newKey(t, server, nil)
	s = s.WithPIN(givePIN(testPIN))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			e := hashOf(string(rune('a' + i)))
			der, err := s.WithContext(t.Context()).Sign(nil, e, nil)
			if err != nil || !sm2.VerifyASN1(s.public, e, der) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if left := server.guard(t, s.id).Status(server.now).AttemptsLeft; left != 3 {
		t.Errorf("%d attempts left", left)
	}
}

func TestCancelledCallsSayWhetherTheServerMayHaveActed(t *testing.T) {
	server := newTestServer(t, nil)
	s, store := newKey(t, server, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.SignDigests(ctx, [][]byte{make([]byte, 32)}, testPIN); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	var uncertain *UncertainError

	// Cancelled after S3 went out: the server may have acted.
	ctx, cancel = context.WithCancel(t.Context())
	p, err := s.Begin(ctx, [][]byte{hashOf("a")})
	if err != nil {
		t.Fatal(err)
	}
	server.cut = func(c Call) (before, after error) {
		if c.Round == 3 {
			cancel()
			return nil, ctx.Err()
		}
		return nil, nil
	}
	if _, err := p.Finish(ctx, testPIN); !errors.As(err, &uncertain) || !errors.Is(err, context.Canceled) || uncertain.Operation != Sign {
		t.Fatal(err)
	}
	server.cut = nil
	if st, err := s.Recover(t.Context()); err != nil || !st.Done || !st.Signatures[0].Verify(s.public, hashOf("a")) {
		t.Fatalf("%+v %v", st, err)
	}
	if _, err := p.Finish(t.Context(), testPIN); !errors.Is(err, ErrUsed) {
		t.Error("finished twice:", err)
	}

	// Cancelled by the user before the password: nothing happened, and the next one goes through.
	if p, err = s.Begin(t.Context(), [][]byte{hashOf("b")}); err != nil {
		t.Fatal(err)
	}
	p.Cancel()
	if _, err := p.Finish(t.Context(), testPIN); !errors.Is(err, ErrUsed) {
		t.Error("finished after cancelling:", err)
	}
	signOnce(t, s, testPIN)

	// The record cannot be stored: nothing is sent.
	store.fail = errDisk
	sent := false
	server.cut = func(c Call) (error, error) { sent = sent || c.Round == 3; return nil, nil }
	if _, err := s.SignDigests(t.Context(), [][]byte{hashOf("c")}, testPIN); !errors.Is(err, errDisk) || sent {
		t.Error(err, sent)
	}
	store.fail = nil
	signOnce(t, s, testPIN)
}

func TestPINsAreWipedOrLeftAlone(t *testing.T) {
	server := newTestServer(t, nil)
	s, _ := newKey(t, server, nil)
	given := bytes.Clone(testPIN)
	if _, err := s.WithPIN(func(context.Context) ([]byte, error) { return given, nil }).Sign(nil, hashOf("a"), nil); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(given, make([]byte, len(given))) {
		t.Error("a PIN from PINFunc was not wiped")
	}
	mine := bytes.Clone(testPIN)
	if _, err := s.SignDigests(t.Context(), [][]byte{hashOf("a")}, mine); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(mine, testPIN) {
		t.Error("the caller's PIN was changed")
	}
	refused := errors.New("user gave up")
	if _, err := s.WithPIN(func(context.Context) ([]byte, error) { return nil, refused }).Sign(nil, hashOf("a"), nil); !errors.Is(err, refused) {
		t.Error(err)
	}
	if _, err := s.Sign(nil, hashOf("a"), nil); err == nil {
		t.Error("signed without a PIN")
	}
}

func TestErrorsContainNoSecrets(t *testing.T) {
	server := newTestServer(t, nil)
	s, _ := newKey(t, server, nil)
	_, err := s.SignDigests(t.Context(), [][]byte{hashOf("a")}, wrongPIN)
	share := s.mustLoad(t)
	for _, e := range []error{err, &UncertainError{Operation: Sign, Err: errCut}, &LockedError{}} {
		for _, secret := range [][]byte{wrongPIN, testPIN, share.current.masked.c.bytes()} {
			if bytes.Contains([]byte(e.Error()), secret) {
				t.Errorf("%q contains a secret", e)
			}
		}
	}
}

func TestSessionsAreBounded(t *testing.T) {
	server := newTestServer(t, nil)
	s := NewSessions(10, 2)
	now := server.now
	a, b, c := &Session{id: SessionID{1}, keyID: KeyID{1}}, &Session{id: SessionID{2}, keyID: KeyID{2}}, &Session{id: SessionID{3}, keyID: KeyID{3}}
	if err := errors.Join(s.Put(a, now), s.Put(b, now)); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(c, now); !errors.Is(err, ErrBusy) {
		t.Error("more sessions than allowed:", err)
	}
	if err := s.Put(c, now.Add(10)); err != nil {
		t.Error("old sessions keep new ones out:", err)
	}
	if _, err := s.Take(a.id, now.Add(10)); !errors.Is(err, ErrSession) {
		t.Error("an expired session was taken:", err)
	}
	got, err := s.Take(c.id, now.Add(11))
	if err != nil || got != c {
		t.Fatal(err)
	}
	if _, err := s.Take(c.id, now.Add(11)); !errors.Is(err, ErrSession) {
		t.Error("taken twice:", err)
	}
	s.Return(c, now.Add(11))
	d := &Session{id: SessionID{4}, keyID: KeyID{3}}
	if err := s.Put(d, now.Add(11)); err != nil {
		t.Fatal(err)
	}
	s.Return(c, now.Add(11))
	if _, err := s.Take(c.id, now.Add(11)); !errors.Is(err, ErrSession) {
		t.Error("a session came back beside a newer one:", err)
	}
	s.Drop(KeyID{3})
	if _, err := s.Take(d.id, now.Add(11)); !errors.Is(err, ErrSession) || !d.used {
		t.Error("a dropped session was taken:", err)
	}
}
