package client

import (
	"bytes"
	"context"
	"crypto/ecdsa"

	"github.com/emmansun/gmsm/pkcs7"
	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/smx509"

	"cloudkey/keystore"
)

// Verify checks a signature of the history again: that the SignedData holds this signature, that it verifies under the
// certificate in there, and that the certificate is the organisation's CA's and was valid at the time of signing. With a
// document its content is checked; without, the digest that the history's hash chain holds. Nothing is sent. It returns
// ErrBadSignature when anything does not fit.
func (c *Client) Verify(ctx context.Context, rec SignatureRecord, document []byte) error {
	stored, err := c.store.Signature(ctx, rec.ID)
	if err != nil {
		return err
	}
	if !bytes.Equal(stored.Signature, rec.Signature) || !bytes.Equal(stored.Digest, rec.Digest) {
		return ErrBadSignature
	}
	p, err := c.store.Profile(ctx, stored.Profile)
	if err != nil {
		return err
	}
	o, err := c.store.Organisation(ctx, p.Organisation)
	if err != nil {
		return err
	}
	return verifyStored(stored, document, o.CAFingerprint)
}

func verifyStored(stored keystore.Signature, document, fingerprint []byte) error {
	container, err := pkcs7.Parse(stored.SignedData)
	if err != nil || len(container.Signers) != 1 || !bytes.Equal(container.Signers[0].EncryptedDigest, stored.Signature) {
		return ErrBadSignature
	}
	cert := container.GetOnlySigner()
	if cert == nil || stored.Time.Before(cert.NotBefore) || stored.Time.After(cert.NotAfter) {
		return ErrBadSignature
	}
	issuer := issuerWith(container.Certificates, fingerprint)
	if issuer == nil || cert.CheckSignatureFrom(issuer) != nil {
		return ErrBadSignature
	}
	public, ok := cert.PublicKey.(*ecdsa.PublicKey)
	if !ok || !sm2.IsSM2PublicKey(public) || !sm2.VerifyASN1(public, stored.E, stored.Signature) {
		return ErrBadSignature
	}
	if document == nil {
		return nil
	}
	e, err := sm2.CalculateSM2Hash(public, document, nil)
	if err != nil {
		return err
	}
	if digest := sm3.Sum(document); !bytes.Equal(e, stored.E) || !bytes.Equal(digest[:], stored.Digest) {
		return ErrBadSignature
	}
	return nil
}

func issuerWith(certs []*smx509.Certificate, fingerprint []byte) *smx509.Certificate {
	for _, c := range certs {
		if sum := sm3.Sum(c.Raw); bytes.Equal(sum[:], fingerprint) {
			return c
		}
	}
	return nil
}
