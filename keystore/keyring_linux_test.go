package keystore_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/zalando/go-keyring"

	"cloudkey/keystore"
)

// TestSilentBusIsNotWaitedFor gives the keyring a session bus that accepts and never answers.
func TestSilentBusIsNotWaitedFor(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "bus")
	l, err := net.Listen("unix", socket)
	must(t, err)
	defer l.Close()
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+socket)
	dir := t.TempDir()
	s, err := keystore.Open(t.Context(), dir, keystore.Options{
		Wrappers: []keystore.KeyWrapper{keystore.Keyring("cloudkey-test", 50*time.Millisecond), keystore.KeyFile(dir)},
	})
	must(t, err)
	defer s.Close()
	equal(t, s.Protection(), keystore.ProtectionFile)
}

// TestKeyring runs in a process of its own, because the library's stand-in for the keyring stays for its lifetime.
func TestKeyring(t *testing.T) {
	out, err := child(t, "keyring", t.TempDir(), "DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent").Output()
	if err != nil || string(out) != "ok\n" {
		t.Errorf("%v: %s", err, out)
	}
}

// useKeyring keeps a store's key in the stand-in keyring through creation, reopening and deletion, then loses it.
func useKeyring() {
	dir := os.Getenv("KEYSTORE_TEST_DIR")
	opts := keystore.Options{Wrappers: []keystore.KeyWrapper{keystore.Keyring("cloudkey-test", time.Minute)}}
	check := func(what string, ok bool, err error) {
		if !ok {
			fmt.Println(what, err)
			os.Exit(1)
		}
	}
	keyring.MockInit()
	s, err := keystore.Open(background, dir, opts)
	check("create", err == nil && s.Protection() == keystore.ProtectionKeyring, err)
	err = errors.Join(s.PutOrganisation(background, organisation("o1")), s.PutProfile(background, profile("p1", "o1", "1", 1)),
		s.KeepPassword(background, "p1", []byte("123456"), time.Now().Add(time.Hour)), s.Close())
	check("fill", err == nil, err)
	s, err = keystore.Open(background, dir, opts)
	check("reopen", err == nil, err)
	err = s.DeleteProfile(background, "p1")
	check("delete", err == nil && !s.ErasurePending(), err)
	check("close", s.Close() == nil, nil)
	names, err := filepath.Glob(filepath.Join(dir, "*.key"))
	check("no key file beside", len(names) == 0, err)
	keyring.MockInitWithError(errors.New("locked"))
	_, err = keystore.Open(background, dir, opts)
	check("silent keyring", errors.Is(err, keystore.ErrKeyUnavailable), err)
	keyring.MockInit() // an empty one
	_, err = keystore.Open(background, dir, opts)
	check("lost key", errors.Is(err, keystore.ErrKeyLost), err)
	fmt.Println("ok")
	os.Exit(0)
}
