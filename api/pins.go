package api

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"slices"
)

// Pin is the SHA-256 of a certificate's SubjectPublicKeyInfo (DER), as in RFC 7469 §2.4.
type Pin [sha256.Size]byte

// PinOf returns the pin of a TLS certificate.
func PinOf(certificate *x509.Certificate) Pin {
	return sha256.Sum256(certificate.RawSubjectPublicKeyInfo)
}

// String is p in base64url without padding, the form in QR codes and /info.
func (p Pin) String() string { return base64.RawURLEncoding.EncodeToString(p[:]) }

// ParsePin reads the form of String.
func ParsePin(text string) (Pin, error) {
	raw, err := decodeBase64URL(text)
	if err != nil || len(raw) != sha256.Size {
		return Pin{}, fmt.Errorf("api: pin is not 32 bytes of base64url")
	}
	return Pin(raw), nil
}

// pinnedTLS returns a client configuration that trusts whoever holds one of the keys that pins returns, and nobody else:
// TLS 1.3 only, no public roots. The pinned key is the server's identity, therefore neither the name nor the validity in
// its certificate counts, and a phone with a wrong clock still connects.
func pinnedTLS(name string, pins func() []Pin) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		ServerName: name, // only sent
		NextProtos: []string{"http/1.1"},
		// Public roots are not asked; VerifyConnection below decides, on resumed connections too.
		InsecureSkipVerify: true, //nolint:gosec // see above
		VerifyConnection: func(state tls.ConnectionState) error {
			if len(state.PeerCertificates) == 0 || !slices.Contains(pins(), PinOf(state.PeerCertificates[0])) {
				return errPin
			}
			return nil
		},
	}
}
