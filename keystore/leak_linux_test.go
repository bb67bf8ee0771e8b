package keystore_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"cloudkey/keystore"
)

// secret derives the n-th secret of the session, so that the process under test need not be told.
func secret(n byte) []byte {
	sum := sha256.Sum256([]byte{'k', 's', n})
	return sum[:]
}

// session uses every kind of secret, wipes its own copies, closes the store and waits to be looked into.
func session() {
	dir := os.Getenv("KEYSTORE_TEST_DIR")
	fail := func(err error) {
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	func() {
		s, err := keystore.Open(background, filepath.Join(dir, "data"), keystore.Options{})
		fail(err)
		fail(s.Update(background, func(tx *keystore.Tx) error {
			if err := tx.PutOrganisation(organisation("o1")); err != nil {
				return err
			}
			return tx.PutProfile(profile("p1", "o1", "account-10001", 1))
		}))
		for n := range byte(20) {
			share := secret(n)
			fail(s.StoreShare(background, keystore.KeyID{1, 1}, share))
			clear(share)
			again, err := s.LoadShare(background, keystore.KeyID{1, 1})
			fail(err)
			clear(again)
		}
		key := keystore.DeviceKey{Organisation: "o1", Signing: secret(100), Seal: secret(101)}
		fail(s.PutDeviceKey(background, key))
		key.Wipe()
		key, err = s.DeviceKey(background, "o1")
		fail(err)
		key.Wipe()
		_, err = s.AppendSignature(background, signature("p1", 1))
		fail(err)
		fail(s.PutInk(background, "p1", ink()))
		fail(s.Backup(background))
		fail(s.Close())
		s, err = keystore.Open(background, filepath.Join(dir, "data"), keystore.Options{})
		fail(err)
		fail(s.DeleteProfile(background, "p1"))
		fail(s.Close())
	}()
	control = secret(200)
	os.Stdout.WriteString("done\n")
	bufio.NewReader(os.Stdin).ReadByte()
	runtime.KeepAlive(control)
	os.Exit(0)
}

// control is a secret that is in memory, to show that the search finds one.
var control []byte

// core returns all writable memory of a process, as a core dump would hold it.
func core(t testing.TB, pid int) []byte {
	t.Helper()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	must(t, err)
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	must(t, err)
	defer mem.Close()
	var out []byte
	for line := range strings.Lines(string(maps)) {
		var from, to int64
		var mode string
		if n, _ := fmt.Sscanf(line, "%x-%x %s", &from, &to, &mode); n != 3 || !strings.HasPrefix(mode, "rw") {
			continue
		}
		part := make([]byte, to-from)
		n, _ := mem.ReadAt(part, from) // what is not backed does not read
		out = append(out, part[:n]...)
	}
	return out
}

func TestR7_NothingReadableInTheDataDirectory(t *testing.T) {
	dir := t.TempDir()
	cmd := child(t, "session", dir)
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	must(t, err)
	equal(t, line, "done\n")
	memory := core(t, cmd.Process.Pid)
	in.Close()
	must(t, cmd.Wait())
	if !bytes.Contains(memory, secret(200)) {
		t.Fatal("the search does not find what is there")
	}
	data := files(t, filepath.Join(dir, "data"))
	for _, n := range []byte{0, 1, 18, 19, 100, 101} {
		raw := secret(n)
		for form, pattern := range map[string][]byte{
			"raw": raw, "hex": []byte(hex.EncodeToString(raw)), "base64": []byte(base64.StdEncoding.EncodeToString(raw)[:40]),
			"half": raw[:16], "other half": raw[16:],
		} {
			for name, b := range data {
				if bytes.Contains(b, pattern) {
					t.Errorf("secret %d (%s) is in %s", n, form, name)
				}
			}
			if bytes.Contains(memory, pattern) {
				t.Errorf("secret %d (%s) is in memory", n, form)
			}
		}
	}
	// the store's own key, read as someone would who has the directory
	for name, kek := range data {
		if strings.HasSuffix(name, ".key") && bytes.Contains(memory, kek) {
			t.Error("the platform key is still in memory after Close")
		}
	}
	for _, personal := range []string{"account-10001", "张伟", "示范医院", "ca.example", "处方", "p1", "o1\""} {
		for name, b := range data {
			if len(personal) > 3 && bytes.Contains(b, []byte(personal)) {
				t.Errorf("%q is in %s", personal, name)
			}
		}
	}
}

func TestPasswordIsKeptOnlyWhereThePlatformProtectsIt(t *testing.T) {
	ctx := t.Context()
	weak := open(t, t.TempDir())
	seed(t, weak)
	if err := weak.KeepPassword(ctx, "p1", []byte("123456"), fixed().Add(time.Hour)); err != keystore.ErrWeakProtection {
		t.Errorf("kept under a key file: %v", err)
	}
	now := fixed()
	b := &balky{keys: map[string][]byte{}}
	s, err := keystore.Open(ctx, t.TempDir(), keystore.Options{Now: func() time.Time { return now }, Wrappers: []keystore.KeyWrapper{b}})
	must(t, err)
	defer s.Close()
	seed(t, s)
	if err := s.KeepPassword(ctx, "p1", []byte("123456"), now.Add(keystore.MaxPasswordAge+1)); err == nil {
		t.Error("kept for too long")
	}
	must(t, s.KeepPassword(ctx, "p1", []byte("123456"), now.Add(time.Hour)))
	for at, want := range map[time.Duration]bool{0: true, time.Hour - 1: true, time.Hour: false, -1: false} {
		now = fixed().Add(at)
		got, err := s.HasPassword(ctx, "p1")
		must(t, err)
		if got != want {
			t.Errorf("after %v: %v", at, got)
		}
	}
	now = fixed()
	got, err := s.Password(ctx, "p1")
	must(t, err)
	equal(t, string(got), "123456")
	must(t, s.ForgetPassword(ctx, "p1"))
	must(t, s.ForgetPassword(ctx, "p1"))
	if kept, err := s.HasPassword(ctx, "p1"); err != nil || kept || s.ErasurePending() {
		t.Errorf("still kept: %v, %v", kept, err)
	}
}
