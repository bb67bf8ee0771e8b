package keystore_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"cloudkey/keystore"
)

var changes = flag.Int("keystore.changes", 400, "password changes of the growth test")

func size(t testing.TB, s *keystore.Store) int64 {
	t.Helper()
	fi, err := os.Stat(filepath.Join(s.Dir(), "keystore.db"))
	must(t, err)
	return fi.Size()
}

// TestP12_GrowthIsBounded changes passwords, each as a refresh does it: the share with both epochs, then with one.
func TestP12_GrowthIsBounded(t *testing.T) {
	s := open(t, t.TempDir())
	seed(t, s)
	ctx := t.Context()
	change := func() {
		must(t, s.StoreShare(ctx, keystore.KeyID{1, 1}, random(t, 600)))
		must(t, s.Update(ctx, func(tx *keystore.Tx) error {
			p, err := tx.Profile("p1")
			must(t, err)
			must(t, tx.PutProfile(p))
			return tx.PutShare(keystore.KeyID{1, 1}, random(t, 300))
		}))
	}
	for range 50 {
		change()
	}
	before := size(t, s)
	for range *changes {
		change()
	}
	after := size(t, s)
	t.Logf("%d changes: %d → %d bytes", *changes, before, after)
	result(t, "P12", map[string]any{"passwordChanges": *changes, "bytesBefore": before, "bytesAfter": after})
	if after > before+128<<10 {
		t.Errorf("grew from %d to %d bytes", before, after)
	}
}

// large makes a store with n certificates, each with its share and a signature.
func large(b testing.TB, n int) string {
	b.Helper()
	dir := b.TempDir()
	s := open(b, dir)
	must(b, s.Update(b.Context(), func(tx *keystore.Tx) error {
		for o := range 10 {
			must(b, tx.PutOrganisation(organisation(fmt.Sprint("o", o))))
		}
		for i := range n {
			p := profile(fmt.Sprintf("%032d", i), fmt.Sprint("o", i%10), fmt.Sprint(i), 1)
			p.KeyID = keystore.KeyID{byte(i), byte(i >> 8), 1}
			must(b, tx.PutProfile(p))
			must(b, tx.PutShare(p.KeyID, random(b, 300)))
			_, err := tx.AppendSignature(signature(p.ID, i%200))
			must(b, err)
		}
		return nil
	}))
	must(b, s.Close())
	return dir
}

func BenchmarkP12_Open1000(b *testing.B) {
	dir := large(b, 1000)
	for b.Loop() {
		s, err := keystore.Open(b.Context(), dir, keystore.Options{})
		must(b, err)
		must(b, s.Close())
	}
}

func BenchmarkP12_List1000(b *testing.B) {
	s := open(b, large(b, 1000))
	for b.Loop() {
		all, err := s.Profiles(b.Context())
		must(b, err)
		if len(all) != 1000 {
			b.Fatal(len(all))
		}
	}
}

func BenchmarkP12_FindAmong1000(b *testing.B) {
	s := open(b, large(b, 1000))
	for b.Loop() {
		found, err := s.FindProfiles(b.Context(), "o7", "577")
		must(b, err)
		if len(found) != 1 {
			b.Fatal(found)
		}
	}
}

func BenchmarkP12_Check1000(b *testing.B) {
	s := open(b, large(b, 1000))
	for b.Loop() {
		must(b, s.Check(b.Context()))
	}
}

func BenchmarkP12_ChangeAmong1000(b *testing.B) {
	s := open(b, large(b, 1000))
	share := random(b, 300)
	for b.Loop() {
		must(b, s.StoreShare(b.Context(), keystore.KeyID{5, 0, 1}, share))
	}
}

func BenchmarkP12_DeleteAmong1000(b *testing.B) {
	s := open(b, large(b, 1000))
	for b.Loop() {
		b.StopTimer()
		must(b, s.PutProfile(b.Context(), profile("x", "o1", "x", 200)))
		b.StartTimer()
		must(b, s.DeleteProfile(b.Context(), "x"))
	}
}
