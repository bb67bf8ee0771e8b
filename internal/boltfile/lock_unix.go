//go:build unix

package boltfile

import (
	"errors"
	"os"
	"syscall"
)

// acquire takes an flock. It belongs to the open file, not to the process as the fcntl lock does that bbolt takes on Android:
// a second one in the same process is refused too, and reading the store's file by another descriptor cannot drop it.
func acquire(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EWOULDBLOCK):
			return ErrLocked
		default:
			return err
		}
	}
}
