package api

import (
	"crypto"
	"errors"
	"slices"
	"strings"
	"time"

	"cloudkey/api/gen"
)

// Statement is what /info says, verified.
type Statement struct {
	Service
	Hotline string
	Policy  gen.Policy
	Signer  *Signer // holds the same key as the init QR's; the certificate may have been renewed
}

// ParseInfo verifies the signed member of /info. signer is the init QR's, accepted before: the statement must carry a
// certificate with the same key, for the same purpose, valid now. Errors are *QRError; another key is QRBadSigner.
// Compare the result with the QR by Service.Agrees.
func ParseInfo(signed string, signer *Signer, now time.Time) (*Statement, error) {
	var wire struct {
		claims
		Hotline string     `json:"hotline"`
		Policy  gen.Policy `json:"policy"`
	}
	found, err := readStatement(signed, typInfo, maxStatement, nil, now, &wire.claims, &wire)
	if err != nil {
		return nil, err
	}
	if signer == nil || !signer.sameKey(found) {
		return nil, &QRError{Reason: QRBadSigner, Detail: "another key than the init QR's"}
	}
	service, err := wire.service(now)
	if err != nil {
		return nil, err
	}
	if len(wire.Hotline) > 32 || strings.Trim(wire.Hotline, digits+"+() -") != "" {
		return nil, &QRError{Reason: QRDamaged, Detail: "hotline"}
	}
	return &Statement{Service: service, Hotline: wire.Hotline, Policy: wire.Policy, Signer: found}, nil
}

// SignInfo makes the signed member of /info, with the key and chain of the init QR. The result is read back the way a
// client reads it.
func SignInfo(claims gen.InfoClaims, key crypto.Signer, chain ...[]byte) (string, error) {
	if len(chain) == 0 {
		return "", errors.New("api: /info without a certificate")
	}
	signer, err := ParseSigner(chain[0])
	if err != nil {
		return "", err
	}
	signed, err := signStatement(typInfo, claims, key, chain)
	if err != nil {
		return "", err
	}
	if _, err := ParseInfo(signed, signer, time.Unix(claims.Iat, 0)); err != nil {
		return "", err
	}
	return signed, nil
}

// Rotate returns the pins to use after a verified /info: its own, when it is newer than what the pins in use came from
// (issued at) and still names one of them, so that a stolen old statement cannot bring back an old key and a mistake
// cannot lock every app out at once. Otherwise it returns current.
func (s *Statement) Rotate(current []Pin, issued time.Time) []Pin {
	kept := slices.ContainsFunc(s.Pins, func(p Pin) bool { return slices.Contains(current, p) })
	if !kept || !s.IssuedAt.After(issued) {
		return current
	}
	return s.Pins
}
