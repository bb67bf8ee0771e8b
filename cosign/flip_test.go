package cosign

import (
	"bytes"
	"testing"

	"github.com/emmansun/gmsm/sm2"
)

// flips calls try with every byte of a message changed, with the message cut at every length, and with a byte more. try
// must refuse each.
func flips(t *testing.T, name string, message []byte, try func([]byte) error) {
	t.Helper()
	for i := range message {
		for _, mask := range []byte{0x01, 0x80, 0xff} {
			m := bytes.Clone(message)
			m[i] ^= mask
			if err := try(m); err == nil {
				t.Errorf("%s: byte %d changed by %02x was accepted", name, i, mask)
			}
		}
		if err := try(message[:i]); err == nil {
			t.Errorf("%s: cut at %d was accepted", name, i)
		}
	}
	if err := try(append(bytes.Clone(message), 0)); err == nil {
		t.Errorf("%s: a trailing byte was accepted", name)
	}
}

// serverFlips tries changed requests against the server; afterwards its records are as they were.
func serverFlips(t *testing.T, server *testServer, id KeyID, name string, message []byte) {
	t.Helper()
	serverFlipsBut(t, server, id, name, message, 0, 0)
}

// serverFlipsBut leaves the bytes from up to (not including) to out.
func serverFlipsBut(t *testing.T, server *testServer, id KeyID, name string, message []byte, from, to int) {
	t.Helper()
	key, guard := bytes.Clone(server.keys[id]), bytes.Clone(server.guards[id])
	flips(t, name, message, func(m []byte) error {
		if len(m) == len(message) && !bytes.Equal(m[from:to], message[from:to]) {
			return ErrDevice
		}
		_, err := server.handle(Call{Message: m})
		return err
	})
	if !bytes.Equal(key, server.keys[id]) || !bytes.Equal(guard, server.guards[id]) {
		t.Errorf("%s: refused messages changed the server's records", name)
	}
}

// TestByteFlipsInKeyGeneration changes each message of a key generation.
func TestByteFlipsInKeyGeneration(t *testing.T) {
	server := newTestServer(t, nil)
	g, kg1, err := NewKeyGeneration(NewKeyID(), server.seal.Public(), fastKDF)
	if err != nil {
		t.Fatal(err)
	}
	ks, kg2, err := server.server.BeginKey(kg1)
	if err != nil {
		t.Fatal(err)
	}
	// KG1 is not authenticated; a change shows when the client opens KG2, or the server KG3, at the latest.
	flips(t, "KG1", kg1, func(m []byte) error {
		_, other, err := server.server.BeginKey(m)
		if err != nil {
			return err
		}
		_, _, err = g.Share(other, testPIN)
		return err
	})
	flips(t, "KG2", kg2, func(m []byte) error { _, _, err := g.Share(m, testPIN); return err })
	share, kg3, err := g.Share(kg2, testPIN)
	if err != nil {
		t.Fatal(err)
	}
	flips(t, "KG3", kg3, func(m []byte) error { _, _, _, err := server.server.FinishKey(ks, m); return err })
	_, _, kg4, err := server.server.FinishKey(ks, kg3)
	if err != nil {
		t.Fatal(err)
	}
	flips(t, "KG4", kg4, share.Confirm)
	if err := share.Confirm(kg4); err != nil {
		t.Fatal(err)
	}
}

// clientFlips tries changed answers on copies of the share.
func clientFlips(t *testing.T, share *Share, name string, message []byte) {
	t.Helper()
	record, err := share.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	flips(t, name, message, func(m []byte) error {
		_, err := share.answer(m)
		return err
	})
	after, err := share.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(record, after) {
		t.Errorf("%s: refused messages changed the record", name)
	}
}

func TestByteFlipsInEveryOperation(t *testing.T) {
	server := newTestServer(t, nil)
	s, _ := newKey(t, server, nil)
	share := s.mustLoad(t)
	ciphertext, err := sm2.EncryptASN1(nonceReader{}, s.public, []byte("data key"))
	if err != nil {
		t.Fatal(err)
	}
	g := newGrantee(t)
	send := func(m []byte) []byte {
		t.Helper()
		answer, err := server.handle(Call{Message: m})
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	must := func(m []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return m
	}

	t.Run("sign", func(t *testing.T) {
		o, m1, err := share.BeginSign([][]byte{hashOf("a"), hashOf("b")})
		must(m1, err)
		serverFlips(t, server, s.id, "S1", m1)
		m2 := send(m1)
		flips(t, "S2", m2, o.Receive)
		must(nil, o.Receive(m2))
		m3 := must(o.Prove(testPIN))
		serverFlips(t, server, s.id, "S3", m3)
		m4 := send(m3)
		clientFlips(t, share, "S4", m4)
		_, err = o.Finish(m4)
		must(nil, err)
	})
	t.Run("decrypt", func(t *testing.T) {
		o, m1, err := share.BeginDecrypt(ciphertext)
		must(m1, err)
		serverFlips(t, server, s.id, "round 1", m1)
		m2 := send(m1)
		flips(t, "round 2", m2, o.Receive)
		must(nil, o.Receive(m2))
		m3 := must(o.Prove(testPIN))
		serverFlips(t, server, s.id, "round 3", m3)
		m4 := send(m3)
		clientFlips(t, share, "round 4", m4)
		must(o.Finish(m4))
	})
	t.Run("delegate", func(t *testing.T) {
		o, m1, err := share.BeginDelegate()
		must(m1, err)
		serverFlips(t, server, s.id, "round 1", m1)
		m2 := send(m1)
		flips(t, "round 2", m2, o.Receive)
		must(nil, o.Receive(m2))
		m3 := must(o.Prove(g.id, g.device.Public(), testPIN))
		serverFlips(t, server, s.id, "round 3", m3)
		m4 := send(m3)
		clientFlips(t, share, "round 4", m4)
		must(nil, o.Finish(m4))
		flips(t, "package", server.packages[g.id], func(m []byte) error {
			_, _, err := OpenPackage(m, g.device, server.seal.Public(), fastKDF)
			return err
		})
	})
	for _, op := range []Operation{Refresh, Recover} {
		t.Run(op.String(), func(t *testing.T) {
			begin := share.BeginRefresh
			if op == Recover {
				begin = share.BeginRecover
			}
			o, m1, err := begin(fastKDF)
			must(m1, err)
			serverFlips(t, server, s.id, "round 1", m1)
			m2 := send(m1)
			flips(t, "round 2", m2, o.Receive)
			must(nil, o.Receive(m2))
			m3 := must(o.Prove(testPIN))
			serverFlips(t, server, s.id, "round 3", m3)
			m4 := send(m3)
			clientFlips(t, share, "round 4", m4)
			m5 := must(o.Renew(m4, testPIN))
			serverFlips(t, server, s.id, "round 5", m5)
			m6 := send(m5)
			clientFlips(t, share, "round 6", m6)

			q1 := must(share.ResumeRequest())
			// One of the two tags at the end is under the link of the epoch that the server does not have.
			other := len(q1) - 2*hashSize
			serverFlipsBut(t, server, s.id, "resume round 1", q1, other, other+hashSize)
			q2 := send(q1)
			flips(t, "resume round 2", q2, func(m []byte) error {
				_, err := share.checkResumed(q1, m)
				return err
			})
			must(nil, o.Commit(m6))
		})
	}
	t.Run("activate", func(t *testing.T) {
		o, m1, err := OpenPackage(server.packages[g.id], g.device, server.seal.Public(), fastKDF)
		must(m1, err)
		m2 := send(m1)
		must(nil, o.Receive(m2))
		m3 := must(o.Prove(nil))
		serverFlips(t, server, g.id, "round 3", m3)
		m4 := send(m3)
		flips(t, "round 4", m4, func(m []byte) error { _, err := o.Renew(m, granteePIN); return err })
		if _, err := o.Share().MarshalBinary(); err == nil {
			t.Error("a record without a share was encoded")
		}
		m5 := must(o.Renew(m4, granteePIN))
		serverFlips(t, server, g.id, "round 5", m5)
		m6 := send(m5)
		clientFlips(t, o.Share(), "round 6", m6)
		must(nil, o.Commit(m6))
	})
}
