package cosign

import (
	"errors"
	"fmt"
	"time"
)

// Errors of decoding. A decoder returns a *MessageError that wraps one of the first group.
var (
	ErrLength     = errors.New("cosign: wrong length")
	ErrTrailing   = errors.New("cosign: trailing bytes")
	ErrVersion    = errors.New("cosign: unknown version")
	ErrType       = errors.New("cosign: message of another kind")
	ErrOffCurve   = errors.New("cosign: not a point of the curve")
	ErrInfinity   = errors.New("cosign: point at infinity")
	ErrZero       = errors.New("cosign: scalar is zero")
	ErrRange      = errors.New("cosign: scalar not below the group order")
	ErrParameters = errors.New("cosign: parameters out of bounds")

	// ErrProof: a proof of knowledge does not hold. The peer is not what it says; nothing was revealed to it.
	ErrProof = errors.New("cosign: proof does not hold")
	// ErrSeal: the inner seal does not open: other server key, other session or changed bytes. Never counted as an attempt.
	ErrSeal = errors.New("cosign: seal does not open")
	// ErrDevice: the device tag is wrong: not the enrolled device. Never counted, so that a stranger cannot lock a key.
	ErrDevice = errors.New("cosign: not the enrolled device")
	// ErrSession: the message belongs to another session, or the server does not hold this session (any more).
	ErrSession = errors.New("cosign: unknown or other session")
	// ErrUsed: a single-use step was called a second time.
	ErrUsed = errors.New("cosign: step already used")
	// ErrUnanswered: an earlier request has not been answered; Recover first.
	ErrUnanswered = errors.New("cosign: an earlier request is unanswered")
	// ErrBusy: the server still evaluates, or has not settled, an earlier session of this key.
	ErrBusy = errors.New("cosign: another session of this key is open")
	// ErrEpoch: the share is of another epoch than the server's: an interrupted password change (Recover tells which
	// side stands) or a restored old backup.
	ErrEpoch = errors.New("cosign: share of another epoch")
	// ErrStale: the server has moved on to an epoch that this share record does not hold: a restored old backup. The
	// share is useless; recovery or a new certificate is needed.
	ErrStale = errors.New("cosign: share record is older than the server's")
	// ErrCloneSuspected: the key is frozen because it was used from a copy of this device.
	ErrCloneSuspected = errors.New("cosign: key used from a copy of the device")
	// ErrViolation: the request broke the protocol in a way no honest client does; counted like a wrong PIN and recorded.
	ErrViolation = errors.New("cosign: protocol violation")
	// ErrSignature: the finished signature does not verify under the public key.
	ErrSignature = errors.New("cosign: signature does not verify")
	// ErrCiphertext: not an SM2 ciphertext for this key, or changed. Deliberately one error for every reason.
	ErrCiphertext = errors.New("cosign: ciphertext does not open")
	// ErrConflict: the durable record is not in the state the step needs.
	ErrConflict = errors.New("cosign: record in another state")
	// ErrUnconfirmed: key generation has not been confirmed by the server.
	ErrUnconfirmed = errors.New("cosign: key not confirmed")
	// ErrNotSent may be wrapped by a Transport's error to say that the request surely did not reach the server.
	ErrNotSent = errors.New("cosign: request was not sent")
	// ErrFailed: the server could not carry out a valid request; nothing was counted.
	ErrFailed = errors.New("cosign: the server failed")
	// ErrNotRun: the server never evaluated the request and never will; the operation may be started anew. The attempt
	// was counted only if the server stopped in the middle of it.
	ErrNotRun = errors.New("cosign: the server did not run the request")
)

// MessageError says which message could not be decoded and where. It never contains the bytes.
type MessageError struct {
	Message string // name of the message or record, such as "S2"
	Field   string // field that was being read, such as "R2"
	Err     error
}

func (e *MessageError) Error() string { return e.Err.Error() + " (" + e.Message + " " + e.Field + ")" }
func (e *MessageError) Unwrap() error { return e.Err }

// Verdicts of an evaluation that are no message errors; they do not leave the package.
var (
	errWrongPIN = errors.New("cosign: wrong PIN")
	errFailed   = errors.New("cosign: own result does not verify")
)

// PINError reports that the server evaluated the share and the PIN was wrong.
type PINError struct {
	AttemptsLeft int       // attempts until the next lock; 0 when this one locked the key
	LockedUntil  time.Time // zero unless a timed lock begins with this attempt
	Locked       bool      // no attempt is evaluated now; with a zero LockedUntil: until unlocked
}

func (e *PINError) Error() string {
	return fmt.Sprintf("cosign: wrong PIN, %d attempts left", e.AttemptsLeft)
}

// LockedError reports a locked key. A zero Until means until it is unlocked by recovery.
type LockedError struct{ Until time.Time }

func (e *LockedError) Error() string { return "cosign: key locked" }

// UncertainError reports that a request was sent and its answer did not arrive: the server may have acted. The share
// record remembers the session; Signer.Recover fetches the outcome.
type UncertainError struct {
	Operation Operation
	Session   SessionID
	Err       error
}

func (e *UncertainError) Error() string {
	return "cosign: " + e.Operation.String() + ": no answer, the server may have acted: " + e.Err.Error()
}
func (e *UncertainError) Unwrap() error { return e.Err }
