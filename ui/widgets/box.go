package widgets

import (
	"bytes"
	"fmt"
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"cloudkey/assets"
	"cloudkey/ui/style"
)

// Labelled is implemented by everything that shows words, so that tests and screen readers find it by them.
type Labelled interface {
	VisibleText() string
}

// Box is a rounded ground with an object on it.
type Box struct {
	widget.BaseWidget
	Fill    fyne.ThemeColorName
	Stroke  fyne.ThemeColorName // "" for none
	Radius  float32
	Content fyne.CanvasObject
}

// NewBox returns a box whose content fills it.
func NewBox(fill fyne.ThemeColorName, radius float32, content fyne.CanvasObject) *Box {
	b := &Box{Fill: fill, Radius: radius, Content: content}
	b.ExtendBaseWidget(b)
	return b
}

// Card is a surface with objects in a column on it.
func Card(objects ...fyne.CanvasObject) *Box {
	return NewBox(style.Surface, style.Radius+4, Pad(style.Space4, Column(style.Space3, objects...)))
}

// HeightForWidth implements Flowing.
func (b *Box) HeightForWidth(width float32) float32 {
	if b.Content == nil {
		return 0
	}
	return HeightAt(b.Content, width)
}

func (b *Box) naturalWidth() float32 {
	if b.Content == nil {
		return 0
	}
	return naturalWidth(b.Content)
}

// CreateRenderer implements fyne.Widget.
func (b *Box) CreateRenderer() fyne.WidgetRenderer {
	r := &boxRenderer{b: b, ground: canvas.NewRectangle(nil)}
	r.paint()
	return r
}

type boxRenderer struct {
	b      *Box
	ground *canvas.Rectangle
}

func (r *boxRenderer) Layout(size fyne.Size) {
	r.ground.Resize(size)
	if r.b.Content != nil {
		r.b.Content.Resize(size)
	}
}

func (r *boxRenderer) MinSize() fyne.Size {
	if r.b.Content == nil {
		return fyne.Size{}
	}
	return r.b.Content.MinSize()
}

func (r *boxRenderer) Objects() []fyne.CanvasObject {
	if r.b.Content == nil {
		return []fyne.CanvasObject{r.ground}
	}
	return []fyne.CanvasObject{r.ground, r.b.Content}
}

func (r *boxRenderer) Destroy() {}

func (r *boxRenderer) paint() {
	r.ground.FillColor = theme.Color(r.b.Fill)
	r.ground.CornerRadius = r.b.Radius
	r.ground.StrokeWidth = 0
	if r.b.Stroke != "" {
		r.ground.StrokeColor = theme.Color(r.b.Stroke)
		r.ground.StrokeWidth = 1
	}
}

func (r *boxRenderer) Refresh() {
	r.paint()
	r.ground.Refresh()
	if r.b.Content != nil {
		r.b.Content.Refresh()
	}
}

// Icon is one of the app's icons in a colour of the theme.
type Icon struct {
	widget.BaseWidget
	name   string
	colour fyne.ThemeColorName
	size   float32
}

// NewIcon returns the icon called name (assets/icons), size dp high and wide.
func NewIcon(name string, size float32, colour fyne.ThemeColorName) *Icon {
	i := &Icon{name: name, size: size, colour: colour}
	i.ExtendBaseWidget(i)
	return i
}

// Set changes the icon and its colour.
func (i *Icon) Set(name string, colour fyne.ThemeColorName) {
	i.name, i.colour = name, colour
	i.Refresh()
}

// MinSize implements fyne.CanvasObject.
func (i *Icon) MinSize() fyne.Size { return fyne.NewSquareSize(i.size) }

// CreateRenderer implements fyne.Widget.
func (i *Icon) CreateRenderer() fyne.WidgetRenderer {
	r := &iconRenderer{i: i, image: &canvas.Image{FillMode: canvas.ImageFillContain}}
	r.Refresh()
	return r
}

type iconRenderer struct {
	i     *Icon
	image *canvas.Image
}

func (r *iconRenderer) Layout(size fyne.Size)        { r.image.Resize(size) }
func (r *iconRenderer) MinSize() fyne.Size           { return r.i.MinSize() }
func (r *iconRenderer) Objects() []fyne.CanvasObject { return []fyne.CanvasObject{r.image} }
func (r *iconRenderer) Destroy()                     {}

func (r *iconRenderer) Refresh() {
	r.image.Resource = nil
	if svg := assets.Icon(r.i.name); svg != nil {
		r.image.Resource = coloured(r.i.name, svg, theme.Color(r.i.colour))
	}
	r.image.Refresh()
}

// coloured returns an icon in a colour; fyne's own colouring leaves strokes as they are. The name carries the colour,
// because fyne keeps drawn pictures by name.
func coloured(name string, svg []byte, c color.Color) fyne.Resource {
	r, g, b, a := c.RGBA()
	if a == 0 {
		return nil
	}
	hex := fmt.Sprintf("#%02x%02x%02x", r>>8, g>>8, b>>8)
	return fyne.NewStaticResource(name+hex[1:]+".svg", bytes.ReplaceAll(svg, []byte("#000000"), []byte(hex)))
}

// Plate is an icon on a round tinted ground.
func Plate(icon string, size float32, ground, colour fyne.ThemeColorName) fyne.CanvasObject {
	return Fixed(fyne.NewSquareSize(size), NewBox(ground, size/2, Pad(size*0.24, NewIcon(icon, size*0.52, colour))))
}

// Divider is a hairline.
func Divider() fyne.CanvasObject {
	return Fixed(fyne.NewSize(0, 1), NewBox(theme.ColorNameSeparator, 0, nil))
}
