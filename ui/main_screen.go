package ui

import (
	"context"
	"errors"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"

	"cloudkey/client"
	"cloudkey/ui/style"
	"cloudkey/ui/widgets"
)

// Certificates are those on this device (M06, M09 to M12).
type Certificates interface {
	Certificates(ctx context.Context) ([]client.Certificate, error)
	Current(ctx context.Context) (client.Certificate, error)
	Select(ctx context.Context, certID string) error
	Details(ctx context.Context, certID string) (client.CertificateDetails, error)
	Delete(ctx context.Context, certID string) error
	// Refresh asks the CA for the newest certificate of the same key, and reports whether it replaced the one here.
	Refresh(ctx context.Context, certID string) (cert client.Certificate, renewed bool, err error)
}

// soonDays is from how many days before its end a certificate says so.
const soonDays = 30

// mainPage is M06 主界面.
type mainPage struct {
	ui      *UI
	cert    *client.Certificate
	pending client.Pending
	problem error
	card    *fyne.Container
	notice  *fyne.Container
	grid    *fyne.Container
	body    *widgets.Scaffold

	stopRefresh func() // while a refresh runs
}

func newMainPage(u *UI) *mainPage { return &mainPage{ui: u} }

// Title implements Page.
func (p *mainPage) Title() string { return p.ui.T("app") }

// Content implements Page.
func (p *mainPage) Content(*Router) fyne.CanvasObject {
	p.card, p.notice, p.grid = widgets.Column(style.Space3), widgets.Column(style.Space3), widgets.Column(style.Space3)
	p.body = widgets.NewScaffold(style.GridWidth, newMainLayout(widgets.Column(style.Space4, p.notice, p.card), p.grid), nil)
	p.body.OnPull = p.refresh
	p.paint()
	return p.body
}

// Tools implements Tooler: what pulling does, for who has no finger on the screen.
func (p *mainPage) Tools() []fyne.CanvasObject {
	return []fyne.CanvasObject{widgets.ToolButton("refresh", p.ui.T("M07.refresh"), style.Text, func() { p.body.Pull() })}
}

// refresh is M07: it asks the CA for the newest certificate and tells what came of it.
func (p *mainPage) refresh(end func()) {
	if p.cert == nil {
		end()
		p.Shown(p.ui.Context())
		return
	}
	type answer struct {
		cert    client.Certificate
		renewed bool
	}
	u, id := p.ui, p.cert.ID
	ctx, cancel := context.WithCancel(u.Context())
	p.stopRefresh = cancel
	Go(ctx, u, func(ctx context.Context) (a answer, err error) {
		a.cert, a.renewed, err = u.deps.Services.Certificates.Refresh(ctx, id)
		return a, err
	}, func(a answer, err error) {
		end()
		cancel()
		p.stopRefresh = nil
		switch {
		case cancelled(err) || p.cert == nil || p.cert.ID != id:
		case err != nil:
			u.fail(err, nil)
		default:
			p.cert = &a.cert
			p.paint()
			if a.renewed {
				u.Tell(u.T("M07.renewedTitle"), u.T("M07.renewed", "day", u.dayOf(a.cert.NotAfter)), nil)
			} else {
				u.Toast(u.T("M07.current"))
			}
		}
	})
}

// Back implements Backer: it ends a running refresh.
func (p *mainPage) Back() bool {
	stop := p.stopRefresh
	p.stopRefresh = nil
	if stop == nil {
		return false
	}
	stop()
	return true
}

// Shown implements Shower.
func (p *mainPage) Shown(ctx context.Context) {
	s := p.ui.deps.Services
	type state struct {
		cert    client.Certificate
		pending client.Pending
	}
	Go(ctx, p.ui, func(ctx context.Context) (st state, err error) {
		if st.cert, err = s.Certificates.Current(ctx); err != nil {
			return st, err
		}
		st.pending, err = s.Enrolments.Pending(ctx)
		return st, err
	}, func(st state, err error) {
		switch {
		case ctx.Err() != nil:
		case errors.Is(err, client.ErrNoCertificate):
			newFlow(p.ui).download(true)
		case err != nil:
			p.problem = err
			p.paint()
		default:
			p.cert, p.pending, p.problem = &st.cert, st.pending, nil
			p.paint()
		}
	})
}

func (p *mainPage) paint() {
	u := p.ui
	p.card.Objects, p.notice.Objects, p.grid.Objects = nil, nil, nil
	switch {
	case p.problem != nil:
		p.notice.Add(widgets.Banner(widgets.Bad, u.report(p.problem), u.T("retry"), func() { p.Shown(u.Context()) }))
	case p.cert == nil:
		p.card.Add(widgets.Inset(80, 0, 80, 0, widgets.Centre(widgets.NewSpinner(36))))
	default:
		p.notices()
		p.card.Add(u.heroCard(*p.cert, func() { u.Push(newCertificatePage(u, *p.cert)) }))
		p.card.Add(widgets.Grid(120, style.Space3, 2,
			widgets.IconButton(widgets.Primary, "scan", u.T("M06.scan"), p.scan),
			widgets.IconButton(widgets.Secondary, "swap", u.T("M06.switch"), func() { u.Push(newSwitchPage(u)) })))
		p.grid.Add(widgets.Heading(u.T("M06.functions")))
		p.grid.Add(widgets.Grid(104, style.Space3, 4, p.functions()...))
	}
	p.notice.Hidden = len(p.notice.Objects) == 0
	p.body.Refresh()
}

// notices are what the user should do something about.
func (p *mainPage) notices() {
	u, c := p.ui, *p.cert
	if tone, text := u.stateNotice(c); text != "" {
		p.notice.Add(widgets.Banner(tone, text, "", nil))
	}
	if !c.Bound {
		p.notice.Add(widgets.Banner(widgets.Info, u.T("M06.notBound"), u.T("M16.title"), func() { u.Push(newBindPage(u, c, nil)) }))
	}
	if p.pending.Enrolment != nil || p.pending.Certificate != nil {
		p.notice.Add(widgets.Banner(widgets.Caution, u.T("M01.unfinished", "account", pendingAccount(p.pending)), u.T("M01.continue"), func() {
			f := newFlow(u)
			f.first = p
			f.resume(p.pending)
		}))
	}
}

// scan is 扫一扫. The organisation's QR is what it recognises.
func (p *mainPage) scan() {
	f := newFlow(p.ui)
	f.first = p
	p.ui.Push(newScanPage(p.ui, p.ui.T("M06.scan"), p.ui.T("M02.scanHint"), f.scanned))
}

// functions are the tiles of the functions that work.
func (p *mainPage) functions() []fyne.CanvasObject {
	u, c := p.ui, *p.cert
	tile := func(icon, key string, open func() Page) fyne.CanvasObject {
		label := u.T(key)
		t := widgets.NewTouch(label, widgets.Inset(style.Space4, style.Space1, style.Space4, style.Space1, widgets.Column(style.Space2,
			widgets.Centre(widgets.Plate(icon, 44, style.Tonal, style.OnTonal)),
			widgets.NewText(label).Sized(style.TextSmall).Centred())), func() { u.Push(open()) })
		t.Fill, t.Radius = style.Surface, style.Radius+4
		return t
	}
	return []fyne.CanvasObject{
		tile("sign", "M15.title", func() Page { return newSignPage(u, c) }),
		tile("history", "M15.historyTitle", func() Page { return newHistoryPage(u, c) }),
		tile("ink", "M14.title", func() Page { return newInkPage(u, c, nil) }),
		tile("seal", "M18.title", func() Page { return newSealsPage(u, c) }),
		tile("phone", "M16.title", func() Page { return newBindPage(u, c, nil) }),
		tile("key", "M19.title", func() Page { return newChangePasswordPage(u, c) }),
		tile("certificate", "M09.title", func() Page { return newCertificatePage(u, c) }),
		tile("about", "M22.title", func() Page { return newAboutPage(u) }),
	}
}

// heroCard is the current certificate at a glance.
func (u *UI) heroCard(c client.Certificate, tapped func()) *widgets.Touch {
	soft := func(s string) *widgets.Text {
		return widgets.NewText(s).Sized(style.TextCaption).Colour(style.OnHeroSoft)
	}
	state, tone := u.stateText(c)
	chip := widgets.ChipIn(style.HeroMark, style.OnHero, state)
	if tone != widgets.Good {
		chip = widgets.Chip(tone, state)
	}
	lines := widgets.Column(style.Space1,
		widgets.Row(style.Space2, widgets.Grow(soft(c.Organisation.Name)), chip),
		widgets.VSpace(style.Space3),
		widgets.NewText(c.Holder).Sized(style.TextDisplay).Bold().Colour(style.OnHero),
		soft(u.T("M06.account", "account", c.Account)),
		widgets.VSpace(style.Space4),
		widgets.Row(style.Space2, widgets.Grow(widgets.Column(2, soft(u.T("M06.validity")),
			widgets.NewText(u.dayOf(c.NotBefore)+" – "+u.dayOf(c.NotAfter)).Sized(style.TextSmall).Colour(style.OnHero))),
			widgets.NewIcon("shield", 36, style.OnHeroSoft)))
	t := widgets.NewTouch(u.T("M09.title")+" "+c.Holder, widgets.Pad(style.Space5, lines), tapped)
	t.Fill, t.Radius = style.Hero, style.RadiusLarge
	return t
}

// stateText is the state of a certificate in a word or two.
func (u *UI) stateText(c client.Certificate) (string, widgets.Tone) {
	switch c.State {
	case client.CertValid:
		if days := u.daysLeft(c); days < soonDays {
			return u.N("cert.daysLeft", days), widgets.Caution
		}
		return u.T("cert.valid"), widgets.Good
	case client.CertNotYetValid:
		return u.T("cert.notYet"), widgets.Caution
	case client.CertExpired:
		return u.T("cert.expired"), widgets.Bad
	case client.CertSuspended:
		return u.T("cert.suspended"), widgets.Bad
	}
	return u.T("cert.revoked"), widgets.Bad
}

// daysLeft counts the whole days until a certificate ends.
func (u *UI) daysLeft(c client.Certificate) int {
	return max(0, int(c.NotAfter.Sub(u.deps.Clock.Now())/(24*time.Hour)))
}

// stateNotice says what to do about a certificate that is not simply valid; "" if it is.
func (u *UI) stateNotice(c client.Certificate) (widgets.Tone, string) {
	switch c.State {
	case client.CertValid:
		if days := u.daysLeft(c); days < soonDays {
			return widgets.Caution, u.N("cert.soonText", days)
		}
		return widgets.Good, ""
	case client.CertNotYetValid:
		return widgets.Caution, u.T("cert.notYetText", "time", u.timeOf(c.NotBefore))
	case client.CertExpired:
		return widgets.Bad, u.T("error.certificateExpired")
	}
	return widgets.Bad, u.T("error.certificateRevoked")
}

// mainLayout puts the certificate above the functions, or beside them on a wide canvas.
type mainLayout struct {
	widget.BaseWidget
	left, right fyne.CanvasObject
}

func newMainLayout(left, right fyne.CanvasObject) *mainLayout {
	m := &mainLayout{left: left, right: right}
	m.ExtendBaseWidget(m)
	return m
}

const mainGap = style.Space8

func (m *mainLayout) columns(width float32) (left, right float32) {
	left = min(400, (width-mainGap)*0.45)
	return left, width - mainGap - left
}

// HeightForWidth implements widgets.Flowing.
func (m *mainLayout) HeightForWidth(width float32) float32 {
	if width < style.Wide-2*style.Space8 {
		return widgets.HeightAt(m.left, width) + style.Space6 + widgets.HeightAt(m.right, width)
	}
	l, r := m.columns(width)
	return max(widgets.HeightAt(m.left, l), widgets.HeightAt(m.right, r))
}

// CreateRenderer implements fyne.Widget.
func (m *mainLayout) CreateRenderer() fyne.WidgetRenderer { return &mainRenderer{m} }

type mainRenderer struct{ m *mainLayout }

func (r *mainRenderer) Layout(size fyne.Size) {
	m := r.m
	if size.Width < style.Wide-2*style.Space8 {
		h := widgets.HeightAt(m.left, size.Width)
		m.left.Move(fyne.Position{})
		m.left.Resize(fyne.NewSize(size.Width, h))
		m.right.Move(fyne.NewPos(0, h+style.Space6))
		m.right.Resize(fyne.NewSize(size.Width, widgets.HeightAt(m.right, size.Width)))
		return
	}
	left, right := m.columns(size.Width)
	m.left.Move(fyne.Position{})
	m.left.Resize(fyne.NewSize(left, widgets.HeightAt(m.left, left)))
	m.right.Move(fyne.NewPos(left+mainGap, 0))
	m.right.Resize(fyne.NewSize(right, widgets.HeightAt(m.right, right)))
}

func (r *mainRenderer) MinSize() fyne.Size {
	return fyne.NewSize(280, r.m.HeightForWidth(max(280, r.m.Size().Width)))
}

func (r *mainRenderer) Objects() []fyne.CanvasObject { return []fyne.CanvasObject{r.m.left, r.m.right} }
func (r *mainRenderer) Destroy()                     {}
func (r *mainRenderer) Refresh() {
	r.Layout(r.m.Size())
	r.m.left.Refresh()
	r.m.right.Refresh()
}
