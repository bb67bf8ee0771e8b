package keystore

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"cloudkey/internal/boltfile"

	"go.etcd.io/bbolt"
)

// removeTemps removes what a crash left of files under construction.
func (s *Store) removeTemps() error {
	names, err := os.ReadDir(s.dir)
	if err != nil {
		return ioError("read directory", err)
	}
	for _, n := range names {
		if strings.HasPrefix(n.Name(), tempPrefix) {
			if err := os.Remove(filepath.Join(s.dir, n.Name())); err != nil && !errors.Is(err, os.ErrNotExist) {
				return ioError("remove temporary file", err)
			}
		}
	}
	return nil
}

// sealedRecord is one key and value as it lies in the file.
type sealedRecord struct{ key, value []byte }

// buildFile writes a complete store beside its place and returns the name of the checked, synced file.
func (s *Store) buildFile(h *header, keys *subkeys, d *draft, records []sealedRecord) (name string, err error) {
	var id [8]byte
	if _, err := rand.Read(id[:]); err != nil {
		return "", err
	}
	name = filepath.Join(s.dir, tempPrefix+hex.EncodeToString(id[:]))
	defer func() {
		if err != nil {
			os.Remove(name)
		}
	}()
	db, err := openBolt(name)
	if err != nil {
		return "", err
	}
	slices.SortFunc(records, func(a, b sealedRecord) int { return bytes.Compare(a.key, b.key) })
	err = guard(func() error {
		return db.Update(func(btx *bbolt.Tx) error {
			for _, name := range [][]byte{bucketHeader, bucketManifest} {
				if _, err := btx.CreateBucket(name); err != nil {
					return err
				}
			}
			rb, err := btx.CreateBucket(bucketRecords)
			if err != nil {
				return err
			}
			rb.FillPercent = 0.9
			for _, r := range records {
				if err := rb.Put(r.key, r.value); err != nil {
					return err
				}
			}
			_, err = d.write(btx, h, keys)
			return err
		})
	})
	if !errors.Is(err, errFault) {
		err = errors.Join(err, closeBolt(db))
	}
	if err != nil {
		return "", ioError("write new file", err)
	}
	if _, err := checkFile(name); err != nil {
		return "", fmt.Errorf("keystore: new file does not read back: %w", err)
	}
	return name, nil
}

// replaceFile builds a store and puts it in its place.
func (s *Store) replaceFile(ctx context.Context, h *header, keys *subkeys, d *draft, records []sealedRecord) error {
	name, err := s.buildFile(h, keys, d, records)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		os.Remove(name)
		return err
	}
	if err := os.Rename(name, s.path); err != nil {
		os.Remove(name)
		return ioError("put new file in place", err)
	}
	return syncDir(s.dir)
}

// Erase makes deleted records unrecoverable: it writes the store into a new file under a new store key and destroys the
// platform key of the old one. Without a deletion since the last time it does nothing. DeleteProfile and DeleteShare call
// it; callers of Tx.DeleteProfile do after their Update. Errors wrap ErrErasurePending; the deletion itself stands.
func (s *Store) Erase(ctx context.Context) error {
	if err := s.acquire(ctx); err != nil {
		return err
	}
	defer s.release()
	if s.state != nil {
		return s.state
	}
	if err := s.erase(ctx); err != nil {
		return fmt.Errorf("%w: %w", ErrErasurePending, err)
	}
	return nil
}

// Strengthen moves the store to the first of Options.Wrappers that is stronger than the present one and answers, and tells
// whether it did: for a store that was made while the keyring did not answer. The old platform key is destroyed.
func (s *Store) Strengthen(ctx context.Context) (bool, error) {
	if err := s.acquire(ctx); err != nil {
		return false, err
	}
	defer s.release()
	if s.state != nil {
		return false, s.state
	}
	for _, w := range s.wrappers {
		if w.Protection() <= s.Protection() {
			continue
		}
		err := s.rekey(ctx, w)
		if errors.Is(err, ErrKeyUnavailable) {
			continue
		}
		if err != nil {
			return false, err
		}
		if err := s.erase(ctx); err != nil {
			return true, fmt.Errorf("%w: %w", ErrErasurePending, err)
		}
		return true, nil
	}
	return false, nil
}

// ErasurePending tells whether deleted records may still be recoverable from the directory.
func (s *Store) ErasurePending() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.man.erase || len(s.man.retired) > 0
}

// settle finishes what an earlier process could not: an erasure, and a file with one unreadable commit mark. A full disk
// or a silent key service does not keep the user from their certificates; both are tried again next time.
func (s *Store) settle(ctx context.Context) error {
	if s.torn {
		if err := s.Check(ctx); err != nil { // one sign of damage: look at everything before writing over it
			return err
		}
		err := s.update(ctx, func(tx *Tx) error { tx.draft.changed = true; return nil })
		if err != nil {
			return err
		}
	}
	if err := s.erase(ctx); err != nil && (ctx.Err() != nil || s.state != nil) {
		return err
	}
	return nil
}

// erase does Erase's work for the holder of the writer token.
func (s *Store) erase(ctx context.Context) error {
	if s.man.erase {
		w := s.wrapper(s.header.wrapper)
		if w == nil {
			return fmt.Errorf("%w: kept by %q", ErrKeyUnavailable, s.header.wrapper)
		}
		if err := s.rekey(ctx, w); err != nil {
			return err
		}
	}
	if len(s.man.retired) == 0 {
		return nil
	}
	if err := s.backup(); err != nil { // the backup before is sealed under the retired key
		return err
	}
	var left []retired
	var failed error
	for _, r := range s.man.retired {
		if err := s.forget(ctx, r); err != nil {
			failed = err
			left = append(left, r)
		}
	}
	err := s.update(ctx, func(tx *Tx) error {
		tx.draft.retired, tx.draft.changed = left, true
		return nil
	})
	return errors.Join(failed, err)
}

func (s *Store) forget(ctx context.Context, r retired) error {
	w := s.wrapper(r.wrapper)
	if w == nil {
		return fmt.Errorf("%w: kept by %q", ErrKeyUnavailable, r.wrapper)
	}
	return w.Forget(ctx, r.wrapped)
}

// rekey replaces the file by one that holds only the living records, under a new store key kept by w.
func (s *Store) rekey(ctx context.Context, w KeyWrapper) error {
	h := header{format: currentFormat, storeID: s.header.storeID}
	key, err := s.wrapNew(ctx, &h, w)
	if err != nil {
		return err
	}
	defer clear(key)
	abandon := func(err error) error {
		return errors.Join(err, s.forget(context.WithoutCancel(ctx), retired{h.wrapper, h.wrapped}))
	}
	keys, err := newSubkeys(key, h.storeID)
	if err != nil {
		return abandon(err)
	}
	defer keys.wipe()
	before := s.man.retired
	d := (&manifest{gen: s.man.gen + 1, headerDigest: h.digest()}).next() // one commit comes between
	d.retired = append(slices.Clone(before), retired{s.header.wrapper, s.header.wrapped})
	records, err := s.reseal(ctx, keys, d)
	if err != nil {
		return abandon(err)
	}
	// Noted before the new key seals anything on disk: if this process dies, the next one destroys it.
	err = s.update(ctx, func(tx *Tx) error {
		tx.draft.retired, tx.draft.changed = append(tx.draft.retired, retired{h.wrapper, h.wrapped}), true
		return nil
	})
	if err != nil {
		return abandon(err)
	}
	name, err := s.buildFile(&h, keys, d, records)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		os.Remove(name)
		return err
	}
	return s.swap(ctx, name)
}

// swap puts a built file in the place of the open one and opens it. Readers wait.
func (s *Store) swap(ctx context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, torn := s.keys, s.torn
	err := closeBolt(s.db)
	s.db, s.state = nil, ErrFailed // until loaded again
	if err == nil {
		err = os.Rename(name, s.path)
	}
	if err != nil {
		os.Remove(name)
	} else {
		err = syncDir(s.dir)
	}
	if loadErr := s.load(context.WithoutCancel(ctx)); loadErr != nil {
		return errors.Join(loadErr, err)
	}
	old.wipe()
	s.torn = torn
	if err != nil {
		return ioError("put new file in place", err)
	}
	return nil
}

// reseal opens every record under the present keys and seals it under keys for d.
func (s *Store) reseal(ctx context.Context, keys *subkeys, d *draft) ([]sealedRecord, error) {
	var out []sealedRecord
	err := s.View(ctx, func(tx *Tx) error {
		for _, l := range tx.man.leaves {
			for k, e := range l {
				if err := ctx.Err(); err != nil {
					return err
				}
				name, err := tx.nameOf(k, e)
				if err != nil {
					return err
				}
				plain, err := tx.open([]byte(k), e)
				if err != nil {
					return err
				}
				key := keys.recordKey(e.ref.Kind, name)
				sealed, err := keys.sealRecord(key, d.gen, plain)
				clear(plain)
				if err != nil {
					return err
				}
				_, tag, err := sealedHead(sealed)
				if err != nil {
					return err
				}
				d.set(key, entry{gen: d.gen, tag: tag, ref: e.ref})
				out = append(out, sealedRecord{key, sealed})
				if e.ref.Kind == KindHistory {
					if out, err = tx.resealHistory(out, keys, d.gen, e.ref.ID); err != nil {
						return err
					}
				}
			}
		}
		return nil
	})
	return out, err
}

// nameOf returns the name a record was stored under. The manifest keeps it as the reference's ID.
func (tx *Tx) nameOf(key string, e entry) (string, error) {
	if !bytes.Equal(tx.keys.recordKey(e.ref.Kind, e.ref.ID), []byte(key)) {
		return "", tx.damage(e.ref, errors.New("name does not belong to the record"))
	}
	return e.ref.ID, nil
}

// Backup writes a checked copy of the store as it is now, replacing the one before. It is sealed like the store and opens
// with the same platform key; Recover uses it.
func (s *Store) Backup(ctx context.Context) error {
	if err := s.acquire(ctx); err != nil {
		return err
	}
	defer s.release()
	if s.state != nil {
		return s.state
	}
	return s.backup()
}

// backup copies the file; no commit can run meanwhile.
func (s *Store) backup() error {
	content, err := os.ReadFile(s.path)
	if err != nil {
		return ioError("read for backup", err)
	}
	if _, err := boltfile.Check(content, pageSize); err != nil {
		return &DamagedError{Path: s.path, Err: err}
	}
	return writeFile(filepath.Join(s.dir, backupName), content)
}
