package cosign

// refreshContext is what the proofs of rounds 3 and 5 are bound to.
func refreshContext(round int, transcript [hashSize]byte, delta []byte) []byte {
	h := hashFields("refresh proof", []byte{byte(round)}, transcript[:], delta)
	return h[:]
}

// Receive checks round 2. It needs no PIN.
func (f *Refreshing) Receive(message []byte) error {
	if f.ended {
		return ErrUsed
	}
	r, err := f.receive(message)
	if err != nil {
		return err
	}
	if f.recover != nil {
		if err := f.receiveRecovery(r, message); err != nil {
			return err
		}
	}
	if err := r.end(); err != nil {
		return err
	}
	f.received = true
	return nil
}

// Prove makes round 3. It changes the share, which must be durable before the message is sent (not for Activate, where
// there is nothing to keep before Renew). old is the present PIN; nil for Recover and Activate, which have the share from
// elsewhere.
func (f *Refreshing) Prove(old []byte) ([]byte, error) {
	switch {
	case f.proved || f.ended:
		return nil, ErrUsed
	case !f.received:
		return nil, ErrConflict
	}
	h, w := f.share.hooks, new(writer)
	var l *link
	guarded(func() {
		if f.operation == Refresh {
			l = &f.share.current.link
			f.secret = f.share.current.masked.unmask(old)
		}
		f.delta = h.randomScalar()
		w.scalar(f.delta)
		f.proveSecret(w, 3, w.b)
	})
	message, fresh := f.seal(3, l, w.b)
	wipe(w.b)
	f.request, f.link = message, fresh
	return message, nil
}

// proveSecret appends PoK(secret).
func (f *Refreshing) proveSecret(w *writer, round int, delta []byte) {
	p1 := baseMul(f.secret)
	f.share.hooks.proveLogs("share", refreshContext(round, f.transcript, delta), generator, []point{p1}, []*scalar{f.secret}).put(w)
	p1.wipe()
}
