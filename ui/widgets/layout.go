// Package widgets holds the building blocks of the screens: text that wraps, buttons, fields, the secret entry and its pad,
// the ink canvas, cards, rows and messages. They know no domain and no language: every word is handed to them.
//
// Layout: fyne asks an object for its smallest size before it knows the width, which is wrong for text that wraps. The
// layouts here ask HeightAt(object, width) instead, so that a column has its right height in one pass.
//
// All types belong to the UI goroutine.
package widgets

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
)

// Flowing is implemented by objects and layouts whose height depends on their width.
type Flowing interface {
	HeightForWidth(width float32) float32
}

type flowingLayout interface {
	heightForWidth(objects []fyne.CanvasObject, width float32) float32
}

// natural is implemented by what would like to be wider than it must be, above all text that wraps.
type natural interface{ naturalWidth() float32 }

type naturalLayout interface {
	naturalWidth(objects []fyne.CanvasObject) float32
}

// naturalWidth returns the width at which o needs no wrapping.
func naturalWidth(o fyne.CanvasObject) float32 {
	switch v := o.(type) {
	case natural:
		return v.naturalWidth()
	case *fyne.Container:
		if l, ok := v.Layout.(naturalLayout); ok {
			return l.naturalWidth(v.Objects)
		}
	}
	return o.MinSize().Width
}

func widest(objects []fyne.CanvasObject) float32 {
	w := float32(0)
	for _, o := range visible(objects) {
		w = max(w, naturalWidth(o))
	}
	return w
}

// HeightAt returns the height that o needs when it is width wide.
func HeightAt(o fyne.CanvasObject, width float32) float32 {
	switch v := o.(type) {
	case Flowing:
		return v.HeightForWidth(width)
	case *fyne.Container:
		if l, ok := v.Layout.(flowingLayout); ok {
			return l.heightForWidth(v.Objects, width)
		}
	}
	return o.MinSize().Height
}

func visible(objects []fyne.CanvasObject) []fyne.CanvasObject {
	var out []fyne.CanvasObject
	for _, o := range objects {
		if o != nil && o.Visible() {
			out = append(out, o)
		}
	}
	return out
}

// Column stacks objects at full width with a gap between them.
func Column(gap float32, objects ...fyne.CanvasObject) *fyne.Container {
	return container.New(&column{gap: gap}, objects...)
}

type column struct{ gap, width float32 }

func (l *column) heightForWidth(objects []fyne.CanvasObject, width float32) float32 {
	height := float32(0)
	for i, o := range visible(objects) {
		if i > 0 {
			height += l.gap
		}
		height += HeightAt(o, width)
	}
	return height
}

func (l *column) naturalWidth(objects []fyne.CanvasObject) float32 { return widest(objects) }

func (l *column) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	l.width = size.Width
	y := float32(0)
	for _, o := range visible(objects) {
		h := HeightAt(o, size.Width)
		o.Move(fyne.NewPos(0, y))
		o.Resize(fyne.NewSize(size.Width, h))
		y += h + l.gap
	}
}

func (l *column) MinSize(objects []fyne.CanvasObject) fyne.Size {
	width := float32(0)
	for _, o := range visible(objects) {
		width = max(width, o.MinSize().Width)
	}
	return fyne.NewSize(width, l.heightForWidth(objects, max(width, l.width)))
}

// Row puts objects side by side, centred vertically. Those wrapped in Grow share what is left of the width.
func Row(gap float32, objects ...fyne.CanvasObject) *fyne.Container {
	return container.New(&row{gap: gap}, objects...)
}

// Grow marks an object of a Row that takes the width left over.
func Grow(o fyne.CanvasObject) fyne.CanvasObject { return container.New(&grow{}, o) }

// Spacer is an empty object that grows in a Row.
func Spacer() fyne.CanvasObject { return container.New(&grow{}) }

type grow struct{}

func (grow) heightForWidth(objects []fyne.CanvasObject, width float32) float32 {
	h := float32(0)
	for _, o := range visible(objects) {
		h = max(h, HeightAt(o, width))
	}
	return h
}

func (grow) naturalWidth(objects []fyne.CanvasObject) float32 { return widest(objects) }

func (grow) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objects {
		o.Move(fyne.Position{})
		o.Resize(size)
	}
}

func (grow) MinSize(objects []fyne.CanvasObject) fyne.Size {
	s := fyne.Size{}
	for _, o := range visible(objects) {
		s = s.Max(o.MinSize())
	}
	return s
}

type row struct{ gap, width float32 }

// widths gives each object its natural width and shares what is left between the growing ones; when it is too much, those
// that can wrap give way.
func (l *row) widths(objects []fyne.CanvasObject, width float32) []float32 {
	ws := make([]float32, len(objects))
	left, growing, spare := width, 0, float32(0)
	for i, o := range objects {
		if i > 0 {
			left -= l.gap
		}
		if c, ok := o.(*fyne.Container); ok {
			if _, ok := c.Layout.(*grow); ok {
				growing++
				ws[i] = -1
				left -= c.MinSize().Width
				continue
			}
		}
		ws[i] = naturalWidth(o)
		left -= ws[i]
		spare += ws[i] - o.MinSize().Width
	}
	if left < 0 && spare > 0 {
		give := min(1, -left/spare)
		for i, o := range objects {
			if ws[i] >= 0 {
				less := (ws[i] - o.MinSize().Width) * give
				ws[i] -= less
				left += less
			}
		}
	}
	for i := range ws {
		if ws[i] < 0 {
			ws[i] = objects[i].MinSize().Width + max(0, left)/float32(growing)
		}
	}
	return ws
}

func (l *row) naturalWidth(objects []fyne.CanvasObject) float32 {
	w := float32(0)
	for i, o := range visible(objects) {
		if i > 0 {
			w += l.gap
		}
		w += naturalWidth(o)
	}
	return w
}

func (l *row) heightForWidth(objects []fyne.CanvasObject, width float32) float32 {
	objects = visible(objects)
	ws := l.widths(objects, width)
	h := float32(0)
	for i, o := range objects {
		h = max(h, HeightAt(o, ws[i]))
	}
	return h
}

func (l *row) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	l.width = size.Width
	objects = visible(objects)
	ws := l.widths(objects, size.Width)
	x := float32(0)
	for i, o := range objects {
		h := HeightAt(o, ws[i])
		o.Move(fyne.NewPos(x, (size.Height-h)/2))
		o.Resize(fyne.NewSize(ws[i], h))
		x += ws[i] + l.gap
	}
}

func (l *row) MinSize(objects []fyne.CanvasObject) fyne.Size {
	width := float32(0)
	for i, o := range visible(objects) {
		if i > 0 {
			width += l.gap
		}
		width += o.MinSize().Width
	}
	return fyne.NewSize(width, l.heightForWidth(objects, max(width, l.width)))
}

// Grid puts objects in as many equal columns as fit when each is at least cell wide (times the
// text scale), at most most columns (0: no limit).
// Objects of one line have the same height.
func Grid(cell, gap float32, most int, objects ...fyne.CanvasObject) *fyne.Container {
	return container.New(&grid{cell: cell, gap: gap, most: most}, objects...)
}

type grid struct {
	cell, gap float32
	most      int
	width     float32
}

func (l *grid) columns(width float32) (n int, cell float32) {
	n = max(1, int((width+l.gap)/(l.cell*textScale()+l.gap)))
	if l.most > 0 {
		n = min(n, l.most)
	}
	return n, (width - l.gap*float32(n-1)) / float32(n)
}

// textScale is how much larger than normal the text is; columns grow with it.
func textScale() float32 { return max(1, theme.TextSize()/16) }

func (l *grid) each(objects []fyne.CanvasObject, width float32, place func(o fyne.CanvasObject, x, y, w, h float32)) float32 {
	objects = visible(objects)
	n, cell := l.columns(width)
	y := float32(0)
	for i := 0; i < len(objects); i += n {
		line := objects[i:min(i+n, len(objects))]
		h := float32(0)
		for _, o := range line {
			h = max(h, HeightAt(o, cell))
		}
		if i > 0 {
			y += l.gap
		}
		for k, o := range line {
			place(o, float32(k)*(cell+l.gap), y, cell, h)
		}
		y += h
	}
	return y
}

func (l *grid) heightForWidth(objects []fyne.CanvasObject, width float32) float32 {
	return l.each(objects, width, func(fyne.CanvasObject, float32, float32, float32, float32) {})
}

func (l *grid) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	l.width = size.Width
	l.each(objects, size.Width, func(o fyne.CanvasObject, x, y, w, h float32) {
		o.Move(fyne.NewPos(x, y))
		o.Resize(fyne.NewSize(w, h))
	})
}

func (l *grid) MinSize(objects []fyne.CanvasObject) fyne.Size {
	width := float32(0)
	for _, o := range visible(objects) {
		width = max(width, min(l.cell, o.MinSize().Width))
	}
	return fyne.NewSize(width, l.heightForWidth(objects, max(width, l.width)))
}

// Inset puts space around an object.
func Inset(top, right, bottom, left float32, o fyne.CanvasObject) *fyne.Container {
	return container.New(&inset{top: top, right: right, bottom: bottom, left: left}, o)
}

// Pad puts the same space on every side of an object.
func Pad(space float32, o fyne.CanvasObject) *fyne.Container {
	return Inset(space, space, space, space, o)
}

type inset struct{ top, right, bottom, left float32 }

func (l *inset) heightForWidth(objects []fyne.CanvasObject, width float32) float32 {
	return l.top + l.bottom + grow{}.heightForWidth(objects, width-l.left-l.right)
}

func (l *inset) naturalWidth(objects []fyne.CanvasObject) float32 {
	return l.left + l.right + widest(objects)
}

func (l *inset) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objects {
		o.Move(fyne.NewPos(l.left, l.top))
		o.Resize(fyne.NewSize(size.Width-l.left-l.right, size.Height-l.top-l.bottom))
	}
}

func (l *inset) MinSize(objects []fyne.CanvasObject) fyne.Size {
	return grow{}.MinSize(objects).AddWidthHeight(l.left+l.right, l.top+l.bottom)
}

// Centre keeps an object at its smallest width (at most what is there) in the middle of the line.
func Centre(o fyne.CanvasObject) *fyne.Container { return container.New(&centre{}, o) }

type centre struct{}

func (centre) heightForWidth(objects []fyne.CanvasObject, width float32) float32 {
	h := float32(0)
	for _, o := range visible(objects) {
		h = max(h, HeightAt(o, min(width, naturalWidth(o))))
	}
	return h
}

func (centre) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, o := range visible(objects) {
		w := min(size.Width, naturalWidth(o))
		h := HeightAt(o, w)
		o.Move(fyne.NewPos((size.Width-w)/2, (size.Height-h)/2))
		o.Resize(fyne.NewSize(w, h))
	}
}

func (centre) naturalWidth(objects []fyne.CanvasObject) float32 { return widest(objects) }

func (centre) MinSize(objects []fyne.CanvasObject) fyne.Size { return grow{}.MinSize(objects) }

// Fixed gives an object a size of its own.
func Fixed(size fyne.Size, o fyne.CanvasObject) *fyne.Container {
	return container.New(&fixed{size: size}, o)
}

type fixed struct{ size fyne.Size }

func (l *fixed) Layout(objects []fyne.CanvasObject, size fyne.Size) { grow{}.Layout(objects, size) }
func (l *fixed) MinSize([]fyne.CanvasObject) fyne.Size              { return l.size }

// VSpace is an empty strip of a height.
func VSpace(height float32) fyne.CanvasObject {
	return container.New(&fixed{size: fyne.NewSize(0, height)})
}
