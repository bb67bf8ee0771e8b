package main

import (
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"fyne.io/fyne/v2"

	"cloudkey/ui/style"
)

// TestM33_NothingIsCutOff lays every picture's screen out in both languages, on the sizes of the pictures and on a small
// phone, at 100 % and 200 % text.
func TestM33_NothingIsCutOff(t *testing.T) {
	sizes := []fyne.Size{{Width: 390, Height: 844}, {Width: 320, Height: 568}, {Width: 1280, Height: 800}}
	for _, sc := range scenes() {
		t.Run(sc.id+"-"+sc.name, func(t *testing.T) {
			for _, lang := range []string{"zh", "en"} {
				for _, size := range sizes {
					for _, scale := range []float32{1, 2} {
						l := look{lang, style.ModeLight, size}
						err := play(sc, l, scale, func(s *stage) error {
							if cut := s.Cut(); len(cut) > 0 {
								t.Errorf("%s at %.0f %%: cut off: %s", l, scale*100, cut)
							}
							return nil
						})
						if err != nil {
							t.Errorf("%s at %.0f %%: %v", l, scale*100, err)
						}
					}
				}
			}
		})
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
