package client

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/smx509"
	"github.com/google/uuid"

	"cloudkey/api/gen"
	"cloudkey/cosign"
	"cloudkey/keystore"
)

// openFor is how long a verified enrolment may wait for its certificate on the service.
const openFor = 24 * time.Hour

// stepCreate names the idempotency key of an enrolment's first request in its record.
const stepCreate = "create"

// BeginEnrolment asks the CA to send the SMS password of an account. The answer is the same for an unknown account.
// Errors: ErrNotInitialised, *RateError and those of a connection.
func (c *Client) BeginEnrolment(ctx context.Context, orgID, account string) (Enrolment, error) {
	l, err := c.link(ctx, orgID)
	if err != nil {
		return Enrolment{}, err
	}
	e, err := c.openEnrolment(ctx, orgID, account)
	if err != nil {
		return Enrolment{}, err
	}
	key, err := uuid.Parse(e.Keys[stepCreate])
	if err != nil {
		return Enrolment{}, err
	}
	answer, err := l.api.CreateEnrolment(ctx, key, gen.EnrolmentRequest{Account: account})
	if err != nil {
		return Enrolment{}, c.failure(err)
	}
	return c.noteEnrolment(ctx, e, answer)
}

// openEnrolment returns the record of a download whose first request has no answer yet, so that repeating it sends no
// second SMS, or a new one. Earlier downloads of the same account that got no further than their SMS are dropped.
func (c *Client) openEnrolment(ctx context.Context, orgID, account string) (keystore.Enrolment, error) {
	now := c.now()
	e := keystore.Enrolment{
		ID: uuid.NewString(), Organisation: orgID, Account: account, Begun: now, Expires: now.Add(openFor),
		Keys: map[string]string{stepCreate: uuid.NewString()},
	}
	return e, c.store.Update(ctx, func(tx *keystore.Tx) error {
		all, err := tx.Enrolments()
		if err != nil {
			return err
		}
		for _, old := range all {
			if old.Verified || old.Organisation != orgID {
				continue
			}
			if old.Account == account && old.ServerID == "" && now.Sub(old.Begun) < time.Hour {
				e = old
				continue
			}
			if err := tx.DeleteEnrolment(old.ID); err != nil {
				return err
			}
		}
		return tx.PutEnrolment(e)
	})
}

// noteEnrolment stores the CA's answer.
func (c *Client) noteEnrolment(ctx context.Context, e keystore.Enrolment, answer gen.Enrolment) (Enrolment, error) {
	e.ServerID, e.PhoneHint, e.Expires, e.ResendAfter = answer.Id, answer.PhoneHint, answer.Expires, answer.ResendAfter
	if err := c.store.PutEnrolment(ctx, e); err != nil {
		return Enrolment{}, err
	}
	return c.enrolment(ctx, e)
}

func (c *Client) enrolment(ctx context.Context, e keystore.Enrolment) (Enrolment, error) {
	o, err := c.store.Organisation(ctx, e.Organisation)
	if err != nil {
		return Enrolment{}, err
	}
	return Enrolment{
		ID: e.ID, Organisation: organisation(o), Account: e.Account, PhoneHint: e.PhoneHint, Expires: e.Expires,
		ResendAfter: e.ResendAfter,
	}, nil
}

// ResendCode asks for another SMS password; the one before stops working. Errors: *RateError, ErrExpiredEnrolment.
func (c *Client) ResendCode(ctx context.Context, enrolmentID string) (Enrolment, error) {
	e, l, err := c.openedEnrolment(ctx, enrolmentID)
	if err != nil {
		return Enrolment{}, err
	}
	answer, err := l.api.ResendEnrolmentCode(ctx, uuid.New(), e.ServerID)
	if err != nil {
		return Enrolment{}, c.failure(err)
	}
	return c.noteEnrolment(ctx, e, answer)
}

func (c *Client) openedEnrolment(ctx context.Context, id string) (keystore.Enrolment, *link, error) {
	e, err := c.store.Enrolment(ctx, id)
	if errors.Is(err, keystore.ErrNotFound) {
		return e, nil, ErrExpiredEnrolment
	}
	if err != nil {
		return e, nil, err
	}
	l, err := c.link(ctx, e.Organisation)
	return e, l, err
}

// AbandonEnrolment forgets a download. The CA lets it expire.
func (c *Client) AbandonEnrolment(ctx context.Context, enrolmentID string) error {
	return c.store.DeleteEnrolment(ctx, enrolmentID)
}

// Pending returns an unfinished first use, the newest where there are several. Downloads that have expired are dropped.
func (c *Client) Pending(ctx context.Context) (Pending, error) {
	profiles, err := c.store.Profiles(ctx)
	if err != nil {
		return Pending{}, err
	}
	slices.SortFunc(profiles, func(a, b keystore.Profile) int { return b.Created.Compare(a.Created) })
	for _, p := range profiles {
		if p.State == keystore.ProfileMustPassword {
			p = c.settleFirstPassword(ctx, p)
		}
		if p.State == keystore.ProfileReady {
			continue
		}
		cert, err := c.certificate(ctx, p)
		if err != nil {
			return Pending{}, err
		}
		return Pending{Certificate: &cert}, nil
	}
	all, err := c.store.Enrolments(ctx)
	if err != nil {
		return Pending{}, err
	}
	for _, e := range all {
		limit := e.Expires
		if e.Verified {
			limit = e.Begun.Add(openFor)
		}
		if c.now().After(limit) {
			if err := c.store.DeleteEnrolment(ctx, e.ID); err != nil {
				return Pending{}, err
			}
			continue
		}
		if e.ServerID == "" {
			continue
		}
		out, err := c.enrolment(ctx, e)
		if err != nil {
			return Pending{}, err
		}
		return Pending{Enrolment: &out}, nil
	}
	return Pending{}, nil
}

// Enrol proves the SMS password, makes the two-party key with the CA and obtains the certificate. The result waits for
// SetFirstPassword. After any error the same call, or ResumeEnrol once the key is made, goes on where it stopped.
// Errors: *CodeError, ErrExpiredEnrolment and those of a connection.
func (c *Client) Enrol(ctx context.Context, enrolmentID string, smsPassword []byte, progress Progress) (Certificate, error) {
	e, l, err := c.openedEnrolment(ctx, enrolmentID)
	if err != nil {
		return Certificate{}, err
	}
	report(progress, StepIdentity)
	if !e.Verified {
		answer, err := l.api.VerifyEnrolment(ctx, uuid.New(), e.ServerID, gen.EnrolmentCode{Code: smsPassword})
		if err != nil {
			return Certificate{}, c.failure(err)
		}
		e.Verified, e.Holder, e.Phone = true, answer.Holder, answer.Phone
		if err := c.store.PutEnrolment(ctx, e); err != nil {
			return Certificate{}, err
		}
	}
	report(progress, StepKey)
	p, err := c.makeKey(ctx, l, e, smsPassword)
	if err != nil {
		return Certificate{}, err
	}
	return c.requestCertificate(ctx, l, p, smsPassword, progress)
}

// ResumeEnrol goes on with a download whose key is made but whose certificate is not here. Errors: *PasswordError when
// smsPassword is not the one the key was made with, *LockedError, ErrExpiredEnrolment and those of a connection.
func (c *Client) ResumeEnrol(ctx context.Context, certID string, smsPassword []byte, progress Progress) (Certificate, error) {
	p, l, err := c.profile(ctx, certID)
	if err != nil {
		return Certificate{}, err
	}
	if p.State != keystore.ProfileKeyed {
		return c.certificate(ctx, p)
	}
	return c.requestCertificate(ctx, l, p, smsPassword, progress)
}

func report(progress Progress, s Step) {
	if progress != nil {
		progress(s)
	}
}

// makeKey runs key generation, or finds out that an earlier run was confirmed, and stores the profile.
func (c *Client) makeKey(ctx context.Context, l *link, e keystore.Enrolment, pin []byte) (keystore.Profile, error) {
	o, err := c.store.Organisation(ctx, e.Organisation)
	if err != nil {
		return keystore.Profile{}, err
	}
	t := &transport{client: c, link: l, enrolment: e.ServerID}
	if e.KeyID != (keystore.KeyID{}) {
		signer, err := c.confirmed(ctx, e.KeyID, t)
		if err != nil {
			return keystore.Profile{}, err
		}
		if signer != nil {
			return c.keep(ctx, e, signer)
		}
		if err := c.store.DeleteShare(ctx, e.KeyID); err != nil {
			return keystore.Profile{}, err
		}
	}
	id := cosign.NewKeyID()
	e.KeyID = id
	if err := c.store.PutEnrolment(ctx, e); err != nil {
		return keystore.Profile{}, err
	}
	signer, err := cosign.GenerateKey(ctx, id, o.SealKey, c.cfg.KDF, pin, c.shares(), t)
	if err != nil {
		return keystore.Profile{}, c.failure(err)
	}
	return c.keep(ctx, e, signer)
}

// confirmed returns the signer of a key whose generation was begun earlier, or nil when the CA does not have it.
func (c *Client) confirmed(ctx context.Context, id keystore.KeyID, t *transport) (*cosign.Signer, error) {
	signer, err := cosign.OpenSigner(ctx, id, c.shares(), t)
	if errors.Is(err, keystore.ErrNotFound) {
		return nil, nil //nolint:nilnil // no share, no key
	}
	if err != nil {
		return nil, err
	}
	state, err := signer.Recover(ctx)
	var refused *ServerError
	switch {
	case err == nil && (state.Operation == 0 || state.Done):
		return signer, nil
	case err == nil, errors.Is(err, cosign.ErrNotRun), errors.Is(err, cosign.ErrUnconfirmed):
		return nil, nil //nolint:nilnil // as above
	case errors.As(c.failure(err), &refused) && refused.Code == string(gen.ProblemCodeNotFound):
		return nil, nil //nolint:nilnil // as above
	}
	return nil, c.failure(err)
}

// sm2Point is the public key as an uncompressed point, 65 bytes.
func sm2Point(signer *cosign.Signer) ([]byte, error) {
	public, ok := signer.Public().(*ecdsa.PublicKey)
	if !ok {
		return nil, errors.New("client: not an SM2 key")
	}
	key, err := sm2.PublicKeyToECDH(public)
	if err != nil {
		return nil, err
	}
	return key.Bytes(), nil
}

// keep stores the profile of a confirmed key; from here on ResumeEnrol can finish the download.
func (c *Client) keep(ctx context.Context, e keystore.Enrolment, signer *cosign.Signer) (keystore.Profile, error) {
	point, err := sm2Point(signer)
	if err != nil {
		return keystore.Profile{}, err
	}
	now := c.now()
	p := keystore.Profile{
		ID: uuid.NewString(), Organisation: e.Organisation, Account: e.Account, Holder: e.Holder, Phone: e.Phone,
		State: keystore.ProfileKeyed, KeyID: e.KeyID, PublicKey: point, Enrolment: e.ID, Created: now, Updated: now,
	}
	err = c.store.Update(ctx, func(tx *keystore.Tx) error {
		if err := tx.PutProfile(p); err != nil {
			return err
		}
		return tx.DeleteEnrolment(e.ID)
	})
	return p, err
}

// requestCertificate signs the PKCS#10 request with both parties and stores what the CA issues on it.
func (c *Client) requestCertificate(ctx context.Context, l *link, p keystore.Profile, pin []byte, progress Progress) (Certificate, error) {
	s, err := c.session(ctx, l, p)
	if err != nil {
		return Certificate{}, err
	}
	if err := s.turn.take(ctx); err != nil {
		return Certificate{}, err
	}
	defer s.turn.give()
	report(progress, StepRequest)
	signer := s.signer.WithTransport(&transport{client: c, link: l, purpose: gen.SignaturePurposeCertificateRequest})
	if _, err := signer.Recover(ctx); err != nil {
		return Certificate{}, c.failure(err)
	}
	// The CA decides the subject from its own records; the name here is what the user sees in the request.
	template := &smx509.CertificateRequest{Subject: pkix.Name{CommonName: p.Holder}}
	template.SignatureAlgorithm = smx509.SM2WithSM3
	var answer gen.IssuedCertificate
	request, err := smx509.CreateCertificateRequest(rand.Reader, template, signer.WithContext(ctx).WithPIN(copyOf(pin)))
	if err == nil {
		answer, err = l.api.RequestCertificate(ctx, uuid.New(), cosign.KeyID(p.KeyID).String(), gen.CertificateRequest{Request: request})
	}
	if err = c.failure(err); err != nil {
		if answer, err = c.issuedBefore(ctx, l, p, err); err != nil {
			return Certificate{}, err
		}
	}
	report(progress, StepStore)
	if err := c.checkIssued(ctx, p, answer); err != nil {
		return Certificate{}, err
	}
	p.Certificate, p.Chain, p.State, p.Updated, p.Checked = answer.Certificate, answer.Chain, keystore.ProfileMustPassword, c.now(), c.now()
	if err := c.store.PutProfile(ctx, p); err != nil {
		return Certificate{}, err
	}
	return c.certificate(ctx, p)
}

// issuedBefore fetches the certificate of a key that the CA refuses another request for, because it has issued one whose
// answer never came here. For any other cause it returns that.
func (c *Client) issuedBefore(ctx context.Context, l *link, p keystore.Profile, cause error) (gen.IssuedCertificate, error) {
	if !refusedWith(cause, gen.ProblemCodeStateConflict) {
		return gen.IssuedCertificate{}, cause
	}
	answer, err := l.api.GetCredential(ctx, cosign.KeyID(p.KeyID).String())
	if err != nil {
		return gen.IssuedCertificate{}, cause
	}
	return gen.IssuedCertificate{Certificate: answer.Certificate, Chain: answer.Chain}, nil
}

// copyOf hands the signer copies of a password, which it wipes.
func copyOf(password []byte) cosign.PINFunc {
	return func(context.Context) ([]byte, error) { return bytes.Clone(password), nil }
}

// checkIssued refuses a certificate for another key or from another CA than the init QR named.
func (c *Client) checkIssued(ctx context.Context, p keystore.Profile, issued gen.IssuedCertificate) error {
	o, err := c.store.Organisation(ctx, p.Organisation)
	if err != nil {
		return err
	}
	cert, err := smx509.ParseCertificate(issued.Certificate)
	if err != nil {
		return fmt.Errorf("client: issued certificate: %w", err)
	}
	if !sameKey(cert, p.PublicKey) {
		return &TrustError{Host: o.Name, Err: errors.New("client: certificate for another key")}
	}
	if len(issued.Chain) == 0 {
		return &TrustError{Host: o.Name, Err: errors.New("client: no issuer")}
	}
	fingerprint := sm3.Sum(issued.Chain[0])
	if !bytes.Equal(fingerprint[:], o.CAFingerprint) {
		return &TrustError{Host: o.Name, Err: errors.New("client: issuer is not the CA of the QR code")}
	}
	issuer, err := smx509.ParseCertificate(issued.Chain[0])
	if err != nil {
		return fmt.Errorf("client: issuer: %w", err)
	}
	if err := cert.CheckSignatureFrom(issuer); err != nil {
		return &TrustError{Host: o.Name, Err: err}
	}
	return nil
}
