package ui

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"fyne.io/fyne/v2"

	"cloudkey/client"
	"cloudkey/ui/style"
	"cloudkey/ui/widgets"
)

// Organisations initialise the app for an organisation (M02).
type Organisations interface {
	ReadInit(ctx context.Context, text string) (*client.InitOffer, error)
	AcceptInit(ctx context.Context, offer *client.InitOffer, code string) (client.Organisation, error)
	Organisations(ctx context.Context) ([]client.Organisation, error)
}

// codeLength is the number of characters of the first-use code.
const codeLength = 8

// confirmPage is the second half of M02: what the QR says, before anything is sent or stored.
type confirmPage struct {
	f     *flow
	offer *client.InitOffer
	code  *widgets.Field
	body  *widgets.Scaffold
}

func newConfirmPage(f *flow, offer *client.InitOffer) *confirmPage {
	return &confirmPage{f: f, offer: offer}
}

// Title implements Page.
func (p *confirmPage) Title() string { return p.f.ui.T("M02.confirmTitle") }

// Content implements Page.
func (p *confirmPage) Content(r *Router) fyne.CanvasObject {
	u, o := p.f.ui, p.offer
	head := widgets.Column(style.Space3, widgets.Centre(widgets.Plate("organisation", 64, style.Tonal, style.OnTonal)),
		widgets.Title(o.Organisation.Name).Centred(), widgets.NewText(u.T("M02.confirmIntro")).Colour(style.TextSoft).Centred())
	offered := p.card(u.T("M02.offered"), o.Organisation, o.Host,
		widgets.Fact(u.T("M02.signer"), o.Signer), widgets.Fact(u.T("M02.expires"), u.timeOf(o.Expires)))
	parts := []fyne.CanvasObject{head}
	if o.NeedsCode {
		parts = append(parts, widgets.Banner(widgets.Caution, u.T("M02.strangeSigner"), "", nil))
		typed := ""
		if p.code != nil {
			typed = p.code.Text()
		}
		p.code = widgets.NewField(u.T("M02.code"), u.T("M02.codePlaceholder"), u.T("M02.codeHint"))
		p.code.Entry.SetText(typed)
		p.code.Entry.OnSubmitted = func(string) { p.accept() }
		parts = append(parts, p.code)
	}
	if o.Replaces != nil {
		parts = append(parts, widgets.Banner(widgets.Caution, u.T("M02.replaces"), "", nil),
			widgets.Grid(320, style.Space3, 2, offered, p.card(u.T("M02.present"), *o.Replaces, hostOf(o.Replaces.API))))
	} else {
		parts = append(parts, offered)
	}
	width := style.FormWidth
	if o.Replaces != nil {
		width = style.ListWidth
	}
	p.body = widgets.NewScaffold(width, widgets.Column(style.Space4, parts...), widgets.Column(style.Space1,
		widgets.NewButton(widgets.Primary, u.T("M02.accept"), p.accept), widgets.NewButton(widgets.Plain, u.T("cancel"), r.Pop)))
	return p.body
}

// card shows an organisation's configuration.
func (p *confirmPage) card(title string, o client.Organisation, host string, more ...fyne.CanvasObject) fyne.CanvasObject {
	u := p.f.ui
	facts := []fyne.CanvasObject{
		widgets.NewText(title).Sized(style.TextSmall).Colour(style.TextSoft).Bold(),
		widgets.FactWith(u.T("M02.host"), widgets.NewText(host).Bold()),
		widgets.Fact(u.T("M02.api"), o.API),
	}
	if o.Cosign != "" && o.Cosign != o.API {
		facts = append(facts, widgets.Fact(u.T("M02.cosign"), o.Cosign))
	}
	facts = append(facts, widgets.Fact(u.T("M02.fingerprint"), groups(o.Fingerprint)))
	return widgets.Card(append(facts, more...)...)
}

func (p *confirmPage) accept() {
	u := p.f.ui
	code := ""
	if p.offer.NeedsCode {
		code = strings.ToUpper(strings.Join(strings.FieldsFunc(p.code.Text(), func(r rune) bool { return r == ' ' || r == '-' }), ""))
		if len(code) != codeLength {
			p.codeError(u.T("M02.codeLength"))
			return
		}
	}
	Run(u.Context(), u, u.T("M02.asking"), func(ctx context.Context) (client.Organisation, error) {
		return u.deps.Services.Organisations.AcceptInit(ctx, p.offer, code)
	}, func(org client.Organisation, err error) {
		var qr *client.QRError
		switch {
		case errors.As(err, &qr) && qr.Reason == client.QRWrongCode && p.code != nil:
			p.codeError(u.report(err))
		case err != nil:
			u.fail(err, nil)
		default:
			u.Toast(u.T("M02.done", "name", org.Name))
			p.f.confirmed(org)
		}
	})
}

func (p *confirmPage) codeError(text string) {
	p.code.SetError(text)
	p.body.Refresh()
	p.f.ui.win.Canvas().Focus(p.code.Entry)
}

// hostOf returns host and port of an address as the user compares it.
func hostOf(address string) string {
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		return u.Host
	}
	return address
}

// groups puts spaces between the pairs of a long hexadecimal text, so that it can be read and wraps.
func groups(hex string) string {
	hex = strings.NewReplacer(":", "", " ", "").Replace(hex)
	var b strings.Builder
	for i, r := range hex {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}
