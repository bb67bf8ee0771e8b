// Command screens draws every screen of the app, in its important states, in both languages, light and dark, phone and
// desktop size, as PNG files, without a display and with made-up data.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
)

func main() {
	out := flag.String("out", "build/screens", "directory for the pictures")
	only := flag.String("only", "", "draw only pictures whose name contains this")
	flag.Parse()
	n, err := render(*out, *only)
	if err != nil {
		fmt.Fprintln(os.Stderr, "screens:", err)
		os.Exit(1)
	}
	fmt.Printf("%d pictures in %s\n", n, *out)
}

// render draws the pictures whose file name contains only.
func render(dir, only string) (int, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return 0, err
	}
	n := 0
	var failed []error
	app := test.NewApp()
	for _, l := range looks() {
		for _, sc := range scenes() {
			name := fmt.Sprintf("%s-%s-%s.png", sc.id, sc.name, l)
			if !strings.Contains(name, only) {
				continue
			}
			err := play(app, sc, l, 1, func(s *stage) error { return write(filepath.Join(dir, name), s.Capture()) })
			if err != nil {
				failed = append(failed, fmt.Errorf("%s: %w", name, err))
				continue
			}
			n++
		}
	}
	return n, errors.Join(failed...)
}

// play brings the app into a scene and calls then.
func play(app fyne.App, sc scene, l look, scale float32, then func(*stage) error) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	s := newStage(ctx, app, l, scale)
	defer func() {
		if p := recover(); p != nil {
			var problem sceneError
			problem, ok := p.(sceneError)
			if !ok {
				panic(p)
			}
			err = problem
		}
		s.ui.Close()
		for _, dir := range s.dirs {
			os.RemoveAll(dir)
		}
		s.Window.Close()
	}()
	sc.play(s)
	return then(s)
}

func write(path string, picture image.Image) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}()
	return png.Encode(f, picture)
}
