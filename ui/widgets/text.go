package widgets

import (
	"strings"
	"unicode"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"cloudkey/ui/style"
)

// Text is text in the type scale that wraps at its width: between words, and between Chinese characters except where a
// line may not begin (closing punctuation) or end (opening punctuation).
type Text struct {
	widget.BaseWidget
	text   string
	size   fyne.ThemeSizeName
	colour fyne.ThemeColorName
	bold   bool
	align  fyne.TextAlign
	nowrap bool
	fixed  float32 // size in dp that no text scale changes
	laid   laid
}

// laid remembers how a text was broken last: fyne asks for the smallest size of everything again and again.
type laid struct {
	text  string
	pt    float32
	bold  bool
	width float32
	lines []string
	full  float32 // natural width, negative when not measured
}

// NewText returns body text.
func NewText(text string) *Text {
	t := &Text{text: text, size: style.TextBody, colour: style.Text}
	t.ExtendBaseWidget(t)
	return t
}

// Caption returns small soft text.
func Caption(text string) *Text { return NewText(text).Sized(style.TextCaption).Colour(style.TextSoft) }

// Heading returns a section heading.
func Heading(text string) *Text { return NewText(text).Sized(style.TextHeading).Bold() }

// Title returns what a page is about.
func Title(text string) *Text { return NewText(text).Sized(style.TextTitle).Bold() }

// Sized sets the size; call before the text is shown.
func (t *Text) Sized(s fyne.ThemeSizeName) *Text { t.size = s; return t }

// Colour sets the colour.
func (t *Text) Colour(c fyne.ThemeColorName) *Text { t.colour = c; return t }

// Bold makes the text bold.
func (t *Text) Bold() *Text { t.bold = true; return t }

// Centred centres every line.
func (t *Text) Centred() *Text { t.align = fyne.TextAlignCenter; return t }

// NoWrap keeps the text on one line; its smallest width is then its whole width.
func (t *Text) NoWrap() *Text { t.nowrap = true; return t }

// FixedSize gives the text a size in dp that the text scale does not change, for keys that have no room to grow.
func (t *Text) FixedSize(dp float32) *Text { t.fixed = dp; return t }

func (t *Text) pt() float32 {
	if t.fixed > 0 {
		return t.fixed
	}
	return theme.Size(t.size)
}

// Text returns the text.
func (t *Text) Text() string { return t.text }

// VisibleText implements Labelled.
func (t *Text) VisibleText() string { return t.text }

// SetText changes the text; the page has to be laid out again when the number of lines may change.
func (t *Text) SetText(text string) {
	if t.text != text {
		t.text = text
		t.Refresh()
	}
}

// SetColour changes the colour.
func (t *Text) SetColour(c fyne.ThemeColorName) {
	if t.colour != c {
		t.colour = c
		t.Refresh()
	}
}

func (t *Text) measure(s string) fyne.Size {
	return fyne.MeasureText(s, t.pt(), fyne.TextStyle{Bold: t.bold})
}

func (t *Text) lineHeight() float32 { return t.measure("国").Height }

// lines breaks the text at width; with width 0 or NoWrap only where the text does.
func (t *Text) lines(width float32) []string {
	t.refit()
	if t.nowrap || width <= 0 {
		return strings.Split(t.text, "\n")
	}
	if t.laid.lines == nil || t.laid.width != width {
		t.laid.width, t.laid.lines = width, t.breakLines(width)
	}
	return t.laid.lines
}

// refit forgets what was laid out for another text or size.
func (t *Text) refit() {
	if t.laid.text != t.text || t.laid.pt != t.pt() || t.laid.bold != t.bold {
		t.laid = laid{text: t.text, pt: t.pt(), bold: t.bold, full: -1}
	}
}

func (t *Text) breakLines(width float32) []string {
	var out []string
	for _, paragraph := range strings.Split(t.text, "\n") {
		if t.measure(paragraph).Width <= width {
			out = append(out, paragraph)
			continue
		}
		out = append(out, t.wrap(paragraph, width)...)
	}
	return out
}

func (t *Text) wrap(paragraph string, width float32) []string {
	var out []string
	line, used := "", float32(0)
	flush := func() {
		out = append(out, strings.TrimRight(line, " "))
		line, used = "", 0
	}
	add := func(piece string, w float32) { line += piece; used += w }
	for _, piece := range pieces(paragraph) {
		w := t.measure(piece).Width
		if used+t.measure(strings.TrimRight(piece, " ")).Width <= width {
			add(piece, w)
			continue
		}
		if line != "" {
			flush()
		}
		if w <= width || t.measure(strings.TrimRight(piece, " ")).Width <= width {
			add(piece, w)
			continue
		}
		for _, r := range piece { // one word longer than the line
			rw := t.measure(string(r)).Width
			if line != "" && used+rw > width {
				flush()
			}
			add(string(r), rw)
		}
	}
	if line != "" {
		flush()
	}
	return out
}

// pieces cuts a paragraph at every place where a line may end.
func pieces(s string) []string {
	var out []string
	runes := []rune(s)
	start := 0
	for i := 1; i < len(runes); i++ {
		if mayBreak(runes[i-1], runes[i]) {
			out = append(out, string(runes[start:i]))
			start = i
		}
	}
	return append(out, string(runes[start:]))
}

const (
	noLineStart = "，。、；：？！）》」』】〉”’…—％%,.;:?!)]}·~"
	noLineEnd   = "（《「『【〈“‘([{"
)

func mayBreak(before, after rune) bool {
	switch {
	case after == ' ', strings.ContainsRune(noLineStart, after), strings.ContainsRune(noLineEnd, before):
		return false
	case before == ' ', before == '/' && after != '/', before == '-' && unicode.IsLetter(after):
		return true
	}
	return wide(before) || wide(after)
}

func wide(r rune) bool {
	return unicode.Is(unicode.Han, r) || (r >= 0x3000 && r <= 0x30FF) || (r >= 0xFF00 && r <= 0xFFEF)
}

// HeightForWidth implements Flowing.
func (t *Text) HeightForWidth(width float32) float32 {
	return t.height(len(t.lines(width)))
}

func (t *Text) height(lines int) float32 {
	return float32(lines)*t.lineHeight() + float32(max(0, lines-1))*t.spacing()
}

func (t *Text) spacing() float32 { return t.pt() * 0.1 }

// MinSize implements fyne.CanvasObject.
func (t *Text) MinSize() fyne.Size {
	t.ExtendBaseWidget(t)
	full := t.naturalWidth()
	if t.nowrap {
		return fyne.NewSize(full, t.height(len(t.lines(0))))
	}
	return fyne.NewSize(min(full, t.pt()*4), t.HeightForWidth(t.Size().Width))
}

func (t *Text) naturalWidth() float32 {
	t.refit()
	if t.laid.full < 0 {
		t.laid.full = 0
		for _, l := range strings.Split(t.text, "\n") {
			t.laid.full = max(t.laid.full, t.measure(l).Width)
		}
	}
	return t.laid.full
}

// CreateRenderer implements fyne.Widget.
func (t *Text) CreateRenderer() fyne.WidgetRenderer {
	r := &textRenderer{t: t}
	r.Refresh()
	return r
}

type textRenderer struct {
	t     *Text
	lines []fyne.CanvasObject
}

func (r *textRenderer) Layout(size fyne.Size) {
	t := r.t
	lines := t.lines(size.Width)
	r.lines = r.lines[:min(len(r.lines), len(lines))]
	y, h := float32(0), t.lineHeight()
	for i, s := range lines {
		if i == len(r.lines) {
			r.lines = append(r.lines, canvas.NewText("", nil))
		}
		line := r.lines[i].(*canvas.Text)
		line.Text, line.TextSize, line.TextStyle.Bold = s, t.pt(), t.bold
		line.Color, line.Alignment = theme.Color(t.colour), t.align
		line.Move(fyne.NewPos(0, y))
		line.Resize(fyne.NewSize(size.Width, h))
		line.Refresh()
		y += h + t.spacing()
	}
}

func (r *textRenderer) MinSize() fyne.Size           { return r.t.MinSize() }
func (r *textRenderer) Objects() []fyne.CanvasObject { return r.lines }
func (r *textRenderer) Destroy()                     {}
func (r *textRenderer) Refresh()                     { r.Layout(r.t.Size()) }
