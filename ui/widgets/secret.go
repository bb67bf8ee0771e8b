package widgets

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"cloudkey/ui/style"
)

// MaxSecret is the most characters a Secret takes.
const MaxSecret = 32

// Secret is a field for a password. What is typed lies in one fixed byte array that Wipe overwrites: no string, no undo
// stack, no clipboard (neither copy nor paste), never on screen. It takes ASCII letters and digits, from a Pad and from a
// keyboard.
type Secret struct {
	widget.BaseWidget
	OnChanged func()
	OnSubmit  func()
	OnFocus   func()

	buf    [MaxSecret]byte
	n      int
	label  *Text
	note   *Text
	hint   string
	active bool
	box    *secretBox
	body   *fyne.Container
}

// NewSecret returns an empty field. The hint may be "".
func NewSecret(label, placeholder, hint string) *Secret {
	s := &Secret{label: fieldLabel(label), note: Caption(hint), hint: hint}
	s.note.Hidden = hint == ""
	s.box = &secretBox{s: s, placeholder: placeholder}
	s.box.ExtendBaseWidget(s.box)
	s.body = Column(style.Space2, s.label, s.box, s.note)
	s.ExtendBaseWidget(s)
	return s
}

// VisibleText implements Labelled.
func (s *Secret) VisibleText() string { return s.label.text }

// Len returns the number of characters typed.
func (s *Secret) Len() int { return s.n }

// Copy returns the characters in a new slice that the caller wipes.
func (s *Secret) Copy() []byte {
	b := make([]byte, s.n)
	copy(b, s.buf[:s.n])
	return b
}

// Wipe overwrites and forgets what was typed.
func (s *Secret) Wipe() {
	clear(s.buf[:])
	s.n = 0
	s.changed()
}

// Type appends a character; others than ASCII letters and digits, and those past MaxSecret, are ignored.
func (s *Secret) Type(c byte) {
	if s.n == MaxSecret || !(c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z') {
		return
	}
	s.buf[s.n] = c
	s.n++
	s.changed()
}

// Erase removes the last character.
func (s *Secret) Erase() {
	if s.n == 0 {
		return
	}
	s.n--
	s.buf[s.n] = 0
	s.changed()
}

func (s *Secret) changed() {
	s.box.Refresh()
	if s.OnChanged != nil {
		s.OnChanged()
	}
}

// SetError shows an error below the field; "" brings the hint back.
func (s *Secret) SetError(text string) {
	showNote(s.note, s.hint, text)
	s.Refresh()
}

// Error returns the error shown, or "".
func (s *Secret) Error() string { return noteError(s.note) }

// SetHint changes the line below the field.
func (s *Secret) SetHint(text string) {
	s.hint = text
	s.SetError("")
}

// Focusable returns the part that takes the keyboard.
func (s *Secret) Focusable() fyne.Focusable { return s.box }

// Activate makes this the field of the canvas that is typed into. On a phone it does not take fyne's focus, which would
// bring the system's keyboard (and its memory of words) up: there the KeyPad types.
func (s *Secret) Activate(c fyne.Canvas) {
	if fyne.CurrentDevice().IsMobile() {
		c.Unfocus()
		s.box.FocusGained()
		return
	}
	c.Focus(s.box)
}

// HeightForWidth implements Flowing.
func (s *Secret) HeightForWidth(width float32) float32 { return HeightAt(s.body, width) }

// CreateRenderer implements fyne.Widget.
func (s *Secret) CreateRenderer() fyne.WidgetRenderer { return widget.NewSimpleRenderer(s.body) }

// secretBox is the framed part with the dots.
type secretBox struct {
	widget.BaseWidget
	s           *Secret
	placeholder string
}

func (b *secretBox) VisibleText() string { return b.s.label.text }

func (b *secretBox) MinSize() fyne.Size {
	return fyne.NewSize(160, max(style.Touch, fyne.MeasureText("国", theme.TextSize(), fyne.TextStyle{}).Height+24))
}

func (b *secretBox) Tapped(*fyne.PointEvent) {
	// Known once the box has been painted, and only then can it be tapped.
	if c := fyne.CurrentApp().Driver().CanvasForObject(b); c != nil {
		b.s.Activate(c)
	}
}
func (b *secretBox) Cursor() desktop.Cursor { return desktop.TextCursor }

func (b *secretBox) FocusGained() {
	b.s.active = true
	if b.s.OnFocus != nil {
		b.s.OnFocus()
	}
	b.Refresh()
}
func (b *secretBox) FocusLost() { b.s.active = false; b.Refresh() }

func (b *secretBox) TypedRune(r rune) {
	if r < 0x80 {
		b.s.Type(byte(r))
	}
}

func (b *secretBox) TypedKey(e *fyne.KeyEvent) {
	switch e.Name {
	case fyne.KeyBackspace, fyne.KeyDelete:
		b.s.Erase()
	case fyne.KeyReturn, fyne.KeyEnter:
		if b.s.OnSubmit != nil {
			b.s.OnSubmit()
		}
	default:
		PassKey(b, e)
	}
}

func (b *secretBox) CreateRenderer() fyne.WidgetRenderer {
	r := &secretRenderer{b: b, frame: canvas.NewRectangle(nil), caret: canvas.NewRectangle(nil), hint: canvas.NewText("", nil)}
	r.Refresh()
	return r
}

type secretRenderer struct {
	b            *secretBox
	frame, caret *canvas.Rectangle
	hint         *canvas.Text
	dots         []*canvas.Circle
}

func (r *secretRenderer) Layout(size fyne.Size) {
	r.frame.Resize(size)
	step := min(18, (size.Width-2*style.Space4)/float32(max(1, r.b.s.n+1)))
	d := min(10, step*0.7)
	for i, dot := range r.dots {
		dot.Resize(fyne.NewSquareSize(d))
		dot.Move(fyne.NewPos(style.Space4+float32(i)*step, (size.Height-d)/2))
	}
	r.caret.Resize(fyne.NewSize(2, 22))
	r.caret.Move(fyne.NewPos(style.Space4+float32(r.b.s.n)*step, (size.Height-22)/2))
	h := r.hint.MinSize().Height
	r.hint.Move(fyne.NewPos(style.Space4, (size.Height-h)/2))
	r.hint.Resize(fyne.NewSize(size.Width-2*style.Space4, h))
}

func (r *secretRenderer) MinSize() fyne.Size { return r.b.MinSize() }
func (r *secretRenderer) Destroy()           {}
func (r *secretRenderer) Objects() []fyne.CanvasObject {
	out := []fyne.CanvasObject{r.frame, r.hint}
	for _, d := range r.dots {
		out = append(out, d)
	}
	return append(out, r.caret)
}

func (r *secretRenderer) Refresh() {
	s := r.b.s
	r.frame.FillColor, r.frame.CornerRadius = theme.Color(theme.ColorNameInputBackground), style.Radius
	r.frame.StrokeColor, r.frame.StrokeWidth = theme.Color(theme.ColorNameInputBorder), 1.5
	switch {
	case s.Error() != "":
		r.frame.StrokeColor = theme.Color(style.Danger)
	case s.active:
		r.frame.StrokeColor, r.frame.StrokeWidth = theme.Color(style.Primary), 2
	}
	for len(r.dots) < s.n {
		r.dots = append(r.dots, canvas.NewCircle(nil))
	}
	r.dots = r.dots[:s.n]
	for _, d := range r.dots {
		d.FillColor = theme.Color(style.Text)
	}
	r.caret.FillColor = theme.Color(style.Primary)
	r.caret.Hidden = !s.active
	r.hint.Text, r.hint.TextSize, r.hint.Color = "", theme.TextSize(), theme.Color(theme.ColorNamePlaceHolder)
	if s.n == 0 && !s.active {
		r.hint.Text = r.b.placeholder
	}
	r.Layout(r.b.Size())
	for _, o := range r.Objects() {
		o.Refresh()
	}
}
