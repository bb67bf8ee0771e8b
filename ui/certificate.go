package ui

import (
	"context"
	"fmt"
	"strings"

	"fyne.io/fyne/v2"

	"cloudkey/client"
	"cloudkey/ui/style"
	"cloudkey/ui/widgets"
)

// certificatePage is M09 证书信息, with M11 删除证书.
type certificatePage struct {
	ui   *UI
	cert client.Certificate
}

func newCertificatePage(u *UI, cert client.Certificate) *certificatePage {
	return &certificatePage{ui: u, cert: cert}
}

// Title implements Page.
func (p *certificatePage) Title() string { return p.ui.T("M09.title") }

// Content implements Page.
func (p *certificatePage) Content(*Router) fyne.CanvasObject {
	u, c := p.ui, p.cert
	state, tone := u.stateText(c)
	bound, boundTone := u.T("cert.bound"), widgets.Good
	if !c.Bound {
		bound, boundTone = u.T("cert.notBound"), widgets.Caution
	}
	chip := func(tone widgets.Tone, text string) fyne.CanvasObject {
		return widgets.Row(0, widgets.Chip(tone, text), widgets.Spacer())
	}
	facts := []fyne.CanvasObject{
		widgets.FactWith(u.T("cert.holder"), widgets.NewText(c.Holder).Bold()),
		widgets.Fact(u.T("cert.account"), c.Account),
		widgets.Fact(u.T("cert.organisation"), c.Organisation.Name),
	}
	if c.Phone != "" {
		facts = append(facts, widgets.Fact(u.T("cert.phone"), c.Phone))
	}
	facts = append(facts,
		widgets.FactWith(u.T("cert.state"), chip(tone, state)),
		widgets.Fact(u.T("cert.validity"), u.timeOf(c.NotBefore)+" – "+u.timeOf(c.NotAfter)),
		widgets.Fact(u.T("cert.serial"), groups(c.Serial)),
		widgets.Fact(u.T("cert.algorithm"), c.Algorithm),
		widgets.FactWith(u.T("cert.device"), chip(boundTone, bound)))
	parts := []fyne.CanvasObject{}
	if tone, text := u.stateNotice(c); text != "" {
		parts = append(parts, widgets.Banner(tone, text, "", nil))
	}
	parts = append(parts, widgets.Card(facts...), widgets.List(
		widgets.ListItem(widgets.Item{Icon: "certificate", Title: u.T("M09.view"), Subtitle: u.T("M09.viewHint"), Arrow: true}, func() {
			u.Push(newDetailsPage(u, c))
		})))
	return widgets.NewScaffold(style.FormWidth+80, widgets.Column(style.Space4, parts...),
		widgets.IconButton(widgets.DangerPlain, "trash", u.T("M11.title"), p.remove))
}

// remove is M11.
func (p *certificatePage) remove() {
	u, c := p.ui, p.cert
	u.Confirm(u.T("M11.confirmTitle"), u.T("M11.confirmText", "holder", c.Holder, "account", c.Account, "organisation", c.Organisation.Name), u.T("M11.confirm"), true, func() {
		Run(u.Context(), u, u.T("M11.deleting"), func(ctx context.Context) (struct{}, error) {
			return struct{}{}, u.deps.Services.Certificates.Delete(ctx, c.ID)
		}, func(_ struct{}, err error) {
			if err != nil {
				u.fail(err, nil)
				return
			}
			u.Toast(u.T("M11.done"))
			u.Reset(&startPage{ui: u})
		})
	})
}

// detailsPage is 查看证书, the second half of M09.
type detailsPage struct {
	ui      *UI
	cert    client.Certificate
	details *client.CertificateDetails
	problem error
	content *fyne.Container
	body    *widgets.Scaffold
}

func newDetailsPage(u *UI, cert client.Certificate) *detailsPage {
	return &detailsPage{ui: u, cert: cert}
}

// Title implements Page.
func (p *detailsPage) Title() string { return p.ui.T("M09.detailsTitle") }

// Content implements Page.
func (p *detailsPage) Content(*Router) fyne.CanvasObject {
	p.content = widgets.Column(style.Space4)
	p.body = widgets.NewScaffold(style.GridWidth, p.content, nil)
	p.paint()
	return p.body
}

// Shown implements Shower.
func (p *detailsPage) Shown(ctx context.Context) {
	if p.details != nil {
		return
	}
	Go(ctx, p.ui, func(ctx context.Context) (client.CertificateDetails, error) {
		return p.ui.deps.Services.Certificates.Details(ctx, p.cert.ID)
	}, func(d client.CertificateDetails, err error) {
		if ctx.Err() != nil {
			return
		}
		if p.problem = err; err == nil {
			p.details = &d
		}
		p.paint()
	})
}

func (p *detailsPage) paint() {
	u, d := p.ui, p.details
	p.content.Objects = nil
	switch {
	case p.problem != nil:
		p.content.Add(widgets.Banner(widgets.Bad, u.report(p.problem), u.T("retry"), func() { p.Shown(u.Context()) }))
	case d == nil:
		p.content.Add(widgets.Inset(80, 0, 0, 0, widgets.Centre(widgets.NewSpinner(36))))
	default:
		extensions := []fyne.CanvasObject{p.fact("attribute.keyUsage", u.keyUsages(d.KeyUsages))}
		for _, a := range d.Extensions {
			extensions = append(extensions, widgets.Fact(u.attributeName(a), a.Value))
		}
		p.content.Add(widgets.Grid(420, style.Space4, 2,
			p.section("M09.subject", p.attributes(d.Subject)...),
			p.section("M09.issuer", p.attributes(d.Issuer)...),
			p.section("M09.validity", p.fact("cert.serial", groups(d.Serial)), p.fact("cert.from", u.timeOf(d.NotBefore)), p.fact("cert.until", u.timeOf(d.NotAfter))),
			p.section("M09.key", p.fact("M09.signatureAlgorithm", d.SignatureAlgorithm), p.fact("M09.keyAlgorithm", d.PublicKeyAlgorithm),
				p.copyable(u.T("M09.publicKey"), d.PublicKey)),
			p.section("M09.extensions", extensions...),
			p.section("M09.fingerprints", p.copyable("SM3", d.SM3), p.copyable("SHA-256", d.SHA256))))
		p.content.Add(widgets.Heading(u.T("M09.export")))
		p.content.Add(widgets.List(
			p.exportItem("M09.exportPEM", "cert.pem", d.PEM),
			p.exportItem("M09.exportDER", "cert.der", d.DER),
			p.exportItem("M09.exportChain", "chain.pem", d.Chain)))
	}
	p.body.Refresh()
}

func (p *detailsPage) section(key string, facts ...fyne.CanvasObject) fyne.CanvasObject {
	return widgets.Card(append([]fyne.CanvasObject{widgets.Heading(p.ui.T(key))}, facts...)...)
}

func (p *detailsPage) attributes(as []client.Attribute) []fyne.CanvasObject {
	out := make([]fyne.CanvasObject, len(as))
	for i, a := range as {
		out[i] = widgets.Fact(p.ui.attributeName(a), a.Value)
	}
	return out
}

// fact is a line whose name is given by its key.
func (p *detailsPage) fact(key, value string) fyne.CanvasObject {
	return widgets.Fact(p.ui.T(key), value)
}

// copyable is a long value with a button that copies it.
func (p *detailsPage) copyable(name, value string) fyne.CanvasObject {
	u := p.ui
	return widgets.FactWith(name, widgets.Row(style.Space2, widgets.Grow(widgets.NewText(groups(value)).Sized(style.TextSmall)),
		widgets.ToolButton("copy", u.T("copyOf", "name", name), style.Primary, func() { u.copyText(value) })))
}

func (p *detailsPage) exportItem(key, name string, data []byte) fyne.CanvasObject {
	return widgets.ListItem(widgets.Item{Icon: "save", Title: p.ui.T(key), Subtitle: name, Arrow: true}, func() { p.ui.save(name, data) })
}

// save lets the user choose where to write data.
func (u *UI) save(name string, data []byte) {
	u.deps.Files.SaveFile(name, func(t *Target, err error) {
		if err != nil {
			u.fail(err, nil)
			return
		}
		if t == nil {
			return
		}
		Run(u.Context(), u, u.T("saving"), func(context.Context) (struct{}, error) {
			_, err := t.Write(data)
			if cerr := t.Close(); err == nil {
				err = cerr
			}
			return struct{}{}, err
		}, func(_ struct{}, err error) {
			if err != nil {
				u.fail(err, nil)
				return
			}
			u.Toast(u.T("saved", "name", t.Name))
		})
	})
}

// attributeName is the name of a certificate attribute in the user's language, with its OID when it has no name here.
func (u *UI) attributeName(a client.Attribute) string {
	switch a.Name {
	case "CN":
		return u.T("attribute.CN")
	case "O":
		return u.T("attribute.O")
	case "OU":
		return u.T("attribute.OU")
	case "C":
		return u.T("attribute.C")
	case "ST":
		return u.T("attribute.ST")
	case "L":
		return u.T("attribute.L")
	case "SERIALNUMBER", "serialNumber":
		return u.T("attribute.serialNumber")
	case "UID":
		return u.T("attribute.UID")
	case "E", "emailAddress":
		return u.T("attribute.email")
	case "basicConstraints":
		return u.T("attribute.basicConstraints")
	case "subjectKeyIdentifier", "subjectKeyId":
		return u.T("attribute.subjectKeyIdentifier")
	case "authorityKeyIdentifier", "authorityKeyId":
		return u.T("attribute.authorityKeyIdentifier")
	case "extendedKeyUsage", "extKeyUsage":
		return u.T("attribute.extendedKeyUsage")
	case "subjectAltName":
		return u.T("attribute.subjectAltName")
	case "crlDistributionPoints", "cRLDistributionPoints":
		return u.T("attribute.crlDistributionPoints")
	case "authorityInfoAccess":
		return u.T("attribute.authorityInfoAccess")
	case "certificatePolicies":
		return u.T("attribute.certificatePolicies")
	case "keyUsage":
		return u.T("attribute.keyUsage")
	}
	if a.Name == "" {
		return a.OID
	}
	if a.OID != "" && a.OID != a.Name {
		return fmt.Sprintf("%s (%s)", a.Name, a.OID)
	}
	return a.Name
}

// keyUsages are the uses of RFC 5280 §4.2.1.3 in the user's language.
func (u *UI) keyUsages(names []string) string {
	words := map[string]string{
		"digitalSignature": u.T("usage.digitalSignature"),
		"nonRepudiation":   u.T("usage.nonRepudiation"), "contentCommitment": u.T("usage.nonRepudiation"),
		"keyEncipherment":  u.T("usage.keyEncipherment"),
		"dataEncipherment": u.T("usage.dataEncipherment"),
		"keyAgreement":     u.T("usage.keyAgreement"),
		"keyCertSign":      u.T("usage.keyCertSign"),
		"cRLSign":          u.T("usage.cRLSign"),
	}
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = n
		if w, ok := words[n]; ok {
			out[i] = w
		}
	}
	return strings.Join(out, u.T("listSeparator"))
}
