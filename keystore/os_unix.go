//go:build unix

package keystore

import (
	"errors"
	"os"
	"syscall"
)

var (
	diskFullErrors = []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG}
	readOnlyErrors = []syscall.Errno{syscall.EROFS, syscall.EACCES, syscall.EPERM}
)

const syncsDirectories = true

// dirLock is an flock on a file of its own. It belongs to the open file, not to the process as the fcntl lock does that
// bbolt takes on Android: a second Open in the same process is refused too, without a registry, and reading the store's
// file by another descriptor cannot drop it.
type dirLock struct{ f *os.File }

func lockDir(path string) (*dirLock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, ioError("lock", err)
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrBusy
		}
		return nil, ioError("lock", err)
	}
	return &dirLock{f}, nil
}

// release lets the directory go. The lock file stays: removing it would let two processes hold locks on two files.
func (l *dirLock) release() { l.f.Close() }
