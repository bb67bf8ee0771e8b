package keystore

import (
	"context"
	"errors"
	"time"
)

// UpdateFrequency is how often the app looks for a new version by itself.
type UpdateFrequency int

// The choices of the about screen.
const (
	UpdateAtStart UpdateFrequency = iota
	UpdateDaily
	UpdateWeekly
	UpdateNever
)

// Settings are the user's choices. The zero value is the default.
type Settings struct {
	Language        string // BCP 47 tag, empty follows the system
	Theme           string // "light" or "dark", empty follows the system
	UpdateFrequency UpdateFrequency
	LastUpdateCheck time.Time
}

// Settings returns the stored settings, or the zero value when there are none.
func (s *Store) Settings(ctx context.Context) (Settings, error) {
	return read(ctx, s, (*Tx).Settings)
}

// ChangeSettings applies change to the stored settings in one commit.
func (s *Store) ChangeSettings(ctx context.Context, change func(*Settings)) error {
	return s.Update(ctx, func(tx *Tx) error {
		v, err := tx.Settings()
		if err != nil {
			return err
		}
		change(&v)
		return tx.PutSettings(v)
	})
}

// Settings is Store.Settings in this transaction.
func (tx *Tx) Settings() (Settings, error) {
	v, err := getJSON[Settings](tx, KindSettings, "")
	if errors.Is(err, ErrNotFound) {
		return Settings{}, nil
	}
	return v, err
}

// PutSettings stores all settings.
func (tx *Tx) PutSettings(v Settings) error {
	if v.UpdateFrequency < UpdateAtStart || v.UpdateFrequency > UpdateNever {
		return invalid(KindSettings, "update frequency")
	}
	return putJSON(tx, KindSettings, "", RecordRef{}, v)
}
