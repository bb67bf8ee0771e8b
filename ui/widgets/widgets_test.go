package widgets_test

import (
	"errors"
	"image"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/driver/mobile"
	"fyne.io/fyne/v2/test"

	"cloudkey/ui/style"
	"cloudkey/ui/widgets"
)

func window(t *testing.T) fyne.Window {
	t.Helper()
	app := test.NewTempApp(t)
	app.Settings().SetTheme(style.New(style.ModeLight, 1))
	w := app.NewWindow("")
	w.SetPadded(false)
	w.Resize(fyne.NewSize(390, 844))
	t.Cleanup(w.Close)
	return w
}

// lines returns the lines in which a text is drawn at a width.
func lines(text *widgets.Text, width float32) []string {
	text.Resize(fyne.NewSize(width, text.HeightForWidth(width)))
	var out []string
	for _, o := range test.WidgetRenderer(text).Objects() {
		out = append(out, o.(*canvas.Text).Text)
	}
	return out
}

func TestTextWrapsBetweenWordsAndCharacters(t *testing.T) {
	window(t)
	for _, s := range []string{
		"The quick brown fox jumps over the lazy dog and then some more.",
		"密钥由本机与 CA 共同生成，任何一方都没有完整的密钥。请“核对”（以下）信息，再继续！",
		"https://a-very-long-host-name.example.org:8443/with/a/path/that/does/not/end/soon",
	} {
		for width := float32(60); width < 400; width += 17 {
			text := widgets.NewText(s)
			got := lines(text, width)
			if joined := strings.Join(got, ""); strings.ReplaceAll(joined, " ", "") != strings.ReplaceAll(s, " ", "") {
				t.Fatalf("width %v: lost characters: %q", width, got)
			}
			for i, line := range got {
				if w := fyne.MeasureText(line, 16, fyne.TextStyle{}).Width; w > width+0.5 {
					t.Errorf("width %v: %q is %v wide", width, line, w)
				}
				if i > 0 && strings.ContainsAny(line[:min(3, len(line))], "，。！）”") && strings.IndexAny(line, "，。！）”") == 0 {
					t.Errorf("width %v: a line begins with punctuation: %q", width, line)
				}
			}
			if h := text.HeightForWidth(width); h < float32(len(got))*16 {
				t.Errorf("width %v: height %v for %d lines", width, h, len(got))
			}
		}
	}
	if got := lines(widgets.NewText("until 2028-11-18"), 110); got[len(got)-1] != "2028-11-18" {
		t.Errorf("a date is torn apart: %q", got)
	}
}

func TestM13_SecretIsWiped(t *testing.T) {
	w := window(t)
	s := widgets.NewSecret("label", "", "")
	w.SetContent(s)
	changes := 0
	s.OnChanged = func() { changes++ }
	test.Type(s.Focusable(), "ab1 é密-")
	if got := s.Copy(); string(got) != "ab1" || changes != 3 {
		t.Errorf("%q after %d changes", got, changes)
	}
	s.Focusable().TypedKey(&fyne.KeyEvent{Name: fyne.KeyBackspace})
	if got := s.Copy(); string(got) != "ab" {
		t.Errorf("after erasing: %q", got)
	}
	for range 100 {
		s.Type('x')
	}
	if s.Len() != widgets.MaxSecret {
		t.Errorf("takes %d characters", s.Len())
	}
	s.Wipe()
	if s.Len() != 0 || len(s.Copy()) != 0 {
		t.Errorf("after Wipe: %q", s.Copy())
	}
	s.Type('z')
	if got := string(s.Copy()); got != "z" {
		t.Errorf("old characters come back: %q", got)
	}
}

func TestM13_ReturnSubmitsAndEscapeReachesTheCanvas(t *testing.T) {
	w := window(t)
	s := widgets.NewSecret("label", "", "")
	w.SetContent(s)
	submitted, escaped := 0, 0
	s.OnSubmit = func() { submitted++ }
	w.Canvas().SetOnTypedKey(func(e *fyne.KeyEvent) { escaped++ })
	for _, k := range []fyne.KeyName{fyne.KeyReturn, fyne.KeyEnter, fyne.KeyEscape, widgets.KeyBack, fyne.KeyF1} {
		s.Focusable().TypedKey(&fyne.KeyEvent{Name: k})
	}
	if submitted != 2 || escaped != 2 {
		t.Errorf("submitted %d, handed on %d", submitted, escaped)
	}
}

// inkOn returns an ink canvas of 300 × 200 dp with a clock that moves 8 ms at every look.
func inkOn(t *testing.T) *widgets.Ink {
	w := window(t)
	now := time.Unix(0, 0)
	i := widgets.NewInk(func() time.Time { now = now.Add(8 * time.Millisecond); return now })
	w.SetContent(i)
	w.Resize(fyne.NewSize(300, 200))
	return i
}

func drag(i *widgets.Ink, points ...fyne.Position) {
	for k, p := range points {
		e := &fyne.DragEvent{PointEvent: fyne.PointEvent{Position: p}}
		if k > 0 {
			e.Dragged = fyne.NewDelta(p.X-points[k-1].X, p.Y-points[k-1].Y)
		}
		i.Dragged(e)
	}
	i.DragEnd()
}

func TestM14_BlankAndScribblesAreRefused(t *testing.T) {
	i := inkOn(t)
	if err := i.Check(); !errors.Is(err, widgets.ErrInkBlank) {
		t.Errorf("blank: %v", err)
	}
	for name, points := range map[string][]fyne.Position{
		"tap":      {{X: 50, Y: 50}},
		"short":    {{X: 50, Y: 50}, {X: 60, Y: 58}, {X: 66, Y: 52}},
		"straight": {{X: 20, Y: 50}, {X: 120, Y: 52}, {X: 280, Y: 50}},
	} {
		i.Clear()
		drag(i, points...)
		if err := i.Check(); !errors.Is(err, widgets.ErrInkScribble) {
			t.Errorf("%s: %v", name, err)
		}
	}
	i.Clear()
	drag(i, fyne.NewPos(20, 50), fyne.NewPos(60, 120), fyne.NewPos(100, 40), fyne.NewPos(140, 120), fyne.NewPos(200, 60))
	if err := i.Check(); err != nil {
		t.Errorf("a signature: %v", err)
	}
}

func TestM14_UndoAndClearRemoveTheInk(t *testing.T) {
	i := inkOn(t)
	drag(i, fyne.NewPos(20, 50), fyne.NewPos(60, 120), fyne.NewPos(100, 40))
	one := ink(i.Image())
	drag(i, fyne.NewPos(150, 50), fyne.NewPos(190, 120), fyne.NewPos(250, 40))
	if two := ink(i.Image()); two <= one {
		t.Errorf("second stroke adds nothing: %d, %d", one, two)
	}
	i.Undo()
	if again := ink(i.Image()); again != one || len(i.Strokes()) != 1 {
		t.Errorf("after undo %d pixels, %d strokes; had %d", again, len(i.Strokes()), one)
	}
	i.Clear()
	if ink(i.Image()) != 0 || len(i.Strokes()) != 0 {
		t.Error("clear leaves ink")
	}
}

// ink counts the pixels with ink.
func ink(i *image.NRGBA) int {
	n := 0
	for k := 3; k < len(i.Pix); k += 4 {
		if i.Pix[k] > 0 {
			n++
		}
	}
	return n
}

func TestM14_FastIsThinnerThanSlow(t *testing.T) {
	stroke := func(step time.Duration) int {
		i := inkOn(t)
		var dots []widgets.InkDot
		for k := range 30 {
			dots = append(dots, widgets.InkDot{X: 20 + float32(k)*8, Y: 100, T: time.Duration(k) * step})
		}
		i.Write(dots)
		return ink(i.Image())
	}
	if slow, fast := stroke(60*time.Millisecond), stroke(2*time.Millisecond); float64(slow) < 1.5*float64(fast) {
		t.Errorf("slow %d pixels, fast %d", slow, fast)
	}
}

func TestM14_PictureIsTrimmedAndTransparent(t *testing.T) {
	i := inkOn(t)
	drag(i, fyne.NewPos(100, 80), fyne.NewPos(140, 120), fyne.NewPos(180, 80))
	p := i.Image()
	if p.Rect.Dx() > 220 || p.Rect.Dy() > 140 || p.Rect.Dx() < 120 {
		t.Errorf("size %v", p.Rect)
	}
	if p.NRGBAAt(0, 0).A != 0 {
		t.Error("the ground is not transparent")
	}
}

func TestM14_OneFingerAndMouse(t *testing.T) {
	i := inkOn(t)
	at := func(id int, x, y float32) *mobile.TouchEvent {
		return &mobile.TouchEvent{ID: id, PointEvent: fyne.PointEvent{Position: fyne.NewPos(x, y)}}
	}
	i.TouchDown(at(1, 10, 10))
	i.TouchDown(at(2, 200, 100)) // a second finger does not write
	i.TouchMoved(at(1, 40, 40))
	i.TouchMoved(at(2, 220, 120))
	i.Dragged(&fyne.DragEvent{PointEvent: fyne.PointEvent{Position: fyne.NewPos(40, 40)}})
	i.TouchUp(at(2, 220, 120))
	i.TouchUp(at(1, 40, 40))
	if s := i.Strokes(); len(s) != 1 || len(s[0]) != 2 {
		t.Errorf("strokes %v", s)
	}
	i.Clear()
	i.MouseDown(&desktop.MouseEvent{PointEvent: fyne.PointEvent{Position: fyne.NewPos(10, 10)}})
	i.Dragged(&fyne.DragEvent{PointEvent: fyne.PointEvent{Position: fyne.NewPos(30, 30)}})
	i.MouseUp(&desktop.MouseEvent{})
	i.DragEnd()
	if s := i.Strokes(); len(s) != 1 || len(s[0]) != 2 {
		t.Errorf("strokes by mouse %v", s)
	}
}

func TestM14_TurningKeepsTheInkOnTheCanvas(t *testing.T) {
	i := inkOn(t)
	drag(i, fyne.NewPos(20, 50), fyne.NewPos(280, 150), fyne.NewPos(100, 180))
	i.Resize(fyne.NewSize(150, 300))
	for _, d := range i.Strokes()[0] {
		if d.X > 150.5 || d.Y > 300.5 {
			t.Errorf("dot %v lies outside", d)
		}
	}
}

func TestM33_TapsBesideADialogStayThere(t *testing.T) {
	w := window(t)
	below := 0
	w.SetContent(widgets.NewButton(widgets.Primary, "below", func() { below++ }))
	scrim := 0
	o := widgets.NewOverlay(widgets.NewText("dialog"), 300, true)
	o.OnScrim = func() { scrim++ }
	w.Canvas().Overlays().Add(o)
	test.TapCanvas(w.Canvas(), fyne.NewPos(20, 20))
	test.TapCanvas(w.Canvas(), fyne.NewPos(195, 422)) // the card itself
	if below != 0 || scrim != 1 {
		t.Errorf("below %d, scrim %d", below, scrim)
	}
}
