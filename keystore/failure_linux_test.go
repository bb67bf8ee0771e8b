package keystore_test

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"cloudkey/keystore"
)

// TestMain lets the test binary play the other process.
func TestMain(m *testing.M) {
	switch os.Getenv("KEYSTORE_TEST_ROLE") {
	case "":
		os.Exit(m.Run())
	case "hold":
		hold()
	case "keyring":
		useKeyring()
	case "session":
		session()
	case "write":
		write()
	}
}

// child starts this binary in a role on a directory.
func child(t testing.TB, role, dir string, env ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), "KEYSTORE_TEST_ROLE="+role, "KEYSTORE_TEST_DIR="+dir), env...)
	cmd.Stderr = os.Stderr
	return cmd
}

// hold opens a store, says so, and keeps it until its input ends.
func hold() {
	_, err := keystore.Open(background, os.Getenv("KEYSTORE_TEST_DIR"), keystore.Options{})
	if err != nil {
		os.Stdout.WriteString("error " + err.Error() + "\n")
		os.Exit(1)
	}
	os.Stdout.WriteString("open\n")
	bufio.NewReader(os.Stdin).ReadByte()
	os.Exit(0)
}

func TestSecondProcessIsBusy(t *testing.T) {
	dir := t.TempDir()
	cmd := child(t, "hold", dir)
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	must(t, err)
	equal(t, line, "open\n")
	if _, err := keystore.Open(t.Context(), dir, keystore.Options{}); !errors.Is(err, keystore.ErrBusy) {
		t.Errorf("other process holds it: %v", err)
	}
	in.Close()
	must(t, cmd.Wait())
	open(t, dir)
}

// mount mounts something for the test or skips it where that is not allowed.
func mount(t testing.TB, source, target, fstype string, flags uintptr, data string) {
	t.Helper()
	if err := syscall.Mount(source, target, fstype, flags, data); err != nil {
		t.Skipf("mounting is not allowed here: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(target, syscall.MNT_DETACH) })
}

func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	mount(t, "tmpfs", dir, "tmpfs", 0, "size=400k")
	s := open(t, dir)
	seed(t, s)
	ctx := t.Context()
	big := profile("big", "o1", "big", 9)
	big.Certificate = random(t, 40<<10)
	var stored []string
	var err error
	for i := range 40 {
		p := big
		p.ID = strings.Repeat("x", i+1)
		if err = s.PutProfile(ctx, p); err != nil {
			break
		}
		stored = append(stored, p.ID)
	}
	if !errors.Is(err, keystore.ErrDiskFull) {
		t.Fatalf("after %d profiles: %v", len(stored), err)
	}
	for range 2 { // the open store goes on, and so does a new one
		must(t, s.VerifyHistory(ctx, "p1"))
		profiles, err := s.Profiles(ctx)
		must(t, err)
		if len(profiles) != len(stored)+1 {
			t.Fatalf("%d profiles, want %d", len(profiles), len(stored)+1)
		}
		if _, err := s.LoadShare(ctx, keystore.KeyID{1, 1}); err != nil {
			t.Fatal(err)
		}
		s = reopen(t, s)
	}
	if err := s.DeleteProfile(ctx, stored[0]); err != nil && !errors.Is(err, keystore.ErrDiskFull) {
		t.Errorf("deletion: %v", err)
	}
	must(t, s.Close())
	must(t, syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=4m"))
	s = open(t, dir)
	must(t, s.DeleteProfile(ctx, stored[1]))
	if s.ErasurePending() {
		t.Error("erasure pending with space left")
	}
}

func TestDiskFullAtCreation(t *testing.T) {
	dir := t.TempDir()
	mount(t, "tmpfs", dir, "tmpfs", 0, "size=16k")
	if _, err := keystore.Open(t.Context(), dir, keystore.Options{}); !errors.Is(err, keystore.ErrDiskFull) {
		t.Fatal(err)
	}
	must(t, syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=4m"))
	seed(t, open(t, dir))
}

func TestReadOnlyDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := open(t, dir)
	seed(t, s)
	must(t, s.Close())
	mount(t, dir, dir, "", syscall.MS_BIND, "")
	must(t, syscall.Mount("", dir, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	before := files(t, dir)
	if _, err := keystore.Open(t.Context(), dir, keystore.Options{}); !errors.Is(err, keystore.ErrReadOnly) {
		t.Error(err)
	}
	if _, err := keystore.Open(t.Context(), filepath.Join(dir, "new"), keystore.Options{}); !errors.Is(err, keystore.ErrReadOnly) {
		t.Error(err)
	}
	for name, b := range files(t, dir) {
		if !bytes.Equal(b, before[name]) {
			t.Errorf("%s changed", name)
		}
	}
}

func TestNewerFormat(t *testing.T) {
	s := open(t, t.TempDir())
	must(t, s.Close())
	path := filepath.Join(s.Dir(), "keystore.db")
	b, err := os.ReadFile(path)
	must(t, err)
	if bytes.Count(b, []byte("CKKS\x01")) < 2 {
		t.Fatal("no header found")
	}
	must(t, os.WriteFile(path, bytes.ReplaceAll(b, []byte("CKKS\x01"), []byte("CKKS\x02")), 0o600))
	if _, err := keystore.Open(t.Context(), s.Dir(), keystore.Options{}); !errors.Is(err, keystore.ErrNewerFormat) {
		t.Error(err)
	}
}

func TestNotADatabase(t *testing.T) {
	for name, content := range map[string][]byte{"empty": {}, "text": []byte("hello"), "zeros": make([]byte, 64<<10), "noise": random(t, 64<<10)} {
		dir := filepath.Join(t.TempDir(), name)
		restore(t, dir, map[string][]byte{"keystore.db": content})
		_, err := keystore.Open(t.Context(), dir, keystore.Options{})
		var damaged *keystore.DamagedError
		if !errors.As(err, &damaged) || !errors.Is(err, keystore.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
		if got := files(t, dir)["keystore.db"]; !bytes.Equal(got, content) {
			t.Errorf("%s: changed", name)
		}
	}
}
