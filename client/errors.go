package client

import (
	"errors"
	"fmt"
	"time"

	"cloudkey/api/gen"
)

// Conditions without further data. The ui turns each into a sentence with the next action.
var (
	ErrNoCertificate      = errors.New("client: no certificate on this device")
	ErrNotInitialised     = errors.New("client: no organisation configured")
	ErrExpiredEnrolment   = errors.New("client: the SMS password has expired")
	ErrMustChangePassword = errors.New("client: the first password must be changed before use")
	ErrSamePassword       = errors.New("client: the new password equals the old one")
	ErrWeakPassword       = errors.New("client: the password does not follow the rules")
	ErrNotBound           = errors.New("client: this device is not bound to the account")
	ErrBoundElsewhere     = errors.New("client: the account is bound to another device")
	ErrCertificateExpired = errors.New("client: certificate not valid now")
	ErrCertificateRevoked = errors.New("client: certificate revoked or suspended")
	ErrCloneSuspected     = errors.New("client: the key was used from a copy of this device")
	ErrTooLarge           = errors.New("client: document too large")
	ErrBadSignature       = errors.New("client: signature does not verify")
	ErrNoInk              = errors.New("client: no handwritten signature at the CA")
	ErrSealRefused        = errors.New("client: no further seal for this certificate")
	ErrInterrupted        = errors.New("client: an earlier download must be finished first")
)

// PasswordError reports a wrong certificate password and how many tries are left before the next lock.
type PasswordError struct{ AttemptsLeft int }

func (e *PasswordError) Error() string {
	return fmt.Sprintf("client: wrong password, %d tries left", e.AttemptsLeft)
}

// LockedError reports a locked key. A zero Until means until it is unlocked by 找回密码.
type LockedError struct{ Until time.Time }

func (e *LockedError) Error() string { return "client: key locked" }

// CodeError reports a wrong SMS password. An account the CA does not know answers the same way.
type CodeError struct{ AttemptsLeft int }

func (e *CodeError) Error() string {
	return fmt.Sprintf("client: wrong SMS password, %d tries left", e.AttemptsLeft)
}

// RateError asks to wait.
type RateError struct{ RetryAfter time.Duration }

func (e *RateError) Error() string {
	return fmt.Sprintf("client: too many requests, retry after %v", e.RetryAfter)
}

// UnreachableError reports that the server was not reached: nothing was sent that could have had an effect.
type UnreachableError struct {
	Host string
	Err  error
}

func (e *UnreachableError) Error() string { return "client: cannot reach " + e.Host }
func (e *UnreachableError) Unwrap() error { return e.Err }

// UncertainError reports a connection lost after the server may have acted. The next try resumes the same operation.
type UncertainError struct{ Err error }

func (e *UncertainError) Error() string { return "client: connection lost before the answer" }
func (e *UncertainError) Unwrap() error { return e.Err }

// ClockError reports that the device's clock is too far from the server's.
type ClockError struct{ ServerTime time.Time }

func (e *ClockError) Error() string { return "client: clock differs from the server's" }

// TrustError reports a server that does not hold a pinned key: another server, or someone in between.
type TrustError struct {
	Host string
	Err  error
}

func (e *TrustError) Error() string { return "client: " + e.Host + " does not hold the pinned key" }
func (e *TrustError) Unwrap() error { return e.Err }

// ServerError is any other answer of the CA. Code is one of the contract's problem codes.
type ServerError struct {
	Code    string
	TraceID string
}

func (e *ServerError) Error() string { return "client: server answered " + e.Code }

// refusedWith tells whether err is the CA's answer with this code.
func refusedWith(err error, code gen.ProblemCode) bool {
	var refused *ServerError
	return errors.As(err, &refused) && refused.Code == string(code)
}

// QRReason says why a scanned text was not accepted.
type QRReason int

// Reasons in the order they are checked.
const (
	QRNotOurs QRReason = iota + 1
	QRUnsupported
	QRDamaged
	QRNewerVersion
	QRBadSigner // the signature does not verify, or the signer is a stranger where one is not allowed
	QRExpired
	QRNotHTTPS
	QRWrongCode
	QRDisagrees // the service says something else than the QR
)

// QRError reports a QR text that was refused; nothing was changed.
type QRError struct{ Reason QRReason }

func (e *QRError) Error() string { return fmt.Sprintf("client: QR refused (reason %d)", e.Reason) }
