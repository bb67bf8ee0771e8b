package api

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
)

// UnreachableError reports that nothing changed at the service: no connection came about (name, route, refusal, time), or
// the request was one that only reads.
type UnreachableError struct {
	Host string // host[:port] of the service
	Err  error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("api: cannot reach %s: %v", e.Host, e.Err)
}
func (e *UnreachableError) Unwrap() error { return e.Err }

// UncertainError reports that a changing request may have reached the service and no answer of the contract came back.
// The same call with the same Idempotency-Key finds out, without a second effect.
type UncertainError struct {
	Host string
	Err  error
}

func (e *UncertainError) Error() string {
	return fmt.Sprintf("api: %s may have acted, its answer is lost: %v", e.Host, e.Err)
}
func (e *UncertainError) Unwrap() error { return e.Err }

// TrustError reports that who answered does not hold a pinned key or does not speak TLS 1.3. Nothing was sent.
type TrustError struct {
	Host string
	Err  error
}

func (e *TrustError) Error() string { return fmt.Sprintf("api: %s is not trusted: %v", e.Host, e.Err) }
func (e *TrustError) Unwrap() error { return e.Err }

// InterceptedError reports an answer in the service's place: plain HTTP on the TLS port (a captive portal), or, through a
// connection with a pinned key, a redirect, a web page or an error that is no problem document (a proxy in front).
// Inside an UncertainError when the request may have got past whoever answered.
type InterceptedError struct {
	Host        string
	Status      int    // HTTP status, 0 for plain HTTP
	ContentType string // as received, at most 100 bytes
}

func (e *InterceptedError) Error() string {
	return fmt.Sprintf("api: something else answers for %s (status %d, %q)", e.Host, e.Status, e.ContentType)
}

// AnswerError reports an answer of the service that breaks the contract: broken JSON, or more than MaxAnswer bytes. For a
// changing request it comes inside an UncertainError.
type AnswerError struct {
	Host   string
	Status int
	Err    error
}

func (e *AnswerError) Error() string {
	return fmt.Sprintf("api: answer of %s (status %d) breaks the contract: %v", e.Host, e.Status, e.Err)
}
func (e *AnswerError) Unwrap() error { return e.Err }

var (
	errPin     = errors.New("no pinned key")
	errResent  = errors.New("connection lost; not sent again under the same nonce")
	errTooLong = errors.New("answer too long")
)

// handshakeError turns the error of a TLS handshake into the type that says why, or leaves it when the network is to blame.
func handshakeError(host string, err error) error {
	var record tls.RecordHeaderError
	if errors.As(err, &record) {
		return &InterceptedError{Host: host}
	}
	// crypto/tls has no type for most of its own findings (another version, a bad certificate, alerts of the peer), but
	// all of them say "tls: "; what the network does comes through as it is.
	if errors.Is(err, errPin) || strings.Contains(err.Error(), "tls: ") {
		return &TrustError{Host: host, Err: err}
	}
	return err
}

// ended says whether err is ctx's own end rather than a network fault.
func ended(ctx context.Context) bool { return ctx.Err() != nil }
