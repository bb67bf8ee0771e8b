package cosign

import (
	"errors"
	"strconv"
	"testing"
)

func TestInverse(t *testing.T) {
	var h *hooks
	values := []*scalar{one(), newScalar().neg(one())}
	for range 50 {
		values = append(values, h.randomScalar())
	}
	for _, a := range values {
		if !newScalar().mul(newScalar().inv(a), a).equal(one()) {
			t.Fatalf("1/%x is wrong", a.bytes())
		}
	}
	if !newScalar().inv(newScalar()).isZero() {
		t.Error("1/0 is not 0")
	}
}

// jointSignatures are n signatures with their nonce points.
func jointSignatures(h *hooks, n int) (public point, e [][]byte, nonces []point, r, s []*scalar) {
	d := h.randomScalar()
	inverse := newScalar().inv(newScalar().add(d, one()))
	for i := range n {
		k := h.randomScalar()
		e = append(e, hashOf(strconv.Itoa(i)))
		nonces = append(nonces, baseMul(k))
		r = append(r, newScalar().add(scalarFromDigest(e[i]), nonces[i].xScalar()))
		s = append(s, newScalar().sub(newScalar().mul(newScalar().add(k, r[i]), inverse), r[i]))
	}
	return baseMul(d), e, nonces, r, s
}

// TestBatchRefusesEveryBadSignature: each value of each place, and errors that cancel out in a plain sum.
func TestBatchRefusesEveryBadSignature(t *testing.T) {
	var h *hooks
	for _, n := range []int{1, 2, 7} {
		public, e, nonces, r, s := jointSignatures(h, n)
		if !verifyNonces(public, e, nonces, r, s) {
			t.Fatalf("%d good signatures refused", n)
		}
		delta := h.randomScalar()
		refused := func(what string, i int) {
			t.Helper()
			if verifyNonces(public, e, nonces, r, s) {
				t.Errorf("%d signatures, %s of %d changed: accepted", n, what, i)
			}
		}
		for i := range n {
			good := s[i]
			for name, bad := range map[string]*scalar{
				"s": newScalar().add(good, delta), "s (zero)": newScalar(), "s (-r)": newScalar().neg(r[i]),
			} {
				s[i] = bad
				refused(name, i)
			}
			s[i] = good
			good, r[i] = r[i], newScalar().add(r[i], delta)
			refused("r", i)
			r[i] = good
			point := nonces[i]
			nonces[i] = point.neg() // the same x-coordinate
			refused("R", i)
			nonces[i] = point
			digest := e[i]
			e[i] = hashOf("another")
			refused("e", i)
			e[i] = digest
		}
		if n > 1 {
			s[0], s[1] = newScalar().add(s[0], delta), newScalar().sub(s[1], delta)
			refused("the sum", 0)
			s[0], s[1] = newScalar().sub(s[0], delta), newScalar().add(s[1], delta)
		}
		if !verifyNonces(public, e, nonces, r, s) {
			t.Fatal("the test has changed the signatures")
		}
	}
}

// TestServerFaultIsNotAWrongPIN: a nonce that has changed in the server's memory makes a false s. It is not released, and
// the client, whose PIN was right, loses no attempt.
func TestServerFaultIsNotAWrongPIN(t *testing.T) {
	for _, n := range []int{1, 3} {
		server := newTestServer(t, nil)
		s, store := newKey(t, server, nil)
		share := store.share(t, s.id)
		digests := make([][]byte, n)
		for i := range digests {
			digests[i] = hashOf(strconv.Itoa(i))
		}
		g, s1, err := share.BeginSign(digests)
		if err != nil {
			t.Fatal(err)
		}
		key, guard, err := server.load(s.id)
		if err != nil {
			t.Fatal(err)
		}
		sess, s2, err := server.server.Begin(Sign, key, guard, s1, server.now)
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Receive(s2); err != nil {
			t.Fatal(err)
		}
		s3, err := g.Prove(testPIN)
		if err != nil {
			t.Fatal(err)
		}
		sess.nonces[n-1].n.Bits()[0] ^= 1
		a, err := server.server.Accept(key, guard, sess, s3, server.now)
		if err != nil {
			t.Fatal(err)
		}
		res, err := a.Settle(key, guard, server.now)
		if err != nil {
			t.Fatal(err)
		}
		if !errors.Is(res.Err, ErrFailed) || res.Signatures != nil || res.Status.AttemptsLeft != ladderStep {
			t.Errorf("%d digests: %v, %d signatures, %d attempts left", n, res.Err, len(res.Signatures), res.Status.AttemptsLeft)
		}
		if _, err := g.Finish(res.Answer); !errors.Is(err, ErrFailed) {
			t.Errorf("%d digests: the client sees %v", n, err)
		}
	}
}
