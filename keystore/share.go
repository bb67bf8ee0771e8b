package keystore

import (
	"context"
	"encoding/hex"
)

// MaxShare bounds a share record, in bytes.
const MaxShare = 64 << 10

// LoadShare returns the share record of a two-party key, or ErrNotFound. The caller wipes it. With StoreShare it is the
// durable share store of package cosign.
func (s *Store) LoadShare(ctx context.Context, key [16]byte) ([]byte, error) {
	return read(ctx, s, func(tx *Tx) ([]byte, error) { return tx.Share(key) })
}

// StoreShare stores the opaque share record of a two-party key, replacing the earlier one; it is durable when StoreShare
// returns. record stays the caller's to wipe.
func (s *Store) StoreShare(ctx context.Context, key [16]byte, record []byte) error {
	return s.Update(ctx, func(tx *Tx) error { return tx.PutShare(key, record) })
}

// Shares is a Store as the share store of a package that has a key ID type of its own, such as cosign.KeyID.
type Shares[ID ~[16]byte] struct{ store *Store }

// SharesOf returns s as such a share store.
func SharesOf[ID ~[16]byte](s *Store) Shares[ID] { return Shares[ID]{s} }

// LoadShare is Store.LoadShare.
func (s Shares[ID]) LoadShare(ctx context.Context, id ID) ([]byte, error) {
	return s.store.LoadShare(ctx, [16]byte(id))
}

// StoreShare is Store.StoreShare.
func (s Shares[ID]) StoreShare(ctx context.Context, id ID, record []byte) error {
	return s.store.StoreShare(ctx, [16]byte(id), record)
}

// DeleteShare removes a share record and makes it unrecoverable, as DeleteProfile does; for a key whose generation was
// given up. Deleting one that is not there is no error.
func (s *Store) DeleteShare(ctx context.Context, key [16]byte) error {
	if err := s.Update(ctx, func(tx *Tx) error { return tx.DeleteShare(key) }); err != nil {
		return err
	}
	return s.Erase(ctx)
}

// Share is Store.LoadShare in this transaction.
func (tx *Tx) Share(key [16]byte) ([]byte, error) {
	return tx.get(KindShare, hex.EncodeToString(key[:]))
}

// PutShare is Store.StoreShare in this transaction.
func (tx *Tx) PutShare(key [16]byte, record []byte) error {
	switch {
	case key == [16]byte{}:
		return invalid(KindShare, "no key ID")
	case len(record) == 0 || len(record) > MaxShare:
		return invalid(KindShare, "length")
	}
	name := hex.EncodeToString(key[:])
	return tx.put(KindShare, name, RecordRef{ID: name}, record)
}

// DeleteShare removes a share record. After the Update the caller calls Store.Erase.
func (tx *Tx) DeleteShare(key [16]byte) error {
	had, err := tx.del(KindShare, hex.EncodeToString(key[:]))
	if had {
		tx.requestErasure()
	}
	return err
}
