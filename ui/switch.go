package ui

import (
	"context"

	"fyne.io/fyne/v2"

	"cloudkey/client"
	"cloudkey/ui/style"
	"cloudkey/ui/widgets"
)

// switchPage is M12 切换证书.
type switchPage struct {
	ui      *UI
	certs   []client.Certificate
	loaded  bool
	problem error
	chosen  string
	list    *fyne.Container
	finish  *widgets.Button
	body    *widgets.Scaffold
}

func newSwitchPage(u *UI) *switchPage { return &switchPage{ui: u} }

// Title implements Page.
func (p *switchPage) Title() string { return p.ui.T("M12.title") }

// Content implements Page.
func (p *switchPage) Content(*Router) fyne.CanvasObject {
	u := p.ui
	p.list = widgets.Column(style.Space4)
	p.finish = widgets.NewButton(widgets.Primary, u.T("M12.finish"), p.choose)
	p.body = widgets.NewScaffold(style.FormWidth+80, p.list, widgets.Column(style.Space2, p.finish,
		widgets.IconButton(widgets.Secondary, "plus", u.T("M12.newAccount"), func() {
			f := newFlow(u)
			f.org = p.organisation()
			f.download(false)
		})))
	p.paint()
	return p.body
}

// organisation is that of the chosen certificate: the likely one of a further account.
func (p *switchPage) organisation() client.Organisation {
	for _, c := range p.certs {
		if c.ID == p.chosen {
			return c.Organisation
		}
	}
	return client.Organisation{}
}

// Shown implements Shower.
func (p *switchPage) Shown(ctx context.Context) {
	Go(ctx, p.ui, p.ui.deps.Services.Certificates.Certificates, func(cs []client.Certificate, err error) {
		if ctx.Err() != nil {
			return
		}
		p.problem = err
		if err == nil {
			p.certs, p.loaded = cs, true
			for _, c := range cs {
				if c.Current && p.chosen == "" {
					p.chosen = c.ID
				}
			}
		}
		p.paint()
	})
}

func (p *switchPage) paint() {
	u := p.ui
	p.list.Objects = nil
	usable := false
	switch {
	case p.problem != nil:
		p.list.Add(widgets.Banner(widgets.Bad, u.report(p.problem), u.T("retry"), func() { p.Shown(u.Context()) }))
	case !p.loaded:
		p.list.Add(widgets.Inset(80, 0, 0, 0, widgets.Centre(widgets.NewSpinner(36))))
	case len(p.certs) == 0:
		p.list.Add(widgets.Empty("certificate", u.T("M12.empty"), u.T("M12.emptyText")))
	}
	for i := 0; i < len(p.certs); {
		org := p.certs[i].Organisation
		items := []fyne.CanvasObject{}
		for ; i < len(p.certs) && p.certs[i].Organisation.ID == org.ID; i++ {
			c := p.certs[i]
			usable = usable || c.ID == p.chosen && c.Profile == client.ProfileReady
			items = append(items, p.item(c))
		}
		p.list.Add(widgets.Column(style.Space2, widgets.NewText(org.Name).Sized(style.TextSmall).Colour(style.TextSoft).Bold(), widgets.List(items...)))
	}
	p.finish.SetEnabled(usable)
	p.body.Refresh()
}

func (p *switchPage) item(c client.Certificate) fyne.CanvasObject {
	u := p.ui
	if c.Profile != client.ProfileReady {
		return widgets.ListItem(widgets.Item{Icon: "download", Title: name(c), Subtitle: u.T("M12.unfinished", "account", c.Account), Arrow: true}, func() {
			f := newFlow(u)
			f.first = p
			f.resume(client.Pending{Certificate: &c})
		})
	}
	state, tone := u.stateText(c)
	return widgets.ListItem(widgets.Item{
		Icon: "user", Title: name(c), Subtitle: u.T("M12.line", "account", c.Account, "day", u.dayOf(c.NotAfter)),
		Trailing: widgets.Chip(tone, state), Selected: c.ID == p.chosen,
	}, func() {
		p.chosen = c.ID
		p.paint()
	})
}

// name is what a certificate is called: its holder, or the account before there is a certificate.
func name(c client.Certificate) string {
	if c.Holder != "" {
		return c.Holder
	}
	return c.Account
}

// choose is 完成.
func (p *switchPage) choose() {
	u, id := p.ui, p.chosen
	Run(u.Context(), u, u.T("M12.switching"), func(ctx context.Context) (struct{}, error) {
		return struct{}{}, u.deps.Services.Certificates.Select(ctx, id)
	}, func(_ struct{}, err error) {
		if err != nil {
			u.fail(err, nil)
			return
		}
		u.Pop()
		u.Toast(u.T("M12.done"))
	})
}
