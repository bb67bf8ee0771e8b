package ui

import (
	"context"
	"log/slog"

	"fyne.io/fyne/v2"

	"cloudkey/ui/style"
)

// Keys of the preferences.
const (
	prefLanguage = "language"
	prefMode     = "appearance"
	prefScale    = "textScale"
	prefBind     = "firstUse.bind"
	prefInk      = "firstUse.ink"
)

// UI is the app in one window.
type UI struct {
	*Router
	deps  Deps
	win   fyne.Window
	words *Words
}

// New builds the app into a window and shows nothing yet: call Start. It sets the theme of the fyne app, the content of the
// window and its key handler.
func New(win fyne.Window, deps Deps) *UI {
	u := &UI{deps: deps, win: win}
	if u.deps.Clock == nil {
		u.deps.Clock = SystemClock{}
	}
	if u.deps.Log == nil {
		u.deps.Log = slog.New(slog.DiscardHandler)
	}
	u.words = NewWords(deps.Preferences.String(prefLanguage))
	if err := u.words.teachFyne(); err != nil {
		u.deps.Log.Error("words for fyne", "error", err)
	}
	u.applyTheme()
	win.SetPadded(false)
	u.Router = newRouter(u)
	switch {
	case u.deps.Files != nil:
	case fyne.CurrentDevice().IsMobile():
		u.deps.Files = NewFileDialogs(win, "")
	default:
		u.deps.Files = NewFilePages(u, deps.StartFolder)
	}
	win.SetContent(u.root)
	win.Canvas().SetOnTypedKey(u.typedKey)
	return u
}

// Start opens the first page: an unfinished first use, the main screen, or 下载证书. Ends with ctx.
func (u *UI) Start(ctx context.Context) {
	u.ctx = ctx
	u.Reset(&startPage{ui: u})
}

// Current returns the title of the page on top.
func (u *UI) Current() string {
	if p := u.Top(); p != nil {
		return p.Title()
	}
	return ""
}

// Words returns the words of the language chosen now.
func (u *UI) Words() *Words { return u.words }

// T returns a text of the language chosen now.
func (u *UI) T(key string, pairs ...any) string { return u.words.T(key, pairs...) }

// N returns a text for a number.
func (u *UI) N(key string, n int, pairs ...any) string { return u.words.N(key, n, pairs...) }

// SetLanguage switches to "zh", "en" or "" (the system's), remembers it, and builds all pages again.
func (u *UI) SetLanguage(tag string) {
	u.deps.Preferences.SetString(prefLanguage, tag)
	u.words = NewWords(tag)
	if err := u.words.teachFyne(); err != nil {
		u.deps.Log.Error("words for fyne", "error", err)
	}
	u.Rebuild()
}

// SetMode switches between the system's appearance, light and dark, and remembers it.
func (u *UI) SetMode(m style.Mode) {
	u.deps.Preferences.SetInt(prefMode, int(m))
	u.applyTheme()
	u.Rebuild()
}

// SetTextScale changes the size of all text; 1 is 100 %.
func (u *UI) SetTextScale(s float32) {
	u.deps.Preferences.SetFloat(prefScale, float64(s))
	u.applyTheme()
	u.Rebuild()
}

func (u *UI) applyTheme() {
	mode := style.Mode(u.deps.Preferences.Int(prefMode))
	scale := float32(u.deps.Preferences.FloatWithFallback(prefScale, 1))
	settings := fyne.CurrentApp().Settings()
	if t, ok := settings.Theme().(*style.Theme); !ok || !t.Is(mode, scale) {
		settings.SetTheme(style.New(mode, scale))
	}
}

// Clipboard copies a public text (a fingerprint, a serial number) and says so.
func (u *UI) copyText(text string) {
	fyne.CurrentApp().Clipboard().SetContent(text)
	u.Toast(u.T("copied"))
}
