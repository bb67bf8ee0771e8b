package cosign

// A client that lost an answer, or restarted inside a refresh, asks what became of it, and may do nothing else before.
// It needs no PIN.
//
//	round 1, C→S: header, epoch, nonce, the unanswered request (operation, round, sid), sid of the refresh to be
//	              settled, device tags under the link of the old and of the new epoch
//	round 2, S→C: header, nonce, what became of the request, the standing epoch, the answer if there was one, tag
//
// A request that the server has not run by then, it never will. A refresh that is not committed by then is dropped.

// resumption is a parsed round 1.
type resumption struct {
	header        Header
	epoch         uint32
	nonce         [hashSize]byte
	operation     Operation // 0: nothing is unanswered
	round         uint8
	session       SessionID
	settle        SessionID // zero: no refresh to be settled
	tagged        []byte
	current, next [hashSize]byte
}

// ResumeRequest makes round 1. It changes nothing; a repeated request is harmless.
func (s *Share) ResumeRequest() ([]byte, error) {
	if s.state == shareGenerated {
		return nil, ErrUnconfirmed
	}
	nonce := s.hooks.random32()
	w := new(writer).put(Header{Operation: Resume, Round: 1, KeyID: s.id}.bytes()).u32(s.current.number).put(nonce[:])
	if u := s.open; u != nil {
		w.u8(uint8(u.operation)).u8(uint8(u.round)).put(u.session[:])
	} else {
		w.u8(0).u8(0).put(make([]byte, len(SessionID{})))
	}
	w.put(s.nextFrom[:])
	current := mac(s.current.link.device[:], "resume", w.b)
	var next [hashSize]byte
	if s.next != nil {
		next = mac(s.next.link.device[:], "resume", w.b)
	}
	return w.put(current[:], next[:]).b, nil
}

func parseResumption(message []byte) (*resumption, error) {
	r := &reader{name: "resume round 1", b: message}
	m := &resumption{header: r.header()}
	if r.err == nil && (m.header.Operation != Resume || m.header.Round != 1) {
		r.fail("header", ErrType)
	}
	m.epoch, m.nonce = r.u32("epoch"), r.b32("nonce")
	m.operation, m.round, m.session = Operation(r.u8("operation")), r.u8("round"), r.b16("session")
	if r.err == nil {
		none := m.operation == 0 && m.round == 0 && m.session.IsZero()
		if !none && (!isSealedRequest(m.operation, int(m.round)) || m.session.IsZero()) {
			r.fail("session", ErrType)
		}
	}
	m.settle = r.b16("settle")
	m.tagged = message[:len(message)-len(r.b)]
	m.current, m.next = r.b32("tag"), r.b32("new tag")
	return m, r.end()
}
