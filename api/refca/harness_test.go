package refca_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"cloudkey/api"
	"cloudkey/api/gen"
	"cloudkey/api/refca"
	"cloudkey/cosign"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"
	"github.com/google/uuid"
)

// clock is the time of server and clients; it moves only when told. A nil clock is the real one.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Now().Truncate(time.Second)} }

func (c *clock) now() time.Time {
	if c == nil {
		return time.Now()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// bench is a reference CA that can be stopped and started again over the same data directory.
type bench struct {
	t     testing.TB
	clock *clock
	dir   string
	ca    *refca.Server
	init  *api.InitQR
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t, clock: newClock(), dir: filepath.Join(t.TempDir(), "ca")}
	b.start()
	t.Cleanup(func() { b.stop() })
	return b
}

func (b *bench) config() refca.Config {
	return refca.Config{
		DataDir: b.dir, Demo: true, Now: b.clock.now,
		Limits: refca.Limits{SMSPerAccountHour: 100, SMSPerAccountDay: 100, SMSPerDeviceHour: 100, SMSPerAddressHour: 1000},
	}
}

func (b *bench) start() {
	b.t.Helper()
	b.startWith(b.config())
}

func (b *bench) startWith(cfg refca.Config) {
	b.t.Helper()
	var err error
	if b.ca, err = refca.Open(b.t.Context(), cfg); err != nil {
		b.t.Fatal(err)
	}
	anchors, err := api.ParseAnchors([]byte(b.ca.Addresses().Anchor))
	if err != nil {
		b.t.Fatal(err)
	}
	if b.init, err = api.ParseInit(b.ca.Addresses().InitText, anchors, b.clock.now()); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) stop() {
	b.t.Helper()
	if b.ca == nil {
		return
	}
	if err := b.ca.Close(context.Background()); err != nil {
		b.t.Error(err)
	}
	b.ca = nil
}

func (b *bench) restart() {
	b.t.Helper()
	b.stop()
	b.start()
}

// phone is a registered device with its share records.
type phone struct {
	b      *bench
	id     string
	key    *ecdsa.PrivateKey
	device *api.DeviceKey
	api    *api.Client

	mu     sync.Mutex
	shares map[cosign.KeyID][]byte
}

func (b *bench) phone() *phone {
	b.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.t.Fatal(err)
	}
	p := b.phoneWith(key)
	public, err := p.device.PublicKey()
	if err != nil {
		b.t.Fatal(err)
	}
	out, err := p.api.RegisterDevice(b.t.Context(), uuid.New(), gen.DeviceRegistration{
		Name: "测试手机", Platform: "linux", PublicKey: public, SealKey: make([]byte, 32),
	})
	if err != nil || out.DeviceId != p.id {
		b.t.Fatalf("register: %v, %v", out, err)
	}
	return p
}

func (b *bench) phoneWith(key *ecdsa.PrivateKey) *phone {
	b.t.Helper()
	device, err := api.NewDeviceKey(key)
	if err != nil {
		b.t.Fatal(err)
	}
	p := &phone{b: b, id: device.ID(), key: key, device: device, shares: map[cosign.KeyID][]byte{}}
	p.connect()
	return p
}

func (p *phone) connect() {
	p.b.t.Helper()
	var err error
	p.api, err = api.NewClient(api.Config{
		Address: p.b.init.API, Pins: p.b.init.Pins, Device: p.device, Now: p.b.clock.now,
		Retry: api.Retry{Tries: 1},
	})
	if err != nil {
		p.b.t.Fatal(err)
	}
	p.b.t.Cleanup(p.api.CloseIdle)
}

func (p *phone) LoadShare(_ context.Context, id cosign.KeyID) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	record, found := p.shares[id]
	if !found {
		return nil, errors.New("no such share")
	}
	return append([]byte{}, record...), nil
}

func (p *phone) StoreShare(_ context.Context, id cosign.KeyID, record []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shares[id] = append([]byte{}, record...)
	return nil
}

// line carries the two-party protocol of one phone. The members say what the sessions are for; the hooks let a test stand
// in the middle.
type line struct {
	p         *phone
	enrolment string
	purpose   gen.SignaturePurpose
	documents []gen.Document
	operation string
	nonce     []byte
	content   []byte // SHA-256 the token is good for

	authorization string                  // of the last finished session
	problem       *api.Problem            // last refusal
	before        func(*cosign.Call)      // may change a message
	lose          func(cosign.Call) error // an error: the answer is lost after the server has acted
}

var errLost = errors.New("answer lost")

func (l *line) RoundTrip(ctx context.Context, c cosign.Call) ([]byte, error) {
	if l.before != nil {
		l.before(&c)
	}
	out, err := l.send(ctx, c)
	if l.lose != nil {
		if lost := l.lose(c); lost != nil {
			return nil, lost
		}
	}
	var p *api.Problem
	if !errors.As(err, &p) {
		return out, err
	}
	l.problem = p
	if len(p.Message) > 0 {
		return p.Message, nil
	}
	switch p.Code {
	case gen.ProblemCodePinLocked:
		return nil, &cosign.LockedError{Until: p.LockedUntil}
	case gen.ProblemCodeCloneSuspected:
		return nil, cosign.ErrCloneSuspected
	case gen.ProblemCodeNotFound:
		return nil, fmt.Errorf("%w: %w", cosign.ErrSession, p)
	}
	return nil, p
}

func (l *line) send(ctx context.Context, c cosign.Call) ([]byte, error) {
	id, key := uuid.New(), c.KeyID.String()
	switch {
	case c.Operation == cosign.Generate && c.Round == 1:
		out, err := l.p.api.CreateKey(ctx, id, gen.KeyRequest{EnrolmentId: l.enrolment, Message: c.Message})
		return out.Message, err
	case c.Operation == cosign.Generate:
		out, err := l.p.api.ConfirmKey(ctx, id, key, gen.Message{Message: c.Message})
		return out.Message, err
	case c.Operation == cosign.Sign && c.Round == 1:
		out, err := l.p.api.BeginSignature(ctx, id, gen.SignatureRequest{
			KeyId: key, Purpose: l.purpose, Documents: l.documents, Operation: l.operation, Nonce: l.nonce,
			ContentDigest: l.content, Message: c.Message,
		})
		return out.Message, err
	case c.Operation == cosign.Sign:
		out, err := l.p.api.FinishSignature(ctx, id, c.Session.String(), gen.Message{Message: c.Message})
		l.authorization = out.Authorization
		return out.Message, err
	case c.Operation == cosign.Refresh && c.Round == 1:
		out, err := l.p.api.BeginShareRefresh(ctx, id, gen.ShareMessage{KeyId: key, Message: c.Message})
		return out.Message, err
	case c.Operation == cosign.Refresh && c.Round == 3:
		out, err := l.p.api.RefreshShare(ctx, id, c.Session.String(), gen.ShareMessage{KeyId: key, Message: c.Message})
		return out.Message, err
	case c.Operation == cosign.Refresh:
		out, err := l.p.api.CommitShare(ctx, id, c.Session.String(), gen.ShareMessage{KeyId: key, Message: c.Message})
		return out.Message, err
	case c.Operation == cosign.Resume:
		out, err := l.p.api.ResumeKey(ctx, id, key, gen.Message{Message: c.Message})
		return out.Message, err
	}
	return nil, fmt.Errorf("no endpoint for %v round %d", c.Operation, c.Round)
}

// lightKDF keeps the tests quick; the bounds of the protocol allow nothing weaker.
func lightKDF() cosign.KDF { return cosign.KDF{Time: 2, Memory: 19 * 1024, Threads: 1} }

// profile is a certificate on a phone.
type profile struct {
	p       *phone
	id      cosign.KeyID
	account string
	code    []byte // the first password
	issued  gen.IssuedCertificate
	line    *line
	signer  *cosign.Signer
}

// enrol runs the whole download up to the certificate; the first password is still to be changed.
func (p *phone) enrol(account string) *profile {
	p.b.t.Helper()
	e, code := p.proven(account)
	return p.keyed(e, account, code).certify()
}

// keyed runs the key generation.
func (p *phone) keyed(enrolment, account, code string) *profile {
	p.b.t.Helper()
	f := &profile{p: p, id: cosign.NewKeyID(), account: account, code: []byte(code), line: &line{p: p, enrolment: enrolment}}
	signer, err := cosign.GenerateKey(p.b.t.Context(), f.id, p.b.init.SealKey[:], lightKDF(), f.code, p, f.line)
	if err != nil {
		p.b.t.Fatalf("key generation: %v", err)
	}
	f.signer = signer
	return f
}

// request makes the PKCS#10 request, signed by both parties.
func (f *profile) request() []byte {
	f.p.b.t.Helper()
	f.line.purpose = gen.SignaturePurposeCertificateRequest
	pin := func(context.Context) ([]byte, error) { return append([]byte{}, f.code...), nil }
	der, err := smx509.CreateCertificateRequest(rand.Reader, &smx509.CertificateRequest{
		Subject: pkix.Name{CommonName: f.account}, SignatureAlgorithm: smx509.SM2WithSM3,
	}, f.signer.WithPIN(pin))
	if err != nil {
		f.p.b.t.Fatalf("request: %v", err)
	}
	return der
}

func (f *profile) certify() *profile {
	f.p.b.t.Helper()
	var err error
	f.issued, err = f.p.api.RequestCertificate(f.p.b.t.Context(), uuid.New(), f.id.String(), gen.CertificateRequest{Request: f.request()})
	if err != nil {
		f.p.b.t.Fatalf("certificate: %v", err)
	}
	return f
}

// ready changes the first password.
func (f *profile) ready(password string) *profile {
	f.p.b.t.Helper()
	if err := f.signer.ChangePIN(f.p.b.t.Context(), f.code, []byte(password), lightKDF()); err != nil {
		f.p.b.t.Fatalf("first password: %v", err)
	}
	return f
}

// digest is e of a message under the profile's key.
func (f *profile) digest(message string) []byte {
	f.p.b.t.Helper()
	e, err := sm2.CalculateSM2Hash(f.signer.Public().(*ecdsa.PublicKey), []byte(message), nil)
	if err != nil {
		f.p.b.t.Fatal(err)
	}
	return e
}

// sign signs a message with a password.
func (f *profile) sign(message, password string) (cosign.Signature, error) {
	f.p.b.t.Helper()
	f.line.purpose, f.line.operation, f.line.nonce, f.line.content = gen.SignaturePurposeSign, "", nil, nil
	out, err := f.signer.SignDigests(f.p.b.t.Context(), [][]byte{f.digest(message)}, []byte(password))
	if err != nil {
		return cosign.Signature{}, err
	}
	return out[0], nil
}

// authorize gets a token for an operation.
func (f *profile) authorize(operation, password string, content []byte) (string, error) {
	f.p.b.t.Helper()
	nonce := make([]byte, 16)
	rand.Read(nonce)
	statement, err := api.AuthStatement{
		Operation: operation, KeyID: f.id.String(), DeviceID: f.p.id, Nonce: nonce, ContentDigest: content,
	}.Bytes()
	if err != nil {
		f.p.b.t.Fatal(err)
	}
	f.line.purpose, f.line.operation, f.line.nonce, f.line.content = gen.SignaturePurposeAuthenticate, operation, nonce, content
	f.line.authorization = ""
	_, err = f.signer.SignDigests(f.p.b.t.Context(), [][]byte{f.digest(string(statement))}, []byte(password))
	return f.line.authorization, err
}

// wantCode fails unless err is the problem with this code, and returns it.
func wantCode(t testing.TB, err error, code gen.ProblemCode) *api.Problem {
	t.Helper()
	var p *api.Problem
	if !errors.As(err, &p) || p.Code != code {
		t.Fatalf("got %v, want the problem %s", err, code)
	}
	return p
}

// restartFrom kills the server and starts another one over a copy of the data file.
func (b *bench) restartFrom(image string) {
	b.t.Helper()
	b.stop()
	if err := os.Rename(image, filepath.Join(b.dir, "ca.db")); err != nil {
		b.t.Fatal(err)
	}
	b.start()
}

// proven is an enrolment whose code was proven.
func (p *phone) proven(account string) (enrolment, code string) {
	p.b.t.Helper()
	ctx := p.b.t.Context()
	e, err := p.api.CreateEnrolment(ctx, uuid.New(), gen.EnrolmentRequest{Account: account})
	if err != nil {
		p.b.t.Fatalf("enrolment: %v", err)
	}
	code, found := p.b.ca.LatestSMS(account)
	if !found {
		p.b.t.Fatal("no message in the outbox")
	}
	if _, err := p.api.VerifyEnrolment(ctx, uuid.New(), e.Id, gen.EnrolmentCode{Code: []byte(code)}); err != nil {
		p.b.t.Fatalf("verify: %v", err)
	}
	return e.Id, code
}

func serialOf(t testing.TB, issued gen.IssuedCertificate) string {
	t.Helper()
	c, err := smx509.ParseCertificate(issued.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	return c.SerialNumber.Text(16)
}
