package keystore

import (
	"errors"
	"fmt"
	"strings"
)

// Conditions that callers tell apart with errors.Is. No error of this package contains a secret or the content of a record.
var (
	ErrBusy           = errors.New("keystore: the directory is in use by another process or another Store")
	ErrDiskFull       = errors.New("keystore: no space left to store the change")
	ErrReadOnly       = errors.New("keystore: the directory cannot be written")
	ErrNewerFormat    = errors.New("keystore: written by a newer version of this program")
	ErrDamaged        = errors.New("keystore: damaged") // every *DamagedError is one
	ErrNotFound       = errors.New("keystore: no such record")
	ErrExists         = errors.New("keystore: record exists already")
	ErrInvalid        = errors.New("keystore: record refused") // a required field is missing or out of bounds
	ErrClosed         = errors.New("keystore: closed")
	ErrKeyUnavailable = errors.New("keystore: the platform's key service does not answer")
	ErrKeyLost        = errors.New("keystore: the platform no longer has the key of this store")
	ErrWeakProtection = errors.New("keystore: not kept without a hardware or keyring key")
	ErrErasurePending = errors.New("keystore: deleted, but the old file could not be replaced yet")
	ErrFailed         = errors.New("keystore: a commit failed half-way, open the store again")
)

// RecordRef names a record for a message to the user. ID, Organisation (its ID) and Account are empty where they are not
// known or do not apply.
type RecordRef struct {
	Kind         Kind
	ID           string
	Organisation string
	Account      string
}

// DamagedError reports a store whose file or records are not what was written. Records names the damaged or missing ones
// and is empty when the file could not be read far enough to tell. Open changes nothing when it returns one.
type DamagedError struct {
	Path    string
	Records []RecordRef
	Err     error // what was found, for the log
}

func (e *DamagedError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "keystore: %s is damaged", e.Path)
	for i, r := range e.Records {
		if i == 8 {
			fmt.Fprintf(&b, ", and %d more", len(e.Records)-i)
			break
		}
		fmt.Fprintf(&b, ", %s", r.Kind)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

// Is makes errors.Is(err, ErrDamaged) true.
func (e *DamagedError) Is(target error) bool { return target == ErrDamaged }

// Unwrap returns what was found.
func (e *DamagedError) Unwrap() error { return e.Err }
