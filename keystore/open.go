package keystore

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/emmansun/gmsm/sm3"
	"go.etcd.io/bbolt"
)

// Options say how to open a store. The zero value keeps the platform key in a file beside the store and never talks to a
// keyring, a bus or the hardware.
type Options struct {
	// Wrappers are the platform keys this program knows, the best first. A new store takes the first that answers; an
	// existing one needs the one it was made with. nil is KeyFile(dir) alone.
	Wrappers []KeyWrapper
	// Now is the clock for timestamps the store sets itself; nil is time.Now.
	Now func() time.Time
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
		s.lock.Release()
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
		return errors.Join(err, s.unload())
	}
	return nil
}

// mayCreate refuses to start anew where a store has been.
func (s *Store) mayCreate() error {
	names, err := os.ReadDir(s.dir)
	if err != nil {
		return ioError("read directory", err)
	}
	for _, n := range names {
		if n.Name() == backupName || strings.HasPrefix(n.Name(), damagedPrefix) {
			return &DamagedError{Path: s.path, Err: fmt.Errorf("file is missing, %s is there", n.Name())}
		}
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

// wrapNew draws a store key and wraps it, by only if that is not nil. A wrapping that does not open again is not used.
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
		wrapped, err := wrapChecked(ctx, w, key)
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

func wrapChecked(ctx context.Context, w KeyWrapper, key []byte) ([]byte, error) {
	if n := len(w.Name()); n == 0 || n > maxWrapperName {
		return nil, fmt.Errorf("%w: key wrapper's name", ErrInvalid)
	}
	wrapped, err := w.Wrap(ctx, key)
	if err != nil {
		return nil, err
	}
	if len(wrapped) > maxWrapped {
		return nil, errors.Join(fmt.Errorf("%w: wrapped key of %d bytes", ErrInvalid, len(wrapped)), w.Forget(context.WithoutCancel(ctx), wrapped))
	}
	again, err := w.Unwrap(ctx, wrapped)
	defer clear(again)
	if err == nil && subtle.ConstantTimeCompare(again, key) != 1 {
		err = fmt.Errorf("%w: %s does not give back what it wrapped", ErrKeyLost, w.Name())
	}
	if err != nil {
		return nil, errors.Join(err, w.Forget(context.WithoutCancel(ctx), wrapped))
	}
	return wrapped, nil
}

// load checks the file, opens it and verifies the manifest against all records. The caller holds mu, or the only reference.
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
		if errors.Is(err, errFault) {
			return &DamagedError{Path: s.path, Err: err}
		}
		closeBolt(db)
		return err
	}
	s.db, s.keys, s.header, s.man, s.digest, s.torn, s.state = db, st.keys, st.header, st.man, st.digest, torn, nil
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
	if !bytes.Equal(mb.Get(keyHeader), hb.Get(keyHeader)) || !bytes.Equal(hb.Get(keyRoot), mb.Get(rootKey)) {
		return damaged(errors.New("the two copies of header and manifest differ"))
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

// Check opens every record and walks every history, which Open does not: it compares tags. It returns a *DamagedError that
// names all that is damaged.
func (s *Store) Check(ctx context.Context) error {
	return s.View(ctx, func(tx *Tx) error {
		var all *DamagedError
		note := func(err error) error {
			var d *DamagedError
			if !errors.As(err, &d) {
				return err
			}
			if all == nil {
				all = d
			} else {
				all.Records = append(all.Records, d.Records...)
			}
			return nil
		}
		for _, l := range tx.man.leaves {
			for k, e := range l {
				if err := ctx.Err(); err != nil {
					return err
				}
				plain, err := tx.open([]byte(k), e)
				clear(plain)
				if err == nil && e.ref.Kind == KindHistory {
					err = tx.VerifyHistory(e.ref.ID)
				}
				if err = note(err); err != nil {
					return err
				}
			}
		}
		if all != nil {
			return all
		}
		return nil
	})
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
