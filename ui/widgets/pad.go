package widgets

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"cloudkey/ui/style"
)

// KeyPad is the on-screen keyboard for secrets: a page of digits and a page of letters. It types into its target, which
// is the Secret that had the focus last.
type KeyPad struct {
	widget.BaseWidget
	target  *Secret
	names   PadNames
	letters bool
	upper   bool
	body    *fyne.Container
}

// PadNames are the words of the keys that carry an icon, for those who do not see it.
type PadNames struct{ Erase, Shift string }

// NewKeyPad returns a pad for the given secrets, typing into the first until another gets the focus.
func NewKeyPad(names PadNames, secrets ...*Secret) *KeyPad {
	p := &KeyPad{names: names, body: Column(6)}
	for _, s := range secrets {
		before := s.OnFocus
		s.OnFocus = func() {
			if p.target != nil && p.target != s && p.target.active {
				p.target.box.FocusLost()
			}
			p.target = s
			if before != nil {
				before()
			}
		}
	}
	if len(secrets) > 0 {
		p.target = secrets[0]
	}
	p.build()
	p.ExtendBaseWidget(p)
	return p
}

func (p *KeyPad) build() {
	p.body.RemoveAll()
	if !p.letters {
		for _, line := range []string{"123", "456", "789"} {
			p.body.Add(p.line(line))
		}
		p.body.Add(equal(6, p.key("ABC", "", func() { p.letters = true; p.rebuild() }), p.char('0'), p.eraseKey()))
		return
	}
	p.body.Add(p.line("1234567890"))
	p.body.Add(p.line(p.cased("qwertyuiop")))
	third := []fyne.CanvasObject{}
	for _, c := range p.cased("asdfghjkl") {
		third = append(third, p.char(byte(c)))
	}
	p.body.Add(equal(4, append(third, p.key("123", "", func() { p.letters = false; p.rebuild() }))...))
	last := []fyne.CanvasObject{p.key(p.names.Shift, "shift", func() { p.upper = !p.upper; p.rebuild() })}
	for _, c := range p.cased("zxcvbnm") {
		last = append(last, p.char(byte(c)))
	}
	p.body.Add(equal(4, append(last, p.eraseKey())...))
}

func (p *KeyPad) cased(s string) string {
	if !p.upper {
		return s
	}
	b := []byte(s)
	for i := range b {
		b[i] -= 'a' - 'A'
	}
	return string(b)
}

func (p *KeyPad) rebuild() {
	p.build()
	p.body.Refresh()
	p.Refresh()
	p.refocus()
}

func (p *KeyPad) line(chars string) fyne.CanvasObject {
	var keys []fyne.CanvasObject
	for _, c := range chars {
		keys = append(keys, p.char(byte(c)))
	}
	gap := float32(6)
	if len(keys) > 3 {
		gap = 4
	}
	return equal(gap, keys...)
}

func (p *KeyPad) char(c byte) fyne.CanvasObject {
	return p.key(string(rune(c)), "", func() {
		if p.target != nil {
			p.target.Type(c)
		}
	})
}

func (p *KeyPad) eraseKey() fyne.CanvasObject {
	return p.key(p.names.Erase, "backspace", func() {
		if p.target != nil {
			p.target.Erase()
		}
	})
}

func (p *KeyPad) key(label, icon string, tapped func()) fyne.CanvasObject {
	text := NewText(label).FixedSize(20).NoWrap()
	if len(label) > 1 {
		text.FixedSize(12).Bold()
	}
	var face fyne.CanvasObject = text
	if icon != "" {
		colour := style.Text
		if icon == "shift" && p.upper {
			colour = style.Primary
		}
		face = NewIcon(icon, 22, colour)
	}
	k := newArea(label, minHeight(style.Touch, Centre(face)), func() {
		tapped()
		p.refocus()
	})
	k.Fill, k.Radius = style.Sunken, style.RadiusSmall+2
	k.ExtendBaseWidget(&k)
	return &k
}

// refocus gives the keyboard back to the field after a tap elsewhere has taken it.
func (p *KeyPad) refocus() {
	if p.target == nil || p.target.active {
		return
	}
	if c := fyne.CurrentApp().Driver().CanvasForObject(p); c != nil {
		p.target.Activate(c)
	}
}

// HeightForWidth implements Flowing.
func (p *KeyPad) HeightForWidth(width float32) float32 { return HeightAt(p.body, width) }

// MinSize implements fyne.CanvasObject.
func (p *KeyPad) MinSize() fyne.Size { return fyne.NewSize(280, p.HeightForWidth(p.Size().Width)) }

// CreateRenderer implements fyne.Widget.
func (p *KeyPad) CreateRenderer() fyne.WidgetRenderer { return widget.NewSimpleRenderer(p.body) }

// equal lays objects out side by side with equal widths.
func equal(gap float32, objects ...fyne.CanvasObject) *fyne.Container {
	return container.New(&evenly{gap: gap}, objects...)
}

type evenly struct{ gap float32 }

func (l *evenly) cell(n int, width float32) float32 {
	return (width - l.gap*float32(n-1)) / float32(max(n, 1))
}

func (l *evenly) heightForWidth(objects []fyne.CanvasObject, width float32) float32 {
	return grow{}.heightForWidth(objects, l.cell(len(objects), width))
}

func (l *evenly) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	w := l.cell(len(objects), size.Width)
	for i, o := range objects {
		o.Move(fyne.NewPos(float32(i)*(w+l.gap), 0))
		o.Resize(fyne.NewSize(w, size.Height))
	}
}

func (l *evenly) MinSize(objects []fyne.CanvasObject) fyne.Size {
	return grow{}.MinSize(objects)
}
