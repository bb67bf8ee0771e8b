package api

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"
	"github.com/go-jose/go-jose/v4"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode/decoder"
	"github.com/makiuchi-d/gozxing/qrcode/encoder"

	"cloudkey/api/gen"
)

var qrTime = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

// organisation is a QR signer under a root of its own.
type organisation struct {
	key     crypto.Signer
	leaf    []byte
	anchors *Anchors
}

type signerOption func(*smx509.Certificate)

// newOrganisation makes a root and a signer, both on the SM2 curve or both on P-256.
func newOrganisation(t testing.TB, onSM2 bool, options ...signerOption) organisation {
	t.Helper()
	newKey := func() crypto.Signer {
		if onSM2 {
			key, err := sm2.GenerateKey(rand.Reader)
			must(t, err)
			return key
		}
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		must(t, err)
		return key
	}
	rootKey, key := newKey(), newKey()
	root := &smx509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Demo Root"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: qrTime.AddDate(-1, 0, 0), NotAfter: qrTime.AddDate(9, 0, 0), KeyUsage: smx509.KeyUsage(x509.KeyUsageCertSign),
	}
	rootDER, err := smx509.CreateCertificate(rand.Reader, root, root, rootKey.Public(), rootKey)
	must(t, err)
	leaf := &smx509.Certificate{
		SerialNumber: big.NewInt(0x1122334455667788), Subject: pkix.Name{CommonName: "示范医院"},
		NotBefore: qrTime.AddDate(0, -1, 0), NotAfter: qrTime.AddDate(2, 0, 0),
		KeyUsage:           smx509.KeyUsage(x509.KeyUsageDigitalSignature),
		UnknownExtKeyUsage: []asn1.ObjectIdentifier{SignerUsage()},
	}
	for _, option := range options {
		option(leaf)
	}
	leafDER, err := smx509.CreateCertificate(rand.Reader, leaf, root, key.Public(), rootKey)
	must(t, err)
	anchors, err := ParseAnchors(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: rootDER}))
	must(t, err)
	return organisation{key: key, leaf: leafDER, anchors: anchors}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func b64(fill byte) string {
	raw := sha256.Sum256([]byte{fill})
	return base64.RawURLEncoding.EncodeToString(raw[:])
}

func demoClaims() gen.InitClaims {
	return gen.InitClaims{
		V: 1, OrgId: "demo-hospital", OrgName: "示范医院 Demo Hospital", Api: "https://ca.demo-hospital.example:8443/v1",
		TlsPins: []string{b64(1), b64(2)}, CaFingerprint: b64(3), SealKey: b64(4),
		Iat: qrTime.Unix(), Exp: qrTime.AddDate(0, 0, 30).Unix(), Jti: "Zm9vYmFyYmF6cXV1eA",
	}
}

// signRaw signs any payload as an init QR, without the checks of SignInit.
func (o organisation) signRaw(t testing.TB, typ string, payload any) string {
	t.Helper()
	signed, err := signStatement(typ, payload, o.key, [][]byte{o.leaf})
	must(t, err)
	return scheme + "v1/init?d=" + signed
}

// with returns the demo claims as a map, changed by pairs of name and value; a nil value removes.
func with(t testing.TB, pairs ...any) map[string]any {
	t.Helper()
	encoded, err := json.Marshal(demoClaims())
	must(t, err)
	var m map[string]any
	must(t, json.Unmarshal(encoded, &m))
	m["iat"], m["exp"] = demoClaims().Iat, demoClaims().Exp // not as floats
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == nil {
			delete(m, pairs[i].(string))
			continue
		}
		m[pairs[i].(string)] = pairs[i+1]
	}
	return m
}

func reasonOf(err error) QRReason {
	var e *QRError
	if errors.As(err, &e) {
		return e.Reason
	}
	return 0
}

func TestM02_InitQR(t *testing.T) {
	for _, onSM2 := range []bool{false, true} {
		t.Run(map[bool]string{false: "ES256", true: "SM2-SM3"}[onSM2], func(t *testing.T) {
			org := newOrganisation(t, onSM2)
			text, err := SignInit(demoClaims(), org.key, org.leaf)
			must(t, err)
			qr, err := ParseInit("\n "+text+"\r\n", org.anchors, qrTime.Add(time.Hour))
			must(t, err)
			if qr.OrgID != "demo-hospital" || qr.OrgName != "示范医院 Demo Hospital" || qr.API.Host() != "ca.demo-hospital.example:8443" ||
				qr.Cosign.String() != qr.API.String() || len(qr.Pins) != 2 || qr.Pins[1].String() != b64(2) ||
				base64.RawURLEncoding.EncodeToString(qr.CAFingerprint[:]) != b64(3) ||
				base64.RawURLEncoding.EncodeToString(qr.SealKey[:]) != b64(4) || !qr.Expires.Equal(qrTime.AddDate(0, 0, 30)) {
				t.Errorf("claims differ: %+v", qr)
			}
			if !qr.Signer.Anchored() || qr.Signer.Name() != "示范医院" {
				t.Errorf("signer %q anchored %v", qr.Signer.Name(), qr.Signer.Anchored())
			}
			stranger, err := ParseInit(text, newOrganisation(t, onSM2).anchors, qrTime)
			must(t, err)
			if stranger.Signer.Anchored() {
				t.Error("anchored under a root that did not issue the signer")
			}
		})
	}
}

// TestInitQRPicture measures how dense the picture becomes and reads it back from its modules.
func TestInitQRPicture(t *testing.T) {
	org := newOrganisation(t, false)
	text, err := SignInit(demoClaims(), org.key, org.leaf)
	must(t, err)
	code, err := encoder.Encoder_encode(text, decoder.ErrorCorrectionLevel_L, nil)
	must(t, err)
	version := code.GetVersion().GetVersionNumber()
	t.Logf("certificate %d bytes, text %d bytes, QR version %d-L (%d modules)", len(org.leaf), len(text), version, 17+4*version)
	if len(text) > 1400 || version > 27 {
		t.Errorf("text %d bytes, version %d: too dense for a phone camera", len(text), version)
	}
	matrix := code.GetMatrix()
	modules, err := gozxing.NewBitMatrix(matrix.GetWidth(), matrix.GetHeight())
	must(t, err)
	for y := range matrix.GetHeight() {
		for x := range matrix.GetWidth() {
			if matrix.Get(x, y) == 1 {
				modules.Set(x, y)
			}
		}
	}
	read, err := decoder.NewDecoder().Decode(modules, nil)
	must(t, err)
	if read.GetText() != text {
		t.Errorf("read back: %q", read.GetText())
	}
}

// TestInitQRByJOSE lets a JOSE library verify what this package signs, and this package what that library signs.
func TestInitQRByJOSE(t *testing.T) {
	org := newOrganisation(t, false)
	text, err := SignInit(demoClaims(), org.key, org.leaf)
	must(t, err)
	parsed, err := jose.ParseSignedCompact(strings.TrimPrefix(text, scheme+"v1/init?d="), []jose.SignatureAlgorithm{jose.ES256})
	must(t, err)
	payload, err := parsed.Verify(org.key.Public())
	must(t, err)
	if !strings.Contains(string(payload), `"orgId":"demo-hospital"`) {
		t.Errorf("payload %s", payload)
	}

	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: org.key}, (&jose.SignerOptions{}).WithType(typInit).
		WithHeader("x5c", []string{base64.StdEncoding.EncodeToString(org.leaf)}))
	must(t, err)
	object, err := signer.Sign(payload)
	must(t, err)
	compact, err := object.CompactSerialize()
	must(t, err)
	if _, err := ParseInit(scheme+"v1/init?d="+compact, org.anchors, qrTime); err != nil {
		t.Error(err)
	}
}

func TestM02_InitQRRefused(t *testing.T) {
	org := newOrganisation(t, false)
	good, err := SignInit(demoClaims(), org.key, org.leaf)
	must(t, err)
	body := strings.TrimPrefix(good, scheme+"v1/init?d=")
	parts := strings.Split(body, ".")
	part := func(i int, text string) string {
		changed := append([]string(nil), parts...)
		changed[i] = text
		return scheme + "v1/init?d=" + strings.Join(changed, ".")
	}
	encode := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	header := func(change func(map[string]any)) string {
		raw, err := base64.RawURLEncoding.DecodeString(parts[0])
		must(t, err)
		var m map[string]any
		must(t, json.Unmarshal(raw, &m))
		change(m)
		raw, err = json.Marshal(m)
		must(t, err)
		return part(0, base64.RawURLEncoding.EncodeToString(raw))
	}
	signed := func(pairs ...any) string { return org.signRaw(t, typInit, with(t, pairs...)) }
	signedBy := func(options ...signerOption) string {
		o := newOrganisation(t, false, options...)
		return o.signRaw(t, typInit, demoClaims())
	}
	flipped := []byte(parts[2])
	flipped[10] = map[bool]byte{true: 'B', false: 'A'}[flipped[10] == 'A']
	other := newOrganisation(t, true)

	cases := []struct {
		name   string
		text   string
		reason QRReason
	}{
		{"empty", "", QRNotOurs},
		{"web address", "https://ca.example.org/v1", QRNotOurs},
		{"other scheme with ours inside", "x" + good, QRNotOurs},
		{"upper-case scheme", strings.ToUpper(good), QRNotOurs},
		{"no kind", "cloudkey://v1", QRDamaged},
		{"version zero", "cloudkey://v0/init?d=x", QRDamaged},
		{"newer version", "cloudkey://v2/init?anything", QRNewerVersion},
		{"login", "cloudkey://v1/login?o=demo&s=x", QRUnsupportedKind},
		{"sign", "cloudkey://v1/sign?o=demo&s=x", QRUnsupportedKind},
		{"unknown kind", "cloudkey://v1/pay?x", QRUnsupportedKind},
		{"too large", good + strings.Repeat("A", MaxQR), QRTooLarge},
		{"no query", "cloudkey://v1/init", QRDamaged},
		{"another parameter", strings.Replace(good, "?d=", "?x=", 1), QRDamaged},
		{"parameter after", good + "&x=1", QRDamaged},
		{"trailing garbage", good + "=", QRDamaged},
		{"fragment", good + "#x", QRDamaged},
		{"line break inside", good[:200] + "\n" + good[200:], QRDamaged},
		{"cut off", good[:len(good)-40], QRDamaged},
		{"two parts", scheme + "v1/init?d=" + parts[0] + "." + parts[1], QRDamaged},
		{"four parts", good + ".AAAA", QRDamaged},
		{"empty signature", part(2, ""), QRDamaged},
		{"padding bits set", part(2, parts[2][:85]+"B"), QRDamaged},
		{"alg none", header(func(m map[string]any) { m["alg"] = "none" }), QRUnknownAlgorithm},
		{"alg HS256", header(func(m map[string]any) { m["alg"] = "HS256" }), QRUnknownAlgorithm},
		{"alg of another curve", header(func(m map[string]any) { m["alg"] = algSM2 }), QRBadSigner},
		{"crit", header(func(m map[string]any) { m["crit"] = []string{"b64"} }), QRDamaged},
		{"jwk", header(func(m map[string]any) { m["jwk"] = map[string]any{} }), QRDamaged},
		{"jku", header(func(m map[string]any) { m["jku"] = "https://evil.example" }), QRDamaged},
		{"no certificate", header(func(m map[string]any) { delete(m, "x5c") }), QRDamaged},
		{"another's certificate", header(func(m map[string]any) {
			m["x5c"] = []string{base64.StdEncoding.EncodeToString(other.leaf)}
		}), QRBadSigner},
		{"header twice", part(0, encode(`{"alg":"ES256","alg":"ES256","typ":"`+typInit+`","x5c":["AA=="]}`)), QRDamaged},
		{"payload changed", part(1, encode(`{"v":1,"orgId":"evil"}`)), QRBadSigner},
		{"payload newer", part(1, encode(`{"v":2,"whatever":true}`)), QRNewerVersion},
		{"payload no object", part(1, encode(`[1]`)), QRDamaged},
		{"payload twice", part(1, encode(`{"v":1,"v":1}`)), QRDamaged},
		{"payload followed", part(1, encode(`{"v":1} {}`)), QRDamaged},
		{"payload deep", part(1, encode(`{"v":1,"x":`+strings.Repeat("[", 200)+strings.Repeat("]", 200)+`}`)), QRDamaged},
		{"signature changed", part(2, string(flipped)), QRBadSigner},
		{"statement of another type", org.signRaw(t, typInfo, demoClaims()), QRDamaged},
		{"signer without the purpose", signedBy(func(c *smx509.Certificate) { c.UnknownExtKeyUsage = nil }), QRBadSigner},
		{"signer's name reordered", signedBy(func(c *smx509.Certificate) { c.Subject.CommonName = "示范\u202e医院" }), QRBadSigner},
		{"signer without a name", signedBy(func(c *smx509.Certificate) { c.Subject = pkix.Name{} }), QRBadSigner},
		{"signer expired", signedBy(func(c *smx509.Certificate) { c.NotAfter = qrTime.AddDate(0, 0, -1) }), QRBadSigner},
		{"signer a CA", signedBy(func(c *smx509.Certificate) { c.IsCA, c.BasicConstraintsValid = true, true }), QRBadSigner},
		{"signer may not sign", signedBy(func(c *smx509.Certificate) {
			c.KeyUsage = smx509.KeyUsage(x509.KeyUsageKeyEncipherment)
		}), QRBadSigner},
		{"expired", signed("exp", qrTime.Add(time.Hour).Unix()), QRExpired},
		{"from the future", signed("iat", qrTime.AddDate(0, 0, 3).Unix()), QRExpired},
		{"expires before it is issued", signed("exp", qrTime.Unix()-1), QRDamaged},
		{"no expiry", signed("exp", nil), QRDamaged},
		{"version as text", signed("v", "1"), QRDamaged},
		{"version missing", signed("v", nil), QRDamaged},
		{"version newer", signed("v", 2), QRNewerVersion},
		{"orgId with a blank", signed("orgId", "demo hospital"), QRDamaged},
		{"orgName with a control character", signed("orgName", "Demo\x07"), QRDamaged},
		{"orgName with a line break", signed("orgName", "Demo\nHospital"), QRDamaged},
		{"orgName reordered", signed("orgName", "Demo \u202elatipsoH"), QRDamaged},
		{"orgName with a hidden character", signed("orgName", "De\u200bmo"), QRDamaged},
		{"orgName missing", signed("orgName", nil), QRDamaged},
		{"http", signed("api", "http://ca.example.org/v1"), QRNotHTTPS},
		{"cosign http", signed("cosign", "http://ca.example.org/v1"), QRNotHTTPS},
		{"user in address", signed("api", "https://ca.example.org@evil.example/v1"), QRBadAddress},
		{"fragment in address", signed("api", "https://ca.example.org/v1#/v1"), QRBadAddress},
		{"query in address", signed("api", "https://ca.example.org/?/v1"), QRBadAddress},
		{"odd port", signed("api", "https://ca.example.org:22/v1"), QRBadAddress},
		{"homograph host", signed("api", "https://са.example.org/v1"), QRBadAddress},
		{"one pin", signed("tlsPins", []string{b64(1)}), QRDamaged},
		{"the same pin twice", signed("tlsPins", []string{b64(1), b64(1)}), QRDamaged},
		{"short pin", signed("tlsPins", []string{b64(1), "AAAA"}), QRDamaged},
		{"short fingerprint", signed("caFingerprint", "AAAA"), QRDamaged},
		{"no seal key", signed("sealKey", nil), QRDamaged},
		{"short jti", signed("jti", "x"), QRDamaged},
		{"odd token", signed("token", "a b"), QRDamaged},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			qr, err := ParseInit(c.text, org.anchors, qrTime.Add(time.Hour))
			if reasonOf(err) != c.reason || qr != nil {
				t.Errorf("%v, want %s", err, c.reason)
			}
		})
	}
	if _, err := ParseInit(signed("later", "a claim of a newer service"), org.anchors, qrTime); err != nil {
		t.Errorf("unknown claim: %v", err)
	}
}
