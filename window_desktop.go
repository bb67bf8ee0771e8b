//go:build cgo && !headless && !android && !ios

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"

	"cloudkey/api/refca"
	"cloudkey/assets"
	"cloudkey/client"
	"cloudkey/keystore"
	"cloudkey/ui"
)

// appID is as in FyneApp.toml.
const appID = "app.cloudkey.client"

// runApp is the app in a window.
func runApp(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	set := flags("", stderr)
	data := set.String("data", "", "data directory (default: cloudkey in the user's configuration directory)")
	demo := set.Bool("demo", false, "run the reference CA with a demo organisation beside the app")
	anchor := set.String("anchor", "", "PEM file with a trust anchor for init QR codes, from the QA page of a reference CA")
	if err := parse(set, args); err != nil {
		return err
	}
	if runtime.GOOS == "linux" && os.Getenv("DISPLAY") == "" {
		return errors.New("no display (DISPLAY is not set); `cloudkey tour` shows the app without one")
	}
	dir := *data
	if dir == "" {
		var err error
		if dir, err = dataDir(); err != nil {
			return err
		}
	}
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	r := &running{settings: settings{dir: dir, device: deviceName(), keyring: !*demo, log: log}}
	if *anchor != "" {
		var err error
		if r.settings.anchors, err = os.ReadFile(*anchor); err != nil {
			return fmt.Errorf("-anchor: %w", err)
		}
	}
	if *demo {
		r.settings.dir, r.caDir, r.stdout = filepath.Join(dir, "app"), filepath.Join(dir, "ca"), stdout
	}
	defer r.close()
	r.show(ctx)
	return nil
}

// running is what the window stands on: the store with the client on it and, with -demo, the reference CA.
type running struct {
	settings settings
	caDir    string // "": no reference CA
	stdout   io.Writer

	ca      *refca.Server
	store   *keystore.Store
	client  *client.Client
	damaged bool // the last try found the store damaged: the next one repairs it
}

// open opens what is not open yet. After an error it can be called again.
func (r *running) open(ctx context.Context) (err error) {
	if r.caDir != "" && r.ca == nil {
		r.ca, err = refca.Open(ctx, refca.Config{DataDir: r.caDir, Demo: true, Log: r.settings.log})
		if errors.Is(err, refca.ErrBusy) {
			return fmt.Errorf("reference CA: %w: %w", keystore.ErrBusy, err)
		}
		if err != nil {
			return fmt.Errorf("reference CA: %w", err)
		}
		a := r.ca.Addresses()
		r.settings.anchors = append(r.settings.anchors, a.Anchor...)
		introduce(r.stdout, a)
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
	if r.ca != nil {
		if err := closeCA(r.ca); err != nil {
			r.settings.log.Error("closing the reference CA", "error", err)
		}
	}
}

// introduce prints what a newcomer needs for the first use.
func introduce(w io.Writer, a refca.Addresses) {
	fmt.Fprintf(w, `
Reference CA, for testing only.
  organisation's init QR:  %s
  QA web page (SMS, QR):   %s
  accounts to try:         10001 (张伟), 10002 (李娜)

In the app: type 10001, press 下一步, choose the picture, confirm; the SMS password is on the web page.
`, a.InitQR, a.Web)
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
			if r.ca != nil {
				deps.StartFolder = filepath.Dir(r.ca.Addresses().InitQR)
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

// deviceName is how this machine appears in lists of devices.
func deviceName() string {
	name, err := os.Hostname()
	if err != nil || name == "" {
		return runtime.GOOS
	}
	return name[:min(len(name), 64)]
}

// dataDir is where the app keeps its data unless it is told otherwise.
func dataDir() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("no place for the data, name one with -data: %w", err)
	}
	return filepath.Join(dir, "cloudkey"), nil
}
