package keystore

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/windows"
)

var (
	diskFullErrors = []syscall.Errno{windows.ERROR_DISK_FULL, windows.ERROR_HANDLE_DISK_FULL}
	readOnlyErrors = []syscall.Errno{windows.ERROR_WRITE_PROTECT, windows.ERROR_ACCESS_DENIED}
)

const syncsDirectories = false

// dirLock is a lock on a file of its own; on Windows it belongs to the handle.
type dirLock struct{ f *os.File }

func lockDir(path string) (*dirLock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, ioError("lock", err)
	}
	err = windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY,
		0, 1, 0, new(windows.Overlapped))
	if err != nil {
		f.Close()
		if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
			return nil, ErrBusy
		}
		return nil, ioError("lock", err)
	}
	return &dirLock{f}, nil
}

// release lets the directory go.
func (l *dirLock) release() { l.f.Close() }
