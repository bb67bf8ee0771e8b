package widgets

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"cloudkey/ui/style"
)

// How far a finger pulls, in dp.
const (
	pullStart = 96  // from here on letting go refreshes
	pullMost  = 140 // more pulling moves nothing
	pullRest  = 64  // where the mark waits while the work runs
	pullMark  = 40
)

// pullScroll is a vertical scroll that can be pulled down beyond its top. A gesture counts as a pull only when it began
// with the content at its top, so that scrolling up with swing does not refresh. It scrolls by dragging on the desktop too,
// as on a phone.
type pullScroll struct {
	container.Scroll
	canPull func() bool
	moved   func(by float32) // a pull in dp, from 0 to pullMost
	letGo   func(by float32) // the end of a pull
	pulling bool             // the gesture began at the top
	running bool             // a gesture is under way
	by      float32
}

func newPullScroll(content fyne.CanvasObject) *pullScroll {
	p := &pullScroll{}
	p.Content, p.Direction = content, container.ScrollVerticalOnly
	p.ExtendBaseWidget(p)
	return p
}

// Dragged implements fyne.Draggable.
func (p *pullScroll) Dragged(e *fyne.DragEvent) {
	dy := e.Dragged.DY
	if !p.running {
		p.running, p.by = true, 0
		p.pulling = p.Offset.Y <= 0 && p.canPull()
	}
	if p.pulling && (p.by > 0 || dy > 0) {
		// Back to zero first, then the content.
		by := min(max(p.by+dy, 0), pullMost)
		dy = min(0, p.by+dy)
		p.by = by
		p.moved(by)
	}
	if dy != 0 {
		p.Scrolled(&fyne.ScrollEvent{Scrolled: fyne.NewDelta(0, dy)})
	}
}

// DragEnd implements fyne.Draggable.
func (p *pullScroll) DragEnd() {
	by := p.by
	p.running, p.by = false, 0
	if p.pulling && by > 0 {
		p.letGo(by)
	}
	p.pulling = false
}

// pullSign is the round mark that comes down with a pull and turns while the work runs.
type pullSign struct {
	mark    *fyne.Container
	arrow   fyne.CanvasObject
	spinner fyne.CanvasObject
	busy    bool
}

func newPullSign() *pullSign {
	s := &pullSign{arrow: NewIcon("refresh", 22, style.Primary), spinner: NewSpinner(22)}
	s.spinner.Hide()
	s.mark = container.NewStack(NewBox(style.Surface, pullMark/2, nil), container.NewCenter(s.arrow, s.spinner))
	s.mark.Hide()
	return s
}

// place puts the mark where a pull of by dp on a canvas of this width has it.
func (s *pullSign) place(width, by float32) {
	if s.busy {
		by = pullRest
	}
	s.mark.Hidden = by <= 0
	s.mark.Resize(fyne.NewSquareSize(pullMark))
	s.mark.Move(fyne.NewPos((width-pullMark)/2, by-pullMark))
	s.mark.Refresh()
}

func (s *pullSign) setBusy(busy bool) {
	s.busy = busy
	if busy {
		s.arrow.Hide()
		s.spinner.Show()
	} else {
		s.spinner.Hide()
		s.arrow.Show()
	}
}
