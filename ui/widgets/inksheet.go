package widgets

import (
	"image"
	"math"

	"cloudkey/ui/style"
)

// The pen, in dp: the line is widest at rest and narrowest at fast strokes.
const (
	penThick  = 4.4
	penThin   = 1.4
	penSpeed  = 1.4 // dp a millisecond at which half of the way to thin is gone
	penSmooth = 0.65
)

// inkSheet is the picture of the ink: the ink colour with the coverage as alpha.
type inkSheet struct {
	picture *image.NRGBA
	speed   float64 // smoothed, of the stroke being drawn
	width   float64 // at the end of what is drawn
}

func newInkSheet(w, h int) *inkSheet {
	return &inkSheet{picture: image.NewNRGBA(image.Rect(0, 0, max(w, 1), max(h, 1)))}
}

// stroke draws a finished stroke.
func (s *inkSheet) stroke(dots []InkDot) {
	for k := range dots {
		s.draw(dots, k)
	}
	s.end(dots)
}

// draw adds to the picture what the k-th dot of a stroke brings: the curve from the middle of the segment before it to the
// middle of its own.
func (s *inkSheet) draw(dots []InkDot, k int) {
	d := dots[k]
	if k == 0 {
		s.speed, s.width = 0, (penThick+penThin)/2
		s.disc(float64(d.X), float64(d.Y), s.width/2)
		return
	}
	prev := dots[k-1]
	ms := max(1, float64((d.T-prev.T).Microseconds())/1000)
	s.speed = penSmooth*s.speed + (1-penSmooth)*dist(prev, d)/ms
	target := penThin + (penThick-penThin)/(1+s.speed/penSpeed)
	width := s.width + (target-s.width)*0.5

	fromX, fromY := float64(prev.X), float64(prev.Y)
	if k > 1 {
		fromX, fromY = (fromX+float64(dots[k-2].X))/2, (fromY+float64(dots[k-2].Y))/2
	}
	s.curve(fromX, fromY, float64(prev.X), float64(prev.Y), float64(prev.X+d.X)/2, float64(prev.Y+d.Y)/2, s.width, width)
	s.width = width
}

// end draws the last half segment of a stroke, thinning out.
func (s *inkSheet) end(dots []InkDot) {
	if len(dots) < 2 {
		return
	}
	prev, d := dots[len(dots)-2], dots[len(dots)-1]
	x, y := float64(prev.X+d.X)/2, float64(prev.Y+d.Y)/2
	s.curve(x, y, (x+float64(d.X))/2, (y+float64(d.Y))/2, float64(d.X), float64(d.Y), s.width, s.width*0.75)
}

// curve draws a quadratic Bézier curve as overlapping discs, a third of a pixel apart.
func (s *inkSheet) curve(x0, y0, cx, cy, x1, y1, w0, w1 float64) {
	length := math.Hypot(cx-x0, cy-y0) + math.Hypot(x1-cx, y1-cy)
	n := int(length*inkScale*1.5) + 1
	for i := 0; i <= n; i++ {
		t := float64(i) / float64(n)
		u := 1 - t
		s.disc(u*u*x0+2*u*t*cx+t*t*x1, u*u*y0+2*u*t*cy+t*t*y1, (w0+(w1-w0)*t)/2)
	}
}

// disc covers the pixels of a disc (dp) with soft edges; coverage only grows.
func (s *inkSheet) disc(x, y, radius float64) {
	x, y, radius = x*inkScale, y*inkScale, radius*inkScale
	b := image.Rect(int(x-radius)-1, int(y-radius)-1, int(x+radius)+2, int(y+radius)+2).Intersect(s.picture.Rect)
	for py := b.Min.Y; py < b.Max.Y; py++ {
		for px := b.Min.X; px < b.Max.X; px++ {
			cover := radius + 0.5 - math.Hypot(float64(px)+0.5-x, float64(py)+0.5-y)
			if cover <= 0 {
				continue
			}
			alpha := uint8(min(cover, 1) * 255)
			i := s.picture.PixOffset(px, py)
			if p := s.picture.Pix[i : i+4]; alpha > p[3] {
				p[0], p[1], p[2], p[3] = style.Ink.R, style.Ink.G, style.Ink.B, alpha
			}
		}
	}
}

// trimmed returns a copy of the part that has ink, with a margin.
func (s *inkSheet) trimmed() *image.NRGBA {
	const margin = 8
	used := image.Rectangle{}
	r := s.picture.Rect
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			if s.picture.Pix[s.picture.PixOffset(x, y)+3] > 0 {
				used = used.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	out := image.NewNRGBA(image.Rect(0, 0, used.Dx()+2*margin, used.Dy()+2*margin))
	for y := range used.Dy() {
		from := s.picture.PixOffset(used.Min.X, used.Min.Y+y)
		copy(out.Pix[out.PixOffset(margin, margin+y):], s.picture.Pix[from:from+4*used.Dx()])
	}
	return out
}
