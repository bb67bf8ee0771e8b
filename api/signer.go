package api

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/emmansun/gmsm/smx509"
)

// SignerUsage is the extended key usage that a certificate must have to sign init QR codes and /info. Without it, every
// certificate under the same root (a user's, a web server's) could stand up as an organisation. The arc is under 2.25
// (ITU-T X.667), short because Go's certificate parser takes no arc above 31 bits.
func SignerUsage() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{2, 25, 71448802, 1} }

// Anchors are the roots that an organisation's signer may chain to: shipped with the app or imported by the organisation.
// Nil and the zero value hold none. Safe for concurrent use.
type Anchors struct {
	pool *smx509.CertPool
}

// ParseAnchors reads CA certificates in PEM (P-256 or SM2). Other PEM blocks and non-CA certificates are refused.
func ParseAnchors(text []byte) (*Anchors, error) {
	pool, n := smx509.NewCertPool(), 0
	for {
		var block *pem.Block
		block, text = pem.Decode(text)
		if block == nil {
			break
		}
		certificate, err := smx509.ParseCertificate(block.Bytes)
		if block.Type != "CERTIFICATE" || err != nil || !certificate.IsCA {
			return nil, errors.New("api: trust anchor is no CA certificate")
		}
		pool.AddCert(certificate)
		n++
	}
	if n == 0 || len(bytes.TrimSpace(text)) != 0 {
		return nil, errors.New("api: trust anchors are not PEM certificates")
	}
	return &Anchors{pool: pool}, nil
}

// Signer is the certificate that an organisation signs its init QR and /info with.
type Signer struct {
	certificate *smx509.Certificate
	public      *ecdsa.PublicKey
	anchored    bool
}

// Name is the subject's common name, or its organisation when it has none.
func (s *Signer) Name() string {
	if name := s.certificate.Subject.CommonName; name != "" || len(s.certificate.Subject.Organization) == 0 {
		return name
	}
	return s.certificate.Subject.Organization[0]
}

// DER is the certificate, to be stored and read again with ParseSigner.
func (s *Signer) DER() []byte { return bytes.Clone(s.certificate.Raw) }

// Anchored says whether the signer chains to a trust anchor. If not, only the first-use code tells it from a stranger.
func (s *Signer) Anchored() bool { return s.anchored }

// ParseSigner reads a stored signer certificate (DER). It is not anchored: that was decided when the QR was read.
func ParseSigner(der []byte) (*Signer, error) {
	certificate, err := smx509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("api: signer: %w", err)
	}
	public, ok := certificate.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		return nil, errors.New("api: signer's key is not on an elliptic curve")
	}
	if _, err := algorithmOf(public); err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	return &Signer{certificate: certificate, public: public}, nil
}

// newSigner checks the chain of a statement: a certificate made for this purpose and valid now. A chain that leads to no
// anchor is no error here.
func newSigner(chain [][]byte, anchors *Anchors, now time.Time) (*Signer, error) {
	s, err := ParseSigner(chain[0])
	if err != nil {
		return nil, err
	}
	if err := s.usable(now); err != nil {
		return nil, err
	}
	if anchors == nil || anchors.pool == nil {
		return s, nil
	}
	intermediates := smx509.NewCertPool()
	for _, der := range chain[1:] {
		certificate, err := smx509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("api: signer's chain: %w", err)
		}
		intermediates.AddCert(certificate)
	}
	_, err = s.certificate.Verify(smx509.VerifyOptions{
		Roots: anchors.pool, Intermediates: intermediates, CurrentTime: now,
		KeyUsages: []smx509.ExtKeyUsage{smx509.ExtKeyUsageAny},
	})
	s.anchored = err == nil
	return s, nil
}

// usable checks purpose and validity of the certificate alone.
func (s *Signer) usable(now time.Time) error {
	c := s.certificate
	var purpose bool
	for _, usage := range c.UnknownExtKeyUsage {
		purpose = purpose || usage.Equal(SignerUsage())
	}
	switch {
	case c.IsCA:
		return errors.New("api: signer is a CA")
	case c.KeyUsage != 0 && x509.KeyUsage(c.KeyUsage)&x509.KeyUsageDigitalSignature == 0:
		return errors.New("api: signer may not sign")
	case !displayable(s.Name(), 64):
		return errors.New("api: signer has no name that can be shown")
	case !purpose:
		return errors.New("api: signer is not made for this purpose (extended key usage)")
	case now.Before(c.NotBefore) || now.After(c.NotAfter):
		return errors.New("api: signer's certificate is not valid now")
	}
	return nil
}

// sameKey says whether another certificate holds the same public key.
func (s *Signer) sameKey(other *Signer) bool {
	return bytes.Equal(s.certificate.RawSubjectPublicKeyInfo, other.certificate.RawSubjectPublicKeyInfo)
}
