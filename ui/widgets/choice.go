package widgets

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"cloudkey/ui/style"
)

// SwitchItem is a line with words and a switch; the whole line is tapped.
type SwitchItem struct {
	Touch
	On        bool
	OnChanged func(on bool)
	knob      *knob
}

// NewSwitchItem returns a line that is on or off.
func NewSwitchItem(icon, title, subtitle string, on bool, changed func(bool)) *SwitchItem {
	s := &SwitchItem{On: on, OnChanged: changed}
	s.knob = &knob{item: s}
	s.knob.ExtendBaseWidget(s.knob)
	s.Area = newArea(title, ListItem(Item{Icon: icon, Title: title, Subtitle: subtitle, Trailing: s.knob}, nil).Content, s.toggle)
	s.extend(s)
	return s
}

func (s *SwitchItem) toggle() {
	s.On = !s.On
	s.knob.Refresh()
	if s.OnChanged != nil {
		s.OnChanged(s.On)
	}
}

type knob struct {
	widget.BaseWidget
	item *SwitchItem
}

func (k *knob) MinSize() fyne.Size { return fyne.NewSize(48, 28) }

func (k *knob) CreateRenderer() fyne.WidgetRenderer {
	r := &knobRenderer{k: k, track: canvas.NewRectangle(nil), dot: canvas.NewCircle(nil)}
	r.Refresh()
	return r
}

type knobRenderer struct {
	k     *knob
	track *canvas.Rectangle
	dot   *canvas.Circle
}

func (r *knobRenderer) Layout(size fyne.Size) {
	r.track.Resize(size)
	d := size.Height - 6
	r.dot.Resize(fyne.NewSquareSize(d))
	if r.k.item.On {
		r.dot.Move(fyne.NewPos(size.Width-d-3, 3))
	} else {
		r.dot.Move(fyne.NewPos(3, 3))
	}
}
func (r *knobRenderer) MinSize() fyne.Size           { return r.k.MinSize() }
func (r *knobRenderer) Destroy()                     {}
func (r *knobRenderer) Objects() []fyne.CanvasObject { return []fyne.CanvasObject{r.track, r.dot} }
func (r *knobRenderer) Refresh() {
	r.track.CornerRadius = 14
	if r.k.item.On {
		r.track.FillColor, r.dot.FillColor = theme.Color(style.Primary), theme.Color(style.OnPrimary)
	} else {
		r.track.FillColor, r.dot.FillColor = theme.Color(style.Outline), theme.Color(style.Surface)
	}
	r.Layout(r.k.Size())
	r.track.Refresh()
	r.dot.Refresh()
}

// Segments is a choice between a few words side by side.
type Segments struct {
	widget.BaseWidget
	Selected  int
	OnChanged func(i int)
	parts     []*Touch
	labels    []*Text
	body      fyne.CanvasObject
}

// NewSegments returns a choice of which the selected-th is chosen.
func NewSegments(options []string, selected int, changed func(int)) *Segments {
	s := &Segments{Selected: selected, OnChanged: changed}
	var objects []fyne.CanvasObject
	for i, o := range options {
		label := NewText(o).Sized(style.TextSmall).Bold().NoWrap()
		t := NewTouch(o, minHeight(40, Centre(label)), func() { s.choose(i) })
		t.Radius = style.RadiusSmall + 1
		s.parts, s.labels = append(s.parts, t), append(s.labels, label)
		objects = append(objects, t)
	}
	s.body = NewBox(style.Sunken, style.Radius, Pad(4, equal(4, objects...)))
	s.paint()
	s.ExtendBaseWidget(s)
	return s
}

func (s *Segments) choose(i int) {
	if i == s.Selected {
		return
	}
	s.Selected = i
	s.paint()
	s.Refresh()
	if s.OnChanged != nil {
		s.OnChanged(i)
	}
}

func (s *Segments) paint() {
	for i, t := range s.parts {
		t.Fill, s.labels[i].colour = style.None, style.TextSoft
		if i == s.Selected {
			t.Fill, s.labels[i].colour = style.Surface, style.Text
		}
	}
}

// HeightForWidth implements Flowing.
func (s *Segments) HeightForWidth(width float32) float32 { return HeightAt(s.body, width) }

// CreateRenderer implements fyne.Widget.
func (s *Segments) CreateRenderer() fyne.WidgetRenderer { return widget.NewSimpleRenderer(s.body) }

// StepState is how far a step of a long operation is.
type StepState int

// The states of a step.
const (
	StepWaiting StepState = iota
	StepRunning
	StepDone
	StepFailed
)

// Steps shows a long operation as a list of stages.
type Steps struct {
	widget.BaseWidget
	states []StepState
	icons  []*fyne.Container
	labels []*Text
	body   *fyne.Container
}

// NewSteps returns the stages, all waiting.
func NewSteps(labels ...string) *Steps {
	s := &Steps{states: make([]StepState, len(labels)), body: Column(style.Space5)}
	for _, l := range labels {
		text := NewText(l)
		slot := Fixed(fyne.NewSquareSize(24), VSpace(0))
		s.icons, s.labels = append(s.icons, slot), append(s.labels, text)
		s.body.Add(Row(style.Space3, slot, Grow(text)))
	}
	for i := range labels {
		s.paint(i)
	}
	s.ExtendBaseWidget(s)
	return s
}

// Set changes the state of the i-th stage.
func (s *Steps) Set(i int, state StepState) {
	if i < 0 || i >= len(s.states) || s.states[i] == state {
		return
	}
	s.states[i] = state
	s.paint(i)
	s.Refresh()
}

// State returns the state of the i-th stage.
func (s *Steps) State(i int) StepState { return s.states[i] }

func (s *Steps) paint(i int) {
	var icon fyne.CanvasObject
	colour := style.Text
	switch s.states[i] {
	case StepWaiting:
		icon, colour = Pad(7, NewBox(style.Outline, 5, nil)), style.TextSoft
	case StepRunning:
		icon = NewSpinner(24)
	case StepDone:
		icon = NewIcon("success", 24, style.Success)
	case StepFailed:
		icon, colour = NewIcon("error", 24, style.Danger), style.Danger
	}
	s.icons[i].Objects = []fyne.CanvasObject{icon}
	s.icons[i].Refresh()
	s.labels[i].colour, s.labels[i].bold = colour, s.states[i] == StepRunning
}

// HeightForWidth implements Flowing.
func (s *Steps) HeightForWidth(width float32) float32 { return HeightAt(s.body, width) }

// CreateRenderer implements fyne.Widget.
func (s *Steps) CreateRenderer() fyne.WidgetRenderer { return widget.NewSimpleRenderer(s.body) }
