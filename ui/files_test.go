package ui_test

import (
	"image"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"cloudkey/ui"
)

// TestM02_FileDialogs opens the real dialogs on both sizes: on the desktop they are fyne's own.
func TestM02_FileDialogs(t *testing.T) {
	test.NewTempApp(t)
	for _, size := range []image.Point{{390, 844}, {1280, 800}} {
		w := test.NewTempWindow(t, nil)
		w.Resize(fyne.NewSize(float32(size.X), float32(size.Y)))
		files := ui.NewFileDialogs(w, t.TempDir())
		for name, open := range map[string]func(){
			"picture": func() { files.OpenPicture(func(*ui.File, error) {}) },
			"file":    func() { files.OpenFile(func(*ui.File, error) {}) },
			"save":    func() { files.SaveFile("signature.der", func(*ui.Target, error) {}) },
		} {
			open()
			top := w.Canvas().Overlays().Top()
			if top == nil {
				t.Fatalf("%s at %v: no dialog", name, size)
			}
			if s := top.Size(); s.Width > float32(size.X) || s.Height > float32(size.Y) {
				t.Errorf("%s at %v: dialog of %v", name, size, s)
			}
			w.Canvas().Overlays().Remove(top)
		}
	}
}
