package ui

import (
	"bytes"
	"context"
	"errors"

	"fyne.io/fyne/v2"

	"cloudkey/client"
	"cloudkey/ui/style"
	"cloudkey/ui/widgets"
)

// passwordPage is the choice of a certificate password: the first one (end of M04) and M19 修改密码.
type passwordPage struct {
	ui       *UI
	title    string
	heading  string
	intro    string
	oldLabel string // "" when the old password is known
	action   string
	known    func() []byte // the old password when it is known
	change   func(ctx context.Context, old, new []byte) error
	changed  func()
	giveUp   func() // a way out for who has no password to change; nil: none

	old, new, again *widgets.Secret
	rules           *ruleList
	submit          *widgets.Button
	body            *widgets.Scaffold
}

// newFirstPasswordPage replaces the SMS password by one of the user's own; after a restart the SMS password is asked for
// again, because it was never stored.
func newFirstPasswordPage(f *flow) *passwordPage {
	u := f.ui
	p := &passwordPage{ui: u, title: u.T("M04.passwordTitle"), heading: u.T("M04.passwordHeading"), intro: u.T("M04.passwordIntro"), action: u.T("M04.passwordSet")}
	if len(f.sms) == 0 {
		p.oldLabel, p.giveUp = u.T("M04.code"), f.askAbandon
	} else {
		p.known = func() []byte { return f.sms }
	}
	id := f.cert.ID
	p.change = func(ctx context.Context, old, new []byte) error {
		return u.deps.Services.Passwords.SetFirstPassword(ctx, id, old, new)
	}
	p.changed = func() {
		u.Toast(u.T("M04.passwordDone"))
		f.passwordSet()
	}
	return p
}

// newChangePasswordPage is M19.
func newChangePasswordPage(u *UI, cert client.Certificate) *passwordPage {
	return &passwordPage{
		ui: u, title: u.T("M19.title"), intro: u.T("M19.intro"), oldLabel: u.T("M19.old"), action: u.T("M19.submit"),
		change: func(ctx context.Context, old, new []byte) error {
			return u.deps.Services.Passwords.ChangePassword(ctx, cert.ID, old, new)
		},
		changed: func() {
			u.Pop()
			u.Toast(u.T("M19.done"))
		},
	}
}

// Title implements Page.
func (p *passwordPage) Title() string { return p.title }

// Content implements Page.
func (p *passwordPage) Content(*Router) fyne.CanvasObject {
	u := p.ui
	p.Closed()
	p.new = widgets.NewSecret(u.T("password.new"), u.T("password.newPlaceholder"), "")
	p.again = widgets.NewSecret(u.T("password.again"), u.T("password.againPlaceholder"), "")
	fields := []*widgets.Secret{p.new, p.again}
	p.old = nil
	if p.oldLabel != "" {
		p.old = widgets.NewSecret(p.oldLabel, u.T("password.oldPlaceholder"), "")
		fields = []*widgets.Secret{p.old, p.new, p.again}
	}
	p.rules = u.newRuleList()
	p.submit = widgets.NewButton(widgets.Primary, p.action, p.proceed)
	parts := []fyne.CanvasObject{}
	if p.heading != "" {
		parts = append(parts, widgets.Column(style.Space2, widgets.Title(p.heading), widgets.NewText(p.intro).Colour(style.TextSoft)))
	} else {
		parts = append(parts, widgets.NewText(p.intro).Colour(style.TextSoft))
	}
	for i, s := range fields {
		s.OnChanged = func() { p.check(s) }
		s.OnSubmit = p.proceed
		if i < len(fields)-1 {
			next := fields[i+1]
			s.OnSubmit = func() { next.Activate(p.ui.win.Canvas()) }
		}
		parts = append(parts, s)
		if s == p.new {
			parts = append(parts, p.rules)
		}
	}
	if p.giveUp != nil {
		parts = append(parts, widgets.NewButton(widgets.Plain, u.T("M04.lostCode"), p.giveUp))
	}
	p.body = widgets.NewScaffold(style.FormWidth, widgets.Column(style.Space4, parts...),
		widgets.Column(style.Space3, p.submit, u.keyPad(fields...)))
	p.check(nil)
	return p.body
}

// Shown implements Shower.
func (p *passwordPage) Shown(context.Context) {
	first := p.new
	if p.old != nil {
		first = p.old
	}
	first.Activate(p.ui.win.Canvas())
}

// Closed implements Closer.
func (p *passwordPage) Closed() {
	for _, s := range []*widgets.Secret{p.old, p.new, p.again} {
		if s != nil {
			s.OnChanged = nil
			s.Wipe()
		}
	}
}

// oldCopy returns the old password in a slice to wipe.
func (p *passwordPage) oldCopy() []byte {
	if p.old != nil {
		return p.old.Copy()
	}
	return bytes.Clone(p.known())
}

// check shows the rules and whether the repetition agrees; changed is the field just typed into.
func (p *passwordPage) check(changed *widgets.Secret) {
	new, again, old := p.new.Copy(), p.again.Copy(), p.oldCopy()
	defer clear(new)
	defer clear(again)
	defer clear(old)
	good := p.rules.show(new, old)
	before := p.again.Error() + p.new.Error()
	if p.old != nil && changed == p.old && p.old.Error() != "" {
		p.old.SetError("")
		p.body.Refresh()
	}
	problem := ""
	if len(again) > 0 && !bytes.HasPrefix(new, again) {
		problem = p.ui.T("password.differ")
	}
	p.again.SetError(problem)
	if changed == p.new && p.new.Error() != "" {
		p.new.SetError("")
	}
	if before != p.again.Error()+p.new.Error() {
		p.body.Refresh()
	}
	p.submit.SetEnabled(good && bytes.Equal(new, again) && len(old) > 0)
}

func (p *passwordPage) proceed() {
	if p.submit.Disabled() {
		return
	}
	u := p.ui
	old, new := p.oldCopy(), p.new.Copy()
	Run(u.Context(), u, u.T("password.changing"), func(ctx context.Context) (struct{}, error) {
		defer clear(old)
		defer clear(new)
		return struct{}{}, p.change(ctx, old, new)
	}, func(_ struct{}, err error) {
		if err == nil {
			p.changed()
			return
		}
		p.failed(err)
	})
}

// failed shows an error at the field it belongs to.
func (p *passwordPage) failed(err error) {
	var wrong *client.PasswordError
	var code *client.CodeError
	switch {
	case (errors.As(err, &wrong) || errors.As(err, &code)) && p.old != nil:
		p.old.Wipe()
		p.old.SetError(p.ui.report(err))
		p.old.Activate(p.ui.win.Canvas())
	case errors.Is(err, client.ErrSamePassword) || errors.Is(err, client.ErrWeakPassword):
		p.new.SetError(p.ui.report(err))
		p.new.Activate(p.ui.win.Canvas())
	default:
		p.ui.fail(err, nil)
		return
	}
	p.body.Refresh()
}
