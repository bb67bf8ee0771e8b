package keystore_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"time"

	"cloudkey/keystore"
)

// background is for what outlives a test's own context, and for the processes that tests start.
var background = context.Background()

// fixed is the clock of these tests.
func fixed() time.Time { return time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC) }

func open(t testing.TB, dir string) *keystore.Store {
	t.Helper()
	s, err := keystore.Open(t.Context(), dir, keystore.Options{Now: fixed})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func reopen(t testing.TB, s *keystore.Store) *keystore.Store {
	t.Helper()
	must(t, s.Close())
	return open(t, s.Dir())
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func random(t testing.TB, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	_, err := rand.Read(b)
	must(t, err)
	return b
}

func organisation(id string) keystore.Organisation {
	return keystore.Organisation{
		ID: id, Name: "示范医院 " + id, API: "https://ca.example:8443/v1", Cosign: "https://co.example/v1",
		TLSPins: [][]byte{bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)}, CAFingerprint: bytes.Repeat([]byte{3}, 32),
		SealKey: []byte("seal key"), Signer: []byte("signer"), Hotline: "400-000-0000", SignedConfig: []byte("a.b.c"),
	}
}

func profile(id, org, account string, key byte) keystore.Profile {
	return keystore.Profile{
		ID: id, Organisation: org, Account: account, Holder: "张伟", Phone: "138****0001", State: keystore.ProfileReady,
		KeyID: keystore.KeyID{key, 1}, PublicKey: bytes.Repeat([]byte{4}, 65), Certificate: bytes.Repeat([]byte{5}, 900),
		Chain: [][]byte{bytes.Repeat([]byte{6}, 700), bytes.Repeat([]byte{7}, 600)}, CertState: "valid",
		Binding: keystore.Binding{Bound: true, DeviceID: "d", DeviceName: "phone", Since: fixed(), Checked: fixed()},
	}
}

// seed stores one organisation with one complete profile "p1".
func seed(t testing.TB, s *keystore.Store) {
	t.Helper()
	must(t, s.Update(t.Context(), func(tx *keystore.Tx) error {
		return errors.Join(
			tx.PutOrganisation(organisation("o1")),
			tx.PutProfile(profile("p1", "o1", "10001", 1)),
			tx.PutShare(keystore.KeyID{1, 1}, []byte("masked share of p1")),
			tx.PutInk("p1", ink()),
			tx.PutPendingRequest(keystore.PendingRequest{ID: "r1", Organisation: "o1", Profile: "p1", Operation: "refresh", Method: "POST", Target: "/v1/x", Body: []byte("{}")}),
			tx.SetCurrentProfile("p1"),
		)
	}))
	for i := range 3 {
		_, err := s.AppendSignature(t.Context(), signature("p1", i))
		must(t, err)
	}
}

func ink() keystore.Ink {
	return keystore.Ink{
		PNG:      []byte("\x89PNG"),
		Strokes:  [][]keystore.InkPoint{{{X: 1.5, Y: 2, T: time.Millisecond}, {X: 3, Y: 4.25, T: 9 * time.Millisecond}}},
		Captured: fixed(),
	}
}

func signature(profile string, i int) keystore.Signature {
	return keystore.Signature{
		Profile: profile, Document: fmt.Sprintf("处方 %d.pdf", i), Size: int64(i), Digest: bytes.Repeat([]byte{byte(i)}, 32),
		Signature: []byte{0x30, byte(i)}, SignedData: []byte("cms"), Serial: "0A", Time: fixed().Add(time.Duration(i) * time.Second),
	}
}

func TestEveryRecordSurvivesReopening(t *testing.T) {
	s := open(t, t.TempDir())
	ctx := t.Context()
	seed(t, s)
	enrolment := keystore.Enrolment{ID: "e1", ServerID: "srv", Organisation: "o1", Account: "10002", PhoneHint: "139****", Begun: fixed(), Expires: fixed().Add(time.Minute), Keys: map[string]string{"verify": "k"}}
	must(t, s.PutEnrolment(ctx, enrolment))
	device := keystore.DeviceKey{Organisation: "o1", DeviceID: "d1", Signing: random(t, 32), Seal: random(t, 32), Created: fixed()}
	must(t, s.PutDeviceKey(ctx, device))
	must(t, s.ChangeSettings(ctx, func(v *keystore.Settings) {
		v.Language, v.UpdateFrequency, v.LastUpdateCheck = "en", keystore.UpdateWeekly, fixed()
	}))
	before := s.Position()
	s = reopen(t, s)
	if got := s.Position(); got != before {
		t.Errorf("position %v, want %v", got, before)
	}

	org, err := s.Organisation(ctx, "o1")
	must(t, err)
	want := organisation("o1")
	want.Added, want.Updated = fixed(), fixed()
	equal(t, org, want)
	p, err := s.Profile(ctx, "p1")
	must(t, err)
	wantP := profile("p1", "o1", "10001", 1)
	wantP.Created, wantP.Updated = fixed(), fixed()
	equal(t, p, wantP)
	share, err := s.LoadShare(ctx, keystore.KeyID{1, 1})
	must(t, err)
	equal(t, string(share), "masked share of p1")
	gotInk, err := s.Ink(ctx, "p1")
	must(t, err)
	equal(t, gotInk, ink())
	e, err := s.Enrolment(ctx, "e1")
	must(t, err)
	equal(t, e, enrolment)
	d, err := s.DeviceKey(ctx, "o1")
	must(t, err)
	equal(t, d, device)
	set, err := s.Settings(ctx)
	must(t, err)
	equal(t, set, keystore.Settings{Language: "en", UpdateFrequency: keystore.UpdateWeekly, LastUpdateCheck: fixed()})
	cur, err := s.CurrentProfile(ctx)
	must(t, err)
	equal(t, cur, "p1")
	r, err := s.PendingRequest(ctx, "r1")
	must(t, err)
	equal(t, r, keystore.PendingRequest{ID: "r1", Organisation: "o1", Profile: "p1", Operation: "refresh", Method: "POST", Target: "/v1/x", Body: []byte("{}"), Created: fixed()})
	must(t, s.VerifyHistory(ctx, "p1"))
	sigs, err := s.Signatures(ctx, "p1", 0, 10)
	must(t, err)
	if len(sigs) != 3 {
		t.Fatalf("%d entries", len(sigs))
	}
	for i, got := range sigs {
		want := signature("p1", 2-i)
		want.Seq = uint64(3 - i)
		want.ID = fmt.Sprintf("p1.%d", want.Seq)
		equal(t, got, want)
		one, err := s.Signature(ctx, want.ID)
		must(t, err)
		equal(t, one, want)
	}
}

func equal(t testing.TB, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestMissingRecordsAreNotFound(t *testing.T) {
	s := open(t, t.TempDir())
	ctx := t.Context()
	for name, f := range map[string]func() error{
		"organisation": func() error { _, err := s.Organisation(ctx, "x"); return err },
		"profile":      func() error { _, err := s.Profile(ctx, "x"); return err },
		"share":        func() error { _, err := s.LoadShare(ctx, keystore.KeyID{9}); return err },
		"device key":   func() error { _, err := s.DeviceKey(ctx, "x"); return err },
		"enrolment":    func() error { _, err := s.Enrolment(ctx, "x"); return err },
		"request":      func() error { _, err := s.PendingRequest(ctx, "x"); return err },
		"current":      func() error { _, err := s.CurrentProfile(ctx); return err },
		"choose":       func() error { return s.SetCurrentProfile(ctx, "x") },
		"ink":          func() error { _, err := s.Ink(ctx, "x"); return err },
		"signature":    func() error { _, err := s.Signature(ctx, "p1.1"); return err },
		"delete":       func() error { return s.DeleteProfile(ctx, "x") },
	} {
		if err := f(); !errors.Is(err, keystore.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUpdateIsAllOrNothing(t *testing.T) {
	s := open(t, t.TempDir())
	ctx := t.Context()
	seed(t, s)
	before := s.Position()
	boom := errors.New("boom")
	err := s.Update(ctx, func(tx *keystore.Tx) error {
		must(t, tx.PutShare(keystore.KeyID{1, 1}, []byte("another")))
		must(t, tx.DeleteProfile("p1"))
		if _, err := tx.Profile("p1"); !errors.Is(err, keystore.ErrNotFound) {
			t.Errorf("own change not seen: %v", err)
		}
		return boom
	})
	if !errors.Is(err, boom) {
		t.Fatal(err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	err = s.Update(cancelled, func(tx *keystore.Tx) error {
		err := tx.PutShare(keystore.KeyID{1, 1}, []byte("another"))
		cancel()
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	func() {
		defer func() { recover() }()
		s.Update(ctx, func(tx *keystore.Tx) error {
			must(t, tx.PutShare(keystore.KeyID{1, 1}, []byte("another")))
			panic("in the caller's function")
		})
	}()
	if got := s.Position(); got != before {
		t.Error("position moved")
	}
	share, err := s.LoadShare(ctx, keystore.KeyID{1, 1})
	must(t, err)
	equal(t, string(share), "masked share of p1")
	s = reopen(t, s)
	_, err = s.Profile(ctx, "p1")
	must(t, err)
}

func TestPositionGrowsWithEveryChangeOnly(t *testing.T) {
	s := open(t, t.TempDir())
	a := s.Position()
	must(t, s.PutOrganisation(t.Context(), organisation("o")))
	b := s.Position()
	must(t, s.Update(t.Context(), func(*keystore.Tx) error { return nil }))
	if c := s.Position(); c != b || b.Generation != a.Generation+1 || b.Digest == a.Digest || b.StoreID != a.StoreID {
		t.Errorf("%v %v %v", a, b, c)
	}
}

func TestRecordsAreValidated(t *testing.T) {
	s := open(t, t.TempDir())
	ctx := t.Context()
	seed(t, s)
	bad := profile("p2", "o1", "1", 2)
	bad.Certificate = nil
	for name, err := range map[string]error{
		"organisation without ID":  s.PutOrganisation(ctx, keystore.Organisation{}),
		"profile of nobody":        s.PutProfile(ctx, profile("p2", "unknown", "1", 2)),
		"ready without cert":       s.PutProfile(ctx, bad),
		"share without key":        s.StoreShare(ctx, keystore.KeyID{}, []byte("x")),
		"empty share":              s.StoreShare(ctx, keystore.KeyID{1}, nil),
		"huge share":               s.StoreShare(ctx, keystore.KeyID{1}, make([]byte, keystore.MaxShare+1)),
		"short device key":         s.PutDeviceKey(ctx, keystore.DeviceKey{Organisation: "o1", Signing: []byte{1}, Seal: make([]byte, 32)}),
		"ink of nobody":            s.PutInk(ctx, "nobody", ink()),
		"empty ink":                s.PutInk(ctx, "p1", keystore.Ink{}),
		"frequency":                s.ChangeSettings(ctx, func(v *keystore.Settings) { v.UpdateFrequency = 9 }),
		"organisation with people": s.Update(ctx, func(tx *keystore.Tx) error { return tx.DeleteOrganisation("o1") }),
	} {
		if !errors.Is(err, keystore.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.AppendSignature(ctx, keystore.Signature{Profile: "p1"}); !errors.Is(err, keystore.ErrInvalid) {
		t.Errorf("signature: %v", err)
	}
	err := s.PutPendingRequest(ctx, keystore.PendingRequest{ID: "r1", Organisation: "o1", Method: "POST", Target: "/v1/x", Body: []byte("{1}")})
	if !errors.Is(err, keystore.ErrExists) {
		t.Errorf("idempotency key reused: %v", err)
	}
	must(t, s.PutPendingRequest(ctx, keystore.PendingRequest{ID: "r1", Organisation: "o1", Profile: "p1", Method: "POST", Target: "/v1/x", Body: []byte("{}")}))
}

func TestListsAreOrdered(t *testing.T) {
	s := open(t, t.TempDir())
	ctx := t.Context()
	must(t, s.Update(ctx, func(tx *keystore.Tx) error {
		for _, o := range []string{"b", "a", "c"} {
			must(t, tx.PutOrganisation(organisation(o)))
			for i, acc := range []string{"2", "1", "3"} {
				must(t, tx.PutProfile(profile(o+acc, o, acc, byte(i))))
			}
			must(t, tx.PutEnrolment(keystore.Enrolment{ID: o, Organisation: o, Begun: fixed().Add(time.Duration(o[0]) * time.Second)}))
			must(t, tx.PutPendingRequest(keystore.PendingRequest{ID: o, Enrolment: o, Created: fixed().Add(time.Duration(o[0]) * time.Second)}))
		}
		return nil
	}))
	var got []string
	orgs, err := s.Organisations(ctx)
	must(t, err)
	for _, o := range orgs {
		got = append(got, o.ID)
	}
	profiles, err := s.Profiles(ctx)
	must(t, err)
	for _, p := range profiles {
		got = append(got, p.ID)
	}
	must(t, s.DeleteEnrolment(ctx, "b"))
	es, err := s.Enrolments(ctx)
	must(t, err)
	for _, e := range es {
		got = append(got, e.ID)
	}
	rs, err := s.PendingRequests(ctx)
	must(t, err)
	for _, r := range rs {
		got = append(got, r.ID)
	}
	equal(t, got, []string{"a", "b", "c", "a1", "a2", "a3", "b1", "b2", "b3", "c1", "c2", "c3", "c", "a", "a", "c"})
	found := []keystore.Profile{}
	must(t, s.View(ctx, func(tx *keystore.Tx) (err error) { found, err = tx.FindProfiles("b", "3"); return err }))
	if len(found) != 1 || found[0].ID != "b3" {
		t.Errorf("found %v", found)
	}
}

func TestHistoryPages(t *testing.T) {
	s := open(t, t.TempDir())
	ctx := t.Context()
	must(t, s.Update(ctx, func(tx *keystore.Tx) error {
		must(t, tx.PutOrganisation(organisation("o1")))
		must(t, tx.PutProfile(profile("p", "o1", "1", 1)))
		must(t, tx.PutProfile(profile("q", "o1", "2", 2)))
		for i := range 25 {
			for _, id := range []string{"p", "q"} {
				_, err := tx.AppendSignature(signature(id, i))
				must(t, err)
			}
		}
		return nil
	}))
	var seqs []uint64
	for before := uint64(0); ; {
		page, err := s.Signatures(ctx, "p", before, 10)
		must(t, err)
		for _, sig := range page {
			if sig.Profile != "p" {
				t.Fatalf("entry of %s", sig.Profile)
			}
			seqs = append(seqs, sig.Seq)
		}
		if len(page) < 10 {
			break
		}
		before = page[len(page)-1].Seq
	}
	if len(seqs) != 25 || seqs[0] != 25 || seqs[24] != 1 {
		t.Errorf("pages gave %v", seqs)
	}
	n, err := s.SignatureCount(ctx, "q")
	must(t, err)
	equal(t, n, uint64(25))
	must(t, s.DeleteProfile(ctx, "p"))
	must(t, s.VerifyHistory(ctx, "q"))
	if n, err := s.SignatureCount(ctx, "p"); err != nil || n != 0 {
		t.Errorf("%d entries left, %v", n, err)
	}
}

func TestOneStorePerDirectory(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	for range 3 {
		if _, err := keystore.Open(t.Context(), dir, keystore.Options{}); !errors.Is(err, keystore.ErrBusy) {
			t.Fatalf("second Open: %v", err)
		}
	}
	must(t, s.PutOrganisation(t.Context(), organisation("o"))) // the refused ones did not break the first
	s = reopen(t, s)
	must(t, s.Close())
	must(t, s.Close())
	if err := s.PutOrganisation(t.Context(), organisation("o")); !errors.Is(err, keystore.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if _, err := s.Profiles(t.Context()); !errors.Is(err, keystore.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestModes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data")
	s := open(t, dir)
	must(t, s.Backup(t.Context()))
	fi, err := os.Stat(dir)
	must(t, err)
	if fi.Mode().Perm() != 0o700 {
		t.Errorf("directory %v", fi.Mode())
	}
	names, err := os.ReadDir(dir)
	must(t, err)
	for _, n := range names {
		fi, err := n.Info()
		must(t, err)
		if fi.Mode().Perm() != 0o600 {
			t.Errorf("%s %v", n.Name(), fi.Mode())
		}
	}
	if len(names) != 4 { // store, lock, key, backup
		t.Errorf("files %v", names)
	}
	must(t, os.Chmod(dir, 0o755))
	reopen(t, s)
	if fi, _ := os.Stat(dir); fi.Mode().Perm() != 0o700 {
		t.Error("loose directory mode left")
	}
}

func TestConcurrentUse(t *testing.T) {
	s := open(t, t.TempDir())
	ctx := t.Context()
	seed(t, s)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 20 {
				id := fmt.Sprintf("w%d", w)
				if err := s.PutProfile(ctx, profile(id, "o1", id, byte(w))); err != nil {
					t.Error(err)
				}
				if _, err := s.AppendSignature(ctx, signature("p1", i)); err != nil {
					t.Error(err)
				}
				if _, err := s.Profiles(ctx); err != nil {
					t.Error(err)
				}
				if _, err := s.Signatures(ctx, "p1", 0, 5); err != nil {
					t.Error(err)
				}
			}
			if w == 3 {
				if err := s.DeleteProfile(ctx, "w3"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	s = reopen(t, s)
	n, err := s.SignatureCount(ctx, "p1")
	must(t, err)
	equal(t, n, uint64(163))
	must(t, s.VerifyHistory(ctx, "p1"))
}
