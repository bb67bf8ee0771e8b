package cosign

// S2, server to client: sid, R2 = b*G' for each digest, and a proof of every b in base G' = P + G, bound to
// (keyID, sid, e, com). The base matters: R2 in another base, for example P1, would make the client's answer a test of
// the PIN. b is drawn anew for each session, mixed with d2 and the request, and never written down: used twice, it gives
// d2 away.

func nonceContext(id KeyID, sid SessionID, digests [][]byte, com [hashSize]byte) []byte {
	h := hashFields("S2", new(writer).put(id[:], sid[:], com[:]).put(digests...).b)
	return h[:]
}

func (s *Server) signRound2(w *writer, key *ServerKey, sess *Session) {
	base, context := key.base(), nonceContext(sess.keyID, sess.id, sess.digests, sess.com)
	d2 := key.current.d2.bytes()
	for i := range sess.digests {
		b := s.hooks.nonce(d2, []byte("b"), context, []byte{byte(i)})
		r2 := base.mul(b)
		sess.nonces = append(sess.nonces, b)
		sess.points = append(sess.points, r2)
		w.put(r2.bytes())
	}
	wipe(d2)
	s.hooks.proveLogs("b", context, base, sess.points, sess.nonces).put(w)
}

// Receive checks S2: point and proof, R = R1 + R2 is not O, r = e + x(R) is not 0. It needs no PIN. ErrProof means that
// the server is not what it says; ErrInfinity and ErrZero that the signature must be started anew.
func (g *Signing) Receive(s2 []byte) error {
	if g.ended {
		return ErrUsed
	}
	r, err := g.receive(s2)
	if err != nil {
		return err
	}
	points := make([]point, len(g.digests))
	for i := range points {
		points[i] = r.point("R2")
	}
	pi := r.proof("proof of b")
	if err := r.end(); err != nil {
		return err
	}
	if !g.share.hooks.omits(checkNonceProof) {
		base := nonceBase(g.share.public)
		if err := verifyLogs("b", nonceContext(g.share.id, g.session, g.digests, g.com), base, points, pi); err != nil {
			return err
		}
	}
	nonces, rs, err := jointNonces(g.digests, g.r1, points)
	if err != nil {
		return err
	}
	g.nonces, g.r, g.received = nonces, rs, true
	return nil
}

// jointNonces returns R = R1 + R2 and r = e + x(R) for each digest, and refuses O and 0.
func jointNonces(digests [][]byte, r1, r2 []point) (sums []point, rs []*scalar, err error) {
	sums = pairSums(r1, r2)
	for i, sum := range sums {
		if sum.isInfinity() {
			return nil, nil, ErrInfinity
		}
		r := newScalar().add(scalarFromDigest(digests[i]), sum.xScalar())
		if r.isZero() {
			return nil, nil, ErrZero
		}
		rs = append(rs, r)
	}
	return sums, rs, nil
}
