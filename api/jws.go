package api

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/emmansun/gmsm/sm2"
)

// Signature algorithms of the signed statements. SM2-SM3 is not in the IANA registry of JOSE; here it means SM2 (GB/T
// 32918.2) with SM3 and the default user ID over the JWS signing input, as r ‖ s, 32 bytes each. The key's curve decides
// which of the two a certificate may use, so that no header can choose another.
const (
	algES256 = "ES256"
	algSM2   = "SM2-SM3"
)

// Values of typ: they keep a statement of one kind from being taken for another.
const (
	typInit = "cloudkey-init+jwt"
	typInfo = "cloudkey-info+jwt"
)

const (
	maxStatement = 16 << 10 // bytes of a compact JWS outside a QR
	maxChain     = 4        // certificates in x5c
)

// jwsHeader is the whole protected header: members that are not here (crit, jwk, jku, kid, b64, zip …) are refused.
type jwsHeader struct {
	Alg string   `json:"alg"`
	Typ string   `json:"typ"`
	X5c []string `json:"x5c"`
}

// statement is a compact JWS (RFC 7515) taken apart. Nothing in it is to be believed before verify.
type statement struct {
	alg     string
	chain   [][]byte // DER, signer first
	payload []byte
	input   string // signing input
	value   []byte // r ‖ s
}

var errJWS = errors.New("not a compact JWS of the contract")

// parseStatement takes a compact JWS apart. The error says which part is wrong.
func parseStatement(text, typ string, limit int) (*statement, error) {
	if len(text) > limit {
		return nil, fmt.Errorf("%w: %d bytes", errJWS, len(text))
	}
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return nil, fmt.Errorf("%w: %d parts", errJWS, len(parts))
	}
	var decoded [3][]byte
	for i, part := range parts {
		var err error
		if decoded[i], err = decodeBase64URL(part); err != nil || part == "" {
			return nil, fmt.Errorf("%w: part %d", errJWS, i+1)
		}
	}
	var header jwsHeader
	if err := DecodeRequest(decoded[0], &header); err != nil {
		return nil, fmt.Errorf("%w: header: %w", errJWS, err)
	}
	s := &statement{alg: header.Alg, payload: decoded[1], input: parts[0] + "." + parts[1], value: decoded[2]}
	if len(s.value) != 64 {
		return nil, fmt.Errorf("%w: signature of %d bytes", errJWS, len(s.value))
	}
	if header.Typ != typ {
		return nil, fmt.Errorf("%w: typ %q", errJWS, header.Typ)
	}
	if len(header.X5c) == 0 || len(header.X5c) > maxChain {
		return nil, fmt.Errorf("%w: x5c", errJWS)
	}
	for _, encoded := range header.X5c {
		der, err := base64.StdEncoding.Strict().DecodeString(encoded)
		if err != nil || strings.ContainsAny(encoded, "\r\n") {
			return nil, fmt.Errorf("%w: x5c", errJWS)
		}
		s.chain = append(s.chain, der)
	}
	return s, nil
}

// verify checks the signature under a public key that the caller trusts for a reason of its own.
func (s *statement) verify(public *ecdsa.PublicKey) error {
	alg, err := algorithmOf(public)
	if err != nil {
		return err
	}
	if s.alg != alg {
		return fmt.Errorf("%w: alg %q for a key of %s", errJWS, s.alg, alg)
	}
	r, t := new(big.Int).SetBytes(s.value[:32]), new(big.Int).SetBytes(s.value[32:])
	var ok bool
	if alg == algSM2 {
		e, err := sm2.CalculateSM2Hash(public, []byte(s.input), nil)
		ok = err == nil && sm2.Verify(public, e, r, t)
	} else {
		digest := sha256.Sum256([]byte(s.input))
		ok = ecdsa.Verify(public, digest[:], r, t)
	}
	if !ok {
		return errors.New("signature does not verify")
	}
	return nil
}

func algorithmOf(public *ecdsa.PublicKey) (string, error) {
	switch {
	case public.Curve == elliptic.P256():
		return algES256, nil
	case public.Curve == sm2.P256():
		return algSM2, nil
	default:
		return "", errors.New("signer's key is neither on P-256 nor on the SM2 curve")
	}
}

// signStatement makes a compact JWS over claims. chain is DER, the signer's certificate first, a root left out.
func signStatement(typ string, claims any, key crypto.Signer, chain [][]byte) (string, error) {
	public, ok := key.Public().(*ecdsa.PublicKey)
	if !ok {
		return "", errors.New("api: signing key is not on an elliptic curve")
	}
	alg, err := algorithmOf(public)
	if err != nil {
		return "", fmt.Errorf("api: %w", err)
	}
	header := jwsHeader{Alg: alg, Typ: typ}
	for _, der := range chain {
		header.X5c = append(header.X5c, base64.StdEncoding.EncodeToString(der))
	}
	encodedHeader, err := json.Marshal(header)
	if err != nil {
		return "", fmt.Errorf("api: %w", err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("api: %w", err)
	}
	input := base64.RawURLEncoding.EncodeToString(encodedHeader) + "." + base64.RawURLEncoding.EncodeToString(payload)
	var der []byte
	if alg == algSM2 {
		der, err = key.Sign(rand.Reader, []byte(input), sm2.DefaultSM2SignerOpts)
	} else {
		digest := sha256.Sum256([]byte(input))
		der, err = key.Sign(rand.Reader, digest[:], crypto.SHA256)
	}
	if err != nil {
		return "", fmt.Errorf("api: signing key: %w", err)
	}
	raw, err := rawECDSA(der)
	if err != nil {
		return "", fmt.Errorf("api: signing key: %w", err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(raw), nil
}
