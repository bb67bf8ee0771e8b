package ui

import (
	"bytes"
	"context"
	"image"
	"image/png"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"

	"cloudkey/client"
	"cloudkey/ui/style"
	"cloudkey/ui/widgets"
)

// Inks keep the handwritten signature of a profile (M05, M14).
type Inks interface {
	SubmitInk(ctx context.Context, certID string, ink client.Ink, password []byte) error
	Ink(ctx context.Context, certID string) (client.Ink, error)
}

// inkPage is 签名采集: a step of the first use (M05, next is set) or a function (M14).
type inkPage struct {
	ui     *UI
	cert   client.Certificate
	next   func()
	ink    *widgets.Ink
	old    *fyne.Container
	undo   *widgets.Button
	clear  *widgets.Button
	submit *widgets.Button
	note   *widgets.Text
	body   *widgets.Scaffold
}

func newInkPage(u *UI, cert client.Certificate, next func()) *inkPage {
	return &inkPage{ui: u, cert: cert, next: next}
}

// Title implements Page.
func (p *inkPage) Title() string { return p.ui.T("M14.title") }

// Tools implements Tooler.
func (p *inkPage) Tools() []fyne.CanvasObject {
	if p.next == nil {
		return nil
	}
	return []fyne.CanvasObject{widgets.NewButton(widgets.Plain, p.ui.T("skip"), p.next)}
}

// Content implements Page.
func (p *inkPage) Content(*Router) fyne.CanvasObject {
	u := p.ui
	old := p.ink
	p.ink = widgets.NewInk(u.deps.Clock.Now)
	if old != nil {
		for _, s := range old.Strokes() {
			p.ink.Write(s)
		}
	}
	p.ink.OnChanged = p.paint
	p.old = widgets.Column(0)
	p.note = widgets.Caption(u.T("M14.hint"))
	p.undo = widgets.IconButton(widgets.Secondary, "undo", u.T("M14.undo"), p.ink.Undo)
	p.clear = widgets.IconButton(widgets.Secondary, "trash", u.T("M14.clear"), p.ink.Clear)
	p.submit = widgets.NewButton(widgets.Primary, u.T("M14.submit"), p.send)
	p.body = widgets.NewScaffold(style.ListWidth, p.ink, widgets.Column(style.Space3, p.note, p.old,
		widgets.Grid(100, style.Space3, 2, p.undo, p.clear), p.submit))
	p.body.Fill = true
	p.paint()
	return p.body
}

// Shown implements Shower: the signature that is stored already.
func (p *inkPage) Shown(ctx context.Context) {
	if !p.cert.HasInk {
		return
	}
	Go(ctx, p.ui, func(ctx context.Context) (client.Ink, error) {
		return p.ui.deps.Services.Inks.Ink(ctx, p.cert.ID)
	}, func(ink client.Ink, err error) {
		if ctx.Err() != nil || err != nil || len(ink.PNG) == 0 {
			return // without the present one a new one can be written all the same
		}
		picture, err := png.Decode(bytes.NewReader(ink.PNG))
		if err != nil {
			return
		}
		p.showOld(picture)
	})
}

func (p *inkPage) showOld(picture image.Image) {
	shown := canvas.NewImageFromImage(picture)
	shown.FillMode = canvas.ImageFillContain
	p.old.Objects = []fyne.CanvasObject{widgets.Row(style.Space3, widgets.Caption(p.ui.T("M14.present")).NoWrap(),
		widgets.NewBox(style.Paper, style.RadiusSmall, widgets.Pad(style.Space2, widgets.Fixed(fyne.NewSize(120, 48), shown))), widgets.Spacer())}
	p.body.Refresh()
}

func (p *inkPage) paint() {
	some := len(p.ink.Strokes()) > 0
	p.undo.SetEnabled(some)
	p.clear.SetEnabled(some)
	p.note.SetText(p.ui.T("M14.hint"))
	p.note.SetColour(style.TextSoft)
}

func (p *inkPage) send() {
	u := p.ui
	if err := p.ink.Check(); err != nil {
		p.note.SetText(u.Explain(err))
		p.note.SetColour(style.Danger)
		p.body.Refresh()
		return
	}
	ink, err := p.captured()
	if err != nil {
		u.fail(err, nil)
		return
	}
	u.authenticate(u.T("M14.title"), p.cert, func(ctx context.Context, password []byte, _ client.Progress) error {
		return u.deps.Services.Inks.SubmitInk(ctx, p.cert.ID, ink, password)
	}, func() {
		u.Toast(u.T("M14.done"))
		if p.next != nil {
			p.next()
			return
		}
		u.Pop()
	})
}

// captured returns the ink as a transparent trimmed PNG and its strokes.
func (p *inkPage) captured() (client.Ink, error) {
	var b bytes.Buffer
	if err := png.Encode(&b, p.ink.Image()); err != nil {
		return client.Ink{}, err
	}
	out := client.Ink{PNG: b.Bytes()}
	for _, s := range p.ink.Strokes() {
		dots := make([]client.InkDot, len(s))
		for i, d := range s {
			dots[i] = client.InkDot(d)
		}
		out.Strokes = append(out.Strokes, dots)
	}
	return out, nil
}
