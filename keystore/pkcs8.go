package keystore

import (
	"crypto/rsa"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"

	"github.com/emmansun/gmsm/cfca"
	"github.com/emmansun/gmsm/pkcs8"
	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"
)

// ReadPKCS8 opens an encrypted PKCS #8 private key (EncryptedPrivateKeyInfo, RFC 5958 §3) with an SM2 or RSA key, DER. Of PBES2
// (RFC 8018 §6.2) it takes PBKDF2 with the hashes and ciphers in use, SM3 and SM4 among them. A passphrase that does not
// open it is ErrPassphrase; a file that is malformed, asks for another scheme or holds another kind of key is ErrInvalid.
func ReadPKCS8(file, passphrase []byte) (ImportedKey, error) {
	if err := checkPBES2(file); err != nil {
		return ImportedKey{}, err
	}
	if len(passphrase) == 0 {
		return ImportedKey{}, ErrPassphrase
	}
	var key any
	err := parseForeign(func() (err error) { key, _, err = pkcs8.ParsePrivateKey(file, passphrase); return err })
	if err != nil {
		return ImportedKey{}, err
	}
	return imported(key)
}

// ReadSM2 opens the file in which the tools of CFCA hand out an SM2 key with its certificate (usually named .sm2), DER. Its
// encryption is one pass of SM3 and has no tag, so keep such files as if they were not encrypted. Errors as ReadPKCS8 has.
func ReadSM2(file, passphrase []byte) (ImportedKey, error) {
	var outer asn1.RawValue
	if rest, err := asn1.Unmarshal(file, &outer); err != nil || len(rest) > 0 || len(file) > maxPKCS12 {
		return ImportedKey{}, fmt.Errorf("%w: not an SM2 key file", ErrInvalid)
	}
	var key *sm2.PrivateKey
	var cert *smx509.Certificate
	err := parseForeign(func() (err error) { key, cert, err = cfca.ParseSM2(passphrase, file); return err })
	if err != nil {
		return ImportedKey{}, err
	}
	out, err := imported(key)
	out.Certificate = cert.Raw
	return out, err
}

// parseForeign runs a parser of the library, which panics on some lengths that a file can have. After a structure that
// was checked before, what fails is the passphrase.
func parseForeign(parse func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = fmt.Errorf("%w: malformed key file", ErrInvalid)
		}
	}()
	if parse() != nil {
		return ErrPassphrase
	}
	return nil
}

// maxIterations bounds the work a file can ask for: a few seconds on a phone.
const maxIterations = 5_000_000

var (
	oidPBES2   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidSMPBES  = asn1.ObjectIdentifier{1, 2, 156, 10197, 6, 4, 1, 5, 2}
	oidPBKDF2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidSMPBKDF = asn1.ObjectIdentifier{1, 2, 156, 10197, 6, 4, 1, 5, 1}
)

// checkPBES2 refuses what the library would spend any time or memory on that the file asks for.
func checkPBES2(file []byte) error {
	var outer struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}
	var scheme struct{ KDF, Cipher pkix.AlgorithmIdentifier }
	var kdf struct {
		Salt       []byte
		Iterations int
	}
	refused := func(what string) error { return fmt.Errorf("%w: PKCS #8: %s", ErrInvalid, what) }
	if len(file) > maxPKCS12 {
		return refused("too large")
	}
	if rest, err := asn1.Unmarshal(file, &outer); err != nil || len(rest) > 0 {
		return refused("not an encrypted private key")
	}
	if !outer.Algorithm.Algorithm.Equal(oidPBES2) && !outer.Algorithm.Algorithm.Equal(oidSMPBES) {
		return refused("not PBES2")
	}
	if _, err := asn1.Unmarshal(outer.Algorithm.Parameters.FullBytes, &scheme); err != nil {
		return refused("parameters of PBES2")
	}
	if !scheme.KDF.Algorithm.Equal(oidPBKDF2) && !scheme.KDF.Algorithm.Equal(oidSMPBKDF) {
		return refused("not PBKDF2")
	}
	// The fields after the count are optional and of several types: only the first two matter here.
	var fields asn1.RawValue
	if _, err := asn1.Unmarshal(scheme.KDF.Parameters.FullBytes, &fields); err != nil {
		return refused("parameters of PBKDF2")
	}
	rest, err := asn1.Unmarshal(fields.Bytes, &kdf.Salt)
	if err == nil {
		_, err = asn1.Unmarshal(rest, &kdf.Iterations)
	}
	if err != nil || kdf.Iterations < 1 || kdf.Iterations > maxIterations {
		return refused("parameters of PBKDF2")
	}
	return nil
}

func imported(key any) (out ImportedKey, err error) {
	switch key.(type) {
	case *sm2.PrivateKey:
		out.Kind = KeySM2
	case *rsa.PrivateKey:
		out.Kind = KeyRSA
	default:
		return ImportedKey{}, fmt.Errorf("%w: neither an SM2 nor an RSA key", ErrInvalid)
	}
	if out.PKCS8, err = smx509.MarshalPKCS8PrivateKey(key); err != nil {
		return ImportedKey{}, fmt.Errorf("%w: private key: %v", ErrInvalid, err)
	}
	if _, err := parsePrivateKey(out.PKCS8, out.Kind); err != nil {
		clear(out.PKCS8)
		return ImportedKey{}, err
	}
	return out, nil
}
