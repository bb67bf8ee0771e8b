package keystore

import (
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"

	"software.sslmate.com/src/go-pkcs12"
)

// maxPKCS12 bounds a file to import, in bytes.
const maxPKCS12 = 1 << 20

// ImportedKey is what a file holds, for SealKey or SealKeyWithPassphrase.
type ImportedKey struct {
	Kind        KeyKind
	PKCS8       []byte   // the private key; the caller wipes it
	Certificate []byte   // DER; nil from PKCS #8
	Chain       [][]byte // DER, as they come in the file
}

// ReadPKCS12 opens a PKCS #12 file (RFC 7292) with an RSA key. A wrong passphrase is ErrPassphrase; a file that is
// malformed, or holds another kind of key, is ErrInvalid. The library takes the passphrase as a string: a copy stays in
// memory until it is collected.
func ReadPKCS12(file, passphrase []byte) (ImportedKey, error) {
	if len(file) > maxPKCS12 {
		return ImportedKey{}, fmt.Errorf("%w: PKCS #12 file of %d bytes", ErrInvalid, len(file))
	}
	key, cert, chain, err := pkcs12.DecodeChain(file, string(passphrase))
	switch {
	case errors.Is(err, pkcs12.ErrIncorrectPassword):
		return ImportedKey{}, ErrPassphrase
	case err != nil:
		return ImportedKey{}, fmt.Errorf("%w: PKCS #12: %v", ErrInvalid, err)
	}
	private, ok := key.(*rsa.PrivateKey)
	if !ok {
		return ImportedKey{}, fmt.Errorf("%w: PKCS #12 file without an RSA key", ErrInvalid)
	}
	out := ImportedKey{Kind: KeyRSA, Certificate: cert.Raw}
	for _, c := range chain {
		out.Chain = append(out.Chain, c.Raw)
	}
	if out.PKCS8, err = x509.MarshalPKCS8PrivateKey(private); err != nil {
		return ImportedKey{}, fmt.Errorf("%w: PKCS #12: %v", ErrInvalid, err)
	}
	if _, err := parsePrivateKey(out.PKCS8, KeyRSA); err != nil {
		clear(out.PKCS8)
		return ImportedKey{}, err
	}
	return out, nil
}
