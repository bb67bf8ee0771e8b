package client_test

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"cloudkey/api"
	"cloudkey/api/gen"
	"cloudkey/api/refca"
	"cloudkey/client"
	"cloudkey/cosign"
	"cloudkey/keystore"
)

// The passwords of the tests.
var (
	password = []byte("Abc20261")
	other    = []byte("Xyz94720")
)

// bench is a reference CA and a device that uses it, both on temporary directories that survive a restart.
type bench struct {
	t      *testing.T
	dir    string
	ca     *refca.Server
	store  *keystore.Store
	client *client.Client
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
	now    func() time.Time

	stranger bool   // the app has no trust anchor for the CA
	redirect string // host:port that answers in the CA's place
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, dir: t.TempDir()}
	b.startCA()
	b.startApp()
	t.Cleanup(func() { b.stopApp(); b.stopCA() })
	return b
}

func (b *bench) startCA() {
	b.t.Helper()
	var err error
	b.ca, err = refca.Open(context.Background(), refca.Config{DataDir: filepath.Join(b.dir, "ca"), Demo: true})
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) stopCA() {
	b.t.Helper()
	if b.ca == nil {
		return
	}
	if err := b.ca.Close(context.Background()); err != nil {
		b.t.Error(err)
	}
	b.ca = nil
}

func (b *bench) startApp() {
	b.t.Helper()
	anchors, err := api.ParseAnchors([]byte(b.ca.Addresses().Anchor))
	if err != nil {
		b.t.Fatal(err)
	}
	if b.stranger {
		anchors = nil
	}
	dir := filepath.Join(b.dir, "app")
	if b.store, err = keystore.Open(b.t.Context(), dir, keystore.Options{}); err != nil {
		b.t.Fatal(err)
	}
	b.client, err = client.New(client.Config{
		Store: b.store, Anchors: anchors, Device: "test", Platform: runtime.GOOS, Version: "0.0.1",
		KDF: cosign.KDF{Time: 2, Memory: 19 * 1024, Threads: 1}, Dial: b.reach, Now: b.now,
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// reach dials as the test wants it.
func (b *bench) reach(ctx context.Context, network, address string) (net.Conn, error) {
	if b.redirect != "" {
		address = b.redirect
	}
	if b.dial != nil {
		return b.dial(ctx, network, address)
	}
	return new(net.Dialer).DialContext(ctx, network, address)
}

func (b *bench) stopApp() {
	b.t.Helper()
	if b.store == nil {
		return
	}
	b.client.Close()
	if err := b.store.Close(); err != nil {
		b.t.Error(err)
	}
	b.store = nil
}

// initialise accepts the CA's init QR.
func (b *bench) initialise() client.Organisation {
	b.t.Helper()
	offer, err := b.client.ReadInit(b.t.Context(), b.ca.Addresses().InitText)
	if err != nil {
		b.t.Fatal(err)
	}
	org, err := b.client.AcceptInit(b.t.Context(), offer, "")
	if err != nil {
		b.t.Fatal(err)
	}
	return org
}

func (b *bench) sms(account string) []byte {
	b.t.Helper()
	code, ok := b.ca.LatestSMS(account)
	if !ok {
		b.t.Fatal("no text message for ", account)
	}
	return []byte(code)
}

// enrol downloads a certificate and sets the first password.
func (b *bench) enrol(org client.Organisation, account string) client.Certificate {
	b.t.Helper()
	ctx := b.t.Context()
	e, err := b.client.BeginEnrolment(ctx, org.ID, account)
	if err != nil {
		b.t.Fatal(err)
	}
	sms := b.sms(account)
	cert, err := b.client.Enrol(ctx, e.ID, sms, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := b.client.SetFirstPassword(ctx, cert.ID, sms, password); err != nil {
		b.t.Fatal(err)
	}
	cert, err = b.client.Current(ctx)
	if err != nil {
		b.t.Fatal(err)
	}
	return cert
}

func (b *bench) sign(cert client.Certificate, pw []byte) error {
	b.t.Helper()
	_, err := b.client.Sign(b.t.Context(), cert.ID, []client.Document{{Name: "doc", Content: []byte("content")}}, pw, nil)
	return err
}

func TestM04_DownloadThenSign(t *testing.T) {
	b := newBench(t)
	cert := b.enrol(b.initialise(), "10001")
	if cert.Profile != client.ProfileReady || cert.State != client.CertValid || !cert.Current || cert.Holder == "" {
		t.Fatalf("%+v", cert)
	}
	docs := []client.Document{{Name: "同意书.txt", Content: []byte("一")}, {Name: "b", Content: nil}}
	records, err := b.client.Sign(t.Context(), cert.ID, docs, password, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(records) != 2 || records[0].Document != "同意书.txt" {
		t.Fatalf("%+v", records)
	}
	for i, r := range records {
		if err := b.client.Verify(t.Context(), r, docs[i].Content); err != nil {
			t.Errorf("document %d: %v", i, err)
		}
		if err := b.client.Verify(t.Context(), r, nil); err != nil {
			t.Errorf("digest %d: %v", i, err)
		}
		if err := b.client.Verify(t.Context(), r, []byte("another")); !errors.Is(err, client.ErrBadSignature) {
			t.Errorf("another document: %v", err)
		}
	}
}

func TestM04_WrongCodeCountsDown(t *testing.T) {
	b := newBench(t)
	org := b.initialise()
	for _, account := range []string{"10001", "no-such-account"} {
		e, err := b.client.BeginEnrolment(t.Context(), org.ID, account)
		if err != nil {
			t.Fatal(account, err)
		}
		for left := 4; left >= 3; left-- {
			_, err = b.client.Enrol(t.Context(), e.ID, []byte("00000000"), nil)
			var wrong *client.CodeError
			if !errors.As(err, &wrong) || wrong.AttemptsLeft != left {
				t.Fatalf("%s: %v, want %d tries left", account, err, left)
			}
		}
	}
	if certs, err := b.client.Certificates(t.Context()); err != nil || len(certs) != 0 {
		t.Fatal(certs, err)
	}
}

func TestM13_WrongPasswordLocks(t *testing.T) {
	b := newBench(t)
	cert := b.enrol(b.initialise(), "10001")
	var wrong *client.PasswordError
	for _, left := range []int{2, 1} {
		if err := b.sign(cert, other); !errors.As(err, &wrong) || wrong.AttemptsLeft != left {
			t.Fatalf("%v, want %d tries left", err, left)
		}
	}
	var locked *client.LockedError
	if err := b.sign(cert, other); !errors.As(err, &locked) || locked.Until.IsZero() {
		t.Fatalf("third: %v, want locked for a time", err)
	}
	if err := b.sign(cert, password); !errors.As(err, &locked) {
		t.Fatalf("right password while locked: %v", err)
	}
}

func TestM19_ChangePassword(t *testing.T) {
	b := newBench(t)
	cert := b.enrol(b.initialise(), "10001")
	if err := b.client.ChangePassword(t.Context(), cert.ID, password, other); err != nil {
		t.Fatal(err)
	}
	var wrong *client.PasswordError
	if err := b.sign(cert, password); !errors.As(err, &wrong) {
		t.Fatalf("old password: %v", err)
	}
	if err := b.sign(cert, other); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		new  []byte
		want error
	}{
		"same": {other, client.ErrSamePassword}, "short": {[]byte("Ab1"), client.ErrWeakPassword},
		"run": {[]byte("123456"), client.ErrWeakPassword}, "blank": {[]byte("abc 2026"), client.ErrWeakPassword},
	} {
		if err := b.client.ChangePassword(t.Context(), cert.ID, other, c.new); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestM16_BindAndUnbind(t *testing.T) {
	b := newBench(t)
	cert := b.enrol(b.initialise(), "10001")
	if err := b.client.Bind(t.Context(), cert.ID, password); err != nil {
		t.Fatal(err)
	}
	binding, err := b.client.Binding(t.Context(), cert.ID)
	if err != nil || !binding.Here || binding.Device != "test" {
		t.Fatal(binding, err)
	}
	if err := b.client.Unbind(t.Context(), cert.ID, password); err != nil {
		t.Fatal(err)
	}
	if binding, err = b.client.Binding(t.Context(), cert.ID); err != nil || binding.Bound {
		t.Fatal(binding, err)
	}
}

func TestM12_SwitchAndDelete(t *testing.T) {
	b := newBench(t)
	org := b.initialise()
	first, second := b.enrol(org, "10001"), b.enrol(org, "10002")
	if err := b.client.Select(t.Context(), first.ID); err != nil {
		t.Fatal(err)
	}
	if c, err := b.client.Current(t.Context()); err != nil || c.ID != first.ID {
		t.Fatal(c, err)
	}
	if err := b.client.Delete(t.Context(), first.ID); err != nil {
		t.Fatal(err)
	}
	if c, err := b.client.Current(t.Context()); err != nil || c.ID != second.ID {
		t.Fatal(c, err)
	}
	if err := b.sign(first, password); !errors.Is(err, client.ErrNoCertificate) {
		t.Fatal(err)
	}
	if err := b.sign(second, password); err != nil {
		t.Fatal(err)
	}
}

func TestR1_RestartOfBoth(t *testing.T) {
	b := newBench(t)
	cert := b.enrol(b.initialise(), "10001")
	if err := b.sign(cert, password); err != nil {
		t.Fatal(err)
	}
	b.stopApp()
	b.stopCA()
	b.startCA()
	b.startApp()
	if err := b.sign(cert, password); err != nil {
		t.Fatal(err)
	}
	if h, err := b.client.History(t.Context(), cert.ID); err != nil || len(h) != 2 {
		t.Fatal(len(h), err)
	}
}

func TestM32_NotReachable(t *testing.T) {
	b := newBench(t)
	cert := b.enrol(b.initialise(), "10001")
	b.stopCA()
	var unreachable *client.UnreachableError
	if err := b.sign(cert, password); !errors.As(err, &unreachable) {
		t.Fatal(err)
	}
	b.startCA()
	if err := b.sign(cert, password); err != nil {
		t.Fatal(err)
	}
}

func TestM32_RevokedAndSuspended(t *testing.T) {
	b := newBench(t)
	cert := b.enrol(b.initialise(), "10001")
	serial := strings.TrimLeft(strings.ToLower(cert.Serial), "0") // as the CA writes numbers
	if err := b.ca.Suspend(t.Context(), serial); err != nil {
		t.Fatal(err)
	}
	if err := b.sign(cert, password); !errors.Is(err, client.ErrCertificateRevoked) {
		t.Fatalf("suspended: %v", err)
	}
	if c, err := b.client.Current(t.Context()); err != nil || c.State != client.CertSuspended {
		t.Fatal(c.State, err)
	}
	if err := b.ca.Reinstate(t.Context(), serial); err != nil {
		t.Fatal(err)
	}
	if c, renewed, err := b.client.Refresh(t.Context(), cert.ID); err != nil || renewed || c.State != client.CertValid {
		t.Fatal(c.State, renewed, err)
	}
	if err := b.sign(cert, password); err != nil {
		t.Fatal(err)
	}
	if err := b.ca.Revoke(t.Context(), serial); err != nil {
		t.Fatal(err)
	}
	if err := b.client.Bind(t.Context(), cert.ID, password); !errors.Is(err, client.ErrCertificateRevoked) {
		t.Fatalf("revoked: %v", err)
	}
}

func TestM07_RefreshTakesTheRenewedCertificate(t *testing.T) {
	b := newBench(t)
	cert := b.enrol(b.initialise(), "10001")
	if err := b.ca.Renew(t.Context(), strings.TrimLeft(strings.ToLower(cert.Serial), "0")); err != nil {
		t.Fatal(err)
	}
	if err := b.sign(cert, password); err != nil {
		t.Fatalf("before the refresh: %v", err)
	}
	renewed, replaced, err := b.client.Refresh(t.Context(), cert.ID)
	if err != nil || !replaced || renewed.Serial == cert.Serial || renewed.ID != cert.ID {
		t.Fatal(renewed.Serial, replaced, err)
	}
	if err := b.sign(renewed, password); err != nil {
		t.Fatalf("after the refresh: %v", err)
	}
	if _, again, err := b.client.Refresh(t.Context(), cert.ID); err != nil || again {
		t.Fatal(again, err)
	}
}

func TestM22_UpdateOffers(t *testing.T) {
	b := newBench(t)
	b.initialise()
	if _, newer, err := b.client.CheckUpdate(t.Context()); err != nil || newer {
		t.Fatal(newer, err)
	}
	offer := gen.Release{Version: "0.1.0", Notes: "new", Url: "https://ca.example/app", Size: 5, Sha256: strings.Repeat("0a", 32), Published: time.Now()}
	for version, want := range map[string]bool{"0.1.0": true, "0.0.1": false, "0.0.1-rc.1": false} {
		offer.Version = version
		if err := b.ca.PublishRelease(t.Context(), runtime.GOOS, offer); err != nil {
			t.Fatal(err)
		}
		r, newer, err := b.client.CheckUpdate(t.Context())
		if err != nil || newer != want || r.Version != version || r.SHA256 != offer.Sha256 {
			t.Errorf("%s: %+v %v %v", version, r, newer, err)
		}
	}
	for frequency, want := range map[client.UpdateFrequency]bool{
		client.UpdateAtStart: true, client.UpdateDaily: false, client.UpdateWeekly: false, client.UpdateNever: false,
	} {
		if err := b.client.SetUpdateFrequency(t.Context(), frequency); err != nil {
			t.Fatal(err)
		}
		if due, err := b.client.UpdateDue(t.Context()); err != nil || due != want {
			t.Errorf("frequency %d just after a check: %v %v", frequency, due, err)
		}
	}
}

// TestM32_AnswerLost cuts the connection right after a changing request has reached the CA, at every request of the
// operation in turn: no certificate, signature or password is lost or doubled, and the next call finds out what happened.
func TestM32_AnswerLost(t *testing.T) {
	b := newBench(t)
	cut := &cutter{}
	b.dial = cut.dial
	b.stopApp()
	b.startApp()
	cert := b.enrol(b.initialise(), "10001")
	for n := 1; n <= 2; n++ {
		before, err := b.client.History(t.Context(), cert.ID)
		if err != nil {
			t.Fatal(err)
		}
		cut.after(n)
		err = b.sign(cert, password)
		cut.after(0)
		history, herr := b.client.History(t.Context(), cert.ID)
		if herr != nil {
			t.Fatal(herr)
		}
		if made := len(history) - len(before); made != 1 || err != nil {
			t.Errorf("cut after request %d: %d signatures, error %v", n, made, err)
		}
	}
	for n, old, new := 1, password, other; n <= 3; n, old, new = n+1, new, old {
		cut.after(n)
		err := b.client.ChangePassword(t.Context(), cert.ID, old, new)
		cut.after(0)
		if err != nil {
			t.Fatalf("cut after request %d: %v", n, err)
		}
		if err := b.sign(cert, new); err != nil {
			t.Fatalf("cut after request %d, the new password: %v", n, err)
		}
	}
}

// cutter is a dialer whose n-th request from now on loses its answer: the connection ends when the answer comes.
type cutter struct {
	mu   sync.Mutex
	left int
}

func (c *cutter) after(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = n
}

func (c *cutter) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &cutConn{Conn: conn, c: c}, nil
}

type cutConn struct {
	net.Conn
	c    *cutter
	mu   sync.Mutex
	sent bool // something was written since the last read
}

func (c *cutConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	c.sent = true
	c.mu.Unlock()
	return c.Conn.Write(p)
}

func (c *cutConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	answered := c.sent
	c.sent = false
	c.mu.Unlock()
	if err != nil || !answered {
		return n, err
	}
	c.c.mu.Lock()
	defer c.c.mu.Unlock()
	if c.c.left > 0 {
		c.c.left--
		if c.c.left == 0 {
			_ = c.Conn.Close()
			return 0, net.ErrClosed
		}
	}
	return n, err
}
