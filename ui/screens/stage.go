package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"fyne.io/fyne/v2"

	"cloudkey/ui"
	"cloudkey/ui/drive"
	"cloudkey/ui/style"
)

// look is one of the ways in which each screen is drawn.
type look struct {
	lang string
	mode style.Mode
	size fyne.Size
}

func (l look) String() string {
	mode := "light"
	if l.mode == style.ModeDark {
		mode = "dark"
	}
	return fmt.Sprintf("%s-%s-%.0fx%.0f", l.lang, mode, l.size.Width, l.size.Height)
}

// looks are all ways: {zh, en} × {light, dark} × {phone, desktop}.
func looks() []look {
	var out []look
	for _, lang := range []string{"zh", "en"} {
		for _, mode := range []style.Mode{style.ModeLight, style.ModeDark} {
			for _, size := range []fyne.Size{{Width: 390, Height: 844}, {Width: 1280, Height: 800}} {
				out = append(out, look{lang, mode, size})
			}
		}
	}
	return out
}

// stage is the app with a made-up client in a window in memory. The first mistake ends a scene by a panic with sceneError.
type stage struct {
	*drive.Driver
	ui    *ui.UI
	fake  *drive.Fake
	files *drive.Files
	open  *chooser
	dirs  []string // to remove at the end
	clock *drive.Clock
	ctx   context.Context
	app   fyne.App
}

// chooser is a FileChooser that can be exchanged while the app runs.
type chooser struct{ ui.FileChooser }

// realFiles makes the app use its own pages over a folder with a few files.
func (s *stage) realFiles() {
	dir, err := os.MkdirTemp("", "cloudkey")
	s.must(err)
	s.dirs = append(s.dirs, dir)
	names := []string{"手术知情同意书.pdf", "2026年3月排班表.xlsx", "说明.txt"}
	if s.ui.Words().Tag() == "en" {
		names = []string{"Consent form.pdf", "Rota March 2026.xlsx", "Read me.txt"}
	}
	s.must(os.MkdirAll(filepath.Join(dir, "Documents"), 0o700))
	for i, name := range names {
		path := filepath.Join(dir, name)
		s.must(os.WriteFile(path, make([]byte, 4321*(i+1)), 0o600))
		s.must(os.Chtimes(path, now, now.Add(-time.Duration(i)*26*time.Hour)))
	}
	s.open.FileChooser = ui.NewFilePages(s.ui, dir)
}

type sceneError struct{ error }

// now is the time on every picture.
var now = time.Date(2026, 3, 18, 9, 30, 0, 0, time.UTC)

// newStage builds the app; nothing is on the device yet.
func newStage(ctx context.Context, app fyne.App, l look, scale float32) *stage {
	for _, key := range []string{"firstUse.bind", "firstUse.ink"} {
		app.Preferences().RemoveValue(key)
	}
	app.Preferences().SetString("language", l.lang)
	app.Preferences().SetInt("appearance", int(l.mode))
	app.Preferences().SetFloat("textScale", float64(scale))
	clock := drive.NewClock(now)
	s := &stage{fake: drive.NewFake(clock, l.lang), files: &drive.Files{}, clock: clock, ctx: ctx, app: app}
	s.open = &chooser{s.files}
	win := app.NewWindow("")
	win.Resize(l.size)
	loop := drive.NewLoop()
	s.Driver = &drive.Driver{Window: win, Loop: loop}
	s.ui = ui.New(win, ui.Deps{
		Services: ui.ServicesOf(s.fake), Do: loop.Do, Clock: clock, Files: s.open, Preferences: app.Preferences(),
	})
	win.Resize(l.size)
	return s
}

// start opens the app and waits for a text.
func (s *stage) start(key string) {
	s.ui.Start(s.ctx)
	s.see(key)
}

func (s *stage) must(err error) {
	if err != nil {
		panic(sceneError{err})
	}
}

// see waits for the text of a key.
func (s *stage) see(key string, pairs ...any) { s.must(s.WaitFor(s.ctx, s.ui.T(key, pairs...))) }

// at waits for a page by the key of its title.
func (s *stage) at(key string) {
	s.must(s.Loop.Until(s.ctx, func() bool { return s.ui.Current() == s.ui.T(key) }))
}

// tap taps what carries the text of a key, as soon as it can be used.
func (s *stage) tap(key string) { s.tapText(s.ui.T(key)) }

func (s *stage) tapText(text string) {
	s.must(s.Loop.Until(s.ctx, func() bool { return s.Enabled(text) }))
	s.must(s.Tap(text))
}

func (s *stage) typed(key, text string)  { s.must(s.Type(s.ui.T(key), text)) }
func (s *stage) secret(key, text string) { s.must(s.Secret(s.ui.T(key), []byte(text))) }
func (s *stage) called(method string) {
	s.must(s.Loop.Until(s.ctx, func() bool { return slices.Contains(s.fake.Calls(), method) }))
}

func (s *stage) picture(i image.Image) {
	s.files.Picture = drive.Open("qr.png", bytes.NewReader(encode(i)))
}

func (s *stage) document(name, text string) {
	s.files.File = drive.Open(name, strings.NewReader(text))
}

func encode(i image.Image) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, i); err != nil {
		panic(sceneError{err})
	}
	return b.Bytes()
}

// blank is a picture without a code.
func blank() image.Image {
	i := image.NewGray(image.Rect(0, 0, 120, 120))
	draw.Draw(i, i.Rect, image.NewUniform(color.White), image.Point{}, draw.Src)
	return i
}

// handwriting is made up of two loops and a tail, sampled as a finger would be.
func handwriting() [][]fyne.Position {
	loop := func(x, y, w, h, turns float64) []fyne.Position {
		var out []fyne.Position
		for t := 0.0; t <= 1; t += 0.012 {
			a := t * turns * 2 * math.Pi
			out = append(out, fyne.NewPos(float32(x+w*t+w*0.14*math.Sin(a)), float32(y-h*math.Cos(a)*(1-0.55*t))))
		}
		return out
	}
	return [][]fyne.Position{loop(.16, .42, .3, .13, 2.2), loop(.5, .45, .34, .16, 3.4)}
}
