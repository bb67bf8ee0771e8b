package client

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/smx509"
	"github.com/google/uuid"

	"cloudkey/api/gen"
	"cloudkey/cosign"
	"cloudkey/keystore"
)

// operationSign names a signature request kept until its outcome is known.
const operationSign = "sign"

// unsigned is what the history needs to know of a document; it is stored before the server is asked, so that a signature
// whose answer was lost is recorded when it is fetched.
type unsigned struct {
	Name   string
	Size   int64
	Digest []byte // SM3 of the content
	E      []byte // SM3(Z || content), what is signed
}

// Sign signs documents with both parties in one session, verifies the signatures and adds them to the history, in the
// order of docs. One password entry is one counted attempt, however many documents there are.
// Errors: *PasswordError, *LockedError, ErrMustChangePassword, ErrCertificateExpired, ErrCertificateRevoked,
// ErrCloneSuspected, ErrTooLarge, and those of a connection; after *UncertainError the signature may exist and appears in
// the history at the next operation.
func (c *Client) Sign(ctx context.Context, certID string, docs []Document, password []byte, progress Progress) ([]SignatureRecord, error) {
	p, l, err := c.profile(ctx, certID)
	if err != nil {
		return nil, err
	}
	cert, err := c.usable(p)
	if err != nil {
		return nil, err
	}
	report(progress, StepHash)
	pending, err := digests(cert.PublicKey.(*ecdsa.PublicKey), docs)
	if err != nil {
		return nil, err
	}
	s, err := c.session(ctx, l, p)
	if err != nil {
		return nil, err
	}
	if err := s.turn.take(ctx); err != nil {
		return nil, err
	}
	defer s.turn.give()
	if _, _, err := c.settle(ctx, s, p); err != nil {
		return nil, c.failure(err)
	}
	request, err := c.remember(ctx, p, pending)
	if err != nil {
		return nil, err
	}
	report(progress, StepCosign)
	es, documents := make([][]byte, len(pending)), make([]gen.Document, len(pending))
	for i, d := range pending {
		es[i], documents[i] = d.E, gen.Document{Name: d.Name, Size: d.Size, Digest: d.Digest}
	}
	t := &transport{client: c, link: l, purpose: gen.SignaturePurposeSign, documents: documents}
	signatures, err := s.signer.WithTransport(t).SignDigests(ctx, es, password)
	if err != nil {
		return c.unanswered(ctx, l, s, p, request, err)
	}
	report(progress, StepVerify)
	return c.record(ctx, p, request, pending, signatures)
}

// usable refuses a certificate that signs nothing valid now.
func (c *Client) usable(p keystore.Profile) (*smx509.Certificate, error) {
	switch p.State {
	case keystore.ProfileReady:
	case keystore.ProfileMustPassword:
		return nil, ErrMustChangePassword
	default:
		return nil, ErrInterrupted
	}
	cert, err := smx509.ParseCertificate(p.Certificate)
	if err != nil {
		return nil, err
	}
	switch c.certState(p, cert) {
	case CertExpired, CertNotYetValid:
		return nil, ErrCertificateExpired
	case CertRevoked, CertSuspended:
		return nil, ErrCertificateRevoked
	}
	return cert, nil
}

func digests(public *ecdsa.PublicKey, docs []Document) ([]unsigned, error) {
	if len(docs) == 0 || len(docs) > cosign.MaxBatch {
		return nil, ErrTooLarge
	}
	out := make([]unsigned, len(docs))
	for i, d := range docs {
		if len(d.Content) > MaxDocument {
			return nil, ErrTooLarge
		}
		e, err := sm2.CalculateSM2Hash(public, d.Content, nil)
		if err != nil {
			return nil, err
		}
		digest := sm3.Sum(d.Content)
		out[i] = unsigned{Name: d.Name, Size: int64(len(d.Content)), Digest: digest[:], E: e}
	}
	return out, nil
}

func (c *Client) remember(ctx context.Context, p keystore.Profile, docs []unsigned) (keystore.PendingRequest, error) {
	body, err := json.Marshal(docs)
	if err != nil {
		return keystore.PendingRequest{}, err
	}
	r := keystore.PendingRequest{
		ID: uuid.NewString(), Organisation: p.Organisation, Profile: p.ID, Operation: operationSign,
		Method: "POST", Target: "/signatures:begin", Body: body, Created: c.now(),
	}
	return r, c.store.PutPendingRequest(ctx, r)
}

// unanswered looks into a session that ended with err: whether the server made the signatures after all. The request
// stays pending only while that is not known.
func (c *Client) unanswered(ctx context.Context, l *link, s *session, p keystore.Profile, r keystore.PendingRequest, err error) ([]SignatureRecord, error) {
	var lost *cosign.UncertainError
	if !errors.As(err, &lost) {
		// The caller's context may have ended; the record of what is not pending any more must still go.
		if e := c.store.DeletePendingRequest(context.WithoutCancel(ctx), r.ID); e != nil {
			c.log.Warn("pending signature", "error", e)
		}
		return nil, c.whyNot(ctx, p, err)
	}
	// One more try now often saves the user from wondering; also a user who turned away must know.
	ctx, cancel := afterwards(ctx)
	defer cancel()
	state, records, again := c.settle(ctx, s, p)
	switch {
	case again != nil:
		return nil, c.failure(err)
	case len(records) > 0:
		return records, nil
	case state.Err != nil && !errors.Is(state.Err, cosign.ErrNotRun):
		return nil, c.failure(state.Err)
	}
	return nil, undone(l.api.Host(), lost.Err)
}

// undone is the error of a session of which the server has said, asked again, that it did nothing.
func undone(host string, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return &UnreachableError{Host: host, Err: err}
}

// afterwards is time to find out what a session that was cut off has done, whether or not the caller still waits.
func afterwards(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
}

// record adds finished signatures to the history and forgets the pending request, in one change.
func (c *Client) record(ctx context.Context, p keystore.Profile, r keystore.PendingRequest, docs []unsigned, signatures []cosign.Signature) ([]SignatureRecord, error) {
	cert, err := smx509.ParseCertificate(p.Certificate)
	if err != nil {
		return nil, err
	}
	entries := make([]keystore.Signature, len(signatures))
	for i, sig := range signatures {
		der := sig.DER()
		container, err := signedData(p.Certificate, p.Chain, docs[i].E, der)
		if err != nil {
			return nil, err
		}
		entries[i] = keystore.Signature{
			Profile: p.ID, Document: docs[i].Name, Size: docs[i].Size, Digest: docs[i].Digest, E: docs[i].E, Signature: der,
			SignedData: container, Serial: upperHex(cert.SerialNumber.Bytes()), Time: c.now(),
		}
	}
	out := make([]SignatureRecord, len(entries))
	// What both parties have signed is kept even when the user turned away meanwhile.
	err = c.store.Update(context.WithoutCancel(ctx), func(tx *keystore.Tx) error {
		for i, e := range entries {
			stored, err := tx.AppendSignature(e)
			if err != nil {
				return err
			}
			out[i] = signatureRecord(p, stored)
		}
		return tx.DeletePendingRequest(r.ID)
	})
	return out, err
}

// settle brings the key in step with the server after a lost answer, and records and returns signatures that were made
// after all. Without anything open it sends nothing.
func (c *Client) settle(ctx context.Context, s *session, p keystore.Profile) (cosign.State, []SignatureRecord, error) {
	state, err := s.signer.Recover(ctx)
	if err != nil {
		return state, nil, err
	}
	all, err := c.store.PendingRequests(ctx)
	if err != nil {
		return state, nil, err
	}
	var out []SignatureRecord
	for _, r := range all {
		if r.Profile != p.ID || r.Operation != operationSign {
			continue
		}
		var docs []unsigned
		if err := json.Unmarshal(r.Body, &docs); err != nil {
			return state, nil, err
		}
		if len(state.Signatures) == len(docs) && sameDigests(state.Digests, docs) {
			records, err := c.record(ctx, p, r, docs, state.Signatures)
			if err != nil {
				return state, nil, err
			}
			out = append(out, records...)
			continue
		}
		if err := c.store.DeletePendingRequest(ctx, r.ID); err != nil {
			return state, nil, err
		}
	}
	return state, out, nil
}

func sameDigests(es [][]byte, docs []unsigned) bool {
	if len(es) != len(docs) {
		return false
	}
	for i, d := range docs {
		if !bytes.Equal(es[i], d.E) {
			return false
		}
	}
	return true
}

func signatureRecord(p keystore.Profile, s keystore.Signature) SignatureRecord {
	return SignatureRecord{
		ID: s.ID, CertificateID: s.Profile, Holder: p.Holder, Account: p.Account, Document: s.Document, Size: s.Size,
		Digest: s.Digest, Signature: s.Signature, SignedData: s.SignedData, Serial: s.Serial, Time: s.Time,
	}
}

// historyPage bounds one read of the history.
const historyPage = 1000

// History returns the signatures made with a certificate on this device, newest first.
func (c *Client) History(ctx context.Context, certID string) ([]SignatureRecord, error) {
	p, err := c.store.Profile(ctx, certID)
	if err != nil {
		return nil, err
	}
	var out []SignatureRecord
	for before := uint64(0); ; {
		page, err := c.store.Signatures(ctx, certID, before, historyPage)
		if err != nil {
			return nil, err
		}
		for _, s := range page {
			out = append(out, signatureRecord(p, s))
			before = s.Seq
		}
		if len(page) < historyPage {
			return out, nil
		}
	}
}
