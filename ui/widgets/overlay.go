package widgets

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"cloudkey/ui/style"
)

// Overlay is a modal layer: a scrim over everything and a card on it, at the bottom edge of a phone and in the middle of a
// wide canvas. A card taller than the canvas scrolls. Content may be a Flowing object.
type Overlay struct {
	widget.BaseWidget
	OnScrim func() // a tap beside the card; nil: nothing

	content fyne.CanvasObject
	width   float32
	middle  bool
}

// NewOverlay returns a layer for content, which is at most width wide. With middle it lies in the middle on a phone too.
func NewOverlay(content fyne.CanvasObject, width float32, middle bool) *Overlay {
	o := &Overlay{content: content, width: width, middle: middle}
	o.ExtendBaseWidget(o)
	return o
}

// Tapped implements fyne.Tappable, so that nothing below is reached.
func (o *Overlay) Tapped(e *fyne.PointEvent) {
	if o.OnScrim != nil {
		o.OnScrim()
	}
}

// MinSize implements fyne.CanvasObject.
func (o *Overlay) MinSize() fyne.Size { return fyne.NewSize(200, 160) }

// CreateRenderer implements fyne.Widget.
func (o *Overlay) CreateRenderer() fyne.WidgetRenderer {
	card := &sheet{}
	card.ExtendBaseWidget(card)
	inner := container.New(&page{}, o.content)
	r := &overlayRenderer{o: o, scrim: canvas.NewRectangle(nil), ground: canvas.NewRectangle(nil), blocker: card, inner: inner, scroll: container.NewVScroll(inner)}
	r.paint()
	return r
}

// sheet swallows taps on the card.
type sheet struct{ widget.BaseWidget }

func (s *sheet) Tapped(*fyne.PointEvent) {}
func (s *sheet) CreateRenderer() fyne.WidgetRenderer {
	return widget.NewSimpleRenderer(canvas.NewRectangle(theme.Color(style.None)))
}

type overlayRenderer struct {
	o             *Overlay
	scrim, ground *canvas.Rectangle
	blocker       *sheet
	inner         *fyne.Container
	scroll        *container.Scroll
}

func (r *overlayRenderer) Layout(size fyne.Size) {
	r.scrim.Resize(size)
	wide := size.Width >= style.Wide || r.o.middle
	margin, pad := float32(0), style.Space5
	if wide {
		margin, pad = style.Space6, style.Space6
	}
	width := min(size.Width-2*margin, r.o.width)
	if !wide {
		width = size.Width
	}
	content := min(width-2*pad, r.o.width)
	side := (width - content) / 2
	height := min(HeightAt(r.o.content, content)+2*pad, size.Height-2*margin)
	x, y := (size.Width-width)/2, (size.Height-height)/2
	if !wide {
		y = size.Height - height
	}
	r.ground.TopLeftCornerRadius, r.ground.TopRightCornerRadius = style.RadiusLarge, style.RadiusLarge
	r.ground.BottomLeftCornerRadius, r.ground.BottomRightCornerRadius = style.RadiusLarge, style.RadiusLarge
	if !wide {
		r.ground.BottomLeftCornerRadius, r.ground.BottomRightCornerRadius = 0, 0
	}
	for _, o := range []fyne.CanvasObject{r.ground, r.blocker, r.scroll} {
		o.Move(fyne.NewPos(x, y))
		o.Resize(fyne.NewSize(width, height))
	}
	r.inner.Layout = &page{top: pad, side: side, width: content, bottom: pad}
	r.inner.Resize(r.inner.MinSize().Max(fyne.NewSize(width, height)))
	r.scroll.Refresh()
}

func (r *overlayRenderer) MinSize() fyne.Size { return r.o.MinSize() }
func (r *overlayRenderer) Destroy()           {}
func (r *overlayRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.scrim, r.ground, r.blocker, r.scroll}
}

func (r *overlayRenderer) paint() {
	r.scrim.FillColor, r.ground.FillColor = theme.Color(style.Scrim), theme.Color(style.Surface)
}

func (r *overlayRenderer) Refresh() {
	r.paint()
	r.Layout(r.o.Size())
	r.scrim.Refresh()
	r.ground.Refresh()
	r.o.content.Refresh()
}
