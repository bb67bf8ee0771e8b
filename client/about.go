package client

import (
	"context"
	"errors"

	"cloudkey/keystore"
)

// About returns what 关于 shows.
func (c *Client) About(ctx context.Context) (About, error) {
	settings, err := c.store.Settings(ctx)
	if err != nil {
		return About{}, err
	}
	out := About{
		Version: c.cfg.Version, Build: c.cfg.Build, WeakStore: c.store.Protection() == keystore.ProtectionFile,
		DataDir: c.store.Dir(), CheckUpdates: UpdateFrequency(settings.UpdateFrequency),
	}
	current, err := c.Current(ctx)
	switch {
	case err == nil:
		out.Organisation = &current.Organisation
	case !errors.Is(err, ErrNoCertificate):
		return About{}, err
	default:
		all, err := c.Organisations(ctx)
		if err != nil {
			return About{}, err
		}
		if len(all) > 0 {
			out.Organisation = &all[0]
		}
	}
	return out, nil
}

// SetUpdateFrequency stores how often the app looks for a new version.
func (c *Client) SetUpdateFrequency(ctx context.Context, f UpdateFrequency) error {
	return c.store.ChangeSettings(ctx, func(s *keystore.Settings) { s.UpdateFrequency = keystore.UpdateFrequency(f) })
}
