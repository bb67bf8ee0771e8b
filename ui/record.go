package ui

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"

	"fyne.io/fyne/v2"

	"cloudkey/client"
	"cloudkey/ui/style"
	"cloudkey/ui/widgets"
)

// verification is how far the check of a signature is.
type verification int

const (
	unverified verification = iota
	verifying
	verified
	failedVerification
)

// recordPage is the result of a signature and an entry of 签名记录 (M15): it verifies the signature each time it opens.
type recordPage struct {
	ui       *UI
	rec      client.SignatureRecord
	document []byte // nil: the check is against the stored digest
	fresh    bool   // just signed
	state    verification
	problem  string
	round    int // of verification; an earlier one that ends late is not shown
	top      *fyne.Container
	body     *widgets.Scaffold
}

func newRecordPage(u *UI, rec client.SignatureRecord) *recordPage {
	return &recordPage{ui: u, rec: rec}
}

// Title implements Page.
func (p *recordPage) Title() string {
	if p.fresh {
		return p.ui.T("M15.resultTitle")
	}
	return p.ui.T("M15.recordTitle")
}

// Content implements Page.
func (p *recordPage) Content(r *Router) fyne.CanvasObject {
	u, rec := p.ui, p.rec
	p.top = widgets.Column(style.Space3)
	facts := widgets.Card(
		widgets.FactWith(u.T("M15.document"), widgets.NewText(rec.Document).Bold()),
		widgets.Fact(u.T("M15.size"), u.size(rec.Size)),
		widgets.Fact(u.T("M15.signer"), rec.Holder+" ("+rec.Account+")"),
		widgets.Fact(u.T("M15.time"), u.timeOf(rec.Time)),
		widgets.Fact(u.T("M15.digest"), groups(strings.ToUpper(hex.EncodeToString(rec.Digest)))),
		widgets.Fact(u.T("cert.serial"), groups(rec.Serial)))
	files := widgets.List(
		widgets.ListItem(widgets.Item{Icon: "save", Title: u.T("M15.saveDER"), Subtitle: "signature.der", Arrow: true}, func() { u.save("signature.der", rec.Signature) }),
		widgets.ListItem(widgets.Item{Icon: "save", Title: u.T("M15.saveP7S"), Subtitle: "signature.p7s", Arrow: true}, func() { u.save("signature.p7s", rec.SignedData) }),
		widgets.ListItem(widgets.Item{Icon: "shield", Title: u.T("M15.verifyFile"), Subtitle: u.T("M15.verifyFileHint"), Arrow: true}, p.verifyFile))
	var bottom fyne.CanvasObject
	if p.fresh {
		bottom = widgets.NewButton(widgets.Primary, u.T("finish"), r.Pop)
	}
	p.body = widgets.NewScaffold(style.GridWidth, widgets.Column(style.Space4, p.top, widgets.Grid(420, style.Space4, 2, facts, files)), bottom)
	p.body.MaxWidth = style.FormWidth + 80
	p.paint()
	return p.body
}

// Shown implements Shower.
func (p *recordPage) Shown(context.Context) {
	if p.state == unverified {
		p.verify(p.document)
	}
}

func (p *recordPage) verify(document []byte) {
	u := p.ui
	p.state, p.document = verifying, document
	p.paint()
	p.round++
	round, ctx := p.round, u.Context()
	Go(ctx, u, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, u.deps.Services.Signatures.Verify(ctx, p.rec, document)
	}, func(_ struct{}, err error) {
		if ctx.Err() != nil || round != p.round {
			return
		}
		p.state, p.problem = verified, ""
		if err != nil {
			p.state, p.problem = failedVerification, u.report(err)
			if errors.Is(err, client.ErrBadSignature) && document != nil && !p.fresh {
				p.problem = u.T("M15.otherDocument")
			}
		}
		p.paint()
	})
}

// verifyFile checks the signature against a file that the user chooses.
func (p *recordPage) verifyFile() {
	p.ui.openDocument(func(d client.Document) { p.verify(d.Content) })
}

func (p *recordPage) paint() {
	u := p.ui
	against := u.T("M15.againstDigest")
	if p.document != nil {
		against = u.T("M15.againstDocument")
	}
	show := func(icon fyne.CanvasObject, title, text string) {
		p.top.Objects = []fyne.CanvasObject{widgets.Centre(icon), widgets.Title(title).Centred(), widgets.NewText(text).Colour(style.TextSoft).Centred()}
	}
	switch p.state {
	case verified:
		show(widgets.Plate("success", 72, style.SuccessTint, style.Success), u.T("M15.verified"), against)
	case failedVerification:
		show(widgets.Plate("error", 72, style.DangerTint, style.Danger), u.T("M15.notVerified"), p.problem)
	default:
		show(widgets.Fixed(fyne.NewSquareSize(72), widgets.Pad(14, widgets.NewSpinner(44))), u.T("M15.verifying"), against)
	}
	p.body.Refresh()
}

// historyPage is 签名记录 (M15).
type historyPage struct {
	ui      *UI
	cert    client.Certificate
	records []client.SignatureRecord
	loaded  bool
	problem error
	list    *fyne.Container
	body    *widgets.Scaffold
}

func newHistoryPage(u *UI, cert client.Certificate) *historyPage {
	return &historyPage{ui: u, cert: cert}
}

// Title implements Page.
func (p *historyPage) Title() string { return p.ui.T("M15.historyTitle") }

// Content implements Page.
func (p *historyPage) Content(*Router) fyne.CanvasObject {
	p.list = widgets.Column(style.Space4)
	p.body = widgets.NewScaffold(style.ListWidth, p.list, nil)
	p.paint()
	return p.body
}

// Shown implements Shower.
func (p *historyPage) Shown(ctx context.Context) {
	Go(ctx, p.ui, func(ctx context.Context) ([]client.SignatureRecord, error) {
		return p.ui.deps.Services.Signatures.History(ctx, p.cert.ID)
	}, func(rs []client.SignatureRecord, err error) {
		if ctx.Err() != nil {
			return
		}
		if p.problem = err; err == nil {
			p.records, p.loaded = rs, true
		}
		p.paint()
	})
}

func (p *historyPage) paint() {
	u := p.ui
	p.list.Objects = nil
	switch {
	case p.problem != nil:
		p.list.Add(widgets.Banner(widgets.Bad, u.report(p.problem), u.T("retry"), func() { p.Shown(u.Context()) }))
	case !p.loaded:
		p.list.Add(widgets.Inset(80, 0, 0, 0, widgets.Centre(widgets.NewSpinner(36))))
	case len(p.records) == 0:
		p.list.Add(widgets.Empty("history", u.T("M15.historyEmpty"), u.T("M15.historyEmptyText")))
	}
	for i := 0; i < len(p.records); {
		day := u.dayOf(p.records[i].Time)
		items := []fyne.CanvasObject{}
		for ; i < len(p.records) && u.dayOf(p.records[i].Time) == day; i++ {
			rec := p.records[i]
			items = append(items, widgets.ListItem(widgets.Item{
				Icon: "file", Title: rec.Document,
				Subtitle: rec.Time.Local().Format("15:04") + " · " + u.size(rec.Size), Arrow: true,
			}, func() { u.Push(newRecordPage(u, rec)) }))
		}
		p.list.Add(widgets.Column(style.Space2, widgets.NewText(day).Sized(style.TextSmall).Colour(style.TextSoft).Bold(), widgets.List(items...)))
	}
	p.body.Refresh()
}
