package client

import (
	"context"
	"errors"

	"cloudkey/api"
	"cloudkey/api/gen"
	"cloudkey/cosign"
)

// failure turns an error of package api or cosign into one of this package. Others pass unchanged.
func (c *Client) failure(err error) error {
	var (
		problem     *api.Problem
		trust       *api.TrustError
		intercepted *api.InterceptedError
		uncertain   *api.UncertainError
		unreachable *api.UnreachableError
		answer      *api.AnswerError
		pin         *cosign.PINError
		locked      *cosign.LockedError
		lost        *cosign.UncertainError
	)
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &pin):
		if pin.Locked {
			return &LockedError{Until: pin.LockedUntil}
		}
		return &PasswordError{AttemptsLeft: pin.AttemptsLeft}
	case errors.As(err, &locked):
		return &LockedError{Until: locked.Until}
	case errors.Is(err, cosign.ErrCloneSuspected), errors.Is(err, cosign.ErrStale):
		return ErrCloneSuspected
	case errors.As(err, &trust):
		return &TrustError{Host: trust.Host, Err: err}
	case errors.As(err, &lost), errors.As(err, &uncertain):
		return &UncertainError{Err: err}
	case errors.As(err, &unreachable):
		return &UnreachableError{Host: unreachable.Host, Err: err}
	case errors.As(err, &intercepted):
		return &UnreachableError{Host: intercepted.Host, Err: err}
	case errors.As(err, &answer):
		return &ServerError{Code: string(gen.ProblemCodeInternal)}
	case errors.As(err, &problem):
		return c.refusal(problem)
	}
	return err
}

// refusal turns the service's problem document into an error of this package.
func (c *Client) refusal(p *api.Problem) error {
	c.log.Info("refused", "code", p.Code, "trace", p.TraceID)
	left := 0
	if p.AttemptsLeft != nil {
		left = *p.AttemptsLeft
	}
	switch p.Code {
	case gen.ProblemCodePinWrong:
		return &PasswordError{AttemptsLeft: left}
	case gen.ProblemCodePinLocked:
		return &LockedError{Until: p.LockedUntil}
	case gen.ProblemCodeCodeWrong:
		return &CodeError{AttemptsLeft: left}
	case gen.ProblemCodeRateLimited:
		return &RateError{RetryAfter: p.RetryAfter}
	case gen.ProblemCodeClockSkew:
		return &ClockError{ServerTime: p.ServerTime}
	case gen.ProblemCodeExpired:
		return ErrExpiredEnrolment
	case gen.ProblemCodeMustChangePassword:
		return ErrMustChangePassword
	case gen.ProblemCodeDeviceNotBound:
		return ErrNotBound
	case gen.ProblemCodeAlreadyBound:
		return ErrBoundElsewhere
	case gen.ProblemCodeCloneSuspected:
		return ErrCloneSuspected
	case gen.ProblemCodeTooLarge:
		return ErrTooLarge
	}
	return &ServerError{Code: string(p.Code), TraceID: p.TraceID}
}

// qrError turns a refused QR text of package api into one of this package; others pass unchanged.
func qrError(err error) error {
	var refused *api.QRError
	if !errors.As(err, &refused) {
		return err
	}
	switch refused.Reason {
	case api.QRNotOurs:
		return &QRError{QRNotOurs}
	case api.QRNewerVersion, api.QRUnknownAlgorithm:
		return &QRError{QRNewerVersion}
	case api.QRUnsupportedKind:
		return &QRError{QRUnsupported}
	case api.QRBadSigner:
		return &QRError{QRBadSigner}
	case api.QRExpired:
		return &QRError{QRExpired}
	case api.QRNotHTTPS, api.QRBadAddress:
		return &QRError{QRNotHTTPS}
	case api.QRWrongCode:
		return &QRError{QRWrongCode}
	case api.QRDisagrees:
		return &QRError{QRDisagrees}
	default: // too large, malformed
		return &QRError{QRDamaged}
	}
}
