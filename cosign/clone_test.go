package cosign

import (
	"context"
	"errors"
	"testing"
)

// clone opens a copy of the phone's record.
func clone(t testing.TB, server *testServer, s *Signer, image *memoryStore) *Signer {
	t.Helper()
	c, err := OpenSigner(context.Background(), s.id, image, server)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCloneWithRightPINIsNoticedAtTheNextUse(t *testing.T) {
	server := newTestServer(t, nil)
	owner, store := newKey(t, server, nil)
	signOnce(t, owner, testPIN)
	thief := clone(t, server, owner, store.image())
	signOnce(t, thief, testPIN) // the copy is as good as the original, once
	_, err := owner.SignDigests(t.Context(), [][]byte{make([]byte, 32)}, testPIN)
	if !errors.Is(err, ErrCloneSuspected) || server.last.Signatures != nil {
		t.Fatal(err)
	}
	if !server.guard(t, owner.id).Status(server.now).Frozen {
		t.Fatal("not frozen")
	}
	for _, s := range []*Signer{owner, thief} {
		if _, err := s.SignDigests(t.Context(), [][]byte{make([]byte, 32)}, testPIN); !errors.Is(err, ErrCloneSuspected) {
			t.Error("used while frozen:", err)
		}
	}
	// Recovery heals it for the owner and makes a stranger of the copy.
	if err := owner.ResetPIN(t.Context(), newPIN, fastKDF); err != nil {
		t.Fatal(err)
	}
	signOnce(t, owner, newPIN)
	for _, pin := range [][]byte{testPIN, newPIN} {
		if _, err := thief.SignDigests(t.Context(), [][]byte{make([]byte, 32)}, pin); !errors.Is(err, ErrEpoch) {
			t.Error("the copy after the recovery:", err)
		}
	}
	if left := server.guard(t, owner.id).Status(server.now).AttemptsLeft; left != 3 {
		t.Errorf("%d attempts left: the copy can lock the owner out", left)
	}
}

func TestCloneWithWrongPINIsCountedAndNoticed(t *testing.T) {
	server := newTestServer(t, nil)
	owner, store := newKey(t, server, nil)
	thief := clone(t, server, owner, store.image())
	wantWrongPIN(t, thief, wrongPIN, 2)
	if _, err := owner.SignDigests(t.Context(), [][]byte{make([]byte, 32)}, testPIN); !errors.Is(err, ErrCloneSuspected) {
		t.Fatal("the owner's next use after a guess from a copy:", err)
	}

	server = newTestServer(t, nil)
	owner, store = newKey(t, server, nil)
	thief = clone(t, server, owner, store.image())
	signOnce(t, owner, testPIN) // now the copy is stale
	wantWrongPIN(t, thief, wrongPIN, 2)
	if server.guard(t, owner.id).Status(server.now).Frozen {
		t.Error("a wrong PIN from a stale copy froze the key")
	}
}

func TestRestoredPhoneBackup(t *testing.T) {
	server := newTestServer(t, nil)
	owner, store := newKey(t, server, nil)
	backup := store.image()
	signOnce(t, owner, testPIN)
	restored := clone(t, server, owner, backup)
	if _, err := restored.SignDigests(t.Context(), [][]byte{make([]byte, 32)}, testPIN); !errors.Is(err, ErrCloneSuspected) {
		t.Fatal(err)
	}
	// An operator who knows better lifts the freeze; the next valid proof sets the ratchet.
	g := server.guard(t, owner.id)
	g.Unfreeze()
	server.save(nil, g)
	for range 3 {
		signOnce(t, restored, testPIN)
	}
	if _, err := owner.SignDigests(t.Context(), [][]byte{make([]byte, 32)}, testPIN); !errors.Is(err, ErrCloneSuspected) {
		t.Error("two records are in use:", err)
	}

	// A backup from before a PIN change.
	server = newTestServer(t, nil)
	owner, store = newKey(t, server, nil)
	backup = store.image()
	if err := owner.ChangePIN(t.Context(), testPIN, newPIN, fastKDF); err != nil {
		t.Fatal(err)
	}
	restored = clone(t, server, owner, backup)
	for _, pin := range [][]byte{testPIN, newPIN} {
		if _, err := restored.SignDigests(t.Context(), [][]byte{make([]byte, 32)}, pin); !errors.Is(err, ErrEpoch) {
			t.Error(err)
		}
	}
	share := restored.mustLoad(t)
	share.open = &unanswered{operation: Sign, round: 3, session: SessionID{1}, key: make([]byte, 32), ratchet: make([]byte, 32), digests: [][]byte{make([]byte, 32)}}
	if err := saveShare(t.Context(), restored.store, share); err != nil {
		t.Fatal(err)
	}
	if _, err := restored.Recover(t.Context()); !errors.Is(err, ErrStale) {
		t.Error("Recover of a record from before a PIN change:", err)
	}
	signOnce(t, owner, newPIN)
}

func (s *Signer) mustLoad(t testing.TB) *Share {
	t.Helper()
	share, err := s.load(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return share
}

func TestRestoredServerDatabase(t *testing.T) {
	server := newTestServer(t, nil)
	owner, _ := newKey(t, server, nil)
	guard := server.guards[owner.id]
	signOnce(t, owner, testPIN)
	server.guards[owner.id] = guard // the phone is ahead now
	server.restart()
	if _, err := owner.SignDigests(t.Context(), [][]byte{make([]byte, 32)}, testPIN); !errors.Is(err, ErrCloneSuspected) {
		t.Fatal(err)
	}
}
