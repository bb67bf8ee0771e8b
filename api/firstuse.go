package api

import (
	"crypto/subtle"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Parameters of the first-use code. They are part of the format: 40 bits of code can only stand against a search for a
// second key because each try costs 64 MiB and three passes.
const (
	firstUseTime    = 3
	firstUseMemory  = 64 << 10 // KiB
	firstUseThreads = 1
	firstUseBytes   = 5
	firstUseLabel   = "cloudkey/v1/first-use/"
)

// crockford is the alphabet of Crockford's base32: no I, L, O and U.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// FirstUseCode is the code that an organisation without a trust anchor hands out beside its init QR: the first 40 bits of
// argon2id (RFC 9106; t=3, m=64 MiB, p=1) over the signer's SubjectPublicKeyInfo (DER) with the salt
// "cloudkey/v1/first-use/" and the orgId, as eight characters of Crockford's base32. It is no secret: it tells the organisation's key
// from a stranger's. It costs some tenths of a second.
func FirstUseCode(orgID string, signer *Signer) string {
	hash := argon2.IDKey(signer.certificate.RawSubjectPublicKeyInfo, []byte(firstUseLabel+orgID), firstUseTime, firstUseMemory,
		firstUseThreads, firstUseBytes)
	var bits uint64
	for _, b := range hash {
		bits = bits<<8 | uint64(b)
	}
	code := make([]byte, 8)
	for i := range code {
		code[i] = crockford[bits>>(35-5*i)&31]
	}
	return string(code)
}

// CheckFirstUseCode compares what a user typed with the code of a signer: case, blanks and hyphens do not count, and the
// letters that the alphabet leaves out are read as their look-alikes (O as 0, I and L as 1). A wrong code is a *QRError.
func CheckFirstUseCode(typed, orgID string, signer *Signer) error {
	clean := strings.NewReplacer(" ", "", "-", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(strings.TrimSpace(typed)))
	// A typing slip is told at once, without the slow hash.
	if len(clean) != 8 || strings.Trim(clean, crockford) != "" ||
		subtle.ConstantTimeCompare([]byte(clean), []byte(FirstUseCode(orgID, signer))) != 1 {
		return &QRError{Reason: QRWrongCode}
	}
	return nil
}
