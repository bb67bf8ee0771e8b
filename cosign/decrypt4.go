package cosign

// decrypt evaluates round 3.
func (a *Attempt) decrypt(r *reader) ([]byte, error) {
	key, h := a.key, a.server.hooks
	c1, pi := r.point("C1"), r.proof("proof of d1")
	if err := r.end(); err != nil {
		return nil, err
	}
	context := decryptContext(a.session.transcript, c1)
	if err := verifyLogs("decrypt", context, generator, []point{key.current.p1}, pi); err != nil && !h.omits(checkPIN) {
		return nil, errWrongPIN
	}
	t := c1.mul(key.current.d2)
	w := new(writer).put(t.bytes())
	h.proveEqual("T", context, key.current.p1, c1, key.base(), t, key.current.d2).put(w)
	t.wipe()
	return w.b, nil
}

// Finish takes round 4 and returns the plaintext, which the caller wipes. It changes the share: store it. Errors of the
// server's verdict: *PINError, ErrCloneSuspected, ErrViolation, ErrFailed. ErrProof: the server answered with a false T.
// ErrCiphertext: the ciphertext is not for this key, or was changed.
func (d *Decrypting) Finish(message []byte) ([]byte, error) {
	s := d.share
	if s.open == nil || s.open.session != d.session {
		return nil, ErrConflict
	}
	body, err := s.answer(message)
	if s.open == nil {
		defer d.Cancel()
	}
	if err != nil {
		return nil, err
	}
	defer wipe(body)
	r := &reader{name: "decrypt round 4", b: body}
	t, pi := r.point("T"), r.proof("proof of T")
	if err := r.end(); err != nil {
		return nil, err
	}
	defer t.wipe()
	var shared []byte
	guarded(func() {
		p1, base := baseMul(d.secret), s.public.add(generator)
		if err = verifyEqual("T", d.context, p1, d.ciphertext.c1, base, t, pi); err == nil {
			shared, err = secretPoint(d.secret, t, d.ciphertext.c1)
		}
		p1.wipe()
	})
	if err != nil {
		return nil, err
	}
	defer wipe(shared)
	return d.ciphertext.open(shared)
}
