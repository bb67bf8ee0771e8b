package pki

import (
	"crypto/rand"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"time"

	"cloudkey/api"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"
)

// SealMaker signs electronic seals (制章者, GB/T 38540). It is immutable and safe for concurrent use.
type SealMaker struct {
	Certificate *smx509.Certificate // SM2, signed by the issuing CA
	key         *sm2.PrivateKey
}

// NewSealMaker makes a key and a certificate for one. The key is PKCS#8 and secret.
func (a *Authority) NewSealMaker(organisation string, now time.Time) (certificate, key []byte, err error) {
	private, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := newSerial()
	if err != nil {
		return nil, nil, err
	}
	ski, err := keyID(&private.PublicKey)
	if err != nil {
		return nil, nil, err
	}
	template := &smx509.Certificate{
		SerialNumber: serial, SignatureAlgorithm: smx509.SM2WithSM3, SubjectKeyId: ski, BasicConstraintsValid: true,
		Subject:   pkix.Name{Country: []string{"CN"}, Organization: []string{organisation}, CommonName: "云密钥测试制章者"},
		NotBefore: now.Add(-backdate), NotAfter: a.Issuing.NotAfter,
		KeyUsage: smx509.KeyUsageDigitalSignature | smx509.KeyUsageContentCommitment,
	}
	if certificate, err = smx509.CreateCertificate(rand.Reader, template, a.Issuing, &private.PublicKey, a.issuing); err != nil {
		return nil, nil, err
	}
	key, err = smx509.MarshalPKCS8PrivateKey(private)
	return certificate, key, err
}

// LoadSealMaker reads what NewSealMaker made.
func LoadSealMaker(certificate, key []byte) (*SealMaker, error) {
	cert, err := smx509.ParseCertificate(certificate)
	if err != nil {
		return nil, fmt.Errorf("pki: seal maker: %w", err)
	}
	parsed, err := smx509.ParsePKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("pki: seal maker's key: %w", err)
	}
	private, ok := parsed.(*sm2.PrivateKey)
	if !ok || !private.PublicKey.Equal(cert.PublicKey) {
		return nil, errors.New("pki: the seal maker's key does not match its certificate")
	}
	return &SealMaker{cert, private}, nil
}

// Make signs a seal and returns its DER.
func (m *SealMaker) Make(seal api.ESeal) ([]byte, error) { return seal.Sign(m.Certificate.Raw, m.key) }
