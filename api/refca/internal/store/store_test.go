package store_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"cloudkey/api/refca/internal/store"
)

func open(t *testing.T, path string) *store.Store {
	t.Helper()
	s, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func get(t *testing.T, s *store.Store, bucket, key string) string {
	t.Helper()
	var v []byte
	if err := s.View(func(tx *store.Tx) error { v = tx.Get(bucket, key); return nil }); err != nil {
		t.Fatal(err)
	}
	if v == nil {
		return "(none)"
	}
	return string(v)
}

func TestFailedChangeWritesNothingWhileItsGroupGoesThrough(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "ca.db"))
	refuse := errors.New("refused")
	var wg sync.WaitGroup
	for i := range 300 {
		wg.Go(func() {
			key := fmt.Sprintf("%03d", i)
			err := s.Update(t.Context(), func(tx *store.Tx) error {
				if err := tx.Put("b", key, []byte("x")); err != nil {
					return err
				}
				switch i % 3 {
				case 1:
					return refuse
				case 2:
					panic("change " + key)
				}
				return nil
			})
			if (i%3 == 1) != errors.Is(err, refuse) || (i%3 == 0) != (err == nil) {
				t.Errorf("change %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	for i := range 300 {
		want := "(none)"
		if i%3 == 0 {
			want = "x"
		}
		if got := get(t, s, "b", fmt.Sprintf("%03d", i)); got != want {
			t.Errorf("key %d: %s, want %s", i, got, want)
		}
	}
}

func TestChangesOfAGroupSeeEachOther(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "ca.db"))
	const n = 500
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			err := s.Update(t.Context(), func(tx *store.Tx) error {
				return tx.Put("b", "count", append(tx.Get("b", "count"), 'i'))
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := len(get(t, s, "b", "count")); got != n {
		t.Errorf("%d increments, want %d", got, n)
	}
}

func TestReopenedFileHoldsWhatWasAcknowledged(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "sub", "ca.db")
	s := open(t, path)
	if err := s.Update(t.Context(), func(tx *store.Tx) error { return tx.Put("b", "k", []byte("v")) }); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	// A copy of the file as a power cut would leave it, while the first store is still open.
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	image := filepath.Join(dir, "image.db")
	if err := os.WriteFile(image, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := get(t, open(t, image), "b", "k"); got != "v" {
		t.Errorf("image holds %s", got)
	}
	if _, err := store.Open(path); !errors.Is(err, store.ErrBusy) {
		t.Errorf("second open: %v, want ErrBusy", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Update(t.Context(), func(*store.Tx) error { return nil }); !errors.Is(err, store.ErrClosed) {
		t.Errorf("update after close: %v", err)
	}
	if got := get(t, open(t, path), "b", "k"); got != "v" {
		t.Errorf("reopened file holds %s", got)
	}
	left, _ := filepath.Glob(filepath.Join(dir, "sub", "*.new-*"))
	if len(left) != 0 {
		t.Errorf("temporary files left: %v", left)
	}
}

func TestDamagedFileIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ca.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("not a database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(path); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("got %v, want ErrDamaged", err)
	}
}

// TestDamagedPagesAreAnError spoils one byte of each page's header of a file in use before: bbolt itself would fault on some.
func TestDamagedPagesAreAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ca.db")
	s, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		err := s.Update(t.Context(), func(tx *store.Tx) error {
			return tx.Put("b", fmt.Sprint(i), make([]byte, 500))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	clean, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for at := 2*4096 + 8; at < len(clean); at += 4096 { // the type of a page, behind the metas
		b := slices.Clone(clean)
		b[at] = 0x40
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := store.Open(path)
		switch {
		case errors.Is(err, store.ErrDamaged):
			refused++
		case err != nil:
			t.Fatalf("page %d: %v", at/4096, err)
		default: // a free page
			s.Close()
		}
	}
	if refused < 3 {
		t.Errorf("%d damaged files were refused", refused)
	}
}

func TestSecondStoreIsBusy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ca.db")
	first, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(path); !errors.Is(err, store.ErrBusy) {
		t.Errorf("second: %v, want ErrBusy", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, path)
}

func TestSnapshotIsAUsableStore(t *testing.T) {
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "ca.db"))
	if err := s.Update(t.Context(), func(tx *store.Tx) error { return tx.Put("b", "k", []byte{}) }); err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(dir, "copy.db")
	if err := s.Snapshot(copied); err != nil {
		t.Fatal(err)
	}
	if got := get(t, open(t, copied), "b", "k"); got != "" {
		t.Errorf("copy holds %s", got)
	}
}

func TestViewCannotWrite(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "ca.db"))
	err := s.View(func(tx *store.Tx) error { return tx.Put("b", "k", []byte("v")) })
	if !errors.Is(err, store.ErrReadOnly) {
		t.Errorf("got %v", err)
	}
}

// TestScanAgainstAMap compares ranging over stored and not yet committed keys, in both directions, with a plain map.
func TestScanAgainstAMap(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "ca.db"))
	rng := rand.New(rand.NewPCG(1, 2))
	key := func() string {
		b := make([]byte, 1+rng.IntN(3))
		for i := range b {
			b[i] = []byte{'a', 'b', 0xff}[rng.IntN(3)]
		}
		return string(b)
	}
	model := map[string]string{}
	for round := range 60 {
		err := s.Update(t.Context(), func(tx *store.Tx) error {
			for range 8 {
				k := key()
				if rng.IntN(3) == 0 {
					delete(model, k)
					if err := tx.Delete("b", k); err != nil {
						return err
					}
					continue
				}
				model[k] = fmt.Sprint(round)
				if err := tx.Put("b", k, []byte(model[k])); err != nil {
					return err
				}
			}
			for _, prefix := range []string{"", "a", "b\xff", "\xff", "\xff\xff"} {
				var want, up, down []string
				for k, v := range model {
					if strings.HasPrefix(k, prefix) {
						want = append(want, k+"="+v)
					}
				}
				slices.Sort(want)
				for k, v := range tx.All("b", prefix) {
					up = append(up, k+"="+string(v))
				}
				for k, v := range tx.Backward("b", prefix) {
					down = append(down, k+"="+string(v))
				}
				slices.Reverse(down)
				slices.SortStableFunc(want, func(a, b string) int {
					return strings.Compare(a[:strings.IndexByte(a, '=')], b[:strings.IndexByte(b, '=')])
				})
				if !slices.Equal(up, want) || !slices.Equal(down, want) {
					return fmt.Errorf("round %d prefix %q:\n up   %q\n down %q\n want %q", round, prefix, up, down, want)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestLaterIsDurableWithTheNextUpdate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ca.db")
	s := open(t, path)
	if err := s.Later(func(tx *store.Tx) error { return tx.Put("b", "lazy", []byte("1")) }); err != nil {
		t.Fatal(err)
	}
	if err := s.Update(t.Context(), func(tx *store.Tx) error { return tx.Put("b", "waited", []byte("2")) }); err != nil {
		t.Fatal(err)
	}
	if got := get(t, s, "b", "lazy"); got != "1" {
		t.Errorf("after the update: %s", got)
	}
	if err := s.Later(func(tx *store.Tx) error { return tx.Put("b", "last", []byte("3")) }); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := get(t, open(t, path), "b", "last"); got != "3" {
		t.Errorf("after close: %s", got)
	}
}
