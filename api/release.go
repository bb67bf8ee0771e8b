package api

import (
	"crypto"
	"errors"
	"strings"
	"time"

	"golang.org/x/mod/semver"

	"cloudkey/api/gen"
)

const typRelease = "cloudkey-release+jwt"

// releaseClaims is the payload of gen.Release.Signed: what of an offered release must not be changed on its way.
type releaseClaims struct {
	V        int    `json:"v"`
	Platform string `json:"platform"`
	Version  string `json:"version"`
	Size     int64  `json:"size"`
	SHA256   string `json:"sha256"`
	URL      string `json:"url"`
	Iat      int64  `json:"iat"`
}

func claimsOf(r gen.Release, platform string) releaseClaims {
	return releaseClaims{
		V: 1, Platform: platform, Version: r.Version, Size: r.Size, SHA256: r.Sha256, URL: r.Url, Iat: r.Published.Unix(),
	}
}

// SignRelease makes the signed member of a release for a platform (GOOS), with the key and chain of the init QR.
func SignRelease(r gen.Release, platform string, key crypto.Signer, chain ...[]byte) (string, error) {
	if len(chain) == 0 {
		return "", errors.New("api: release without a certificate")
	}
	return signStatement(typRelease, claimsOf(r, platform), key, chain)
}

// VerifyRelease checks that an offered release is for platform and signed by the organisation's signer, the one of its init
// QR. Errors are *QRError: QRBadSigner, QRDamaged, and QRDisagrees for a member that is not what was signed. That the file
// has this size and hash is for whoever downloads it to check.
func VerifyRelease(r gen.Release, platform string, signer *Signer, now time.Time) error {
	var signed releaseClaims
	s, err := parseStatement(r.Signed, typRelease, maxStatement)
	if err != nil {
		return &QRError{Reason: QRDamaged, Detail: err.Error()}
	}
	found, err := newSigner(s.chain, nil, now)
	if err != nil {
		return &QRError{Reason: QRBadSigner, Detail: err.Error()}
	}
	if signer == nil || !signer.sameKey(found) {
		return &QRError{Reason: QRBadSigner, Detail: "another key than the init QR's"}
	}
	if err := s.verify(found.public); err != nil {
		return &QRError{Reason: QRBadSigner, Detail: err.Error()}
	}
	if err := DecodeAnswer(s.payload, &signed); err != nil {
		return &QRError{Reason: QRDamaged, Detail: "payload: " + err.Error()}
	}
	if signed != claimsOf(r, platform) {
		return &QRError{Reason: QRDisagrees, Detail: "release"}
	}
	return nil
}

// NewerVersion tells whether version is newer than current, by Semantic Versioning 2.0.0 §11, both without a leading v. A
// version that is none is never newer.
func NewerVersion(version, current string) bool {
	return semver.IsValid("v"+version) && !strings.HasPrefix(version, "v") && semver.Compare("v"+version, "v"+current) > 0
}
