package keystore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"
)

// MaxPasswordAge bounds how long a password may be kept.
const MaxPasswordAge = 30 * 24 * time.Hour

// KeepPassword stores a certificate password (记住密码) until the given time, at most MaxPasswordAge ahead. Only where the
// platform keeps the store key in its hardware or keyring: with a key file a copy of the directory would hold the password,
// so that is ErrWeakProtection. password stays the caller's to wipe.
func (s *Store) KeepPassword(ctx context.Context, profile string, password []byte, until time.Time) error {
	if s.Protection() < ProtectionKeyring {
		return ErrWeakProtection
	}
	return s.Update(ctx, func(tx *Tx) error {
		now := tx.now()
		switch {
		case !tx.has(KindProfile, profile):
			return invalid(KindPassword, "unknown profile")
		case len(password) == 0 || len(password) > 1024:
			return invalid(KindPassword, "length")
		case !until.After(now) || until.After(now.Add(MaxPasswordAge)):
			return invalid(KindPassword, "age")
		}
		plain := make([]byte, 0, 17+len(password))
		plain = append(plain, 1)
		plain = append(plain, be64(uint64(now.UnixNano()))...)
		plain = append(plain, be64(uint64(until.UnixNano()))...)
		plain = append(plain, password...)
		defer clear(plain)
		return tx.put(KindPassword, profile, RecordRef{ID: profile}, plain)
	})
}

// Password returns the kept password of a profile, which the caller wipes, or ErrNotFound when there is none, its time is
// over, or the clock was set back to before it was kept.
func (s *Store) Password(ctx context.Context, profile string) ([]byte, error) {
	return read(ctx, s, func(tx *Tx) ([]byte, error) {
		plain, err := tx.get(KindPassword, profile)
		if err != nil {
			return nil, err
		}
		defer clear(plain)
		r := reader{b: plain}
		if v := r.byte(); v != 1 {
			return nil, fmt.Errorf("%w: password version %d", ErrNewerFormat, v)
		}
		kept, until := time.Unix(0, int64(r.uint64())), time.Unix(0, int64(r.uint64()))
		now := tx.now()
		if r.bad || now.Before(kept) || !now.Before(until) {
			return nil, ErrNotFound
		}
		return bytes.Clone(r.b), nil
	})
}

// ForgetPassword removes the kept password of a profile (清除密码缓存) and makes it unrecoverable, as DeleteProfile does.
// Forgetting one that is not kept is no error.
func (s *Store) ForgetPassword(ctx context.Context, profile string) error {
	var had bool
	err := s.Update(ctx, func(tx *Tx) (err error) {
		if had, err = tx.del(KindPassword, profile); had {
			tx.requestErasure()
		}
		return err
	})
	if err != nil || !had {
		return err
	}
	return s.Erase(ctx)
}

// HasPassword tells whether Password would return one.
func (s *Store) HasPassword(ctx context.Context, profile string) (bool, error) {
	plain, err := s.Password(ctx, profile)
	clear(plain)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
