package authz

import (
	"fmt"
	"strings"
	"time"
)

// MaxUses bounds the number of uses of one authorization.
const MaxUses = 100_000

// Window is a validity: from NotBefore, until before NotAfter.
type Window struct{ NotBefore, NotAfter time.Time }

// Limits are a validity and the number of signatures within it.
type Limits struct {
	Window
	Uses int // 1 … MaxUses
}

// FieldError names a field and what is wrong with it, both for programs.
type FieldError struct{ Field, Problem string }

// FieldErrors are all fields that are wrong.
type FieldErrors []FieldError

func (e FieldErrors) Error() string {
	var b strings.Builder
	b.WriteString("authz: invalid")
	for _, f := range e {
		fmt.Fprintf(&b, " %s (%s)", f.Field, f.Problem)
	}
	return b.String()
}

// Check returns what is wrong with the limits for a certificate valid in the window, or nil. Fields: notBefore, notAfter,
// uses. Problems: beforeCertificate, afterCertificate, notAfterStart, past, outOfRange, alreadyUsed (Do alone).
func (l Limits) Check(certificate Window, now time.Time) FieldErrors {
	return l.check(certificate, 0, now)
}

func (l Limits) check(certificate Window, used int, now time.Time) FieldErrors {
	var errs FieldErrors
	if l.NotBefore.Before(certificate.NotBefore) {
		errs = append(errs, FieldError{"notBefore", "beforeCertificate"})
	}
	switch {
	case !l.NotAfter.After(l.NotBefore):
		errs = append(errs, FieldError{"notAfter", "notAfterStart"})
	case !l.NotAfter.After(now):
		errs = append(errs, FieldError{"notAfter", "past"})
	case l.NotAfter.After(certificate.NotAfter):
		errs = append(errs, FieldError{"notAfter", "afterCertificate"})
	}
	switch {
	case l.Uses < 1 || l.Uses > MaxUses:
		errs = append(errs, FieldError{"uses", "outOfRange"})
	case l.Uses <= used:
		errs = append(errs, FieldError{"uses", "alreadyUsed"})
	}
	return errs
}
