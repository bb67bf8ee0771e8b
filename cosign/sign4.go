package cosign

// S4, server to client, sealed: r, s for each digest, after the server has checked S3 and verified its own result.

// sign evaluates S3. Everything that needs no secret is checked first and for the whole batch; then every s1 is checked,
// also after one has failed, so that neither the answer nor its time tells which one it was.
func (a *Attempt) sign(r *reader) ([]byte, error) {
	n, key, hooks := len(a.session.digests), a.key, a.server.hooks
	rho := r.b32("ρ")
	r1, s1 := make([]point, n), make([]*scalar, n)
	for i := range n {
		r1[i] = r.point("R1")
		if hooks.omits(checkZero) {
			s1[i] = r.scalarOrZero("s1")
		} else {
			s1[i] = r.scalar("s1")
		}
	}
	defer wipeScalars(s1...)
	if err := r.end(); err != nil {
		return nil, err
	}
	com := signingCommitment(key.id, a.session.digests, r1, rho)
	if !macEqual(com[:], a.session.com[:]) && !hooks.omits(checkCommitment) {
		return nil, ErrProof
	}
	rs := make([]*scalar, n)
	for i := range n {
		sum := r1[i].add(a.session.points[i])
		if sum.isInfinity() {
			return nil, ErrInfinity
		}
		rs[i] = newScalar().add(scalarFromDigest(a.session.digests[i]), sum.xScalar())
		if rs[i].isZero() {
			return nil, ErrZero
		}
	}

	valid, minus := true, newScalar()
	for i := range n {
		// s1*P1 = R1 + r*G, written as s1*P1 - r*G = R1.
		valid = key.current.p1.baseMulAdd(minus.neg(rs[i]), s1[i]).equal(r1[i]) && valid
	}
	if !valid && !hooks.omits(checkPIN) {
		return nil, errWrongPIN
	}

	inverse, s := newScalar().inv(key.current.d2), newScalar()
	defer wipeScalars(inverse, s)
	w := new(writer)
	for i := range n {
		s.mul(inverse, s1[i])
		s.add(s, a.session.nonces[i])
		s.sub(s, rs[i])
		if !verifySignature(key.public, scalarFromDigest(a.session.digests[i]), rs[i], s) {
			return nil, errFailed
		}
		var sig Signature
		copy(sig.R[:], rs[i].bytes())
		copy(sig.S[:], s.bytes())
		w.put(sig.R[:], sig.S[:])
		a.signatures = append(a.signatures, sig)
	}
	return w.b, nil
}

// Finish takes S4 and returns the signatures in the order of the digests, each verified. It changes the share: store it.
// Errors of the server's verdict: *PINError, ErrCloneSuspected, ErrViolation. With any other error the session stays
// unanswered and ResumeRequest may ask for S4 again.
func (g *Signing) Finish(s4 []byte) ([]Signature, error) {
	if !g.proved {
		return nil, ErrConflict
	}
	u := g.share.open
	if u == nil || u.session != g.session {
		return nil, ErrUsed
	}
	body, err := g.share.answer(s4)
	if err != nil {
		return nil, err
	}
	return parseSignatures(g.share.public, g.digests, body)
}

func parseSignatures(public point, digests [][]byte, body []byte) ([]Signature, error) {
	reader := &reader{name: "S4", b: body}
	out := make([]Signature, len(digests))
	for i := range out {
		r, s := reader.scalar("r"), reader.scalar("s")
		if reader.err != nil {
			break
		}
		if !verifySignature(public, scalarFromDigest(digests[i]), r, s) {
			return nil, ErrSignature
		}
		copy(out[i].R[:], r.bytes())
		copy(out[i].S[:], s.bytes())
	}
	if err := reader.end(); err != nil {
		return nil, err
	}
	return out, nil
}
