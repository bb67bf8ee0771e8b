package style_test

import (
	"image/color"
	"math"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"cloudkey/ui/style"
)

func luminance(c color.Color) float64 {
	r, g, b, _ := c.RGBA()
	part := func(v uint32) float64 {
		f := float64(v) / 0xFFFF
		if f <= 0.04045 {
			return f / 12.92
		}
		return math.Pow((f+0.055)/1.055, 2.4)
	}
	return 0.2126*part(r) + 0.7152*part(g) + 0.0722*part(b)
}

// contrast is the contrast ratio of WCAG 2.1.
func contrast(a, b color.Color) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func TestM33_TextIsReadable(t *testing.T) {
	type pair struct{ text, ground fyne.ThemeColorName }
	pairs := []pair{
		{style.OnPrimary, style.Primary},
		{style.OnTonal, style.Tonal},
		{style.OnHero, style.Hero},
		{style.OnHeroSoft, style.Hero},
		{style.OnHero, style.HeroMark},
		{style.Success, style.SuccessTint},
		{style.Warning, style.WarningTint},
		{style.Danger, style.DangerTint},
		{style.OnDanger, style.Danger},
		{style.OnToast, style.Toast},
		{theme.ColorNamePlaceHolder, theme.ColorNameInputBackground},
		{style.Text, style.Sunken},
		{style.TextSoft, style.Sunken},
	}
	for _, ground := range []fyne.ThemeColorName{style.Background, style.Surface} {
		for _, text := range []fyne.ThemeColorName{style.Text, style.TextSoft, style.Primary, style.Danger, style.Success} {
			pairs = append(pairs, pair{text, ground})
		}
	}
	for _, mode := range []style.Mode{style.ModeLight, style.ModeDark} {
		th := style.New(mode, 1)
		for _, p := range pairs {
			if c := contrast(th.Color(p.text, 0), th.Color(p.ground, 0)); c < 4.5 {
				t.Errorf("mode %d: %s on %s has %.2f : 1", mode, p.text, p.ground, c)
			}
		}
	}
}

func TestModeOverridesTheSystem(t *testing.T) {
	system := style.New(style.ModeSystem, 1)
	if system.Color(style.Surface, theme.VariantDark) == system.Color(style.Surface, theme.VariantLight) {
		t.Error("the system's choice is not followed")
	}
	dark := style.New(style.ModeDark, 1)
	if dark.Color(style.Surface, theme.VariantLight) != system.Color(style.Surface, theme.VariantDark) {
		t.Error("dark is not dark on a light system")
	}
}

func TestTextScaleIsBounded(t *testing.T) {
	base := style.New(style.ModeLight, 1).Size(style.TextBody)
	for scale, want := range map[float32]float32{0.1: 0.8, 1.5: 1.5, 9: 2} {
		if got := style.New(style.ModeLight, scale).Size(style.TextBody); got != base*want {
			t.Errorf("scale %v: %v", scale, got)
		}
	}
}
