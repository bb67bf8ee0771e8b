package cosign

// commit evaluates round 5: a proof under the new share.
func (a *Attempt) commit(r *reader) ([]byte, error) {
	pi := r.proof("proof of d1")
	if err := r.end(); err != nil {
		return nil, err
	}
	if err := verifyLogs("share", refreshContext(5, a.session.transcript, nil), generator, []point{a.key.pending.p1}, pi); err != nil {
		return nil, errWrongPIN
	}
	return nil, nil
}

// replaceEpoch ends a refresh: the pending epoch takes the place of the old one, or is dropped.
func (a *Attempt) replaceEpoch(key *ServerKey, guard *Guard, done bool) {
	p := key.pending
	key.pending = nil
	if !done {
		p.wipe()
		return
	}
	key.current = p.serverEpoch
	key.active = true
	guard.ratchet = p.ratchet
	if a.header.Operation == Recover {
		guard.frozen, guard.resync = false, false
	}
}

// committed ends a refresh on the client's side.
func (s *Share) committed(done bool) {
	switch {
	case s.state == shareActivating:
		if done {
			s.state = shareReady
		}
	case s.next == nil:
	case done:
		s.current, s.next, s.nextFrom = *s.next, nil, SessionID{}
	default:
		s.next, s.nextFrom = nil, SessionID{}
	}
}

// Commit takes round 6. It changes the share: store it. nil: the new PIN stands. *PINError and the other verdicts: the
// old one stands. With any other error the commit stays unanswered; ResumeRequest finds out which one stands.
func (f *Refreshing) Commit(message []byte) error {
	s := f.share
	if s.open == nil || s.open.session != f.session || s.open.round != 5 {
		return ErrConflict
	}
	_, err := s.answer(message)
	return err
}
