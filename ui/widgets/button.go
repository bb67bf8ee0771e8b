package widgets

import (
	"fyne.io/fyne/v2"

	"cloudkey/ui/style"
)

// Kind is the weight of a button. A screen has one Primary.
type Kind int

// The kinds of buttons.
const (
	Primary Kind = iota
	Secondary
	Plain // text only
	Danger
	DangerPlain
)

// Button is a button with words and perhaps an icon before them.
type Button struct {
	Touch
	kind  Kind
	label *Text
	icon  *Icon
}

// NewButton returns a button that calls tapped.
func NewButton(kind Kind, text string, tapped func()) *Button {
	return IconButton(kind, "", text, tapped)
}

// IconButton returns a button with an icon before its words; icon may be "".
func IconButton(kind Kind, icon, text string, tapped func()) *Button {
	b := &Button{kind: kind, label: NewText(text).Bold().Centred()}
	parts := []fyne.CanvasObject{}
	if icon != "" {
		b.icon = NewIcon(icon, 20, style.Text)
		parts = append(parts, b.icon)
	}
	parts = append(parts, b.label)
	height := style.Touch
	if kind == Plain || kind == DangerPlain {
		height = 44
	}
	content := Inset(style.Space2, style.Space4, style.Space2, style.Space4, Centre(Row(style.Space2, parts...)))
	b.Area = newArea(text, minHeight(height, content), tapped)
	b.paint()
	b.extend(b)
	return b
}

// SetText changes the words.
func (b *Button) SetText(text string) {
	b.label.SetText(text)
	b.Label = text
	b.Refresh()
}

// SetKind changes the weight of the button.
func (b *Button) SetKind(k Kind) {
	b.kind = k
	b.paint()
	b.Refresh()
}

// SetEnabled enables or disables the button.
func (b *Button) SetEnabled(on bool) {
	b.disabled = !on
	b.paint()
	b.Refresh()
}

func (b *Button) paint() {
	fill, text := style.Primary, style.OnPrimary
	switch b.kind {
	case Secondary:
		fill, text = style.Tonal, style.OnTonal
	case Plain:
		fill, text = style.None, style.Primary
	case Danger:
		fill, text = style.Danger, style.OnDanger
	case DangerPlain:
		fill, text = style.None, style.Danger
	}
	if b.disabled {
		text = style.Disabled
		if fill != style.None {
			fill = style.DisabledBg
		}
	}
	b.Fill = fill
	b.label.colour = text
	if b.icon != nil {
		b.icon.colour = text
	}
}

// ToolButton is an icon of the top bar, with a name for those who do not see it.
func ToolButton(icon, label string, colour fyne.ThemeColorName, tapped func()) *Touch {
	t := NewTouch(label, Fixed(fyne.NewSquareSize(style.Touch), Pad(12, NewIcon(icon, 24, colour))), tapped)
	t.Radius = style.Touch / 2
	return t
}

func minHeight(h float32, o fyne.CanvasObject) *fyne.Container {
	c := Inset(0, 0, 0, 0, o)
	c.Layout = &atLeast{height: h}
	return c
}

// atLeast gives one object at least a height.
type atLeast struct{ height float32 }

func (l *atLeast) heightForWidth(objects []fyne.CanvasObject, width float32) float32 {
	return max(l.height, grow{}.heightForWidth(objects, width))
}
func (l *atLeast) naturalWidth(objects []fyne.CanvasObject) float32   { return widest(objects) }
func (l *atLeast) Layout(objects []fyne.CanvasObject, size fyne.Size) { grow{}.Layout(objects, size) }

func (l *atLeast) MinSize(objects []fyne.CanvasObject) fyne.Size {
	return grow{}.MinSize(objects).Max(fyne.NewSize(0, l.height))
}
