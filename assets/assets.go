// Package assets embeds what the screens are made of: two font weights (Noto Sans CJK SC subset, OFL 1.1), icons and the
// words of the two languages. The files are read-only; every function returns the same bytes at every call.
package assets

import (
	"embed"
	"strings"
)

//go:embed fonts/*.otf fonts/OFL.txt icon/Icon.png icons/*.svg lang/*.json licences.txt
var files embed.FS

// Regular returns the regular weight (OpenType/CFF): GB 2312, Latin-1 and the punctuation the screens use.
func Regular() []byte { return must("fonts/CloudKeySans-Regular.otf") }

// Bold returns the bold weight.
func Bold() []byte { return must("fonts/CloudKeySans-Bold.otf") }

// Licence is the licence of a part of the app.
type Licence struct{ Part, Text string }

// Licences returns the licences of the fonts and of all linked modules.
func Licences() []Licence {
	out := []Licence{{"Noto Sans CJK SC", string(must("fonts/OFL.txt"))}}
	for _, part := range strings.Split(string(must("licences.txt")), "\f") {
		if name, text, ok := strings.Cut(part, "\n"); ok {
			out = append(out, Licence{name, strings.TrimSpace(text)})
		}
	}
	return out
}

// AppIcon returns the icon of the app, a PNG of 512×512.
func AppIcon() []byte { return must("icon/Icon.png") }

// Icon returns the SVG of the icon called name (24×24, strokes of 1.75, no colour of its own), nil if there is none.
func Icon(name string) []byte {
	b, err := files.ReadFile("icons/" + name + ".svg")
	if err != nil {
		return nil
	}
	return b
}

// Icons returns the names of all icons.
func Icons() []string {
	entries, err := files.ReadDir("icons")
	if err != nil {
		panic(err)
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()[:len(e.Name())-len(".svg")]
	}
	return names
}

// Language returns the words of a language ("zh" or "en") as a flat JSON object of go-i18n messages.
func Language(tag string) []byte { return must("lang/" + tag + ".json") }

// must reads a file that the build put in; a missing one is a mistake in this package.
func must(name string) []byte {
	b, err := files.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return b
}
