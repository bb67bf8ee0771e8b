// Package store keeps the records of the reference CA in one bbolt file with grouped durable commits.
//
// One goroutine owns all writing. Changes that wait while it is busy are committed together, so that many clients share one
// fsync. Each change still stands alone: it sees what earlier changes of its group wrote, and when its function returns an
// error or panics, nothing of it is written while the others go through. Update returns only after the change is durable.
package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"time"

	"cloudkey/internal/boltfile"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// Errors of this package. All are wrapped; test with errors.Is.
var (
	// ErrBusy reports that another process, or another Store of this one, has the file open.
	ErrBusy = errors.New("store: the data directory is in use by another process")
	// ErrClosed reports a use after Close.
	ErrClosed = errors.New("store: closed")
	// ErrCommit reports that the group could not be made durable: a full disk, say.
	ErrCommit = errors.New("store: not durable")
	// ErrDamaged reports a file whose pages do not hold together. Nothing of it is changed.
	ErrDamaged = errors.New("store: the file is damaged")
)

const (
	lockTimeout = 2 * time.Second
	pageSize    = 4096
	maxGroup    = 256 // changes sharing a commit
	lazyDelay   = 100 * time.Millisecond
	maxKey      = 1 << 10 // bytes
	maxValue    = 8 << 20 // bytes
)

// Store is an open file. It is safe for concurrent use.
type Store struct {
	lock  *boltfile.Lock
	db    *bbolt.DB
	queue chan request
	done  chan struct{}

	mu     sync.RWMutex // held for reading while sending to queue
	closed bool
}

type request struct {
	fn     func(*Tx) error
	result chan error
	lazy   bool // nobody waits for it
}

// Open opens the file at path, creating it (mode 0600) and its directory (mode 0700) when missing. A new file is prepared
// under a temporary name, synced and then linked into place, so that a crash never leaves half a file behind.
// Errors: ErrBusy, ErrDamaged, or that of the file system.
func Open(path string) (*Store, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := create(path); err != nil {
			return nil, fmt.Errorf("store: create: %w", err)
		}
	} else if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	lock, err := boltfile.Acquire(path + ".lock")
	if errors.Is(err, boltfile.ErrLocked) {
		return nil, ErrBusy
	} else if err != nil {
		return nil, fmt.Errorf("store: lock: %w", err)
	}
	db, err := openChecked(path)
	if err != nil {
		return nil, errors.Join(err, lock.Release())
	}
	s := &Store{lock: lock, db: db, queue: make(chan request, maxGroup), done: make(chan struct{})}
	go s.write()
	return s, nil
}

func create(path string) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, filepath.Base(path)+".new-*") // mode 0600
	if err != nil {
		return err
	}
	name := f.Name()
	defer os.Remove(name)
	if err := f.Close(); err != nil {
		return err
	}
	db, err := openBolt(name)
	if err != nil {
		return err
	}
	if err := errors.Join(db.Sync(), db.Close()); err != nil {
		return err
	}
	// Unlike rename, link never replaces a file that another process made meanwhile.
	if err := os.Link(name, path); err != nil && !errors.Is(err, fs.ErrExist) {
		if err := os.Rename(name, path); err != nil { // file systems without hard links
			return err
		}
	}
	return syncDir(dir)
}

// openChecked lets bbolt open only a file whose pages have been walked.
func openChecked(path string) (*bbolt.DB, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	if _, err := boltfile.Check(content, pageSize); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return openBolt(path)
}

func openBolt(path string) (db *bbolt.DB, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			db, err = nil, fmt.Errorf("%w: %v", ErrDamaged, r)
		}
	}()
	db, err = bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockTimeout, PageSize: pageSize})
	switch {
	case err == nil:
		return db, nil
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, ErrBusy
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum), errors.Is(err, bolterrors.ErrVersionMismatch):
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return nil, fmt.Errorf("store: %w", err)
}

// Update runs fn and returns after what it wrote is on disk. When it returns an error, nothing of fn was written, except that
// after a failed commit (a full disk, say) the caller must not assume either. fn runs in the writer's goroutine: it must be short,
// must not call Update, and must not keep the Tx.
func (s *Store) Update(_ context.Context, fn func(*Tx) error) error {
	r := request{fn: fn, result: make(chan error, 1)}
	if err := s.send(r); err != nil {
		return err
	}
	return <-r.result
}

// Later queues fn without waiting. It is committed before or with every Update that is called after it, and else soon: only
// then can a crash lose it.
func (s *Store) Later(fn func(*Tx) error) error {
	return s.send(request{fn: fn, result: make(chan error, 1), lazy: true})
}

func (s *Store) send(r request) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return ErrClosed
	}
	s.queue <- r
	return nil
}

// View runs fn on a consistent snapshot. Writing in fn fails.
func (s *Store) View(fn func(*Tx) error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return ErrClosed
	}
	return s.db.View(func(btx *bbolt.Tx) error { return fn(&Tx{tx: btx, readOnly: true}) })
}

// Snapshot writes a consistent copy to a file at path (mode 0600), which must not exist. It writes a new file rather than
// bbolt's own copy, whose two metas are not as in a file that was written in the usual way.
func (s *Store) Snapshot(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("store: snapshot: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("store: snapshot: %w", err)
	}
	dst, err := openBolt(path)
	if err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return errors.Join(ErrClosed, dst.Close())
	}
	return errors.Join(bbolt.Compact(dst, s.db, 0), dst.Close())
}

// Close finishes the waiting changes and closes the file. Calling it again is harmless.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		<-s.done
		return nil
	}
	s.closed = true
	close(s.queue)
	s.mu.Unlock()
	<-s.done
	return errors.Join(s.db.Close(), s.lock.Release())
}

func (s *Store) write() {
	defer close(s.done)
	var group []request
	flush := func() {
		if len(group) > 0 {
			s.commit(group)
			clear(group)
			group = group[:0]
		}
	}
	var lazy <-chan time.Time // runs while only lazy changes wait
	for open := true; open; {
		var urgent bool
		select {
		case r, ok := <-s.queue:
			if open = ok; !ok {
				break
			}
			group = append(group, r)
			urgent = !r.lazy
		case <-lazy:
			urgent = true
		}
		// What is waiting already shares the commit.
		for more := open; more && len(group) < maxGroup; {
			select {
			case r, ok := <-s.queue:
				if more, open = ok, ok; ok {
					group = append(group, r)
					urgent = urgent || !r.lazy
				}
			default:
				more = false
			}
		}
		if urgent || !open || len(group) >= maxGroup {
			flush()
			lazy = nil
		} else if lazy == nil {
			lazy = time.After(lazyDelay)
		}
	}
}

// commit runs a group in one transaction. Answers go out only after the commit.
func (s *Store) commit(group []request) {
	results := make([]error, len(group))
	err := func() (err error) {
		btx, err := s.db.Begin(true)
		if err != nil {
			return err
		}
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("%w: %v", ErrDamaged, r)
			}
			if err != nil {
				_ = btx.Rollback()
			}
		}()
		dirty := false
		for i, r := range group {
			t := &Tx{tx: btx}
			if results[i] = protect(r.fn, t); results[i] != nil {
				continue
			}
			dirty = dirty || len(t.writes) > 0
			if err := t.flush(); err != nil {
				return err
			}
		}
		if !dirty {
			return btx.Rollback()
		}
		return btx.Commit()
	}()
	for i, r := range group {
		if results[i] == nil && err != nil {
			results[i] = fmt.Errorf("%w: %w", ErrCommit, err)
		}
		r.result <- results[i]
	}
}

// protect turns a panic of fn into an error so that one faulty change cannot stop the others.
func protect(fn func(*Tx) error, t *Tx) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("store: change panicked: %v\n%s", r, debug.Stack())
		}
	}()
	return fn(t)
}
