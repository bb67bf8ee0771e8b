package cosign

// fate is what became of an unanswered request.
type fate uint8

const (
	fateNone     fate = iota // nothing was asked for
	fateAnswered             // the answer follows
	fateLost                 // counted, but never evaluated: the server stopped in between
	fateNotRun               // never accepted, and never will be
)

func resumeAnswer(id KeyID, nonce [hashSize]byte, f fate, epoch uint32, answer []byte, device [hashSize]byte) []byte {
	w := new(writer).put(Header{Operation: Resume, Round: 2, KeyID: id}.bytes(), nonce[:]).u8(uint8(f)).u32(epoch).bytes(answer)
	tag := mac(device[:], "resumed", w.b)
	return w.put(tag[:]).b
}

// Resume answers a client that lost an answer or restarted inside a refresh. It may change key (a pending epoch is
// dropped) and guard: both must be durable before the answer is sent. Errors: *MessageError, ErrConflict (records of another key), ErrEpoch (an old backup), ErrDevice.
func (s *Server) Resume(key *ServerKey, guard *Guard, message []byte) ([]byte, error) {
	m, err := parseResumption(message)
	if err != nil {
		return nil, err
	}
	if key.id != m.header.KeyID || guard.id != key.id {
		return nil, ErrConflict
	}
	matches := func(device, tag [hashSize]byte) bool {
		want := mac(device[:], "resume", m.tagged)
		return macEqual(want[:], tag[:])
	}
	standing, n := key.current.device, key.current.number
	switch {
	case key.active && m.epoch == n && matches(standing, m.current): // the old epoch, or nothing to settle
	case key.active && m.epoch+1 == n && matches(standing, m.next): // the refresh was committed
	case !key.active && key.pending != nil && m.epoch == key.pending.number && matches(key.pending.device, m.current):
		standing, n = key.pending.device, 0 // an activation that was not committed
	case m.epoch != n:
		return nil, ErrEpoch
	default:
		return nil, ErrDevice
	}

	f, answer := fateNone, []byte(nil)
	if !m.session.IsZero() {
		switch {
		case guard.last.session == m.session && guard.last.round == m.round:
			f, answer = fateAnswered, guard.last.message
		case guard.holds(m.session, int(m.round)):
			f = fateLost
			guard.Abandon()
			guard.void = m.session
		default:
			f = fateNotRun
			guard.void = m.session
		}
	}
	if p := key.pending; p != nil && (p.from == m.settle && !m.settle.IsZero() || !key.active) && f != fateAnswered {
		key.pending = nil
	}
	return resumeAnswer(key.id, m.nonce, f, n, answer, standing), nil
}

// State is what a client found out with Resume.
type State struct {
	Operation  Operation   // of the unanswered request; 0 if there was none
	Session    SessionID   // of the unanswered request
	Done       bool        // it was carried out; the plaintext of a Decrypt is lost all the same: decrypt again
	Err        error       // why not: *PINError, ErrCloneSuspected, ErrViolation, ErrFailed, ErrNotRun
	Digests    [][]byte    // Sign
	Signatures []Signature // Sign, when Done: verified, in the order of Digests
	Epoch      uint32      // that stands
	PINChanged bool        // a refresh was settled and the new PIN stands
}

// resumed is a checked round 2.
type resumed struct {
	fate   fate
	epoch  uint32
	answer []byte
	round  uint8 // of the unanswered request
}

// Resumed takes round 2 and brings the share in step with the server. It changes the share: store it. request is what
// ResumeRequest returned. ErrProof: not an answer of the enrolled server to this request. ErrStale: the server has
// moved on to an epoch that this record does not hold.
func (s *Share) Resumed(request, message []byte) (State, error) {
	m, err := s.checkResumed(request, message)
	if err != nil {
		return State{}, err
	}
	return s.applyResumed(m)
}

// checkResumed changes nothing.
func (s *Share) checkResumed(request, message []byte) (*resumed, error) {
	q, err := parseResumption(request)
	if err != nil {
		return nil, err
	}
	r, err := openMessage("resume round 2", message, Header{Operation: Resume, Round: 2, KeyID: s.id})
	if err != nil {
		return nil, err
	}
	nonce := r.b32("nonce")
	m := &resumed{fate: fate(r.u8("fate")), epoch: r.u32("epoch"), answer: r.bytes("answer", maxAnswerSize), round: q.round}
	tagged := message[:len(message)-len(r.b)]
	tag := r.b32("tag")
	if r.err == nil && (m.fate > fateNotRun || (m.fate == fateAnswered) != (len(m.answer) > 0) || (m.fate == fateNone) != (s.open == nil)) {
		r.fail("fate", ErrRange)
	}
	if err := r.end(); err != nil {
		return nil, err
	}
	device := s.current.link.device
	if s.next != nil && m.epoch == s.next.number {
		device = s.next.link.device
	}
	want := mac(device[:], "resumed", tagged)
	if nonce != q.nonce || !macEqual(tag[:], want[:]) {
		return nil, ErrProof
	}
	return m, nil
}

func (s *Share) applyResumed(m *resumed) (State, error) {
	st := State{}
	before := s.current.number
	if u := s.open; u != nil {
		st.Operation, st.Session, st.Digests = u.operation, u.session, u.digests
		if m.fate == fateAnswered {
			body, err := s.answer(m.answer)
			if s.open != nil {
				return State{}, err
			}
			defer wipe(body)
			if st.Err = err; err == nil {
				st.Done = true
				if u.operation == Sign {
					if st.Signatures, err = parseSignatures(s.public, u.digests, nil, nil, body); err != nil {
						return State{}, err
					}
				}
			}
		} else {
			st.Err = ErrNotRun
			wipe(u.key, u.ratchet)
			s.open = nil
		}
	}
	if s.next != nil { // not settled by the answer
		s.committed(m.epoch == s.next.number)
	}
	if s.state == shareReady && m.epoch != s.current.number {
		return State{}, ErrStale
	}
	st.Epoch = s.current.number
	activated := st.Operation == Activate && st.Done && m.round == 5
	st.PINChanged = s.current.number != before || activated
	return st, nil
}
