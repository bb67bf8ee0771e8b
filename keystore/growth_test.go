package keystore_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"cloudkey/keystore"
)

// go test ./keystore -count=1 -run TestP12_Marks -args -marks "$PWD/build/bench.json" measures and writes.
var marksFile = flag.String("marks", "", "measure the store and write the results to this file")

func size(t testing.TB, s *keystore.Store) int64 {
	t.Helper()
	fi, err := os.Stat(filepath.Join(s.Dir(), "keystore.db"))
	must(t, err)
	return fi.Size()
}

// growth changes passwords, each as a refresh does it: the share with both epochs, then with one. It returns the size of the
// file before and after.
func growth(t testing.TB, changes int) (before, after int64) {
	t.Helper()
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
	before = size(t, s)
	for range changes {
		change()
	}
	return before, size(t, s)
}

// maxGrowth allows bbolt's free pages, however many changes there were, in bytes.
const maxGrowth = 128 << 10

func TestP12_GrowthIsBounded(t *testing.T) {
	if before, after := growth(t, 400); after > before+maxGrowth {
		t.Errorf("grew from %d to %d bytes", before, after)
	}
}

// median is the middle wall time of n calls of f, in milliseconds.
func median(n int, f func()) float64 {
	all := make([]float64, n)
	for i := range all {
		start := time.Now()
		f()
		all[i] = float64(time.Since(start).Nanoseconds()) / 1e6
	}
	slices.Sort(all)
	return all[n/2]
}

func TestP12_Marks(t *testing.T) {
	if *marksFile == "" {
		t.Skip("nothing to measure without -marks FILE")
	}
	ctx := t.Context()
	dir := large(t, 1000)
	opening := median(101, func() {
		s, err := keystore.Open(ctx, dir, keystore.Options{})
		must(t, err)
		must(t, s.Close())
	})
	s := open(t, dir)
	listing := median(101, func() {
		all, err := s.Profiles(ctx)
		must(t, err)
		equal(t, len(all), 1000)
	})
	finding := median(1001, func() {
		found, err := s.FindProfiles(ctx, "o7", "577")
		must(t, err)
		equal(t, len(found), 1)
	})
	before, after := growth(t, 10_000)
	report(t, *marksFile, map[string]mark{
		"P12":        {opening, "ms to open and verify a store with 1,000 certificates and close it", 50},
		"P12.list":   {listing, "ms to list 1,000 certificates", 0},
		"P12.find":   {finding, "ms to find one among 1,000 certificates", 0},
		"P12.growth": {float64(after - before), "bytes a file grew in 10,000 password changes", maxGrowth},
	})
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
