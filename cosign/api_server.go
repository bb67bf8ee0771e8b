package cosign

import (
	"crypto/ecdsa"
	"time"
)

// SealKey is the server's long-term key of the inner seal (HPKE, X25519). Its public half is pinned by the clients.
type SealKey struct{}

// NewSealKey draws a seal key.
func NewSealKey() (*SealKey, error) { panic("unwritten") }

// ParseSealKey reads the 32 bytes of (*SealKey).Bytes.
func ParseSealKey(b []byte) (*SealKey, error) { panic("unwritten") }

// Bytes returns the private key, 32 bytes (RFC 9180, SerializePrivateKey). Secret.
func (k *SealKey) Bytes() ([]byte, error) { panic("unwritten") }

// Public returns the public key, 32 bytes: what init QR and /info publish and clients pin.
func (k *SealKey) Public() []byte { panic("unwritten") }

// Server is the server role. Safe for concurrent use; it keeps no state between calls.
type Server struct{}

// NewServer returns the server role for a seal key.
func NewServer(seal *SealKey) *Server { panic("unwritten") }

// ServerKey is the server's durable record of one share: d2, P1, P, epochs (the standing one and, during a refresh,
// the pending one), the device secret and the recovery secret. Everything in it is secret but ID and public key.
type ServerKey struct{}

// MarshalBinary encodes the record (versioned, canonical). The result is secret.
func (k *ServerKey) MarshalBinary() ([]byte, error) { panic("unwritten") }

// UnmarshalBinary decodes strictly.
func (k *ServerKey) UnmarshalBinary(b []byte) error { panic("unwritten") }

// KeyID returns the ID of the share.
func (k *ServerKey) KeyID() KeyID { panic("unwritten") }

// PublicKey returns P.
func (k *ServerKey) PublicKey() *ecdsa.PublicKey { panic("unwritten") }

// Initial reports whether the share still has the first PIN (the SMS password): epoch 0. Answer mustChangePassword to
// everything but the certificate request and the refresh.
func (k *ServerKey) Initial() bool { panic("unwritten") }

// Reconfirm answers a repeated KG3 with the same KG4, and ErrConflict if kg3 is not the message this key was made from.
func (k *ServerKey) Reconfirm(kg3 []byte) (kg4 []byte, err error) { panic("unwritten") }

// Guard is the server's durable record of the attempts on one share: failures, locks, freeze, ratchet, the reserved
// attempt and the last answer. It changes at every use; ServerKey changes only at refresh. Transitions are methods that
// change the value in memory; on an error the guard is unchanged.
type Guard struct{}

// MarshalBinary encodes the record (versioned, canonical). The result is secret.
func (g *Guard) MarshalBinary() ([]byte, error) { panic("unwritten") }

// UnmarshalBinary decodes strictly.
func (g *Guard) UnmarshalBinary(b []byte) error { panic("unwritten") }

// GuardStatus is what a guard says to a user or an operator.
type GuardStatus struct {
	AttemptsLeft int       // until the next lock
	Locked       bool      // nothing is evaluated now
	LockedUntil  time.Time // zero with Locked: until unlocked
	Frozen       bool      // clone suspected or frozen by hand
}

// Status returns the state at the time now.
func (g *Guard) Status(now time.Time) GuardStatus { panic("unwritten") }

// Freeze refuses every use until Unfreeze or a recovery.
func (g *Guard) Freeze() { panic("unwritten") }

// Unfreeze lifts Freeze (an operator's decision after a suspected clone).
func (g *Guard) Unfreeze() { panic("unwritten") }

// Unlock lifts every lock and sets the failures to zero (an operator's decision; recovery does it by itself).
func (g *Guard) Unlock() { panic("unwritten") }

// KeySession is the server's state between KG2 and KG3. It holds d2 and lives in memory only.
type KeySession struct{}

// BeginKey answers KG1. The session is kept in memory until KG3; the key ID must be unused (the caller checks).
func (s *Server) BeginKey(kg1 []byte) (*KeySession, []byte, error) { panic("unwritten") }

// KeyID returns the ID the client chose.
func (ks *KeySession) KeyID() KeyID { panic("unwritten") }

// FinishKey checks KG3 and returns the records to store, and KG4 to send once they are durable. A session is used once.
func (s *Server) FinishKey(ks *KeySession, kg3 []byte) (*ServerKey, *Guard, []byte, error) {
	panic("unwritten")
}

// Session is the server's state between the first and the last round of an operation. It holds the nonce b, which must
// never be written down: there is no way to encode a Session, and encoding/json, encoding/gob and fmt get nothing from it.
type Session struct{}

// ID returns the session ID.
func (s *Session) ID() SessionID { panic("unwritten") }

// KeyID returns the share the session uses.
func (s *Session) KeyID() KeyID { panic("unwritten") }

// Operation returns what the session is for.
func (s *Session) Operation() Operation { panic("unwritten") }

// Digests returns the digests of a signing session in order, 32 bytes each.
func (s *Session) Digests() [][]byte { panic("unwritten") }

// Begin answers the first message of an operation other than key generation: S1 and its like. It changes no durable
// state and evaluates nothing secret. Errors: *LockedError, ErrCloneSuspected, ErrBusy, ErrEpoch, ErrDevice, *MessageError.
// Recover and Activate sessions are opened for whoever the caller has authorised: pass these operations only after that.
func (s *Server) Begin(op Operation, key *ServerKey, guard *Guard, first []byte, now time.Time) (*Session, []byte, error) {
	panic("unwritten")
}

// Accept takes a sealed message (S3 and its like), opens the seal, checks the device tag and reserves the attempt in
// guard. The caller must make guard durable before it calls Evaluate. Errors that count nothing and leave guard
// unchanged: ErrSeal, ErrDevice, ErrSession, ErrBusy, ErrUsed, *LockedError, ErrCloneSuspected, *MessageError.
func (s *Server) Accept(key *ServerKey, guard *Guard, sess *Session, msg []byte, now time.Time) (*Attempt, error) {
	panic("unwritten")
}

// Attempt is a reserved attempt. Memory only, like Session.
type Attempt struct{}

// Evaluate checks the proof and computes the answer. It needs no durable state and no lock; nothing of it may leave the
// process before Settle's records are durable. Calling it is optional: Settle does it when it has not been done.
func (a *Attempt) Evaluate() { panic("unwritten") }

// Settle turns the verdict into durable state: it changes guard, and key for a refresh. The caller stores guard, and
// whatever Result names, in one transaction and sends Result.Answer only after it is durable. ErrConflict: guard is not
// waiting for this attempt (it was resumed or settled meanwhile).
func (a *Attempt) Settle(key *ServerKey, guard *Guard, now time.Time) (*Result, error) {
	panic("unwritten")
}

// Result is the outcome of an attempt.
type Result struct {
	// Answer is the sealed answer (S4 and its like). It exists for every outcome, a wrong PIN included, and must reach the
	// client in each case (beside a problem document too), because it rolls the client's ratchet.
	Answer []byte

	// Err is nil when the operation was done, else *PINError, ErrCloneSuspected (guard is frozen now) or ErrViolation
	// (counted; joined with the *MessageError or check that failed, for the audit record).
	Err    error
	Status GuardStatus // after the attempt

	Signatures []Signature     // Sign: verified, in the order of Session.Digests
	KeyChanged bool            // store key too (Refresh, Recover, Activate)
	Grantee    *GranteeRecords // Delegate: what to store for the grantee
	Next       *Session        // Refresh, Recover, Activate: session of the commit round, under the same ID
}

// GranteeRecords is what a delegation leaves with the server.
type GranteeRecords struct {
	Key     *ServerKey
	Guard   *Guard
	Package []byte // for the grantee's device, sealed to it; the server cannot open it
}

// Resume answers a client that lost an answer or restarted inside a refresh. guard and key (when it had a pending
// epoch) may change and must be durable before the answer is sent; the key's open session must be dropped (Sessions.Drop).
func (s *Server) Resume(key *ServerKey, guard *Guard, msg []byte) (answer []byte, err error) {
	panic("unwritten")
}

// Sessions keeps the open sessions of a server process: at most one per share, each taken once, none written down.
// Safe for concurrent use.
type Sessions struct{}

// NewSessions keeps sessions for at most ttl, and at most max of them.
func NewSessions(ttl time.Duration, max int) *Sessions { panic("unwritten") }

// Put opens a session. An earlier one of the same share that was not taken is forgotten: its nonce is never used.
func (t *Sessions) Put(s *Session, now time.Time) error { panic("unwritten") }

// Take removes and returns the session sid; a session can be taken once. ErrSession when it is unknown or has expired.
func (t *Sessions) Take(sid SessionID, now time.Time) (*Session, error) { panic("unwritten") }

// Return puts a session back that Accept refused without using it (ErrSeal, ErrDevice, *MessageError), so that a
// stranger cannot end it.
func (t *Sessions) Return(s *Session, now time.Time) { panic("unwritten") }

// Drop forgets the open session of a share.
func (t *Sessions) Drop(id KeyID) { panic("unwritten") }

// Header is the clear part of a message.
type Header struct {
	Operation Operation
	Round     int // 1 for S1, 2 for S2 …
	KeyID     KeyID
	Session   SessionID // zero in a first message
}

// ReadHeader reads the clear part of any message, to route it. Nothing of it is authenticated yet.
func ReadHeader(msg []byte) (Header, error) { panic("unwritten") }
