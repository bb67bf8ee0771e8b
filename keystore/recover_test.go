package keystore_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cloudkey/keystore"
)

func recovered(t testing.TB, dir string) (*keystore.Store, keystore.Recovery) {
	t.Helper()
	s, r, err := keystore.Recover(t.Context(), dir, keystore.Options{Now: fixed})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, r
}

// damagedStore makes a store of ten profiles with a backup, and returns its directory and files.
func damagedStore(t testing.TB) (dir string, clean map[string][]byte, want string) {
	t.Helper()
	dir = t.TempDir()
	s := open(t, dir)
	seed(t, s)
	for i := range 9 {
		must(t, s.PutProfile(t.Context(), profile(fmt.Sprint("q", i), "o1", fmt.Sprint(i), byte(50+i))))
		must(t, s.StoreShare(t.Context(), keystore.KeyID{byte(50 + i), 1}, []byte("share")))
	}
	must(t, s.Backup(t.Context()))
	want, err := dump(s)
	must(t, err)
	must(t, s.Close())
	return dir, files(t, dir), want
}

func TestRecoverOfAHealthyStoreChangesNothing(t *testing.T) {
	dir, clean, want := damagedStore(t)
	s, r := recovered(t, dir)
	equal(t, r, keystore.Recovery{})
	got, err := dump(s)
	must(t, err)
	equal(t, got, want)
	must(t, s.Close())
	if !bytes.Equal(files(t, dir)["keystore.db"], clean["keystore.db"]) {
		t.Error("file changed")
	}
}

func TestRecoverFromTheBackupAlone(t *testing.T) {
	for name, content := range map[string][]byte{"missing": nil, "zeros": make([]byte, 8192), "cut": []byte("x")} {
		dir, _, want := damagedStore(t)
		path := filepath.Join(dir, "keystore.db")
		must(t, os.Remove(path))
		if content != nil {
			must(t, os.WriteFile(path, content, 0o600))
		}
		if _, err := keystore.Open(t.Context(), dir, keystore.Options{}); !errors.Is(err, keystore.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
		s, r := recovered(t, dir)
		got, err := dump(s)
		must(t, err)
		equal(t, got, want)
		if !r.Backup || len(r.Lost) > 0 {
			t.Errorf("%s: %+v", name, r)
		}
		if content != nil {
			kept, err := os.ReadFile(r.SetAside)
			must(t, err)
			if !bytes.Equal(kept, content) {
				t.Errorf("%s: set aside is not what was there", name)
			}
		}
		s = reopen(t, s)
		must(t, s.Check(t.Context()))
	}
}

func TestRecoverBeginsAnewWhereNothingIsLeft(t *testing.T) {
	dir := t.TempDir()
	restore(t, dir, map[string][]byte{"keystore.db": []byte("noise"), "keystore.bak": []byte("noise")})
	s, r := recovered(t, dir)
	if r.SetAside == "" || r.Backup {
		t.Errorf("%+v", r)
	}
	seed(t, s)
	reopen(t, s)
}

func TestRecoverNamesWhatMustBeDownloadedAgain(t *testing.T) {
	dir, clean, _ := damagedStore(t)
	b := clean["keystore.db"]
	// every page is broken once; between them every record is hit
	lost := map[string]bool{}
	for page := 2; page < len(b)/4096; page++ {
		bad := bytes.Clone(b)
		clear(bad[page*4096 : (page+1)*4096])
		broken := map[string][]byte{"keystore.db": bad}
		for name, content := range clean {
			if strings.HasSuffix(name, ".key") {
				broken[name] = content
			}
		}
		restore(t, dir, broken)
		if _, err := keystore.Open(background, dir, keystore.Options{}); !errors.Is(err, keystore.ErrDamaged) {
			must(t, err)
			continue // a free page
		}
		s, r := recovered(t, dir)
		must(t, s.Check(background))
		profiles, err := s.Profiles(background)
		must(t, err)
		usable := 0
		for _, p := range profiles {
			_, err := s.LoadShare(background, p.KeyID)
			_, orgErr := s.Organisation(background, p.Organisation)
			named := slices.ContainsFunc(r.Redownload, func(ref keystore.RecordRef) bool { return ref.ID == p.ID })
			if (err == nil && orgErr == nil) == named {
				t.Errorf("page %d: %s: share %v, organisation %v, named %v", page, p.ID, err, orgErr, named)
			}
			if !named {
				usable++
			}
		}
		if !r.Unlisted && usable+len(r.Redownload) != 10 {
			t.Errorf("page %d: %d usable, to download again %v", page, usable, r.Redownload)
		}
		for _, ref := range r.Lost {
			lost[ref.Kind.String()] = true
		}
		must(t, s.Close())
	}
	for _, kind := range []keystore.Kind{keystore.KindProfile, keystore.KindShare} {
		if !lost[kind.String()] {
			t.Errorf("no %s was ever lost: the test reaches too little", kind)
		}
	}
}

// TestR2_RecoveryOfDamagedFiles damages copies at random and holds that Recover always gives a store that opens, whose
// every record is right, and that with an up-to-date backup nothing at all is lost.
func TestR2_RecoveryOfDamagedFiles(t *testing.T) {
	dir, clean, want := damagedStore(t)
	seedValue := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seedValue, 0))
	rebuilt := 0
	for i := range rounds(100, 20_000) {
		b, what := mutate(rnd, clean["keystore.db"])
		broken := map[string][]byte{"keystore.db": b}
		for name, content := range clean {
			if name != "keystore.db" {
				broken[name] = content
			}
		}
		restore(t, dir, broken)
		s, r, err := keystore.Recover(background, dir, keystore.Options{Now: fixed})
		if err != nil {
			t.Fatalf("seed %d, file %d (%s): %v", seedValue, i, what, err)
		}
		got, err := dump(s)
		if err != nil || got != want && !s.LastChangeUncertain() {
			t.Errorf("seed %d, file %d (%s): %v %+v", seedValue, i, what, err, r)
		}
		if r.SetAside != "" {
			rebuilt++
			kept, err := os.ReadFile(r.SetAside)
			must(t, err)
			if !bytes.Equal(kept, b) {
				t.Errorf("seed %d, file %d (%s): set aside is not the damaged file", seedValue, i, what)
			}
		}
		must(t, s.Close())
	}
	if rebuilt == 0 {
		t.Error("nothing was rebuilt")
	}
}

func TestDeletedRecordsDoNotComeBackFromTheBackup(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	seed(t, s)
	must(t, s.Backup(t.Context()))
	must(t, s.DeletePendingRequest(t.Context(), "r1"))
	must(t, s.StoreShare(t.Context(), keystore.KeyID{1, 1}, []byte("share after a password change")))
	must(t, s.Close())
	path := filepath.Join(dir, "keystore.db")
	b, err := os.ReadFile(path)
	must(t, err)
	clear(b[4096*2 : 4096*3]) // a page of structure or free, whichever; the rest decides
	b[len(b)-1] ^= 1
	for page := 2; page < len(b)/4096; page++ { // take away every page type mark: only the walk's business
		b[page*4096] ^= 0xFF
	}
	must(t, os.WriteFile(path, b, 0o600))
	s, r := recovered(t, dir)
	if _, err := s.PendingRequest(t.Context(), "r1"); !errors.Is(err, keystore.ErrNotFound) {
		t.Errorf("deleted record is back: %v, %+v", err, r)
	}
	share, err := s.LoadShare(t.Context(), keystore.KeyID{1, 1})
	if err == nil && string(share) != "share after a password change" {
		t.Error("an earlier share came back")
	}
}
