package scan

import (
	"context"
	"image"
	"sync"
)

// Watch shows and reads the frames of a stream until ctx ends or the stream fails, and returns why. It calls show with
// each frame, upright and never written to again, and found with the text of a code each time one is read; both on
// goroutines of Watch, each never twice at a time. Reading takes the newest frame and drops what came meanwhile, so that
// it never holds the picture up. Nothing runs on and nothing is called after Watch has returned. It does not close the
// stream.
func Watch(ctx context.Context, stream Stream, show func(*image.Gray), found func(text string)) error {
	ctx, stop := context.WithCancel(ctx)
	latest := make(chan *image.Gray, 1)
	var reading sync.WaitGroup
	reading.Go(func() {
		turn := 0
		for picture := range latest {
			if text, err := decodeFrame(ctx, picture, turn); err == nil && ctx.Err() == nil {
				found(text)
			}
			turn++
		}
	})
	defer reading.Wait()
	defer close(latest)
	defer stop()
	for {
		frame, err := stream.Next(ctx)
		if err != nil {
			return err
		}
		picture, err := frame.Upright()
		if err != nil {
			return err
		}
		show(picture)
		select {
		case <-latest: // the one nobody has read: too old now
		default:
		}
		latest <- picture
	}
}

// frameSide is the longer side in pixels at which a frame is read first: a frame of 1280×720 as it is.
const frameSide = 1280

// decodeFrame reads one frame of a live picture. The plain attempt is made on each; the dearer ones take turns, so that a
// frame stays cheap and what one frame misses another soon gets.
func decodeFrame(ctx context.Context, picture *image.Gray, turnNumber int) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	long := max(picture.Rect.Dx(), picture.Rect.Dy())
	plain := resize(picture, min(long, frameSide))
	if text, ok := try(plain); ok {
		return text, nil
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	second := invert(plain)
	if turnNumber%2 == 1 {
		second = resize(picture, max(1, min(long, frameSide)/2))
	}
	if text, ok := try(second); ok {
		return text, nil
	}
	return "", ErrNoCode
}
