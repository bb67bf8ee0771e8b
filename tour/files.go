package tour

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"cloudkey/ui"
)

// chooser stands in for the system's file dialogs: it opens and saves where the tour says.
type chooser struct{ open, save string }

// OpenPicture implements ui.FileChooser.
func (c *chooser) OpenPicture(done func(*ui.File, error)) { c.OpenFile(done) }

// OpenFile implements ui.FileChooser.
func (c *chooser) OpenFile(done func(*ui.File, error)) {
	f, err := os.Open(c.open)
	if err != nil {
		done(nil, err)
		return
	}
	done(&ui.File{Name: filepath.Base(c.open), ReadCloser: f}, nil)
}

// SaveFile implements ui.FileChooser.
func (c *chooser) SaveFile(_ string, done func(*ui.Target, error)) {
	f, err := os.Create(c.save)
	if err != nil {
		done(nil, err)
		return
	}
	done(&ui.Target{Name: filepath.Base(c.save), WriteCloser: f}, nil)
}

// strangersQR writes a QR picture that is none of ours.
func (t *tour) strangersQR() (string, error) {
	matrix, err := qrcode.NewQRCodeWriter().Encode("https://example.org/menu", gozxing.BarcodeFormat_QR_CODE, 300, 300, nil)
	if err != nil {
		return "", err
	}
	picture := image.NewGray(image.Rect(0, 0, matrix.GetWidth(), matrix.GetHeight()))
	for y := range matrix.GetHeight() {
		for x := range matrix.GetWidth() {
			if !matrix.Get(x, y) {
				picture.Pix[picture.PixOffset(x, y)] = 0xff
			}
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, picture); err != nil {
		return "", err
	}
	name := filepath.Join(t.dir, "stranger.png")
	return name, os.WriteFile(name, b.Bytes(), 0o600)
}
