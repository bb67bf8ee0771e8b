package keystore_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"cloudkey/keystore"
)

var fixture = flag.String("keystore.fixture", "", "make a data directory as format1 there, with the code as it is")

// format1 writes what the stored data directory of format 1 holds: a record of every kind.
func format1(t testing.TB, s *keystore.Store) {
	t.Helper()
	seed(t, s)
	ctx := t.Context()
	must(t, s.PutProfile(ctx, profile("p2", "o1", "10002", 2)))
	must(t, s.PutEnrolment(ctx, keystore.Enrolment{
		ID: "e1", ServerID: "srv", Organisation: "o1", Account: "10003", PhoneHint: "139****", Begun: fixed(), Keys: map[string]string{"create": "k"},
	}))
	must(t, s.PutDeviceKey(ctx, keystore.DeviceKey{
		Organisation: "o1", DeviceID: "d1", Signing: bytes.Repeat([]byte{8}, 32), Seal: bytes.Repeat([]byte{9}, 32), Created: fixed(),
	}))
	must(t, s.ChangeSettings(ctx, func(v *keystore.Settings) { v.Language, v.UpdateFrequency = "en", keystore.UpdateWeekly }))
	_, key := sm2Key(t)
	sealed, err := keystore.SealKeyWithPassphrase(keystore.SealedKey{ID: "k1", Profile: "p1", Kind: keystore.KeySM2}, []byte("a long passphrase"), key)
	must(t, err)
	must(t, s.PutSealedKey(ctx, sealed))
	must(t, s.Backup(ctx))
}

// TestMakeFixture makes the data directory that TestUpgradeFromFormat1 opens. It is run once a format.
func TestMakeFixture(t *testing.T) {
	if *fixture == "" {
		t.Skip("nothing to make without -keystore.fixture DIR")
	}
	s := open(t, *fixture)
	format1(t, s)
	must(t, s.Close())
}

// TestUpgradeFromFormat1 opens a data directory that an earlier version of this program left, reads every record of it,
// changes it, and opens it again.
func TestUpgradeFromFormat1(t *testing.T) {
	dir := t.TempDir()
	must(t, os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "format1"))))
	s := open(t, dir)
	ctx := t.Context()
	must(t, s.Check(ctx))
	checkFormat1 := func() {
		t.Helper()
		for i, id := range []string{"p1", "p2"} {
			got, err := s.Profile(ctx, id)
			must(t, err)
			want := profile(id, "o1", fmt.Sprint(10001+i), byte(i+1))
			want.Created, want.Updated = fixed(), fixed()
			equal(t, got, want)
		}
		e, err := s.Enrolment(ctx, "e1")
		must(t, err)
		equal(t, e.Keys["create"]+e.Account, "k10003")
		d, err := s.DeviceKey(ctx, "o1")
		must(t, err)
		equal(t, d.DeviceID+string(d.Signing)+string(d.Seal), "d1"+string(bytes.Repeat([]byte{8}, 32))+string(bytes.Repeat([]byte{9}, 32)))
		drawn, err := s.Ink(ctx, "p1")
		must(t, err)
		equal(t, drawn, ink())
		all, err := s.Signatures(ctx, "p1", 0, 10)
		must(t, err)
		if len(all) != 3 || all[0].Document != "处方 2.pdf" {
			t.Errorf("history %v", all)
		}
		r, err := s.PendingRequest(ctx, "r1")
		must(t, err)
		equal(t, r.Target, "/v1/x")
		v, err := s.Settings(ctx)
		must(t, err)
		equal(t, v.Language, "en")
		current, err := s.CurrentProfile(ctx)
		must(t, err)
		equal(t, current, "p1")
		k, err := s.SealedKey(ctx, "k1")
		must(t, err)
		private, err := k.OpenWithPassphrase([]byte("a long passphrase"))
		must(t, err)
		if private.Public() == nil {
			t.Error("no public key")
		}
		must(t, s.VerifyHistory(ctx, "p1"))
	}
	checkFormat1()
	share, err := s.LoadShare(ctx, keystore.KeyID{1, 1})
	must(t, err)
	equal(t, string(share), "masked share of p1")

	must(t, s.StoreShare(ctx, keystore.KeyID{1, 1}, []byte("new share")))
	s = reopen(t, s)
	checkFormat1()
	must(t, s.PutProfile(ctx, profile("p3", "o1", "10004", 3)))
	_, err = s.AppendSignature(ctx, signature("p3", 1))
	must(t, err)
	must(t, s.DeleteProfile(ctx, "p1"))
	s = reopen(t, s)
	must(t, s.Check(ctx))
	if _, err := s.SealedKey(ctx, "k1"); !errors.Is(err, keystore.ErrNotFound) {
		t.Errorf("key of a deleted profile: %v", err)
	}
}
