package client

import (
	"bytes"
	"context"
	"errors"

	"cloudkey/cosign"
	"cloudkey/keystore"
)

// SetFirstPassword replaces the SMS password of a downloaded certificate and makes it usable and current. After any error
// exactly one of the two passwords opens the key; the same call may be repeated.
// Errors: ErrWeakPassword, ErrSamePassword, *PasswordError, *LockedError and those of a connection.
func (c *Client) SetFirstPassword(ctx context.Context, certID string, smsPassword, password []byte) error {
	p, err := c.store.Profile(ctx, certID)
	if err != nil {
		return err
	}
	if p.State == keystore.ProfileReady {
		return nil
	}
	if p.State != keystore.ProfileMustPassword {
		return ErrInterrupted
	}
	changed, err := c.changePassword(ctx, certID, smsPassword, password, true)
	if err != nil || !changed {
		return err
	}
	return c.ready(ctx, certID)
}

// ChangePassword replaces the password of a certificate. After any error exactly one of the two opens the key.
// Errors: as SetFirstPassword.
func (c *Client) ChangePassword(ctx context.Context, certID string, old, new []byte) error {
	_, err := c.changePassword(ctx, certID, old, new, false)
	return err
}

func (c *Client) changePassword(ctx context.Context, certID string, old, new []byte, first bool) (changed bool, err error) {
	if err := CheckPassword(new); err != nil {
		return false, err
	}
	if bytes.Equal(old, new) {
		return false, ErrSamePassword
	}
	p, l, err := c.profile(ctx, certID)
	if err != nil {
		return false, err
	}
	s, err := c.session(ctx, l, p)
	if err != nil {
		return false, err
	}
	if err := s.turn.take(ctx); err != nil {
		return false, err
	}
	defer s.turn.give()
	state, _, err := c.settle(ctx, s, p)
	if err != nil {
		return false, c.failure(err)
	}
	if first && state.Epoch > 0 {
		// An earlier try went through although its answer was lost. Its password, not this one, opens the key: the user
		// is told, because only the user knows whether the two are the same.
		return false, errors.Join(ErrInterrupted, c.ready(ctx, certID))
	}
	err = s.signer.WithTransport(&transport{client: c, link: l}).ChangePIN(ctx, old, new, c.cfg.KDF)
	var lost *cosign.UncertainError
	if errors.As(err, &lost) {
		// The user must know which password stands, also after turning away.
		ctx, cancel := afterwards(ctx)
		defer cancel()
		if state, _, again := c.settle(ctx, s, p); again == nil {
			if state.PINChanged {
				return true, nil
			}
			return false, undone(l.api.Host(), lost.Err)
		}
	}
	return err == nil, c.failure(err)
}

// ready marks the first password as set. The certificate becomes the current one.
func (c *Client) ready(ctx context.Context, certID string) error {
	return c.store.Update(ctx, func(tx *keystore.Tx) error {
		p, err := tx.Profile(certID)
		if err != nil {
			return err
		}
		p.State, p.Enrolment = keystore.ProfileReady, ""
		if err := tx.PutProfile(p); err != nil {
			return err
		}
		return tx.SetCurrentProfile(certID)
	})
}

// settleFirstPassword looks whether a first password whose answer was lost went through, and returns the profile in the
// state that stands. Without a connection it stays as it is.
func (c *Client) settleFirstPassword(ctx context.Context, p keystore.Profile) keystore.Profile {
	l, err := c.link(ctx, p.Organisation)
	if err != nil {
		return p
	}
	s, err := c.session(ctx, l, p)
	if err != nil {
		return p
	}
	if err := s.turn.take(ctx); err != nil {
		return p
	}
	defer s.turn.give()
	state, err := s.signer.Recover(ctx)
	if err != nil || state.Epoch == 0 {
		return p
	}
	if err := c.ready(ctx, p.ID); err != nil {
		c.log.Warn("first password", "error", err)
		return p
	}
	p.State = keystore.ProfileReady
	return p
}
