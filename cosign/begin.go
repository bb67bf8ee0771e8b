package cosign

import (
	"crypto/hpke"
	"time"
)

// Every operation on an existing share begins alike.
//
//	round 1, C→S: header, epoch, nC, fields of the operation, device tag over all before it (Activate has none)
//	round 2, S→C: header with sid, the server's seal key for this session, fields of the operation
//
// Nothing secret is evaluated, no attempt is counted, and no PIN is needed.

// opening is the client's side of a session up to its sealed request.
type opening struct {
	share                   *Share
	operation               Operation
	session                 SessionID
	first                   []byte
	encS, fromStatic        []byte // to the pinned key; made before the answer, while the user types
	serverKey               []byte // of this session
	encE, fromSession       []byte
	transcript              [hashSize]byte
	received, proved, ended bool
}

func firstMessage(op Operation, id KeyID, epoch uint32, nonce [hashSize]byte, fields, deviceSecret []byte) []byte {
	w := new(writer).put(Header{Operation: op, Round: 1, KeyID: id}.bytes()).u32(epoch).put(nonce[:], fields)
	if deviceSecret != nil {
		tag := mac(deviceSecret, "request", w.b)
		w.put(tag[:])
	}
	return w.b
}

// begin makes the first message.
func (s *Share) begin(op Operation, fields, deviceSecret []byte) (*opening, error) {
	o := &opening{share: s, operation: op}
	o.first = firstMessage(op, s.id, s.current.number, s.hooks.random32(), fields, deviceSecret)
	var err error
	o.encS, o.fromStatic, err = encapsulate(s.serverSeal[:], sealInfo("server", s.id))
	return o, err
}

// receive reads the second message up to the fields of the operation, and makes the second encapsulation.
func (o *opening) receive(message []byte) (*reader, error) {
	if o.received {
		return nil, ErrUsed
	}
	r := &reader{name: o.operation.String() + " round 2", b: message}
	h := r.header()
	if r.err == nil && (h.Operation != o.operation || h.Round != 2) {
		r.fail("header", ErrType)
	}
	serverKey := append([]byte(nil), r.take("seal key", sealPublicSize)...)
	if r.err != nil {
		return nil, r.err
	}
	if h.KeyID != o.share.id || h.Session.IsZero() {
		return nil, ErrSession
	}
	var err error
	if o.encE, o.fromSession, err = encapsulate(serverKey, sealInfo("session "+string(h.Session[:]), o.share.id)); err != nil {
		return nil, err
	}
	o.session, o.serverKey = h.Session, serverKey
	o.transcript = hashFields("transcript", o.first, message)
	return r, nil
}

func (o *opening) wipe() {
	o.ended = true
	wipe(o.fromStatic, o.fromSession)
}

// first is a parsed first message.
type first struct {
	header  Header
	epoch   uint32
	nonce   [hashSize]byte
	digests [][]byte       // Sign
	com     [hashSize]byte // Sign

	sealKey, encS [sealPublicSize]byte // Recover
	tagged        []byte
	tag           [hashSize]byte
}

func parseFirst(message []byte) (*first, error) {
	r := &reader{name: "round 1", b: message}
	m := &first{header: r.header()}
	if r.err == nil && m.header.Round != 1 {
		r.fail("round", ErrType)
	}
	r.name = m.header.Operation.String() + " round 1"
	m.epoch, m.nonce = r.u32("epoch"), r.b32("nC")
	switch m.header.Operation {
	case Sign:
		for range r.count("digests", hashSize) {
			m.digests = append(m.digests, append([]byte(nil), r.take("digests", hashSize)...))
		}
		m.com = r.b32("com")
	case Recover:
		m.sealKey, m.encS = r.b32("seal key"), r.b32("enc")
	case Refresh, Decrypt, Delegate, Activate:
	default:
		r.fail("operation", ErrType)
	}
	if m.header.Operation != Activate {
		m.tagged = message[:len(message)-len(r.b)]
		m.tag = r.b32("tag")
	}
	return m, r.end()
}

// Server is the server role. Safe for concurrent use; it keeps no state between calls.
type Server struct {
	seal  *SealKey
	hooks *hooks
}

// NewServer returns the server role for a seal key.
func NewServer(seal *SealKey) *Server { return &Server{seal: seal} }

// Session is the server's state between the first and the last round of an operation. It holds the nonce b, which must
// never be written down: it cannot be encoded or printed.
type Session struct {
	secretState
	id         SessionID
	keyID      KeyID
	operation  Operation
	round      int // number of the sealed request it waits for
	epoch      uint32
	sealKey    hpke.PrivateKey
	transcript [hashSize]byte
	digests    [][]byte
	com        [hashSize]byte
	nonces     []*scalar // b
	points     []point   // R2 = b*G'
	used       bool
}

// ID returns the session ID.
func (s *Session) ID() SessionID { return s.id }

// KeyID returns the share that the session uses.
func (s *Session) KeyID() KeyID { return s.keyID }

// Operation returns what the session is for.
func (s *Session) Operation() Operation { return s.operation }

// Digests returns the digests of a signing session in order, 32 bytes each.
func (s *Session) Digests() [][]byte {
	out := make([][]byte, len(s.digests))
	for i, d := range s.digests {
		out[i] = append([]byte(nil), d...)
	}
	return out
}

// Wipe overwrites the nonces; the session is of no more use.
func (s *Session) Wipe() {
	s.used = true
	wipeScalars(s.nonces...)
}

// Begin answers the first message of an operation on an existing share. It changes no durable state and evaluates
// nothing secret. op is what the caller allows here: another one is ErrType. Recover and Activate are carried out for
// whoever the caller has authorised by other means (SMS code, captcha, device signature): pass them only after that.
// Errors: *MessageError, ErrConflict (records of another key), ErrUnconfirmed (a share to be activated first), ErrEpoch,
// ErrDevice, *LockedError, ErrCloneSuspected, ErrBusy.
func (s *Server) Begin(op Operation, key *ServerKey, guard *Guard, message []byte, now time.Time) (*Session, []byte, error) {
	m, err := parseFirst(message)
	if err != nil {
		return nil, nil, err
	}
	if m.header.Operation != op {
		return nil, nil, &MessageError{Message: "round 1", Field: "operation", Err: ErrType}
	}
	if key.id != m.header.KeyID || guard.id != key.id {
		return nil, nil, ErrConflict
	}
	if op == Activate && key.active {
		return nil, nil, ErrConflict
	}
	if op != Activate && !key.active {
		return nil, nil, ErrUnconfirmed
	}
	if m.epoch != key.current.number && !s.hooks.omits(checkEpoch) {
		return nil, nil, ErrEpoch
	}
	if op != Activate && !s.hooks.omits(checkDevice) {
		if want := mac(key.current.device[:], "request", m.tagged); !macEqual(m.tag[:], want[:]) {
			return nil, nil, ErrDevice
		}
	}
	if err := guard.open(op, now); err != nil {
		return nil, nil, err
	}

	sess := &Session{keyID: key.id, operation: op, round: 3, epoch: key.current.number, digests: m.digests, com: m.com}
	for sess.id.IsZero() {
		s.hooks.random(sess.id[:])
	}
	if sess.sealKey, err = sealKEM().GenerateKey(); err != nil {
		return nil, nil, err
	}
	w := new(writer).put(Header{Operation: op, Round: 2, KeyID: key.id, Session: sess.id}.bytes(), sess.sealKey.PublicKey().Bytes())
	switch op {
	case Sign:
		guarded(func() { s.signRound2(w, key, sess) })
	case Recover:
		if err := s.recoverRound2(w, key, m, message); err != nil {
			return nil, nil, err
		}
	}
	sess.transcript = hashFields("transcript", message, w.b)
	return sess, w.b, nil
}
