package ui

import (
	"context"
	"strings"

	"fyne.io/fyne/v2"

	"cloudkey/client"
	"cloudkey/ui/style"
	"cloudkey/ui/widgets"
)

// Enrolments download certificates (M01, M04).
type Enrolments interface {
	Pending(ctx context.Context) (client.Pending, error)
	BeginEnrolment(ctx context.Context, orgID, account string) (client.Enrolment, error)
	ResendCode(ctx context.Context, enrolmentID string) (client.Enrolment, error)
	AbandonEnrolment(ctx context.Context, enrolmentID string) error
	Enrol(ctx context.Context, enrolmentID string, smsPassword []byte, progress client.Progress) (client.Certificate, error)
	ResumeEnrol(ctx context.Context, certID string, smsPassword []byte, progress client.Progress) (client.Certificate, error)
}

// downloadPage is M01 下载证书.
type downloadPage struct {
	f       *flow
	orgs    []client.Organisation
	pending client.Pending
	account *widgets.Field
	org     *fyne.Container
	notice  *fyne.Container
	body    *widgets.Scaffold
	next    *widgets.Button
}

func newDownloadPage(f *flow) *downloadPage { return &downloadPage{f: f} }

// Title implements Page.
func (p *downloadPage) Title() string { return p.f.ui.T("M01.title") }

// Tools implements Tooler: the language can be chosen before anything else.
func (p *downloadPage) Tools() []fyne.CanvasObject {
	u := p.f.ui
	return []fyne.CanvasObject{widgets.ToolButton("language", u.T("switchLanguage"), style.TextSoft, func() {
		other := "en"
		if u.words.Tag() == "en" {
			other = "zh"
		}
		u.SetLanguage(other)
	})}
}

// Content implements Page.
func (p *downloadPage) Content(*Router) fyne.CanvasObject {
	u, f := p.f.ui, p.f
	typed := f.account
	if p.account != nil {
		typed = p.account.Text()
	}
	p.account = widgets.NewField(u.T("M01.account"), u.T("M01.accountPlaceholder"), u.T("M01.accountHint"))
	p.account.Entry.SetText(typed)
	p.account.Entry.OnChanged = func(string) {
		if p.account.Error() != "" {
			p.account.SetError("")
			p.body.Refresh()
		}
	}
	p.account.Entry.OnSubmitted = func(string) { p.proceed() }
	p.org, p.notice = widgets.Column(0), widgets.Column(0)
	choices := widgets.List(
		widgets.NewSwitchItem("phone", u.T("M01.bind"), u.T("M01.bindHint"), f.bind, func(on bool) { f.bind = on }),
		widgets.NewSwitchItem("ink", u.T("M01.ink"), u.T("M01.inkHint"), f.ink, func(on bool) { f.ink = on }))
	p.next = widgets.NewButton(widgets.Primary, u.T("next"), p.proceed)
	p.body = widgets.NewScaffold(style.FormWidth, widgets.Column(style.Space6,
		widgets.Column(style.Space2, widgets.Title(u.T("M01.heading")), widgets.NewText(u.T("M01.intro")).Colour(style.TextSoft)),
		p.notice, p.org, p.account, choices), p.next)
	p.paint()
	return p.body
}

// Shown implements Shower.
func (p *downloadPage) Shown(ctx context.Context) {
	u := p.f.ui
	s := u.deps.Services
	type state struct {
		orgs    []client.Organisation
		pending client.Pending
	}
	Go(ctx, u, func(ctx context.Context) (st state, err error) {
		if st.orgs, err = s.Organisations.Organisations(ctx); err != nil {
			return st, err
		}
		st.pending, err = s.Enrolments.Pending(ctx)
		return st, err
	}, func(st state, err error) {
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			u.fail(err, nil)
			return
		}
		p.orgs, p.pending = st.orgs, st.pending
		if p.f.org.ID == "" && len(p.orgs) > 0 {
			p.f.org = p.orgs[0]
		}
		p.paint()
	})
}

// paint shows the organisation and an unfinished download.
func (p *downloadPage) paint() {
	u, f := p.f.ui, p.f
	item := widgets.Item{Icon: "organisation", Title: u.T("M01.noOrganisation"), Subtitle: u.T("M01.noOrganisationHint"), Arrow: true}
	tapped := func() { f.account = p.typed(); f.scan() }
	if f.org.ID != "" {
		item.Title, item.Subtitle, tapped = f.org.Name, hostOf(f.org.API), p.chooseOrganisation
	}
	p.org.Objects = []fyne.CanvasObject{widgets.List(widgets.ListItem(item, tapped))}
	p.notice.Objects = nil
	if p.pending.Enrolment != nil || p.pending.Certificate != nil {
		p.notice.Objects = []fyne.CanvasObject{widgets.Banner(widgets.Caution, u.T("M01.unfinished", "account", pendingAccount(p.pending)),
			u.T("M01.continue"), func() { f.resume(p.pending) })}
	}
	p.notice.Hidden = len(p.notice.Objects) == 0
	p.body.Refresh()
}

func pendingAccount(p client.Pending) string {
	if p.Certificate != nil {
		return p.Certificate.Account
	}
	return p.Enrolment.Account
}

func (p *downloadPage) typed() string { return strings.TrimSpace(p.account.Text()) }

// proceed is 下一步: to the scanner when there is no organisation yet, else to the SMS password.
func (p *downloadPage) proceed() {
	u, f := p.f.ui, p.f
	account := p.typed()
	if problem := checkAccount(account); problem != "" {
		p.account.SetError(u.T(problem))
		p.body.Refresh()
		u.win.Canvas().Focus(p.account.Entry)
		return
	}
	f.account = account
	if f.org.ID != "" {
		f.enrol()
		return
	}
	// The list may still be on its way: whoever is that quick must not be asked for a QR code again.
	Run(u.Context(), u, u.T("loading"), u.deps.Services.Organisations.Organisations, func(orgs []client.Organisation, err error) {
		switch {
		case err != nil:
			u.fail(err, nil)
		case len(orgs) == 0:
			f.scan()
		default:
			f.org = orgs[0]
			f.enrol()
		}
	})
}

// maxAccount is the longest account in characters.
const maxAccount = 64

// checkAccount returns the key of what is wrong with an account, or "".
func checkAccount(account string) string {
	switch n := len([]rune(account)); {
	case n == 0:
		return "M01.accountEmpty"
	case n > maxAccount:
		return "M01.accountTooLong"
	}
	for _, r := range account {
		if r <= ' ' || r == 0x7F {
			return "M01.accountCharacters"
		}
	}
	return ""
}

// chooseOrganisation offers the known organisations and the scanner.
func (p *downloadPage) chooseOrganisation() {
	u, f := p.f.ui, p.f
	var m *Modal
	items := []fyne.CanvasObject{}
	for _, o := range p.orgs {
		items = append(items, widgets.ListItem(widgets.Item{Icon: "organisation", Title: o.Name, Subtitle: hostOf(o.API), Selected: o.ID == f.org.ID}, func() {
			m.Close()
			f.org = o
			p.paint()
		}))
	}
	items = append(items, widgets.ListItem(widgets.Item{Icon: "scan", Title: u.T("M01.otherOrganisation"), Arrow: true}, func() {
		m.Close()
		f.account = p.typed()
		f.scan()
	}))
	m = u.Sheet(widgets.Column(style.Space3, widgets.Heading(u.T("M01.organisation")), widgets.List(items...)), style.FormWidth, false, func() { m.Close() })
}

// Closed implements Closer.
func (p *downloadPage) Closed() { p.f.forget() }
