package ui

import (
	"context"
	"errors"
	"time"

	"fyne.io/fyne/v2"

	"cloudkey/client"
	"cloudkey/ui/style"
	"cloudkey/ui/widgets"
)

// authentication is M13 身份认证: one dialog for everything that needs the certificate password.
type authentication struct {
	ui      *UI
	cert    client.Certificate
	purpose string
	// work does what the password is for, off the UI goroutine; the password is wiped when it returns.
	work func(ctx context.Context, password []byte, progress client.Progress) error
	done func() // after success only

	modal  *Modal
	secret *widgets.Secret
	ok     *widgets.Button
	stop   *widgets.Button
	status *widgets.Text
	entry  *fyne.Container // password and pad
	wait   *fyne.Container
	cancel context.CancelFunc
	ctx    context.Context // of the dialog
	end    context.CancelFunc
	until  time.Time // locked until
	locked bool
}

// authenticate opens the dialog. It closes by itself after success and on 取消; errors stay in it, so that the user can try
// again.
func (u *UI) authenticate(purpose string, cert client.Certificate,
	work func(ctx context.Context, password []byte, progress client.Progress) error, done func(),
) {
	a := &authentication{ui: u, cert: cert, purpose: purpose, work: work, done: done}
	a.ctx, a.end = context.WithCancel(u.Context())
	a.secret = widgets.NewSecret(u.T("M13.password"), u.T("M13.passwordPlaceholder"), "")
	a.secret.OnChanged = a.typed
	a.secret.OnSubmit = a.submit
	a.ok = widgets.NewButton(widgets.Primary, u.T("confirm"), a.submit)
	a.ok.SetEnabled(false)
	a.stop = widgets.NewButton(widgets.Plain, u.T("cancel"), a.giveUp)
	a.status = widgets.NewText("")
	a.wait = widgets.Inset(style.Space8, 0, style.Space8, 0, widgets.Column(style.Space4,
		widgets.Centre(widgets.NewSpinner(40)), a.status.Centred()))
	a.wait.Hide()
	a.entry = widgets.Column(style.Space3, a.secret, a.ok, u.keyPad(a.secret))
	a.modal = u.Sheet(widgets.Column(style.Space3,
		widgets.Row(style.Space3, widgets.Plate("lock", 44, style.Tonal, style.OnTonal), widgets.Grow(widgets.Column(2,
			widgets.Heading(u.T("M13.title")), widgets.Caption(u.T("M13.for", "purpose", purpose, "holder", cert.Holder, "account", cert.Account))))),
		a.entry, a.wait, a.stop), 420, false, a.giveUp)
	a.secret.Activate(a.ui.win.Canvas())
	u.every(a.ctx, time.Second, a.tick)
}

func (a *authentication) typed() {
	a.ok.SetEnabled(a.secret.Len() > 0 && !a.locked)
	if a.secret.Len() > 0 && a.secret.Error() != "" && !a.locked {
		a.secret.SetError("")
		a.modal.Refresh()
	}
}

func (a *authentication) submit() {
	if a.secret.Len() == 0 || a.locked || a.cancel != nil {
		return
	}
	u := a.ui
	password := a.secret.Copy()
	a.secret.Wipe()
	ctx, cancel := context.WithCancel(a.ctx)
	a.cancel = cancel
	a.waiting(u.T("M13.checking"))
	Go(ctx, u, func(ctx context.Context) (struct{}, error) {
		defer clear(password)
		return struct{}{}, a.work(ctx, password, func(s client.Step) {
			u.deps.Do(func() { a.step(s) })
		})
	}, func(_ struct{}, err error) {
		cancel()
		a.cancel = nil
		if err == nil {
			a.close()
			a.done()
			return
		}
		if a.ctx.Err() == nil {
			a.failed(err)
		}
	})
}

// step shows what is being done.
func (a *authentication) step(s client.Step) {
	if a.cancel == nil {
		return
	}
	u := a.ui
	switch s {
	case client.StepHash:
		a.waiting(u.T("M15.stepHash"))
	case client.StepCosign:
		a.waiting(u.T("M15.stepCosign"))
	case client.StepVerify:
		a.waiting(u.T("M15.stepVerify"))
	}
}

func (a *authentication) waiting(text string) {
	a.status.SetText(text)
	a.entry.Hide()
	a.wait.Show()
	a.stop.SetEnabled(true)
	a.modal.Refresh()
}

// failed shows an error at the password.
func (a *authentication) failed(err error) {
	a.wait.Hide()
	a.entry.Show()
	a.stop.SetEnabled(true)
	if cancelled(err) {
		a.modal.Refresh()
		return
	}
	var locked *client.LockedError
	if errors.As(err, &locked) {
		a.locked, a.until = true, locked.Until
	}
	a.secret.SetError(a.ui.report(err))
	a.typed()
	a.tick()
	a.modal.Refresh()
	a.secret.Activate(a.ui.win.Canvas())
}

// tick counts a lock down.
func (a *authentication) tick() {
	if !a.locked || a.until.IsZero() {
		return
	}
	u := a.ui
	left := a.until.Sub(u.deps.Clock.Now())
	if left <= 0 {
		a.locked = false
		a.secret.SetError("")
		a.typed()
	} else {
		a.secret.SetError(u.T("M13.lockedFor", "time", countdown(left)))
	}
	a.modal.Refresh()
}

// giveUp is 取消: it stops work that runs, or closes the dialog.
func (a *authentication) giveUp() {
	if a.cancel != nil {
		a.stop.SetEnabled(false)
		a.status.SetText(a.ui.T("cancelling"))
		a.cancel()
		return
	}
	a.close()
}

func (a *authentication) close() {
	a.secret.OnChanged = nil
	a.secret.Wipe()
	a.end()
	a.modal.Close()
}
