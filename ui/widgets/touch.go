package widgets

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"cloudkey/ui/style"
)

// Area is something that is tapped: any object on a ground that answers to the pointer.
type Area struct {
	widget.BaseWidget
	Label    string // what a test or a screen reader calls it
	Content  fyne.CanvasObject
	Fill     fyne.ThemeColorName
	Stroke   fyne.ThemeColorName
	Radius   float32
	OnTapped func()

	disabled, hovered, focused bool
}

func newArea(label string, content fyne.CanvasObject, tapped func()) Area {
	return Area{Label: label, Content: content, Fill: style.None, Radius: style.Radius, OnTapped: tapped}
}

// Touch is an Area that also takes the focus (Tab) and answers to Return and Space.
type Touch struct {
	Area
	self fyne.CanvasObject
}

// NewTouch returns a touch area over content.
func NewTouch(label string, content fyne.CanvasObject, tapped func()) *Touch {
	t := &Touch{Area: newArea(label, content, tapped)}
	t.extend(t)
	return t
}

// extend names the outermost widget that embeds this one.
func (t *Touch) extend(self fyne.Widget) {
	t.self = self
	t.ExtendBaseWidget(self)
}

// VisibleText implements Labelled.
func (t *Area) VisibleText() string { return t.Label }

// AccessibilityLabel implements fyne.Accessible.
func (t *Area) AccessibilityLabel() string { return t.Label }

// AccessibilityRole implements fyne.Accessible.
func (t *Area) AccessibilityRole() fyne.AccessibleRole { return fyne.AccessibleRoleButton }

// HeightForWidth implements Flowing.
func (t *Area) HeightForWidth(width float32) float32 { return HeightAt(t.Content, width) }

func (t *Area) naturalWidth() float32 { return naturalWidth(t.Content) }

// Disabled implements fyne.Disableable.
func (t *Area) Disabled() bool { return t.disabled }

// Enable implements fyne.Disableable.
func (t *Area) Enable() { t.setDisabled(false) }

// Disable implements fyne.Disableable.
func (t *Area) Disable() { t.setDisabled(true) }

func (t *Area) setDisabled(d bool) {
	if t.disabled != d {
		t.disabled = d
		t.Refresh()
	}
}

// Tapped implements fyne.Tappable.
func (t *Area) Tapped(*fyne.PointEvent) {
	if !t.disabled && t.OnTapped != nil {
		t.OnTapped()
	}
}

// Cursor implements desktop.Cursorable.
func (t *Area) Cursor() desktop.Cursor {
	if t.disabled {
		return desktop.DefaultCursor
	}
	return desktop.PointerCursor
}

// MouseIn implements desktop.Hoverable.
func (t *Area) MouseIn(*desktop.MouseEvent) { t.hovered = true; t.Refresh() }

// MouseMoved implements desktop.Hoverable.
func (t *Area) MouseMoved(*desktop.MouseEvent) {}

// MouseOut implements desktop.Hoverable.
func (t *Area) MouseOut() { t.hovered = false; t.Refresh() }

// FocusGained implements fyne.Focusable.
func (t *Touch) FocusGained() { t.focused = true; t.Refresh() }

// FocusLost implements fyne.Focusable.
func (t *Touch) FocusLost() { t.focused = false; t.Refresh() }

// TypedRune implements fyne.Focusable.
func (t *Touch) TypedRune(rune) {}

// TypedKey implements fyne.Focusable. Escape and Back are handed on to the canvas.
func (t *Touch) TypedKey(e *fyne.KeyEvent) {
	switch e.Name {
	case fyne.KeySpace, fyne.KeyReturn, fyne.KeyEnter:
		t.Tapped(nil)
	default:
		PassKey(t.self, e)
	}
}

// CreateRenderer implements fyne.Widget.
func (t *Area) CreateRenderer() fyne.WidgetRenderer {
	r := &areaRenderer{t: t, ground: canvas.NewRectangle(nil), veil: canvas.NewRectangle(nil)}
	r.paint()
	return r
}

type areaRenderer struct {
	t            *Area
	ground, veil *canvas.Rectangle
}

func (r *areaRenderer) Layout(size fyne.Size) {
	r.ground.Resize(size)
	r.veil.Resize(size)
	r.t.Content.Resize(size)
}
func (r *areaRenderer) MinSize() fyne.Size { return r.t.Content.MinSize() }
func (r *areaRenderer) Destroy()           {}
func (r *areaRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.ground, r.t.Content, r.veil}
}

func (r *areaRenderer) paint() {
	t := r.t
	r.ground.FillColor, r.ground.CornerRadius = theme.Color(t.Fill), t.Radius
	r.ground.StrokeWidth = 0
	if t.Stroke != "" {
		r.ground.StrokeColor, r.ground.StrokeWidth = theme.Color(t.Stroke), 1.5
	}
	r.veil.CornerRadius = t.Radius
	switch {
	case t.disabled:
		r.veil.FillColor = theme.Color(style.None)
	case t.focused:
		r.veil.FillColor = theme.Color(theme.ColorNameFocus)
	case t.hovered:
		r.veil.FillColor = theme.Color(theme.ColorNameHover)
	default:
		r.veil.FillColor = theme.Color(style.None)
	}
}

func (r *areaRenderer) Refresh() {
	r.paint()
	r.ground.Refresh()
	r.veil.Refresh()
	r.t.Content.Refresh()
}

// PassKey hands Escape and the Back key of a focused object on to its canvas, which an object with the focus would
// otherwise swallow.
func PassKey(o fyne.CanvasObject, e *fyne.KeyEvent) {
	if e.Name != fyne.KeyEscape && e.Name != KeyBack {
		return
	}
	c := fyne.CurrentApp().Driver().CanvasForObject(o)
	if c == nil {
		return
	}
	if f := c.OnTypedKey(); f != nil {
		f(e)
	}
}

// KeyBack is the name of Android's back key.
const KeyBack fyne.KeyName = "Back"
