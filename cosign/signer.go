package cosign

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"io"
	"reflect"

	"github.com/emmansun/gmsm/sm2"
)

// ShareStore keeps share records. StoreShare must be durable when it returns and replaces the record in one step. The
// callee must not keep record, which is wiped after the call.
type ShareStore interface {
	LoadShare(ctx context.Context, id KeyID) ([]byte, error)
	StoreShare(ctx context.Context, id KeyID, record []byte) error
}

// Call is one round trip.
type Call struct {
	Operation Operation
	Round     int // number of the message that is sent: 1 (begin), 3 (finish), 5 (commit of a refresh)
	KeyID     KeyID
	Session   SessionID // zero in round 1, for Generate and for Resume
	Digests   [][]byte  // Sign, round 1: what is to be signed, as in the message
	Message   []byte
}

// Transport carries calls to the server and returns its answer message, also when the server reports a refusal with it
// (wrong PIN). It may repeat a call with the same Message.
//
// Errors: a refusal that came without an answer message as the typed error of this package (*LockedError, ErrBusy,
// ErrEpoch, ErrSession, ErrCloneSuspected …); one that wraps ErrNotSent if the request surely did not reach the server;
// with anything else the server may have acted, and the Signer asks it by Resume.
type Transport interface {
	RoundTrip(ctx context.Context, call Call) ([]byte, error)
}

// PINFunc asks for the PIN. The slice becomes the callee's, which wipes it.
type PINFunc func(ctx context.Context) ([]byte, error)

// Signer signs and decrypts with a two-party key over a Transport. It implements crypto.Signer and crypto.Decrypter.
//
// Every request that a server evaluates is entered in the share record before it is sent. If its answer does not arrive,
// the Signer asks once with Resume; if that fails too, the method returns *UncertainError and every operation
// returns ErrUnanswered until Recover has found out what happened.
//
// Safe for concurrent use: requests run one after the other. There must be one Signer per share and process; copies made
// by WithContext, WithTransport and WithPIN count as the same.
type Signer struct {
	*signerShare
	transport Transport
	pin       PINFunc
	ctx       context.Context //nolint:containedctx // crypto.Signer has no place for it
}

// signerShare is what copies of a Signer have in common.
type signerShare struct {
	id     KeyID
	store  ShareStore
	public *ecdsa.PublicKey
	lock   chan struct{} // holds a token while a method runs
	hooks  *hooks
}

func newSigner(ctx context.Context, share *Share, store ShareStore, t Transport) *Signer {
	return &Signer{
		signerShare: &signerShare{
			id: share.id, store: store, public: share.PublicKey(), lock: make(chan struct{}, 1), hooks: share.hooks,
		},
		transport: t, ctx: context.WithoutCancel(ctx),
	}
}

// OpenSigner loads a share. ctx is for loading only.
func OpenSigner(ctx context.Context, id KeyID, store ShareStore, t Transport) (*Signer, error) {
	share, err := loadShare(ctx, store, id, nil)
	if err != nil {
		return nil, err
	}
	defer share.Wipe()
	return newSigner(ctx, share, store, t), nil
}

// WithContext returns a Signer for the same share whose Sign and Decrypt use ctx.
func (s *Signer) WithContext(ctx context.Context) *Signer {
	c := *s
	c.ctx = ctx
	return &c
}

// WithTransport returns a Signer for the same share that uses t: a transport that says what one operation is for.
func (s *Signer) WithTransport(t Transport) *Signer {
	c := *s
	c.transport = t
	return &c
}

// WithPIN returns a Signer for the same share whose Sign and Decrypt ask pin.
func (s *Signer) WithPIN(pin PINFunc) *Signer {
	c := *s
	c.pin = pin
	return &c
}

// KeyID returns the ID of the share.
func (s *Signer) KeyID() KeyID { return s.id }

// Public returns P as *ecdsa.PublicKey on the curve sm2.P256 of emmansun/gmsm.
func (s *Signer) Public() crypto.PublicKey { return s.public }

// Sign implements crypto.Signer. It returns a DER signature. With an *sm2.SM2SignerOption of emmansun/gmsm, digest is
// the message and e = SM3(Z || message) with the option's user ID; otherwise digest is e itself, 32 bytes. The PIN comes
// from WithPIN. rand is not used.
func (s *Signer) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	digest, err := digestFor(s.public, digest, opts)
	if err != nil {
		return nil, err
	}
	pin, err := s.askPIN()
	if err != nil {
		return nil, err
	}
	defer wipe(pin)
	sigs, err := s.SignDigests(s.ctx, [][]byte{digest}, pin)
	if err != nil {
		return nil, err
	}
	return sigs[0].DER(), nil
}

// digestFor returns e. The fields of SM2SignerOption are not exported, and a signer outside of its package has no other
// way to learn them than reflection.
func digestFor(public *ecdsa.PublicKey, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	o, ok := opts.(*sm2.SM2SignerOption)
	if !ok || o == nil {
		return digest, nil
	}
	v := reflect.ValueOf(o).Elem()
	force, uid := v.FieldByName("forceGMSign"), v.FieldByName("uid")
	if force.Kind() != reflect.Bool || uid.Kind() != reflect.Slice {
		return nil, errors.New("cosign: unknown layout of SM2SignerOption")
	}
	if !force.Bool() {
		return digest, nil
	}
	return sm2.CalculateSM2Hash(public, digest, uid.Bytes())
}

// Decrypt implements crypto.Decrypter for SM2 ciphertexts in ASN.1 (GM/T 0009) or as 04 || C1 || C3 || C2. The PIN comes
// from WithPIN. rand and opts are not used. The caller wipes the plaintext.
func (s *Signer) Decrypt(_ io.Reader, ciphertext []byte, _ crypto.DecrypterOpts) ([]byte, error) {
	pin, err := s.askPIN()
	if err != nil {
		return nil, err
	}
	defer wipe(pin)
	return s.DecryptWith(s.ctx, ciphertext, pin)
}

func (s *Signer) askPIN() ([]byte, error) {
	if s.pin == nil {
		return nil, errors.New("cosign: signer has no source for the PIN")
	}
	return s.pin(s.ctx)
}

func (s *signerShare) acquire(ctx context.Context) error {
	select {
	case s.lock <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *signerShare) release() { <-s.lock }

func (s *signerShare) load(ctx context.Context) (*Share, error) {
	return loadShare(ctx, s.store, s.id, s.hooks)
}

func loadShare(ctx context.Context, store ShareStore, id KeyID, h *hooks) (*Share, error) {
	record, err := store.LoadShare(ctx, id)
	if err != nil {
		return nil, err
	}
	defer wipe(record)
	share := &Share{hooks: h}
	if err := share.UnmarshalBinary(record); err != nil {
		return nil, err
	}
	if share.id != id {
		return nil, &MessageError{Message: "Share", Field: "key ID", Err: ErrConflict}
	}
	return share, nil
}

func saveShare(ctx context.Context, store ShareStore, share *Share) error {
	record, err := share.MarshalBinary()
	if err != nil {
		return err
	}
	defer wipe(record)
	return store.StoreShare(ctx, share.id, record)
}

// begin runs round 1 and hands round 2 to receive.
func (s *Signer) begin(ctx context.Context, call Call, receive func([]byte) error) error {
	call.Round, call.KeyID = 1, s.id
	answer, err := s.transport.RoundTrip(ctx, call)
	if err != nil {
		return err
	}
	return receive(answer)
}

// evaluate stores the share, which holds the sealed request as unanswered, sends the request and returns the answer
// message. When the answer is lost it asks once with Resume.
func (s *Signer) evaluate(ctx context.Context, share *Share, message []byte) ([]byte, error) {
	u := share.open
	if err := saveShare(ctx, s.store, share); err != nil {
		return nil, err
	}
	answer, err := s.transport.RoundTrip(ctx, Call{
		Operation: u.operation, Round: u.round, KeyID: s.id, Session: u.session, Message: message,
	})
	if err == nil {
		return answer, nil
	}
	uncertain := &UncertainError{Operation: u.operation, Session: u.session, Err: err}
	var m *resumed
	if errors.Is(err, ErrNotSent) {
		m = &resumed{fate: fateNotRun, epoch: share.current.number}
	} else {
		request, err := share.ResumeRequest()
		if err != nil {
			return nil, uncertain
		}
		reply, err := s.transport.RoundTrip(ctx, Call{Operation: Resume, Round: 1, KeyID: s.id, Message: request})
		if err != nil {
			return nil, uncertain
		}
		if m, err = share.checkResumed(request, reply); err != nil {
			return nil, uncertain
		}
	}
	if m.fate == fateAnswered {
		return m.answer, nil
	}
	if _, applyErr := share.applyResumed(m); applyErr != nil {
		return nil, uncertain
	}
	if saveErr := s.settle(ctx, share); saveErr != nil {
		return nil, saveErr
	}
	return nil, fmt.Errorf("%w: %w", ErrNotRun, err)
}

// settle stores the share after an answer, also when ctx has ended meanwhile.
func (s *Signer) settle(ctx context.Context, share *Share) error {
	return saveShare(context.WithoutCancel(ctx), s.store, share)
}

// Pending is a begun signature. It holds a nonce, in memory only.
type Pending struct {
	signer  *Signer
	signing *Signing
}

// Begin runs S1 and S2 for 1 to MaxBatch digests e = SM3(Z || M), 32 bytes each. It needs no PIN and counts nothing, so
// it can run while the user types. Finish or Cancel follows. Another operation of this share in between makes Finish
// fail with ErrNotRun.
func (s *Signer) Begin(ctx context.Context, digests [][]byte) (*Pending, error) {
	if err := s.acquire(ctx); err != nil {
		return nil, err
	}
	defer s.release()
	share, err := s.load(ctx)
	if err != nil {
		return nil, err
	}
	g, s1, err := share.BeginSign(digests)
	if err != nil {
		return nil, err
	}
	if err := s.begin(ctx, Call{Operation: Sign, Digests: digests, Message: s1}, g.Receive); err != nil {
		g.Cancel()
		return nil, err
	}
	return &Pending{signer: s, signing: g}, nil
}

// Finish runs S3 and S4 and returns verified signatures in the order of the digests. pin stays the caller's. It can be
// called once. Errors: *PINError, *LockedError, ErrCloneSuspected, ErrNotRun, *UncertainError (Signer.Recover then tells).
func (p *Pending) Finish(ctx context.Context, pin []byte) ([]Signature, error) {
	s, g := p.signer, p.signing
	if err := s.acquire(ctx); err != nil {
		return nil, err
	}
	defer s.release()
	defer g.Cancel()
	share, err := s.load(ctx)
	if err != nil {
		return nil, err
	}
	defer share.Wipe()
	if share.current.number != g.share.current.number {
		return nil, ErrEpoch
	}
	g.share.Wipe()
	g.share = share
	s3, err := g.Prove(pin)
	if err != nil {
		return nil, err
	}
	s4, err := s.evaluate(ctx, share, s3)
	if err != nil {
		return nil, err
	}
	sigs, err := g.Finish(s4)
	return sigs, s.conclude(ctx, share, Sign, g.session, err)
}

// conclude stores the share if the answer was understood, whatever the verdict.
func (s *Signer) conclude(ctx context.Context, share *Share, op Operation, sid SessionID, err error) error {
	if share.open != nil {
		return &UncertainError{Operation: op, Session: sid, Err: err}
	}
	if saveErr := s.settle(ctx, share); saveErr != nil {
		return errors.Join(err, saveErr)
	}
	return err
}

// Cancel forgets the session; nothing was counted. After Finish it does nothing.
func (p *Pending) Cancel() { p.signing.Cancel() }

// SignDigests is Begin and Finish in one.
func (s *Signer) SignDigests(ctx context.Context, digests [][]byte, pin []byte) ([]Signature, error) {
	p, err := s.Begin(ctx, digests)
	if err != nil {
		return nil, err
	}
	return p.Finish(ctx, pin)
}

// DecryptWith decrypts an SM2 ciphertext. pin stays the caller's; the caller wipes the plaintext. Errors as Pending.Finish
// has, and ErrCiphertext.
func (s *Signer) DecryptWith(ctx context.Context, ciphertext, pin []byte) ([]byte, error) {
	if err := s.acquire(ctx); err != nil {
		return nil, err
	}
	defer s.release()
	share, err := s.load(ctx)
	if err != nil {
		return nil, err
	}
	defer share.Wipe()
	d, message, err := share.BeginDecrypt(ciphertext)
	if err != nil {
		return nil, err
	}
	defer d.Cancel()
	if err := s.begin(ctx, Call{Operation: Decrypt, Message: message}, d.Receive); err != nil {
		return nil, err
	}
	if message, err = d.Prove(pin); err != nil {
		return nil, err
	}
	answer, err := s.evaluate(ctx, share, message)
	if err != nil {
		return nil, err
	}
	plain, err := d.Finish(answer)
	return plain, s.conclude(ctx, share, Decrypt, d.session, err)
}
