package ui

import (
	"context"

	"fyne.io/fyne/v2"

	"cloudkey/client"
	"cloudkey/ui/style"
	"cloudkey/ui/widgets"
)

// startPage is shown while the app looks for what is on the device, and when that cannot be read.
type startPage struct {
	ui   *UI
	body *widgets.Scaffold
}

type found struct {
	pending      client.Pending
	certificates []client.Certificate
}

// Title implements Page.
func (p *startPage) Title() string { return p.ui.T("app") }

// Content implements Page.
func (p *startPage) Content(*Router) fyne.CanvasObject {
	p.body = widgets.NewScaffold(style.FormWidth, widgets.Inset(160, 0, 0, 0, widgets.Column(style.Space4,
		widgets.Centre(widgets.NewSpinner(40)), widgets.NewText(p.ui.T("loading")).Colour(style.TextSoft).Centred())), nil)
	return p.body
}

// Shown implements Shower.
func (p *startPage) Shown(ctx context.Context) {
	s := p.ui.deps.Services
	Go(ctx, p.ui, func(ctx context.Context) (found, error) {
		var f found
		var err error
		if f.certificates, err = s.Certificates.Certificates(ctx); err != nil {
			return f, err
		}
		f.pending, err = s.Enrolments.Pending(ctx)
		return f, err
	}, func(f found, err error) {
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			p.ui.Reset(&failedPage{ui: p.ui, err: err, retry: func() { p.ui.Reset(&startPage{ui: p.ui}) }})
			return
		}
		p.ui.begin(f.pending, f.certificates)
	})
}

// Fail shows, instead of Start, why the app cannot work: a store that is busy, damaged, read-only. retry is the primary
// action.
func (u *UI) Fail(err error, retry func()) {
	u.Reset(&failedPage{ui: u, err: err, retry: retry})
}

// failedPage says why nothing can be done and offers another try.
type failedPage struct {
	ui    *UI
	err   error
	retry func()
}

// Title implements Page.
func (p *failedPage) Title() string { return p.ui.T("app") }

// Content implements Page.
func (p *failedPage) Content(*Router) fyne.CanvasObject {
	return widgets.NewScaffold(style.FormWidth,
		widgets.Inset(96, 0, 0, 0, widgets.Column(style.Space4,
			widgets.Centre(widgets.Plate("error", 72, style.DangerTint, style.Danger)),
			widgets.Title(p.ui.T("error.startTitle")).Centred(),
			widgets.NewText(p.ui.report(p.err)).Colour(style.TextSoft).Centred())),
		widgets.NewButton(widgets.Primary, p.ui.T("retry"), p.retry))
}
