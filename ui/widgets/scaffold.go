package widgets

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"cloudkey/ui/style"
)

// Scaffold lays a page out: a body that scrolls and, under it, the actions. On a phone the actions stay at the bottom edge
// within reach of the thumb; on a wide canvas they follow the body, both in the middle and no wider than MaxWidth.
type Scaffold struct {
	widget.BaseWidget
	MaxWidth float32
	Body     fyne.CanvasObject
	Bottom   fyne.CanvasObject // nil for none
	Fill     bool              // the body takes all the height there is and does not scroll

	// OnPull is called when the page was pulled down far enough; nil: it cannot be pulled. A mark turns at the top until end
	// is called, on the UI goroutine; meanwhile pulling again does nothing.
	OnPull func(end func())

	inner  *fyne.Container
	scroll *pullScroll
	sign   *pullSign
	holder *fyne.Container
}

// NewScaffold returns the layout of a page; bottom may be nil.
func NewScaffold(maxWidth float32, body, bottom fyne.CanvasObject) *Scaffold {
	s := &Scaffold{MaxWidth: maxWidth, Body: body, Bottom: bottom}
	s.inner = Column(style.Space6)
	s.scroll, s.sign = newPullScroll(s.inner), newPullSign()
	s.scroll.moved = func(by float32) { s.sign.place(s.Size().Width, by) }
	s.scroll.canPull = func() bool { return s.OnPull != nil && !s.sign.busy }
	s.scroll.letGo = func(by float32) {
		if by >= pullStart {
			s.Pull()
		} else {
			s.sign.place(s.Size().Width, 0)
		}
	}
	s.holder = container.New(&scaffoldLayout{s}, s.scroll)
	s.ExtendBaseWidget(s)
	return s
}

// MinSize implements fyne.CanvasObject: a page fits any window.
func (s *Scaffold) MinSize() fyne.Size { return fyne.NewSize(280, 200) }

// Top scrolls to the top.
func (s *Scaffold) Top() { s.scroll.ScrollToTop() }

// Pull does what pulling the page down does, for a button or a key.
func (s *Scaffold) Pull() {
	if s.OnPull == nil || s.sign.busy {
		return
	}
	s.sign.setBusy(true)
	s.sign.place(s.Size().Width, 0)
	s.OnPull(func() {
		s.sign.setBusy(false)
		s.sign.place(s.Size().Width, 0)
	})
}

// CreateRenderer implements fyne.Widget.
func (s *Scaffold) CreateRenderer() fyne.WidgetRenderer { return widget.NewSimpleRenderer(s.holder) }

type scaffoldLayout struct{ s *Scaffold }

func (l *scaffoldLayout) MinSize([]fyne.CanvasObject) fyne.Size { return l.s.MinSize() }

func (l *scaffoldLayout) Layout(_ []fyne.CanvasObject, size fyne.Size) {
	s := l.s
	wide := size.Width >= style.Wide
	margin, top := style.Space4, style.Space2
	if wide {
		margin, top = style.Space8, style.Space6
	}
	width := min(size.Width-2*margin, s.MaxWidth)
	x := (size.Width - width) / 2

	bottom := float32(0)
	if s.Bottom != nil {
		bottom = HeightAt(s.Bottom, width)
	}
	room := size.Height - top - style.Space4
	if s.Bottom != nil {
		room -= bottom + style.Space4
	}
	if h := room; s.Fill && h >= s.Body.MinSize().Height {
		s.hold(s.Body, s.Bottom)
		s.Body.Move(fyne.NewPos(x, top))
		s.Body.Resize(fyne.NewSize(width, h))
		if s.Bottom != nil {
			s.Bottom.Move(fyne.NewPos(x, size.Height-bottom-style.Space4))
			s.Bottom.Resize(fyne.NewSize(width, bottom))
		}
		return
	}
	body := HeightAt(s.Body, width)
	pinned := s.Bottom != nil && !wide && size.Height-bottom-2*style.Space4 >= min(body, 220)
	view := size.Height
	if pinned {
		view -= bottom + style.Space3 + style.Space4
		s.setInner(s.Body)
		s.hold(s.scroll, s.Bottom)
		s.Bottom.Move(fyne.NewPos(x, view+style.Space3))
		s.Bottom.Resize(fyne.NewSize(width, bottom))
	} else {
		s.setInner(s.Body, s.Bottom)
		s.hold(s.scroll)
	}
	if total := body + bottom + top + 2*style.Space6; wide && s.MaxWidth <= style.FormWidth && total < view {
		top += (view - total) / 4
	}
	// Keep the content off the edges by laying it out here, where the width is known.
	s.inner.Layout = &page{top: top, side: x, width: width, bottom: style.Space6}
	s.scroll.Move(fyne.Position{})
	s.scroll.Resize(fyne.NewSize(size.Width, view))
	s.inner.Resize(s.inner.MinSize().Max(fyne.NewSize(size.Width, view)))
	s.scroll.Refresh()
}

func (s *Scaffold) hold(objects ...fyne.CanvasObject) {
	s.holder.Objects = s.holder.Objects[:0]
	for _, o := range objects {
		if o != nil {
			s.holder.Objects = append(s.holder.Objects, o)
		}
	}
	s.holder.Objects = append(s.holder.Objects, s.sign.mark)
	s.sign.place(s.Size().Width, 0)
}

func (s *Scaffold) setInner(objects ...fyne.CanvasObject) {
	s.inner.Objects = s.inner.Objects[:0]
	for _, o := range objects {
		if o != nil {
			s.inner.Objects = append(s.inner.Objects, o)
		}
	}
}

// page is the content of the scroll: a column of known width with margins.
type page struct{ top, side, width, bottom float32 }

func (l *page) column() *column { return &column{gap: style.Space6} }

func (l *page) MinSize(objects []fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(0, l.top+l.column().heightForWidth(objects, l.width)+l.bottom)
}

func (l *page) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	y := l.top
	for _, o := range visible(objects) {
		h := HeightAt(o, l.width)
		o.Move(fyne.NewPos(l.side, y))
		o.Resize(fyne.NewSize(l.width, h))
		y += h + style.Space6
	}
}
