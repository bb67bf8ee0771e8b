package ui

import (
	"context"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/mobile"

	"cloudkey/ui/style"
	"cloudkey/ui/widgets"
)

// Page is a screen. A page may also have any of the capabilities below.
type Page interface {
	Title() string
	Content(r *Router) fyne.CanvasObject // built when the page is opened, and again when language or theme change
}

// Shower is told each time the page comes to the top. The context ends when the page is closed.
type Shower interface{ Shown(ctx context.Context) }

// Backer is asked first when the user goes back; true means that the page has dealt with it.
type Backer interface{ Back() bool }

// Closer is told when the page is closed; secrets are wiped here.
type Closer interface{ Closed() }

// Tooler has things to tap at the right of the top bar.
type Tooler interface{ Tools() []fyne.CanvasObject }

// Router holds the stack of pages and shows the top one under a bar with its title. Dialogs and sheets lie above it in the
// canvas's overlays, a toast below the bar. UI goroutine only.
type Router struct {
	ui    *UI
	ctx   context.Context
	stack []*opened
	modal []*Modal
	root  *fyne.Container
	bar   *fyne.Container
	body  *fyne.Container
	toast *fyne.Container
	stop  func() bool
}

type opened struct {
	page    Page
	content fyne.CanvasObject
	ctx     context.Context
	cancel  context.CancelFunc
}

func newRouter(u *UI) *Router {
	r := &Router{ui: u, ctx: context.Background()}
	r.bar, r.body, r.toast = container.NewStack(), container.NewStack(), container.NewStack()
	ground := widgets.NewBox(style.Background, 0, nil)
	r.root = container.NewStack(ground, container.New(&barLayout{}, r.bar, r.body), container.New(&toastLayout{}, r.toast))
	return r
}

// Top returns the page on top, nil before Start.
func (r *Router) Top() Page {
	if len(r.stack) == 0 {
		return nil
	}
	return r.stack[len(r.stack)-1].page
}

// Context returns the context of the page on top.
func (r *Router) Context() context.Context {
	if len(r.stack) == 0 {
		return r.ctx
	}
	return r.stack[len(r.stack)-1].ctx
}

// Push opens a page on top of the others.
func (r *Router) Push(p Page) {
	r.open(p)
	r.show()
}

// Replace closes the top page and opens p in its place.
func (r *Router) Replace(p Page) {
	r.closeTop()
	r.Push(p)
}

// Reset closes all pages and opens p.
func (r *Router) Reset(p Page) {
	r.closeModals()
	for len(r.stack) > 0 {
		r.closeTop()
	}
	r.Push(p)
}

// Pop closes the top page unless it is the only one.
func (r *Router) Pop() {
	if len(r.stack) > 1 {
		r.closeTop()
		r.show()
	}
}

// PopTo closes pages until p is on top; without p on the stack nothing happens.
func (r *Router) PopTo(p Page) {
	for _, o := range r.stack {
		if o.page == p {
			for r.Top() != p {
				r.closeTop()
			}
			r.show()
			return
		}
	}
}

// Close closes all pages: every context ends and every secret is wiped.
func (r *Router) Close() {
	r.closeModals()
	for len(r.stack) > 0 {
		r.closeTop()
	}
}

// Back does what the back key does: it closes the top dialog, or lets the page decide, or closes the page.
func (r *Router) Back() {
	if n := len(r.modal); n > 0 {
		r.modal[n-1].back()
		return
	}
	if d, ok := r.ui.deps.Files.(interface{ Dismiss() bool }); ok && d.Dismiss() {
		return
	}
	if b, ok := r.Top().(Backer); ok && b.Back() {
		return
	}
	if len(r.stack) > 1 {
		r.Pop()
		return
	}
	if d, ok := fyne.CurrentApp().Driver().(mobile.Driver); ok {
		d.GoBack()
	}
}

func (r *Router) typedKey(e *fyne.KeyEvent) {
	if e.Name == fyne.KeyEscape || e.Name == mobile.KeyBack {
		r.Back()
	}
}

// Rebuild builds every page again, for a new language or theme.
func (r *Router) Rebuild() {
	for _, o := range r.stack {
		o.content = nil
	}
	r.show()
}

func (r *Router) open(p Page) {
	ctx, cancel := context.WithCancel(r.ctx)
	r.stack = append(r.stack, &opened{page: p, ctx: ctx, cancel: cancel})
}

func (r *Router) closeTop() {
	n := len(r.stack) - 1
	o := r.stack[n]
	r.stack[n] = nil
	r.stack = r.stack[:n]
	o.cancel()
	if c, ok := o.page.(Closer); ok {
		c.Closed()
	}
}

func (r *Router) show() {
	o := r.stack[len(r.stack)-1]
	r.ui.win.Canvas().Unfocus()
	if o.content == nil {
		o.content = o.page.Content(r)
	}
	r.bar.Objects = []fyne.CanvasObject{r.topBar(o.page)}
	r.body.Objects = []fyne.CanvasObject{o.content}
	r.root.Refresh()
	if s, ok := o.page.(Shower); ok {
		s.Shown(o.ctx)
	}
}

func (r *Router) topBar(p Page) fyne.CanvasObject {
	parts := []fyne.CanvasObject{}
	title := widgets.NewText(p.Title()).Sized(style.TextHeading).Bold()
	if len(r.stack) > 1 {
		parts = append(parts, widgets.ToolButton("back", r.ui.T("back"), style.Text, r.Back))
	} else {
		parts = append(parts, widgets.Fixed(fyne.NewSize(style.Space2, style.Touch), widgets.VSpace(0)))
	}
	parts = append(parts, widgets.Grow(title))
	if t, ok := p.(Tooler); ok {
		parts = append(parts, t.Tools()...)
	}
	return widgets.Inset(style.Space1, style.Space2, style.Space1, style.Space2, widgets.Row(style.Space1, parts...))
}

// Modal is a dialog or sheet that is open.
type Modal struct {
	r       *Router
	overlay *widgets.Overlay
	onBack  func()
	ended   bool
}

// Sheet opens a modal card with content; back is called for the back key and taps beside it (nil: it stays).
func (r *Router) Sheet(content fyne.CanvasObject, width float32, middle bool, back func()) *Modal {
	m := &Modal{r: r, onBack: back, overlay: widgets.NewOverlay(content, width, middle)}
	m.overlay.OnScrim = m.back
	r.modal = append(r.modal, m)
	r.ui.win.Canvas().Overlays().Add(m.overlay)
	return m
}

func (m *Modal) back() {
	if m.onBack != nil && !m.ended {
		m.onBack()
	}
}

// Refresh lays the card out again after its content has changed its height.
func (m *Modal) Refresh() { m.overlay.Refresh() }

// Close removes the modal and everything above it; closing twice is nothing.
func (m *Modal) Close() {
	if m.ended {
		return
	}
	for i, o := range m.r.modal {
		if o == m {
			for _, above := range m.r.modal[i:] {
				above.ended = true
			}
			m.r.modal = m.r.modal[:i]
			break
		}
	}
	m.ended = true
	m.r.ui.win.Canvas().Overlays().Remove(m.overlay)
}

func (r *Router) closeModals() {
	for len(r.modal) > 0 {
		r.modal[0].Close()
	}
}

// Confirm asks a question with one action and 取消.
func (r *Router) Confirm(title, text, action string, danger bool, yes func()) {
	var m *Modal
	kind := widgets.Primary
	if danger {
		kind = widgets.Danger
	}
	shut := func() { m.Close() }
	m = r.Sheet(widgets.Column(style.Space4, widgets.Heading(title), widgets.NewText(text).Colour(style.TextSoft),
		widgets.Column(style.Space1, widgets.NewButton(kind, action, func() { m.Close(); yes() }),
			widgets.NewButton(widgets.Plain, r.ui.T("cancel"), shut))), 400, true, shut)
}

// Tell shows a message that has to be read, with one button.
func (r *Router) Tell(title, text string, then func()) {
	var m *Modal
	shut := func() {
		m.Close()
		if then != nil {
			then()
		}
	}
	m = r.Sheet(widgets.Column(style.Space4, widgets.Heading(title), widgets.NewText(text).Colour(style.TextSoft),
		widgets.NewButton(widgets.Primary, r.ui.T("understood"), shut)), 400, true, shut)
}

// Toast shows a short message for three seconds.
func (r *Router) Toast(text string) {
	if r.stop != nil {
		r.stop()
	}
	label := widgets.NewText(text).Sized(style.TextSmall).Colour(style.OnToast)
	r.toast.Objects = []fyne.CanvasObject{widgets.NewBox(style.Toast, style.Radius, widgets.Inset(12, 16, 12, 16, label))}
	r.root.Refresh()
	r.stop = r.ui.deps.Clock.AfterFunc(3*time.Second, func() {
		r.ui.deps.Do(func() {
			r.stop = nil
			r.HideToast()
		})
	})
}

// HideToast ends the message at once.
func (r *Router) HideToast() {
	if r.stop != nil {
		r.stop()
		r.stop = nil
	}
	if len(r.toast.Objects) > 0 {
		r.toast.Objects = nil
		r.root.Refresh()
	}
}

// barLayout puts the bar, whose title may wrap, above the page.
type barLayout struct{}

func (barLayout) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.NewSize(280, 260) }

func (barLayout) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	bar, body := objects[0], objects[1]
	h := float32(0)
	if c := bar.(*fyne.Container); len(c.Objects) > 0 {
		h = widgets.HeightAt(c.Objects[0], size.Width)
	}
	bar.Move(fyne.Position{})
	bar.Resize(fyne.NewSize(size.Width, h))
	body.Move(fyne.NewPos(0, h))
	body.Resize(fyne.NewSize(size.Width, size.Height-h))
}

// toastLayout places the toast below the bar, where it covers neither a primary action nor a key pad.
type toastLayout struct{}

func (toastLayout) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.Size{} }

func (toastLayout) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objects {
		c, ok := o.(*fyne.Container)
		if !ok || len(c.Objects) == 0 {
			continue
		}
		w := min(size.Width-2*style.Space4, 440)
		h := widgets.HeightAt(c.Objects[0], w)
		c.Move(fyne.NewPos((size.Width-w)/2, style.Touch+2*style.Space2))
		c.Resize(fyne.NewSize(w, h))
	}
}
