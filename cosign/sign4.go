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
	nonces, rs, err := jointNonces(a.session.digests, r1, a.session.points)
	if err != nil {
		return nil, err
	}

	// s*G + (r + s)*P = R holds for one s only, and for s = s1/d2 + b - r if and only if s1*P1 = R1 + r*G (see the package
	// documentation): the PIN and our own arithmetic in one check. Nothing of s leaves this function before it.
	inverse, s := newScalar().inv(key.current.d2), make([]*scalar, n)
	for i := range n {
		s[i] = newScalar().mul(inverse, s1[i])
		s[i].add(s[i], a.session.nonces[i])
		s[i].sub(s[i], rs[i])
	}
	defer wipeScalars(append(s, inverse)...)
	if !verifyNonces(key.public, a.session.digests, nonces, rs, s) {
		if !a.provesPIN(r1, rs, s1) && !hooks.omits(checkPIN) {
			return nil, errWrongPIN
		}
		return nil, errFailed
	}
	w := new(writer)
	for i := range n {
		var sig Signature
		copy(sig.R[:], rs[i].bytes())
		copy(sig.S[:], s[i].bytes())
		w.put(sig.R[:], sig.S[:])
		a.signatures = append(a.signatures, sig)
	}
	return w.b, nil
}

// provesPIN checks every s1 alone, to tell a wrong PIN from a fault of this server. It goes on after one has failed.
func (a *Attempt) provesPIN(r1 []point, r, s1 []*scalar) bool {
	valid, minus := true, newScalar()
	for i := range s1 {
		// s1*P1 = R1 + r*G, written as s1*P1 - r*G = R1.
		valid = a.key.current.p1.baseMulAdd(minus.neg(r[i]), s1[i]).equal(r1[i]) && valid
	}
	return valid
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
	return parseSignatures(g.share.public, g.digests, g.nonces, g.r, body)
}

// parseSignatures verifies every signature. nonces and r, if known, allow to do it for all at once.
func parseSignatures(public point, digests [][]byte, nonces []point, rs []*scalar, body []byte) ([]Signature, error) {
	reader := &reader{name: "S4", b: body}
	out, r, s := make([]Signature, len(digests)), make([]*scalar, len(digests)), make([]*scalar, len(digests))
	for i := range out {
		r[i], s[i] = reader.scalar("r"), reader.scalar("s")
		if reader.err != nil {
			break
		}
		copy(out[i].R[:], r[i].bytes())
		copy(out[i].S[:], s[i].bytes())
	}
	if err := reader.end(); err != nil {
		return nil, err
	}
	known := len(nonces) == len(digests)
	for i := range nonces {
		known = known && rs[i].equal(r[i])
	}
	if known && verifyNonces(public, digests, nonces, r, s) {
		return out, nil
	}
	for i := range out {
		if !verifySignature(public, scalarFromDigest(digests[i]), r[i], s[i]) {
			return nil, ErrSignature
		}
	}
	return out, nil
}
