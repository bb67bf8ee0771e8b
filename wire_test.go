//go:build !android && !ios

package main

import (
	"errors"
	"path/filepath"
	"testing"

	"fyne.io/fyne/v2/test"

	"cloudkey/keystore"
	"cloudkey/ui"
)

// TestM32_StoreSentences holds that every condition of the data directory has a sentence of its own, in both languages.
func TestM32_StoreSentences(t *testing.T) {
	app := test.NewTempApp(t)
	window := test.NewTempWindow(t, nil)
	for _, language := range []string{"zh", "en"} {
		app.Preferences().SetString("language", language)
		u := ui.New(window, ui.Deps{Do: func(f func()) { f() }, Preferences: app.Preferences(), StoreErrors: storeErrors()})
		seen := map[string]error{u.Explain(errors.New("anything else")): nil}
		for _, err := range []error{
			keystore.ErrBusy, keystore.ErrDiskFull, keystore.ErrReadOnly, &keystore.DamagedError{Path: "x"}, keystore.ErrNewerFormat,
		} {
			text := u.Explain(err)
			if other, twice := seen[text]; twice || text == "" {
				t.Errorf("%s: %v is told like %v: %q", language, err, other, text)
			}
			seen[text] = err
		}
	}
}

// TestM32_SecondProcess opens the same directory twice.
func TestM32_SecondProcess(t *testing.T) {
	s := settings{dir: filepath.Join(t.TempDir(), "app"), device: "test"}
	c, store, err := wire(t.Context(), s, false)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, _, err := wire(t.Context(), s, false); !errors.Is(err, keystore.ErrBusy) {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	c, store, err = wire(t.Context(), s, false)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}
