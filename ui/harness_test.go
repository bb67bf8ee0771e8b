package ui_test

import (
	"bytes"
	"context"
	"errors"
	"image/png"
	"slices"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"golang.org/x/image/font/sfnt"

	"cloudkey/ui"
	"cloudkey/ui/drive"
)

var errStore = errors.New("the store says so")

// app is the UI on a window in memory with a client that is made up.
type app struct {
	*drive.Driver
	t     *testing.T
	ui    *ui.UI
	fake  *drive.Fake
	files *drive.Files
	clock *drive.Clock
	prefs fyne.Preferences
}

// start opens the app in Chinese on a phone after prepare has set up what is on the device.
func start(t *testing.T, prepare func(f *drive.Fake)) *app {
	t.Helper()
	a := build(t, "zh")
	if prepare != nil {
		prepare(a.fake)
	}
	a.ui.Start(t.Context())
	return a
}

func build(t *testing.T, lang string) *app {
	t.Helper()
	return buildWith(t, lang, func(*ui.Deps) {})
}

func buildWith(t *testing.T, lang string, change func(*ui.Deps)) *app {
	t.Helper()
	fyneApp := test.NewTempApp(t)
	fyneApp.Preferences().SetString("language", lang)
	clock := drive.NewClock(time.Date(2026, 3, 18, 9, 30, 0, 0, time.UTC))
	a := &app{t: t, fake: drive.NewFake(clock, lang), files: &drive.Files{}, clock: clock, prefs: fyneApp.Preferences()}
	loop := drive.NewLoop()
	win := fyneApp.NewWindow("")
	win.Resize(fyne.NewSize(390, 844))
	a.Driver = &drive.Driver{Window: win, Loop: loop}
	deps := ui.Deps{
		Services: ui.ServicesOf(a.fake), Do: loop.Do, Clock: clock, Files: a.files, Preferences: a.prefs,
		StoreErrors: ui.StoreErrors{Busy: errStore},
	}
	change(&deps)
	a.ui = ui.New(win, deps)
	win.Resize(fyne.NewSize(390, 844))
	t.Cleanup(func() {
		a.ui.Close()
		win.Close()
	})
	return a
}

// within runs the loop until cond holds, and fails the test when that takes too long.
func (a *app) within(what string, cond func() bool) {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(a.t.Context(), 20*time.Second)
	defer cancel()
	if err := a.Loop.Until(ctx, cond); err != nil {
		a.t.Fatalf("%s: %v; page %q, on screen: %q", what, err, a.ui.Current(), a.Texts())
	}
}

// see waits for a text.
func (a *app) see(text string) {
	a.t.Helper()
	a.within("waiting for "+text, func() bool { return a.Sees(text) })
}

// page waits for a page by its title.
func (a *app) page(title string) {
	a.t.Helper()
	a.within("waiting for page "+title, func() bool { return a.ui.Current() == title })
}

// tap taps what carries this text, once it can be used.
func (a *app) tap(text string) {
	a.t.Helper()
	a.within("waiting to tap "+text, func() bool { return a.Enabled(text) })
	a.ok(a.Tap(text))
}

func (a *app) secret(label, password string) {
	a.t.Helper()
	a.ok(a.Secret(label, []byte(password)))
}

func (a *app) typed(label, text string) {
	a.t.Helper()
	a.ok(a.Type(label, text))
}

func (a *app) called(method string) {
	a.t.Helper()
	a.within("waiting for a call of "+method, func() bool { return slices.Contains(a.fake.Calls(), method) })
}

func (a *app) never(method string) {
	a.t.Helper()
	if slices.Contains(a.fake.Calls(), method) {
		a.t.Errorf("%s was called", method)
	}
}

func (a *app) count(method string) int {
	n := 0
	for _, c := range a.fake.Calls() {
		if c == method {
			n++
		}
	}
	return n
}

func (a *app) ok(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}

func (a *app) sees(want bool, text string) {
	a.t.Helper()
	if a.Sees(text) != want {
		a.t.Errorf("%q on screen: %v, want %v; on screen: %q", text, !want, want, a.Texts())
	}
}

// qrPicture is a PNG with a QR code.
func qrPicture(t *testing.T, text string) []byte {
	t.Helper()
	m, err := qrcode.NewQRCodeWriter().Encode(text, gozxing.BarcodeFormat_QR_CODE, 300, 300, nil)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// runes tells which characters a font has.
func runes(t *testing.T, data []byte) func(rune) bool {
	t.Helper()
	f, err := sfnt.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	var b sfnt.Buffer
	return func(r rune) bool {
		i, err := f.GlyphIndex(&b, r)
		return err == nil && i != 0
	}
}
