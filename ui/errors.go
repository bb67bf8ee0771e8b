package ui

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"syscall"
	"time"

	"cloudkey/client"
	"cloudkey/ui/scan"
	"cloudkey/ui/widgets"
)

// Explain turns any error into a sentence that says what to do next; "" for nil and for a cancelled operation. The error
// itself goes to the log by the caller, never to the screen.
func (u *UI) Explain(err error) string {
	if err == nil || cancelled(err) {
		return ""
	}
	var (
		password    *client.PasswordError
		locked      *client.LockedError
		code        *client.CodeError
		rate        *client.RateError
		unreachable *client.UnreachableError
		uncertain   *client.UncertainError
		clock       *client.ClockError
		trust       *client.TrustError
		server      *client.ServerError
		qr          *client.QRError
	)
	switch {
	case errors.As(err, &password):
		return u.N("error.password", password.AttemptsLeft)
	case errors.As(err, &locked):
		if locked.Until.IsZero() {
			return u.T("error.lockedForGood")
		}
		return u.T("error.lockedUntil", "time", u.timeOf(locked.Until))
	case errors.As(err, &code):
		return u.N("error.code", code.AttemptsLeft)
	case errors.As(err, &rate):
		return u.T("error.rate", "wait", u.duration(rate.RetryAfter))
	case errors.As(err, &trust):
		return u.T("error.trust", "host", trust.Host)
	case errors.As(err, &uncertain):
		return u.T("error.uncertain")
	case errors.As(err, &unreachable):
		return u.T("error.unreachable", "host", unreachable.Host)
	case errors.As(err, &clock):
		return u.T("error.clock", "time", u.timeOf(clock.ServerTime))
	case errors.As(err, &qr):
		return u.explainQR(qr.Reason)
	}
	for _, known := range u.knownErrors() {
		if known.err != nil && errors.Is(err, known.err) {
			return known.text
		}
	}
	if errors.As(err, &server) {
		return u.T("error.server", "code", server.Code, "trace", server.TraceID)
	}
	return u.T("error.unknown")
}

type knownError struct {
	err  error
	text string
}

func (u *UI) knownErrors() []knownError {
	store := u.deps.StoreErrors
	return []knownError{
		{client.ErrNoCertificate, u.T("error.noCertificate")},
		{client.ErrNotInitialised, u.T("error.notInitialised")},
		{client.ErrExpiredEnrolment, u.T("error.expiredEnrolment")},
		{client.ErrMustChangePassword, u.T("error.mustChangePassword")},
		{client.ErrSamePassword, u.T("error.samePassword")},
		{client.ErrWeakPassword, u.T("error.weakPassword")},
		{client.ErrNotBound, u.T("error.notBound")},
		{client.ErrBoundElsewhere, u.T("error.boundElsewhere")},
		{client.ErrCertificateExpired, u.T("error.certificateExpired")},
		{client.ErrCertificateRevoked, u.T("error.certificateRevoked")},
		{client.ErrCloneSuspected, u.T("error.clone")},
		{client.ErrTooLarge, u.T("error.tooLarge", "size", u.size(client.MaxDocument))},
		{client.ErrBadSignature, u.T("error.badSignature")},
		{client.ErrNoInk, u.T("error.noInk")},
		{client.ErrSealRefused, u.T("error.sealRefused")},
		{client.ErrInterrupted, u.T("error.interrupted")},
		{store.Busy, u.T("error.busy")},
		{store.DiskFull, u.T("error.diskFull")},
		{store.ReadOnly, u.T("error.readOnly")},
		{store.Damaged, u.T("error.damaged")},
		{store.NewerFormat, u.T("error.newerFormat")},
		{syscall.ENOSPC, u.T("error.diskFull")},
		{syscall.EROFS, u.T("error.readOnly")},
		{fs.ErrPermission, u.T("error.permission")},
		{fs.ErrNotExist, u.T("error.notExist")},
		{scan.ErrNoCode, u.T("error.noCode")},
		{scan.ErrNotPicture, u.T("error.notPicture")},
		{scan.ErrTooLarge, u.T("error.pictureTooLarge")},
		{widgets.ErrInkBlank, u.T("error.inkBlank")},
		{widgets.ErrInkScribble, u.T("error.inkScribble")},
		{context.DeadlineExceeded, u.T("error.timeout")},
	}
}

func (u *UI) explainQR(reason client.QRReason) string {
	switch reason {
	case client.QRUnsupported:
		return u.T("error.qrUnsupported")
	case client.QRDamaged:
		return u.T("error.qrDamaged")
	case client.QRNewerVersion:
		return u.T("error.qrNewer")
	case client.QRBadSigner:
		return u.T("error.qrSigner")
	case client.QRExpired:
		return u.T("error.qrExpired")
	case client.QRNotHTTPS:
		return u.T("error.qrNotHTTPS")
	case client.QRWrongCode:
		return u.T("error.qrCode")
	case client.QRDisagrees:
		return u.T("error.qrDisagrees")
	}
	return u.T("error.qrNotOurs")
}

// fail logs an error and shows its sentence in a dialog; nothing for a cancelled operation. then may be nil.
func (u *UI) fail(err error, then func()) {
	text := u.report(err)
	if text == "" {
		return
	}
	u.Tell(u.T("error.title"), text, then)
}

// report logs an error and returns its sentence.
func (u *UI) report(err error) string {
	text := u.Explain(err)
	if text != "" {
		u.deps.Log.Warn("shown to the user", "error", err)
	}
	return text
}

// timeOf is a moment in the user's zone, to the minute.
func (u *UI) timeOf(t time.Time) string { return t.Local().Format("2006-01-02 15:04") }

// dayOf is a day in the user's zone.
func (u *UI) dayOf(t time.Time) string { return t.Local().Format("2006-01-02") }

// duration is a wait in words, rounded up.
func (u *UI) duration(d time.Duration) string {
	if d < 90*time.Second {
		return u.N("seconds", max(1, int(math.Ceil(d.Seconds()))))
	}
	return u.N("minutes", int(math.Ceil(d.Minutes())))
}

// countdown is a wait as m:ss.
func countdown(d time.Duration) string {
	s := int(math.Ceil(d.Seconds()))
	if s >= 3600 {
		return time.Duration(s * int(time.Second)).String()
	}
	return string([]byte{byte('0' + s/600), byte('0' + s/60%10), ':', byte('0' + s%60/10), byte('0' + s%10)})
}
