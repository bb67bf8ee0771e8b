package drive

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"cloudkey/client"
	"cloudkey/ui"
)

// Fake is a ui.Client that keeps everything in memory and answers at once: for pictures and for tests of the screens.
// Its fields may be changed between calls; Fail and Hold act on the methods by their names.
type Fake struct {
	mu sync.Mutex

	Clock        ui.Clock
	Offer        *client.InitOffer
	Orgs         []client.Organisation
	PendingState client.Pending
	Enrolment    client.Enrolment
	Certs        []client.Certificate
	Issued       client.Certificate  // what Enrol gives
	Renewed      *client.Certificate // what Refresh finds
	Records      []client.SignatureRecord
	Bound        client.DeviceBinding
	Drawn        client.Ink
	Made         []client.Seal
	Info         client.About
	Offered      client.Release // the newer release, if there is one
	Due          bool           // the app looks for updates by itself
	Detail       client.CertificateDetails
	Password     string // the certificate password; "" takes any

	english bool
	fail    map[string]error
	hold    map[string]chan struct{}
	calls   []string
}

// Fail makes a method return err from now on; nil heals it.
func (f *Fake) Fail(method string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail == nil {
		f.fail = map[string]error{}
	}
	f.fail[method] = err
}

// Hold makes a method wait until the returned function is called or its context ends.
func (f *Fake) Hold(method string) (release func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.hold == nil {
		f.hold = map[string]chan struct{}{}
	}
	c := make(chan struct{})
	f.hold[method] = c
	return func() { close(c) }
}

// Calls returns the names of the methods called so far.
func (f *Fake) Calls() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.calls...)
}

// enter notes a call, waits where it is held, and returns its error; on nil the lock is held.
func (f *Fake) enter(ctx context.Context, method string) error {
	f.mu.Lock()
	f.calls = append(f.calls, method)
	hold := f.hold[method]
	f.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	f.mu.Lock()
	if err := f.fail[method]; err != nil {
		f.mu.Unlock()
		return err
	}
	return nil
}

func (f *Fake) check(password []byte) error {
	if f.Password != "" && string(password) != f.Password {
		return &client.PasswordError{AttemptsLeft: 4}
	}
	return nil
}

// ReadInit implements ui.Organisations.
func (f *Fake) ReadInit(ctx context.Context, _ string) (*client.InitOffer, error) {
	if err := f.enter(ctx, "ReadInit"); err != nil {
		return nil, err
	}
	defer f.mu.Unlock()
	return f.Offer, nil
}

// AcceptInit implements ui.Organisations.
func (f *Fake) AcceptInit(ctx context.Context, offer *client.InitOffer, _ string) (client.Organisation, error) {
	if err := f.enter(ctx, "AcceptInit"); err != nil {
		return client.Organisation{}, err
	}
	defer f.mu.Unlock()
	f.Orgs = append(f.Orgs, offer.Organisation)
	return offer.Organisation, nil
}

// Organisations implements ui.Organisations.
func (f *Fake) Organisations(ctx context.Context) ([]client.Organisation, error) {
	if err := f.enter(ctx, "Organisations"); err != nil {
		return nil, err
	}
	defer f.mu.Unlock()
	return append([]client.Organisation(nil), f.Orgs...), nil
}

// Pending implements ui.Enrolments.
func (f *Fake) Pending(ctx context.Context) (client.Pending, error) {
	if err := f.enter(ctx, "Pending"); err != nil {
		return client.Pending{}, err
	}
	defer f.mu.Unlock()
	return f.PendingState, nil
}

// BeginEnrolment implements ui.Enrolments.
func (f *Fake) BeginEnrolment(ctx context.Context, orgID, account string) (client.Enrolment, error) {
	if err := f.enter(ctx, "BeginEnrolment"); err != nil {
		return client.Enrolment{}, err
	}
	defer f.mu.Unlock()
	e := f.Enrolment
	e.Account = account
	for _, o := range f.Orgs {
		if o.ID == orgID {
			e.Organisation = o
		}
	}
	f.PendingState.Enrolment = &e
	return e, nil
}

// ResendCode implements ui.Enrolments.
func (f *Fake) ResendCode(ctx context.Context, _ string) (client.Enrolment, error) {
	if err := f.enter(ctx, "ResendCode"); err != nil {
		return client.Enrolment{}, err
	}
	defer f.mu.Unlock()
	e := *f.PendingState.Enrolment
	e.ResendAfter = f.Clock.Now().Add(time.Minute)
	f.PendingState.Enrolment = &e
	return e, nil
}

// AbandonEnrolment implements ui.Enrolments.
func (f *Fake) AbandonEnrolment(ctx context.Context, _ string) error {
	if err := f.enter(ctx, "AbandonEnrolment"); err != nil {
		return err
	}
	defer f.mu.Unlock()
	f.PendingState.Enrolment = nil
	return nil
}

// Enrol implements ui.Enrolments.
func (f *Fake) Enrol(ctx context.Context, _ string, _ []byte, progress client.Progress) (client.Certificate, error) {
	progress(client.StepIdentity)
	progress(client.StepKey)
	if err := f.enter(ctx, "Enrol"); err != nil {
		return client.Certificate{}, err
	}
	defer f.mu.Unlock()
	progress(client.StepRequest)
	progress(client.StepStore)
	return f.issue(), nil
}

// ResumeEnrol implements ui.Enrolments.
func (f *Fake) ResumeEnrol(ctx context.Context, _ string, _ []byte, progress client.Progress) (client.Certificate, error) {
	if err := f.enter(ctx, "ResumeEnrol"); err != nil {
		return client.Certificate{}, err
	}
	defer f.mu.Unlock()
	progress(client.StepStore)
	return f.issue(), nil
}

func (f *Fake) issue() client.Certificate {
	c := f.Issued
	c.Profile = client.ProfileMustPassword
	f.PendingState = client.Pending{Certificate: &c}
	return c
}

// SetFirstPassword implements ui.Passwords.
func (f *Fake) SetFirstPassword(ctx context.Context, _ string, _, password []byte) error {
	if err := f.enter(ctx, "SetFirstPassword"); err != nil {
		return err
	}
	defer f.mu.Unlock()
	c := *f.PendingState.Certificate
	c.Profile = client.ProfileReady
	f.Certs = append(f.Certs, c)
	f.PendingState = client.Pending{}
	f.Password = string(password)
	return nil
}

// ChangePassword implements ui.Passwords.
func (f *Fake) ChangePassword(ctx context.Context, _ string, old, new []byte) error {
	if err := f.enter(ctx, "ChangePassword"); err != nil {
		return err
	}
	defer f.mu.Unlock()
	if err := f.check(old); err != nil {
		return err
	}
	f.Password = string(new)
	return nil
}

// Certificates implements ui.Certificates.
func (f *Fake) Certificates(ctx context.Context) ([]client.Certificate, error) {
	if err := f.enter(ctx, "Certificates"); err != nil {
		return nil, err
	}
	defer f.mu.Unlock()
	return append([]client.Certificate(nil), f.Certs...), nil
}

// Current implements ui.Certificates.
func (f *Fake) Current(ctx context.Context) (client.Certificate, error) {
	if err := f.enter(ctx, "Current"); err != nil {
		return client.Certificate{}, err
	}
	defer f.mu.Unlock()
	for _, c := range f.Certs {
		if c.Current {
			return c, nil
		}
	}
	return client.Certificate{}, client.ErrNoCertificate
}

// Select implements ui.Certificates.
func (f *Fake) Select(ctx context.Context, certID string) error {
	if err := f.enter(ctx, "Select"); err != nil {
		return err
	}
	defer f.mu.Unlock()
	for i := range f.Certs {
		f.Certs[i].Current = f.Certs[i].ID == certID
	}
	return nil
}

// Refresh implements ui.Certificates: Renewed, where it is set, replaces the certificate.
func (f *Fake) Refresh(ctx context.Context, certID string) (client.Certificate, bool, error) {
	if err := f.enter(ctx, "Refresh"); err != nil {
		return client.Certificate{}, false, err
	}
	defer f.mu.Unlock()
	for i := range f.Certs {
		if f.Certs[i].ID != certID {
			continue
		}
		if f.Renewed == nil {
			return f.Certs[i], false, nil
		}
		f.Certs[i], f.Renewed = *f.Renewed, nil
		return f.Certs[i], true, nil
	}
	return client.Certificate{}, false, client.ErrNoCertificate
}

// Details implements ui.Certificates.
func (f *Fake) Details(ctx context.Context, _ string) (client.CertificateDetails, error) {
	if err := f.enter(ctx, "Details"); err != nil {
		return client.CertificateDetails{}, err
	}
	defer f.mu.Unlock()
	return f.Detail, nil
}

// Delete implements ui.Certificates.
func (f *Fake) Delete(ctx context.Context, certID string) error {
	if err := f.enter(ctx, "Delete"); err != nil {
		return err
	}
	defer f.mu.Unlock()
	left := f.Certs[:0]
	for _, c := range f.Certs {
		if c.ID != certID {
			left = append(left, c)
		}
	}
	f.Certs = left
	return nil
}

// Sign implements ui.Signatures.
func (f *Fake) Sign(ctx context.Context, certID string, docs []client.Document, password []byte, progress client.Progress) ([]client.SignatureRecord, error) {
	progress(client.StepHash)
	progress(client.StepCosign)
	if err := f.enter(ctx, "Sign"); err != nil {
		return nil, err
	}
	defer f.mu.Unlock()
	if err := f.check(password); err != nil {
		return nil, err
	}
	var out []client.SignatureRecord
	for _, d := range docs {
		digest := sha256.Sum256(d.Content) // any 32 bytes that depend on the document
		out = append(out, client.SignatureRecord{
			ID: d.Name, CertificateID: certID, Holder: f.Certs[0].Holder, Account: f.Certs[0].Account, Document: d.Name,
			Size: int64(len(d.Content)), Digest: digest[:], Signature: []byte("signature"), SignedData: []byte("signed data"),
			Serial: f.Certs[0].Serial, Time: f.Clock.Now(),
		})
	}
	f.Records = append(out, f.Records...)
	return out, nil
}

// History implements ui.Signatures.
func (f *Fake) History(ctx context.Context, _ string) ([]client.SignatureRecord, error) {
	if err := f.enter(ctx, "History"); err != nil {
		return nil, err
	}
	defer f.mu.Unlock()
	return append([]client.SignatureRecord(nil), f.Records...), nil
}

// Verify implements ui.Signatures.
func (f *Fake) Verify(ctx context.Context, _ client.SignatureRecord, _ []byte) error {
	if err := f.enter(ctx, "Verify"); err != nil {
		return err
	}
	f.mu.Unlock()
	return nil
}

// Binding implements ui.Devices.
func (f *Fake) Binding(ctx context.Context, _ string) (client.DeviceBinding, error) {
	if err := f.enter(ctx, "Binding"); err != nil {
		return client.DeviceBinding{}, err
	}
	defer f.mu.Unlock()
	return f.Bound, nil
}

// Bind implements ui.Devices.
func (f *Fake) Bind(ctx context.Context, _ string, password []byte) error {
	return f.bind(ctx, "Bind", password, client.DeviceBinding{Bound: true, Here: true, Device: "Debian", Since: f.Clock.Now()})
}

// Unbind implements ui.Devices.
func (f *Fake) Unbind(ctx context.Context, _ string, password []byte) error {
	return f.bind(ctx, "Unbind", password, client.DeviceBinding{})
}

func (f *Fake) bind(ctx context.Context, method string, password []byte, b client.DeviceBinding) error {
	if err := f.enter(ctx, method); err != nil {
		return err
	}
	defer f.mu.Unlock()
	if err := f.check(password); err != nil {
		return err
	}
	f.Bound = b
	for i := range f.Certs {
		f.Certs[i].Bound = b.Here
	}
	return nil
}

// SubmitInk implements ui.Inks.
func (f *Fake) SubmitInk(ctx context.Context, _ string, ink client.Ink, password []byte) error {
	if err := f.enter(ctx, "SubmitInk"); err != nil {
		return err
	}
	defer f.mu.Unlock()
	if err := f.check(password); err != nil {
		return err
	}
	f.Drawn = ink
	return nil
}

// Ink implements ui.Inks.
func (f *Fake) Ink(ctx context.Context, _ string) (client.Ink, error) {
	if err := f.enter(ctx, "Ink"); err != nil {
		return client.Ink{}, err
	}
	defer f.mu.Unlock()
	return f.Drawn, nil
}

// Seals implements ui.Seals.
func (f *Fake) Seals(ctx context.Context, _ string) ([]client.Seal, error) {
	if err := f.enter(ctx, "Seals"); err != nil {
		return nil, err
	}
	defer f.mu.Unlock()
	return slices.Clone(f.Made), nil
}

// MakeSeal implements ui.Seals.
func (f *Fake) MakeSeal(ctx context.Context, _, name string, password []byte) (client.Seal, error) {
	if err := f.enter(ctx, "MakeSeal"); err != nil {
		return client.Seal{}, err
	}
	defer f.mu.Unlock()
	if err := f.check(password); err != nil {
		return client.Seal{}, err
	}
	now := f.Clock.Now()
	s := client.Seal{
		ID: fmt.Sprintf("seal%d", len(f.Made)), Name: name, Personal: true, From: now, Until: now.AddDate(1, 0, 0), Default: len(f.Made) == 0,
		Picture: f.Drawn.PNG, Width: 48, Height: 20, Maker: "CA", DER: []byte("seal"),
	}
	f.Made = append(f.Made, s)
	return s, nil
}

// SetDefaultSeal implements ui.Seals.
func (f *Fake) SetDefaultSeal(ctx context.Context, _, sealID string) error {
	if err := f.enter(ctx, "SetDefaultSeal"); err != nil {
		return err
	}
	defer f.mu.Unlock()
	for i := range f.Made {
		f.Made[i].Default = f.Made[i].ID == sealID
	}
	return nil
}

// DeleteSeal implements ui.Seals.
func (f *Fake) DeleteSeal(ctx context.Context, _, sealID string) error {
	if err := f.enter(ctx, "DeleteSeal"); err != nil {
		return err
	}
	defer f.mu.Unlock()
	f.Made = slices.DeleteFunc(f.Made, func(s client.Seal) bool { return s.ID == sealID })
	return nil
}

// About implements ui.AboutService.
func (f *Fake) About(ctx context.Context) (client.About, error) {
	if err := f.enter(ctx, "About"); err != nil {
		return client.About{}, err
	}
	defer f.mu.Unlock()
	return f.Info, nil
}

// CheckUpdate implements ui.Updates.
func (f *Fake) CheckUpdate(ctx context.Context) (client.Release, bool, error) {
	if err := f.enter(ctx, "CheckUpdate"); err != nil {
		return client.Release{}, false, err
	}
	defer f.mu.Unlock()
	return f.Offered, f.Offered.Version != "", nil
}

// UpdateDue implements ui.Updates.
func (f *Fake) UpdateDue(ctx context.Context) (bool, error) {
	if err := f.enter(ctx, "UpdateDue"); err != nil {
		return false, err
	}
	defer f.mu.Unlock()
	return f.Due, nil
}

// SetUpdateFrequency implements ui.AboutService.
func (f *Fake) SetUpdateFrequency(ctx context.Context, u client.UpdateFrequency) error {
	if err := f.enter(ctx, "SetUpdateFrequency"); err != nil {
		return err
	}
	defer f.mu.Unlock()
	f.Info.CheckUpdates = u
	return nil
}

// Files is a ui.FileChooser whose answers are set beforehand; what is saved is kept.
type Files struct {
	Picture, File *ui.File
	Err           error
	Saved         map[string][]byte
}

// OpenPicture implements ui.FileChooser.
func (f *Files) OpenPicture(done func(*ui.File, error)) { done(f.Picture, f.Err) }

// OpenFile implements ui.FileChooser.
func (f *Files) OpenFile(done func(*ui.File, error)) { done(f.File, f.Err) }

// SaveFile implements ui.FileChooser.
func (f *Files) SaveFile(name string, done func(*ui.Target, error)) {
	if f.Err != nil {
		done(nil, f.Err)
		return
	}
	done(&ui.Target{Name: name, WriteCloser: &keep{f: f, name: name}}, nil)
}

// keep is a file of Files that is being written.
type keep struct {
	f    *Files
	name string
	data []byte
}

func (k *keep) Write(b []byte) (int, error) { k.data = append(k.data, b...); return len(b), nil }

func (k *keep) Close() error {
	if k.f.Saved == nil {
		k.f.Saved = map[string][]byte{}
	}
	k.f.Saved[k.name] = k.data
	return nil
}

// Open returns a file with contents, as a chooser would.
func Open(name string, r io.Reader) *ui.File {
	return &ui.File{Name: name, ReadCloser: io.NopCloser(r)}
}
