package api

import (
	"crypto"
	"errors"
	"fmt"
	"strings"
	"time"

	"cloudkey/api/gen"
)

// MaxQR is the longest QR text in bytes.
const MaxQR = 1536

// QRReason says why a QR text or a signed statement was refused.
type QRReason int

// Reasons in the order in which they are checked.
const (
	QRNotOurs          QRReason = iota + 1 // no cloudkey:// text
	QRTooLarge                             // more than MaxQR bytes
	QRNewerVersion                         // made for a newer app
	QRUnsupportedKind                      // one of ours, but not of a kind that this function reads; Detail is the kind
	QRDamaged                              // malformed; Detail tells what
	QRUnknownAlgorithm                     // signed with an algorithm this app does not know
	QRBadSigner                            // the signature does not verify, or the certificate is not for this or not valid now
	QRExpired                              // or issued in the future: one of the clocks is wrong
	QRNotHTTPS
	QRBadAddress        // https, but not an address of the contract's form
	QRWrongCode         // the first-use code is another
	QRDisagrees         // /info says something else; Detail is the member
	QROtherOrganisation // a login or sign QR of another organisation; Detail is its ID
	QROtherDigests      // the service wants other digests signed than the sign QR stands for
)

func (r QRReason) String() string {
	names := [...]string{
		"not ours", "too large", "newer version", "unsupported kind", "damaged", "unknown algorithm", "bad signer",
		"expired", "not https", "bad address", "wrong code", "disagrees",
		"other organisation", "other digests",
	}
	if r < 1 || int(r) > len(names) {
		return fmt.Sprintf("reason %d", int(r))
	}
	return names[r-1]
}

// QRError reports a refused QR text or signed statement. Detail is for developers.
type QRError struct {
	Reason QRReason
	Detail string
}

func (e *QRError) Error() string {
	if e.Detail == "" {
		return "api: QR refused: " + e.Reason.String()
	}
	return fmt.Sprintf("api: QR refused: %s: %s", e.Reason, e.Detail)
}

// The kinds of QR texts.
const (
	KindInit  = "init"  // an organisation introduces itself
	KindLogin = "login" // log in to an application
	KindSign  = "sign"  // sign what an application asks for
)

const scheme = "cloudkey://"

// Kind tells which of the kinds a QR text is, and its query, without believing anything in it. Blanks and line ends around
// pasted text do not count. Errors are *QRError: QRNotOurs, QRTooLarge, QRNewerVersion, or QRUnsupportedKind for a kind
// that no version has.
func Kind(text string) (kind, query string, err error) {
	text = strings.Trim(text, " \t\r\n")
	rest, ok := strings.CutPrefix(text, scheme)
	if !ok {
		return "", "", &QRError{Reason: QRNotOurs}
	}
	if len(text) > MaxQR {
		return "", "", &QRError{Reason: QRTooLarge}
	}
	version, rest, ok := strings.Cut(rest, "/")
	if !ok || len(version) < 2 || version[0] != 'v' || strings.Trim(version[1:], digits) != "" || version[1] == '0' {
		return "", "", &QRError{Reason: QRDamaged, Detail: "version"}
	}
	if version != "v1" {
		return "", "", &QRError{Reason: QRNewerVersion, Detail: version}
	}
	kind, query, _ = strings.Cut(rest, "?")
	switch kind {
	case KindInit, KindLogin, KindSign:
		return kind, query, nil
	default:
		return "", "", &QRError{Reason: QRUnsupportedKind, Detail: fmt.Sprintf("%.16q", kind)}
	}
}

// InitQR is a verified init QR.
type InitQR struct {
	Service
	Signer *Signer // not Anchored: ask for the first-use code (CheckFirstUseCode) before believing anything
	ID     string  // jti
	Token  string  // one-time activation token, or empty
}

// ParseInit reads and verifies cloudkey://v1/init?d=<compact JWS>. The signature, the signer's purpose and validity and
// every claim are checked; whether the signer chains to one of anchors (nil: none) is in Signer.Anchored. Claims that this
// version does not know are ignored. Errors are *QRError. It sends nothing.
func ParseInit(text string, anchors *Anchors, now time.Time) (*InitQR, error) {
	kind, query, err := Kind(text)
	if err != nil {
		return nil, err
	}
	if kind != KindInit {
		return nil, &QRError{Reason: QRUnsupportedKind, Detail: kind}
	}
	token, ok := strings.CutPrefix(query, "d=")
	if !ok {
		return nil, &QRError{Reason: QRDamaged, Detail: "query"}
	}
	var wire struct {
		claims
		Jti   string `json:"jti"`
		Token string `json:"token"`
	}
	signer, err := readStatement(token, typInit, MaxQR, anchors, now, &wire.claims, &wire)
	if err != nil {
		return nil, err
	}
	service, err := wire.service(now)
	if err != nil {
		return nil, err
	}
	if len(wire.Jti) < 8 || len(wire.Jti) > 64 || !isToken(wire.Jti) {
		return nil, &QRError{Reason: QRDamaged, Detail: "jti"}
	}
	if len(wire.Token) > 64 || !isToken(wire.Token) {
		return nil, &QRError{Reason: QRDamaged, Detail: "token"}
	}
	return &InitQR{Service: service, Signer: signer, ID: wire.Jti, Token: wire.Token}, nil
}

func isToken(text string) bool { return strings.Trim(text, lower+upper+digits+"_-") == "" }

// readStatement verifies a compact JWS and decodes its payload into wire, of which shared is a part.
func readStatement(text, typ string, limit int, anchors *Anchors, now time.Time, shared *claims, wire any) (*Signer, error) {
	s, err := parseStatement(text, typ, limit)
	if err != nil {
		return nil, &QRError{Reason: QRDamaged, Detail: err.Error()}
	}
	if err := DecodeAnswer(s.payload, wire); err != nil {
		return nil, &QRError{Reason: QRDamaged, Detail: "payload: " + err.Error()}
	}
	// A newer version may be signed in a way that this one cannot check; saying so needs no belief.
	if shared.V > 1 {
		return nil, &QRError{Reason: QRNewerVersion, Detail: fmt.Sprintf("v%d", shared.V)}
	}
	if shared.V != 1 {
		return nil, &QRError{Reason: QRDamaged, Detail: "v"}
	}
	if s.alg != algES256 && s.alg != algSM2 {
		return nil, &QRError{Reason: QRUnknownAlgorithm, Detail: fmt.Sprintf("%.16q", s.alg)}
	}
	signer, err := newSigner(s.chain, anchors, now)
	if err != nil {
		return nil, &QRError{Reason: QRBadSigner, Detail: err.Error()}
	}
	if err := s.verify(signer.public); err != nil {
		return nil, &QRError{Reason: QRBadSigner, Detail: err.Error()}
	}
	return signer, nil
}

// SignInit makes the text of an init QR. chain is DER, the signer's certificate first and its root left out, because every
// byte makes the picture denser. The result is read back the way a client reads it, so that nothing is printed that no
// app accepts: claims.Iat is taken for the time of that.
func SignInit(claims gen.InitClaims, key crypto.Signer, chain ...[]byte) (string, error) {
	if len(chain) == 0 {
		return "", errors.New("api: init QR without a certificate")
	}
	signed, err := signStatement(typInit, claims, key, chain)
	if err != nil {
		return "", err
	}
	text := scheme + "v1/" + KindInit + "?d=" + signed
	if _, err := ParseInit(text, nil, time.Unix(claims.Iat, 0)); err != nil {
		return "", err
	}
	return text, nil
}
