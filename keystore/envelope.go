package keystore

import (
	"context"
	"encoding/asn1"
	"fmt"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm4"
	"github.com/emmansun/gmsm/smx509"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// maxEnvelope bounds an enveloped key, in bytes.
const maxEnvelope = 4096

// OpenEnvelope opens the enveloped SM2 encryption key that a CA sends with an encryption certificate (SM2EnvelopedKey,
// GB/T 35276-2017 §7.4) and returns it as PKCS #8, which the caller wipes. The envelope's SM4 key is encrypted to the
// profile's signing key, so decrypt is a two-party decrypt. The private key is checked against the envelope's public key.
// Errors of decrypt are returned as they are; a malformed envelope is ErrInvalid.
func OpenEnvelope(ctx context.Context, envelope []byte, decrypt DecryptFunc) ([]byte, error) {
	e, err := parseEnvelope(envelope)
	if err != nil {
		return nil, err
	}
	key, err := decrypt(ctx, e.wrappedKey)
	defer clear(key)
	if err != nil {
		return nil, err
	}
	block, err := sm4.NewCipher(key)
	if err != nil {
		return nil, malformedEnvelope("key length")
	}
	scalar := make([]byte, len(e.encrypted))
	defer clear(scalar)
	var pkcs8 []byte
	withSecrets(func() {
		for i := 0; i < len(scalar); i += sm4.BlockSize { // ECB, as the standard has it
			block.Decrypt(scalar[i:], e.encrypted[i:])
		}
		pkcs8, err = e.finish(scalar)
	})
	return pkcs8, err
}

// envelope is the parsed structure.
type envelope struct {
	wrappedKey []byte // SM2Cipher, DER
	public     []byte // uncompressed point
	encrypted  []byte // 32 bytes, or 64 with 32 leading zeros inside
}

func parseEnvelope(der []byte) (*envelope, error) {
	if len(der) > maxEnvelope {
		return nil, malformedEnvelope("too long")
	}
	input := cryptobyte.String(der)
	var inner, algorithm, wrapped cryptobyte.String
	var oid asn1.ObjectIdentifier
	var public, encrypted asn1.BitString
	if !input.ReadASN1(&inner, cbasn1.SEQUENCE) || !input.Empty() ||
		!inner.ReadASN1(&algorithm, cbasn1.SEQUENCE) || !algorithm.ReadASN1ObjectIdentifier(&oid) ||
		!inner.ReadASN1Element(&wrapped, cbasn1.SEQUENCE) ||
		!inner.ReadASN1BitString(&public) || !inner.ReadASN1BitString(&encrypted) || !inner.Empty() {
		return nil, malformedEnvelope("structure")
	}
	if s := oid.String(); s != "1.2.156.10197.1.104" && s != "1.2.156.10197.1.104.1" {
		return nil, malformedEnvelope("algorithm " + s)
	}
	if n := len(encrypted.Bytes); n != 32 && n != 64 || encrypted.BitLength != 8*n || public.BitLength != 8*65 {
		return nil, malformedEnvelope("length")
	}
	return &envelope{wrappedKey: wrapped, public: public.Bytes, encrypted: encrypted.Bytes}, nil
}

func (e *envelope) finish(scalar []byte) ([]byte, error) {
	if len(scalar) == 64 {
		var rest byte
		for _, b := range scalar[:32] {
			rest |= b
		}
		if rest != 0 {
			return nil, malformedEnvelope("padding")
		}
		scalar = scalar[32:]
	}
	private, err := sm2.NewPrivateKey(scalar)
	if err != nil {
		return nil, malformedEnvelope("private key")
	}
	public, err := sm2.NewPublicKey(e.public)
	if err != nil || !private.PublicKey.Equal(public) {
		return nil, malformedEnvelope("public key of another private key")
	}
	return smx509.MarshalPKCS8PrivateKey(private)
}

func malformedEnvelope(what string) error {
	return fmt.Errorf("%w: enveloped key: %s", ErrInvalid, what)
}
