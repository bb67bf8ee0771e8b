// Package scan reads QR codes from pictures, and from the frames of a live camera behind the interface Camera.
package scan

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/gif"  // formats that a picture may have
	_ "image/jpeg" //
	_ "image/png"  //
	"io"
	"math"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	_ "golang.org/x/image/bmp" //
	"golang.org/x/image/draw"
	"golang.org/x/image/math/f64"
	_ "golang.org/x/image/tiff" //
	_ "golang.org/x/image/webp" //
)

// Limits of a picture, against decompression bombs: bytes of the file, and pixels as its header states them, refused
// before anything is unpacked.
const (
	MaxBytes  = 32 << 20
	MaxPixels = 40 << 20
	maxSide   = 20000
)

// Why a picture gives no text.
var (
	ErrNoCode     = errors.New("scan: no QR code found in the picture")
	ErrNotPicture = errors.New("scan: not a picture of a known format")
	ErrTooLarge   = errors.New("scan: picture too large")
)

// Read decodes the QR code in a picture file (PNG, JPEG, GIF, WebP, BMP, TIFF) read from r, which it does not close. It
// takes up to a second and belongs off the UI goroutine. Errors: ErrNoCode, ErrNotPicture, ErrTooLarge (errors.Is), that
// of ctx, or that of r.
func Read(ctx context.Context, r io.Reader) (string, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return "", fmt.Errorf("scan: read: %w", err)
	}
	if len(data) > MaxBytes {
		return "", ErrTooLarge
	}
	config, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNotPicture, err)
	}
	if config.Width > maxSide || config.Height > maxSide || config.Width*config.Height > MaxPixels {
		return "", ErrTooLarge
	}
	picture, err := decode(data)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNotPicture, err)
	}
	return Decode(ctx, picture)
}

// decode unpacks a picture; a decoder that panics on damaged data is an error.
func decode(data []byte) (picture image.Image, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("scan: decoder: %v", p)
		}
	}()
	picture, _, err = image.Decode(bytes.NewReader(data))
	return picture, err
}

// Decode finds the QR code in a picture and returns its text. It tries, cheapest first, several sizes, two binarisers,
// the negative and two turned copies.
func Decode(ctx context.Context, picture image.Image) (string, error) {
	if picture.Bounds().Empty() {
		return "", ErrNoCode
	}
	full := grey(picture)
	for _, side := range sizes(full.Rect.Dx(), full.Rect.Dy()) {
		scaled := resize(full, side)
		for _, attempt := range []func() *image.Gray{
			func() *image.Gray { return scaled },
			func() *image.Gray { return invert(scaled) },
			func() *image.Gray { return turn(scaled, math.Pi/4) },
			func() *image.Gray { return turn(scaled, math.Pi/9) },
		} {
			if err := ctx.Err(); err != nil {
				return "", err
			}
			if text, ok := try(attempt()); ok {
				return text, nil
			}
		}
	}
	return "", ErrNoCode
}

// sizes are the lengths of the longer side at which a picture is tried.
func sizes(w, h int) []int {
	long := max(w, h)
	switch {
	case long > 1400:
		return []int{1000, min(long, 2000), 600}
	case long > 500:
		return []int{long, long / 2, long * 3 / 2}
	}
	return []int{long, long * 2, long * 4}
}

// try runs both binarisers over a picture.
func try(g *image.Gray) (text string, ok bool) {
	// gozxing has panicked on odd input; a picture must not end the app.
	defer func() {
		if recover() != nil {
			text, ok = "", false
		}
	}()
	w, h := g.Rect.Dx(), g.Rect.Dy()
	source, err := gozxing.NewPlanarYUVLuminanceSource(g.Pix, g.Stride, h, 0, 0, w, h, false)
	if err != nil {
		return "", false
	}
	hints := map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true}
	for _, binarizer := range []gozxing.Binarizer{gozxing.NewHybridBinarizer(source), gozxing.NewGlobalHistgramBinarizer(source)} {
		bitmap, err := gozxing.NewBinaryBitmap(binarizer)
		if err != nil {
			continue
		}
		if result, err := qrcode.NewQRCodeReader().Decode(bitmap, hints); err == nil {
			return result.GetText(), true
		}
	}
	return "", false
}

// grey turns a picture into luminance, transparent parts on white, with a quiet zone around it: many codes are cut at
// their edge.
func grey(picture image.Image) *image.Gray {
	b := picture.Bounds()
	quiet := max(8, min(b.Dx(), b.Dy())/16)
	out := image.NewGray(image.Rect(0, 0, b.Dx()+2*quiet, b.Dy()+2*quiet))
	draw.Draw(out, out.Rect, image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.Draw(out, image.Rect(quiet, quiet, quiet+b.Dx(), quiet+b.Dy()), picture, b.Min, draw.Over)
	return out
}

func resize(g *image.Gray, side int) *image.Gray {
	w, h := g.Rect.Dx(), g.Rect.Dy()
	if max(w, h) == side {
		return g
	}
	f := float64(side) / float64(max(w, h))
	out := image.NewGray(image.Rect(0, 0, max(1, int(float64(w)*f)), max(1, int(float64(h)*f))))
	scaler := draw.Interpolator(draw.ApproxBiLinear)
	if f < 1 {
		scaler = draw.BiLinear // its kernel grows with the scale: no module is skipped
	}
	scaler.Scale(out, out.Rect, g, g.Rect, draw.Src, nil)
	return out
}

func invert(g *image.Gray) *image.Gray {
	out := image.NewGray(g.Rect)
	for i, v := range g.Pix {
		out.Pix[i] = 0xFF - v
	}
	return out
}

// turn turns a picture about its middle on a white ground large enough for it.
func turn(g *image.Gray, angle float64) *image.Gray {
	w, h := float64(g.Rect.Dx()), float64(g.Rect.Dy())
	sin, cos := math.Sincos(angle)
	side := w*cos + h*sin
	high := w*sin + h*cos
	out := image.NewGray(image.Rect(0, 0, int(side)+1, int(high)+1))
	draw.Draw(out, out.Rect, image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.ApproxBiLinear.Transform(out, f64.Aff3{
		cos, -sin, side/2 - cos*w/2 + sin*h/2,
		sin, cos, high/2 - sin*w/2 - cos*h/2,
	}, g, g.Rect, draw.Over, nil)
	return out
}
