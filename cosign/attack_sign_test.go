package cosign

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"testing"
)

// attacker is a malicious client: it knows d1 (or not), and makes its own S3.
type attacker struct {
	t      testing.TB
	server *testServer
	share  *Share
}

// session opens a signing session without the registry, so that any number can be open.
func (a *attacker) session(e []byte) (*Signing, *Session) {
	a.t.Helper()
	g, s1, err := a.share.BeginSign([][]byte{e})
	if err != nil {
		a.t.Fatal(err)
	}
	key, guard, err := a.server.load(a.share.id)
	if err != nil {
		a.t.Fatal(err)
	}
	sess, s2, err := a.server.server.Begin(Sign, key, guard, s1, a.server.now)
	if err != nil {
		a.t.Fatal(err)
	}
	if err := g.Receive(s2); err != nil {
		a.t.Fatal(err)
	}
	return g, sess
}

// finish sends an S3 of the attacker's making.
func (a *attacker) finish(g *Signing, sess *Session, rho [hashSize]byte, r1 point, s1 *scalar) (*Result, error) {
	a.t.Helper()
	w := new(writer).put(rho[:], r1.bytes()).scalar(s1)
	message, _ := g.seal(3, &a.share.current.link, w.b)
	key, guard, err := a.server.load(a.share.id)
	if err != nil {
		a.t.Fatal(err)
	}
	attempt, err := a.server.server.Accept(key, guard, sess, message, a.server.now)
	if err != nil {
		a.share.open = nil
		return nil, err
	}
	res, err := attempt.Settle(key, guard, a.server.now)
	if err != nil {
		a.t.Fatal(err)
	}
	a.server.record(key, sess, res)
	a.server.save(nil, guard)
	if _, err := a.share.answer(res.Answer); err != nil && a.share.open != nil {
		a.t.Fatal(err)
	}
	return res, nil
}

func (a *attacker) failures() uint16 { return a.server.guard(a.t, a.share.id).failures }

func newAttacker(t testing.TB, omit check) *attacker {
	server := newTestServer(t, nil)
	s, _ := newKey(t, server, nil)
	server.server.hooks = &hooks{omit: omit}
	return &attacker{t: t, server: server, share: s.mustLoad(t)}
}

// TestNo257thSignature runs the ROS attack of Benhamouda, Lepoint, Loss, Orrù and Raykova (EUROCRYPT 2021). In terms of
// t = r + s a signature is t*G' = R + r*G; a session with R1 = α*G gives t = (α + r)/(1 + d) + b. With R1 chosen after R2,
// 256 open sessions leave two values of α + r each, enough to write any r* in binary.
func TestNo257thSignature(t *testing.T) {
	a := newAttacker(t, checkCommitment)
	d1 := a.share.current.masked.unmask(testPIN)
	inverse := newScalar().inv(d1)
	const n = 256
	type open struct {
		g     *Signing
		sess  *Session
		alpha [2]*scalar
		c     [2]*scalar // α + r
	}
	sessions := make([]open, n)
	for i := range sessions {
		o := &sessions[i]
		o.g, o.sess = a.session(hashOf(fmt.Sprint("innocent ", i)))
		for j := range o.c {
			o.alpha[j] = (*hooks)(nil).randomScalar()
			r := newScalar().add(scalarFromDigest(o.g.digests[0]), baseMul(o.alpha[j]).add(o.sess.points[0]).xScalar())
			o.c[j] = newScalar().add(o.alpha[j], r)
		}
	}
	// ρi = 2^i / (c1 - c0); R* = sum of ρi*R2i. Then sum of ρi*ci = r* for the right choice of each ci.
	weight, offset := mustScalar(one().bytes()), newScalar()
	rho := make([]*scalar, n)
	var sum point
	for i, o := range sessions {
		rho[i] = newScalar().mul(weight, newScalar().inv(newScalar().sub(o.c[1], o.c[0])))
		weight.add(weight, weight)
		offset.add(offset, newScalar().mul(rho[i], o.c[0]))
		if p := o.sess.points[0].mul(rho[i]); i == 0 {
			sum = p
		} else {
			sum = sum.add(p)
		}
	}
	forged := hashOf("I owe the attacker everything")
	r := newScalar().add(scalarFromDigest(forged), sum.xScalar())
	bits := new(big.Int).SetBytes(newScalar().sub(r, offset).bytes())

	total := newScalar()
	for i, o := range sessions {
		j := bits.Bit(i)
		own := newScalar().add(scalarFromDigest(o.g.digests[0]), baseMul(o.alpha[j]).add(o.sess.points[0]).xScalar())
		s1 := newScalar().mul(newScalar().add(o.alpha[j], own), inverse)
		res, err := a.finish(o.g, o.sess, o.g.rho, baseMul(o.alpha[j]), s1)
		if err != nil || res.Err != nil {
			t.Fatal(i, err, res)
		}
		sig := res.Signatures[0]
		ti := newScalar().add(mustScalar(sig.R[:]), mustScalar(sig.S[:]))
		total.add(total, newScalar().mul(rho[i], ti))
	}
	var sig Signature
	copy(sig.R[:], r.bytes())
	copy(sig.S[:], newScalar().sub(total, r).bytes())
	if !sig.Verify(a.share.PublicKey(), forged) {
		t.Fatal("the attack does not work; the test shows nothing")
	}

	// With the check the first session with another R1 ends it, and it is counted.
	a.server.server.hooks = nil
	g, sess := a.session(hashOf("innocent"))
	alpha := (*hooks)(nil).randomScalar()
	own := newScalar().add(scalarFromDigest(g.digests[0]), baseMul(alpha).add(sess.points[0]).xScalar())
	res, err := a.finish(g, sess, g.rho, baseMul(alpha), newScalar().mul(newScalar().add(alpha, own), inverse))
	if err != nil || !errors.Is(res.Err, ErrViolation) || res.Signatures != nil || a.failures() != 1 {
		t.Fatal(err, res)
	}
	// And the registry keeps one session of a share open.
	server := a.server
	g1, m1, _ := a.share.BeginSign([][]byte{hashOf("a")})
	_, m2, _ := a.share.BeginSign([][]byte{hashOf("b")})
	first, err := server.handle(Call{Message: m1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.handle(Call{Message: m2}); err != nil {
		t.Fatal(err)
	}
	if err := g1.Receive(first); err != nil {
		t.Fatal(err)
	}
	m3, err := g1.Prove(testPIN)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.handle(Call{Message: m3}); !errors.Is(err, ErrSession) {
		t.Fatal("two sessions of one share are open:", err)
	}
}

func hashOf(s string) []byte {
	h := hashFields("test", []byte(s))
	return h[:]
}

// TestZeroAndLateDigest: whoever may choose the digest after R2 makes a valid S3, and a signature, with s1 = 0 and
// without knowing d1; with the share's P1 also with s1 that is not zero.
func TestZeroAndLateDigest(t *testing.T) {
	zeroS3 := func(omit check) (*attacker, *Result, []byte) {
		a := newAttacker(t, omit)
		bad := a.share.current.link
		g, sess := a.session(make([]byte, 32))
		key, guard, err := a.server.load(a.share.id)
		if err != nil {
			t.Fatal(err)
		}
		guard.failures = 2 // one try is left
		a.server.save(key, guard)
		r := (*hooks)(nil).randomScalar()
		r1 := baseMul(r).neg()
		late := newScalar().sub(r, r1.add(sess.points[0]).xScalar()).bytes()
		sess.digests[0] = late // as if S3 named the digest
		a.share.current.link = bad
		res, err := a.finish(g, sess, g.rho, r1, newScalar())
		if err != nil {
			t.Fatal(err)
		}
		return a, res, late
	}
	a, res, late := zeroS3(checkCommitment | checkZero)
	if res.Err != nil || !res.Signatures[0].Verify(a.share.PublicKey(), late) || a.failures() != 0 {
		t.Fatal("the attack does not work; the test shows nothing:", res.Err)
	}
	for name, omit := range map[string]check{"s1 = 0": checkCommitment, "late digest": checkZero, "both": 0} {
		a, res, _ := zeroS3(omit)
		if !errors.Is(res.Err, ErrViolation) || res.Signatures != nil || a.failures() != 3 {
			t.Errorf("%s: %v, %d failures", name, res.Err, a.failures())
		}
	}

	withP1 := func(omit check) (*attacker, *Result) {
		a := newAttacker(t, omit)
		g, sess := a.session(make([]byte, 32))
		key, _, err := a.server.load(a.share.id)
		if err != nil {
			t.Fatal(err)
		}
		r, s1 := (*hooks)(nil).randomScalar(), (*hooks)(nil).randomScalar()
		r1 := key.current.p1.mul(s1).add(baseMul(r).neg())
		sess.digests[0] = newScalar().sub(r, r1.add(sess.points[0]).xScalar()).bytes()
		res, err := a.finish(g, sess, g.rho, r1, s1)
		if err != nil {
			t.Fatal(err)
		}
		return a, res
	}
	if _, res := withP1(checkCommitment); res.Err != nil {
		t.Fatal("the attack does not work; the test shows nothing:", res.Err)
	}
	if a, res := withP1(0); !errors.Is(res.Err, ErrViolation) || a.failures() != 1 {
		t.Error(res.Err)
	}
}

// repeat gives the same randomness again and again, as a restored machine might.
type repeat struct{ n byte }

func (r *repeat) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(i*7+3) ^ r.n
	}
	return len(b), nil
}

func TestReusedClientNonce(t *testing.T) {
	// Without protection: the same k1 in two requests gives d1 to the server.
	run := func(raw bool) (d1 *scalar, r, s1 [2]*scalar, r1 [2]point) {
		server := newTestServer(t, nil)
		s, _ := newKey(t, server, nil)
		share := s.mustLoad(t)
		d1 = share.current.masked.unmask(testPIN)
		for i := range 2 {
			share.hooks = &hooks{raw: raw, rand: &repeat{}}
			g, m, err := share.BeginSign([][]byte{hashOf("the same document")})
			if err != nil {
				t.Fatal(err)
			}
			share.hooks = nil
			s2, err := server.handle(Call{Message: m})
			if err != nil {
				t.Fatal(err)
			}
			if err := g.Receive(s2); err != nil {
				t.Fatal(err)
			}
			r1[i], r[i] = g.r1[0], g.r[0]
			s1[i] = newScalar().mul(newScalar().add(g.k1[0], g.r[0]), newScalar().inv(d1))
			s3, err := g.Prove(testPIN)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := g.Prove(testPIN); !errors.Is(err, ErrUsed) {
				t.Fatal("S3 was made twice:", err)
			}
			s4, err := server.handle(Call{Message: s3})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := g.Finish(s4); err != nil {
				t.Fatal(err)
			}
			if _, err := g.Finish(s4); !errors.Is(err, ErrUsed) {
				t.Fatal("S4 was taken twice:", err)
			}
		}
		return d1, r, s1, r1
	}
	d1, r, s1, r1 := run(true)
	found := newScalar().mul(newScalar().sub(r[0], r[1]), newScalar().inv(newScalar().sub(s1[0], s1[1])))
	if !r1[0].equal(r1[1]) || !found.equal(d1) {
		t.Fatal("the attack does not work; the test shows nothing")
	}
	if _, _, _, r1 = run(false); r1[0].equal(r1[1]) {
		t.Error("a repeated generator repeats k1")
	}
}

func TestReusedServerNonce(t *testing.T) {
	run := func(h *hooks) (*attacker, [2]*Result, [2]*scalar, [2]point) {
		a := newAttacker(t, 0)
		inverse := newScalar().inv(a.share.current.masked.unmask(testPIN))
		var res [2]*Result
		var s1 [2]*scalar
		var r2 [2]point
		for i := range 2 {
			a.server.server.hooks = h
			g, sess := a.session(hashOf(fmt.Sprint(i)))
			a.server.server.hooks = nil
			r2[i] = sess.points[0]
			s1[i] = newScalar().mul(newScalar().add(g.k1[0], g.r[0]), inverse)
			var err error
			if res[i], err = a.finish(g, sess, g.rho, g.r1[0], s1[i]); err != nil || res[i].Err != nil {
				t.Fatal(err, res[i])
			}
			if _, err := a.finish(g, sess, g.rho, g.r1[0], s1[i]); !errors.Is(err, ErrUsed) {
				t.Fatal("a session was used twice:", err)
			}
		}
		return a, res, s1, r2
	}
	a, res, s1, r2 := run(&hooks{raw: true, rand: &repeat{}})
	t0 := newScalar().add(mustScalar(res[0].Signatures[0].R[:]), mustScalar(res[0].Signatures[0].S[:]))
	t1 := newScalar().add(mustScalar(res[1].Signatures[0].R[:]), mustScalar(res[1].Signatures[0].S[:]))
	d2 := newScalar().mul(newScalar().sub(s1[0], s1[1]), newScalar().inv(newScalar().sub(t0, t1)))
	key, _, err := a.server.load(a.share.id)
	if err != nil {
		t.Fatal(err)
	}
	if !r2[0].equal(r2[1]) || !d2.equal(key.current.d2) {
		t.Fatal("the attack does not work; the test shows nothing")
	}
	if _, _, _, r2 = run(&hooks{rand: &repeat{}}); r2[0].equal(r2[1]) {
		t.Error("a repeated generator repeats b")
	}
}

func TestSessionStateCannotBeWrittenDown(t *testing.T) {
	a := newAttacker(t, 0)
	g, sess := a.session(make([]byte, 32))
	secret := sess.nonces[0].bytes()
	for name, v := range map[string]any{"Session": sess, "Signing": g, "Attempt": &Attempt{session: sess}, "KeySession": &KeySession{d2: sess.nonces[0]}} {
		if b, err := json.Marshal(v); err == nil {
			t.Errorf("%s as JSON: %s", name, b)
		}
		if err := gob.NewEncoder(io.Discard).Encode(v); err == nil {
			t.Errorf("%s as gob", name)
		}
		for _, format := range []string{"%v", "%+v", "%#v", "%x", "%s"} {
			out := fmt.Sprintf(format, v)
			if len(out) > 40 || bytes.Contains([]byte(out), secret) {
				t.Errorf("%s printed with %s: %s", name, format, out)
			}
		}
	}
}

// TestWrongBaseOfProof: a server whose R2 is not b*G' is refused before the PIN is asked for.
func TestWrongBaseOfProof(t *testing.T) {
	a := newAttacker(t, 0)
	for name, base := range map[string]point{"G": generator, "P": a.share.public, "P1": func() point {
		key, _, _ := a.server.load(a.share.id)
		return key.current.p1
	}()} {
		for _, omit := range []check{0, checkNonceProof} {
			a.share.hooks = &hooks{omit: omit}
			g, s1, err := a.share.BeginSign([][]byte{make([]byte, 32)})
			if err != nil {
				t.Fatal(err)
			}
			key, guard, _ := a.server.load(a.share.id)
			sess, _, err := a.server.server.Begin(Sign, key, guard, s1, a.server.now)
			if err != nil {
				t.Fatal(err)
			}
			context := nonceContext(sess.keyID, sess.id, sess.digests, sess.com)
			b := (*hooks)(nil).randomScalar()
			r2 := base.mul(b)
			w := new(writer).put(Header{Operation: Sign, Round: 2, KeyID: sess.keyID, Session: sess.id}.bytes(), sess.sealKey.PublicKey().Bytes(), r2.bytes())
			(*hooks)(nil).proveLogs("b", context, base, []point{r2}, []*scalar{b}).put(w)
			tag := mac(key.current.device[:], "opened", s1, w.b)
			err = g.Receive(w.put(tag[:]).b)
			if omit == 0 && !errors.Is(err, ErrProof) || omit != 0 && err != nil {
				t.Errorf("base %s, checks left out %b: %v", name, omit, err)
			}
		}
	}
}

// TestSelectiveFailure: a batch with one right and one wrong s1 gets the very answer of one that is all wrong, so a
// batch tests one PIN, not many.
func TestSelectiveFailure(t *testing.T) {
	answer := func(right ...bool) (*Result, uint16) {
		a := newAttacker(t, 0)
		digests := make([][]byte, len(right))
		for i := range digests {
			digests[i] = hashOf(fmt.Sprint(i))
		}
		g, s1, err := a.share.BeginSign(digests)
		if err != nil {
			t.Fatal(err)
		}
		key, guard, _ := a.server.load(a.share.id)
		sess, s2, err := a.server.server.Begin(Sign, key, guard, s1, a.server.now)
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Receive(s2); err != nil {
			t.Fatal(err)
		}
		good, bad := newScalar().inv(a.share.current.masked.unmask(testPIN)), newScalar().inv(a.share.current.masked.unmask(wrongPIN))
		w := new(writer).put(g.rho[:])
		for i := range right {
			inverse := bad
			if right[i] {
				inverse = good
			}
			w.put(g.r1[i].bytes()).scalar(newScalar().mul(newScalar().add(g.k1[i], g.r[i]), inverse))
		}
		message, _ := g.seal(3, &a.share.current.link, w.b)
		attempt, err := a.server.server.Accept(key, guard, sess, message, a.server.now)
		if err != nil {
			t.Fatal(err)
		}
		res, err := attempt.Settle(key, guard, a.server.now)
		if err != nil {
			t.Fatal(err)
		}
		a.server.record(key, sess, res)
		return res, guard.failures
	}
	all, _ := answer(true, true)
	if all.Err != nil {
		t.Fatal("the attacker's S3 is malformed:", all.Err)
	}
	want, count := answer(false, false)
	for _, mixed := range [][]bool{{true, false}, {false, true}} {
		got, n := answer(mixed...)
		if got.Err.Error() != want.Err.Error() || n != count || len(got.Answer) != len(want.Answer) || got.Signatures != nil {
			t.Errorf("%v: %v, all wrong: %v", mixed, got.Err, want.Err)
		}
	}
}
