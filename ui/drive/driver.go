package drive

import (
	"context"
	"fmt"
	"image"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"cloudkey/ui/widgets"
)

// Driver finds things on a window by the words on them and uses them, as a human would. All methods belong to the loop's
// goroutine.
type Driver struct {
	Window fyne.Window
	Loop   *Loop
}

// Seen is an object on the screen: its place on the canvas and the part of the canvas it may be seen in.
type Seen struct {
	Object fyne.CanvasObject
	At     fyne.Position
	Clip   Rect
}

// Rect is a rectangle on the canvas in dp.
type Rect struct{ X, Y, W, H float32 }

func (r Rect) cut(o Rect) Rect {
	x, y := max(r.X, o.X), max(r.Y, o.Y)
	return Rect{x, y, max(0, min(r.X+r.W, o.X+o.W)-x), max(0, min(r.Y+r.H, o.Y+o.H)-y)}
}

// Walk calls f for every visible object of the topmost layer, parents first, until it returns false.
func (d *Driver) Walk(f func(Seen) bool) {
	c := d.Window.Canvas()
	root := c.Overlays().Top()
	if root == nil {
		root = c.Content()
	}
	walk(root, root.Position(), Rect{0, 0, c.Size().Width, c.Size().Height}, f)
}

// WalkAll is Walk over the content and all layers above it.
func (d *Driver) WalkAll(f func(Seen) bool) {
	c := d.Window.Canvas()
	for _, root := range append([]fyne.CanvasObject{c.Content()}, c.Overlays().List()...) {
		if !walk(root, root.Position(), Rect{0, 0, c.Size().Width, c.Size().Height}, f) {
			return
		}
	}
}

func walk(o fyne.CanvasObject, at fyne.Position, clip Rect, f func(Seen) bool) bool {
	if o == nil || !o.Visible() {
		return true
	}
	if _, scrolls := o.(*container.Scroll); scrolls {
		clip = clip.cut(Rect{at.X, at.Y, o.Size().Width, o.Size().Height})
	}
	if !f(Seen{o, at, clip}) {
		return false
	}
	var children []fyne.CanvasObject
	switch v := o.(type) {
	case *fyne.Container:
		children = v.Objects
	case fyne.Widget:
		children = test.WidgetRenderer(v).Objects()
	}
	for _, child := range children {
		if !walk(child, at.Add(child.Position()), clip, f) {
			return false
		}
	}
	return true
}

// Texts returns all texts on all layers, from top to bottom as they lie in the tree.
func (d *Driver) Texts() []string {
	var out []string
	d.WalkAll(func(s Seen) bool {
		switch v := s.Object.(type) {
		case *widgets.Text:
			if v.Text() != "" {
				out = append(out, v.Text())
			}
			return true
		case *widget.Entry:
			out = append(out, v.Text)
		case *widgets.Entry:
			out = append(out, v.Text)
		}
		return true
	})
	return out
}

// Sees tells whether a text is on the screen, as a part of a longer one too.
func (d *Driver) Sees(text string) bool {
	return slices.ContainsFunc(d.Texts(), func(s string) bool { return strings.Contains(s, text) })
}

// WaitFor runs the loop until a text is on the screen.
func (d *Driver) WaitFor(ctx context.Context, text string) error {
	if err := d.Loop.Until(ctx, func() bool { return d.Sees(text) }); err != nil {
		return fmt.Errorf("drive: waiting for %q: %w; on screen: %q", text, err, d.Texts())
	}
	return nil
}

// disableable is what a button says about itself.
type disableable interface{ Disabled() bool }

// button finds the tappable thing with a text; buttons go before lines of a list that begin with the same word.
func (d *Driver) button(text string) (fyne.Tappable, error) {
	var found fyne.Tappable
	d.Walk(func(s Seen) bool {
		t, ok := s.Object.(fyne.Tappable)
		if !ok {
			return true
		}
		label := ""
		switch v := s.Object.(type) {
		case widgets.Labelled:
			label = v.VisibleText()
		case *widget.Button:
			label = v.Text
		}
		if label == text && found == nil {
			found = t
		}
		return true
	})
	if found == nil {
		return nil, fmt.Errorf("drive: nothing to tap is called %q; on screen: %q", text, d.Texts())
	}
	return found, nil
}

// Enabled tells whether there is something to tap with this text that can be used.
func (d *Driver) Enabled(text string) bool {
	t, err := d.button(text)
	if err != nil {
		return false
	}
	off, ok := t.(disableable)
	return !ok || !off.Disabled()
}

// Tap taps the button, tile or line of a list with this text on the topmost layer. A disabled one is an error.
func (d *Driver) Tap(text string) error {
	t, err := d.button(text)
	if err != nil {
		return err
	}
	if off, ok := t.(disableable); ok && off.Disabled() {
		return fmt.Errorf("drive: %q is disabled", text)
	}
	t.Tapped(&fyne.PointEvent{})
	d.Loop.Run()
	return nil
}

// Type replaces the text of the field with this label, key by key.
func (d *Driver) Type(label, text string) error {
	var field *widgets.Field
	d.Walk(func(s Seen) bool {
		if f, ok := s.Object.(*widgets.Field); ok && f.VisibleText() == label {
			field = f
		}
		return field == nil
	})
	if field == nil {
		return fmt.Errorf("drive: no field is called %q; on screen: %q", label, d.Texts())
	}
	d.Window.Canvas().Focus(field.Entry)
	field.Entry.SetText("")
	for _, r := range text {
		if r == '\n' {
			field.Entry.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
			continue
		}
		field.Entry.TypedRune(r)
	}
	d.Loop.Run()
	return nil
}

// Secret types a password into the secret field with this label, by the keyboard.
func (d *Driver) Secret(label string, password []byte) error {
	var field *widgets.Secret
	d.Walk(func(s Seen) bool {
		if f, ok := s.Object.(*widgets.Secret); ok && f.VisibleText() == label {
			field = f
		}
		return field == nil
	})
	if field == nil {
		return fmt.Errorf("drive: no secret field is called %q; on screen: %q", label, d.Texts())
	}
	field.Wipe()
	d.Window.Canvas().Focus(field.Focusable())
	for _, c := range password {
		field.Focusable().TypedRune(rune(c))
	}
	d.Loop.Run()
	return nil
}

// Ink writes strokes on the ink canvas of the screen; points are parts of its width and height. between is called
// after each point, so that a clock can move on; it may be nil.
func (d *Driver) Ink(strokes [][]fyne.Position, between func()) error {
	var ink *widgets.Ink
	d.Walk(func(s Seen) bool {
		if i, ok := s.Object.(*widgets.Ink); ok {
			ink = i
		}
		return ink == nil
	})
	if ink == nil {
		return fmt.Errorf("drive: no ink canvas; on screen: %q", d.Texts())
	}
	size := ink.Size()
	for _, stroke := range strokes {
		for i, p := range stroke {
			at := fyne.NewPos(p.X*size.Width, p.Y*size.Height)
			e := &fyne.DragEvent{PointEvent: fyne.PointEvent{Position: at}}
			if i > 0 {
				e.Dragged = fyne.NewDelta(at.X-stroke[i-1].X*size.Width, at.Y-stroke[i-1].Y*size.Height)
			}
			ink.Dragged(e)
			if between != nil {
				between()
			}
		}
		ink.DragEnd()
	}
	d.Loop.Run()
	return nil
}

// Key presses a key: the focused object gets it, or else the canvas, as in a window.
func (d *Driver) Key(name fyne.KeyName) {
	e := &fyne.KeyEvent{Name: name}
	c := d.Window.Canvas()
	if f := c.Focused(); f != nil {
		f.TypedKey(e)
	} else if h := c.OnTypedKey(); h != nil {
		h(e)
	}
	d.Loop.Run()
}

// Capture returns the window as a picture.
func (d *Driver) Capture() image.Image { return d.Window.Canvas().Capture() }

// Cut returns the texts that are not wholly visible: wider than their place, or reaching over the edge of the canvas or of
// the scrolled area at a side. Vertical scrolling does not count.
func (d *Driver) Cut() []string {
	var out []string
	d.Walk(func(s Seen) bool {
		t, ok := s.Object.(*canvas.Text)
		if !ok || t.Text == "" {
			return true
		}
		need := t.MinSize()
		x := s.At.X
		switch t.Alignment {
		case fyne.TextAlignCenter:
			x += (t.Size().Width - need.Width) / 2
		case fyne.TextAlignTrailing:
			x += t.Size().Width - need.Width
		}
		const slack = 0.6
		if need.Width > t.Size().Width+slack || x < s.Clip.X-slack || x+need.Width > s.Clip.X+s.Clip.W+slack {
			out = append(out, fmt.Sprintf("%q (needs %.0f, has %.0f at %.0f)", t.Text, need.Width, t.Size().Width, x))
		}
		return true
	})
	return out
}
