package cosign

import (
	"errors"
	"fmt"
	"time"
)

// Accept takes a sealed request (S3 and its like): it opens the seal, checks the device tag and reserves the attempt in
// guard. The caller makes guard durable before it calls Evaluate or Settle. The session is then used up.
// Errors count nothing and leave guard and session as they were: *MessageError, ErrSession, ErrSeal, ErrDevice (neither
// is the enrolled device: a stranger cannot lock the key), ErrEpoch, ErrConflict, ErrUsed, *LockedError,
// ErrCloneSuspected, ErrBusy.
func (s *Server) Accept(key *ServerKey, guard *Guard, sess *Session, message []byte, now time.Time) (*Attempt, error) {
	if sess.used && !s.hooks.omits(checkSession) {
		return nil, ErrUsed
	}
	h := Header{Operation: sess.operation, Round: sess.round, KeyID: sess.keyID, Session: sess.id}
	if s.hooks.omits(checkSession) {
		got, err := ReadHeader(message)
		if err != nil {
			return nil, err
		}
		h.Session = got.Session
	}
	r, err := openMessage(sess.operation.String()+" request", message, h)
	if err != nil {
		return nil, err
	}
	if key.id != sess.keyID || guard.id != key.id {
		return nil, ErrConflict
	}
	if key.current.number != sess.epoch && !s.hooks.omits(checkEpoch) {
		return nil, ErrEpoch
	}
	a := &Attempt{server: s, key: key, session: sess, header: h, message: message}
	if sess.round == 5 && (key.pending == nil || key.pending.from != sess.id) {
		return nil, ErrConflict
	}

	encS, encE := r.b32("encS"), r.b32("encE")
	if r.err != nil {
		return nil, r.err
	}
	static, err := decapsulate(s.seal.key, encS[:], sealInfo("server", key.id))
	if err != nil {
		return nil, err
	}
	session, err := decapsulate(sess.sealKey, encE[:], sealInfo("session "+string(h.Session[:]), key.id))
	if err != nil {
		return nil, err
	}
	a.keys = deriveSealKeys(sess.transcript, session, static)
	wipe(static, session)
	header := message[:len(message)-len(r.b)]
	plain, err := openOnce(a.keys.request, header, r.b)
	if err != nil {
		return nil, err
	}
	tags := &reader{name: r.name, b: plain}
	device, ratchet := tags.b32("device tag"), tags.b32("ratchet tag")
	if tags.err != nil {
		return nil, ErrDevice
	}
	a.body = tags.b
	l := link{device: key.current.device, ratchet: guard.ratchet}
	switch {
	case sess.round == 5:
		l = link{device: key.pending.device, ratchet: key.pending.ratchet}
	case sess.operation == Recover || sess.operation == Activate:
		l = a.keys.link()
	}
	wantDevice, wantRatchet := requestTags(l, header, sess.transcript, a.body)
	if !macEqual(device[:], wantDevice[:]) && !s.hooks.omits(checkDevice) {
		return nil, ErrDevice
	}
	a.inStep = macEqual(ratchet[:], wantRatchet[:]) || s.hooks.omits(checkRatchet)
	if err := guard.open(sess.operation, now); err != nil {
		return nil, err
	}
	if guard.void == sess.id {
		return nil, ErrSession
	}
	if guard.resync && !a.inStep {
		a.inStep, a.resync = true, true
	}
	if !s.hooks.omits(checkReserve) {
		guard.reserve(sess.id, sess.round, now)
	}
	sess.used = true
	return a, nil
}

// Attempt is a reserved attempt. Memory only, like Session.
type Attempt struct {
	secretState
	server  *Server
	key     *ServerKey // as it was accepted; read only
	session *Session
	header  Header
	message []byte
	keys    *sealKeys
	body    []byte
	inStep  bool // the ratchet is the expected one
	resync  bool // …or is to be set

	evaluated, settled bool
	answer             []byte // body of the answer
	err                error  // nil, errWrongPIN, ErrCloneSuspected, errFailed, or what was violated
	signatures         []Signature
	pending            *pendingEpoch
	grantee            *GranteeRecords
}

// Evaluate checks the proof and computes the answer. It touches no durable state; nothing of it may leave the process
// before the records of Settle are durable. Calling it is optional (Settle does it) and allows to compute outside of a
// database transaction. Not safe for concurrent use.
func (a *Attempt) Evaluate() {
	if a.evaluated {
		return
	}
	a.evaluated = true
	guarded(func() {
		r := &reader{name: a.header.Operation.String() + " request", b: a.body}
		switch {
		case a.header.Round == 5:
			a.answer, a.err = a.commit(r)
		case a.header.Operation == Sign:
			a.answer, a.err = a.sign(r)
		case a.header.Operation == Decrypt:
			a.answer, a.err = a.decrypt(r)
		case a.header.Operation == Delegate:
			a.answer, a.err = a.delegate(r)
		default:
			a.answer, a.err = a.refresh(r)
		}
	})
	wipe(a.body)
	if !a.server.hooks.omits(checkSession) {
		a.session.Wipe()
	}
	if a.err == nil && !a.inStep {
		a.err = ErrCloneSuspected
	}
	if a.err != nil {
		wipe(a.answer)
		a.answer, a.signatures, a.pending, a.grantee = nil, nil, nil, nil
	}
}

// Result is the outcome of an attempt.
type Result struct {
	// Answer is the sealed answer (S4 and its like). It exists for every outcome, a wrong PIN included, and must reach the
	// client in each case, beside a problem document too: it carries what rolls the client's ratchet. A client that does
	// not get it asks with Resume.
	Answer []byte

	// Err is nil when the operation was done. Else it is *PINError (counted), ErrCloneSuspected (guard is frozen now),
	// an error that wraps ErrViolation and the check that failed (counted; for the audit record), or ErrFailed (the
	// server's own fault, not counted).
	Err    error
	Status GuardStatus // after the attempt

	Signatures []Signature     // Sign: verified, in the order of Session.Digests
	KeyChanged bool            // key was changed and must be stored too
	Grantee    *GranteeRecords // Delegate: to be stored for the grantee
	Next       *Session        // Refresh, Recover, Activate: the session of the commit, under the same ID
}

// Settle turns the verdict into durable state: it changes guard, and key for a refresh. Both are the records as they are
// now. The caller stores them, and whatever Result names, in one transaction, and sends Result.Answer only after that.
// ErrConflict: guard does not wait for this attempt any more (Resume has declared it as not run); nothing is sent then.
func (a *Attempt) Settle(key *ServerKey, guard *Guard, now time.Time) (*Result, error) {
	sid, round := a.header.Session, a.header.Round
	if a.settled {
		return nil, ErrUsed
	}
	held := guard.holds(sid, round) || a.server.hooks.omits(checkReserve)
	if guard.id != a.key.id || key.id != a.key.id || !held || key.current.number != a.key.current.number {
		return nil, ErrConflict
	}
	if round == 5 && (key.pending == nil || key.pending.from != sid) {
		return nil, ErrConflict
	}
	a.Evaluate()
	a.settled = true

	h := a.header
	h.Round++
	m := &answer{nu: a.server.hooks.random32(), body: a.answer, resync: a.resync}
	if a.err == nil && bodyApart(h.Operation, round) {
		m.body = sealOnce(a.keys.body(), h.bytes(), a.answer)
	}
	res := &Result{}
	switch {
	case a.err == nil:
		m.verdict = verdictDone
		guard.Unlock()
	case errors.Is(a.err, errWrongPIN):
		m.verdict = verdictWrongPIN
	case errors.Is(a.err, ErrCloneSuspected):
		m.verdict = verdictClone
		guard.frozen = true
	case errors.Is(a.err, errFailed):
		m.verdict = verdictFailed
		guard.Unlock() // the proof was right
	default:
		m.verdict = verdictViolation
	}
	if round == 5 {
		res.KeyChanged = true
		a.replaceEpoch(key, guard, m.verdict == verdictDone)
	} else if a.pending != nil {
		res.KeyChanged = true
		key.pending = a.pending
	}
	if rolls(a.header.Operation, round, m.verdict) {
		guard.resync = guard.resync && m.verdict != verdictDone
		if m.resync = m.resync && m.verdict == verdictDone; m.resync {
			guard.ratchet = a.keys.ratchet()
		} else {
			guard.ratchet = roll(guard.ratchet, m.nu[:], sid)
		}
	}

	res.Status = guard.Status(now)
	m.attemptsLeft, m.locked = uint8(res.Status.AttemptsLeft), res.Status.Locked
	if !res.Status.LockedUntil.IsZero() {
		m.lockedUntil = res.Status.LockedUntil.Unix()
	}
	if m.verdict == verdictViolation {
		res.Err = fmt.Errorf("%w: %w", ErrViolation, a.err)
	} else {
		res.Err = m.err()
	}
	w := new(writer)
	m.put(w)
	res.Answer = append(h.bytes(), sealOnce(a.keys.answer, h.bytes(), w.b)...)
	wipe(w.b, a.answer)
	guard.settle(sid, round, res.Answer)
	res.Signatures, res.Grantee = a.signatures, a.grantee
	if a.pending != nil {
		res.Next = &Session{
			id: sid, keyID: key.id, operation: a.header.Operation, round: 5, epoch: key.current.number,
			sealKey: a.session.sealKey, transcript: commitTranscript(a.session.transcript, a.message, res.Answer),
		}
	}
	a.keys.wipe()
	return res, nil
}
