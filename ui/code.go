package ui

import (
	"bytes"
	"context"
	"errors"
	"time"

	"fyne.io/fyne/v2"

	"cloudkey/client"
	"cloudkey/ui/style"
	"cloudkey/ui/widgets"
)

// codePage is the first half of M04: the SMS password.
type codePage struct {
	f       *flow
	problem error // from the try before
	secret  *widgets.Secret
	resend  *widgets.Button
	next    *widgets.Button
	body    *widgets.Scaffold
}

func newCodePage(f *flow) *codePage { return &codePage{f: f} }

// Title implements Page.
func (p *codePage) Title() string { return p.f.ui.T("M04.codeTitle") }

// resumed tells whether the key is here already and only the password is needed again.
func (p *codePage) resumed() bool { return p.f.enrolment.ID == "" }

// Content implements Page.
func (p *codePage) Content(*Router) fyne.CanvasObject {
	u, f := p.f.ui, p.f
	if p.secret != nil {
		p.secret.Wipe()
	}
	p.secret = widgets.NewSecret(u.T("M04.code"), u.T("M04.codePlaceholder"), "")
	p.secret.OnSubmit = p.proceed
	p.next = widgets.NewButton(widgets.Primary, u.T("M04.download"), p.proceed)
	p.secret.OnChanged = func() {
		p.next.SetEnabled(p.secret.Len() > 0)
		if p.secret.Len() > 0 && p.secret.Error() != "" {
			p.secret.SetError("")
			p.body.Refresh()
		}
	}
	p.next.SetEnabled(false)
	p.secret.SetError(u.Explain(p.problem))
	intro := u.T("M04.sentTo", "phone", f.enrolment.PhoneHint)
	if p.resumed() {
		intro = u.T("M04.codeAgain")
	}
	head := widgets.Column(style.Space2, widgets.Title(u.T("M04.codeHeading")), widgets.NewText(intro).Colour(style.TextSoft),
		widgets.Caption(u.T("M04.for", "account", f.account, "organisation", f.org.Name)))
	p.resend = widgets.NewButton(widgets.Plain, u.T("M04.resend"), p.again)
	links := widgets.Row(0, p.resend, widgets.Spacer(), widgets.NewButton(widgets.Plain, u.T("M04.otherAccount"), p.f.askAbandon))
	if p.resumed() {
		p.resend.Hide()
	}
	p.body = widgets.NewScaffold(style.FormWidth, widgets.Column(style.Space5, head, p.secret, links),
		widgets.Column(style.Space3, p.next, u.keyPad(p.secret)))
	p.tick()
	return p.body
}

// keyPad is the pad for the secrets of a page.
func (u *UI) keyPad(secrets ...*widgets.Secret) *widgets.KeyPad {
	return widgets.NewKeyPad(widgets.PadNames{Erase: u.T("pad.erase"), Shift: u.T("pad.shift")}, secrets...)
}

// Shown implements Shower.
func (p *codePage) Shown(ctx context.Context) {
	p.secret.Activate(p.f.ui.win.Canvas())
	p.f.ui.every(ctx, time.Second, p.tick)
}

// Closed implements Closer.
func (p *codePage) Closed() { p.secret.Wipe() }

// tick counts down to when another SMS may be asked for.
func (p *codePage) tick() {
	u := p.f.ui
	left := p.f.enrolment.ResendAfter.Sub(u.deps.Clock.Now())
	p.resend.SetEnabled(left <= 0)
	if left > 0 {
		p.resend.SetText(u.T("M04.resendIn", "time", countdown(left)))
	} else {
		p.resend.SetText(u.T("M04.resend"))
	}
}

func (p *codePage) again() {
	u, id := p.f.ui, p.f.enrolment.ID
	Run(u.Context(), u, u.T("M04.sending"), func(ctx context.Context) (client.Enrolment, error) {
		return u.deps.Services.Enrolments.ResendCode(ctx, id)
	}, func(e client.Enrolment, err error) {
		var rate *client.RateError
		switch {
		case errors.As(err, &rate):
			p.f.enrolment.ResendAfter = u.deps.Clock.Now().Add(rate.RetryAfter)
			p.tick()
			p.show(err)
		case errors.Is(err, client.ErrExpiredEnrolment):
			u.fail(err, p.f.abandon)
		case err != nil:
			p.show(err)
		default:
			p.f.enrolment = e
			p.secret.Wipe()
			p.tick()
			u.Toast(u.T("M04.sentAgain"))
		}
	})
}

func (p *codePage) show(err error) {
	p.secret.SetError(p.f.ui.report(err))
	p.body.Refresh()
}

func (p *codePage) proceed() {
	if p.secret.Len() == 0 {
		return
	}
	p.f.codeEntered(p.secret.Copy())
}

// progressPage is the second half of M04: identity, key, certificate, each shown as it comes.
type progressPage struct {
	f       *flow
	steps   *widgets.Steps
	current client.Step
	message *fyne.Container
	action  *widgets.Button
	cancel  context.CancelFunc
	started bool
	problem string
	body    *widgets.Scaffold
}

func newProgressPage(f *flow) *progressPage { return &progressPage{f: f} }

// Title implements Page.
func (p *progressPage) Title() string { return p.f.ui.T("M04.progressTitle") }

// Content implements Page.
func (p *progressPage) Content(*Router) fyne.CanvasObject {
	u := p.f.ui
	p.steps = widgets.NewSteps(u.T("M04.stepIdentity"), u.T("M04.stepKey"), u.T("M04.stepRequest"), u.T("M04.stepStore"))
	p.message = widgets.Column(0)
	p.action = widgets.NewButton(widgets.Secondary, u.T("cancel"), nil)
	p.body = widgets.NewScaffold(style.FormWidth, widgets.Column(style.Space6,
		widgets.Column(style.Space2, widgets.Title(u.T("M04.progressHeading")), widgets.NewText(u.T("M04.progressIntro")).Colour(style.TextSoft)),
		widgets.NewBox(style.Surface, style.Radius+4, widgets.Pad(style.Space5, p.steps)), p.message), p.action)
	p.paint()
	return p.body
}

// Shown implements Shower.
func (p *progressPage) Shown(context.Context) {
	if !p.started {
		p.start()
	}
}

func (p *progressPage) start() {
	u, f := p.f.ui, p.f
	p.started, p.problem, p.current = true, "", client.StepIdentity
	ctx, cancel := context.WithCancel(u.Context())
	p.cancel = cancel
	p.paint()
	sms, id := bytes.Clone(f.sms), f.enrolment.ID
	Go(ctx, u, func(ctx context.Context) (client.Certificate, error) {
		defer clear(sms)
		return f.fetch(ctx, id, sms, func(s client.Step) {
			u.deps.Do(func() {
				if p.cancel != nil && s > p.current {
					p.current = s
					p.paint()
				}
			})
		})
	}, func(c client.Certificate, err error) {
		cancel()
		p.cancel = nil
		if u.Top() != p {
			return // the page was closed; Pending knows how far this came
		}
		p.finish(c, err)
	})
}

func (p *progressPage) finish(c client.Certificate, err error) {
	u, f := p.f.ui, p.f
	var wrong *client.CodeError
	switch {
	case err == nil:
		f.enrolled(c)
	case errors.As(err, &wrong):
		f.forget()
		page := newCodePage(f)
		page.problem = err
		u.Replace(page)
	case errors.Is(err, client.ErrExpiredEnrolment):
		u.fail(err, f.abandon)
		p.stopped(u.Explain(err))
	case cancelled(err):
		p.stopped(u.T("M04.cancelled"))
	default:
		p.stopped(u.report(err))
	}
}

func (p *progressPage) stopped(text string) {
	p.problem = text
	p.paint()
}

func (p *progressPage) paint() {
	u := p.f.ui
	for i := range 4 {
		state := widgets.StepWaiting
		switch step := client.StepIdentity + client.Step(i); {
		case step < p.current:
			state = widgets.StepDone
		case step == p.current && p.problem != "":
			state = widgets.StepFailed
		case step == p.current:
			state = widgets.StepRunning
		}
		p.steps.Set(i, state)
	}
	p.message.Objects = nil
	p.message.Hidden = p.problem == ""
	if p.problem != "" {
		p.message.Objects = []fyne.CanvasObject{widgets.Banner(widgets.Bad, p.problem, "", nil)}
		p.action.SetKind(widgets.Primary)
		p.action.SetText(u.T("retry"))
		p.action.OnTapped = p.start
	} else {
		p.action.SetKind(widgets.Secondary)
		p.action.SetText(u.T("cancel"))
		p.action.OnTapped = p.stop
	}
	p.action.SetEnabled(true)
	p.body.Refresh()
}

func (p *progressPage) stop() {
	if p.cancel != nil {
		p.action.SetEnabled(false)
		p.action.SetText(p.f.ui.T("cancelling"))
		p.cancel()
	}
}

// Back implements Backer: while the download runs, going back is 取消.
func (p *progressPage) Back() bool {
	if p.cancel != nil {
		p.stop()
		return true
	}
	return false
}
