//go:build cgo && !headless

package main

import (
	"context"
	"errors"
	"log/slog"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"

	"cloudkey/assets"
	"cloudkey/client"
	"cloudkey/keystore"
	"cloudkey/ui"
)

// appID is as in FyneApp.toml.
const appID = "app.cloudkey.client"

// running is what the window stands on: the store with the client on it and, where there is one, a CA beside them.
type running struct {
	settings settings
	beside   beside // nil: nothing

	store   *keystore.Store
	client  *client.Client
	damaged bool // the last try found the store damaged: the next one repairs it
}

// beside is what runs beside the app in its process.
type beside interface {
	// open starts it, once, and adds to the settings what the app has to know of it.
	open(ctx context.Context, s *settings) error
	// startFolder is where the picture chooser begins.
	startFolder() string
	close(log *slog.Logger)
}

// open opens what is not open yet. After an error it can be called again.
func (r *running) open(ctx context.Context) (err error) {
	if r.beside != nil {
		if err := r.beside.open(ctx, &r.settings); err != nil {
			return err
		}
	}
	r.client, r.store, err = wire(ctx, r.settings, r.damaged)
	r.damaged = errors.Is(err, keystore.ErrDamaged)
	return err
}

func (r *running) close() {
	if r.store != nil {
		r.client.Close()
		if err := r.store.Close(); err != nil {
			r.settings.log.Error("closing the store", "error", err)
		}
	}
	if r.beside != nil {
		r.beside.close(r.settings.log)
	}
}

// show runs the window until it is closed. Opening may ask the system's keyring, which may ask the user, so it
// does not hold up the window.
func (r *running) show(ctx context.Context) {
	fyneApp := app.NewWithID(appID)
	fyneApp.SetIcon(fyne.NewStaticResource("Icon.png", assets.AppIcon()))
	window := fyneApp.NewWindow("云密钥客户端")
	window.SetMaster()
	window.Resize(fyne.NewSize(420, 860))
	deps := ui.Deps{Do: fyne.Do, Preferences: fyneApp.Preferences(), StoreErrors: storeErrors(), Log: r.settings.log}

	ctx, leave := context.WithCancel(ctx)
	opened := make(chan struct{})
	var open func()
	open = func() {
		err := r.open(ctx)
		fyne.Do(func() {
			if err != nil {
				ui.New(window, deps).Fail(err, func() { go open() })
				return
			}
			deps.Services = ui.ServicesOf(r.client)
			if r.beside != nil {
				deps.StartFolder = r.beside.startFolder()
			}
			ui.New(window, deps).Start(ctx)
		})
	}
	go func() {
		open()
		close(opened)
	}()
	window.ShowAndRun() // ends by itself on an interrupt, as ctx does
	leave()
	<-opened
}
