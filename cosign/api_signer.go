package cosign

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"io"
)

// ShareStore keeps share records. Store must be durable when it returns and must replace the record in one step.
type ShareStore interface {
	LoadShare(ctx context.Context, id KeyID) ([]byte, error)
	StoreShare(ctx context.Context, id KeyID, record []byte) error
}

// Call is one round trip.
type Call struct {
	Operation Operation
	Round     int // number of the message sent: 1 (begin), 3 (finish), 5 (commit of a refresh)
	KeyID     KeyID
	Session   SessionID // zero when Round is 1
	Digests   [][]byte  // Sign, round 1: what is to be signed, as in the message
	Message   []byte
}

// Transport carries calls to the server and returns its answer message. It returns the server's answer message also
// when the server reports a refusal next to it (wrong PIN). It may repeat a call whose Message is the same.
// Errors: refusals as the typed errors of this package (*LockedError, ErrBusy, ErrEpoch, ErrCloneSuspected …); one that
// wraps ErrNotSent when the request surely had no effect; anything else counts as "the server may have acted".
type Transport interface {
	RoundTrip(ctx context.Context, call Call) ([]byte, error)
}

// PINFunc asks for the PIN. The slice becomes the callee's: it is wiped after use.
type PINFunc func(ctx context.Context) ([]byte, error)

// Signer signs and decrypts with a two-party key over a Transport. It implements crypto.Signer and crypto.Decrypter.
// Safe for concurrent use: operations run one after the other. There must be one Signer per share and process.
type Signer struct{}

// GenerateKey makes a new two-party key with the server: four messages, two round trips. serverSeal is the server's
// pinned seal key (32 bytes). pin is the initial PIN (the SMS password); it stays the caller's and is not kept.
// The record is stored before the server can have confirmed; when the answer is lost, open the Signer and call Recover.
func GenerateKey(ctx context.Context, id KeyID, serverSeal []byte, kdf KDF, pin []byte, store ShareStore, t Transport) (*Signer, error) {
	panic("unwritten")
}

// OpenSigner loads a share. pin may be nil when only methods with a PIN argument are used.
func OpenSigner(ctx context.Context, id KeyID, store ShareStore, t Transport, pin PINFunc) (*Signer, error) {
	panic("unwritten")
}

// WithContext returns a Signer for the same share whose Sign and Decrypt use ctx.
func (s *Signer) WithContext(ctx context.Context) *Signer { panic("unwritten") }

// WithTransport returns a Signer for the same share that uses t, for a transport that carries what one operation is for.
func (s *Signer) WithTransport(t Transport) *Signer { panic("unwritten") }

// Public returns P as *ecdsa.PublicKey on the curve sm2.P256 of emmansun/gmsm.
func (s *Signer) Public() crypto.PublicKey { panic("unwritten") }

// PublicKey is Public with its type.
func (s *Signer) PublicKey() *ecdsa.PublicKey { panic("unwritten") }

// Sign implements crypto.Signer: DER signature. With *sm2.SM2SignerOption of emmansun/gmsm and ForceGMSign, digest is
// the message and e = SM3(Z || message); otherwise digest is e itself, 32 bytes. rand is not used.
func (s *Signer) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	panic("unwritten")
}

// Decrypt implements crypto.Decrypter for SM2 ciphertexts in ASN.1 form (GM/T 0009) or 04||C1||C3||C2. rand and opts
// are not used.
func (s *Signer) Decrypt(rand io.Reader, ciphertext []byte, opts crypto.DecrypterOpts) ([]byte, error) {
	panic("unwritten")
}

// Begin runs S1 and S2 for up to MaxBatch digests (e, 32 bytes each): no PIN, nothing counted. Finish or Cancel must
// follow; other operations of this share wait until then.
func (s *Signer) Begin(ctx context.Context, digests [][]byte) (*Pending, error) { panic("unwritten") }

// Pending is a begun signature.
type Pending struct{}

// Finish runs S3 and S4 and returns verified signatures in the order of the digests. pin stays the caller's.
// Errors: *PINError, *LockedError, ErrCloneSuspected, *UncertainError (then Signer.Recover).
func (p *Pending) Finish(ctx context.Context, pin []byte) ([]Signature, error) { panic("unwritten") }

// Cancel forgets the session; the server never sees S3. After Finish it does nothing.
func (p *Pending) Cancel() { panic("unwritten") }

// SignDigests is Begin and Finish in one.
func (s *Signer) SignDigests(ctx context.Context, digests [][]byte, pin []byte) ([]Signature, error) {
	panic("unwritten")
}

// ChangePIN refreshes the shares on both sides under a new PIN. old proves itself at the server and counts as an
// attempt. After any error exactly one PIN is usable; Recover says which. Both slices stay the caller's.
func (s *Signer) ChangePIN(ctx context.Context, old, new []byte) error { panic("unwritten") }

// State is what Recover found.
type State struct {
	Confirmed  bool        // key generation is confirmed
	Epoch      uint32      // epoch that stands on both sides
	Operation  Operation   // of the unanswered request, 0 if there was none
	Session    SessionID   // of the unanswered request
	Done       bool        // the unanswered request was carried out
	Signatures []Signature // of an unanswered Sign that was carried out, verified
	Digests    [][]byte    // what Signatures sign
	Err        error       // outcome of the unanswered request if it was refused: *PINError, ErrNotRun, ErrCloneSuspected …
	PINChanged bool        // an interrupted ChangePIN went through: the new PIN stands; else the old one
}

// Recover brings this device in step with the server after a lost answer or a restart, without the PIN: it repeats an
// unanswered key confirmation, fetches the outcome of an unanswered session and settles an interrupted refresh. It is
// quick (no request) when nothing is open. ErrStale: this record is an old backup.
func (s *Signer) Recover(ctx context.Context) (State, error) { panic("unwritten") }
