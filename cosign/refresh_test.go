package cosign

import (
	"bytes"
	"context"
	"errors"
	"testing"
)

var newPIN = []byte("864209")

func TestM19_ChangePIN(t *testing.T) {
	server := newTestServer(t, nil)
	s, store := newKey(t, server, nil)
	old := store.share(t, s.id)
	key, _, _ := server.load(s.id)
	if err := s.ChangePIN(t.Context(), testPIN, newPIN, fastKDF); err != nil {
		t.Fatal(err)
	}
	signOnce(t, s, newPIN)
	now := store.share(t, s.id)
	after, _, _ := server.load(s.id)
	if now.Epoch() != 1 || after.Epoch() != 1 || after.Initial() || !now.public.equal(old.public) {
		t.Error("epoch or public key is wrong")
	}
	if after.current.d2.equal(key.current.d2) || now.current.masked.unmask(newPIN).equal(old.current.masked.unmask(testPIN)) {
		t.Error("shares were not refreshed")
	}
	wantWrongPIN(t, s, testPIN, 2)
	signOnce(t, s, newPIN)
}

func TestM19_WrongOldPINChangesNothing(t *testing.T) {
	server := newTestServer(t, nil)
	s, store := newKey(t, server, nil)
	var wrong *PINError
	if err := s.ChangePIN(t.Context(), wrongPIN, newPIN, fastKDF); !errors.As(err, &wrong) || wrong.AttemptsLeft != 2 {
		t.Fatal(err)
	}
	if share := store.share(t, s.id); share.next != nil || share.open != nil {
		t.Error("something was left behind")
	}
	signOnce(t, s, testPIN)
}

// wantWrongPIN signs with a wrong PIN and expects so many attempts left.
func wantWrongPIN(t testing.TB, s *Signer, pin []byte, left int) {
	t.Helper()
	var wrong *PINError
	_, err := s.SignDigests(t.Context(), [][]byte{make([]byte, 32)}, pin)
	if !errors.As(err, &wrong) || wrong.AttemptsLeft != left {
		t.Fatalf("signing with a wrong PIN: %v, want %d attempts left", err, left)
	}
}

var errCut = errors.New("connection lost")

// usable says which PINs sign. It works on copies of both sides, so that trying does not change anything.
func usable(t testing.TB, server *testServer, store *memoryStore, id KeyID, pins ...[]byte) (good [][]byte) {
	t.Helper()
	for _, pin := range pins {
		copied := &testServer{server: server.server, seal: server.seal, now: server.now}
		copied.keys, copied.guards = map[KeyID][]byte{id: bytes.Clone(server.keys[id])}, map[KeyID][]byte{id: bytes.Clone(server.guards[id])}
		copied.restart()
		s, err := OpenSigner(context.Background(), id, store.image(), copied)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Recover(context.Background()); err != nil {
			t.Fatal("Recover:", err)
		}
		if _, err := s.SignDigests(context.Background(), [][]byte{make([]byte, 32)}, pin); err == nil {
			good = append(good, pin)
		}
	}
	return good
}

// TestM19_CrashAnywhere cuts the PIN change before and after each message and each store, restarts one or both sides,
// and finds exactly one usable PIN.
func TestM19_CrashAnywhere(t *testing.T) {
	type cutting struct {
		round int
		after bool
	}
	changed := 0
	for _, c := range []cutting{{1, false}, {1, true}, {3, false}, {3, true}, {5, false}, {5, true}} {
		server := newTestServer(t, nil)
		s, store := newKey(t, server, nil)
		lost := false
		server.cut = func(call Call) (before, after error) {
			switch {
			case lost: // and no Resume either
				return errCut, nil
			case call.Operation == Refresh && call.Round == c.round:
				lost = true
				if c.after {
					return nil, errCut
				}
				return errCut, nil
			}
			return nil, nil
		}
		err := s.ChangePIN(t.Context(), testPIN, newPIN, fastKDF)
		var uncertain *UncertainError
		if c.round > 1 && !errors.As(err, &uncertain) || err == nil {
			t.Fatalf("%+v: %v", c, err)
		}
		good := usable(t, server, store, s.id, testPIN, newPIN)
		if len(good) != 1 {
			t.Fatalf("%+v: %d usable PINs", c, len(good))
		}
		wantNew := c.round == 5 && c.after
		if bytes.Equal(good[0], newPIN) != wantNew {
			t.Errorf("%+v: the other PIN stands", c)
		}
		server.cut = nil
		if c.round > 1 {
			if _, err := s.Begin(t.Context(), [][]byte{make([]byte, 32)}); !errors.Is(err, ErrUnanswered) {
				t.Errorf("%+v: an unanswered request was passed over: %v", c, err)
			}
		}
		st, err := s.Recover(t.Context())
		if err != nil || st.PINChanged != wantNew {
			t.Fatalf("%+v: Recover: %+v, %v", c, st, err)
		}
		if st.PINChanged {
			changed++
		}
		signOnce(t, s, good[0])
	}
	if changed != 1 {
		t.Error("the new PIN should stand in one case")
	}
}

// TestM19_FullDisk fails each store of a PIN change in turn.
func TestM19_FullDisk(t *testing.T) {
	for failing := range 3 {
		server := newTestServer(t, nil)
		s, store := newKey(t, server, nil)
		disk := &failingStore{memoryStore: store, failAt: failing}
		s.store = disk
		err := s.ChangePIN(t.Context(), testPIN, newPIN, fastKDF)
		if !errors.Is(err, errDisk) {
			t.Fatalf("store %d: %v", failing, err)
		}
		if good := usable(t, server, store, s.id, testPIN, newPIN); len(good) != 1 {
			t.Fatalf("store %d: %d usable PINs", failing, len(good))
		}
	}
}

var errDisk = errors.New("disk full")

type failingStore struct {
	*memoryStore
	n, failAt int
}

func (f *failingStore) StoreShare(ctx context.Context, id KeyID, record []byte) error {
	if f.n++; f.n > f.failAt {
		return errDisk
	}
	return f.memoryStore.StoreShare(ctx, id, record)
}

func TestRefreshContinuesAfterOneLostAnswer(t *testing.T) {
	for _, round := range []int{3, 5} {
		server := newTestServer(t, nil)
		s, _ := newKey(t, server, nil)
		lost := false
		server.cut = func(call Call) (before, after error) {
			if call.Operation == Refresh && call.Round == round && !lost {
				lost = true
				return nil, errCut
			}
			return nil, nil
		}
		if err := s.ChangePIN(t.Context(), testPIN, newPIN, fastKDF); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		signOnce(t, s, newPIN)
	}
}

func TestM20_ResetPIN(t *testing.T) {
	server := newTestServer(t, nil)
	s, _ := newKey(t, server, nil)
	for i := range 3 {
		wantWrongPIN(t, s, wrongPIN, []int{2, 1, 0}[i])
	}
	var locked *LockedError
	if _, err := s.Begin(t.Context(), [][]byte{make([]byte, 32)}); !errors.As(err, &locked) {
		t.Fatal(err)
	}
	if err := s.ResetPIN(t.Context(), newPIN, fastKDF); err != nil {
		t.Fatal(err)
	}
	signOnce(t, s, newPIN)
	// The wrap was made anew: it works again, also after a PIN change.
	if err := s.ChangePIN(t.Context(), newPIN, testPIN, fastKDF); err != nil {
		t.Fatal(err)
	}
	if err := s.ResetPIN(t.Context(), newPIN, fastKDF); err != nil {
		t.Fatal(err)
	}
	signOnce(t, s, newPIN)
	server.allowed[Recover] = false
	if err := s.ResetPIN(t.Context(), testPIN, fastKDF); !errors.Is(err, ErrConflict) {
		t.Fatal("a recovery that the server did not authorise:", err)
	}
}
