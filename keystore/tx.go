package keystore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"go.etcd.io/bbolt"
)

// Tx is one consistent view of the store inside View or Update. Writes of an Update become durable together when its
// function returns nil. A Tx must not be used after that function returns, nor by several goroutines.
type Tx struct {
	ctx     context.Context
	path    string
	keys    *subkeys
	man     *manifest // what to read
	draft   *draft    // nil in a View; its manifest is man
	records *bbolt.Bucket
	now     func() time.Time
}

// maxRecord bounds the plaintext of one record, in bytes.
const maxRecord = 16 << 20

// get returns the opened record, or ErrNotFound.
func (tx *Tx) get(kind Kind, name string) ([]byte, error) {
	key := tx.keys.recordKey(kind, name)
	e, ok := tx.man.lookup(key)
	if !ok {
		return nil, ErrNotFound
	}
	return tx.open(key, e)
}

// open reads the record that the manifest has as e.
func (tx *Tx) open(key []byte, e entry) ([]byte, error) {
	var sealed []byte
	if err := guard(func() error { sealed = bytes.Clone(tx.records.Get(key)); return nil }); err != nil {
		return nil, tx.damage(e.ref, err)
	}
	if sealed == nil {
		return nil, tx.damage(e.ref, errors.New("record is missing"))
	}
	gen, tag, err := sealedHead(sealed)
	if err == nil && (gen != e.gen || !sameTag(tag, e.tag)) {
		err = errors.New("record is not the one in the manifest")
	}
	if err != nil {
		return nil, tx.damage(e.ref, err)
	}
	plain, err := tx.keys.openRecord(key, sealed)
	if err != nil {
		return nil, tx.damage(e.ref, err)
	}
	return plain, nil
}

func (tx *Tx) damage(ref RecordRef, err error) error {
	return &DamagedError{Path: tx.path, Records: []RecordRef{ref}, Err: err}
}

// put seals plain as the record and notes it in the manifest.
func (tx *Tx) put(kind Kind, name string, ref RecordRef, plain []byte) error {
	if err := tx.writable(); err != nil {
		return err
	}
	if !utf8.ValidString(name) {
		return invalid(kind, "name is not UTF-8")
	}
	if len(plain) > maxRecord {
		return fmt.Errorf("%w: %s of %d bytes", ErrInvalid, kind, len(plain))
	}
	key := tx.keys.recordKey(kind, name)
	sealed, err := tx.keys.sealRecord(key, tx.draft.gen, plain)
	if err != nil {
		return err
	}
	if err := guard(func() error { return tx.records.Put(key, sealed) }); err != nil {
		return err
	}
	_, tag, err := sealedHead(sealed)
	if err != nil {
		return err
	}
	ref.Kind = kind
	tx.draft.set(key, entry{gen: tx.draft.gen, tag: tag, ref: ref})
	return nil
}

// del removes a record and tells whether there was one.
func (tx *Tx) del(kind Kind, name string) (bool, error) {
	if err := tx.writable(); err != nil {
		return false, err
	}
	key := tx.keys.recordKey(kind, name)
	if _, ok := tx.man.lookup(key); !ok {
		return false, nil
	}
	if err := guard(func() error { return tx.records.Delete(key) }); err != nil {
		return false, err
	}
	tx.draft.del(key)
	return true, nil
}

func (tx *Tx) has(kind Kind, name string) bool {
	_, ok := tx.man.lookup(tx.keys.recordKey(kind, name))
	return ok
}

// each calls f for every record of a kind, in no particular order. f must not change records of that kind.
func (tx *Tx) each(kind Kind, f func(ref RecordRef, plain []byte) error) error {
	for _, l := range tx.man.leaves {
		for key, e := range l {
			if Kind(key[0]) != kind {
				continue
			}
			if err := tx.ctx.Err(); err != nil {
				return err
			}
			plain, err := tx.open([]byte(key), e)
			if err != nil {
				return err
			}
			if err := f(e.ref, plain); err != nil {
				return err
			}
		}
	}
	return nil
}

// refs returns the manifest's references of a kind without opening a record.
func (tx *Tx) refs(kind Kind) []RecordRef {
	var out []RecordRef
	for _, l := range tx.man.leaves {
		for key, e := range l {
			if Kind(key[0]) == kind {
				out = append(out, e.ref)
			}
		}
	}
	return out
}

func (tx *Tx) writable() error {
	if tx.draft == nil {
		return errors.New("keystore: change inside a View")
	}
	return tx.ctx.Err()
}

// requestErasure makes the file be replaced after the commit.
func (tx *Tx) requestErasure() { tx.draft.erase, tx.draft.changed = true, true }

// Records that hold no secret are JSON: fields can be added without a new format, and unknown ones are an error only to a
// program that is older than the record.

func getJSON[T any](tx *Tx, kind Kind, name string) (T, error) {
	var v T
	plain, err := tx.get(kind, name)
	if err != nil {
		return v, err
	}
	err = decodeJSON(plain, &v)
	return v, err
}

func listJSON[T any](tx *Tx, kind Kind, less func(a, b T) int) ([]T, error) {
	out := []T{}
	err := tx.each(kind, func(_ RecordRef, plain []byte) error {
		var v T
		if err := decodeJSON(plain, &v); err != nil {
			return err
		}
		out = append(out, v)
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(out, less)
	return out, nil
}

func putJSON(tx *Tx, kind Kind, name string, ref RecordRef, v any) error {
	plain, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("%w: %v", ErrInvalid, err)
	}
	return tx.put(kind, name, ref, plain)
}

func decodeJSON(plain []byte, v any) error {
	if err := json.Unmarshal(plain, v); err != nil {
		return fmt.Errorf("%w: record does not decode", ErrNewerFormat)
	}
	return nil
}

// invalid reports a field that a record must have.
func invalid(kind Kind, field string) error { return fmt.Errorf("%w: %s: %s", ErrInvalid, kind, field) }
