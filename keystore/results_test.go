package keystore_test

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"testing"
)

var results = flag.String("keystore.results", "", "JSON file to add the measured numbers to, by ID")

// result adds what a test measured under the ID of the mark it shows.
func result(t testing.TB, id string, values map[string]any) {
	t.Helper()
	if *results == "" {
		return
	}
	all := map[string]map[string]any{}
	b, err := os.ReadFile(*results)
	if err == nil {
		err = json.Unmarshal(b, &all)
	} else if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	must(t, err)
	if all[id] == nil {
		all[id] = map[string]any{}
	}
	for k, v := range values {
		all[id][k] = v
	}
	b, err = json.MarshalIndent(all, "", "  ")
	must(t, err)
	must(t, os.WriteFile(*results, b, 0o644))
}
