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
	anchor := set.String("anchor", "", "PEM file with a trust anchor for init QR codes, as the ca sub-command writes it")
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
	s := settings{dir: dir, device: deviceName(), keyring: !*demo, log: log}
	pictures := ""
	if *anchor != "" {
		var err error
		if s.anchors, err = os.ReadFile(*anchor); err != nil {
			return fmt.Errorf("-anchor: %w", err)
		}
	}
	if *demo {
		server, err := refca.Open(ctx, refca.Config{
			DataDir: filepath.Join(dir, "ca"), Listen: "127.0.0.1:0", WebListen: "127.0.0.1:0", Demo: true, Log: log,
		})
		if err != nil {
			return fmt.Errorf("reference CA: %w", err)
		}
		defer closeCA(server)
		a := server.Addresses()
		s.dir, s.anchors, pictures = filepath.Join(dir, "app"), append(s.anchors, a.Anchor...), filepath.Dir(a.InitQR)
		introduce(stdout, a)
	}
	show(ctx, s, pictures)
	return nil
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

// show runs the window until it is closed or ctx ends.
func show(ctx context.Context, s settings, pictures string) {
	fyneApp := app.NewWithID(appID)
	fyneApp.SetIcon(fyne.NewStaticResource("Icon.png", assets.AppIcon()))
	window := fyneApp.NewWindow("云密钥客户端")
	window.SetMaster()
	window.Resize(fyne.NewSize(420, 860))

	var (
		c     *client.Client
		store *keystore.Store
	)
	defer func() {
		if store != nil {
			c.Close()
			if err := store.Close(); err != nil {
				s.log.Error("closing the store", "error", err)
			}
		}
	}()
	var open func()
	damaged := false
	open = func() {
		var err error
		c, store, err = wire(ctx, s, damaged)
		damaged = errors.Is(err, keystore.ErrDamaged)
		deps := ui.Deps{
			Do: fyne.Do, StartFolder: pictures, Preferences: fyneApp.Preferences(),
			StoreErrors: storeErrors(), Log: s.log,
		}
		if err != nil {
			ui.New(window, deps).Fail(err, open)
			return
		}
		deps.Services = ui.ServicesOf(c)
		ui.New(window, deps).Start(ctx)
	}
	open()
	context.AfterFunc(ctx, func() { fyne.Do(fyneApp.Quit) })
	window.ShowAndRun()
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
