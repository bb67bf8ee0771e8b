package keystore_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"cloudkey/keystore"
)

// dump is a digest of everything a user of the store can read, one line a record or list.
func dump(s *keystore.Store) (text string, err error) {
	err = s.View(background, func(tx *keystore.Tx) error {
		add := func(v any, err error) error {
			if errors.Is(err, keystore.ErrNotFound) {
				v, err = "none", nil
			}
			sum := sha256.Sum256(fmt.Appendf(nil, "%+v", v))
			text += fmt.Sprintf("%T %x\n", v, sum[:4])
			return err
		}
		all, err := tx.Profiles()
		if err := add(all, err); err != nil {
			return err
		}
		for _, p := range all {
			if err := add(tx.Share(p.KeyID)); err != nil {
				return err
			}
			if err := add(tx.Ink(p.ID)); err != nil {
				return err
			}
			if err := add(tx.Signatures(p.ID, 0, 100)); err != nil {
				return err
			}
			if err := tx.VerifyHistory(p.ID); err != nil {
				return err
			}
		}
		if err := add(tx.Organisations()); err != nil {
			return err
		}
		if err := add(tx.Enrolments()); err != nil {
			return err
		}
		if err := add(tx.PendingRequests()); err != nil {
			return err
		}
		if err := add(tx.Settings()); err != nil {
			return err
		}
		if err := add(tx.DeviceKey("o1")); err != nil {
			return err
		}
		return add(tx.CurrentProfile())
	})
	return text, err
}

// mutate damages a copy of b in one of the ways storage does.
func mutate(rnd *rand.Rand, b []byte) ([]byte, string) {
	const page = 4096
	b = append([]byte(nil), b...)
	pages := len(b) / page
	at := func() []byte { i := rnd.IntN(pages); return b[i*page : (i+1)*page] }
	switch rnd.IntN(8) {
	case 0, 1:
		i := rnd.IntN(len(b))
		b[i] ^= 1 << rnd.IntN(8)
		return b, fmt.Sprintf("bit flipped at %d", i)
	case 2:
		n := 1 + rnd.IntN(20)
		for range n {
			b[rnd.IntN(len(b))] = byte(rnd.Uint32())
		}
		return b, fmt.Sprintf("%d bytes changed", n)
	case 3:
		return b[:rnd.IntN(len(b))], "truncated"
	case 4:
		clear(at())
		return b, "page zeroed"
	case 5:
		x, y := at(), at()
		tmp := append([]byte(nil), x...)
		copy(x, y)
		copy(y, tmp)
		return b, "pages swapped"
	case 6:
		copy(at(), at())
		return b, "page copied over another"
	default:
		p := at()
		i := 512 * rnd.IntN(8)
		clear(p[i : i+512])
		return b, "sector zeroed"
	}
}

// TestR2_DamagedFiles opens damaged copies: each is refused as damaged, or reads exactly as before. Where the damage took
// one of the two commit marks and the store says so, the state before the last commit is accepted as well.
func TestR2_DamagedFiles(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	seed(t, s)
	must(t, s.PutDeviceKey(background, keystore.DeviceKey{Organisation: "o1", Signing: make([]byte, 32), Seal: make([]byte, 32), Created: fixed()}))
	for i := range 12 {
		must(t, s.PutProfile(background, profile(fmt.Sprint("q", i), "o1", fmt.Sprint(i), byte(50+i))))
	}
	must(t, s.DeletePendingRequest(background, "r1"))
	previous, err := dump(s)
	must(t, err)
	must(t, s.StoreShare(background, keystore.KeyID{1, 1}, []byte("share after a password change")))
	current, err := dump(s)
	must(t, err)
	must(t, s.Close())
	clean := files(t, dir)

	seedValue := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seedValue, 0))
	path := filepath.Join(dir, "keystore.db")
	damaged, refused, unharmed, older := 0, 0, 0, 0
	for i := range rounds(1000, 200_000) {
		damaged++
		b, what := mutate(rnd, clean["keystore.db"])
		must(t, os.WriteFile(path, b, 0o600))
		s, err := keystore.Open(background, dir, keystore.Options{Now: fixed})
		fail := func(f string, args ...any) {
			t.Helper()
			t.Fatalf("seed %d, file %d (%s): %s", seedValue, i, what, fmt.Sprintf(f, args...))
		}
		if err != nil {
			if !errors.Is(err, keystore.ErrDamaged) {
				fail("%v", err)
			}
			if left, err := os.ReadFile(path); err != nil || !bytes.Equal(left, b) {
				fail("refused and changed, %v", err)
			}
			refused++
			continue
		}
		text, err := dump(s)
		switch {
		case errors.Is(err, keystore.ErrDamaged): // an entry of the history, found when it is read
			refused++
		case err != nil:
			fail("%v", err)
		case text == current:
			unharmed++
		case text == previous && s.LastChangeUncertain():
			older++
		default:
			fail("wrong answer:\n%s", text)
		}
		must(t, s.Close())
	}
	t.Logf("%d refused, %d unharmed, %d at the state before and said so", refused, unharmed, older)
	report(t, *results, map[string]mark{
		"R2":           {float64(damaged), "damaged files; 0 panics, 0 deaths, 0 wrong answers", 200_000},
		"R2.refused":   {float64(refused), "of them refused as damaged", 0},
		"R2.unharmed":  {float64(unharmed), "of them read as before", 0},
		"R2.announced": {float64(older), "of them at the state before the last commit, and said so", 0},
	})
	if refused == 0 || unharmed == 0 {
		t.Error("the damage does not reach both outcomes")
	}
}

// TestTornFileWithFurtherDamageIsNotWrittenTo breaks a commit mark, which alone is survived, and one more byte.
func TestTornFileWithFurtherDamageIsNotWrittenTo(t *testing.T) {
	dir, clean, _ := damagedStore(t)
	path := filepath.Join(dir, "keystore.db")
	refused := 0
	for at := 2*4096 + 300; at < len(clean["keystore.db"]); at += 1024 {
		b := bytes.Clone(clean["keystore.db"])
		b[60] ^= 1
		b[at] ^= 1
		must(t, os.WriteFile(path, b, 0o600))
		s, err := keystore.Open(background, dir, keystore.Options{Now: fixed})
		if err == nil {
			if !s.LastChangeUncertain() {
				t.Errorf("byte %d: not reported", at)
			}
			must(t, s.Close())
			continue
		}
		refused++
		left, rerr := os.ReadFile(path)
		must(t, rerr)
		if !errors.Is(err, keystore.ErrDamaged) || !bytes.Equal(left, b) {
			t.Errorf("byte %d: %v, changed %v", at, err, !bytes.Equal(left, b))
		}
	}
	if refused == 0 {
		t.Error("nothing was refused")
	}
}

// TestRecordsCannotBeSwappedOrRolledBack exchanges whole pages of two states of the same store, as a thief or a disk that
// lies about syncing would.
func TestRecordsCannotBeSwappedOrRolledBack(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	seed(t, s)
	must(t, s.Close())
	older := files(t, dir)
	s = open(t, dir)
	for i := range 3 {
		must(t, s.StoreShare(background, keystore.KeyID{1, 1}, []byte(fmt.Sprint("share ", i))))
	}
	want, err := dump(s)
	must(t, err)
	must(t, s.Close())
	newer := files(t, dir)["keystore.db"]
	const page = 4096
	path := filepath.Join(dir, "keystore.db")
	refused := 0
	for i := 2; i < min(len(newer), len(older["keystore.db"]))/page; i++ {
		b := append([]byte(nil), newer...)
		copy(b[i*page:(i+1)*page], older["keystore.db"][i*page:])
		must(t, os.WriteFile(path, b, 0o600))
		s, err := keystore.Open(background, dir, keystore.Options{Now: fixed})
		if errors.Is(err, keystore.ErrDamaged) {
			refused++
			continue
		}
		must(t, err)
		got, err := dump(s)
		must(t, err)
		if got != want {
			t.Errorf("page %d of the older state: wrong answer", i)
		}
		must(t, s.Close())
	}
	if refused == 0 {
		t.Error("no page mattered")
	}
}
