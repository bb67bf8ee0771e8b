package client

import (
	"context"
	"errors"
	"time"

	"cloudkey/api"
	"cloudkey/api/gen"
	"cloudkey/keystore"
)

// CheckUpdate asks the organisation's service for the newest release of the app and reports whether it is newer than this
// one. Errors: ErrNotInitialised, *TrustError for an offer that the organisation has not signed, and those of a connection.
func (c *Client) CheckUpdate(ctx context.Context) (Release, bool, error) {
	about, err := c.About(ctx)
	if err != nil {
		return Release{}, false, err
	}
	if about.Organisation == nil {
		return Release{}, false, ErrNotInitialised
	}
	l, err := c.link(ctx, about.Organisation.ID)
	if err != nil {
		return Release{}, false, err
	}
	r, err := l.api.GetLatestRelease(ctx, c.cfg.Platform)
	var none *api.Problem
	switch {
	case errors.As(err, &none) && none.Code == gen.ProblemCodeNotFound:
		return Release{}, false, c.noteCheck(ctx)
	case err != nil:
		return Release{}, false, c.failure(err)
	}
	o, err := c.store.Organisation(ctx, about.Organisation.ID)
	if err != nil {
		return Release{}, false, err
	}
	signer, err := api.ParseSigner(o.Signer)
	if err != nil {
		return Release{}, false, err
	}
	if err := api.VerifyRelease(r, c.cfg.Platform, signer, c.now()); err != nil {
		return Release{}, false, &TrustError{Host: l.api.Host(), Err: err}
	}
	out := Release{Version: r.Version, Notes: r.Notes, Size: r.Size, SHA256: r.Sha256, URL: r.Url}
	return out, api.NewerVersion(r.Version, c.cfg.Version), c.noteCheck(ctx)
}

func (c *Client) noteCheck(ctx context.Context) error {
	now := c.now()
	return c.store.ChangeSettings(ctx, func(s *keystore.Settings) { s.LastUpdateCheck = now })
}

// UpdateDue tells whether it is time to look for a new version by itself. A clock that went back makes it due.
func (c *Client) UpdateDue(ctx context.Context) (bool, error) {
	s, err := c.store.Settings(ctx)
	if err != nil {
		return false, err
	}
	var period time.Duration
	switch UpdateFrequency(s.UpdateFrequency) {
	case UpdateAtStart:
		return true, nil
	case UpdateDaily:
		period = 24 * time.Hour
	case UpdateWeekly:
		period = 7 * 24 * time.Hour
	default:
		return false, nil
	}
	since := c.now().Sub(s.LastUpdateCheck)
	return since >= period || since < 0, nil
}
