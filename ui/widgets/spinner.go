package widgets

import (
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"cloudkey/ui/style"
)

// Spinner turns while something is under way. It turns as long as it is on screen.
type Spinner struct {
	widget.BaseWidget
	size float32
}

// NewSpinner returns a spinner, size dp wide and high.
func NewSpinner(size float32) *Spinner {
	s := &Spinner{size: size}
	s.ExtendBaseWidget(s)
	return s
}

// MinSize implements fyne.CanvasObject.
func (s *Spinner) MinSize() fyne.Size { return fyne.NewSquareSize(s.size) }

// CreateRenderer implements fyne.Widget.
func (s *Spinner) CreateRenderer() fyne.WidgetRenderer {
	r := &spinnerRenderer{s: s, ring: &canvas.Arc{CutoutRatio: 0.8, EndAngle: 360}, arc: &canvas.Arc{CutoutRatio: 0.8, EndAngle: 100}}
	r.turn = fyne.NewAnimation(900*time.Millisecond, func(done float32) {
		r.arc.StartAngle, r.arc.EndAngle = done*360, done*360+100
		r.arc.Refresh()
	})
	r.turn.Curve, r.turn.RepeatCount = fyne.AnimationLinear, fyne.AnimationRepeatForever
	r.Refresh()
	r.turn.Start()
	return r
}

type spinnerRenderer struct {
	s         *Spinner
	ring, arc *canvas.Arc
	turn      *fyne.Animation
}

func (r *spinnerRenderer) Layout(size fyne.Size) {
	for _, a := range []*canvas.Arc{r.ring, r.arc} {
		a.Resize(size)
		a.Move(fyne.Position{})
	}
}
func (r *spinnerRenderer) MinSize() fyne.Size           { return r.s.MinSize() }
func (r *spinnerRenderer) Objects() []fyne.CanvasObject { return []fyne.CanvasObject{r.ring, r.arc} }
func (r *spinnerRenderer) Destroy()                     { r.turn.Stop() }
func (r *spinnerRenderer) Refresh() {
	r.ring.FillColor, r.arc.FillColor = theme.Color(style.Tonal), theme.Color(style.Primary)
	r.ring.Refresh()
	r.arc.Refresh()
}
