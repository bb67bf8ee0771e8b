package keystore_test

import (
	"encoding/json"
	"errors"
	"flag"
	"iter"
	"os"
	"testing"
	"time"
)

// go test ./keystore -count=1 -timeout 0 -run 'TestR[12]_' -args -torture 10m -results "$PWD/build/torture.json"
// runs each of the tests for that long or until it has reached its mark, and writes what it reached. Without the flags a
// short form runs and nothing is written.
var (
	torture = flag.Duration("torture", 0, "time of each torture test, which ends earlier when it reaches its mark; 0 runs a short form")
	results = flag.String("results", "", "JSON file to add the results of the torture tests to, by ID")
)

// rounds counts the rounds of a torture test: short of them, or with -torture as many as fit, up to mark.
func rounds(short, mark int) iter.Seq[int] {
	if *torture > 0 {
		short = mark
	}
	start := time.Now()
	return func(yield func(int) bool) {
		for n := range short {
			if *torture > 0 && time.Since(start) > *torture || !yield(n) {
				return
			}
		}
	}
}

// mark is one result. Mark is what is to be reached.
type mark struct {
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	Mark  float64 `json:"mark,omitempty"`
}

// report adds marks to a JSON file, where results of other IDs stay.
func report(t testing.TB, file string, marks map[string]mark) {
	t.Helper()
	for id, m := range marks {
		t.Logf("%s: %.4g %s (mark %.4g)", id, m.Value, m.Unit, m.Mark)
	}
	if file == "" || t.Failed() {
		return
	}
	all := map[string]json.RawMessage{}
	b, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(b, &all)
	} else if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	must(t, err)
	for id, m := range marks {
		all[id], err = json.Marshal(m)
		must(t, err)
	}
	b, err = json.MarshalIndent(all, "", "  ")
	must(t, err)
	must(t, os.WriteFile(file, append(b, '\n'), 0o644))
}
