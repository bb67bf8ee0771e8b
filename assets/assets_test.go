package assets_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"cloudkey/assets"
)

// TestM22_LicencesOfEveryModule holds licences.txt against what is really linked.
func TestM22_LicencesOfEveryModule(t *testing.T) {
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-tags", "x11,no_emoji", "-f",
		"{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{end}}{{end}}", "cloudkey")
	list.Env = append(list.Environ(), "CGO_ENABLED=1")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	modules := strings.Fields(strings.ReplaceAll(string(out), " ", "@"))
	slices.Sort(modules)
	modules = slices.Compact(modules)
	if len(modules) < 10 {
		t.Fatalf("only %d modules found", len(modules))
	}
	licensed := map[string]string{}
	for _, l := range assets.Licences() {
		licensed[l.Part] = l.Text
	}
	for _, m := range modules {
		if part := strings.Replace(m, "@", " ", 1); licensed[part] == "" {
			t.Errorf("%s is linked and has no licence in licences.txt; run assets/licences.sh", part)
		}
	}
}
