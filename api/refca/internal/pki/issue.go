package pki

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"
)

// ErrRequest reports a certificate request that is malformed, not signed by its own key, or made for another key.
var ErrRequest = errors.New("pki: certificate request refused")

// MaxRequest is the largest PKCS#10 request read, in bytes.
const MaxRequest = 4096

// oidUID is the attribute userid of RFC 4519 §2.39; it carries the staff number.
var oidUID = asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 1}

// Subject is what the organisation knows about the holder. What a request says about its subject is not taken over.
type Subject struct {
	Organisation string
	Unit         string // department, may be empty
	Holder       string
	Account      string
}

// Issue checks a PKCS#10 request (RFC 2986, DER, SM2-with-SM3 and the default user ID) and issues a signing certificate valid for a
// year. publicKey is the uncompressed point (65 bytes) that both parties confirmed; the request must be for it and signed with
// it. The DER of the certificate is returned; errors of the request wrap ErrRequest.
func (a *Authority) Issue(request, publicKey []byte, who Subject, now time.Time) (der []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			der, err = nil, fmt.Errorf("%w: %v", ErrRequest, r)
		}
	}()
	pub, err := CheckRequest(request, publicKey)
	if err != nil {
		return nil, err
	}
	subject := pkix.Name{
		Country: []string{"CN"}, Organization: []string{who.Organisation}, CommonName: who.Holder,
		ExtraNames: []pkix.AttributeTypeAndValue{{Type: oidUID, Value: who.Account}},
	}
	if who.Unit != "" {
		subject.OrganizationalUnit = []string{who.Unit}
	}
	return a.certify(&smx509.Certificate{Subject: subject}, pub, now)
}

// Reissue makes a certificate for the subject and key of one that this CA issued, valid from now.
func (a *Authority) Reissue(certificate []byte, now time.Time) ([]byte, error) {
	old, err := smx509.ParseCertificate(certificate)
	if err != nil {
		return nil, err
	}
	if err := old.CheckSignatureFrom(a.Issuing); err != nil {
		return nil, err
	}
	pub, ok := old.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		return nil, errors.New("pki: not an SM2 certificate")
	}
	return a.certify(&smx509.Certificate{RawSubject: old.RawSubject}, pub, now)
}

// certify signs a user's signing certificate. template has the subject only.
func (a *Authority) certify(template *smx509.Certificate, pub *ecdsa.PublicKey, now time.Time) (der []byte, err error) {
	if template.SerialNumber, err = newSerial(); err != nil {
		return nil, err
	}
	if template.SubjectKeyId, err = keyID(pub); err != nil {
		return nil, err
	}
	template.NotBefore, template.NotAfter = now.Add(-backdate), now.AddDate(userYears, 0, 0)
	if template.NotAfter.After(a.Issuing.NotAfter) {
		template.NotAfter = a.Issuing.NotAfter
	}
	template.SignatureAlgorithm, template.BasicConstraintsValid = smx509.SM2WithSM3, true
	template.KeyUsage = smx509.KeyUsageDigitalSignature | smx509.KeyUsageContentCommitment
	if d := a.Distribution; d != "" {
		template.CRLDistributionPoints = []string{d + CRLFile}
		template.OCSPServer, template.IssuingCertificateURL = []string{d + OCSPService}, []string{d + IssuingFile}
	}
	return smx509.CreateCertificate(rand.Reader, template, a.Issuing, pub, a.issuing)
}

// CheckRequest checks the request as Issue does and returns its key.
func CheckRequest(request, publicKey []byte) (*ecdsa.PublicKey, error) {
	if len(request) > MaxRequest {
		return nil, fmt.Errorf("%w: %d bytes", ErrRequest, len(request))
	}
	csr, err := smx509.ParseCertificateRequest(request)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	if !bytes.Equal(csr.Raw, request) || csr.SignatureAlgorithm != smx509.SM2WithSM3 {
		return nil, fmt.Errorf("%w: not a single SM2 request", ErrRequest)
	}
	pub, ok := csr.PublicKey.(*ecdsa.PublicKey)
	if !ok || !sm2.IsSM2PublicKey(pub) {
		return nil, fmt.Errorf("%w: not an SM2 key", ErrRequest)
	}
	point, err := Point(pub)
	if err != nil || !bytes.Equal(point, publicKey) {
		return nil, fmt.Errorf("%w: made for another key", ErrRequest)
	}
	if err := csr.CheckSignature(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	return pub, nil
}

// Point returns the uncompressed form of an SM2 public key, 65 bytes.
func Point(pub *ecdsa.PublicKey) ([]byte, error) {
	key, err := sm2.PublicKeyToECDH(pub)
	if err != nil {
		return nil, err
	}
	return key.Bytes(), nil
}
