// Package pki makes and reads the keys and certificates of the reference CA: an SM2 root with one issuing CA for the users'
// certificates, and a P-256 trust root whose signer vouches for the init QR and /info and whose leaf serves TLS.
//
// Certificates of users follow GB/T 20518-2018 (the national form of GM/T 0015): version 3, serial numbers of at most 20
// bytes, subject in the order C, O, OU, CN, UID, critical key usage, key identifiers of subject and authority.
package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"

	"cloudkey/api"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/smx509"
)

// Validity of the certificates.
const (
	rootYears    = 20
	issuingYears = 10
	signerYears  = 5
	userYears    = 1
	// backdate lets a client whose clock is a little slow accept a certificate at once.
	backdate = 5 * time.Minute
)

// Authority holds all signing keys of the CA. It is immutable after New or Load and safe for concurrent use.
type Authority struct {
	Root    *smx509.Certificate // SM2, self-signed
	Issuing *smx509.Certificate // SM2, signed by Root
	issuing *sm2.PrivateKey

	TrustRoot *x509.Certificate // P-256, self-signed: the anchor of the init QR
	Signer    *x509.Certificate // P-256, signed by TrustRoot
	signer    *ecdsa.PrivateKey
	trustRoot *ecdsa.PrivateKey

	// Distribution is the URL, with its last slash, under which CRLFile, IssuingFile and OCSPService are served. Certificates
	// issued while it is empty do not name them.
	Distribution string

	tls  *ecdsa.PrivateKey
	pins []api.Pin // of tls and of the backup key
}

// Material is an Authority as it is stored: DER of certificates and PKCS#8 keys. It is secret.
type Material struct {
	Root, Issuing, IssuingKey                  []byte
	TrustRoot, TrustRootKey, Signer, SignerKey []byte
	TLSKey                                     []byte
	BackupTLSKey                               []byte // not served; its pin is published so that TLSKey can be replaced
	RootKey                                    []byte
}

// New generates the keys and CA certificates of an organisation, valid from now on.
func New(organisation string, now time.Time) (*Material, error) {
	m := &Material{}
	rootKey, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	issuingKey, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	name := func(cn string) pkix.Name {
		return pkix.Name{Country: []string{"CN"}, Organization: []string{organisation}, CommonName: cn}
	}
	root, err := caTemplate(name("云密钥测试根CA"), &rootKey.PublicKey, now, rootYears, -1)
	if err != nil {
		return nil, err
	}
	if m.Root, err = smx509.CreateCertificate(rand.Reader, root, root, &rootKey.PublicKey, rootKey); err != nil {
		return nil, err
	}
	parent, err := smx509.ParseCertificate(m.Root)
	if err != nil {
		return nil, err
	}
	issuing, err := caTemplate(name("云密钥测试签发CA"), &issuingKey.PublicKey, now, issuingYears, 0)
	if err != nil {
		return nil, err
	}
	if m.Issuing, err = smx509.CreateCertificate(rand.Reader, issuing, parent, &issuingKey.PublicKey, rootKey); err != nil {
		return nil, err
	}
	if m.RootKey, err = smx509.MarshalPKCS8PrivateKey(rootKey); err != nil {
		return nil, err
	}
	if m.IssuingKey, err = smx509.MarshalPKCS8PrivateKey(issuingKey); err != nil {
		return nil, err
	}
	return m, m.newTrust(organisation, now)
}

// newTrust makes the P-256 side. Names and serial numbers are short and the signer has no extension but the needed ones,
// because its certificate stands in the init QR, where every byte makes the picture denser.
func (m *Material) newTrust(organisation string, now time.Time) error {
	keys := map[*[]byte]*ecdsa.PrivateKey{}
	for _, der := range []*[]byte{&m.TrustRootKey, &m.SignerKey, &m.TLSKey, &m.BackupTLSKey} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return err
		}
		if *der, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
			return err
		}
		keys[der] = key
	}
	rootKey, signerKey := keys[&m.TrustRootKey], keys[&m.SignerKey]
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "云密钥测试"},
		NotBefore: now.Add(-backdate), NotAfter: now.AddDate(rootYears, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	var err error
	if m.TrustRoot, err = x509.CreateCertificate(rand.Reader, root, root, &rootKey.PublicKey, rootKey); err != nil {
		return err
	}
	if root, err = x509.ParseCertificate(m.TrustRoot); err != nil {
		return err
	}
	root.SubjectKeyId = nil // leaves the authority key identifier out
	signer := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: organisation},
		NotBefore: now.Add(-backdate), NotAfter: now.AddDate(signerYears, 0, 0),
		KeyUsage:           x509.KeyUsageDigitalSignature,
		UnknownExtKeyUsage: []asn1.ObjectIdentifier{api.SignerUsage()},
	}
	m.Signer, err = x509.CreateCertificate(rand.Reader, signer, root, &signerKey.PublicKey, rootKey)
	return err
}

// Fields names the members of m, for storing them one by one.
func (m *Material) Fields() map[string]*[]byte {
	return map[string]*[]byte{
		"root": &m.Root, "rootKey": &m.RootKey, "issuing": &m.Issuing, "issuingKey": &m.IssuingKey,
		"trustRoot": &m.TrustRoot, "trustRootKey": &m.TrustRootKey, "signer": &m.Signer, "signerKey": &m.SignerKey,
		"tlsKey": &m.TLSKey, "backupTLSKey": &m.BackupTLSKey,
	}
}

// Wipe overwrites the keys. Certificates stay, for what has parsed them shares their memory.
func (m *Material) Wipe() {
	for _, key := range [][]byte{m.RootKey, m.IssuingKey, m.TrustRootKey, m.SignerKey, m.TLSKey, m.BackupTLSKey} {
		clear(key)
	}
}

func caTemplate(subject pkix.Name, pub *ecdsa.PublicKey, now time.Time, years, pathLen int) (*smx509.Certificate, error) {
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	ski, err := keyID(pub)
	if err != nil {
		return nil, err
	}
	return &smx509.Certificate{
		SerialNumber: serial, Subject: subject, SignatureAlgorithm: smx509.SM2WithSM3,
		NotBefore: now.Add(-backdate), NotAfter: now.AddDate(years, 0, 0), SubjectKeyId: ski,
		IsCA: true, BasicConstraintsValid: true, MaxPathLen: pathLen, MaxPathLenZero: pathLen == 0,
		KeyUsage: smx509.KeyUsageCertSign | smx509.KeyUsageCRLSign,
	}, nil
}

// Load reads stored material and checks that keys and certificates belong together.
func Load(m *Material) (*Authority, error) {
	a := &Authority{}
	var err error
	if a.Root, err = smx509.ParseCertificate(m.Root); err != nil {
		return nil, fmt.Errorf("pki: root: %w", err)
	}
	if a.Issuing, err = smx509.ParseCertificate(m.Issuing); err != nil {
		return nil, fmt.Errorf("pki: issuing CA: %w", err)
	}
	key, err := smx509.ParsePKCS8PrivateKey(m.IssuingKey)
	if err != nil {
		return nil, fmt.Errorf("pki: issuing key: %w", err)
	}
	var ok bool
	if a.issuing, ok = key.(*sm2.PrivateKey); !ok || !a.issuing.PublicKey.Equal(a.Issuing.PublicKey) {
		return nil, errors.New("pki: issuing key does not match its certificate")
	}
	if a.TrustRoot, err = x509.ParseCertificate(m.TrustRoot); err != nil {
		return nil, fmt.Errorf("pki: trust root: %w", err)
	}
	if a.Signer, err = x509.ParseCertificate(m.Signer); err != nil {
		return nil, fmt.Errorf("pki: signer: %w", err)
	}
	var backup *ecdsa.PrivateKey
	for der, dst := range map[*[]byte]**ecdsa.PrivateKey{
		&m.TrustRootKey: &a.trustRoot, &m.SignerKey: &a.signer, &m.TLSKey: &a.tls, &m.BackupTLSKey: &backup,
	} {
		key, err := x509.ParsePKCS8PrivateKey(*der)
		if err != nil {
			return nil, fmt.Errorf("pki: P-256 key: %w", err)
		}
		if *dst, ok = key.(*ecdsa.PrivateKey); !ok {
			return nil, errors.New("pki: not an ECDSA key")
		}
	}
	if !a.signer.PublicKey.Equal(a.Signer.PublicKey) || !a.trustRoot.PublicKey.Equal(a.TrustRoot.PublicKey) {
		return nil, errors.New("pki: trust keys do not match their certificates")
	}
	for _, key := range []*ecdsa.PrivateKey{a.tls, backup} {
		spki, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
		if err != nil {
			return nil, err
		}
		a.pins = append(a.pins, sha256.Sum256(spki))
	}
	return a, nil
}

// SignerKey returns the P-256 key of Signer, for JWS.
func (a *Authority) SignerKey() *ecdsa.PrivateKey { return a.signer }

// Anchor returns TrustRoot in PEM.
func (a *Authority) Anchor() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.TrustRoot.Raw})
}

// Chain returns the DER of the issuing CA and the root, in this order.
func (a *Authority) Chain() [][]byte { return [][]byte{a.Issuing.Raw, a.Root.Raw} }

// Fingerprint returns the SM3 digest of the issuing CA's certificate (DER), 32 bytes.
func (a *Authority) Fingerprint() [32]byte { return sm3.Sum(a.Issuing.Raw) }

// newSerial returns 128 random bits as a positive number of at most 16 bytes plus sign (GB/T 20518: 20 bytes at most).
func newSerial() (*big.Int, error) {
	for {
		n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 128))
		if err != nil || n.Sign() > 0 {
			return n, err
		}
	}
}

// keyID is the leftmost 160 bits of the SM3 digest of the key's BIT STRING (RFC 7093 §2, method 1, with SM3).
func keyID(pub *ecdsa.PublicKey) ([]byte, error) {
	der, err := smx509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, err
	}
	bits, err := keyBits(der)
	if err != nil {
		return nil, err
	}
	sum := sm3.Sum(bits)
	return sum[:20], nil
}
