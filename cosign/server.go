package cosign

import (
	"crypto/hpke"
	"time"
)

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
	if op != Activate {
		tag := mac(key.current.device[:], "opened", message, w.b)
		w.put(tag[:])
	}
	sess.transcript = hashFields("transcript", message, w.b)
	return sess, w.b, nil
}
