package ui

import (
	"context"
	"strings"

	"fyne.io/fyne/v2"

	"cloudkey/ui/scan"
	"cloudkey/ui/style"
	"cloudkey/ui/widgets"
)

// maxPaste is the longest text taken from the clipboard, in bytes: above anything a QR code holds.
const maxPaste = 8 << 10

// scanPage is M03, the scanner: a place for the live picture, and the two ways that work everywhere.
type scanPage struct {
	ui    *UI
	title string
	hint  string
	found func(text string)
	// camera is the live picture where the device has a camera that this build can use; nil: the view says what to do.
	camera fyne.CanvasObject
}

// newScanPage returns a scanner that calls found with the text of a code; the page stays open until the caller closes it.
func newScanPage(u *UI, title, hint string, found func(string)) *scanPage {
	return &scanPage{ui: u, title: title, hint: hint, found: found}
}

// Title implements Page.
func (p *scanPage) Title() string { return p.title }

// Content implements Page.
func (p *scanPage) Content(*Router) fyne.CanvasObject {
	u := p.ui
	view := p.camera
	if view == nil {
		view = widgets.Inset(style.Space8, style.Space5, style.Space8, style.Space5, widgets.Column(style.Space4,
			widgets.Centre(widgets.NewIcon("scan", 88, style.Primary)),
			widgets.NewText(p.hint).Colour(style.TextSoft).Centred()))
	}
	actions := widgets.Column(style.Space2,
		widgets.IconButton(widgets.Primary, "picture", u.T("M02.choosePicture"), p.choosePicture),
		widgets.IconButton(widgets.Secondary, "paste", u.T("M02.pasteText"), func() {
			u.Push(&pastePage{ui: u, found: p.found})
		}))
	return widgets.NewScaffold(style.FormWidth, widgets.Column(style.Space4,
		widgets.NewBox(style.Surface, style.RadiusLarge, view),
		widgets.Banner(widgets.Info, u.T("M02.safety"), "", nil)), actions)
}

func (p *scanPage) choosePicture() {
	u := p.ui
	u.deps.Files.OpenPicture(func(f *File, err error) {
		if err != nil {
			u.fail(err, nil)
			return
		}
		if f == nil {
			return
		}
		Run(u.Context(), u, u.T("M02.reading"), func(ctx context.Context) (string, error) {
			defer f.Close()
			return scan.Read(ctx, f)
		}, func(text string, err error) {
			if err != nil {
				u.fail(err, nil)
				return
			}
			p.found(text)
		})
	})
}

// pastePage takes the text of a code.
type pastePage struct {
	ui    *UI
	found func(string)
	text  *widgets.Field
	body  *widgets.Scaffold
}

// Title implements Page.
func (p *pastePage) Title() string { return p.ui.T("M02.pasteTitle") }

// Content implements Page.
func (p *pastePage) Content(*Router) fyne.CanvasObject {
	u := p.ui
	p.text = widgets.NewTextField(u.T("M02.pasteLabel"), u.T("M02.pastePlaceholder"), u.T("M02.pasteHint"), 7)
	p.body = widgets.NewScaffold(style.FormWidth, widgets.Column(style.Space4, p.text,
		widgets.IconButton(widgets.Secondary, "paste", u.T("M02.fromClipboard"), func() {
			p.text.Entry.SetText(strings.TrimSpace(fyne.CurrentApp().Clipboard().Content()))
		})), widgets.NewButton(widgets.Primary, u.T("next"), p.proceed))
	return p.body
}

func (p *pastePage) proceed() {
	text := strings.TrimSpace(p.text.Text())
	problem := ""
	switch {
	case text == "":
		problem = p.ui.T("M02.pasteEmpty")
	case len(text) > maxPaste:
		problem = p.ui.T("M02.pasteTooLong")
	}
	p.text.SetError(problem)
	p.body.Refresh()
	if problem == "" {
		p.found(text)
	}
}
