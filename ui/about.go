package ui

import (
	"context"
	"strings"

	"fyne.io/fyne/v2"

	"cloudkey/assets"
	"cloudkey/client"
	"cloudkey/ui/style"
	"cloudkey/ui/widgets"
)

// AboutService is what 关于 shows (M22).
type AboutService interface {
	About(ctx context.Context) (client.About, error)
	SetUpdateFrequency(ctx context.Context, f client.UpdateFrequency) error
}

// aboutPage is M22 关于, with the settings of the app itself.
type aboutPage struct {
	ui      *UI
	about   *client.About
	problem error
	content *fyne.Container
	body    *widgets.Scaffold
}

func newAboutPage(u *UI) *aboutPage { return &aboutPage{ui: u} }

// Title implements Page.
func (p *aboutPage) Title() string { return p.ui.T("M22.title") }

// Content implements Page.
func (p *aboutPage) Content(*Router) fyne.CanvasObject {
	p.content = widgets.Column(style.Space4)
	p.body = widgets.NewScaffold(style.FormWidth+80, p.content, nil)
	p.paint()
	return p.body
}

// Shown implements Shower.
func (p *aboutPage) Shown(ctx context.Context) {
	Go(ctx, p.ui, p.ui.deps.Services.About.About, func(a client.About, err error) {
		if ctx.Err() != nil {
			return
		}
		if p.problem = err; err == nil {
			p.about = &a
		}
		p.paint()
	})
}

func (p *aboutPage) paint() {
	u := p.ui
	p.content.Objects = []fyne.CanvasObject{widgets.Column(style.Space2,
		widgets.Centre(widgets.Plate("shield", 72, style.Hero, style.OnHero)), widgets.Title(u.T("app")).Centred())}
	switch a := p.about; {
	case p.problem != nil:
		p.content.Add(widgets.Banner(widgets.Bad, u.report(p.problem), u.T("retry"), func() { p.Shown(u.Context()) }))
	case a == nil:
		p.content.Add(widgets.Centre(widgets.NewSpinner(36)))
	default:
		version := a.Version
		if a.Build != "" {
			version += " (" + a.Build + ")"
		}
		p.content.Add(widgets.Caption(u.T("M22.version", "version", version)).Centred())
		if a.WeakStore {
			p.content.Add(widgets.Banner(widgets.Caution, u.T("M22.weakStore"), "", nil))
		}
		p.content.Add(p.organisation(a.Organisation))
		p.content.Add(p.settings(*a))
		p.content.Add(widgets.List(widgets.ListItem(widgets.Item{Icon: "file", Title: u.T("M22.licences"), Subtitle: u.T("M22.licencesHint"), Arrow: true}, func() {
			u.Push(&licencesPage{ui: u})
		})))
		p.content.Add(widgets.Caption(u.T("M22.dataDir", "dir", a.DataDir)))
	}
	p.body.Refresh()
}

func (p *aboutPage) organisation(o *client.Organisation) fyne.CanvasObject {
	u := p.ui
	if o == nil {
		return widgets.Card(widgets.NewText(u.T("M22.noOrganisation")).Colour(style.TextSoft))
	}
	hotline := o.Hotline
	if hotline == "" {
		hotline = u.T("M22.noHotline")
	}
	return widgets.Card(widgets.Fact(u.T("cert.organisation"), o.Name), widgets.Fact(u.T("M02.api"), o.API),
		widgets.Fact(u.T("M02.cosign"), o.Cosign), widgets.Fact(u.T("M22.hotline"), hotline))
}

func (p *aboutPage) settings(a client.About) fyne.CanvasObject {
	u := p.ui
	frequencies := []string{u.T("M22.atStart"), u.T("M22.daily"), u.T("M22.weekly"), u.T("M22.never")}
	current := u.T("M22.atStart")
	if i := int(a.CheckUpdates); i >= 0 && i < len(frequencies) {
		current = frequencies[i]
	}
	languages := []string{u.T("M22.system"), "中文", "English"}
	tags := []string{"", "zh", "en"}
	language := index(tags, u.deps.Preferences.String(prefLanguage))
	modes := []string{u.T("M22.system"), u.T("M22.light"), u.T("M22.dark")}
	mode := u.deps.Preferences.Int(prefMode)
	scales := []string{"100 %", "125 %", "150 %", "200 %"}
	factors := []float64{1, 1.25, 1.5, 2}
	scale := index(factors, u.deps.Preferences.FloatWithFallback(prefScale, 1))
	return widgets.List(
		widgets.ListItem(widgets.Item{Icon: "download", Title: u.T("M22.checkNow"), Arrow: true}, u.checkUpdate),
		p.choice("refresh", u.T("M22.frequency"), current, frequencies, int(a.CheckUpdates), p.setFrequency),
		p.choice("language", u.T("M22.language"), languages[language], languages, language, func(i int) { u.SetLanguage(tags[i]) }),
		p.choice("picture", u.T("M22.appearance"), modes[min(max(mode, 0), 2)], modes, mode, func(i int) { u.SetMode(style.Mode(i)) }),
		p.choice("text", u.T("M22.textSize"), scales[scale], scales, scale, func(i int) { u.SetTextScale(float32(factors[i])) }))
}

func index[T comparable](all []T, v T) int {
	for i, x := range all {
		if x == v {
			return i
		}
	}
	return 0
}

// choice is a line that opens a sheet with a few options.
func (p *aboutPage) choice(icon, title, current string, options []string, selected int, chosen func(int)) fyne.CanvasObject {
	u := p.ui
	return widgets.ListItem(widgets.Item{Icon: icon, Title: title, Subtitle: current, Arrow: true}, func() {
		var m *Modal
		items := make([]fyne.CanvasObject, len(options))
		for i, o := range options {
			items[i] = widgets.ListItem(widgets.Item{Title: o, Selected: i == selected}, func() {
				m.Close()
				if i != selected {
					chosen(i)
				}
			})
		}
		m = u.Sheet(widgets.Column(style.Space3, widgets.Heading(title), widgets.List(items...)), 420, false, func() { m.Close() })
	})
}

func (p *aboutPage) setFrequency(i int) {
	u := p.ui
	Run(u.Context(), u, u.T("saving"), func(ctx context.Context) (struct{}, error) {
		return struct{}{}, u.deps.Services.About.SetUpdateFrequency(ctx, client.UpdateFrequency(i))
	}, func(_ struct{}, err error) {
		if err != nil {
			u.fail(err, nil)
			return
		}
		p.Shown(u.Context())
	})
}

// licencesPage lists the parts of the app that others wrote.
type licencesPage struct{ ui *UI }

// Title implements Page.
func (p *licencesPage) Title() string { return p.ui.T("M22.licences") }

// Content implements Page.
func (p *licencesPage) Content(*Router) fyne.CanvasObject {
	var items []fyne.CanvasObject
	for _, l := range assets.Licences() {
		items = append(items, widgets.ListItem(widgets.Item{Title: l.Part, Arrow: true}, func() { p.ui.Push(&licencePage{l}) }))
	}
	return widgets.NewScaffold(style.ListWidth, widgets.List(items...), nil)
}

// licencePage shows one licence.
type licencePage struct{ licence assets.Licence }

// Title implements Page.
func (p *licencePage) Title() string { return p.licence.Part }

// Content implements Page.
func (p *licencePage) Content(*Router) fyne.CanvasObject {
	return widgets.NewScaffold(style.ListWidth, widgets.Card(widgets.NewText(reflow(p.licence.Text)).Sized(style.TextCaption)), nil)
}

// reflow joins the lines of a paragraph that was broken by hand, so that it can wrap at the width there is.
func reflow(text string) string {
	var b strings.Builder
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		switch s := b.String(); {
		case line == "" && !strings.HasSuffix(s, "\n\n") && s != "":
			b.WriteString("\n\n")
		case line == "":
		case s == "" || strings.HasSuffix(s, "\n"):
			b.WriteString(line)
		default:
			b.WriteString(" " + line)
		}
	}
	return strings.TrimSpace(b.String())
}
