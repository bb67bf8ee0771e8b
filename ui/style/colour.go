package style

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
)

// The colours. Text on its ground has a contrast of at least 4.5 : 1 in both palettes (held by a test).
const (
	Background  fyne.ThemeColorName = theme.ColorNameBackground
	Surface     fyne.ThemeColorName = "ckSurface" // cards, rows, bars
	Sunken      fyne.ThemeColorName = "ckSunken"  // keys of the pad, secondary buttons
	Tonal       fyne.ThemeColorName = "ckTonal"   // primary at a whisper: icon plates, selected rows
	OnTonal     fyne.ThemeColorName = "ckOnTonal" // text and icons on Tonal
	Outline     fyne.ThemeColorName = "ckOutline" // hairlines and field borders
	Text        fyne.ThemeColorName = theme.ColorNameForeground
	TextSoft    fyne.ThemeColorName = "ckTextSoft" // second line, labels
	Primary     fyne.ThemeColorName = theme.ColorNamePrimary
	OnPrimary   fyne.ThemeColorName = theme.ColorNameForegroundOnPrimary
	Hero        fyne.ThemeColorName = "ckHero" // the certificate card
	OnHero      fyne.ThemeColorName = "ckOnHero"
	OnHeroSoft  fyne.ThemeColorName = "ckOnHeroSoft"
	HeroMark    fyne.ThemeColorName = "ckHeroMark" // watermark and chip ground on the card
	Success     fyne.ThemeColorName = theme.ColorNameSuccess
	SuccessTint fyne.ThemeColorName = "ckSuccessTint"
	Warning     fyne.ThemeColorName = theme.ColorNameWarning
	WarningTint fyne.ThemeColorName = "ckWarningTint"
	Danger      fyne.ThemeColorName = theme.ColorNameError
	DangerTint  fyne.ThemeColorName = "ckDangerTint"
	OnDanger    fyne.ThemeColorName = theme.ColorNameForegroundOnError
	Disabled    fyne.ThemeColorName = theme.ColorNameDisabled // text and icons that cannot be used now
	DisabledBg  fyne.ThemeColorName = theme.ColorNameDisabledButton
	Scrim       fyne.ThemeColorName = "ckScrim" // behind a dialog
	Toast       fyne.ThemeColorName = "ckToast"
	OnToast     fyne.ThemeColorName = "ckOnToast"
	Paper       fyne.ThemeColorName = "ckPaper" // behind ink, the same in both palettes
	None        fyne.ThemeColorName = "ckNone"
)

// Ink is the colour of a handwritten signature in every theme.
var Ink = color.NRGBA{R: 0x10, G: 0x18, B: 0x30, A: 0xFF}

type pair struct{ light, dark color.NRGBA }

func rgb(v uint32) color.NRGBA {
	return color.NRGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: 0xFF}
}

func rgba(v uint32, alpha uint8) color.NRGBA {
	c := rgb(v)
	c.A = alpha
	return c
}

func both(light, dark uint32) pair { return pair{rgb(light), rgb(dark)} }

var palette = map[fyne.ThemeColorName]pair{
	Background:  both(0xF2F4F8, 0x0E1218),
	Surface:     both(0xFFFFFF, 0x191F29),
	Sunken:      both(0xE3E8F1, 0x262E3B),
	Tonal:       both(0xE3ECFD, 0x1F3152),
	OnTonal:     both(0x124BB8, 0xB5CFFF),
	Outline:     both(0xD3D9E4, 0x353F4F),
	Text:        both(0x141A25, 0xE9EDF5),
	TextSoft:    both(0x556074, 0xA5AFC1),
	Primary:     both(0x1656D0, 0x8FB7FF),
	OnPrimary:   both(0xFFFFFF, 0x08204A),
	Hero:        both(0x144AB4, 0x1C3B78),
	OnHero:      both(0xFFFFFF, 0xFFFFFF),
	OnHeroSoft:  both(0xD9E5FF, 0xCBDBFB),
	HeroMark:    both(0x2F62C6, 0x2C4D8E),
	Success:     both(0x12703F, 0x67D39A),
	SuccessTint: both(0xE0F3E8, 0x15352A),
	Warning:     both(0x8A5000, 0xF2BC66),
	WarningTint: both(0xFDF0DA, 0x3A2E17),
	Danger:      both(0xBE2626, 0xFF938A),
	DangerTint:  both(0xFCE7E6, 0x43211F),
	OnDanger:    both(0xFFFFFF, 0x430A07),
	Disabled:    both(0x8A93A3, 0x6C7789),
	DisabledBg:  both(0xE3E7EE, 0x232A35),
	Scrim:       {rgba(0x0A0F18, 0x80), rgba(0x000000, 0xA0)},
	Toast:       both(0x232B38, 0xE4E9F2),
	OnToast:     both(0xFFFFFF, 0x141A25),
	Paper:       both(0xFFFFFF, 0xF7F8FA),
	None:        {},

	theme.ColorNameButton:              both(0xE9EDF4, 0x262E3B),
	theme.ColorNameInputBackground:     both(0xFFFFFF, 0x191F29),
	theme.ColorNameInputBorder:         both(0xC3CBD9, 0x414C5E),
	theme.ColorNamePlaceHolder:         both(0x6B7588, 0x8E99AC),
	theme.ColorNameHover:               {rgba(0x1656D0, 0x12), rgba(0x8FB7FF, 0x16)},
	theme.ColorNamePressed:             {rgba(0x1656D0, 0x24), rgba(0x8FB7FF, 0x28)},
	theme.ColorNameFocus:               {rgba(0x1656D0, 0x38), rgba(0x8FB7FF, 0x48)},
	theme.ColorNameSelection:           {rgba(0x1656D0, 0x30), rgba(0x8FB7FF, 0x40)},
	theme.ColorNameSeparator:           both(0xE3E7EE, 0x2B3442),
	theme.ColorNameScrollBar:           {rgba(0x141A25, 0x40), rgba(0xE9EDF5, 0x48)},
	theme.ColorNameScrollBarBackground: {},
	theme.ColorNameHyperlink:           both(0x1656D0, 0x8FB7FF),
	theme.ColorNameOverlayBackground:   both(0xFFFFFF, 0x191F29),
	theme.ColorNameMenuBackground:      both(0xFFFFFF, 0x262E3B),
	theme.ColorNameHeaderBackground:    both(0xF2F4F8, 0x191F29),
	theme.ColorNameShadow:              {rgba(0x000000, 0x22), rgba(0x000000, 0x60)},
}
