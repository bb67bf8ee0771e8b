package boltfile

import (
	"errors"
	"os"
)

// ErrLocked reports that the lock is taken, by another process or by this one.
var ErrLocked = errors.New("boltfile: in use")

// Lock is an exclusive lock on a file of its own. It ends with the process, however that ends.
type Lock struct{ f *os.File }

// Acquire takes the lock at path, a file that it makes with mode 0600 when missing. It does not wait: ErrLocked, or an error
// of the file system.
func Acquire(path string) (*Lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := acquire(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &Lock{f}, nil
}

// Release lets go. The file stays: removing it would let two processes hold locks on two files.
func (l *Lock) Release() error { return l.f.Close() }
