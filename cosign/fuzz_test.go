package cosign

import (
	"bytes"
	"testing"
)

// Every decoder of this package under arbitrary bytes: no panic, typed errors, one encoding.

func FuzzShare(f *testing.F) {
	shares, _, _ := records(f)
	for _, s := range shares {
		b, _ := s.MarshalBinary()
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { roundTrip(t, b, new(Share)) })
}

func FuzzServerKey(f *testing.F) {
	_, keys, _ := records(f)
	for _, k := range keys {
		b, _ := k.MarshalBinary()
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { roundTrip(t, b, new(ServerKey)) })
}

func FuzzGuard(f *testing.F) {
	_, _, guards := records(f)
	for _, g := range guards {
		b, _ := g.MarshalBinary()
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { roundTrip(t, b, new(Guard)) })
}

// conversation returns every message of every operation, and a server that can go on with them.
func conversation(t testing.TB) (*testServer, [][]byte) {
	t.Helper()
	server := newTestServer(t, nil)
	var all [][]byte
	server.tap = func(c Call, answer []byte) []byte {
		all = append(all, bytes.Clone(c.Message), bytes.Clone(answer))
		return answer
	}
	s, _ := newKey(t, server, nil)
	g := newGrantee(t)
	_, err := s.SignDigests(t.Context(), [][]byte{hashOf("a"), hashOf("b")}, testPIN)
	for _, step := range []func() error{
		func() error { return s.ChangePIN(t.Context(), testPIN, newPIN, fastKDF) },
		func() error { return s.ResetPIN(t.Context(), testPIN, fastKDF) },
		func() error { return s.Delegate(t.Context(), g.id, g.device.Public(), testPIN) },
		func() error { return g.activate(t, server) },
	} {
		if err == nil {
			err = step()
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	share := s.mustLoad(t)
	share.open = &unanswered{operation: Sign, round: 3, session: SessionID{1}, key: make([]byte, 32), ratchet: make([]byte, 32)}
	q, err := share.ResumeRequest()
	if err != nil {
		t.Fatal(err)
	}
	server.tap = nil
	return server, append(all, q, server.packages[g.id])
}

// FuzzServer gives a server anything. Nothing that it accepts may be counted as an attempt, because nobody but the
// device can make a sealed request.
func FuzzServer(f *testing.F) {
	server, seeds := conversation(f)
	for _, m := range seeds {
		f.Add(m)
	}
	guards := map[KeyID]uint16{}
	for id := range server.guards {
		guards[id] = server.guard(f, id).failures
	}
	f.Fuzz(func(t *testing.T, m []byte) {
		_, _ = server.handle(Call{Message: m})
		for id, n := range guards {
			if server.guard(t, id).failures != n {
				t.Fatal("an attempt was counted")
			}
		}
	})
}

// FuzzMessages gives anything to the parsers of single messages.
func FuzzMessages(f *testing.F) {
	_, seeds := conversation(f)
	for _, m := range seeds {
		f.Add(m)
	}
	f.Fuzz(func(t *testing.T, m []byte) {
		h, err := ReadHeader(m)
		if err != nil {
			return
		}
		if got := h.bytes(); !bytes.Equal(got, m[:len(got)]) {
			t.Fatal("another encoding of the same header was accepted")
		}
		if m1, err := parseKG1(m); err == nil && !bytes.Equal(m1.bytes(), m) {
			t.Fatal("KG1 is not canonical")
		}
		if m2, err := parseKG2(m, h.KeyID); err == nil && !bytes.Equal(m2.bytes(), m) {
			t.Fatal("KG2 is not canonical")
		}
		if m3, err := parseKG3(m, h.KeyID); err == nil && !bytes.Equal(m3.bytes(), m) {
			t.Fatal("KG3 is not canonical")
		}
		_, _ = parseFirst(m)
		_, _ = parseResumption(m)
	})
}

// FuzzSealedBodies gives anything to what is read only after a seal has been opened: the answer, and the body of every
// request, as a malicious client that is enrolled would send it.
func FuzzSealedBodies(f *testing.F) {
	server := newTestServer(f, nil)
	s, _ := newKey(f, server, nil)
	key, _, err := server.load(s.id)
	if err != nil {
		f.Fatal(err)
	}
	key.pending = &pendingEpoch{serverEpoch: key.current}
	f.Add(uint8(Sign), make([]byte, 32+pointSize+32))
	f.Add(uint8(Refresh), bytes.Repeat([]byte{1}, 96))
	f.Add(uint8(Decrypt), append(generator.bytes(), bytes.Repeat([]byte{1}, 64)...))
	f.Add(uint8(Delegate), make([]byte, 16+32+32+packageSize+64))
	f.Fuzz(func(t *testing.T, op uint8, body []byte) {
		if _, err := parseAnswer(body); err != nil {
			_ = err
		}
		for _, round := range []int{3, 5} {
			if !isSealedRequest(Operation(op), round) {
				continue
			}
			a := &Attempt{
				server: server.server, key: key, keys: &sealKeys{}, inStep: true, body: bytes.Clone(body),
				session: &Session{digests: [][]byte{make([]byte, 32)}, points: []point{generator}, nonces: []*scalar{one()}},
				header:  Header{Operation: Operation(op), Round: round, KeyID: key.id},
			}
			a.Evaluate()
			if a.err == nil {
				t.Fatal("a made-up body passed as proof")
			}
		}
	})
}

func FuzzCiphertext(f *testing.F) {
	f.Add(append(generator.bytes(), make([]byte, 33)...))
	f.Add([]byte{0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01})
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := parseCiphertext(b)
		if err != nil {
			return
		}
		if c.c1.isInfinity() || len(c.c3) != hashSize || len(c.c2) == 0 {
			t.Fatal("malformed ciphertext accepted")
		}
	})
}
