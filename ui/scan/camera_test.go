package scan_test

import (
	"context"
	"errors"
	"image"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"cloudkey/ui/scan"
)

// reel is a stream that repeats a list of frames and then fails or waits.
type reel struct {
	frames []scan.Frame
	end    error // nil: waits for ctx at the end
	next   int
}

func (r *reel) Next(ctx context.Context) (scan.Frame, error) {
	if err := ctx.Err(); err != nil {
		return scan.Frame{}, err
	}
	if r.next == len(r.frames) {
		if r.end == nil {
			<-ctx.Done()
			return scan.Frame{}, ctx.Err()
		}
		return scan.Frame{}, r.end
	}
	f := r.frames[r.next]
	r.next++
	return f, nil
}
func (*reel) Torch() scan.Torch { return nil }
func (*reel) Close() error      { return nil }

func frame(g *image.Gray) scan.Frame {
	return scan.Frame{Pix: g.Pix, Width: g.Rect.Dx(), Height: g.Rect.Dy(), Stride: g.Stride}
}

func TestM03_FrameIsTurnedUpright(t *testing.T) {
	// 3 × 2 with two bytes of padding in the stride.
	pix := []byte{1, 2, 3, 0, 0, 4, 5, 6}
	for rotation, want := range map[int]string{
		0: "\x01\x02\x03\x04\x05\x06", 90: "\x04\x01\x05\x02\x06\x03", 180: "\x06\x05\x04\x03\x02\x01", 270: "\x03\x06\x02\x05\x01\x04",
	} {
		g, err := scan.Frame{Pix: pix, Width: 3, Height: 2, Stride: 5, Rotation: rotation}.Upright()
		if err != nil || string(g.Pix) != want {
			t.Errorf("%d°: %v, %v", rotation, g, err)
		}
	}
}

func TestM03_FrameThatDoesNotFitItsPixels(t *testing.T) {
	pix := make([]byte, 12)
	for _, f := range []scan.Frame{
		{},
		{Pix: pix, Width: 4, Height: 4, Stride: 4},
		{Pix: pix, Width: 4, Height: 3, Stride: 3},
		{Pix: pix, Width: -4, Height: 3, Stride: 4},
		{Pix: pix, Width: 4, Height: 3, Stride: 4, Rotation: 45},
		{Pix: pix, Width: 4, Height: 3, Stride: 1 << 62},
	} {
		if _, err := f.Upright(); !errors.Is(err, scan.ErrCameraFormat) {
			t.Errorf("%d×%d stride %d rotation %d: %v", f.Width, f.Height, f.Stride, f.Rotation, err)
		}
	}
}

func TestM03_WatchReadsACodeAndEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var shown atomic.Int32
	got := ""
	before := runtime.NumGoroutine()
	err := scan.Watch(ctx, &reel{frames: []scan.Frame{frame(image.NewGray(image.Rect(0, 0, 64, 48))), frame(code(t, "CK1.abc", 300))}},
		func(*image.Gray) { shown.Add(1) },
		func(text string) { got = text; cancel() })
	if !errors.Is(err, context.Canceled) || got != "CK1.abc" || shown.Load() != 2 {
		t.Errorf("%v, read %q, %d frames shown", err, got, shown.Load())
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines before, %d after", before, after)
	}
}

func TestM03_WatchSaysThatTheCameraIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // fails on a goroutine that stays
		err := scan.Watch(t.Context(), &reel{frames: []scan.Frame{frame(image.NewGray(image.Rect(0, 0, 64, 48)))}, end: scan.ErrCameraGone},
			func(*image.Gray) {}, func(string) { t.Error("read a code in nothing") })
		if !errors.Is(err, scan.ErrCameraGone) {
			t.Errorf("got %v", err)
		}
	})
}

func TestM03_WatchDropsFramesThatCameWhileItRead(t *testing.T) {
	qr := frame(code(t, "CK1.abc", 300))
	frames := make([]scan.Frame, 50)
	for i := range frames {
		frames[i] = qr
	}
	all := make(chan struct{})
	shown, read := 0, 0
	ctx, cancel := context.WithCancel(t.Context())
	_ = scan.Watch(ctx, &reel{frames: frames}, func(*image.Gray) {
		if shown++; shown == len(frames) {
			close(all)
		}
	}, func(string) {
		<-all // a reader that is slower than the camera
		if read++; read == 2 {
			cancel()
		}
	})
	if shown != len(frames) || read != 2 {
		t.Errorf("%d frames shown, %d read", shown, read)
	}
}

func FuzzFrame(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6}, 3, 2, 3, 90)
	f.Fuzz(func(t *testing.T, pix []byte, w, h, stride, rotation int) {
		g, err := scan.Frame{Pix: pix, Width: w, Height: h, Stride: stride, Rotation: rotation}.Upright()
		if err != nil {
			if !errors.Is(err, scan.ErrCameraFormat) {
				t.Errorf("untyped error %v", err)
			}
			return
		}
		if _, err := scan.Decode(t.Context(), g); err != nil && !errors.Is(err, scan.ErrNoCode) {
			t.Errorf("untyped error %v", err)
		}
	})
}
