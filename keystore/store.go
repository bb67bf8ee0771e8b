package keystore

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

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
	rootKey        = append([]byte{byte(kindRoot)}, make([]byte, pseudonymSize)...)
)

func leafKey(i int) []byte {
	k := make([]byte, 1+pseudonymSize)
	k[0], k[1] = byte(kindLeaf), byte(i)
	return k
}

// Options say how to open a store. The zero value keeps the platform key in a file beside the store and never talks to a
// keyring, a bus or the hardware.
type Options struct {
	// Wrappers are the platform keys this program knows, the best first. A new store takes the first that answers; an
	// existing one needs the one it was made with. nil is KeyFile(dir) alone.
	Wrappers []KeyWrapper
	// Now is the clock for timestamps the store sets itself; nil is time.Now.
	Now func() time.Time
}

// Store is an open key store. It is safe for concurrent use. Close it.
type Store struct {
	dir      string
	path     string
	wrappers []KeyWrapper
	now      func() time.Time
	lock     *dirLock
	writer   chan struct{} // holds one token while a commit or replacement is under way

	mu     sync.RWMutex // read: one View; write: swapping what follows. Only the writer changes it.
	db     *bbolt.DB
	keys   *subkeys
	header header
	man    *manifest
	digest [32]byte // of the sealed root
	state  error    // ErrClosed or ErrFailed when no longer usable
	torn   bool
}

// Position identifies a commit. A server that keeps the last one it saw notices a store that was put back to an earlier state.
type Position struct {
	StoreID    [16]byte
	Generation uint64   // grows by one or more with each change
	Digest     [32]byte // SM3 of the sealed manifest of that commit
}

// Open opens the store in dir and creates directory (mode 0700) and file (0600) where there are none. Every record is
// checked against the manifest before Open returns.
//
// Errors: ErrBusy, ErrReadOnly, ErrDiskFull, ErrNewerFormat, ErrKeyUnavailable, ErrKeyLost, *DamagedError (nothing was
// changed; see Recover), the context's.
func Open(ctx context.Context, dir string, opts Options) (*Store, error) {
	s, err := prepare(dir, opts)
	if err != nil {
		return nil, err
	}
	if err := s.start(ctx); err != nil {
		s.lock.release()
		return nil, err
	}
	return s, nil
}

// prepare makes and locks the directory.
func prepare(dir string, opts Options) (*Store, error) {
	if dir == "" {
		return nil, fmt.Errorf("%w: no directory", ErrInvalid)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, ioError("create directory", err)
	}
	if fi, err := os.Stat(dir); err != nil {
		return nil, ioError("look at directory", err)
	} else if fi.Mode().Perm()&0o077 != 0 {
		if err := os.Chmod(dir, 0o700); err != nil {
			return nil, ioError("protect directory", err)
		}
	}
	s := &Store{
		dir: dir, path: filepath.Join(dir, fileName),
		wrappers: opts.Wrappers, now: opts.Now, writer: make(chan struct{}, 1),
	}
	if len(s.wrappers) == 0 {
		s.wrappers = []KeyWrapper{KeyFile(dir)}
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.lock, err = lockDir(filepath.Join(dir, lockName)); err != nil {
		return nil, err
	}
	return s, nil
}

// start opens or creates the file of a locked directory and finishes what a crash interrupted.
func (s *Store) start(ctx context.Context) error {
	if err := s.removeTemps(); err != nil {
		return err
	}
	_, err := os.Lstat(s.path)
	if errors.Is(err, os.ErrNotExist) {
		if err := s.mayCreate(); err != nil {
			return err
		}
		if err := s.create(ctx); err != nil {
			return err
		}
	} else if err != nil {
		return ioError("look at file", err)
	}
	if err := s.load(ctx); err != nil {
		return err
	}
	if err := s.settle(ctx); err != nil {
		s.shut(ErrClosed)
		return err
	}
	return nil
}

// mayCreate refuses to start anew where a store has been.
func (s *Store) mayCreate() error {
	if _, err := os.Lstat(filepath.Join(s.dir, backupName)); err == nil {
		return &DamagedError{Path: s.path, Err: errors.New("file is missing, its backup is there")}
	} else if !errors.Is(err, os.ErrNotExist) {
		return ioError("look at backup", err)
	}
	return nil
}

// create makes an empty store under the first platform key that answers.
func (s *Store) create(ctx context.Context) error {
	h := header{format: currentFormat}
	if _, err := rand.Read(h.storeID[:]); err != nil {
		return err
	}
	key, err := s.wrapNew(ctx, &h, nil)
	if err != nil {
		return err
	}
	defer clear(key)
	keys, err := newSubkeys(key, h.storeID)
	if err != nil {
		return err
	}
	defer keys.wipe()
	d := (&manifest{headerDigest: h.digest()}).next()
	if err := s.replaceFile(ctx, &h, keys, d, nil); err != nil {
		s.forget(context.WithoutCancel(ctx), retired{h.wrapper, h.wrapped})
		return err
	}
	return nil
}

// wrapNew draws a store key and wraps it, by the named wrapper if only is not nil.
func (s *Store) wrapNew(ctx context.Context, h *header, only KeyWrapper) ([]byte, error) {
	key := make([]byte, storeKeySize)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	candidates := s.wrappers
	if only != nil {
		candidates = []KeyWrapper{only}
	}
	var last error
	for _, w := range candidates {
		wrapped, err := w.Wrap(ctx, key)
		if err == nil {
			h.wrapper, h.wrapped = w.Name(), wrapped
			return key, nil
		}
		if ctx.Err() != nil {
			last = ctx.Err()
			break
		}
		last = err
	}
	clear(key)
	return nil, last
}

// load checks the file, opens it and verifies the manifest against all records.
func (s *Store) load(ctx context.Context) error {
	torn, err := checkFile(s.path)
	if err != nil {
		return err
	}
	db, err := openBolt(s.path)
	if err != nil {
		return err
	}
	var st loaded
	err = guard(func() error { return db.View(func(btx *bbolt.Tx) error { return st.read(ctx, s, btx) }) })
	if err != nil {
		closeBolt(db)
		var d *DamagedError
		if errors.As(err, &d) || !errors.Is(err, errFault) {
			return err
		}
		return &DamagedError{Path: s.path, Err: err}
	}
	s.mu.Lock()
	s.db, s.keys, s.header, s.man, s.digest, s.torn, s.state = db, st.keys, st.header, st.man, st.digest, torn, nil
	s.mu.Unlock()
	return nil
}

// loaded is what a file says about itself.
type loaded struct {
	header header
	keys   *subkeys
	man    *manifest
	digest [32]byte
}

func (st *loaded) read(ctx context.Context, s *Store, btx *bbolt.Tx) error {
	damaged := func(err error) error {
		if errors.Is(err, ErrNewerFormat) {
			return err
		}
		return &DamagedError{Path: s.path, Err: err}
	}
	hb, mb, rb := btx.Bucket(bucketHeader), btx.Bucket(bucketManifest), btx.Bucket(bucketRecords)
	if hb == nil || mb == nil || rb == nil {
		return damaged(errors.New("not a key store"))
	}
	var err error
	if st.header, err = unmarshalHeader(hb.Get(keyHeader)); err != nil {
		return damaged(err)
	}
	w := s.wrapper(st.header.wrapper)
	if w == nil {
		return fmt.Errorf("%w: kept by %q", ErrKeyUnavailable, st.header.wrapper)
	}
	key, err := w.Unwrap(ctx, st.header.wrapped)
	if err != nil {
		return err
	}
	defer clear(key)
	if st.keys, err = newSubkeys(key, st.header.storeID); err != nil {
		return damaged(err)
	}
	if st.man, st.digest, err = readManifest(mb, st.keys); err != nil {
		return damaged(err)
	}
	if st.man.headerDigest != st.header.digest() {
		return damaged(errors.New("header is not the one in the manifest"))
	}
	if bad := checkRecords(rb, st.man); len(bad) > 0 {
		return &DamagedError{Path: s.path, Records: bad, Err: errors.New("records are missing or not the ones in the manifest")}
	}
	return nil
}

func (s *Store) wrapper(name string) KeyWrapper {
	for _, w := range s.wrappers {
		if w.Name() == name {
			return w
		}
	}
	return nil
}

// readManifest opens root and leaves.
func readManifest(b *bbolt.Bucket, keys *subkeys) (*manifest, [32]byte, error) {
	var digest [32]byte
	sealed := b.Get(rootKey)
	if sealed == nil {
		return nil, digest, errors.New("manifest is missing")
	}
	digest = sm3.Sum(sealed)
	gen, _, err := sealedHead(sealed)
	if err != nil {
		return nil, digest, fmt.Errorf("manifest: %w", err)
	}
	plain, err := keys.openRecord(rootKey, sealed)
	if err != nil {
		return nil, digest, fmt.Errorf("manifest: %w", err)
	}
	m, err := unmarshalRoot(plain)
	if err != nil {
		return nil, digest, err
	}
	if m.gen != gen {
		return nil, digest, errManifest
	}
	for i := range m.leaves {
		if m.leaves[i], err = readLeaf(b, keys, i, m.refs[i]); err != nil {
			return nil, digest, fmt.Errorf("manifest, part %d: %w", i, err)
		}
	}
	return m, digest, nil
}

func readLeaf(b *bbolt.Bucket, keys *subkeys, i int, ref sealedRef) (leaf, error) {
	sealed := b.Get(leafKey(i))
	if ref == (sealedRef{}) {
		if sealed != nil {
			return nil, errors.New("not in the manifest")
		}
		return nil, nil
	}
	if sealed == nil {
		return nil, errors.New("missing")
	}
	gen, tag, err := sealedHead(sealed)
	if err != nil {
		return nil, err
	}
	if gen != ref.gen || !sameTag(tag, ref.tag) {
		return nil, errors.New("not the one in the manifest")
	}
	plain, err := keys.openRecord(leafKey(i), sealed)
	if err != nil {
		return nil, err
	}
	return unmarshalLeaf(plain, i)
}

// checkRecords compares the records in the file with the manifest, by generation and tag.
func checkRecords(b *bbolt.Bucket, m *manifest) []RecordRef {
	var bad []RecordRef
	seen, total := 0, 0
	for _, l := range m.leaves {
		total += len(l)
	}
	c := b.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		if len(k) == historyKeySize && Kind(k[0]) == KindSignature {
			continue // held by the hash chain
		}
		if len(k) != 1+pseudonymSize {
			bad = append(bad, RecordRef{})
			continue
		}
		e, ok := m.lookup(k)
		if !ok {
			bad = append(bad, RecordRef{Kind: Kind(k[0])})
			continue
		}
		seen++
		if gen, tag, err := sealedHead(v); err != nil || gen != e.gen || !sameTag(tag, e.tag) {
			bad = append(bad, e.ref)
		}
	}
	if seen == total {
		return bad
	}
	for _, l := range m.leaves {
		for k, e := range l {
			if b.Get([]byte(k)) == nil {
				bad = append(bad, e.ref)
			}
		}
	}
	return bad
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
	err := guard(func() (err error) { digest, err = d.write(btx.Bucket(bucketManifest), s.keys); return err })
	if err != nil {
		return ioError("write manifest", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	committed = true // Commit rolls back by itself when it fails
	if err := guard(btx.Commit); err != nil {
		if errors.Is(err, errFault) || !s.stillAt(s.man.gen) {
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

// write seals the touched leaves and the root into b and returns the digest of the sealed root.
func (d *draft) write(b *bbolt.Bucket, keys *subkeys) ([32]byte, error) {
	var digest [32]byte
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
	return sm3.Sum(sealed), b.Put(rootKey, sealed)
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
	return s.shut(ErrClosed)
}

// shut makes the store unusable with the given state.
func (s *Store) shut(state error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if errors.Is(s.state, ErrClosed) {
		return nil
	}
	var err error
	if s.state == nil {
		err = closeBolt(s.db)
	}
	s.keys.wipe()
	s.state = state
	s.lock.release()
	return err
}

func be64(v uint64) []byte { return binary.BigEndian.AppendUint64(nil, v) }
