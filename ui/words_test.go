package ui_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"fyne.io/fyne/v2/lang"

	"cloudkey/assets"
	"cloudkey/ui"
)

// words returns the texts of a language by key; plural forms are joined.
func words(t *testing.T, tag string) map[string]string {
	t.Helper()
	var raw map[string]any
	if err := json.Unmarshal(assets.Language(tag), &raw); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for k, v := range raw {
		switch v := v.(type) {
		case string:
			out[k] = v
		case map[string]any:
			for _, form := range v {
				out[k] += form.(string) + "\n"
			}
		}
	}
	return out
}

var placeholder = regexp.MustCompile(`{{\.(\w+)}}`)

func TestM33_BothLanguagesHaveTheSameWords(t *testing.T) {
	zh, en := words(t, "zh"), words(t, "en")
	for k, v := range zh {
		other, ok := en[k]
		if !ok {
			t.Errorf("%s is missing in English", k)
			continue
		}
		names := func(s string) []string {
			var out []string
			for _, m := range placeholder.FindAllStringSubmatch(s, -1) {
				out = append(out, m[1])
			}
			slices.Sort(out)
			return slices.Compact(out)
		}
		if !slices.Equal(names(v), names(other)) {
			t.Errorf("%s: placeholders %q and %q", k, names(v), names(other))
		}
		if k != "switchLanguage" && strings.IndexFunc(other, func(r rune) bool { return unicode.Is(unicode.Han, r) }) >= 0 {
			t.Errorf("%s: Chinese in the English text %q", k, other)
		}
	}
	for k := range en {
		if _, ok := zh[k]; !ok {
			t.Errorf("%s is missing in Chinese", k)
		}
	}
}

// TestM33_EveryKeyInTheCodeHasWords reads the source: every key asked for exists, and every key of the files is used.
func TestM33_EveryKeyInTheCodeHasWords(t *testing.T) {
	zh := words(t, "zh")
	key := regexp.MustCompile(`^(M\d\d|error|cert|password|attribute|usage|pad|files)\.\w+$`)
	used := map[string]bool{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				if s, ok := n.Fun.(*ast.SelectorExpr); ok && (s.Sel.Name == "T" || s.Sel.Name == "N") && len(n.Args) > 0 {
					if l, ok := n.Args[0].(*ast.BasicLit); ok {
						k, _ := strconv.Unquote(l.Value)
						used[k] = true
						if _, ok := zh[k]; !ok {
							t.Errorf("%s: no words for %q", name, k)
						}
					}
				}
			case *ast.BasicLit:
				if k, err := strconv.Unquote(n.Value); err == nil && key.MatchString(k) && k != "cert.pem" && k != "cert.der" {
					used[k] = true
					if _, ok := zh[k]; !ok {
						t.Errorf("%s: no words for %q", name, k)
					}
				}
			}
			return true
		})
	}
	for k := range zh {
		if !used[k] {
			t.Errorf("%s is not used", k)
		}
	}
}

func TestM33_FyneSpeaksTheChosenLanguage(t *testing.T) {
	for _, l := range []string{"LANG", "LC_ALL", "LANGUAGE"} {
		t.Setenv(l, "de_DE.UTF-8")
	}
	build(t, "zh")
	if got := lang.L("Cancel"); got != "取消" {
		t.Errorf("fyne says %q in Chinese", got)
	}
	a := build(t, "en")
	if got := lang.L("Cancel"); got != "Cancel" {
		t.Errorf("fyne says %q in English", got)
	}
	a.ui.Start(t.Context())
	a.see("Get your digital certificate")
	a.ui.SetLanguage("zh")
	if got := lang.X("file.parent", "Parent"); got != "父目录" {
		t.Errorf("fyne says %q after the switch", got)
	}
}

func TestM33_SystemLanguage(t *testing.T) {
	for env, want := range map[string]string{"zh_CN.UTF-8": "zh", "zh_TW.UTF-8": "zh", "en_GB.UTF-8": "en", "de_DE.UTF-8": "en", "C": "zh"} {
		os.Unsetenv("LC_ALL")
		os.Unsetenv("LANGUAGE")
		for _, l := range []string{"LANG", "LC_ALL", "LC_MESSAGES"} {
			t.Setenv(l, env)
		}
		if got := ui.NewWords("").Tag(); got != want {
			t.Errorf("%s: %s", env, got)
		}
	}
}

// TestM33_FontHasEveryCharacter would show a box on the screen otherwise.
func TestM33_FontHasEveryCharacter(t *testing.T) {
	for _, font := range [][]byte{assets.Regular(), assets.Bold()} {
		has := runes(t, font)
		for _, tag := range []string{"zh", "en", "fyne.zh", "fyne.en"} {
			for k, text := range words(t, tag) {
				for _, r := range text {
					if r >= ' ' && !has(r) {
						t.Errorf("%s %s: no glyph for %q", tag, k, r)
					}
				}
			}
		}
	}
}
