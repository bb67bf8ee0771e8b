package keystore_test

import (
	"context"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cloudkey/keystore"
)

// files returns the content of every file in a directory.
func files(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	names, err := os.ReadDir(dir)
	must(t, err)
	out := map[string][]byte{}
	for _, n := range names {
		out[n.Name()], err = os.ReadFile(filepath.Join(dir, n.Name()))
		must(t, err)
	}
	return out
}

// restore makes a directory hold exactly these files.
func restore(t testing.TB, dir string, content map[string][]byte) {
	t.Helper()
	must(t, os.RemoveAll(dir))
	must(t, os.MkdirAll(dir, 0o700))
	for name, b := range content {
		must(t, os.WriteFile(filepath.Join(dir, name), b, 0o600))
	}
}

func TestM11_DeletionRemovesEverythingOfAProfile(t *testing.T) {
	s := open(t, t.TempDir())
	ctx := t.Context()
	seed(t, s)
	must(t, s.PutProfile(ctx, profile("p2", "o1", "10002", 2)))
	must(t, s.StoreShare(ctx, keystore.KeyID{2, 1}, []byte("masked share of p2")))
	_, err := s.AppendSignature(ctx, signature("p2", 7))
	must(t, err)
	must(t, s.Backup(ctx))
	old := files(t, s.Dir())

	must(t, s.DeleteProfile(ctx, "p1"))
	if s.ErasurePending() {
		t.Error("erasure left pending")
	}
	check := func(s *keystore.Store) {
		t.Helper()
		for name, f := range map[string]func() error{
			"profile": func() error { _, err := s.Profile(ctx, "p1"); return err },
			"share":   func() error { _, err := s.LoadShare(ctx, keystore.KeyID{1, 1}); return err },
			"ink":     func() error { _, err := s.Ink(ctx, "p1"); return err },
			"history": func() error { _, err := s.Signature(ctx, "p1.1"); return err },
			"request": func() error { _, err := s.PendingRequest(ctx, "r1"); return err },
			"current": func() error { _, err := s.CurrentProfile(ctx); return err },
		} {
			if err := f(); !errors.Is(err, keystore.ErrNotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
		share, err := s.LoadShare(ctx, keystore.KeyID{2, 1})
		must(t, err)
		equal(t, string(share), "masked share of p2")
		must(t, s.VerifyHistory(ctx, "p2"))
		if n, _ := s.SignatureCount(ctx, "p2"); n != 1 {
			t.Errorf("%d entries of p2", n)
		}
		_, err = s.Organisation(ctx, "o1")
		must(t, err)
	}
	check(s)
	s = reopen(t, s)
	check(s)
	must(t, s.Close())

	// Whoever kept the old file, or finds its blocks, lacks the platform key now.
	now := files(t, s.Dir())
	var keys int
	for name := range now {
		if strings.HasSuffix(name, ".key") {
			keys++
			if _, was := old[name]; was {
				t.Error("the old platform key is still there")
			}
		}
	}
	if keys != 1 {
		t.Errorf("%d key files", keys)
	}
	for _, stale := range []string{"keystore.db", "keystore.bak"} {
		mixed := files(t, s.Dir())
		mixed["keystore.db"] = old[stale]
		dir := filepath.Join(t.TempDir(), "mixed")
		restore(t, dir, mixed)
		if _, err := keystore.Open(ctx, dir, keystore.Options{}); !errors.Is(err, keystore.ErrKeyLost) {
			t.Errorf("old %s opens: %v", stale, err)
		}
	}
}

func TestM11_ShareOfTwoProfilesStaysForTheOther(t *testing.T) {
	s := open(t, t.TempDir())
	ctx := t.Context()
	seed(t, s)
	must(t, s.PutProfile(ctx, profile("twin", "o1", "10001", 1)))
	must(t, s.DeleteProfile(ctx, "p1"))
	_, err := s.LoadShare(ctx, keystore.KeyID{1, 1})
	must(t, err)
	must(t, s.DeleteProfile(ctx, "twin"))
	if _, err := s.LoadShare(ctx, keystore.KeyID{1, 1}); !errors.Is(err, keystore.ErrNotFound) {
		t.Error(err)
	}
}

// balky is a platform whose key service fails where it is told to.
type balky struct {
	keys                       map[string][]byte
	noWrap, noUnwrap, noForget bool
	n                          byte
}

func (b *balky) Name() string                    { return "balky" }
func (b *balky) Protection() keystore.Protection { return keystore.ProtectionHardware }
func (b *balky) Wrap(_ context.Context, key []byte) ([]byte, error) {
	if b.noWrap {
		return nil, keystore.ErrKeyUnavailable
	}
	b.n++
	b.keys[hex.EncodeToString([]byte{b.n})] = append([]byte(nil), key...)
	return []byte{b.n}, nil
}

func (b *balky) Unwrap(_ context.Context, w []byte) ([]byte, error) {
	if b.noUnwrap {
		return nil, keystore.ErrKeyUnavailable
	}
	if k, ok := b.keys[hex.EncodeToString(w)]; ok {
		return append([]byte(nil), k...), nil
	}
	return nil, keystore.ErrKeyLost
}

func (b *balky) Forget(_ context.Context, w []byte) error {
	if b.noForget {
		return keystore.ErrKeyUnavailable
	}
	delete(b.keys, hex.EncodeToString(w))
	return nil
}

func TestErasureIsFinishedLater(t *testing.T) {
	for name, fail := range map[string]func(*balky, bool){
		"no new key":       func(b *balky, on bool) { b.noWrap = on },
		"no forgetting":    func(b *balky, on bool) { b.noForget = on },
		"new one not read": func(b *balky, on bool) { b.noUnwrap = on },
	} {
		t.Run(name, func(t *testing.T) {
			b := &balky{keys: map[string][]byte{}}
			opts := keystore.Options{Now: fixed, Wrappers: []keystore.KeyWrapper{b}}
			dir := t.TempDir()
			ctx := t.Context()
			s, err := keystore.Open(ctx, dir, opts)
			must(t, err)
			seed(t, s)
			fail(b, true)
			if err := s.DeleteProfile(ctx, "p1"); !errors.Is(err, keystore.ErrErasurePending) {
				t.Fatal(err)
			}
			must(t, s.Close())
			fail(b, false)
			s, err = keystore.Open(ctx, dir, opts)
			must(t, err)
			defer s.Close()
			if s.ErasurePending() || len(b.keys) != 1 || s.Protection() != keystore.ProtectionHardware {
				t.Errorf("pending %v, %d platform keys", s.ErasurePending(), len(b.keys))
			}
			if _, err := s.Profile(ctx, "p1"); !errors.Is(err, keystore.ErrNotFound) {
				t.Error(err)
			}
			_, err = s.Organisation(ctx, "o1")
			must(t, err)
		})
	}
}

func TestWrapperIsChosenOnceAndRemembered(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	b := &balky{keys: map[string][]byte{}, noWrap: true}
	both := keystore.Options{Wrappers: []keystore.KeyWrapper{b, keystore.KeyFile(dir)}}
	s, err := keystore.Open(ctx, dir, both)
	must(t, err)
	if s.Protection() != keystore.ProtectionFile {
		t.Error("fallback not reported as such")
	}
	must(t, s.Close())
	b.noWrap = false
	s, err = keystore.Open(ctx, dir, both)
	must(t, err)
	must(t, s.Close())
	if _, err := keystore.Open(ctx, dir, keystore.Options{Wrappers: []keystore.KeyWrapper{b}}); !errors.Is(err, keystore.ErrKeyUnavailable) {
		t.Error(err)
	}

	other := filepath.Join(t.TempDir(), "x")
	if _, err := keystore.Open(ctx, other, keystore.Options{Wrappers: []keystore.KeyWrapper{&balky{noWrap: true}}}); !errors.Is(err, keystore.ErrKeyUnavailable) {
		t.Error(err)
	}
	s, err = keystore.Open(ctx, other, both) // nothing half made was left
	must(t, err)
	defer s.Close()
	if s.Protection() != keystore.ProtectionHardware {
		t.Error("best wrapper not taken")
	}
}

func TestLostKeyFile(t *testing.T) {
	s := open(t, t.TempDir())
	must(t, s.Close())
	for name := range files(t, s.Dir()) {
		if strings.HasSuffix(name, ".key") {
			must(t, os.Truncate(filepath.Join(s.Dir(), name), 31))
		}
	}
	if _, err := keystore.Open(t.Context(), s.Dir(), keystore.Options{}); !errors.Is(err, keystore.ErrKeyLost) {
		t.Error(err)
	}
}

func TestKeyringIsNotWaitedFor(t *testing.T) {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	dir := t.TempDir()
	s, err := keystore.Open(t.Context(), dir, keystore.Options{
		Wrappers: []keystore.KeyWrapper{keystore.Keyring("cloudkey-test", 1), keystore.KeyFile(dir)},
	})
	must(t, err)
	defer s.Close()
	if s.Protection() != keystore.ProtectionFile {
		t.Error(s.Protection())
	}
}

func TestStrengthenMovesToTheBetterKey(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	b := &balky{keys: map[string][]byte{}, noWrap: true}
	opts := keystore.Options{Now: fixed, Wrappers: []keystore.KeyWrapper{b, keystore.KeyFile(dir)}}
	s, err := keystore.Open(ctx, dir, opts)
	must(t, err)
	seed(t, s)
	want, err := dump(s)
	must(t, err)
	if moved, err := s.Strengthen(ctx); moved || err != nil {
		t.Errorf("moved %v to a key service that does not answer, %v", moved, err)
	}
	b.noWrap = false
	if moved, err := s.Strengthen(ctx); !moved || err != nil {
		t.Fatalf("moved %v, %v", moved, err)
	}
	if moved, err := s.Strengthen(ctx); moved || err != nil {
		t.Errorf("moved %v again, %v", moved, err)
	}
	must(t, s.Close())
	for name := range files(t, dir) {
		if strings.HasSuffix(name, ".key") {
			t.Errorf("%s is left", name)
		}
	}
	s, err = keystore.Open(ctx, dir, opts)
	must(t, err)
	defer s.Close()
	got, err := dump(s)
	must(t, err)
	equal(t, got, want)
	equal(t, s.Protection(), keystore.ProtectionHardware)
}
