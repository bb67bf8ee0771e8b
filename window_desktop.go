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

	"cloudkey/api/refca"
	"cloudkey/keystore"
)

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
		r.settings.dir = filepath.Join(dir, "app")
		r.beside = &demoCA{dir: filepath.Join(dir, "ca"), stdout: stdout}
	}
	defer r.close()
	r.show(ctx)
	return nil
}

// demoCA is the reference CA with the demo organisation, beside the app.
type demoCA struct {
	dir    string
	stdout io.Writer
	server *refca.Server
}

func (d *demoCA) open(ctx context.Context, s *settings) error {
	if d.server != nil {
		return nil
	}
	server, err := refca.Open(ctx, refca.Config{DataDir: d.dir, Demo: true, Log: s.log})
	if errors.Is(err, refca.ErrBusy) {
		return fmt.Errorf("reference CA: %w: %w", keystore.ErrBusy, err)
	}
	if err != nil {
		return fmt.Errorf("reference CA: %w", err)
	}
	d.server = server
	a := server.Addresses()
	s.anchors = append(s.anchors, a.Anchor...)
	introduce(d.stdout, a)
	return nil
}

func (d *demoCA) startFolder() string { return filepath.Dir(d.server.Addresses().InitQR) }

func (d *demoCA) close(log *slog.Logger) {
	if d.server == nil {
		return
	}
	if err := closeCA(d.server); err != nil {
		log.Error("closing the reference CA", "error", err)
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
