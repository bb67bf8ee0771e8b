package api

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Service is what init QR and /info both say of an organisation's service.
type Service struct {
	OrgID         string
	OrgName       string
	API           Address
	Cosign        Address // the same as API unless the organisation separates them
	Pins          []Pin
	CAFingerprint [32]byte // SM3 of the issuing CA's certificate (DER)
	SealKey       [32]byte // X25519 public key of the inner seal
	IssuedAt      time.Time
	Expires       time.Time
}

// claims are the members that both payloads share, as they are on the wire.
type claims struct {
	V             int      `json:"v"`
	OrgID         string   `json:"orgId"`
	OrgName       string   `json:"orgName"`
	API           string   `json:"api"`
	Cosign        string   `json:"cosign"`
	TLSPins       []string `json:"tlsPins"`
	CAFingerprint string   `json:"caFingerprint"`
	SealKey       string   `json:"sealKey"`
	Iat           int64    `json:"iat"`
	Exp           int64    `json:"exp"`
}

// service checks all shared claims of a statement whose signature is good. Its errors are *QRError.
func (c *claims) service(now time.Time) (Service, error) {
	s := Service{OrgID: c.OrgID, OrgName: c.OrgName, IssuedAt: time.Unix(c.Iat, 0).UTC(), Expires: time.Unix(c.Exp, 0).UTC()}
	damaged := func(member string) (Service, error) {
		return Service{}, &QRError{Reason: QRDamaged, Detail: member}
	}
	const latest = 253402300799 // the end of year 9999
	if c.Iat <= 0 || c.Exp <= c.Iat || c.Exp > latest {
		return damaged("iat, exp")
	}
	// The clock of a phone may be a little slow; a QR from the far future means that it is very wrong.
	if !now.Before(s.Expires) || s.IssuedAt.Sub(now) > 24*time.Hour {
		return Service{}, &QRError{Reason: QRExpired}
	}
	if !isOrgID(c.OrgID) {
		return damaged("orgId")
	}
	if !displayable(c.OrgName, 64) {
		return damaged("orgName")
	}
	var err error
	if s.API, err = ParseAddress(c.API); err != nil {
		return Service{}, addressError(err)
	}
	s.Cosign = s.API
	if c.Cosign != "" {
		if s.Cosign, err = ParseAddress(c.Cosign); err != nil {
			return Service{}, addressError(err)
		}
	}
	if len(c.TLSPins) < 2 || len(c.TLSPins) > 4 {
		return damaged("tlsPins")
	}
	for _, text := range c.TLSPins {
		pin, err := ParsePin(text)
		if err != nil || slices.Contains(s.Pins, pin) {
			return damaged("tlsPins")
		}
		s.Pins = append(s.Pins, pin)
	}
	fingerprint, err := decodeBase64URL(c.CAFingerprint)
	if err != nil || len(fingerprint) != 32 {
		return damaged("caFingerprint")
	}
	s.CAFingerprint = [32]byte(fingerprint)
	seal, err := decodeBase64URL(c.SealKey)
	if err != nil || len(seal) != 32 {
		return damaged("sealKey")
	}
	s.SealKey = [32]byte(seal)
	return s, nil
}

func addressError(err error) error {
	if err == ErrNotHTTPS { //nolint:errorlint // returned as it is by ParseAddress
		return &QRError{Reason: QRNotHTTPS}
	}
	return &QRError{Reason: QRBadAddress}
}

// Agrees compares a service as /info states it with what the init QR said. A difference is a *QRError with QRDisagrees and
// the member's name. Pins may rotate, but at least one must be the same, or nothing ties the two together.
func (s Service) Agrees(info Service) error {
	shared := slices.ContainsFunc(s.Pins, func(p Pin) bool { return slices.Contains(info.Pins, p) })
	for _, member := range []struct {
		name string
		same bool
	}{
		{"orgId", s.OrgID == info.OrgID},
		{"orgName", s.OrgName == info.OrgName},
		{"api", s.API.String() == info.API.String()},
		{"cosign", s.Cosign.String() == info.Cosign.String()},
		{"caFingerprint", s.CAFingerprint == info.CAFingerprint},
		{"sealKey", s.SealKey == info.SealKey},
		{"tlsPins", shared},
	} {
		if !member.same {
			return &QRError{Reason: QRDisagrees, Detail: member.name}
		}
	}
	return nil
}

// displayable says whether a name can be shown as it is: between one and most characters, all of them visible or plain
// blanks, none that reorders or hides others (control and format characters), no blank at the ends.
func displayable(name string, most int) bool {
	if name == "" || !utf8.ValidString(name) || utf8.RuneCountInString(name) > most || strings.TrimSpace(name) != name {
		return false
	}
	for _, r := range name {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return false
		}
	}
	return true
}
