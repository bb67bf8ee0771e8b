package api

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"time"
)

// The fixed values of the device signature (RFC 9421).
const (
	signatureLabel = "device"
	signatureTag   = "cloudkey-v1"
	signatureAlg   = "ecdsa-p256-sha256"
	nonceBytes     = 16
)

const (
	headerIdempotency    = "Idempotency-Key"
	headerContentDigest  = "Content-Digest"
	headerSignature      = "Signature"
	headerSignatureInput = "Signature-Input"
	contentJSON          = "application/json"
	contentProblem       = "application/problem+json"
)

// DeviceKey signs a device's requests. The key may live in hardware: all that is asked of it is crypto.Signer over a
// SHA-256 digest with an ASN.1 ECDSA signature as the result.
type DeviceKey struct {
	id     string
	signer crypto.Signer
}

// NewDeviceKey takes a P-256 key. DeviceKey is safe for concurrent use when signer is.
func NewDeviceKey(signer crypto.Signer) (*DeviceKey, error) {
	public, ok := signer.Public().(*ecdsa.PublicKey)
	if !ok {
		return nil, errors.New("api: device key is not ECDSA")
	}
	id, err := DeviceID(public)
	if err != nil {
		return nil, err
	}
	return &DeviceKey{id: id, signer: signer}, nil
}

// ID is the deviceId that follows from the key.
func (k *DeviceKey) ID() string { return k.id }

// PublicKey is the SubjectPublicKeyInfo (DER), as device registration sends it.
func (k *DeviceKey) PublicKey() ([]byte, error) { return x509.MarshalPKIXPublicKey(k.signer.Public()) }

// DeviceID derives a deviceId: lower-case hex of the first 16 bytes of SHA-256 over the key's SubjectPublicKeyInfo.
// Curves other than P-256 are refused.
func DeviceID(public *ecdsa.PublicKey) (string, error) {
	if public == nil || public.Curve != elliptic.P256() {
		return "", errors.New("api: device key is not on P-256")
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return "", fmt.Errorf("api: device key: %w", err)
	}
	digest := sha256.Sum256(der)
	return hex.EncodeToString(digest[:16]), nil
}

// ParseDevicePublicKey reads the publicKey member of a device registration: SubjectPublicKeyInfo (DER) of a P-256 key,
// exactly as this package encodes it, so that one key has one deviceId.
func ParseDevicePublicKey(der []byte) (*ecdsa.PublicKey, error) {
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, fmt.Errorf("api: device key: %w", err)
	}
	public, ok := parsed.(*ecdsa.PublicKey)
	if !ok || public.Curve != elliptic.P256() {
		return nil, errors.New("api: device key is not on P-256")
	}
	again, err := x509.MarshalPKIXPublicKey(public)
	if err != nil || string(again) != string(der) {
		return nil, errors.New("api: device key is not in its canonical encoding")
	}
	return public, nil
}

// contentDigest is the value of the Content-Digest header (RFC 9530 §2).
func contentDigest(body []byte) string {
	digest := sha256.Sum256(body)
	return "sha-256=:" + base64.StdEncoding.EncodeToString(digest[:]) + ":"
}

// coveredComponents lists what the signature of a request with these headers must cover, in order.
func coveredComponents(header http.Header, body bool) []string {
	components := []string{"@method", "@target-uri"}
	if header.Get(headerIdempotency) != "" {
		components = append(components, "idempotency-key")
	}
	if header.Get("Authorization") != "" {
		components = append(components, "authorization")
	}
	if body {
		components = append(components, "content-type", "content-digest")
	}
	return components
}

// signatureBase builds the signature base of RFC 9421 §2.5. params is the serialised inner list of the components with its
// parameters. It fails on a covered header that is missing, repeated or not plain ASCII.
func signatureBase(method, targetURI string, header http.Header, components []string, params string) ([]byte, error) {
	var base strings.Builder
	for _, name := range components {
		var value string
		switch name {
		case "@method":
			value = method
		case "@target-uri":
			value = targetURI
		default:
			values := header.Values(name)
			if strings.HasPrefix(name, "@") || len(values) != 1 {
				return nil, fmt.Errorf("component %q is not there once", name)
			}
			value = strings.Trim(values[0], " \t")
		}
		for i := 0; i < len(value); i++ {
			if value[i] < ' ' || value[i] > '~' {
				return nil, fmt.Errorf("component %q is not printable ASCII", name)
			}
		}
		fmt.Fprintf(&base, "%q: %s\n", name, value)
	}
	fmt.Fprintf(&base, "%q: %s", "@signature-params", params)
	return []byte(base.String()), nil
}

// sign adds Content-Digest, Signature-Input and Signature to header for one transmission of a request.
func (k *DeviceKey) sign(method, targetURI string, header http.Header, body []byte, now time.Time) error {
	if len(body) > 0 {
		header.Set(headerContentDigest, contentDigest(body))
	}
	var nonce [nonceBytes]byte
	rand.Read(nonce[:]) //nolint:errcheck // never fails (crypto/rand)
	components := coveredComponents(header, len(body) > 0)
	params := fmt.Sprintf(`("%s");created=%d;nonce="%s";alg="%s";keyid="%s";tag="%s"`, strings.Join(components, `" "`),
		now.Unix(), base64.RawURLEncoding.EncodeToString(nonce[:]), signatureAlg, k.id, signatureTag)
	base, err := signatureBase(method, targetURI, header, components, params)
	if err != nil {
		return fmt.Errorf("api: signing request: %w", err)
	}
	value, err := k.signBytes(base)
	if err != nil {
		return fmt.Errorf("api: device key: %w", err)
	}
	header.Set(headerSignatureInput, signatureLabel+"="+params)
	header.Set(headerSignature, signatureLabel+"="+value)
	return nil
}

// signBytes returns the signature of a base as a byte sequence of RFC 8941.
func (k *DeviceKey) signBytes(base []byte) (string, error) {
	digest := sha256.Sum256(base)
	der, err := k.signer.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return "", err
	}
	raw, err := rawECDSA(der)
	if err != nil {
		return "", err
	}
	return ":" + base64.StdEncoding.EncodeToString(raw) + ":", nil
}

// rawECDSA turns an ASN.1 signature over a 256-bit curve into r ‖ s, 32 bytes each.
func rawECDSA(der []byte) ([]byte, error) {
	var signature struct{ R, S *big.Int }
	rest, err := asn1.Unmarshal(der, &signature)
	if err != nil || len(rest) != 0 || signature.R.Sign() <= 0 || signature.S.Sign() <= 0 ||
		signature.R.BitLen() > 256 || signature.S.BitLen() > 256 {
		return nil, errors.New("not an ASN.1 ECDSA signature over a 256-bit curve")
	}
	raw := make([]byte, 64)
	signature.R.FillBytes(raw[:32])
	signature.S.FillBytes(raw[32:])
	return raw, nil
}
