package widgets

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"

	"cloudkey/ui/style"
)

// Item describes a line of a list.
type Item struct {
	Icon     string // "" for none
	Title    string
	Subtitle string
	Trailing fyne.CanvasObject // before the arrow
	Arrow    bool
	Selected bool
}

// ListItem is a line of a list that is tapped.
func ListItem(it Item, tapped func()) *Touch {
	ground, ink := style.Tonal, style.OnTonal
	parts := []fyne.CanvasObject{}
	if it.Icon != "" {
		parts = append(parts, Plate(it.Icon, 40, ground, ink))
	}
	lines := []fyne.CanvasObject{NewText(it.Title)}
	if it.Subtitle != "" {
		lines = append(lines, Caption(it.Subtitle))
	}
	parts = append(parts, Grow(Column(2, lines...)))
	if it.Trailing != nil {
		parts = append(parts, it.Trailing)
	}
	if it.Selected {
		parts = append(parts, NewIcon("check", 22, style.Primary))
	}
	if it.Arrow {
		parts = append(parts, NewIcon("forward", 18, style.TextSoft))
	}
	content := minHeight(60, Inset(style.Space2, style.Space4, style.Space2, style.Space4, Row(style.Space3, parts...)))
	t := NewTouch(it.Title, content, tapped)
	return t
}

// List puts lines on one card with hairlines between them.
func List(items ...fyne.CanvasObject) *Box {
	c := Column(0)
	for i, it := range items {
		if i > 0 {
			c.Add(Inset(0, style.Space4, 0, style.Space4, Divider()))
		}
		c.Add(it)
	}
	return NewBox(style.Surface, style.Radius+4, Inset(style.Space1, 0, style.Space1, 0, c))
}

// Fact is a name with a value below it (in a narrow column) or beside it.
func Fact(name, value string) fyne.CanvasObject { return FactWith(name, NewText(value)) }

// FactWith is a Fact whose value is any object.
func FactWith(name string, value fyne.CanvasObject) fyne.CanvasObject {
	f := &factLine{name: Caption(name), value: value}
	f.ExtendBaseWidget(f)
	return f
}

// factLine lays a fact out: beside from 440 dp on, else below.
type factLine struct {
	widget.BaseWidget
	name  *Text
	value fyne.CanvasObject
}

const (
	factBeside = 440
	factName   = 168
)

func (f *factLine) HeightForWidth(width float32) float32 {
	if width < factBeside {
		return HeightAt(f.name, width) + 2 + HeightAt(f.value, width)
	}
	return max(HeightAt(f.name, factName), HeightAt(f.value, width-factName-style.Space3))
}

func (f *factLine) MinSize() fyne.Size {
	return fyne.NewSize(80, f.HeightForWidth(max(80, f.Size().Width)))
}

func (f *factLine) CreateRenderer() fyne.WidgetRenderer {
	return &factRenderer{f}
}

type factRenderer struct{ f *factLine }

func (r *factRenderer) Layout(size fyne.Size) {
	n, v := r.f.name, r.f.value
	if size.Width < factBeside {
		h := HeightAt(n, size.Width)
		n.Move(fyne.Position{})
		n.Resize(fyne.NewSize(size.Width, h))
		v.Move(fyne.NewPos(0, h+2))
		v.Resize(fyne.NewSize(size.Width, HeightAt(v, size.Width)))
		return
	}
	n.Move(fyne.NewPos(0, 2))
	n.Resize(fyne.NewSize(factName, HeightAt(n, factName)))
	w := size.Width - factName - style.Space3
	v.Move(fyne.NewPos(factName+style.Space3, 0))
	v.Resize(fyne.NewSize(w, HeightAt(v, w)))
}
func (r *factRenderer) MinSize() fyne.Size           { return r.f.MinSize() }
func (r *factRenderer) Objects() []fyne.CanvasObject { return []fyne.CanvasObject{r.f.name, r.f.value} }
func (r *factRenderer) Destroy()                     {}
func (r *factRenderer) Refresh() {
	r.Layout(r.f.Size())
	r.f.name.Refresh()
	r.f.value.Refresh()
}

// Tone is the mood of a message.
type Tone int

// The tones.
const (
	Info Tone = iota
	Good
	Caution
	Bad
)

func (t Tone) look() (ground, ink fyne.ThemeColorName, icon string) {
	switch t {
	case Good:
		return style.SuccessTint, style.Success, "success"
	case Caution:
		return style.WarningTint, style.Warning, "warning"
	case Bad:
		return style.DangerTint, style.Danger, "error"
	}
	return style.Tonal, style.OnTonal, "about"
}

// Banner is a message on a tinted ground, with at most one thing to do about it.
func Banner(tone Tone, text, action string, tapped func()) fyne.CanvasObject {
	ground, ink, icon := tone.look()
	lines := []fyne.CanvasObject{NewText(text).Sized(style.TextSmall).Colour(ink)}
	if action != "" {
		b := NewButton(Plain, action, tapped)
		b.label.colour = ink
		lines = append(lines, leading(b))
	}
	return NewBox(ground, style.Radius, Inset(style.Space3, style.Space4, style.Space3, style.Space4,
		topRow(style.Space3, NewIcon(icon, 20, ink), Column(0, lines...))))
}

// leading keeps an object at its smallest width at the start of the line.
func leading(o fyne.CanvasObject) fyne.CanvasObject {
	return Inset(0, 0, 0, -style.Space4, Row(0, o, Spacer()))
}

// topRow is an icon at the top beside an object.
func topRow(gap float32, icon, o fyne.CanvasObject) fyne.CanvasObject {
	t := &topLine{icon: icon, o: o, gap: gap}
	t.ExtendBaseWidget(t)
	return t
}

type topLine struct {
	widget.BaseWidget
	icon, o fyne.CanvasObject
	gap     float32
}

func (t *topLine) inner(width float32) float32 { return width - t.icon.MinSize().Width - t.gap }
func (t *topLine) HeightForWidth(width float32) float32 {
	return max(t.icon.MinSize().Height, HeightAt(t.o, t.inner(width)))
}

func (t *topLine) MinSize() fyne.Size {
	return fyne.NewSize(t.icon.MinSize().Width+t.gap+40, t.HeightForWidth(max(80, t.Size().Width)))
}

func (t *topLine) CreateRenderer() fyne.WidgetRenderer {
	return &topRenderer{t}
}

type topRenderer struct{ t *topLine }

func (r *topRenderer) Layout(size fyne.Size) {
	i := r.t.icon.MinSize()
	r.t.icon.Resize(i)
	r.t.icon.Move(fyne.NewPos(0, 1))
	r.t.o.Move(fyne.NewPos(i.Width+r.t.gap, 0))
	r.t.o.Resize(fyne.NewSize(r.t.inner(size.Width), size.Height))
}
func (r *topRenderer) MinSize() fyne.Size           { return r.t.MinSize() }
func (r *topRenderer) Objects() []fyne.CanvasObject { return []fyne.CanvasObject{r.t.icon, r.t.o} }
func (r *topRenderer) Destroy()                     {}
func (r *topRenderer) Refresh() {
	r.Layout(r.t.Size())
	r.t.icon.Refresh()
	r.t.o.Refresh()
}

// Chip is a short state on a tinted ground.
func Chip(tone Tone, text string) fyne.CanvasObject {
	ground, ink, _ := tone.look()
	return ChipIn(ground, ink, text)
}

// ChipIn is a Chip in colours of one's own.
func ChipIn(ground, ink fyne.ThemeColorName, text string) fyne.CanvasObject {
	return NewBox(ground, 13, Inset(3, 10, 3, 10, NewText(text).Sized(style.TextCaption).Colour(ink).Bold()))
}

// Empty is what stands in place of a list without lines.
func Empty(icon, title, text string) fyne.CanvasObject {
	return Inset(style.Space8, style.Space4, style.Space8, style.Space4, Column(style.Space3,
		Centre(Plate(icon, 72, style.Sunken, style.TextSoft)), Heading(title).Centred(), NewText(text).Colour(style.TextSoft).Centred()))
}
