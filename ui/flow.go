package ui

import (
	"context"
	"errors"

	"cloudkey/client"
)

// flow is the life of a profile in the order of the manual:
//
//	下载证书 (M01) → 用户单位 by QR (M02) → SMS password → 身份认证, key, certificate (M04) → first password (M04)
//	→ 绑定设备 → 签名采集 (M05) → 主界面 (M06)
//
// Each method below is called by the page before it and opens the page after it. What a killed process must find again
// lies with the client (Pending) and in the preferences (the two choices); resume enters at the right place.
type flow struct {
	ui        *UI
	account   string
	bind, ink bool
	first     Page // the page the flow began on, to go back to
	org       client.Organisation
	enrolment client.Enrolment
	cert      client.Certificate
	sms       []byte // the SMS password, until the first password of one's own has replaced it
}

// newFlow begins a download with the choices made last time; both are on at first.
func newFlow(u *UI) *flow {
	p := u.deps.Preferences
	return &flow{ui: u, bind: p.BoolWithFallback(prefBind, true), ink: p.BoolWithFallback(prefInk, true)}
}

// start opens the right page when the app starts: a ready certificate, an unfinished first use, or 下载证书.
func (u *UI) begin(pending client.Pending, certificates []client.Certificate) {
	f := newFlow(u)
	ready := false
	for _, c := range certificates {
		ready = ready || c.Profile == client.ProfileReady
	}
	switch {
	case ready:
		u.Reset(newMainPage(u))
		u.checkUpdateIfDue(u.ctx)
	case pending.Enrolment != nil || pending.Certificate != nil:
		f.first = newDownloadPage(f)
		u.Reset(f.first)
		f.resume(pending)
	default:
		f.download(true)
	}
}

// 1. M01 下载证书. As the first page of all, or on top of the others (使用新账号).
func (f *flow) download(root bool) {
	f.first = newDownloadPage(f)
	if root {
		f.ui.Reset(f.first)
	} else {
		f.ui.Push(f.first)
	}
}

// 2. M02: scan the organisation's QR.
func (f *flow) scan() {
	f.ui.Push(newScanPage(f.ui, f.ui.T("M02.scanTitle"), f.ui.T("M02.scanHint"), f.scanned))
}

// scanned has a text from the scanner verified and shown; nothing is sent or stored yet.
func (f *flow) scanned(text string) {
	u := f.ui
	Run(u.Context(), u, u.T("M02.checking"), func(ctx context.Context) (*client.InitOffer, error) {
		return u.deps.Services.Organisations.ReadInit(ctx, text)
	}, func(offer *client.InitOffer, err error) {
		if err != nil {
			u.fail(err, nil)
			return
		}
		u.Push(newConfirmPage(f, offer))
	})
}

// confirmed goes on with the organisation that the user has accepted.
func (f *flow) confirmed(org client.Organisation) {
	f.org = org
	f.ui.PopTo(f.first)
	if f.account != "" {
		f.enrol()
	}
}

// 3. M04: ask for the SMS password.
func (f *flow) enrol() {
	u := f.ui
	u.deps.Preferences.SetBool(prefBind, f.bind)
	u.deps.Preferences.SetBool(prefInk, f.ink)
	Run(u.Context(), u, u.T("M04.sending"), func(ctx context.Context) (client.Enrolment, error) {
		return u.deps.Services.Enrolments.BeginEnrolment(ctx, f.org.ID, f.account)
	}, func(e client.Enrolment, err error) {
		switch {
		case errors.Is(err, client.ErrInterrupted):
			u.Tell(u.T("M04.unfinishedTitle"), u.T("M04.unfinishedText"), f.resumePending)
		case err != nil:
			u.fail(err, nil)
		default:
			f.enrolment = e
			u.Push(newCodePage(f))
		}
	})
}

// codeEntered takes the SMS password over and downloads.
func (f *flow) codeEntered(sms []byte) {
	f.forget()
	f.sms = sms
	f.ui.Replace(newProgressPage(f))
}

// 4. M04: identity, key, certificate. Goes on where an earlier try ended. Runs off the UI goroutine; sms is its own copy.
func (f *flow) fetch(ctx context.Context, enrolmentID string, sms []byte, progress client.Progress) (client.Certificate, error) {
	s := f.ui.deps.Services.Enrolments
	pending, err := s.Pending(ctx)
	if err != nil {
		return client.Certificate{}, err
	}
	switch c := pending.Certificate; {
	case c != nil && c.Profile == client.ProfileMustPassword:
		return *c, nil
	case c != nil:
		return s.ResumeEnrol(ctx, c.ID, sms, progress)
	}
	return s.Enrol(ctx, enrolmentID, sms, progress)
}

// enrolled opens the choice of the first password.
func (f *flow) enrolled(c client.Certificate) {
	f.cert = c
	f.ui.Replace(newFirstPasswordPage(f))
}

// 5. M05 绑定设备, if chosen.
func (f *flow) passwordSet() {
	f.forget()
	f.cert.Profile = client.ProfileReady
	if !f.bind {
		f.bound()
		return
	}
	f.ui.Reset(newBindPage(f.ui, f.cert, f.bound))
}

// 6. M05 签名采集, if chosen.
func (f *flow) bound() {
	if !f.ink {
		f.done()
		return
	}
	f.ui.Reset(newInkPage(f.ui, f.cert, f.done))
}

// 7. M06 主界面, with the new certificate chosen.
func (f *flow) done() {
	u, id := f.ui, f.cert.ID
	Run(u.Context(), u, u.T("loading"), func(ctx context.Context) (struct{}, error) {
		return struct{}{}, u.deps.Services.Certificates.Select(ctx, id)
	}, func(_ struct{}, err error) {
		if err != nil {
			u.fail(err, nil)
		}
		u.Reset(newMainPage(u))
	})
}

// resumePending looks for an unfinished download and goes on with it.
func (f *flow) resumePending() {
	u := f.ui
	Run(u.Context(), u, u.T("loading"), u.deps.Services.Enrolments.Pending, func(p client.Pending, err error) {
		if err != nil {
			u.fail(err, nil)
			return
		}
		f.resume(p)
	})
}

// resume opens the page at which an earlier download stopped.
func (f *flow) resume(p client.Pending) {
	switch {
	case p.Certificate != nil:
		f.cert, f.org, f.account = *p.Certificate, p.Certificate.Organisation, p.Certificate.Account
		if p.Certificate.Profile == client.ProfileMustPassword {
			f.ui.Push(newFirstPasswordPage(f))
			return
		}
		f.ui.Push(newCodePage(f))
	case p.Enrolment != nil:
		f.enrolment, f.org, f.account = *p.Enrolment, p.Enrolment.Organisation, p.Enrolment.Account
		f.ui.Push(newCodePage(f))
	}
}

// abandon gives an unfinished download up, so that another account can be used or a new SMS password asked for. When the
// key is on the device already it is deleted with its certificate.
func (f *flow) abandon() {
	u, enrolment, cert := f.ui, f.enrolment.ID, f.cert.ID
	f.forget()
	Run(u.Context(), u, u.T("loading"), func(ctx context.Context) (struct{}, error) {
		if cert != "" {
			return struct{}{}, u.deps.Services.Certificates.Delete(ctx, cert)
		}
		return struct{}{}, u.deps.Services.Enrolments.AbandonEnrolment(ctx, enrolment)
	}, func(_ struct{}, err error) {
		if err != nil {
			u.fail(err, nil)
			return
		}
		f.enrolment, f.cert = client.Enrolment{}, client.Certificate{}
		u.PopTo(f.first)
	})
}

// askAbandon asks before.
func (f *flow) askAbandon() {
	u, text := f.ui, "M04.abandonText"
	if f.cert.ID != "" {
		text = "M04.abandonCertText"
	}
	u.Confirm(u.T("M04.abandonTitle"), u.T(text), u.T("M04.abandon"), true, f.abandon)
}

// forget wipes the SMS password.
func (f *flow) forget() {
	clear(f.sms)
	f.sms = nil
}
