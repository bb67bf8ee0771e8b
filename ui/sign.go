package ui

import (
	"context"
	"fmt"
	"io"
	"strings"

	"fyne.io/fyne/v2"

	"cloudkey/client"
	"cloudkey/ui/style"
	"cloudkey/ui/widgets"
)

// Signatures sign and keep what was signed (M15).
type Signatures interface {
	Sign(ctx context.Context, certID string, docs []client.Document, password []byte, progress client.Progress) ([]client.SignatureRecord, error)
	History(ctx context.Context, certID string) ([]client.SignatureRecord, error)
	Verify(ctx context.Context, rec client.SignatureRecord, document []byte) error
}

// signPage is M15 协同签名 of a file or a text of one's own.
type signPage struct {
	ui     *UI
	cert   client.Certificate
	asText bool
	file   *client.Document
	typed  string
	place  *fyne.Container
	text   *widgets.Field
	sign   *widgets.Button
	body   *widgets.Scaffold
}

func newSignPage(u *UI, cert client.Certificate) *signPage { return &signPage{ui: u, cert: cert} }

// Title implements Page.
func (p *signPage) Title() string { return p.ui.T("M15.title") }

// Tools implements Tooler.
func (p *signPage) Tools() []fyne.CanvasObject {
	u := p.ui
	return []fyne.CanvasObject{widgets.ToolButton("history", u.T("M15.historyTitle"), style.Text, func() { u.Push(newHistoryPage(u, p.cert)) })}
}

// Content implements Page.
func (p *signPage) Content(*Router) fyne.CanvasObject {
	u := p.ui
	p.place = widgets.Column(style.Space3)
	selected := 0
	if p.asText {
		selected = 1
	}
	p.text = widgets.NewTextField(u.T("M15.text"), u.T("M15.textPlaceholder"), u.T("M15.textHint"), 8)
	p.text.Entry.SetText(p.typed)
	p.text.Entry.OnChanged = func(s string) {
		p.typed = s
		p.sign.SetEnabled(p.ready())
	}
	p.sign = widgets.IconButton(widgets.Primary, "sign", u.T("M15.sign"), p.start)
	p.body = widgets.NewScaffold(style.FormWidth+80, widgets.Column(style.Space4,
		widgets.NewText(u.T("M15.intro")).Colour(style.TextSoft),
		widgets.NewSegments([]string{u.T("M15.asFile"), u.T("M15.asText")}, selected, func(i int) {
			p.asText = i == 1
			p.paint()
		}), p.place, u.signer(p.cert)), p.sign)
	p.paint()
	return p.body
}

// signer is the line that says whose certificate signs.
func (u *UI) signer(c client.Certificate) fyne.CanvasObject {
	state, tone := u.stateText(c)
	return widgets.List(widgets.ListItem(widgets.Item{
		Icon: "certificate", Title: u.T("M15.signWith", "holder", c.Holder),
		Subtitle: c.Organisation.Name + " · " + c.Account, Trailing: widgets.Chip(tone, state),
	}, nil))
}

func (p *signPage) paint() {
	u := p.ui
	switch {
	case p.asText:
		p.place.Objects = []fyne.CanvasObject{p.text}
	case p.file == nil:
		drop := widgets.NewTouch(u.T("M15.chooseFile"), widgets.Inset(style.Space8, style.Space4, style.Space8, style.Space4, widgets.Column(style.Space3,
			widgets.Centre(widgets.Plate("file", 64, style.Tonal, style.OnTonal)),
			widgets.NewText(u.T("M15.chooseFile")).Bold().Colour(style.Primary).Centred(),
			widgets.Caption(u.T("M15.chooseFileHint", "size", u.size(client.MaxDocument))).Centred())), p.choose)
		drop.Fill, drop.Stroke, drop.Radius = style.Surface, style.Outline, style.Radius+4
		p.place.Objects = []fyne.CanvasObject{drop}
	default:
		p.place.Objects = []fyne.CanvasObject{widgets.List(
			widgets.ListItem(widgets.Item{Icon: "file", Title: p.file.Name, Subtitle: u.size(int64(len(p.file.Content)))}, nil),
			widgets.ListItem(widgets.Item{Icon: "refresh", Title: u.T("M15.otherFile"), Arrow: true}, p.choose))}
	}
	p.sign.SetEnabled(p.ready())
	p.body.Refresh()
}

func (p *signPage) ready() bool {
	if p.asText {
		return strings.TrimSpace(p.typed) != ""
	}
	return p.file != nil
}

func (p *signPage) choose() {
	u := p.ui
	u.openDocument(func(d client.Document) {
		p.file = &d
		p.paint()
	})
}

// openDocument lets the user choose a file and reads it.
func (u *UI) openDocument(done func(client.Document)) {
	u.deps.Files.OpenFile(func(f *File, err error) {
		if err != nil {
			u.fail(err, nil)
			return
		}
		if f == nil {
			return
		}
		Run(u.Context(), u, u.T("M15.readingFile"), func(ctx context.Context) (client.Document, error) {
			defer f.Close()
			data, err := io.ReadAll(io.LimitReader(&contextReader{ctx, f}, client.MaxDocument+1))
			if err == nil && len(data) > client.MaxDocument {
				err = client.ErrTooLarge
			}
			return client.Document{Name: f.Name, Content: data}, err
		}, func(d client.Document, err error) {
			if err != nil {
				u.fail(err, nil)
				return
			}
			done(d)
		})
	})
}

// contextReader ends a long read when its context ends.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *contextReader) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(b)
}

// start authenticates and signs.
func (p *signPage) start() {
	if !p.ready() {
		return
	}
	u := p.ui
	var doc client.Document
	if p.asText {
		doc = client.Document{Name: firstLine(p.typed), Content: []byte(p.typed)}
	} else {
		doc = *p.file
	}
	var signed []client.SignatureRecord
	u.authenticate(u.T("M15.title"), p.cert, func(ctx context.Context, password []byte, progress client.Progress) error {
		records, err := u.deps.Services.Signatures.Sign(ctx, p.cert.ID, []client.Document{doc}, password, progress)
		if err == nil && len(records) != 1 {
			err = fmt.Errorf("ui: %d signatures for one document", len(records))
		}
		signed = records
		return err
	}, func() {
		p.file, p.typed = nil, ""
		page := newRecordPage(u, signed[0])
		page.document, page.fresh = doc.Content, true
		p.text.Entry.SetText("")
		p.paint()
		u.Push(page)
	})
}

// firstLine names a text by its beginning.
func firstLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	if r := []rune(s); len(r) > 24 {
		return string(r[:24]) + "…"
	}
	return s
}

// size is a number of bytes in words.
func (u *UI) size(n int64) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.4g MB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.4g KB", float64(n)/(1<<10))
	}
	return u.N("bytes", int(n))
}
