package cosign

import (
	"bytes"
	"errors"
	"sync"
	"testing"
)

// TestRogueKey: a client that may fix d1 after it has seen P2 chooses the public key; one that need not know d1 takes
// another's P1; O is no key.
func TestRogueKey(t *testing.T) {
	server := newTestServer(t, nil)
	register := func(omit check, change func(g *KeyGeneration, p2 point)) (*ServerKey, error) {
		server.server.hooks = &hooks{omit: omit}
		g, kg1, err := NewKeyGeneration(NewKeyID(), server.seal.Public(), fastKDF)
		if err != nil {
			t.Fatal(err)
		}
		ks, kg2, err := server.server.BeginKey(kg1)
		if err != nil {
			t.Fatal(err)
		}
		change(g, baseMul(ks.d2))
		_, kg3, err := g.Share(kg2, testPIN)
		if err != nil {
			t.Fatal(err)
		}
		k, _, _, err := server.server.FinishKey(ks, kg3)
		return k, err
	}
	choose := func(g *KeyGeneration, p2 point) { // a public key that begins with a zero byte
		for {
			g.d1 = (*hooks)(nil).randomScalar()
			if p, err := publicKeyOf(g.d1, p2); err == nil && p.bytes()[1] == 0 {
				break
			}
		}
		p1 := baseMul(g.d1)
		g.p1 = p1.bytes()
		g.pi1 = (*hooks)(nil).proveLogs("d1", append(g.id[:], g.nonce[:]...), generator, []point{p1}, []*scalar{g.d1})
	}
	if k, err := register(checkKeyCommitment, choose); err != nil || k.public.bytes()[1] != 0 {
		t.Fatal("the attack does not work; the test shows nothing:", err)
	}
	if _, err := register(0, choose); !errors.Is(err, ErrProof) {
		t.Error("the client chose the public key:", err)
	}

	victim := baseMul((*hooks)(nil).randomScalar())
	steal := func(g *KeyGeneration, _ point) { g.p1 = victim.bytes() }
	if k, err := register(checkKeyCommitment|checkClientProof, steal); err != nil || !k.current.p1.equal(victim) {
		t.Fatal("the attack does not work; the test shows nothing:", err)
	}
	if _, err := register(checkKeyCommitment, steal); !errors.Is(err, ErrProof) {
		t.Error("a key without knowledge of d1:", err)
	}

	d := (*hooks)(nil).randomScalar()
	if _, err := publicKeyOf(d, baseMul(newScalar().inv(d))); !errors.Is(err, ErrInfinity) {
		t.Error("O as public key:", err)
	}
}

// TestServerWithoutProofOfItsShare: P2 of unknown logarithm is refused by the client.
func TestServerWithoutProofOfItsShare(t *testing.T) {
	for _, omit := range []check{0, checkServerProof} {
		server := newTestServer(t, nil)
		g, kg1, err := newKeyGeneration(NewKeyID(), server.seal.Public(), fastKDF, &hooks{omit: omit})
		if err != nil {
			t.Fatal(err)
		}
		ks, kg2, err := server.server.BeginKey(kg1)
		if err != nil {
			t.Fatal(err)
		}
		m2, err := parseKG2(kg2, g.id)
		if err != nil {
			t.Fatal(err)
		}
		w := new(writer).put(baseMul((*hooks)(nil).randomScalar()).bytes())
		(*hooks)(nil).proveLogs("d2", nil, generator, []point{baseMul(ks.d2)}, []*scalar{ks.d2}).put(w)
		w.put(ks.recovery[:])
		keys := deriveSealKeys(hashFields("KG2", kg1, m2.header()), ks.fromStatic, ks.toClient)
		m2.sealed = sealOnce(keys.request, m2.header(), w.b)
		_, _, err = g.Share(m2.bytes(), testPIN)
		if omit == 0 && !errors.Is(err, ErrProof) || omit != 0 && err != nil {
			t.Errorf("checks left out %b: %v", omit, err)
		}
	}
}

// exchange is a signature up to S3, unanswered.
func exchange(t testing.TB, server *testServer, share *Share, pin []byte) (g *Signing, s3 []byte) {
	t.Helper()
	g, s1, err := share.BeginSign([][]byte{make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	s2, err := server.handle(Call{Message: s1})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Receive(s2); err != nil {
		t.Fatal(err)
	}
	if s3, err = g.Prove(pin); err != nil {
		t.Fatal(err)
	}
	return g, s3
}

func TestMessagesOfAnotherSession(t *testing.T) {
	server := newTestServer(t, nil)
	s, _ := newKey(t, server, nil)
	other, _ := newKey(t, server, nil)
	share := s.mustLoad(t)
	g, s3 := exchange(t, server, share, testPIN)
	s4, err := server.handle(Call{Message: s3})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Finish(s4); err != nil {
		t.Fatal(err)
	}

	// S4 of the first session in the second; with the session ID rewritten too.
	g, second := exchange(t, server, share, testPIN)
	rewritten := bytes.Clone(s4)
	copy(rewritten[19:], g.session[:])
	for _, m := range [][]byte{s4, rewritten} {
		if _, err := g.Finish(m); !errors.Is(err, ErrSession) && !errors.Is(err, ErrSeal) {
			t.Error("an answer of another session was taken:", err)
		}
	}
	// S3 of the first session in the second: replayed, rewritten.
	before := server.guard(t, s.id).failures
	replay := bytes.Clone(s3)
	if _, err := server.handle(Call{Message: replay}); !errors.Is(err, ErrSession) {
		t.Error("S3 replayed:", err)
	}
	copy(replay[19:], g.session[:])
	if _, err := server.handle(Call{Message: replay}); !errors.Is(err, ErrSeal) {
		t.Error("S3 in another session:", err)
	}
	// S3 for another key.
	foreign := bytes.Clone(second)
	copy(foreign[3:], other.id[:])
	if _, err := server.handle(Call{Message: foreign}); !errors.Is(err, ErrSession) {
		t.Error("S3 for another key:", err)
	}
	if server.guard(t, s.id).failures != before || server.guard(t, other.id).failures != 0 {
		t.Error("misdirected messages were counted")
	}
	s4, err = server.handle(Call{Message: second})
	if err != nil {
		t.Fatal("the session was ended by a stranger's messages:", err)
	}
	if _, err := g.Finish(s4); err != nil {
		t.Fatal(err)
	}
}

// TestStrangerCannotLock: without the device secret nothing is counted, at S1 and at S3 of the owner's own session.
func TestStrangerCannotLock(t *testing.T) {
	attack := func(omit check) uint16 {
		server := newTestServer(t, nil)
		owner, _ := newKey(t, server, nil)
		server.server.hooks = &hooks{omit: omit}
		share := owner.mustLoad(t)
		stranger := owner.mustLoad(t) // knows everything public, and makes up the rest
		stranger.current.link = link{device: (*hooks)(nil).random32(), ratchet: (*hooks)(nil).random32()}
		for range 3 {
			// A session of the stranger's own.
			g, s1, err := stranger.BeginSign([][]byte{make([]byte, 32)})
			if err != nil {
				t.Fatal(err)
			}
			if s2, err := server.handle(Call{Message: s1}); err == nil {
				g.share.current.link.device = share.current.link.device // to pass its own check of S2
				if err := g.Receive(s2); err != nil {
					t.Fatal(err)
				}
				g.share.current.link.device = [32]byte{}
				s3, err := g.Prove(wrongPIN)
				if err != nil {
					t.Fatal(err)
				}
				stranger.open = nil
				if _, err := server.handle(Call{Message: s3}); err != nil {
					t.Fatal(err)
				}
			} else if !errors.Is(err, ErrDevice) {
				t.Fatal(err)
			}
			if omit != 0 {
				continue
			}
			// The owner's session, which the stranger saw on the wire.
			mine, s1, err := share.BeginSign([][]byte{make([]byte, 32)})
			if err != nil {
				t.Fatal(err)
			}
			s2, err := server.handle(Call{Message: s1})
			if err != nil {
				t.Fatal(err)
			}
			if err := mine.Receive(s2); err != nil {
				t.Fatal(err)
			}
			theirs := &Signing{digests: mine.digests, k1: mine.k1, r1: mine.r1, r: mine.r}
			theirs.opening = mine.opening
			theirs.share = stranger
			w := new(writer).put(theirs.rho[:], theirs.r1[0].bytes()).scalar(one())
			forged, _ := theirs.seal(3, &stranger.current.link, w.b)
			stranger.open = nil
			if _, err := server.handle(Call{Message: forged}); !errors.Is(err, ErrDevice) {
				t.Fatal(err)
			}
			s3, err := mine.Prove(testPIN)
			if err != nil {
				t.Fatal(err)
			}
			s4, err := server.handle(Call{Message: s3})
			if err != nil {
				t.Fatal("the stranger ended the owner's session:", err)
			}
			if _, err := mine.Finish(s4); err != nil {
				t.Fatal(err)
			}
		}
		return server.guard(t, owner.id).failures
	}
	if attack(checkDevice) != 3 {
		t.Fatal("the attack does not work; the test shows nothing")
	}
	if n := attack(0); n != 0 {
		t.Errorf("%d attempts were counted", n)
	}
}

// TestOldEpoch: a record from before a PIN change is turned away uncounted; without that check it would lock the owner out.
func TestOldEpoch(t *testing.T) {
	for _, omit := range []check{checkEpoch | checkDevice, 0} {
		server := newTestServer(t, nil)
		owner, store := newKey(t, server, nil)
		old := clone(t, server, owner, store.image())
		if err := owner.ChangePIN(t.Context(), testPIN, newPIN, fastKDF); err != nil {
			t.Fatal(err)
		}
		server.server.hooks = &hooks{omit: omit}
		share := old.mustLoad(t)
		_, s1, err := share.BeginSign([][]byte{make([]byte, 32)})
		if err != nil {
			t.Fatal(err)
		}
		_, err = server.handle(Call{Message: s1})
		if omit == 0 && !errors.Is(err, ErrEpoch) || omit != 0 && err != nil {
			t.Fatal(err)
		}
		server.server.hooks = nil
		signOnce(t, owner, newPIN)
	}
}

// TestRatchetCheckIsWhatFindsTheClone: without it, owner and thief go on side by side.
func TestRatchetCheckIsWhatFindsTheClone(t *testing.T) {
	server := newTestServer(t, nil)
	owner, store := newKey(t, server, nil)
	thief := clone(t, server, owner, store.image())
	server.server.hooks = &hooks{omit: checkRatchet}
	for _, s := range []*Signer{owner, thief, owner, thief} {
		signOnce(t, s, testPIN)
	}
	server.server.hooks = nil
	if _, err := thief.SignDigests(t.Context(), [][]byte{make([]byte, 32)}, testPIN); err != nil && !errors.Is(err, ErrCloneSuspected) {
		t.Error(err)
	}
	if _, err := owner.SignDigests(t.Context(), [][]byte{make([]byte, 32)}, testPIN); !errors.Is(err, ErrCloneSuspected) {
		t.Error(err)
	}
}

// TestParallelGuessesWithOneTryLeft: of 64 copies of the phone that guess at once, one is evaluated.
func TestParallelGuessesWithOneTryLeft(t *testing.T) {
	server := newTestServer(t, nil)
	owner, store := newKey(t, server, nil)
	wantWrongPIN(t, owner, wrongPIN, 2)
	wantWrongPIN(t, owner, wrongPIN, 1)
	var wg sync.WaitGroup
	var mu sync.Mutex
	evaluated := 0
	for range 64 {
		thief := clone(t, server, owner, store.image())
		wg.Go(func() {
			_, err := thief.SignDigests(t.Context(), [][]byte{make([]byte, 32)}, wrongPIN)
			var wrong *PINError
			mu.Lock()
			defer mu.Unlock()
			if errors.As(err, &wrong) {
				evaluated++
			} else if err == nil {
				t.Error("a wrong PIN signed")
			}
		})
	}
	wg.Wait()
	if evaluated != 1 || server.guard(t, owner.id).failures != 3 {
		t.Errorf("%d guesses evaluated, %d failures", evaluated, server.guard(t, owner.id).failures)
	}
}

// TestAttemptIsCountedBeforeItIsChecked: whoever can make the server stop after the check must not get a free guess.
func TestAttemptIsCountedBeforeItIsChecked(t *testing.T) {
	for _, omit := range []check{checkReserve, 0} {
		server := newTestServer(t, nil)
		s, _ := newKey(t, server, nil)
		server.server.hooks = &hooks{omit: omit}
		server.beforeSettle = func() error { return errCut }
		_, s3 := exchange(t, server, s.mustLoad(t), wrongPIN)
		if _, err := server.handle(Call{Message: s3}); !errors.Is(err, errCut) {
			t.Fatal(err)
		}
		server.restart()
		if got := server.guard(t, s.id).failures; omit == 0 && got != 1 || omit != 0 && got != 0 {
			t.Errorf("checks left out %b: %d failures", omit, got)
		}
	}
}

// TestFalseT: a server that answers a decryption with another point is found out by the proof, not by whether the
// plaintext opens, which would depend on d1.
func TestFalseT(t *testing.T) {
	var h *hooks
	d1, d2 := h.randomScalar(), h.randomScalar()
	p1, c1 := baseMul(d1), baseMul(h.randomScalar())
	base := p1.mul(d2)
	pi := h.proveEqual("T", nil, p1, c1, base, c1.mul(d2), d2)
	if err := verifyEqual("T", nil, p1, c1, base, c1.mul(d2), pi); err != nil {
		t.Fatal(err)
	}
	for name, wrong := range map[string]point{"T + G": c1.mul(d2).add(generator), "-T": c1.mul(d2).neg(), "C1": c1} {
		if err := verifyEqual("T", nil, p1, c1, base, wrong, pi); !errors.Is(err, ErrProof) {
			t.Errorf("%s: %v", name, err)
		}
		if err := verifyEqual("T", nil, p1, c1, base, wrong, h.proveEqual("T", nil, p1, c1, base, wrong, d2)); !errors.Is(err, ErrProof) {
			t.Errorf("%s, proof made for it: %v", name, err)
		}
	}
}
