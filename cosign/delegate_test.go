package cosign

import (
	"bytes"
	"errors"
	"testing"
)

type grantee struct {
	id     KeyID
	device *SealKey
	store  *memoryStore
	*Signer
}

var granteePIN = []byte("777123")

func newGrantee(t testing.TB) *grantee {
	t.Helper()
	device, err := NewSealKey()
	if err != nil {
		t.Fatal(err)
	}
	return &grantee{id: NewKeyID(), device: device, store: newStore()}
}

// activate takes the share over, on a fresh store.
func (g *grantee) activate(t testing.TB, server *testServer) error {
	t.Helper()
	s, err := ActivateShare(t.Context(), server.packages[g.id], g.device, server.seal.Public(), fastKDF, granteePIN, g.store, server)
	g.Signer = s
	return err
}

func TestM31_GranteeSignsWithTheGrantorsKey(t *testing.T) {
	server := newTestServer(t, nil)
	grantor, _ := newKey(t, server, nil)
	g := newGrantee(t)
	if err := grantor.Delegate(t.Context(), g.id, g.device.Public(), testPIN); err != nil {
		t.Fatal(err)
	}
	from, to, public, err := PackageKey(server.packages[g.id])
	if err != nil || from != grantor.id || to != g.id || !public.Equal(grantor.Public()) {
		t.Fatal("package does not say what it is", err)
	}
	if err := g.activate(t, server); err != nil {
		t.Fatal(err)
	}
	if !g.public.Equal(grantor.Public()) {
		t.Fatal("the grantee has another public key")
	}
	signOnce(t, g.Signer, granteePIN)
	signOnce(t, grantor, testPIN)

	// Own counter, own PIN, own ratchet.
	wantWrongPIN(t, g.Signer, testPIN, 2)
	signOnce(t, grantor, testPIN)
	if err := g.ChangePIN(t.Context(), granteePIN, newPIN, fastKDF); err != nil {
		t.Fatal(err)
	}
	signOnce(t, g.Signer, newPIN)
	if err := g.ResetPIN(t.Context(), granteePIN, fastKDF); err != nil {
		t.Fatal(err)
	}
	signOnce(t, g.Signer, granteePIN)
}

func TestM29_NewDelegationKillsTheOldShare(t *testing.T) {
	server := newTestServer(t, nil)
	grantor, _ := newKey(t, server, nil)
	g := newGrantee(t)
	for range 2 { // the second is the renewal
		old := g.Signer
		if err := grantor.Delegate(t.Context(), g.id, g.device.Public(), testPIN); err != nil {
			t.Fatal(err)
		}
		if old != nil {
			if _, err := old.SignDigests(t.Context(), [][]byte{make([]byte, 32)}, granteePIN); !errors.Is(err, ErrUnconfirmed) {
				t.Fatal("the old share still signs:", err)
			}
		}
		if err := g.activate(t, server); err != nil {
			t.Fatal(err)
		}
		signOnce(t, g.Signer, granteePIN)
	}
}

func TestDelegationNeedsPINAndDevice(t *testing.T) {
	server := newTestServer(t, nil)
	grantor, _ := newKey(t, server, nil)
	g, stranger := newGrantee(t), newGrantee(t)
	var wrong *PINError
	if err := grantor.Delegate(t.Context(), g.id, g.device.Public(), wrongPIN); !errors.As(err, &wrong) || server.keys[g.id] != nil {
		t.Fatal("delegation with a wrong PIN:", err)
	}
	if err := grantor.Delegate(t.Context(), grantor.id, g.device.Public(), testPIN); !errors.Is(err, ErrConflict) {
		t.Error("delegation to oneself:", err)
	}
	if err := grantor.Delegate(t.Context(), g.id, g.device.Public(), testPIN); err != nil {
		t.Fatal(err)
	}
	if _, _, err := OpenPackage(server.packages[g.id], stranger.device, server.seal.Public(), fastKDF); !errors.Is(err, ErrSeal) {
		t.Error("another device opened the package:", err)
	}
	server.allowed[Activate] = false
	if err := g.activate(t, server); !errors.Is(err, ErrConflict) {
		t.Error("activation that was not authorised:", err)
	}
	server.allowed[Activate] = true
	if err := g.activate(t, server); err != nil {
		t.Fatal(err)
	}
	// A package is of use once: the share has been refreshed, and with it the grantor knows it no more.
	key, _, err := server.load(g.id)
	if err != nil {
		t.Fatal(err)
	}
	if err := (&grantee{id: g.id, device: g.device, store: newStore()}).activate(t, server); !errors.Is(err, ErrConflict) {
		t.Error("second activation:", err)
	}
	after, _, _ := server.load(g.id)
	if !after.current.d2.equal(key.current.d2) {
		t.Error("a refused activation changed the record")
	}
	if Fingerprint(g.device.Public()) == Fingerprint(stranger.device.Public()) || len(Fingerprint(g.device.Public())) != 19 {
		t.Error("fingerprints")
	}
}

func TestActivationSurvivesLostAnswers(t *testing.T) {
	type cutting struct {
		round int
		after bool
	}
	for _, c := range []cutting{{1, false}, {1, true}, {3, false}, {3, true}, {5, false}, {5, true}} {
		server := newTestServer(t, nil)
		grantor, _ := newKey(t, server, nil)
		g := newGrantee(t)
		if err := grantor.Delegate(t.Context(), g.id, g.device.Public(), testPIN); err != nil {
			t.Fatal(err)
		}
		lost := false
		server.cut = func(call Call) (before, after error) {
			switch {
			case lost:
				return errCut, nil
			case call.Operation == Activate && call.Round == c.round:
				lost = true
				if c.after {
					return nil, errCut
				}
				return errCut, nil
			}
			return nil, nil
		}
		if err := g.activate(t, server); !errors.Is(err, errCut) {
			t.Fatalf("%+v: %v", c, err)
		}
		server.cut = nil
		server.restart()
		done := false
		if s, err := OpenSigner(t.Context(), g.id, g.store, server); err == nil {
			st, err := s.Recover(t.Context())
			if err != nil {
				t.Fatalf("%+v: %v", c, err)
			}
			if done = st.Done; done {
				g.Signer = s
			} else if !errors.Is(st.Err, ErrNotRun) {
				t.Fatalf("%+v: %+v", c, st)
			}
		} else if c.round == 5 {
			t.Fatalf("%+v: no record: %v", c, err)
		}
		if done != (c.round == 5 && c.after) {
			t.Errorf("%+v: done %v", c, done)
		}
		if !done {
			if err := g.activate(t, server); err != nil {
				t.Fatalf("%+v: second activation: %v", c, err)
			}
		}
		signOnce(t, g.Signer, granteePIN)
	}
}

// TestGranteeRecordsMatch checks what the server stores for a grantee against the arithmetic.
func TestGranteeRecordsMatch(t *testing.T) {
	server := newTestServer(t, nil)
	grantor, _ := newKey(t, server, nil)
	g := newGrantee(t)
	if err := grantor.Delegate(t.Context(), g.id, g.device.Public(), testPIN); err != nil {
		t.Fatal(err)
	}
	key, _, err := server.load(g.id)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := publicKeyOf(key.current.d2, key.current.p1); err != nil || !p.equal(key.public) {
		t.Error("d2/t and P1*t do not give P")
	}
	own, _, _ := server.load(grantor.id)
	if own.current.d2.equal(key.current.d2) || bytes.Equal(own.current.p1.bytes(), key.current.p1.bytes()) {
		t.Error("the grantee got the grantor's share")
	}
}
