package widgets

import (
	"errors"
	"image"
	"image/color"
	"math"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/driver/mobile"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"cloudkey/ui/style"
)

// Why a handwritten signature is not taken.
var (
	ErrInkBlank    = errors.New("widgets: nothing was written")
	ErrInkScribble = errors.New("widgets: too little ink for a signature")
)

// InkDot is a point of a stroke in dp of the canvas; T counts from the first point of the first stroke.
type InkDot struct {
	X, Y float32
	T    time.Duration
}

// Ink is a canvas for a handwritten signature by finger, pen or mouse. The line is a chain of quadratic Bézier curves
// through the middles of the sampled segments; its width falls with the smoothed speed of the hand.
type Ink struct {
	widget.BaseWidget
	OnChanged func()

	now     func() time.Time
	start   time.Time
	strokes [][]InkDot
	drawing bool
	touch   int // finger that draws, -1 for none
	sheet   *inkSheet
	size    fyne.Size
}

// inkScale is the resolution of the ink in pixels per dp, whatever the screen has.
const inkScale = 2

// NewInk returns an empty canvas. now is the clock of the points.
func NewInk(now func() time.Time) *Ink {
	i := &Ink{now: now, touch: -1, sheet: newInkSheet(1, 1)}
	i.ExtendBaseWidget(i)
	return i
}

// Strokes returns what was written, in drawing order.
func (i *Ink) Strokes() [][]InkDot { return i.strokes }

// Undo removes the last stroke.
func (i *Ink) Undo() {
	if n := len(i.strokes); n > 0 {
		i.drawing = false
		i.strokes = i.strokes[:n-1]
		i.redraw()
	}
}

// Clear removes everything.
func (i *Ink) Clear() {
	i.drawing, i.strokes = false, nil
	i.redraw()
}

// Check tells whether this can be a signature: ErrInkBlank, ErrInkScribble (a tap, a short line, a dot cloud) or nil.
func (i *Ink) Check() error {
	if len(i.strokes) == 0 {
		return ErrInkBlank
	}
	var minX, minY, maxX, maxY float32 = math.MaxFloat32, math.MaxFloat32, 0, 0
	length, turns := 0.0, 0.0
	for _, s := range i.strokes {
		for k, d := range s {
			minX, maxX = min(minX, d.X), max(maxX, d.X)
			minY, maxY = min(minY, d.Y), max(maxY, d.Y)
			if k > 0 {
				length += dist(s[k-1], d)
			}
			if k > 1 {
				turns += turn(s[k-2], s[k-1], d)
			}
		}
	}
	wide, high := maxX-minX, maxY-minY
	straight := len(i.strokes) == 1 && turns < math.Pi/3
	if max(wide, high) < 40 || length < 90 || straight {
		return ErrInkScribble
	}
	return nil
}

// Image returns the ink on a transparent ground, trimmed to it with a margin of 8 pixels; 2 pixels a dp.
func (i *Ink) Image() *image.NRGBA { return i.sheet.trimmed() }

func dist(a, b InkDot) float64 { return math.Hypot(float64(b.X-a.X), float64(b.Y-a.Y)) }

// turn is the angle by which the line bends at b, in radians.
func turn(a, b, c InkDot) float64 {
	d := math.Atan2(float64(c.Y-b.Y), float64(c.X-b.X)) - math.Atan2(float64(b.Y-a.Y), float64(b.X-a.X))
	return math.Abs(math.Remainder(d, 2*math.Pi))
}

// Write adds a whole stroke, as a test or a replay does.
func (i *Ink) Write(stroke []InkDot) {
	i.strokes = append(i.strokes, append([]InkDot(nil), stroke...))
	i.redraw()
}

func (i *Ink) down(p fyne.Position) {
	if len(i.strokes) == 0 {
		i.start = i.now()
	}
	i.drawing = true
	i.strokes = append(i.strokes, nil)
	i.add(p)
}

func (i *Ink) add(p fyne.Position) {
	if !i.drawing {
		return
	}
	n := len(i.strokes) - 1
	d := InkDot{X: min(max(p.X, 0), i.size.Width), Y: min(max(p.Y, 0), i.size.Height), T: i.now().Sub(i.start)}
	if s := i.strokes[n]; len(s) > 0 && dist(s[len(s)-1], d) < 1 {
		return
	}
	i.strokes[n] = append(i.strokes[n], d)
	i.sheet.draw(i.strokes[n], len(i.strokes[n])-1)
	i.Refresh()
}

func (i *Ink) up() {
	if !i.drawing {
		return
	}
	i.drawing = false
	i.sheet.end(i.strokes[len(i.strokes)-1])
	i.Refresh()
	if i.OnChanged != nil {
		i.OnChanged()
	}
}

func (i *Ink) redraw() {
	i.sheet = newInkSheet(int(i.size.Width*inkScale), int(i.size.Height*inkScale))
	for _, s := range i.strokes {
		i.sheet.stroke(s)
	}
	i.Refresh()
	if i.OnChanged != nil {
		i.OnChanged()
	}
}

// TouchDown implements mobile.Touchable.
func (i *Ink) TouchDown(e *mobile.TouchEvent) {
	if i.touch < 0 {
		i.touch = e.ID
		i.down(e.Position)
	}
}

// TouchMoved implements mobile.Movable.
func (i *Ink) TouchMoved(e *mobile.TouchEvent) {
	if e.ID == i.touch {
		i.add(e.Position)
	}
}

// TouchUp implements mobile.Touchable.
func (i *Ink) TouchUp(e *mobile.TouchEvent) {
	if e.ID == i.touch {
		i.touch = -1
		i.up()
	}
}

// TouchCancel implements mobile.Touchable.
func (i *Ink) TouchCancel(e *mobile.TouchEvent) { i.TouchUp(e) }

// MouseDown implements desktop.Mouseable.
func (i *Ink) MouseDown(e *desktop.MouseEvent) {
	if i.touch < 0 && !i.drawing {
		i.down(e.Position)
	}
}

// MouseUp implements desktop.Mouseable.
func (i *Ink) MouseUp(*desktop.MouseEvent) {
	if i.touch < 0 {
		i.up()
	}
}

// Dragged implements fyne.Draggable; where touches are reported they go first.
func (i *Ink) Dragged(e *fyne.DragEvent) {
	if i.touch >= 0 {
		return
	}
	if !i.drawing {
		i.down(e.Position.SubtractXY(e.Dragged.DX, e.Dragged.DY))
	}
	i.add(e.Position)
}

// DragEnd implements fyne.Draggable.
func (i *Ink) DragEnd() {
	if i.touch < 0 {
		i.up()
	}
}

// Cursor implements desktop.Cursorable.
func (i *Ink) Cursor() desktop.Cursor { return desktop.CrosshairCursor }

// MinSize implements fyne.CanvasObject.
func (i *Ink) MinSize() fyne.Size { return fyne.NewSize(200, 160) }

// CreateRenderer implements fyne.Widget.
func (i *Ink) CreateRenderer() fyne.WidgetRenderer {
	r := &inkRenderer{i: i, paper: canvas.NewRectangle(nil), line: canvas.NewRectangle(nil), image: &canvas.Image{FillMode: canvas.ImageFillStretch, ScaleMode: canvas.ImageScaleFastest}}
	r.Refresh()
	return r
}

type inkRenderer struct {
	i           *Ink
	paper, line *canvas.Rectangle
	image       *canvas.Image
}

func (r *inkRenderer) Layout(size fyne.Size) {
	r.paper.Resize(size)
	r.line.Move(fyne.NewPos(size.Width*0.08, size.Height*0.72))
	r.line.Resize(fyne.NewSize(size.Width*0.84, 1))
	r.image.Resize(size)
	if r.i.size != size {
		r.i.fit(size)
	}
}

// fit keeps the ink on the canvas when it is turned or made smaller.
func (i *Ink) fit(size fyne.Size) {
	i.size = size
	scale := float32(1)
	for _, s := range i.strokes {
		for _, d := range s {
			scale = min(scale, size.Width/max(d.X, 1), size.Height/max(d.Y, 1))
		}
	}
	if scale < 1 {
		for _, s := range i.strokes {
			for k := range s {
				s[k].X, s[k].Y = s[k].X*scale, s[k].Y*scale
			}
		}
	}
	i.redraw()
}

func (r *inkRenderer) MinSize() fyne.Size { return r.i.MinSize() }
func (r *inkRenderer) Destroy()           {}
func (r *inkRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.paper, r.line, r.image}
}

func (r *inkRenderer) Refresh() {
	r.paper.FillColor, r.paper.CornerRadius = theme.Color(style.Paper), style.Radius
	r.paper.StrokeColor, r.paper.StrokeWidth = theme.Color(style.Outline), 1
	r.line.FillColor = color.NRGBA{R: 0x90, G: 0x9A, B: 0xAD, A: 0x80}
	r.image.Image = r.i.sheet.picture
	r.image.Refresh()
	r.paper.Refresh()
}
