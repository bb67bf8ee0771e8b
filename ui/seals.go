package ui

import (
	"bytes"
	"context"
	"image/png"
	"strings"
	"unicode/utf8"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"

	"cloudkey/client"
	"cloudkey/ui/style"
	"cloudkey/ui/widgets"
)

// Seals are the electronic seals of a certificate (M18).
type Seals interface {
	Seals(ctx context.Context, certID string) ([]client.Seal, error)
	MakeSeal(ctx context.Context, certID, name string, password []byte) (client.Seal, error)
	SetDefaultSeal(ctx context.Context, certID, sealID string) error
	DeleteSeal(ctx context.Context, certID, sealID string) error
}

// maxSealName is the longest name of a seal, in characters.
const maxSealName = 32

// sealsPage is M18 签章管理.
type sealsPage struct {
	ui      *UI
	cert    client.Certificate
	seals   []client.Seal
	loaded  bool
	problem error
	list    *fyne.Container
	body    *widgets.Scaffold
}

func newSealsPage(u *UI, cert client.Certificate) *sealsPage { return &sealsPage{ui: u, cert: cert} }

// Title implements Page.
func (p *sealsPage) Title() string { return p.ui.T("M18.title") }

// Content implements Page.
func (p *sealsPage) Content(*Router) fyne.CanvasObject {
	u := p.ui
	p.list = widgets.Column(style.Space3)
	p.body = widgets.NewScaffold(style.FormWidth+80, p.list, widgets.IconButton(widgets.Primary, "plus", u.T("M18.make"), func() {
		u.Push(newMakeSealPage(u, p.cert))
	}))
	p.paint()
	return p.body
}

// Shown implements Shower.
func (p *sealsPage) Shown(ctx context.Context) {
	Go(ctx, p.ui, func(ctx context.Context) ([]client.Seal, error) {
		return p.ui.deps.Services.Seals.Seals(ctx, p.cert.ID)
	}, func(seals []client.Seal, err error) {
		if ctx.Err() != nil {
			return
		}
		if p.problem = err; err == nil {
			p.seals, p.loaded = seals, true
		}
		p.paint()
	})
}

func (p *sealsPage) paint() {
	u := p.ui
	p.list.Objects = nil
	switch {
	case p.problem != nil:
		p.list.Add(widgets.Banner(widgets.Bad, u.report(p.problem), u.T("retry"), func() { p.Shown(u.Context()) }))
	case !p.loaded:
		p.list.Add(widgets.Inset(80, 0, 0, 0, widgets.Centre(widgets.NewSpinner(36))))
	case len(p.seals) == 0:
		p.list.Add(widgets.Empty("seal", u.T("M18.empty"), u.T("M18.emptyText")))
	}
	for _, s := range p.seals {
		p.list.Add(p.card(s))
	}
	p.body.Refresh()
}

// card is a seal with its picture.
func (p *sealsPage) card(s client.Seal) fyne.CanvasObject {
	u := p.ui
	head := widgets.Row(style.Space2, widgets.Grow(widgets.NewText(s.Name).Bold()))
	if s.Default {
		head.Add(widgets.Chip(widgets.Good, u.T("M18.default")))
	}
	if !u.deps.Clock.Now().Before(s.Until) {
		head.Add(widgets.Chip(widgets.Bad, u.T("cert.expired")))
	}
	t := widgets.NewTouch(s.Name, widgets.Pad(style.Space4, widgets.Column(style.Space3,
		onPaper(s.Picture, 96), head, widgets.Caption(u.T("M18.line", "kind", u.sealKind(s), "day", u.dayOf(s.Until))))), func() {
		u.Push(newSealPage(u, p.cert, s))
	})
	t.Fill, t.Radius = style.Surface, style.Radius+4
	return t
}

// onPaper is a PNG, height dp high, on a ground like paper, whatever the theme; the ground alone when it is no picture.
func onPaper(picture []byte, height float32) fyne.CanvasObject {
	var shown fyne.CanvasObject = widgets.VSpace(height)
	if decoded, err := png.Decode(bytes.NewReader(picture)); err == nil {
		image := canvas.NewImageFromImage(decoded)
		image.FillMode = canvas.ImageFillContain
		image.SetMinSize(fyne.NewSize(0, height))
		shown = image
	}
	return widgets.NewBox(style.Paper, style.RadiusSmall, widgets.Pad(style.Space3, shown))
}

func (u *UI) sealKind(s client.Seal) string {
	if s.Personal {
		return u.T("M18.personal")
	}
	return u.T("M18.organisation")
}

// makeSealPage makes a personal seal from the captured signature.
type makeSealPage struct {
	ui   *UI
	cert client.Certificate
	name *widgets.Field
	ink  *fyne.Container
	make *widgets.Button
	body *widgets.Scaffold
}

func newMakeSealPage(u *UI, cert client.Certificate) *makeSealPage {
	return &makeSealPage{ui: u, cert: cert}
}

// Title implements Page.
func (p *makeSealPage) Title() string { return p.ui.T("M18.make") }

// Content implements Page.
func (p *makeSealPage) Content(*Router) fyne.CanvasObject {
	u := p.ui
	name := u.T("M18.nameOf", "holder", p.cert.Holder)
	if p.name != nil {
		name = p.name.Text()
	}
	p.name = widgets.NewTextField(u.T("M18.name"), u.T("M18.namePlaceholder"), u.T("M18.nameHint", "n", maxSealName), 1)
	p.name.Entry.SetText(name)
	p.ink = widgets.Column(style.Space3)
	p.make = widgets.NewButton(widgets.Primary, u.T("M18.makeNow"), p.submit)
	p.make.SetEnabled(false)
	p.body = widgets.NewScaffold(style.FormWidth, widgets.Column(style.Space5, widgets.NewText(u.T("M18.makeText")).Colour(style.TextSoft), p.ink, p.name), p.make)
	return p.body
}

// Shown implements Shower: the signature may have been captured meanwhile.
func (p *makeSealPage) Shown(ctx context.Context) {
	u := p.ui
	Go(ctx, u, func(ctx context.Context) (client.Ink, error) {
		return u.deps.Services.Inks.Ink(ctx, p.cert.ID)
	}, func(ink client.Ink, err error) {
		if ctx.Err() != nil {
			return
		}
		p.ink.Objects = nil
		if ready := err == nil && len(ink.PNG) > 0; ready {
			p.ink.Add(onPaper(ink.PNG, 120))
			p.make.SetEnabled(true)
		} else {
			p.ink.Add(widgets.Banner(widgets.Info, u.T("M18.noInk"), u.T("M14.title"), func() { u.Push(newInkPage(u, p.cert, nil)) }))
			p.make.SetEnabled(false)
		}
		p.body.Refresh()
	})
}

func (p *makeSealPage) submit() {
	u := p.ui
	name := strings.TrimSpace(p.name.Text())
	problem := ""
	switch {
	case name == "":
		problem = u.T("M18.nameEmpty")
	case utf8.RuneCountInString(name) > maxSealName || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		problem = u.T("M18.nameBad", "n", maxSealName)
	}
	p.name.SetError(problem)
	p.body.Refresh()
	if problem != "" {
		return
	}
	u.authenticate(u.T("M18.make"), p.cert, func(ctx context.Context, password []byte, _ client.Progress) error {
		_, err := u.deps.Services.Seals.MakeSeal(ctx, p.cert.ID, name, password)
		return err
	}, func() {
		u.Toast(u.T("M18.made"))
		u.Pop()
	})
}

// sealPage is one seal.
type sealPage struct {
	ui   *UI
	cert client.Certificate
	seal client.Seal
}

func newSealPage(u *UI, cert client.Certificate, s client.Seal) *sealPage {
	return &sealPage{ui: u, cert: cert, seal: s}
}

// Title implements Page.
func (p *sealPage) Title() string { return p.ui.T("M18.one") }

// Content implements Page.
func (p *sealPage) Content(*Router) fyne.CanvasObject {
	u, s := p.ui, p.seal
	facts := widgets.Card(
		widgets.FactWith(u.T("M18.name"), widgets.NewText(s.Name).Bold()),
		widgets.Fact(u.T("M18.kind"), u.sealKind(s)),
		widgets.Fact(u.T("M18.validity"), u.dayOf(s.From)+" – "+u.dayOf(s.Until)),
		widgets.Fact(u.T("M18.print"), u.T("M18.millimetres", "width", s.Width, "height", s.Height)),
		widgets.Fact(u.T("M18.maker"), s.Maker))
	actions := widgets.Column(style.Space1)
	if !s.Default {
		actions.Add(widgets.NewButton(widgets.Primary, u.T("M18.setDefault"), func() {
			p.change(u.T("M18.setting"), u.T("M18.isDefault"), u.deps.Services.Seals.SetDefaultSeal)
		}))
	}
	actions.Add(widgets.IconButton(widgets.Secondary, "save", u.T("M18.save"), func() { u.save("seal.esl", s.DER) }))
	actions.Add(widgets.NewButton(widgets.DangerPlain, u.T("M18.delete"), func() {
		u.Confirm(u.T("M18.deleteTitle", "name", s.Name), u.T("M18.deleteText"), u.T("M18.delete"), true, func() {
			p.change(u.T("M18.deleting"), u.T("M18.deleted"), u.deps.Services.Seals.DeleteSeal)
		})
	}))
	return widgets.NewScaffold(style.FormWidth, widgets.Column(style.Space4, onPaper(s.Picture, 140), facts), actions)
}

// change runs a change of this seal and goes back to the list.
func (p *sealPage) change(doing, done string, call func(ctx context.Context, certID, sealID string) error) {
	u := p.ui
	Run(u.Context(), u, doing, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, call(ctx, p.cert.ID, p.seal.ID)
	}, func(_ struct{}, err error) {
		if err != nil {
			u.fail(err, nil)
			return
		}
		u.Toast(done)
		u.Pop()
	})
}
