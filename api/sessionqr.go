package api

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/emmansun/gmsm/sm3"
)

// What limits a login or sign QR in time.
const (
	SessionQRLife  = 120 * time.Second // from the session's start; no text is made or accepted afterwards
	SessionQRDelay = 10 * time.Second  // from when a text was shown until the service sees it: scanning and one request
	SessionQRLead  = 2 * time.Second   // how far the clock that shows may be before the service's
)

// QRSecretSize is the length in bytes of the secret that an application gets with its session and that authenticates its
// QR texts. The app never learns it.
const QRSecretSize = 32

const sessionQRTag = "cloudkey/v1/qr\x00"

// SessionID names a session in its QR: 16 random bytes. Who knows it has read the picture and nothing more.
type SessionID [16]byte

// NewSessionID returns a fresh one.
func NewSessionID() SessionID {
	var id SessionID
	rand.Read(id[:]) // never fails (crypto/rand)
	return id
}

// String is base64url without padding, 22 characters.
func (id SessionID) String() string { return base64.RawURLEncoding.EncodeToString(id[:]) }

// DigestTag is the beginning of the SM3 over a session's digests, which a sign QR carries.
type DigestTag [16]byte

// TagDigests returns the first 16 bytes of SM3 over the digests (GB/T 32905), one after the other in the session's order.
// All have 32 bytes, so that other digests or another order have another tag.
func TagDigests(digests [][32]byte) DigestTag {
	h := sm3.New()
	for _, d := range digests {
		h.Write(d[:])
	}
	return DigestTag(h.Sum(nil)[:len(DigestTag{})])
}

// SessionQR is what a login or sign QR says at one moment. As ParseSessionQR returns it nothing in it is proven: the
// service does that with Verify, the app compares OrgID and Digests with what it knows and what the service answers.
type SessionQR struct {
	Kind    string // KindLogin or KindSign
	OrgID   string
	Session SessionID
	Elapsed time.Duration // whole seconds from the session's start until the text was made, at most SessionQRLife
	Digests DigestTag     // KindSign only
	mac     [16]byte
}

// ParseSessionQR reads cloudkey://v1/login|sign?o=&s=&e=&m=, for sign with &h= at the end. There is exactly one text for
// one content: members in this order, no escapes, no leading zeros. Errors are *QRError: those of Kind, QRUnsupportedKind
// for an init QR, and QRDamaged. Safe for any text; it sends nothing.
func ParseSessionQR(text string) (*SessionQR, error) {
	kind, query, err := Kind(text)
	if err != nil {
		return nil, err
	}
	names := []string{"o", "s", "e", "m"}
	switch kind {
	case KindLogin:
	case KindSign:
		names = append(names, "h")
	default:
		return nil, &QRError{Reason: QRUnsupportedKind, Detail: kind}
	}
	members := strings.Split(query, "&")
	if len(members) != len(names) {
		return nil, &QRError{Reason: QRDamaged, Detail: "members"}
	}
	q := &SessionQR{Kind: kind}
	for i, name := range names {
		value, ok := strings.CutPrefix(members[i], name+"=")
		if ok {
			switch name {
			case "o":
				q.OrgID, ok = value, isOrgID(value)
			case "s":
				ok = decode16((*[16]byte)(&q.Session), value)
			case "e":
				q.Elapsed, ok = parseElapsed(value)
			case "m":
				ok = decode16(&q.mac, value)
			case "h":
				ok = decode16((*[16]byte)(&q.Digests), value)
			}
		}
		if !ok {
			return nil, &QRError{Reason: QRDamaged, Detail: name}
		}
	}
	return q, nil
}

// Text returns q as a QR text authenticated with the session's secret. An application makes another every second or two,
// so that a photograph of its screen is soon worth nothing. Errors are for developers, but for *QRError with QRExpired once
// Elapsed is beyond SessionQRLife.
func (q SessionQR) Text(secret []byte) (string, error) {
	q.Elapsed = q.Elapsed.Truncate(time.Second)
	switch {
	case q.Kind != KindLogin && q.Kind != KindSign:
		return "", fmt.Errorf("api: session QR: kind %.16q", q.Kind)
	case !isOrgID(q.OrgID):
		return "", errors.New("api: session QR: organisation")
	case len(secret) != QRSecretSize:
		return "", fmt.Errorf("api: session QR: secret of %d bytes", len(secret))
	case q.Kind == KindLogin && q.Digests != DigestTag{}:
		return "", errors.New("api: session QR: a login has no digests")
	case q.Elapsed < 0:
		return "", errors.New("api: session QR: before the session")
	case q.Elapsed > SessionQRLife:
		return "", &QRError{Reason: QRExpired}
	}
	mac := q.authenticate(secret)
	encode := base64.RawURLEncoding.EncodeToString
	text := fmt.Sprintf("%sv1/%s?o=%s&s=%s&e=%d&m=%s", scheme, q.Kind, q.OrgID, q.Session, q.Elapsed/time.Second, encode(mac[:]))
	if q.Kind == KindSign {
		text += "&h=" + encode(q.Digests[:])
	}
	return text, nil
}

// Verify is the service's check that the holder of secret made q for the session that started then, and not longer ago
// than SessionQRDelay. Which session, organisation and digests q must name is the caller's to compare, and so is that a
// session is taken only once: a copy shown in time by somebody else passes here, as it must. Errors are *QRError with
// QRBadSigner or QRExpired, which also stands for a text from the future.
func (q *SessionQR) Verify(secret []byte, started, now time.Time) error {
	if len(secret) != QRSecretSize {
		return &QRError{Reason: QRBadSigner, Detail: "secret"}
	}
	if mac := q.authenticate(secret); !hmac.Equal(mac[:], q.mac[:]) {
		return &QRError{Reason: QRBadSigner, Detail: "m"}
	}
	age := now.Sub(started)
	if age > SessionQRLife || age-q.Elapsed > SessionQRDelay || q.Elapsed-age > SessionQRLead {
		return &QRError{Reason: QRExpired, Detail: fmt.Sprintf("made at %v, seen at %v", q.Elapsed, age)}
	}
	return nil
}

// CheckOrganisation is the app's check before anything is sent: a QR goes to its own organisation only. The error is a
// *QRError with QROtherOrganisation.
func (q *SessionQR) CheckOrganisation(orgID string) error {
	if q.OrgID != orgID {
		return &QRError{Reason: QROtherOrganisation, Detail: q.OrgID}
	}
	return nil
}

// CheckDigests is the app's check that the service asks for a signature of the digests that the application's picture
// stood for. The error is a *QRError with QROtherDigests; a login has no digests.
func (q *SessionQR) CheckDigests(digests [][32]byte) error {
	switch {
	case q.Kind == KindLogin && len(digests) == 0:
		return nil
	case q.Kind != KindSign || len(digests) == 0 || TagDigests(digests) != q.Digests:
		return &QRError{Reason: QROtherDigests}
	}
	return nil
}

// authenticate is HMAC-SHA-256 (RFC 2104), cut to 16 bytes, over the tag and every member after its length in two bytes,
// big-endian: no two contents have the same bytes.
func (q *SessionQR) authenticate(secret []byte) (mac [16]byte) {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(sessionQRTag))
	elapsed := binary.BigEndian.AppendUint32(nil, uint32(q.Elapsed/time.Second))
	for _, field := range [][]byte{[]byte(q.Kind), []byte(q.OrgID), q.Session[:], elapsed, q.Digests[:]} {
		h.Write(binary.BigEndian.AppendUint16(nil, uint16(len(field))))
		h.Write(field)
	}
	copy(mac[:], h.Sum(nil))
	return mac
}

// isOrgID is OrganisationId of the contract.
func isOrgID(text string) bool {
	return len(text) >= 1 && len(text) <= 64 && strings.Trim(text, lower+upper+digits+"._-") == ""
}

func decode16(to *[16]byte, text string) bool {
	raw, err := decodeBase64URL(text)
	if err != nil || len(raw) != len(to) {
		return false
	}
	copy(to[:], raw)
	return true
}

func parseElapsed(text string) (time.Duration, bool) {
	n, err := strconv.ParseUint(text, 10, 16)
	elapsed := time.Duration(n) * time.Second
	return elapsed, err == nil && strconv.FormatUint(n, 10) == text && elapsed <= SessionQRLife
}
