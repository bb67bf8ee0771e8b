package pki

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // RFC 6960 §4.2.1 names the responder by it
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/emmansun/gmsm/smx509"
	"golang.org/x/crypto/ocsp"
)

// The names of the files and services under Authority.Distribution.
const (
	CRLFile     = "issuing.crl"
	IssuingFile = "issuing.cer"
	OCSPService = "ocsp"
)

// revocationLife is how long a CRL or an OCSP answer may be relied on: nextUpdate − thisUpdate.
const revocationLife = time.Hour

// ErrOCSPRequest reports bytes that are no OCSP request for one certificate.
var ErrOCSPRequest = errors.New("pki: OCSP request refused")

// Revocation is the end, or the suspension, of a certificate.
type Revocation struct {
	Serial    *big.Int
	Time      time.Time
	Suspended bool // certificateHold: may be lifted
}

// reason is the CRLReason of RFC 5280 §5.3.1.
func (r Revocation) reason() int {
	if r.Suspended {
		return ocsp.CertificateHold
	}
	return ocsp.Unspecified
}

// CRL makes the revocation list of the issuing CA (RFC 5280 §5; GB/T 20518), DER, signed with SM2 and SM3. Its number is the
// time in nanoseconds, so that of two lists the later one has the larger number.
func (a *Authority) CRL(revoked []Revocation, now time.Time) ([]byte, error) {
	list := &smx509.RevocationList{
		SignatureAlgorithm: smx509.SM2WithSM3, Number: big.NewInt(now.UnixNano()),
		ThisUpdate: now.Add(-backdate), NextUpdate: now.Add(revocationLife),
	}
	for _, r := range revoked {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, smx509.RevocationListEntry{
			SerialNumber: r.Serial, RevocationTime: r.Time, ReasonCode: r.reason(),
		})
	}
	return smx509.CreateRevocationList(rand.Reader, list, a.Issuing, a.issuing)
}

// The structures of RFC 6960 §4.2.1. Package ocsp of x/crypto makes them too, but signs with RSA and the NIST curves only.
type (
	ocspCertID struct {
		Hash              pkix.AlgorithmIdentifier
		NameHash, KeyHash []byte
		Serial            *big.Int
	}
	ocspRevoked struct {
		Time   time.Time       `asn1:"generalized"`
		Reason asn1.Enumerated `asn1:"explicit,tag:0,optional"`
	}
	ocspSingle struct {
		CertID     ocspCertID
		Good       asn1.Flag   `asn1:"tag:0,optional"`
		Revoked    ocspRevoked `asn1:"tag:1,optional"`
		Unknown    asn1.Flag   `asn1:"tag:2,optional"`
		ThisUpdate time.Time   `asn1:"generalized"`
		NextUpdate time.Time   `asn1:"generalized,explicit,tag:0"`
	}
	ocspData struct {
		KeyHash    []byte    `asn1:"explicit,tag:2"`
		ProducedAt time.Time `asn1:"generalized"`
		Responses  []ocspSingle
	}
	ocspBasic struct {
		Data      asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}
	ocspBytes struct {
		Type     asn1.ObjectIdentifier
		Response []byte
	}
	ocspResponse struct {
		Status asn1.Enumerated
		Bytes  ocspBytes `asn1:"explicit,tag:0"`
	}
)

// hashOIDs are the hash functions a request may name its issuer by.
func hashOIDs() map[crypto.Hash]asn1.ObjectIdentifier {
	return map[crypto.Hash]asn1.ObjectIdentifier{
		crypto.SHA1: {1, 3, 14, 3, 2, 26}, crypto.SHA256: {2, 16, 840, 1, 101, 3, 4, 2, 1},
		crypto.SHA384: {2, 16, 840, 1, 101, 3, 4, 2, 2}, crypto.SHA512: {2, 16, 840, 1, 101, 3, 4, 2, 3},
	}
}

// OCSP answers an OCSP request (RFC 6960) for one certificate, signed by the issuing CA itself with SM2 and SM3. lookup says
// whether a serial number was issued, and how it ended: nil for not. A certificate that was not issued here, or a request for
// another issuer's, is "unknown". A nonce is not repeated. What is no request is ErrOCSPRequest; answer it with
// ocsp.MalformedRequestErrorResponse.
func (a *Authority) OCSP(request []byte, now time.Time, lookup func(*big.Int) (issued bool, end *Revocation, err error)) ([]byte, error) {
	asked, err := ocsp.ParseRequest(request)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOCSPRequest, err)
	}
	oid, known := hashOIDs()[asked.HashAlgorithm]
	if !known {
		return nil, fmt.Errorf("%w: hash %s", ErrOCSPRequest, asked.HashAlgorithm)
	}
	public, err := keyBits(a.Issuing.RawSubjectPublicKeyInfo)
	if err != nil {
		return nil, err
	}
	sum := func(b []byte) []byte {
		h := asked.HashAlgorithm.New()
		h.Write(b)
		return h.Sum(nil)
	}
	single := ocspSingle{
		CertID: ocspCertID{
			Hash:     pkix.AlgorithmIdentifier{Algorithm: oid, Parameters: asn1.NullRawValue},
			NameHash: asked.IssuerNameHash, KeyHash: asked.IssuerKeyHash, Serial: asked.SerialNumber,
		},
		ThisUpdate: now.UTC(), NextUpdate: now.Add(revocationLife).UTC(),
	}
	var issued bool
	var end *Revocation
	if bytes.Equal(asked.IssuerNameHash, sum(a.Issuing.RawSubject)) && bytes.Equal(asked.IssuerKeyHash, sum(public)) {
		if issued, end, err = lookup(asked.SerialNumber); err != nil {
			return nil, err
		}
	}
	switch {
	case !issued:
		single.Unknown = true
	case end != nil:
		single.Revoked = ocspRevoked{Time: end.Time.UTC(), Reason: asn1.Enumerated(end.reason())}
	default:
		single.Good = true
	}
	return a.signOCSP(public, single, now)
}

func (a *Authority) signOCSP(public []byte, single ocspSingle, now time.Time) ([]byte, error) {
	responder := sha1.Sum(public) //nolint:gosec // a name, not a protection
	data, err := asn1.Marshal(ocspData{KeyHash: responder[:], ProducedAt: now.UTC(), Responses: []ocspSingle{single}})
	if err != nil {
		return nil, err
	}
	signature, err := a.issuing.SignWithSM2(rand.Reader, nil, data)
	if err != nil {
		return nil, err
	}
	basic, err := asn1.Marshal(ocspBasic{
		Data:      asn1.RawValue{FullBytes: data},
		Algorithm: pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 156, 10197, 1, 501}},
		Signature: asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)},
	})
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(ocspResponse{
		Bytes: ocspBytes{Type: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 1}, Response: basic},
	})
}

// keyBits is the content of the BIT STRING of a SubjectPublicKeyInfo.
func keyBits(spki []byte) ([]byte, error) {
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(spki, &info); err != nil {
		return nil, err
	}
	return info.Key.RightAlign(), nil
}
