package api

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/makiuchi-d/gozxing/qrcode/decoder"
	"github.com/makiuchi-d/gozxing/qrcode/encoder"
)

var (
	qrSecret    = bytes.Repeat([]byte{7}, QRSecretSize)
	someDigests = [][32]byte{{1}, {2}, {3}}
)

func loginQR(elapsed time.Duration) SessionQR {
	return SessionQR{Kind: KindLogin, OrgID: "demo-hospital", Session: SessionID{9, 8, 7}, Elapsed: elapsed}
}

func signQR(elapsed time.Duration) SessionQR {
	q := loginQR(elapsed)
	q.Kind, q.Digests = KindSign, TagDigests(someDigests)
	return q
}

// shown is q as a phone reads it from an application's screen.
func shown(t testing.TB, q SessionQR) *SessionQR {
	t.Helper()
	text, err := q.Text(qrSecret)
	must(t, err)
	read, err := ParseSessionQR(text)
	must(t, err)
	return read
}

func TestM08_SessionQR(t *testing.T) {
	for _, q := range []SessionQR{loginQR(0), loginQR(119 * time.Second), signQR(time.Minute), signQR(SessionQRLife)} {
		read := shown(t, q)
		if read.Kind != q.Kind || read.OrgID != q.OrgID || read.Session != q.Session || read.Elapsed != q.Elapsed || read.Digests != q.Digests {
			t.Errorf("made %+v, read %+v", q, read)
		}
		if err := read.Verify(qrSecret, qrTime, qrTime.Add(q.Elapsed)); err != nil {
			t.Error(err)
		}
	}
	if err := shown(t, signQR(0)).CheckDigests(someDigests); err != nil {
		t.Error(err)
	}
	if err := shown(t, loginQR(0)).CheckDigests(nil); err != nil {
		t.Error(err)
	}
	if err := shown(t, loginQR(0)).CheckOrganisation("demo-hospital"); err != nil {
		t.Error(err)
	}
}

// TestM08_SessionQRFormat writes the texts of the package documentation down byte by byte, so that the format cannot change
// unnoticed. The digest's value is OpenSSL's: (printf abc; head -c 29 /dev/zero) | openssl dgst -sm3.
func TestM08_SessionQRFormat(t *testing.T) {
	fields := []string{"sign", "demo", "\x09" + strings.Repeat("\x00", 15), "\x00\x00\x00\x2a", ""}
	digest := [32]byte{}
	copy(digest[:], "abc")
	tag := TagDigests([][32]byte{digest})
	if got := hex.EncodeToString(tag[:]); got != "2d1f3b7087871ce68cd7944d522b50f8" {
		t.Errorf("digests: %s", got)
	}
	fields[4] = string(tag[:])
	h := hmac.New(sha256.New, qrSecret)
	h.Write([]byte("cloudkey/v1/qr\x00"))
	for _, f := range fields {
		h.Write([]byte{0, byte(len(f))})
		h.Write([]byte(f))
	}
	b64 := base64.RawURLEncoding.EncodeToString
	want := "cloudkey://v1/sign?o=demo&s=" + b64([]byte(fields[2])) + "&e=42&m=" + b64(h.Sum(nil)[:16]) + "&h=" + b64(tag[:])
	q := SessionQR{Kind: KindSign, OrgID: "demo", Session: SessionID{9}, Elapsed: 42*time.Second + 999*time.Millisecond, Digests: tag}
	if got, err := q.Text(qrSecret); err != nil || got != want {
		t.Errorf("%v\n%s\n%s", err, got, want)
	}
}

// TestM08_SessionQRTime has a text relayed late, kept beyond its session, and shown by a clock that is wrong.
func TestM08_SessionQRTime(t *testing.T) {
	for name, c := range map[string]struct {
		made, seen time.Duration
		want       QRReason
	}{
		"at once":                 {30 * time.Second, 30 * time.Second, 0},
		"just in time":            {30 * time.Second, 40 * time.Second, 0},
		"relayed late":            {30 * time.Second, 40*time.Second + 1, QRExpired},
		"at the end":              {119 * time.Second, 120 * time.Second, 0},
		"after the session":       {119 * time.Second, 120*time.Second + 1, QRExpired},
		"a clock a little before": {32 * time.Second, 30 * time.Second, 0},
		"made in advance":         {33 * time.Second, 30 * time.Second, QRExpired},
		"before the session":      {0, -3 * time.Second, QRExpired},
	} {
		if err := shown(t, loginQR(c.made)).Verify(qrSecret, qrTime, qrTime.Add(c.seen)); reasonOf(err) != c.want || (c.want == 0 && err != nil) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	late := loginQR(SessionQRLife + time.Second)
	if _, err := late.Text(qrSecret); reasonOf(err) != QRExpired {
		t.Errorf("made after the end: %v", err)
	}
}

// TestM08_SessionQRForged changes every part of a good text that its reader can still read.
func TestM08_SessionQRForged(t *testing.T) {
	good, err := signQR(30 * time.Second).Text(qrSecret)
	must(t, err)
	other := base64.RawURLEncoding.EncodeToString(make([]byte, 16))
	replace := func(member, value string) string {
		start := strings.Index(good, member+"=") + len(member) + 1
		end := start + strings.IndexByte(good[start:]+"&", '&')
		return good[:start] + value + good[end:]
	}
	login := strings.Replace(good[:strings.Index(good, "&h=")], "/sign?", "/login?", 1)
	for name, text := range map[string]string{
		"organisation": replace("o", "demo-clinic"), "session": replace("s", other), "time": replace("e", "31"),
		"MAC": replace("m", other), "digests": replace("h", other), "kind": login,
	} {
		q, err := ParseSessionQR(text)
		must(t, err)
		if err := q.Verify(qrSecret, qrTime, qrTime.Add(30*time.Second)); reasonOf(err) != QRBadSigner {
			t.Errorf("%s: %v", name, err)
		}
	}
	q, err := ParseSessionQR(good)
	must(t, err)
	for _, secret := range [][]byte{nil, make([]byte, QRSecretSize), qrSecret[:16], append(bytes.Clone(qrSecret), 0)} {
		if err := q.Verify(secret, qrTime, qrTime.Add(30*time.Second)); reasonOf(err) != QRBadSigner {
			t.Errorf("secret of %d bytes: %v", len(secret), err)
		}
	}
}

func TestM08_SessionQROfAnother(t *testing.T) {
	if err := shown(t, loginQR(0)).CheckOrganisation("demo-clinic"); reasonOf(err) != QROtherOrganisation {
		t.Error(err)
	}
	for name, digests := range map[string][][32]byte{
		"none": nil, "swapped": {{1}, {2}, {4}}, "another order": {{2}, {1}, {3}}, "one fewer": {{1}, {2}}, "one more": {{1}, {2}, {3}, {4}},
	} {
		if err := shown(t, signQR(0)).CheckDigests(digests); reasonOf(err) != QROtherDigests {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A login that turns into a signature.
	if err := shown(t, loginQR(0)).CheckDigests(someDigests); reasonOf(err) != QROtherDigests {
		t.Error(err)
	}
}

func TestM08_SessionQRRefused(t *testing.T) {
	login, err := loginQR(7 * time.Second).Text(qrSecret)
	must(t, err)
	sign, err := signQR(7 * time.Second).Text(qrSecret)
	must(t, err)
	edit := func(old, new string) string { return strings.Replace(login, old, new, 1) }
	for name, c := range map[string]struct {
		text string
		want QRReason
	}{
		"a menu":             {"https://example.org/menu", QRNotOurs},
		"too long":           {login + strings.Repeat("A", MaxQR), QRTooLarge},
		"newer version":      {edit("//v1/", "//v2/"), QRNewerVersion},
		"init":               {fixture(t, "init.txt"), QRUnsupportedKind},
		"unknown kind":       {edit("/login?", "/pay?"), QRUnsupportedKind},
		"no members":         {scheme + "v1/login", QRDamaged},
		"no organisation":    {edit("o=demo-hospital", "o="), QRDamaged},
		"bad organisation":   {edit("o=demo-hospital", "o=demo/../x"), QRDamaged},
		"escaped":            {edit("demo-hospital", "demo%2Dhospital"), QRDamaged},
		"another order":      {edit("?o=demo-hospital&s=", "?s=demo-hospital&o="), QRDamaged},
		"twice":              {login + "&e=7", QRDamaged},
		"unknown member":     {login + "&x=1", QRDamaged},
		"login with digests": {strings.Replace(sign, "/sign?", "/login?", 1), QRDamaged},
		"sign without":       {edit("/login?", "/sign?"), QRDamaged},
		"leading zero":       {edit("&e=7&", "&e=07&"), QRDamaged},
		"negative time":      {edit("&e=7&", "&e=-7&"), QRDamaged},
		"plus sign":          {edit("&e=7&", "&e=+7&"), QRDamaged},
		"time beyond":        {edit("&e=7&", "&e=121&"), QRDamaged},
		"huge time":          {edit("&e=7&", "&e=99999999999999999999&"), QRDamaged},
		"padded":             {login + "==", QRDamaged},
		"line break inside":  {login[:len(login)-4] + "\n" + login[len(login)-4:], QRDamaged},
		"short MAC":          {login[:len(login)-1], QRDamaged},
		"no MAC":             {login[:strings.Index(login, "&m=")], QRDamaged},
	} {
		if q, err := ParseSessionQR(c.text); reasonOf(err) != c.want || q != nil {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	for name, bad := range map[string]func(*SessionQR){
		"kind": func(q *SessionQR) { q.Kind = KindInit }, "organisation": func(q *SessionQR) { q.OrgID = "a&b" },
		"digests": func(q *SessionQR) { q.Digests[0] = 1 }, "time": func(q *SessionQR) { q.Elapsed = -time.Second },
	} {
		q := loginQR(0)
		bad(&q)
		if text, err := q.Text(qrSecret); err == nil {
			t.Errorf("%s: made %s", name, text)
		}
	}
	if _, err := loginQR(0).Text(qrSecret[:16]); err == nil {
		t.Error("short secret")
	}
}

// TestM08_SessionQRSize holds the picture small enough for a phone in front of any screen: version 10 is 57 modules wide.
func TestM08_SessionQRSize(t *testing.T) {
	q := signQR(SessionQRLife)
	q.OrgID = strings.Repeat("x", 64)
	text, err := q.Text(qrSecret)
	must(t, err)
	code, err := encoder.Encoder_encode(text, decoder.ErrorCorrectionLevel_M, nil)
	must(t, err)
	if v := code.GetVersion().GetVersionNumber(); v > 10 {
		t.Errorf("%d bytes, version %d", len(text), v)
	}
}

// FuzzParseSessionQR looks for texts that crash the parser, have two spellings, or pass without the secret.
func FuzzParseSessionQR(f *testing.F) {
	made := map[string]bool{}
	for _, q := range []SessionQR{loginQR(0), loginQR(99 * time.Second), signQR(time.Second)} {
		text, err := q.Text(qrSecret)
		must(f, err)
		made[text] = true
		f.Add(text)
	}
	f.Add(scheme + "v1/login?o=&s=&e=&m=")
	f.Add(scheme + "v1/sign?&&&&")
	f.Fuzz(func(t *testing.T, text string) {
		q, err := ParseSessionQR(text)
		if err != nil {
			var refused *QRError
			if !errors.As(err, &refused) || q != nil {
				t.Fatalf("%v %v", q, err)
			}
			return
		}
		trimmed := strings.Trim(text, " \t\r\n")
		again := fmt.Sprintf("%sv1/%s?o=%s&s=%s&e=%d&m=%s", scheme, q.Kind, q.OrgID, q.Session, int(q.Elapsed.Seconds()),
			base64.RawURLEncoding.EncodeToString(q.mac[:]))
		if q.Kind == KindSign {
			again += "&h=" + base64.RawURLEncoding.EncodeToString(q.Digests[:])
		}
		if again != trimmed {
			t.Fatalf("two spellings: %q %q", again, text)
		}
		if q.Verify(qrSecret, qrTime, qrTime.Add(q.Elapsed)) == nil && !made[trimmed] {
			t.Fatalf("passes without the secret: %q", text)
		}
	})
}
