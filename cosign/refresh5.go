package cosign

// Renew takes round 4 and makes round 5, masking the new share under pin. It changes the share, which then holds both
// epochs and must be durable before round 5 is sent. Errors of the server's verdict: *PINError, ErrCloneSuspected,
// ErrViolation, ErrFailed; the share then holds only the old epoch and must be stored too. pin stays the caller's.
func (f *Refreshing) Renew(message, pin []byte) ([]byte, error) {
	if !f.proved || f.ended {
		return nil, ErrConflict
	}
	s := f.share
	if s.open == nil || s.open.session != f.session || s.open.round != 3 {
		return nil, ErrConflict
	}
	body, err := s.answer(message)
	if err != nil {
		if s.open == nil {
			f.Cancel()
		}
		return nil, err
	}
	defer wipe(body)
	r := &reader{name: "refresh round 4", b: body}
	deltaS, recovery := r.scalar("δs"), r.b32("recovery")
	if err := r.end(); err != nil {
		return nil, err
	}
	w := new(writer)
	e := shareEpoch{number: s.current.number + 1, link: f.link}
	guarded(func() {
		f.secret.mul(f.secret, f.delta)
		f.secret.mul(f.secret, deltaS)
		deltaS.wipe()
		f.delta.wipe()
		e.masked = s.hooks.mask(f.secret, pin, f.kdf)
		e.recovery = s.hooks.wrap(f.secret, recovery[:], s.id, e.number)
		f.transcript = commitTranscript(f.transcript, f.request, message)
		f.proveSecret(w, 5, nil)
	})
	wipe(recovery[:])
	if err := f.reseal(); err != nil {
		return nil, err
	}
	if f.operation == Activate {
		s.current, s.state = e, shareActivating
	} else {
		s.next, s.nextFrom = &e, f.session
	}
	out, _ := f.seal(5, &e.link, w.b)
	f.Cancel()
	return out, nil
}

// reseal makes fresh encapsulations for a second sealed request of the session.
func (o *opening) reseal() (err error) {
	wipe(o.fromStatic, o.fromSession)
	if o.encS, o.fromStatic, err = encapsulate(o.share.serverSeal[:], sealInfo("server", o.share.id)); err != nil {
		return err
	}
	o.encE, o.fromSession, err = encapsulate(o.serverKey, sealInfo("session "+string(o.session[:]), o.share.id))
	return err
}
