package scan

import (
	"context"
	"errors"
	"fmt"
	"image"
)

// Why a camera gives no frames. Implementations of Camera and Stream return errors that are one of these under errors.Is.
var (
	ErrNoCamera         = errors.New("scan: no camera on this device")
	ErrCameraPermission = errors.New("scan: permission to use the camera refused")
	ErrCameraBusy       = errors.New("scan: the camera is in use by another program")
	ErrCameraGone       = errors.New("scan: the camera was unplugged or taken away")
	// ErrCameraFormat: the camera has no format that this program reads, or sent a frame that breaks its own format.
	ErrCameraFormat = errors.New("scan: picture format of the camera not supported")
)

// Camera is a source of live pictures.
type Camera interface {
	// Open starts the camera that looks away from the user, or the only one. It asks for the permission where the system
	// has one, and waits for the answer until ctx ends; ctx has no meaning after Open has returned.
	// Errors: ErrNoCamera, ErrCameraPermission, ErrCameraBusy, ErrCameraFormat, or that of ctx.
	Open(ctx context.Context) (Stream, error)
}

// Stream is an open camera. One goroutine calls Next; Close and the torch may be called from any.
type Stream interface {
	// Next waits for the newest frame that has not been returned before; frames that nobody waited for are dropped. The
	// pixels of the frame belong to the stream and hold until the following call of Next or Close.
	// Errors: ErrCameraGone, ErrCameraFormat, or that of ctx; after an error the stream only remains to be closed.
	Next(ctx context.Context) (Frame, error)
	// Torch is the light beside the camera, nil where there is none.
	Torch() Torch
	// Close gives the device back and returns when it is free, the torch off. It comes after the last Next has returned;
	// a second call does nothing.
	Close() error
}

// Torch is the light beside a camera.
type Torch interface {
	SetTorch(on bool) error
}

// maxFrame bounds the sides of a frame, in pixels.
const maxFrame = 8192

// Frame is one picture of a camera: luminance only.
type Frame struct {
	Pix           []byte // 8-bit luminance, row by row
	Width, Height int    // in pixels, as the sensor gives them
	Stride        int    // bytes from one row to the next, at least Width
	Rotation      int    // clockwise degrees that make the picture upright on the screen: 0, 90, 180, 270
}

// Upright copies the frame into a picture that is upright on the screen. A frame whose numbers do not fit its pixels is
// ErrCameraFormat.
func (f Frame) Upright() (*image.Gray, error) {
	if f.Width <= 0 || f.Height <= 0 || f.Width > maxFrame || f.Height > maxFrame || f.Stride < f.Width ||
		f.Stride > len(f.Pix) || len(f.Pix) < f.Stride*(f.Height-1)+f.Width {
		return nil, fmt.Errorf("%w: %d×%d, stride %d, %d bytes", ErrCameraFormat, f.Width, f.Height, f.Stride, len(f.Pix))
	}
	w, h := f.Width, f.Height
	if f.Rotation == 90 || f.Rotation == 270 {
		w, h = h, w
	}
	out := image.NewGray(image.Rect(0, 0, w, h))
	for y := range f.Height {
		row := f.Pix[y*f.Stride : y*f.Stride+f.Width]
		switch f.Rotation {
		case 0:
			copy(out.Pix[y*w:], row)
		case 90:
			for x, v := range row {
				out.Pix[x*w+w-1-y] = v
			}
		case 180:
			for x, v := range row {
				out.Pix[(h-1-y)*w+w-1-x] = v
			}
		case 270:
			for x, v := range row {
				out.Pix[(h-1-x)*w+y] = v
			}
		default:
			return nil, fmt.Errorf("%w: rotation %d°", ErrCameraFormat, f.Rotation)
		}
	}
	return out, nil
}
