package scan_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	xdraw "golang.org/x/image/draw"
	"golang.org/x/image/math/f64"

	"cloudkey/ui/scan"
)

// payload has the length and the character set of an init QR.
var payload = "CK1." + strings.Repeat("eyJhbGciOiJFUzI1NiJ9Xw-", 40)

func code(t testing.TB, text string, side int) *image.Gray {
	t.Helper()
	m, err := qrcode.NewQRCodeWriter().Encode(text, gozxing.BarcodeFormat_QR_CODE, side, side, nil)
	if err != nil {
		t.Fatal(err)
	}
	g := image.NewGray(m.Bounds())
	draw.Draw(g, g.Rect, m, m.Bounds().Min, draw.Src)
	return g
}

func pngOf(t testing.TB, i image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, i); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func turned(g *image.Gray, degrees float64) image.Image {
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	w := float64(g.Rect.Dx())
	side := w * 1.5
	out := image.NewGray(image.Rect(0, 0, int(side), int(side)))
	draw.Draw(out, out.Rect, image.White, image.Point{}, draw.Src)
	xdraw.BiLinear.Transform(out, f64.Aff3{cos, -sin, side/2 - cos*w/2 + sin*w/2, sin, cos, side/2 - sin*w/2 - cos*w/2}, g, g.Rect, draw.Over, nil)
	return out
}

func scaled(g image.Image, side int) *image.Gray {
	out := image.NewGray(image.Rect(0, 0, side, side))
	xdraw.BiLinear.Scale(out, out.Rect, g, g.Bounds(), draw.Src, nil)
	return out
}

func TestM03_PicturesOfManyKinds(t *testing.T) {
	big := code(t, payload, 700)
	inverted := image.NewGray(big.Rect)
	for i, v := range big.Pix {
		inverted.Pix[i] = 255 - v
	}
	photo := image.NewRGBA(image.Rect(0, 0, 2400, 1800))
	draw.Draw(photo, photo.Rect, image.NewUniform(color.RGBA{90, 110, 80, 255}), image.Point{}, draw.Src)
	draw.Draw(photo, image.Rect(900, 500, 1600, 1200), big, image.Point{}, draw.Src)
	transparent := image.NewNRGBA(big.Rect)
	for i, v := range big.Pix {
		if v < 128 {
			transparent.Pix[4*i+3] = 255
		}
	}
	faint := image.NewGray(big.Rect)
	for i, v := range big.Pix {
		faint.Pix[i] = 110 + v/6
	}
	tight := code(t, payload, 1) // one pixel a module
	pictures := map[string]image.Image{
		"plain": big, "inverted": inverted, "in a photo": photo, "transparent ground": transparent, "low contrast": faint,
		"no quiet zone": crop(big), "one pixel a module": tight, "small": scaled(big, 380), "huge": scaled(big, 3600),
		"turned 90": turned(big, 90), "turned 180": turned(big, 180), "turned 30": turned(big, 30), "turned 45": turned(big, 45), "turned 200": turned(big, 200),
	}
	for name, picture := range pictures {
		t.Run(name, func(t *testing.T) {
			got, err := scan.Read(t.Context(), bytes.NewReader(pngOf(t, picture)))
			if err != nil || got != payload {
				t.Errorf("got %d characters, error %v", len(got), err)
			}
		})
	}
	t.Run("dense", func(t *testing.T) {
		dense := strings.Repeat("aB3_", 700) // version 39 of 40
		got, err := scan.Read(t.Context(), bytes.NewReader(pngOf(t, code(t, dense, 800))))
		if err != nil || got != dense {
			t.Errorf("got %d characters, error %v", len(got), err)
		}
	})
	t.Run("jpeg", func(t *testing.T) {
		var b bytes.Buffer
		if err := jpeg.Encode(&b, photo, &jpeg.Options{Quality: 35}); err != nil {
			t.Fatal(err)
		}
		if got, err := scan.Read(t.Context(), &b); err != nil || got != payload {
			t.Errorf("got %d characters, error %v", len(got), err)
		}
	})
}

// crop takes the quiet zone away.
func crop(g *image.Gray) image.Image {
	used := image.Rectangle{}
	for y := range g.Rect.Dy() {
		for x := range g.Rect.Dx() {
			if g.GrayAt(x, y).Y < 128 {
				used = used.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	return g.SubImage(used)
}

func TestM03_AgainstOtherPrograms(t *testing.T) {
	qrencode, err := exec.LookPath("qrencode")
	if err != nil {
		t.Skip("qrencode is not installed")
	}
	path := filepath.Join(t.TempDir(), "qr.png")
	text := "https://ca.example/云密钥?" + payload
	if out, err := exec.Command(qrencode, "-o", path, "-s", "3", "-m", "4", text).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := scan.Read(t.Context(), bytes.NewReader(data))
	if err != nil || got != text {
		t.Errorf("got %q, %v", got, err)
	}
	zbar, err := exec.LookPath("zbarimg")
	if err != nil {
		t.Skip("zbarimg is not installed")
	}
	out, err := exec.Command(zbar, "-q", "--raw", path).Output()
	if err != nil || strings.TrimSpace(string(out)) != got {
		t.Errorf("zbarimg reads %q, %v", out, err)
	}
}

func TestM03_NoCodeInThePicture(t *testing.T) {
	for name, i := range map[string]image.Image{"white": image.White, "grey": image.NewGray(image.Rect(0, 0, 300, 200)), "one pixel": image.NewGray(image.Rect(0, 0, 1, 1)), "line": image.NewGray(image.Rect(0, 0, 2000, 1))} {
		if i == image.White {
			i = image.NewGray(image.Rect(0, 0, 64, 64))
		}
		if _, err := scan.Read(t.Context(), bytes.NewReader(pngOf(t, i))); !errors.Is(err, scan.ErrNoCode) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestM03_BadPictureFiles(t *testing.T) {
	good := pngOf(t, code(t, payload, 400))
	for name, data := range map[string][]byte{"empty": nil, "text": []byte("hello"), "cut": good[:len(good)/2], "header only": good[:40]} {
		if _, err := scan.Read(t.Context(), bytes.NewReader(data)); !errors.Is(err, scan.ErrNotPicture) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestM03_BombIsRefusedByItsHeader(t *testing.T) {
	// A PNG of some hundred bytes that says it has 60000 × 60000 pixels.
	bomb := bytes.Clone(pngOf(t, image.NewGray(image.Rect(0, 0, 8, 8))))
	binary.BigEndian.PutUint32(bomb[16:], 60000)
	binary.BigEndian.PutUint32(bomb[20:], 60000)
	binary.BigEndian.PutUint32(bomb[29:], crc32.ChecksumIEEE(bomb[12:29]))
	if _, err := scan.Read(t.Context(), bytes.NewReader(bomb)); !errors.Is(err, scan.ErrTooLarge) {
		t.Errorf("got %v", err)
	}
	if _, err := scan.Read(t.Context(), &endless{}); !errors.Is(err, scan.ErrTooLarge) {
		t.Errorf("endless file: %v", err)
	}
}

type endless struct{ n int }

func (e *endless) Read(b []byte) (int, error) {
	if e.n += len(b); e.n > scan.MaxBytes+1<<20 {
		return 0, errors.New("read on past the limit")
	}
	return len(b), nil
}

func TestM03_Cancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := scan.Decode(ctx, code(t, payload, 300)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(pngOf(f, code(f, "x", 60)))
	f.Add([]byte("GIF89a"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, err := scan.Read(t.Context(), bytes.NewReader(data))
		if err != nil && !errors.Is(err, scan.ErrNoCode) && !errors.Is(err, scan.ErrNotPicture) && !errors.Is(err, scan.ErrTooLarge) {
			t.Errorf("untyped error %v", err)
		}
	})
}
