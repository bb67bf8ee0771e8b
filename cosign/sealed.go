package cosign

import "time"

// Every request that evaluates a share, and its answer, are sealed alike.
//
//	request, C→S: header, encS, encE, AEAD{ device tag, ratchet tag, body }
//	answer,  S→C: header, AEAD{ verdict, attempts left, lock, ν, body }
//
// The header of the request and both encapsulations are the associated data; the keys depend on everything said before.

func requestTags(l link, header []byte, transcript [hashSize]byte, body []byte) (device, ratchet [hashSize]byte) {
	return mac(l.device[:], "device", header, transcript[:], body), mac(l.ratchet[:], "ratchet", header, transcript[:], body)
}

// seal makes a sealed request and enters it in the share as unanswered. Without a link the one that this exchange
// makes is used (Recover, Activate: there is none before, or it must not count). It returns the link of this exchange.
func (o *opening) seal(round int, l *link, body []byte) (message []byte, fresh link) {
	keys := deriveSealKeys(o.transcript, o.fromSession, o.fromStatic)
	defer keys.wipe()
	fresh = keys.link()
	if l == nil {
		l = &fresh
	}
	header := new(writer).put(Header{Operation: o.operation, Round: round, KeyID: o.share.id, Session: o.session}.bytes(), o.encS, o.encE).b
	device, ratchet := requestTags(*l, header, o.transcript, body)
	plain := new(writer).put(device[:], ratchet[:], body).b
	message = append(header, sealOnce(keys.request, header, plain)...)
	wipe(plain)
	o.share.open = &unanswered{
		operation: o.operation, round: round, session: o.session,
		key: append([]byte(nil), keys.answer...), ratchet: append([]byte(nil), fresh.ratchet[:]...),
	}
	if bodyApart(o.operation, round) {
		o.bodyKey = keys.body()
	}
	o.proved = true
	return message, fresh
}

// bodyApart reports whether the body of an answer is sealed once more, under a key that the client keeps in memory only:
// T and δs. The key of the answer itself stands in the share record until the answer has come, so whoever has an image
// of the record from that moment can open the verdict, and the signatures, but nothing that would test a PIN.
func bodyApart(op Operation, round int) bool {
	switch op {
	case Decrypt:
		return true
	case Refresh, Recover, Activate:
		return round == 3
	}
	return false
}

// openBody opens a body that is sealed apart and wipes the key.
func (o *opening) openBody(round int, sealed []byte) ([]byte, error) {
	h := Header{Operation: o.operation, Round: round + 1, KeyID: o.share.id, Session: o.session}
	defer wipe(o.bodyKey)
	return openOnce(o.bodyKey, h.bytes(), sealed)
}

// verdict is the first byte of an answer.
type verdict uint8

const (
	verdictDone      verdict = 1 + iota
	verdictWrongPIN          // counted
	verdictViolation         // counted
	verdictClone             // frozen
	verdictFailed            // the server's fault; not counted, nothing done
)

// answer is the plain form of an answer.
type answer struct {
	verdict      verdict
	attemptsLeft uint8
	locked       bool
	lockedUntil  int64 // Unix seconds, 0: none or until unlocked
	resync       bool  // the ratchet starts again with the one of this exchange
	nu           [hashSize]byte
	body         []byte
}

func (m *answer) put(w *writer) {
	w.u8(uint8(m.verdict)).u8(m.attemptsLeft).flag(m.locked).u64(uint64(m.lockedUntil)).flag(m.resync).put(m.nu[:], m.body)
}

func parseAnswer(plain []byte) (*answer, error) {
	r := &reader{name: "answer", b: plain}
	m := &answer{
		verdict: verdict(r.u8("verdict")), attemptsLeft: r.u8("attempts left"), locked: r.flag("locked"),
		lockedUntil: int64(r.u64("locked until")), resync: r.flag("resync"), nu: r.b32("ν"),
	}
	if r.err == nil && (m.verdict < verdictDone || m.verdict > verdictFailed) {
		r.fail("verdict", ErrRange)
	}
	if r.err == nil && m.verdict != verdictDone && len(r.b) != 0 {
		r.fail("body", ErrTrailing)
	}
	m.body = r.b
	return m, r.err
}

func (m *answer) err() error {
	switch m.verdict {
	case verdictDone:
		return nil
	case verdictWrongPIN:
		e := &PINError{AttemptsLeft: int(m.attemptsLeft), Locked: m.locked}
		if m.lockedUntil > 0 {
			e.LockedUntil = time.Unix(m.lockedUntil, 0).UTC()
		}
		return e
	case verdictViolation:
		return ErrViolation
	case verdictClone:
		return ErrCloneSuspected
	}
	return ErrFailed
}

// rolls reports whether a verdict moves the ratchet of the link that the request was made with. Both sides ask it.
func rolls(op Operation, round int, v verdict) bool {
	switch {
	case v == verdictClone:
		return false
	case round == 5:
		return v == verdictDone // else the pending epoch is dropped with its link
	case op == Recover || op == Activate:
		return false // made under a link that only the commit makes valid
	}
	return true
}

// answer opens the answer to the unanswered request, rolls the ratchet and clears the request. For the commit of a
// refresh it also puts the new epoch in the place of the old one. It returns the body, or the server's verdict as error.
func (s *Share) answer(message []byte) ([]byte, error) {
	u := s.open
	if u == nil {
		return nil, ErrConflict
	}
	h := Header{Operation: u.operation, Round: u.round + 1, KeyID: s.id, Session: u.session}
	r, err := openMessage("answer", message, h)
	if err != nil {
		return nil, err
	}
	plain, err := openOnce(u.key, h.bytes(), r.b)
	if err != nil {
		return nil, err
	}
	m, err := parseAnswer(plain)
	if err != nil {
		return nil, err
	}
	if u.round == 5 {
		s.committed(m.verdict == verdictDone)
	}
	if rolls(u.operation, u.round, m.verdict) {
		if l := &s.current.link; m.resync {
			copy(l.ratchet[:], u.ratchet)
		} else {
			l.ratchet = roll(l.ratchet, m.nu[:], u.session)
		}
	}
	wipe(u.key, u.ratchet)
	s.open = nil
	return m.body, m.err()
}
