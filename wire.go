package main

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"time"

	"cloudkey/api"
	"cloudkey/client"
	"cloudkey/keystore"
	"cloudkey/ui"
)

// settings are what the ways to start the program differ in.
type settings struct {
	dir     string // data directory
	anchors []byte // PEM, trust anchors for init QR signers
	device  string // name of this device
	keyring bool   // use the operating system's keyring where it answers
	log     *slog.Logger
}

// wire opens the store and puts the client on it. The caller closes both, the client first.
func wire(ctx context.Context, s settings) (*client.Client, *keystore.Store, error) {
	var anchors *api.Anchors
	if len(s.anchors) > 0 {
		var err error
		if anchors, err = api.ParseAnchors(s.anchors); err != nil {
			return nil, nil, err
		}
	}
	store, err := keystore.Open(ctx, s.dir, keystore.Options{Wrappers: wrappers(s)})
	if err != nil {
		return nil, nil, err
	}
	c, err := client.New(client.Config{
		Store: store, Anchors: anchors, Device: s.device, Platform: runtime.GOOS, Version: version, Log: s.log,
	})
	if err != nil {
		return nil, nil, errors.Join(err, store.Close())
	}
	return c, store, nil
}

// keyringTimeout is how long the operating system's keyring may take; it may ask the user to unlock it.
const keyringTimeout = 30 * time.Second

func wrappers(s settings) []keystore.KeyWrapper {
	if !s.keyring {
		return []keystore.KeyWrapper{keystore.KeyFile(s.dir)}
	}
	return []keystore.KeyWrapper{keystore.Keyring("cloudkey", keyringTimeout), keystore.KeyFile(s.dir)}
}

// storeErrors tells the screens which conditions of the store have sentences of their own.
func storeErrors() ui.StoreErrors {
	return ui.StoreErrors{
		Busy: keystore.ErrBusy, DiskFull: keystore.ErrDiskFull, ReadOnly: keystore.ErrReadOnly,
		Damaged: keystore.ErrDamaged, NewerFormat: keystore.ErrNewerFormat,
	}
}
