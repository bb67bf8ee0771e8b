package ui

import (
	"io"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/storage"
)

// File is a file that the user chose, open for reading; whoever gets it closes it.
type File struct {
	Name string
	io.ReadCloser
}

// Target is a file that the user chose to write to. Close reports whether everything arrived.
type Target struct {
	Name string
	io.WriteCloser
}

// FileChooser lets the user choose files. The callbacks run on the UI goroutine, exactly once; nil without an error
// means that the user gave up.
type FileChooser interface {
	OpenPicture(done func(*File, error))
	OpenFile(done func(*File, error))
	SaveFile(name string, done func(*Target, error))
}

// FileDialogs is the FileChooser of fyne: the system's choosers on a phone, fyne's own dialogs elsewhere.
type FileDialogs struct {
	win   fyne.Window
	start string
	open  *dialog.FileDialog // on screen, or nil
}

// NewFileDialogs returns a chooser that begins in the folder start ("" for fyne's choice).
func NewFileDialogs(win fyne.Window, start string) *FileDialogs {
	return &FileDialogs{win: win, start: start}
}

// OpenPicture implements FileChooser.
func (d *FileDialogs) OpenPicture(done func(*File, error)) {
	d.choose(storage.NewExtensionFileFilter(pictureEndings), done)
}

// OpenFile implements FileChooser.
func (d *FileDialogs) OpenFile(done func(*File, error)) { d.choose(nil, done) }

func (d *FileDialogs) choose(filter storage.FileFilter, done func(*File, error)) {
	f := dialog.NewFileOpen(func(r fyne.URIReadCloser, err error) {
		d.open = nil
		if err != nil || r == nil {
			done(nil, err)
			return
		}
		done(&File{Name: r.URI().Name(), ReadCloser: r}, nil)
	}, d.win)
	if filter != nil {
		f.SetFilter(filter)
	}
	d.show(f)
}

// SaveFile implements FileChooser.
func (d *FileDialogs) SaveFile(name string, done func(*Target, error)) {
	f := dialog.NewFileSave(func(w fyne.URIWriteCloser, err error) {
		d.open = nil
		if err != nil || w == nil {
			done(nil, err)
			return
		}
		done(&Target{Name: w.URI().Name(), WriteCloser: w}, nil)
	}, d.win)
	f.SetFileName(name)
	d.show(f)
}

func (d *FileDialogs) show(f *dialog.FileDialog) {
	if d.start != "" {
		if l, err := storage.ListerForURI(storage.NewFileURI(d.start)); err == nil {
			f.SetLocation(l)
		}
	}
	overlays := d.win.Canvas().Overlays()
	before := len(overlays.List())
	f.Show()
	if len(overlays.List()) == before {
		return // the system shows a dialog of its own
	}
	d.open = f
	size := d.win.Canvas().Size()
	f.Resize(fyne.NewSize(min(size.Width-16, 860), min(size.Height-32, 640)))
}

// Dismiss gives up the dialog on the screen, as its own button does; false when there is none.
func (d *FileDialogs) Dismiss() bool {
	if d.open == nil {
		return false
	}
	f := d.open
	d.open = nil
	f.Dismiss()
	return true
}
