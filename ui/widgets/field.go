package widgets

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"

	"cloudkey/ui/style"
)

// Field is a label, a line (or some lines) of text to type, and below it a hint that an error replaces.
type Field struct {
	widget.BaseWidget
	Entry *Entry
	label *Text
	note  *Text
	hint  string
	body  *fyne.Container
}

// NewField returns a one-line field. The hint may be "".
func NewField(label, placeholder, hint string) *Field { return newField(label, placeholder, hint, 1) }

// NewTextField returns a field of several lines.
func NewTextField(label, placeholder, hint string, lines int) *Field {
	return newField(label, placeholder, hint, lines)
}

func newField(label, placeholder, hint string, lines int) *Field {
	f := &Field{Entry: newEntry(lines), label: fieldLabel(label), note: Caption(hint), hint: hint}
	f.Entry.SetPlaceHolder(placeholder)
	f.body = Column(style.Space2, f.label, f.Entry, f.note)
	f.note.Hidden = hint == ""
	f.ExtendBaseWidget(f)
	return f
}

func fieldLabel(label string) *Text {
	return NewText(label).Sized(style.TextSmall).Colour(style.TextSoft).Bold()
}

// VisibleText implements Labelled.
func (f *Field) VisibleText() string { return f.label.text }

// Focused returns the entry, which takes the keyboard.
func (f *Field) Focusable() fyne.Focusable { return f.Entry }

// Text returns what was typed.
func (f *Field) Text() string { return f.Entry.Text }

// SetError shows an error below the field; "" brings the hint back.
func (f *Field) SetError(text string) {
	showNote(f.note, f.hint, text)
	f.Refresh()
}

// Error returns the error shown, or "".
func (f *Field) Error() string { return noteError(f.note) }

func showNote(note *Text, hint, err string) {
	note.text, note.colour = hint, style.TextSoft
	if err != "" {
		note.text, note.colour = err, style.Danger
	}
	note.Hidden = note.text == ""
}

func noteError(note *Text) string {
	if note.colour == style.Danger && !note.Hidden {
		return note.text
	}
	return ""
}

// HeightForWidth implements Flowing.
func (f *Field) HeightForWidth(width float32) float32 { return HeightAt(f.body, width) }

// CreateRenderer implements fyne.Widget.
func (f *Field) CreateRenderer() fyne.WidgetRenderer { return widget.NewSimpleRenderer(f.body) }

// Entry is fyne's entry, except that Escape and Back reach the canvas and a callback tells of the Return key.
type Entry struct {
	widget.Entry
}

func newEntry(lines int) *Entry {
	e := &Entry{}
	e.Wrapping = fyne.TextWrapOff
	e.Scroll = fyne.ScrollHorizontalOnly
	if lines > 1 {
		e.MultiLine = true
		e.Wrapping = fyne.TextWrapBreak
		e.Scroll = fyne.ScrollVerticalOnly
		e.SetMinRowsVisible(lines)
	}
	e.ExtendBaseWidget(e)
	return e
}

// TypedKey implements fyne.Focusable.
func (e *Entry) TypedKey(k *fyne.KeyEvent) {
	if k.Name == fyne.KeyEscape || k.Name == KeyBack {
		PassKey(e, k)
		return
	}
	e.Entry.TypedKey(k)
}
