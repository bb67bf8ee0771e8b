package client

import (
	"context"
	"errors"

	"github.com/emmansun/gmsm/smx509"
	"github.com/google/uuid"

	"cloudkey/api/gen"
	"cloudkey/cosign"
	"cloudkey/keystore"
)

// profile returns a profile and the connection to its organisation.
func (c *Client) profile(ctx context.Context, id string) (keystore.Profile, *link, error) {
	p, err := c.store.Profile(ctx, id)
	if errors.Is(err, keystore.ErrNotFound) {
		return p, nil, ErrNoCertificate
	}
	if err != nil {
		return p, nil, err
	}
	l, err := c.link(ctx, p.Organisation)
	return p, l, err
}

// session returns the one signer of a profile's key.
func (c *Client) session(ctx context.Context, l *link, p keystore.Profile) (*session, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := cosign.KeyID(p.KeyID)
	if s := c.signers[id]; s != nil {
		return s, nil
	}
	signer, err := cosign.OpenSigner(ctx, id, c.shares(), &transport{client: c, link: l})
	if err != nil {
		return nil, err
	}
	s := &session{turn: newTurn(), signer: signer}
	c.signers[id] = s
	return s, nil
}

// certificate is a profile as screens show it.
func (c *Client) certificate(ctx context.Context, p keystore.Profile) (Certificate, error) {
	o, err := c.store.Organisation(ctx, p.Organisation)
	if err != nil {
		return Certificate{}, err
	}
	out := Certificate{
		ID: p.ID, Organisation: organisation(o), Account: p.Account, Holder: p.Holder, Phone: p.Phone,
		Algorithm: "SM2", Profile: ProfileState(p.State),
	}
	if out.HasInk, err = c.store.HasInk(ctx, p.ID); err != nil {
		return Certificate{}, err
	}
	key, err := c.store.DeviceKey(ctx, p.Organisation)
	if err != nil && !errors.Is(err, keystore.ErrNotFound) {
		return Certificate{}, err
	}
	key.Wipe()
	out.Bound = p.Binding.Bound && p.Binding.DeviceID != "" && p.Binding.DeviceID == key.DeviceID
	current, err := c.store.CurrentProfile(ctx)
	if err != nil && !errors.Is(err, keystore.ErrNotFound) {
		return Certificate{}, err
	}
	out.Current = current == p.ID
	if p.Certificate == nil {
		return out, nil
	}
	cert, err := smx509.ParseCertificate(p.Certificate)
	if err != nil {
		return Certificate{}, err
	}
	out.Serial = upperHex(cert.SerialNumber.Bytes())
	out.NotBefore, out.NotAfter = cert.NotBefore, cert.NotAfter
	out.State = c.certState(p, cert)
	return out, nil
}

func (c *Client) certState(p keystore.Profile, cert *smx509.Certificate) CertState {
	switch gen.CredentialState(p.CertState) {
	case gen.CredentialStateRevoked:
		return CertRevoked
	case gen.CredentialStateSuspended:
		return CertSuspended
	}
	switch now := c.now(); {
	case now.Before(cert.NotBefore):
		return CertNotYetValid
	case now.After(cert.NotAfter):
		return CertExpired
	}
	return CertValid
}

// Certificates returns what is on this device, ordered by organisation, then account.
func (c *Client) Certificates(ctx context.Context) ([]Certificate, error) {
	profiles, err := c.store.Profiles(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Certificate, 0, len(profiles))
	for _, p := range profiles {
		cert, err := c.certificate(ctx, p)
		if err != nil {
			return nil, err
		}
		out = append(out, cert)
	}
	return out, nil
}

// Current returns the chosen certificate, or ErrNoCertificate when none is ready.
func (c *Client) Current(ctx context.Context) (Certificate, error) {
	id, err := c.store.CurrentProfile(ctx)
	if err == nil {
		var p keystore.Profile
		if p, err = c.store.Profile(ctx, id); err == nil && p.State == keystore.ProfileReady {
			return c.certificate(ctx, p)
		}
	}
	if err != nil && !errors.Is(err, keystore.ErrNotFound) {
		return Certificate{}, err
	}
	profiles, err := c.store.Profiles(ctx)
	if err != nil {
		return Certificate{}, err
	}
	for _, p := range profiles {
		if p.State == keystore.ProfileReady {
			if err := c.store.SetCurrentProfile(ctx, p.ID); err != nil {
				return Certificate{}, err
			}
			return c.certificate(ctx, p)
		}
	}
	return Certificate{}, ErrNoCertificate
}

// Select makes a certificate the current one (切换证书).
func (c *Client) Select(ctx context.Context, certID string) error {
	p, err := c.store.Profile(ctx, certID)
	if errors.Is(err, keystore.ErrNotFound) || err == nil && p.State != keystore.ProfileReady {
		return ErrNoCertificate
	}
	if err != nil {
		return err
	}
	return c.store.SetCurrentProfile(ctx, certID)
}

// Refresh asks the CA for the newest certificate of the same key and its state, and reports whether a renewed one
// replaced the one on this device.
func (c *Client) Refresh(ctx context.Context, certID string) (Certificate, bool, error) {
	p, l, err := c.profile(ctx, certID)
	if err != nil {
		return Certificate{}, false, err
	}
	answer, err := l.api.GetCredential(ctx, cosign.KeyID(p.KeyID).String())
	if err != nil {
		return Certificate{}, false, c.failure(err)
	}
	issued := gen.IssuedCertificate{Certificate: answer.Certificate, Chain: answer.Chain}
	if err := c.checkIssued(ctx, p, issued); err != nil {
		return Certificate{}, false, err
	}
	renewed := string(p.Certificate) != string(answer.Certificate)
	err = c.store.Update(ctx, func(tx *keystore.Tx) error {
		// Read again: another operation may have changed the profile while the service answered.
		if p, err = tx.Profile(certID); err != nil {
			return err
		}
		p.Certificate, p.Chain, p.CertState = answer.Certificate, answer.Chain, string(answer.Status.State)
		p.Holder, p.Phone, p.Checked = answer.Holder, answer.Phone, c.now()
		return tx.PutProfile(p)
	})
	if err != nil {
		return Certificate{}, false, err
	}
	cert, err := c.certificate(ctx, p)
	return cert, renewed, err
}

// Delete removes a certificate with its key share, history and signature from this device, unrecoverably, and ends the
// use of the share at the CA. The CA is told first; when it cannot be reached nothing is deleted.
func (c *Client) Delete(ctx context.Context, certID string) error {
	p, l, err := c.profile(ctx, certID)
	if err != nil {
		return err
	}
	err = l.api.RemoveCredentialFromDevice(ctx, uuid.New(), cosign.KeyID(p.KeyID).String())
	if err = c.failure(err); err != nil && !refusedWith(err, gen.ProblemCodeNotFound) {
		return err
	}
	c.mu.Lock()
	delete(c.signers, cosign.KeyID(p.KeyID))
	c.mu.Unlock()
	return c.store.DeleteProfile(ctx, certID)
}
