package keystore

import (
	"context"
	"time"
)

// Ink is the captured handwritten signature of a profile.
type Ink struct {
	PNG       []byte       // transparent, trimmed
	Strokes   [][]InkPoint // in drawing order
	Captured  time.Time
	Submitted bool // the CA has it
}

// InkPoint is a point of a stroke: device-independent pixels, and the time since the first point.
type InkPoint struct {
	X, Y float32
	T    time.Duration
}

// Ink returns the handwritten signature of a profile, or ErrNotFound.
func (s *Store) Ink(ctx context.Context, profile string) (Ink, error) {
	return read(ctx, s, func(tx *Tx) (Ink, error) { return tx.Ink(profile) })
}

// HasInk tells whether a profile has one, without opening it.
func (s *Store) HasInk(ctx context.Context, profile string) (bool, error) {
	return read(ctx, s, func(tx *Tx) (bool, error) { return tx.HasInk(profile) })
}

// PutInk stores the handwritten signature of a profile, which must exist.
func (s *Store) PutInk(ctx context.Context, profile string, ink Ink) error {
	return s.Update(ctx, func(tx *Tx) error { return tx.PutInk(profile, ink) })
}

// Ink is Store.Ink in this transaction.
func (tx *Tx) Ink(profile string) (Ink, error) { return getJSON[Ink](tx, KindInk, profile) }

// HasInk is Store.HasInk in this transaction.
func (tx *Tx) HasInk(profile string) (bool, error) { return tx.has(KindInk, profile), nil }

// PutInk is Store.PutInk in this transaction.
func (tx *Tx) PutInk(profile string, ink Ink) error {
	switch {
	case !tx.has(KindProfile, profile):
		return invalid(KindInk, "unknown profile")
	case len(ink.PNG) == 0 || len(ink.Strokes) == 0:
		return invalid(KindInk, "empty")
	}
	return putJSON(tx, KindInk, profile, RecordRef{ID: profile}, ink)
}

// DeleteInk removes the handwritten signature of a profile. Deleting one that is not there is no error.
func (tx *Tx) DeleteInk(profile string) error {
	_, err := tx.del(KindInk, profile)
	return err
}
