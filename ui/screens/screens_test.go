package main

import (
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"cloudkey/ui/style"
)

// TestM33_NothingIsCutOff lays every picture's screen out in both languages: on the sizes of the pictures, and on a small
// phone with text of 200 %.
func TestM33_NothingIsCutOff(t *testing.T) {
	app := test.NewTempApp(t)
	for _, lang := range []string{"zh", "en"} {
		for _, c := range []struct {
			size  fyne.Size
			scale float32
		}{
			{fyne.NewSize(390, 844), 1},
			{fyne.NewSize(1280, 800), 1},
			{fyne.NewSize(320, 568), 1},
			{fyne.NewSize(320, 568), 2},
			{fyne.NewSize(1280, 800), 2},
		} {
			l := look{lang, style.ModeLight, c.size}
			for _, sc := range scenes() {
				err := play(app, sc, l, c.scale, func(s *stage) error {
					if cut := s.Cut(); len(cut) > 0 {
						t.Errorf("%s-%s %s at %.0f %%: cut off: %s", sc.id, sc.name, l, c.scale*100, cut)
					}
					return nil
				})
				if err != nil {
					t.Errorf("%s-%s %s at %.0f %%: %v", sc.id, sc.name, l, c.scale*100, err)
				}
			}
		}
	}
}

func TestM33_PicturesAreWritten(t *testing.T) {
	dir := t.TempDir()
	n, err := render(dir, "M06-main")
	if err != nil || n != 8 {
		t.Fatalf("%d pictures, %v", n, err)
	}
	for _, l := range looks() {
		f, err := os.Open(filepath.Join(dir, fmt.Sprintf("M06-main-%s.png", l)))
		if err != nil {
			t.Error(err)
			continue
		}
		config, err := png.DecodeConfig(f)
		f.Close()
		if err != nil || config.Width != int(l.size.Width) || config.Height != int(l.size.Height) {
			t.Errorf("%s: %v, %v", l, config, err)
		}
	}
}
