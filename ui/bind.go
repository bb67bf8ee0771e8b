package ui

import (
	"context"

	"fyne.io/fyne/v2"

	"cloudkey/client"
	"cloudkey/ui/style"
	"cloudkey/ui/widgets"
)

// Devices bind this device to the account (M05, M16).
type Devices interface {
	Binding(ctx context.Context, certID string) (client.DeviceBinding, error)
	Bind(ctx context.Context, certID string, password []byte) error
	Unbind(ctx context.Context, certID string, password []byte) error
}

// bindPage is 绑定设备: a step of the first use (M05, next is set) or a function (M16).
type bindPage struct {
	ui      *UI
	cert    client.Certificate
	next    func()
	binding *client.DeviceBinding
	problem error
	heading *widgets.Text
	status  *fyne.Container
	actions *fyne.Container
	body    *widgets.Scaffold
}

func newBindPage(u *UI, cert client.Certificate, next func()) *bindPage {
	return &bindPage{ui: u, cert: cert, next: next}
}

// Title implements Page.
func (p *bindPage) Title() string { return p.ui.T("M16.title") }

// Content implements Page.
func (p *bindPage) Content(*Router) fyne.CanvasObject {
	u := p.ui
	p.status, p.actions = widgets.Column(style.Space3), widgets.Column(style.Space1)
	p.heading = widgets.Title(u.T("M16.heading")).Centred()
	p.body = widgets.NewScaffold(style.FormWidth, widgets.Column(style.Space5,
		widgets.Centre(widgets.Plate("phone", 96, style.Tonal, style.OnTonal)),
		widgets.Column(style.Space2, p.heading, widgets.NewText(u.T("M16.intro")).Colour(style.TextSoft).Centred()),
		p.status), p.actions)
	p.paint()
	return p.body
}

// Shown implements Shower.
func (p *bindPage) Shown(ctx context.Context) {
	Go(ctx, p.ui, func(ctx context.Context) (client.DeviceBinding, error) {
		return p.ui.deps.Services.Devices.Binding(ctx, p.cert.ID)
	}, func(b client.DeviceBinding, err error) {
		if ctx.Err() != nil {
			return
		}
		p.binding, p.problem = &b, err
		if err != nil {
			p.binding = nil
		}
		p.paint()
	})
}

func (p *bindPage) paint() {
	u := p.ui
	p.status.Objects, p.actions.Objects = nil, nil
	bind := func(kind widgets.Kind) fyne.CanvasObject {
		return widgets.IconButton(kind, "phone", u.T("M16.bind"), p.bind)
	}
	switch b := p.binding; {
	case p.problem != nil:
		p.status.Add(widgets.Banner(widgets.Bad, u.report(p.problem), u.T("retry"), func() {
			p.problem = nil
			p.paint()
			p.Shown(u.Context())
		}))
		p.actions.Add(bind(widgets.Primary))
	case b == nil:
		p.status.Add(widgets.Row(style.Space3, widgets.Spacer(), widgets.NewSpinner(24), widgets.Caption(u.T("loading")).NoWrap(), widgets.Spacer()))
		p.actions.Add(bind(widgets.Primary))
	case b.Bound && b.Here:
		p.heading.SetText(u.T("M16.headingHere"))
		p.status.Add(widgets.Card(widgets.FactWith(u.T("M16.state"), widgets.Row(0, widgets.Chip(widgets.Good, u.T("M16.boundHere")), widgets.Spacer())),
			widgets.Fact(u.T("M16.device"), b.Device), widgets.Fact(u.T("M16.since"), u.timeOf(b.Since))))
		if p.next == nil {
			p.actions.Add(widgets.NewButton(widgets.DangerPlain, u.T("M16.unbind"), p.unbind))
		}
	case b.Bound:
		p.heading.SetText(u.T("M16.headingElsewhere"))
		p.status.Add(widgets.Banner(widgets.Caution, u.T("M16.boundElsewhere", "device", b.Device, "time", u.timeOf(b.Since)), "", nil))
	default:
		p.heading.SetText(u.T("M16.heading"))
		p.actions.Add(bind(widgets.Primary))
	}
	if p.next != nil {
		if p.binding != nil && p.binding.Bound && p.binding.Here {
			p.actions.Add(widgets.NewButton(widgets.Primary, u.T("next"), p.next))
		} else {
			p.actions.Add(widgets.NewButton(widgets.Plain, u.T("skip"), p.next))
		}
	}
	p.body.Refresh()
}

func (p *bindPage) bind() {
	u := p.ui
	u.authenticate(u.T("M16.title"), p.cert, func(ctx context.Context, password []byte, _ client.Progress) error {
		return u.deps.Services.Devices.Bind(ctx, p.cert.ID, password)
	}, func() {
		u.Toast(u.T("M16.done"))
		if p.next != nil {
			p.next()
			return
		}
		p.binding = nil
		p.paint()
		p.Shown(u.Context())
	})
}

func (p *bindPage) unbind() {
	u := p.ui
	u.Confirm(u.T("M16.unbindTitle"), u.T("M16.unbindText"), u.T("M16.unbind"), true, func() {
		u.authenticate(u.T("M16.unbind"), p.cert, func(ctx context.Context, password []byte, _ client.Progress) error {
			return u.deps.Services.Devices.Unbind(ctx, p.cert.ID, password)
		}, func() {
			u.Toast(u.T("M16.unbound"))
			p.binding = nil
			p.paint()
			p.Shown(u.Context())
		})
	})
}
