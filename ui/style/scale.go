package style

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
)

// The type scale, in device-independent pixels at 100 %. Captions are the smallest text anywhere.
const (
	TextDisplay fyne.ThemeSizeName = "ckDisplay"               // 28: the one thing on a screen
	TextTitle   fyne.ThemeSizeName = theme.SizeNameHeadingText // 22: what a page is about
	TextHeading fyne.ThemeSizeName = theme.SizeNameSubHeadingText
	TextBody    fyne.ThemeSizeName = theme.SizeNameText
	TextSmall   fyne.ThemeSizeName = "ckSmall"
	TextCaption fyne.ThemeSizeName = theme.SizeNameCaptionText
)

// Spacing on a grid of four.
const (
	Space1 float32 = 4
	Space2 float32 = 8
	Space3 float32 = 12
	Space4 float32 = 16
	Space5 float32 = 20
	Space6 float32 = 24
	Space8 float32 = 32
)

// Radii and the smallest size of a thing that is touched.
const (
	RadiusSmall float32 = 8
	Radius      float32 = 12
	RadiusLarge float32 = 20
	Touch       float32 = 48
)

// Wide is the canvas width from which the wide layout is used; the others are the widest that content grows.
const (
	Wide      float32 = 720
	FormWidth float32 = 520
	ListWidth float32 = 760
	GridWidth float32 = 1080
)

var textSizes = map[fyne.ThemeSizeName]float32{
	TextDisplay: 28,
	TextTitle:   22,
	TextHeading: 18,
	TextBody:    16,
	TextSmall:   14,
	TextCaption: 13,
}

var sizes = map[fyne.ThemeSizeName]float32{
	theme.SizeNamePadding:         4,
	theme.SizeNameInnerPadding:    12,
	theme.SizeNameLineSpacing:     4,
	theme.SizeNameInputRadius:     Radius,
	theme.SizeNameButtonRadius:    Radius,
	theme.SizeNameCardRadius:      Radius,
	theme.SizeNameDialogRadius:    RadiusLarge,
	theme.SizeNamePopupRadius:     Radius,
	theme.SizeNameMenuRadius:      RadiusSmall,
	theme.SizeNameSelectionRadius: RadiusSmall,
	theme.SizeNameInputBorder:     1.5,
	theme.SizeNameInlineIcon:      22,
}
