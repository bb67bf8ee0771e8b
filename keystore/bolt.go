package keystore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"cloudkey/internal/boltfile"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

const (
	pageSize    = 4096
	allocSize   = 1 << 20
	maxFileSize = 512 << 20
)

// errFault is a panic or memory fault inside bbolt. The handle it came from may hold locks for ever and is not used again.
var errFault = errors.New("keystore: fault in the file")

// guard runs a call into bbolt and turns a panic or a fault of the mapped file into errFault. The page walk before
// opening leaves nothing known that gets here; this is the second line.
func guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errFault, p)
		}
	}()
	return f()
}

// checkFile reads the file at path and walks its pages. torn is as in boltfile.Check. Damage is a *DamagedError.
func checkFile(path string) (torn bool, err error) {
	content, err := readLimited(path)
	if err != nil {
		return false, err
	}
	if torn, err = boltfile.Check(content, pageSize); err != nil {
		return false, &DamagedError{Path: path, Err: err}
	}
	return torn, nil
}

func readLimited(path string) ([]byte, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return nil, ioError("look at file", err)
	}
	if !fi.Mode().IsRegular() || fi.Size() > maxFileSize {
		return nil, &DamagedError{Path: path, Err: errors.New("not a file, or too large")}
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, ioError("read file", err)
	}
	return content, nil
}

// lockDir takes the lock of a data directory at path, or returns ErrBusy.
func lockDir(path string) (*boltfile.Lock, error) {
	l, err := boltfile.Acquire(path)
	if errors.Is(err, boltfile.ErrLocked) {
		return nil, ErrBusy
	}
	return l, ioError("lock", err)
}

func openBolt(path string) (*bbolt.DB, error) {
	var db *bbolt.DB
	err := guard(func() (err error) {
		db, err = bbolt.Open(path, 0o600, &bbolt.Options{
			Timeout: 10 * time.Millisecond, PageSize: pageSize, MaxSize: maxFileSize,
			FreelistType: bbolt.FreelistMapType, NoStatistics: true,
		})
		return err
	})
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return nil, ErrBusy
	case errors.Is(err, errFault), errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum), errors.Is(err, berrors.ErrVersionMismatch):
		return nil, &DamagedError{Path: path, Err: err}
	case err != nil:
		return nil, ioError("open", err)
	}
	db.AllocSize = allocSize
	return db, nil
}

// closeBolt closes db unless it is nil. After an errFault it must not be called: a lock may be held.
func closeBolt(db *bbolt.DB) error {
	if db == nil {
		return nil
	}
	return guard(db.Close)
}

// ioError names an error of the file system by what the user can do about it. Some of bbolt's errors keep only the text.
func ioError(doing string, err error) error {
	is := func(numbers ...syscall.Errno) bool {
		for _, n := range numbers {
			if errors.Is(err, n) || strings.HasSuffix(err.Error(), n.Error()) {
				return true
			}
		}
		return false
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, berrors.ErrMaxSizeReached), is(diskFullErrors...):
		return fmt.Errorf("%w: %s: %v", ErrDiskFull, doing, err)
	case errors.Is(err, fs.ErrPermission), is(readOnlyErrors...):
		return fmt.Errorf("%w: %s: %v", ErrReadOnly, doing, err)
	}
	return fmt.Errorf("keystore: %s: %w", doing, err)
}

// syncDir makes names in a directory durable.
func syncDir(dir string) error {
	if !syncsDirectories {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return ioError("sync directory", err)
	}
	defer d.Close()
	return ioError("sync directory", d.Sync())
}

// writeFile writes a file of mode 0600 in full or not at all: beside its place, synced, renamed, directory synced.
func writeFile(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), tempPrefix+"*") // mode 0600
	if err != nil {
		return ioError("write", err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return ioError("write", err)
	}
	return syncDir(filepath.Dir(path))
}
