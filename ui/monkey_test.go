package ui_test

import (
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"cloudkey/client"
	"cloudkey/ui/drive"
	"cloudkey/ui/widgets"
)

// TestM33_RandomTaps taps, types and goes back at random: nothing may panic, get stuck behind a dialog, show a key without
// words, or leave goroutines behind. The seeds make a failure repeatable.
func TestM33_RandomTaps(t *testing.T) {
	before := runtime.NumGoroutine()
	for seed := range uint64(6) {
		monkey(t, seed, 250)
	}
	deadline := time.Now().Add(10 * time.Second)
	for runtime.NumGoroutine() > before+2 && time.Now().Before(deadline) {
		runtime.Gosched()
	}
	if after := runtime.NumGoroutine(); after > before+2 {
		t.Errorf("%d goroutines before, %d after", before, after)
	}
}

func monkey(t *testing.T, seed uint64, steps int) {
	dice := rand.New(rand.NewPCG(seed, 1))
	a := start(t, func(f *drive.Fake) {
		if seed%2 == 0 {
			f.Own()
		}
	})
	methods := []string{"ReadInit", "AcceptInit", "Enrol", "Sign", "Bind", "SetFirstPassword", "Certificates", "Current", "Verify", "Details"}
	for step := range steps {
		var taps []fyne.Tappable
		var types []fyne.Focusable
		a.Walk(func(s drive.Seen) bool {
			switch o := s.Object.(type) {
			case *widgets.Ink, *widgets.Entry:
			case fyne.Tappable:
				taps = append(taps, o)
			}
			switch o := s.Object.(type) {
			case *widgets.Entry:
				types = append(types, o)
			case *widgets.Secret:
				types = append(types, o.Focusable())
			}
			return true
		})
		switch n := dice.IntN(20); {
		case n == 0:
			a.ui.Back()
		case n == 1:
			var err error
			if dice.IntN(2) == 0 {
				err = &client.UnreachableError{Host: "h"}
			}
			a.fake.Fail(methods[dice.IntN(len(methods))], err)
		case n == 2:
			a.clock.Advance(time.Duration(dice.IntN(120)) * time.Second)
		case n < 7 && len(types) > 0:
			f := types[dice.IntN(len(types))]
			a.Window.Canvas().Focus(f)
			for _, r := range "a7密x9b2"[:1+dice.IntN(4)] {
				f.TypedRune(r)
			}
		case len(taps) > 0:
			taps[dice.IntN(len(taps))].Tapped(&fyne.PointEvent{})
		}
		for range 3 {
			runtime.Gosched()
			a.Loop.Run()
		}
		if a.ui.Current() == "" {
			t.Fatalf("seed %d, step %d: no page", seed, step)
		}
		if text := strings.Join(a.Texts(), " "); strings.Contains(text, "⟦") {
			t.Fatalf("seed %d, step %d: a key without words: %s", seed, step, text)
		}
	}
	for range 40 { // every dialog ends, every page can be left
		a.clock.Advance(time.Minute)
		a.Loop.Run()
		a.ui.Back()
	}
	a.within("the last dialog to end", func() bool {
		a.ui.Back()
		return len(a.Window.Canvas().Overlays().List()) == 0
	})
	a.ui.Close()
}
