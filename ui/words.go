package ui

import (
	"encoding/json"
	"os"
	"runtime"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/lang"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"

	"cloudkey/assets"
)

// Words are the texts of one language.
type Words struct {
	tag       string
	localizer *i18n.Localizer
}

// NewWords returns the words of a language: "zh", "en", or "" for the system's: English where the system speaks another
// language than Chinese, Chinese where it does, or names none.
func NewWords(tag string) *Words {
	if tag != "zh" && tag != "en" {
		tag = "en"
		if noLocale() || strings.HasPrefix(strings.ToLower(lang.SystemLocale().LanguageString()), "zh") {
			tag = "zh"
		}
	}
	bundle := i18n.NewBundle(language.Make(tag))
	bundle.RegisterUnmarshalFunc("json", json.Unmarshal)
	// The texts are embedded and held by a test; they cannot fail to parse at run time.
	bundle.MustParseMessageFileBytes(assets.Language(tag), tag+".json")
	return &Words{tag: tag, localizer: i18n.NewLocalizer(bundle, tag)}
}

// noLocale tells whether a Linux desktop names no language (POSIX.1-2017 XBD 8.2), which fyne takes for English.
func noLocale() bool {
	if runtime.GOOS != "linux" {
		return false
	}
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v, _, _ := strings.Cut(os.Getenv(name), "."); v != "" {
			return v == "C" || v == "POSIX"
		}
	}
	return true
}

// Tag returns "zh" or "en".
func (w *Words) Tag() string { return w.tag }

// T returns the text of a key. The arguments are pairs of a name and the value that replaces {{.name}}.
func (w *Words) T(key string, pairs ...any) string { return w.say(key, nil, pairs) }

// N returns the text of a key for a number, which also replaces {{.n}}.
func (w *Words) N(key string, n int, pairs ...any) string {
	return w.say(key, n, append(pairs, "n", n))
}

func (w *Words) say(key string, count any, pairs []any) string {
	data := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		data[pairs[i].(string)] = pairs[i+1]
	}
	s, err := w.localizer.Localize(&i18n.LocalizeConfig{MessageID: key, TemplateData: data, PluralCount: count})
	if err != nil {
		return "⟦" + key + "⟧" // seen at once, and refused by the test of the words
	}
	return s
}

// fyneLocales are the locales that fyne brings words for. Fyne picks one by the system's language alone, so ours are
// registered for each of them.
var fyneLocales = [...]string{"cs", "de", "el", "en", "es", "fr", "ja", "pl", "pt", "pt-BR", "ru", "sv", "ta", "uk", "zh-Hans"}

// teachFyne makes fyne's own labels (file dialog, menus of an entry) appear in this language. Registering is slow, so it ends
// at the locale that fyne uses here. UI goroutine.
func (w *Words) teachFyne() error {
	words := assets.Language("fyne." + w.tag)
	var want map[string]any
	if err := json.Unmarshal(words, &want); err != nil {
		return err
	}
	known := func() bool {
		for key, word := range want {
			if s, ok := word.(string); ok && lang.X(key, "") != s {
				return false
			}
		}
		return true
	}
	for _, l := range fyneLocales {
		if known() {
			return nil
		}
		if err := lang.AddTranslationsForLocale(words, fyne.Locale(l)); err != nil {
			return err
		}
	}
	return nil
}
