package client

import (
	"crypto"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"io"

	"github.com/emmansun/gmsm/pkcs7"
	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"
)

// finished hands out a signature that was made before, where a library insists on a crypto.Signer. Without signed
// attributes the signature in a SignedData is the plain signature over the content, so one two-party run serves both.
type finished struct {
	public    *ecdsa.PublicKey
	signature []byte
}

func (f finished) Public() crypto.PublicKey { return f.public }

func (f finished) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return f.signature, nil }

// signedData wraps a finished signature over the digest e into a detached SignedData (GB/T 35275 §8, object identifiers
// of the SM2 arc) with the signer's certificate and its chain.
func signedData(certificate []byte, chain [][]byte, e, signature []byte) ([]byte, error) {
	cert, err := smx509.ParseCertificate(certificate)
	if err != nil {
		return nil, fmt.Errorf("client: own certificate: %w", err)
	}
	public, ok := cert.PublicKey.(*ecdsa.PublicKey)
	if !ok || !sm2.IsSM2PublicKey(public) {
		return nil, errors.New("client: not an SM2 certificate")
	}
	sd, err := pkcs7.NewSMSignedDataWithDigest(e)
	if err != nil {
		return nil, err
	}
	sd.SetEncryptionAlgorithm(pkcs7.OIDDigestEncryptionAlgorithmSM2)
	if err := sd.SignWithoutAttr(cert, finished{public, signature}, pkcs7.SignerInfoConfig{}); err != nil {
		return nil, err
	}
	for _, der := range chain {
		c, err := smx509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("client: chain: %w", err)
		}
		sd.AddCertificate(c)
	}
	sd.Detach()
	return sd.Finish()
}
