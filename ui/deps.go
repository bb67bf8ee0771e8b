package ui

import (
	"log/slog"
	"time"

	"fyne.io/fyne/v2"
)

// Services are the use cases that the screens call, by the screen that declares them. *client.Client satisfies them all.
type Services struct {
	Organisations Organisations
	Enrolments    Enrolments
	Passwords     Passwords
	Certificates  Certificates
	Signatures    Signatures
	Devices       Devices
	Inks          Inks
	Seals         Seals
	About         AboutService
	Updates       Updates
}

// Client is everything in one.
type Client interface {
	Organisations
	Enrolments
	Passwords
	Certificates
	Signatures
	Devices
	Inks
	Seals
	AboutService
	Updates
}

// ServicesOf returns the services of one client.
func ServicesOf(c Client) Services {
	return Services{Organisations: c, Enrolments: c, Passwords: c, Certificates: c, Signatures: c, Devices: c, Inks: c, Seals: c, About: c, Updates: c}
}

// Clock is the time as the screens see it.
type Clock interface {
	Now() time.Time
	// AfterFunc calls f on any goroutine after d; stop reports whether it came in time.
	AfterFunc(d time.Duration, f func()) (stop func() bool)
}

// SystemClock is the clock of the machine.
type SystemClock struct{}

// Now implements Clock.
func (SystemClock) Now() time.Time { return time.Now() }

// AfterFunc implements Clock.
func (SystemClock) AfterFunc(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop }

// StoreErrors are the conditions of the key store that have sentences of their own; compared with errors.Is, nil entries
// are left out.
type StoreErrors struct {
	Busy        error // another process has the data directory open
	DiskFull    error
	ReadOnly    error
	Damaged     error
	NewerFormat error
}

// Deps is everything that the screens are given.
type Deps struct {
	Services    Services
	Do          func(func())     // runs a function on the UI goroutine, returns at once: fyne.Do
	Clock       Clock            // nil: SystemClock
	Files       FileChooser      // nil: FilePages on the desktop, the system's choosers on a phone
	StartFolder string           // where FilePages begins; "": the user's home
	Preferences fyne.Preferences // language and choices, never a secret
	StoreErrors StoreErrors
	Log         *slog.Logger
}
