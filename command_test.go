//go:build !android && !ios

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cloudkey/api"
	"cloudkey/api/refca"
	"cloudkey/tour"
)

// TestTour runs the sub-command as `make tour` does and verifies what it leaves with the commands of the README.
func TestTour(t *testing.T) {
	out := t.TempDir()
	var stdout, stderr bytes.Buffer
	if code := run([]string{"tour", "-out", out}, &stdout, &stderr); code != 0 {
		t.Fatalf("exit %d\n%s%s", code, &stdout, &stderr)
	}
	for _, id := range []string{"M01", "M02", "M04", "M05", "M06", "M09", "M12", "M13", "M14", "M15", "M16", "M19", "M22", "M32", "R1", "R9"} {
		if !strings.Contains(stdout.String(), "ok "+id+" ") {
			t.Errorf("no line for %s", id)
		}
	}
	pictures, err := filepath.Glob(filepath.Join(out, "*.png"))
	if err != nil || len(pictures) < 20 {
		t.Errorf("%d pictures, %v", len(pictures), err)
	}
	if err := tour.Verify(t.Context(), out); err != nil {
		t.Error(err)
	}
	document := filepath.Join(out, "document")
	content, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	content[0] ^= 1
	if err := os.WriteFile(document, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := tour.Verify(t.Context(), out); err == nil {
		t.Error("a changed document verifies")
	}
}

// TestReadmeCommands holds the READMEs to the command lines that the tour runs.
func TestReadmeCommands(t *testing.T) {
	for _, name := range []string{"README.md", "README.zh.md"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, command := range tour.Commands("build/tour") {
			if line := strings.Join(command, " "); !strings.Contains(string(text), "\n"+line+"\n") {
				t.Errorf("%s does not show: %s", name, line)
			}
		}
	}
}

func TestCommandLine(t *testing.T) {
	for _, c := range []struct {
		args []string
		exit int
		says string
	}{
		{[]string{"help"}, 0, ""},
		{[]string{"sign"}, 2, "no sub-command"},
		{[]string{"ca"}, 2, "-data is required"},
		{[]string{"ca", "-data", t.TempDir(), "-seed", "other"}, 2, "no seed"},
		{[]string{"ca", "-port", "1"}, 2, "-port"},
		{[]string{"tour", "extra"}, 2, "extra"},
		{[]string{"tour", "-out", "/dev/null/x"}, 1, "not a directory"},
	} {
		var stdout, stderr bytes.Buffer
		if code := run(c.args, &stdout, &stderr); code != c.exit || !strings.Contains(stderr.String(), c.says) {
			t.Errorf("%q: exit %d, %s", c.args, code, &stderr)
		}
	}
}

// TestCA starts the sub-command, reads its line of JSON, uses every address in it, and starts it again on the same data.
func TestCA(t *testing.T) {
	dir := t.TempDir()
	var first refca.Addresses
	for i := range 2 {
		ctx, cancel := context.WithCancel(t.Context())
		r, w := io.Pipe()
		done := make(chan error, 1)
		go func() {
			done <- runCA(ctx, []string{"-data", dir, "-seed", "demo"}, w, io.Discard)
			_ = w.Close()
		}()
		line, err := bufio.NewReader(r).ReadBytes('\n')
		if err != nil {
			t.Fatal(err, <-done)
		}
		var a refca.Addresses
		if err := json.Unmarshal(line, &a); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = a
		} else if a.API != first.API || a.Web != first.Web || a.InitCode != first.InitCode {
			t.Errorf("other addresses after a restart: %+v, %+v", first, a)
		}
		checkCA(t, a)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func checkCA(t *testing.T, a refca.Addresses) {
	t.Helper()
	if picture, err := os.ReadFile(a.InitQR); err != nil || !slices.Equal(picture[:8], []byte("\x89PNG\r\n\x1a\n")) {
		t.Error("init QR:", err)
	}
	if kind, _, err := api.Kind(a.InitText); err != nil || kind != api.KindInit || len(a.InitCode) != 8 {
		t.Error(kind, a.InitCode, err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.Web, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || !bytes.Contains(page, []byte("仅供测试")) {
		t.Error(answer.Status, err)
	}
}
