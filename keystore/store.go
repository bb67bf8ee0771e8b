package keystore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"cloudkey/internal/boltfile"

	"github.com/emmansun/gmsm/sm3"
	"go.etcd.io/bbolt"
)

// Names in the data directory.
const (
	fileName   = "keystore.db"
	lockName   = "keystore.lock"
	backupName = "keystore.bak"
	tempPrefix = "keystore.tmp-"
)

var (
	bucketHeader   = []byte("header")
	bucketManifest = []byte("manifest")
	bucketRecords  = []byte("records")
	keyHeader      = []byte("header")
	keyRoot        = []byte("root")
	rootKey        = append([]byte{byte(kindRoot)}, make([]byte, pseudonymSize)...)
)

func leafKey(i int) []byte {
	k := make([]byte, 1+pseudonymSize)
	k[0], k[1] = byte(kindLeaf), byte(i)
	return k
}

// Store is an open key store. It is safe for concurrent use. Close it.
type Store struct {
	dir      string
	path     string
	wrappers []KeyWrapper
	now      func() time.Time
	lock     *boltfile.Lock
	writer   chan struct{} // holds one token while a commit or replacement is under way

	mu     sync.RWMutex // read: one View; write: swapping what follows. Only the writer changes it.
	db     *bbolt.DB
	keys   *subkeys
	header header
	man    *manifest
	digest [32]byte // of the sealed root
	state  error    // ErrClosed or ErrFailed when no longer usable
	torn   bool
	faulty bool // bbolt panicked and may hold its locks: its handle is not used again, not even closed
}

// Position identifies a commit. A server that keeps the last one it saw notices a store that was put back to an earlier state.
type Position struct {
	StoreID    [16]byte
	Generation uint64   // grows by one or more with each change
	Digest     [32]byte // SM3 of the sealed manifest of that commit
}

// View runs f on one consistent state. f must not call methods of the Store that change it.
func (s *Store) View(ctx context.Context, f func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.state != nil {
		return s.state
	}
	var btx *bbolt.Tx
	if err := guard(func() (err error) { btx, err = s.db.Begin(false); return err }); err != nil {
		return err
	}
	defer btx.Rollback()
	return f(&Tx{ctx: ctx, path: s.path, keys: s.keys, man: s.man, records: btx.Bucket(bucketRecords), now: s.now})
}

// Update runs f and commits what it changed, durably and all or nothing. When f or the commit fails, nothing is changed
// and the error is returned. A context that ends before the commit begins rolls back. f must not call methods of the Store
// that change it.
//
// Errors of the commit: ErrDiskFull, ErrReadOnly, ErrClosed, ErrFailed (the file system failed while the commit was being
// made durable: only the next Open can tell whether it was).
func (s *Store) Update(ctx context.Context, f func(*Tx) error) error {
	if err := s.acquire(ctx); err != nil {
		return err
	}
	defer s.release()
	return s.update(ctx, f)
}

func (s *Store) acquire(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case s.writer <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Store) release() { <-s.writer }

// update does Update's work for the holder of the writer token.
func (s *Store) update(ctx context.Context, f func(*Tx) error) error {
	if s.state != nil {
		return s.state
	}
	var btx *bbolt.Tx
	if err := guard(func() (err error) { btx, err = s.db.Begin(true); return err }); err != nil {
		return ioError("begin", err)
	}
	committed := false
	defer func() {
		if !committed {
			_ = guard(btx.Rollback)
		}
	}()
	d := s.man.next()
	tx := &Tx{ctx: ctx, path: s.path, keys: s.keys, man: &d.manifest, draft: d, records: btx.Bucket(bucketRecords), now: s.now}
	if err := f(tx); err != nil {
		return err
	}
	if !d.changed {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	var digest [32]byte
	err := guard(func() (err error) { digest, err = d.write(btx, &s.header, s.keys); return err })
	if err != nil {
		return ioError("write manifest", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	committed = true // Commit rolls back by itself when it fails
	if err := guard(btx.Commit); err != nil {
		if s.faulty = errors.Is(err, errFault); s.faulty || !s.stillAt(s.man.gen) {
			s.state = ErrFailed
			return fmt.Errorf("%w: %w", ErrFailed, ioError("commit", err))
		}
		return ioError("commit", err)
	}
	s.man, s.digest = &d.manifest, digest
	return nil
}

// stillAt tells whether the newest state that bbolt sees is that of generation gen, after a failed commit.
func (s *Store) stillAt(gen uint64) bool {
	var got uint64
	err := guard(func() error {
		return s.db.View(func(btx *bbolt.Tx) (err error) {
			got, _, err = sealedHead(btx.Bucket(bucketManifest).Get(rootKey))
			return err
		})
	})
	return err == nil && got == gen
}

// write seals the touched leaves and the root and returns the digest of the sealed root. Header and root lie in the file
// twice, in pages of different buckets, so that one bad page does not take the whole store.
func (d *draft) write(btx *bbolt.Tx, h *header, keys *subkeys) ([32]byte, error) {
	var digest [32]byte
	b, spare := btx.Bucket(bucketManifest), btx.Bucket(bucketHeader)
	for i, touched := range d.touched {
		if !touched {
			continue
		}
		key := leafKey(i)
		if len(d.leaves[i]) == 0 {
			d.leaves[i], d.refs[i] = nil, sealedRef{}
			if err := b.Delete(key); err != nil {
				return digest, err
			}
			continue
		}
		sealed, err := keys.sealRecord(key, d.gen, d.leaves[i].marshal())
		if err != nil {
			return digest, err
		}
		d.refs[i].gen = d.gen
		copy(d.refs[i].tag[:], sealed[len(sealed)-tagSize:])
		if err := b.Put(key, sealed); err != nil {
			return digest, err
		}
	}
	sealed, err := keys.sealRecord(rootKey, d.gen, d.marshalRoot())
	if err != nil {
		return digest, err
	}
	return sm3.Sum(sealed), errors.Join(
		b.Put(rootKey, sealed), b.Put(keyHeader, h.marshal()), spare.Put(keyRoot, sealed), spare.Put(keyHeader, h.marshal()))
}

// read runs f in a View and returns its value.
func read[T any](ctx context.Context, s *Store, f func(*Tx) (T, error)) (T, error) {
	var v T
	err := s.View(ctx, func(tx *Tx) (err error) { v, err = f(tx); return err })
	return v, err
}

// Position returns the last commit.
func (s *Store) Position() Position {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return Position{StoreID: s.header.storeID, Generation: s.man.gen, Digest: s.digest}
}

// Protection says how the store key is kept.
func (s *Store) Protection() Protection {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if w := s.wrapper(s.header.wrapper); w != nil {
		return w.Protection()
	}
	return ProtectionFile
}

// LastChangeUncertain is true when one of the file's two commit marks was unreadable at Open: the last change before may
// be lost. The store itself is whole.
func (s *Store) LastChangeUncertain() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.torn
}

// Dir returns the data directory.
func (s *Store) Dir() string { return s.dir }

// Close waits for a running change, closes the file, wipes the keys and lets go of the directory. Calls after the first
// do nothing.
func (s *Store) Close() error {
	s.writer <- struct{}{}
	defer s.release()
	return s.shut()
}

// shut makes the store unusable and lets go of the directory.
func (s *Store) shut() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if errors.Is(s.state, ErrClosed) {
		return nil
	}
	err := s.unload()
	s.state = ErrClosed
	s.lock.Release()
	return err
}

// unload closes the file and wipes the keys, and keeps the directory locked.
func (s *Store) unload() error {
	s.keys.wipe()
	if s.faulty {
		return nil
	}
	err := closeBolt(s.db)
	s.db = nil
	return err
}

func be64(v uint64) []byte { return binary.BigEndian.AppendUint64(nil, v) }
