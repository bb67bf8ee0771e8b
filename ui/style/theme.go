// Package style holds the look of the app: type scale, spacing, colours in light and dark, and the fyne.Theme made of them.
// It knows no screen and no domain.
package style

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"cloudkey/assets"
)

// Mode chooses between the light and the dark palette.
type Mode int

// ModeSystem follows the operating system.
const (
	ModeSystem Mode = iota
	ModeLight
	ModeDark
)

// Theme is the fyne.Theme of the app. It is immutable; a changed setting is a new Theme.
type Theme struct {
	mode  Mode
	scale float32
	fonts map[bool]fyne.Resource // by boldness
}

// New returns the theme. textScale multiplies every text size (1 is 100 %) and is held between 0.8 and 2.
func New(mode Mode, textScale float32) *Theme {
	return &Theme{
		mode:  mode,
		scale: min(max(textScale, 0.8), 2),
		fonts: map[bool]fyne.Resource{
			false: fyne.NewStaticResource("CloudKeySans-Regular.otf", assets.Regular()),
			true:  fyne.NewStaticResource("CloudKeySans-Bold.otf", assets.Bold()),
		},
	}
}

// Is tells whether New with these arguments would give the same theme.
func (t *Theme) Is(mode Mode, textScale float32) bool {
	return t.mode == mode && t.scale == min(max(textScale, 0.8), 2)
}

// Color implements fyne.Theme with the names of this package and of fyne's.
func (t *Theme) Color(name fyne.ThemeColorName, variant fyne.ThemeVariant) color.Color {
	dark := variant == theme.VariantDark
	if t.mode != ModeSystem {
		dark = t.mode == ModeDark
		variant = theme.VariantLight
		if dark {
			variant = theme.VariantDark
		}
	}
	if p, ok := palette[name]; ok {
		if dark {
			return p.dark
		}
		return p.light
	}
	return theme.DefaultTheme().Color(name, variant)
}

// Font implements fyne.Theme. There are two weights; monospace is the regular one because Chinese is clipped in fyne's own.
func (t *Theme) Font(s fyne.TextStyle) fyne.Resource {
	if s.Symbol {
		return theme.DefaultTheme().Font(s)
	}
	return t.fonts[s.Bold]
}

// Icon implements fyne.Theme; fyne's own icons appear only in its file dialog.
func (t *Theme) Icon(name fyne.ThemeIconName) fyne.Resource {
	return theme.DefaultTheme().Icon(name)
}

// Size implements fyne.Theme.
func (t *Theme) Size(name fyne.ThemeSizeName) float32 {
	if s, ok := textSizes[name]; ok {
		return s * t.scale
	}
	if s, ok := sizes[name]; ok {
		return s
	}
	return theme.DefaultTheme().Size(name)
}
