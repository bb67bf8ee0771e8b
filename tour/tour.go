// Package tour drives the app's real screens through the whole first use, without a display and against a reference CA:
// the organisation's QR picture is decoded, the SMS password comes from the CA's outbox, the key is made by both parties,
// a document is signed and the signature verified by OpenSSL and by two Go libraries. It is a guided demonstration for a
// newcomer and an end-to-end check for the tests: every line it prints stands for something it has seen working.
package tour

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"cloudkey/api/refca"
	"cloudkey/client"
	"cloudkey/keystore"
	"cloudkey/ui"
	"cloudkey/ui/drive"
)

// Config says how a tour runs.
type Config struct {
	Out  string // directory for pictures and results; created when it is not there
	Text io.Writer
	// Open wires the app on a data directory, as the program does for a window.
	Open func(ctx context.Context, dir string, anchors []byte) (*client.Client, *keystore.Store, error)
	// StoreErrors are the key store's conditions for the screens.
	StoreErrors ui.StoreErrors
}

// stepLimit is how long one wait on a screen may take. Deriving the password is slow by design, and more so under the
// race detector.
const stepLimit = 90 * time.Second

// The demo accounts that the tour uses.
const (
	firstAccount  = "10001"
	secondAccount = "10002"
)

// tour is one run.
type tour struct {
	cfg   Config
	dir   string // data of CA and app
	ca    *refca.Server
	app   fyne.App
	files *chooser

	store  *keystore.Store
	client *client.Client
	ui     *ui.UI
	loop   *drive.Loop
	d      *drive.Driver

	ctx      context.Context
	endUI    context.CancelFunc
	shot     int
	password []byte
}

// Run makes the tour. The first thing that does not work ends it with an error that says where.
func Run(ctx context.Context, cfg Config) (err error) {
	if err := os.MkdirAll(cfg.Out, 0o755); err != nil {
		return fmt.Errorf("tour: %w", err)
	}
	dir, err := os.MkdirTemp("", "cloudkey-tour-")
	if err != nil {
		return fmt.Errorf("tour: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	t := &tour{cfg: cfg, dir: dir, files: &chooser{}, ctx: ctx, app: test.NewApp()}
	defer t.app.Quit()
	if err := t.removeOld(); err != nil {
		return err
	}
	if t.ca, err = refca.Open(ctx, t.caConfig()); err != nil {
		return fmt.Errorf("tour: reference CA: %w", err)
	}
	defer func() { err = errors.Join(err, t.closeCA()) }()
	if err := t.start(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.stop()) }()
	for _, s := range t.steps() {
		if err := s.run(); err != nil {
			t.capture("failed")
			return fmt.Errorf("tour: %s %s: %w", s.id, s.what, err)
		}
		fmt.Fprintf(cfg.Text, "ok %s %s\n", s.id, s.what)
	}
	fmt.Fprintf(cfg.Text, "\nPictures, document, signature and certificates are in %s\n", cfg.Out)
	return nil
}

// results are the files that the tour leaves for a stranger to verify.
var results = struct{ document, der, p7s, cert, chain string }{
	"document", "signature.der", "signature.p7s", "cert.pem", "chain.pem",
}

// removeOld deletes what an earlier tour left, so that nothing stale can pass for this run's result.
func (t *tour) removeOld() error {
	old, err := filepath.Glob(filepath.Join(t.cfg.Out, "[0-9][0-9]-*.png"))
	if err != nil {
		return err
	}
	for _, name := range []string{results.document, results.der, results.p7s, results.cert, results.chain} {
		old = append(old, filepath.Join(t.cfg.Out, name))
	}
	for _, name := range old {
		if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("tour: %w", err)
		}
	}
	return nil
}

func (t *tour) caConfig() refca.Config {
	return refca.Config{DataDir: filepath.Join(t.dir, "ca"), Listen: "127.0.0.1:0", WebListen: "127.0.0.1:0", Demo: true}
}

func (t *tour) closeCA() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return t.ca.Close(ctx)
}

// start opens the app on its data directory in a window of phone size.
func (t *tour) start() error {
	var err error
	if t.client, t.store, err = t.cfg.Open(t.ctx, filepath.Join(t.dir, "app"), []byte(t.ca.Addresses().Anchor)); err != nil {
		return fmt.Errorf("tour: opening the app: %w", err)
	}
	t.loop = drive.NewLoop()
	window := t.app.NewWindow("tour")
	window.Resize(fyne.NewSize(390, 844))
	t.d = &drive.Driver{Window: window, Loop: t.loop}
	t.app.Preferences().SetString("language", "zh")
	t.ui = ui.New(window, ui.Deps{
		Services: ui.ServicesOf(t.client), Do: t.loop.Do, Files: t.files, Preferences: t.app.Preferences(),
		StoreErrors: t.cfg.StoreErrors,
	})
	ctx, cancel := context.WithCancel(t.ctx)
	t.endUI = cancel
	t.ui.Start(ctx)
	t.loop.Run()
	return nil
}

// stop closes the app as leaving it does.
func (t *tour) stop() error {
	if t.store == nil {
		return nil
	}
	t.endUI()
	t.ui.Close()
	t.d.Window.Close()
	t.client.Close()
	err := t.store.Close()
	t.store = nil
	return err
}

// restart closes app and CA and opens them again on the same data.
func (t *tour) restart() error {
	if err := t.stop(); err != nil {
		return err
	}
	if err := t.closeCA(); err != nil {
		return err
	}
	var err error
	if t.ca, err = refca.Open(t.ctx, t.caConfig()); err != nil {
		return err
	}
	return t.start()
}

// capture writes the window as a numbered picture.
func (t *tour) capture(name string) {
	t.loop.Run()
	t.ui.HideToast() // the tour is quicker than a toast lasts
	t.loop.Run()
	t.shot++
	var picture bytes.Buffer
	err := png.Encode(&picture, t.d.Capture())
	if err == nil {
		err = os.WriteFile(filepath.Join(t.cfg.Out, fmt.Sprintf("%02d-%s.png", t.shot, name)), picture.Bytes(), 0o644)
	}
	if err != nil {
		fmt.Fprintf(t.cfg.Text, "picture %s: %v\n", name, err)
	}
}

// see waits until a text is on the screen and takes a picture.
func (t *tour) see(text, picture string) error {
	if err := t.wait(text); err != nil {
		return err
	}
	t.capture(picture)
	return nil
}

func (t *tour) wait(text string) error {
	ctx, cancel := context.WithTimeout(t.ctx, stepLimit)
	defer cancel()
	return t.d.WaitFor(ctx, text)
}

// tap waits until a button can be used and taps it. The word is a key of the app's words.
func (t *tour) tap(key string) error { return t.tapText(t.ui.T(key)) }

func (t *tour) tapText(text string) error {
	ctx, cancel := context.WithTimeout(t.ctx, stepLimit)
	defer cancel()
	if err := t.loop.Until(ctx, func() bool { return t.d.Enabled(text) }); err != nil {
		return fmt.Errorf("waiting to tap %q: %w; on screen: %q", text, err, t.d.Texts())
	}
	return t.d.Tap(text)
}
