package ui

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fyne.io/fyne/v2"

	"cloudkey/ui/style"
	"cloudkey/ui/widgets"
)

// FilePages is the FileChooser of the desktop: a page that lists a folder, in the language and look of the other pages
// (fyne's own dialog has words in English that cannot be translated).
type FilePages struct {
	ui     *UI
	folder string // where the user was last
}

// NewFilePages returns a chooser that begins in folder; "" means the user's home.
func NewFilePages(u *UI, folder string) *FilePages {
	if folder == "" {
		folder, _ = os.UserHomeDir() // without one the list begins where the program runs
	}
	return &FilePages{ui: u, folder: folder}
}

var pictureEndings = []string{".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff"}

func isPicture(name string) bool {
	return slices.Contains(pictureEndings, strings.ToLower(filepath.Ext(name)))
}

// OpenPicture implements FileChooser.
func (c *FilePages) OpenPicture(done func(*File, error)) {
	c.open("files.pictureTitle", isPicture, done)
}

// OpenFile implements FileChooser.
func (c *FilePages) OpenFile(done func(*File, error)) {
	c.open("files.openTitle", func(string) bool { return true }, done)
}

func (c *FilePages) open(title string, wanted func(string) bool, done func(*File, error)) {
	c.ui.Push(&filePage{c: c, title: title, folder: c.folder, wanted: wanted, givenUp: func() { done(nil, nil) }, chosen: func(path string) {
		f, err := os.Open(path) //nolint:gosec // the user's own choice
		if err != nil {
			done(nil, err)
			return
		}
		done(&File{Name: filepath.Base(path), ReadCloser: f}, nil)
	}})
}

// SaveFile implements FileChooser.
func (c *FilePages) SaveFile(name string, done func(*Target, error)) {
	c.ui.Push(&filePage{c: c, title: "files.saveTitle", folder: c.folder, save: true, name: name, wanted: func(string) bool { return true }, givenUp: func() { done(nil, nil) }, chosen: func(path string) {
		f, err := os.Create(path) //nolint:gosec // the user's own choice
		if err != nil {
			done(nil, err)
			return
		}
		done(&Target{Name: filepath.Base(path), WriteCloser: f}, nil)
	}})
}

// maxEntries is the most entries of a folder that are listed.
const maxEntries = 500

// filePage lists one folder after the other until a file is chosen.
type filePage struct {
	c       *FilePages
	title   string // key
	folder  string
	save    bool
	name    string
	wanted  func(name string) bool
	chosen  func(path string)
	givenUp func()
	ended   bool

	entries []fs.DirEntry
	loaded  bool
	problem error
	list    *fyne.Container
	field   *widgets.Field
	body    *widgets.Scaffold
}

// Title implements Page.
func (p *filePage) Title() string { return p.c.ui.T(p.title) }

// Content implements Page.
func (p *filePage) Content(*Router) fyne.CanvasObject {
	u := p.c.ui
	p.list = widgets.Column(style.Space3)
	var bottom fyne.CanvasObject
	if p.save {
		p.field = widgets.NewField(u.T("files.name"), "", "")
		p.field.Entry.SetText(p.name)
		p.field.Entry.OnChanged = func(s string) { p.name = s }
		p.field.Entry.OnSubmitted = func(string) { p.saveHere() }
		bottom = widgets.Column(style.Space3, p.field, widgets.NewButton(widgets.Primary, u.T("files.saveHere"), p.saveHere))
	}
	p.body = widgets.NewScaffold(style.ListWidth, p.list, bottom)
	p.paint()
	return p.body
}

// Shown implements Shower.
func (p *filePage) Shown(ctx context.Context) {
	folder := p.folder
	Go(ctx, p.c.ui, func(context.Context) ([]fs.DirEntry, error) { return os.ReadDir(folder) }, func(entries []fs.DirEntry, err error) {
		if ctx.Err() != nil || folder != p.folder {
			return
		}
		p.entries, p.problem, p.loaded = nil, err, true
		for _, e := range entries {
			if !strings.HasPrefix(e.Name(), ".") && (e.IsDir() || p.wanted(e.Name())) {
				p.entries = append(p.entries, e)
			}
		}
		slices.SortStableFunc(p.entries, func(a, b fs.DirEntry) int {
			switch {
			case a.IsDir() == b.IsDir():
				return strings.Compare(strings.ToLower(a.Name()), strings.ToLower(b.Name()))
			case a.IsDir():
				return -1
			}
			return 1
		})
		p.paint()
		p.body.Top()
	})
}

func (p *filePage) enter(folder string) {
	p.folder, p.loaded, p.problem = folder, false, nil
	p.c.folder = folder
	p.paint()
	p.Shown(p.c.ui.Context())
}

func (p *filePage) paint() {
	u := p.c.ui
	p.list.Objects = []fyne.CanvasObject{widgets.Caption(p.folder)}
	var items []fyne.CanvasObject
	if up := filepath.Dir(p.folder); up != p.folder {
		items = append(items, widgets.ListItem(widgets.Item{Icon: "undo", Title: u.T("files.up"), Subtitle: up}, func() { p.enter(up) }))
	}
	for i, e := range p.entries {
		if i == maxEntries || !p.loaded {
			break
		}
		path := filepath.Join(p.folder, e.Name())
		if e.IsDir() {
			items = append(items, widgets.ListItem(widgets.Item{Icon: "folder", Title: e.Name(), Arrow: true}, func() { p.enter(path) }))
			continue
		}
		about := ""
		if info, err := e.Info(); err == nil {
			about = u.size(info.Size()) + " · " + u.timeOf(info.ModTime())
		}
		items = append(items, widgets.ListItem(widgets.Item{Icon: "file", Title: e.Name(), Subtitle: about}, func() { p.take(path) }))
	}
	if len(items) > 0 {
		p.list.Add(widgets.List(items...))
	}
	switch {
	case p.problem != nil:
		p.list.Add(widgets.Banner(widgets.Bad, u.report(p.problem), u.T("retry"), func() { p.enter(p.folder) }))
	case !p.loaded:
		p.list.Add(widgets.Centre(widgets.NewSpinner(36)))
	case len(p.entries) == 0:
		p.list.Add(widgets.Caption(u.T("files.empty")).Centred())
	case len(p.entries) > maxEntries:
		p.list.Add(widgets.Caption(u.N("files.more", maxEntries)).Centred())
	}
	p.body.Refresh()
}

// take is a tap on a file: it is opened, or its name is taken over for saving.
func (p *filePage) take(path string) {
	if p.save {
		p.field.Entry.SetText(filepath.Base(path))
		return
	}
	p.end(path)
}

func (p *filePage) saveHere() {
	u := p.c.ui
	name := strings.TrimSpace(p.name)
	problem := ""
	switch {
	case name == "" || name == "." || name == "..":
		problem = u.T("files.nameEmpty")
	case strings.ContainsAny(name, `/\`+"\x00"):
		problem = u.T("files.nameBad")
	}
	p.field.SetError(problem)
	p.body.Refresh()
	if problem != "" {
		return
	}
	path := filepath.Join(p.folder, name)
	if _, err := os.Stat(path); err == nil {
		u.Confirm(u.T("files.overwriteTitle"), u.T("files.overwriteText", "name", name), u.T("files.overwrite"), true, func() { p.end(path) })
		return
	}
	p.end(path)
}

// end closes the page and hands the path over.
func (p *filePage) end(path string) {
	p.ended = true
	p.c.ui.Pop()
	p.chosen(path)
}

// Closed implements Closer: leaving without a choice is told too.
func (p *filePage) Closed() {
	if !p.ended {
		p.ended = true
		p.givenUp()
	}
}
