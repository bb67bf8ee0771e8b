package api

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"cloudkey/api/gen"
)

func infoClaims() gen.InfoClaims {
	c := demoClaims()
	return gen.InfoClaims{
		V: 1, OrgId: c.OrgId, OrgName: c.OrgName, Hotline: "400-800-1234", Api: c.Api, TlsPins: []string{b64(2), b64(9)},
		CaFingerprint: c.CaFingerprint, SealKey: c.SealKey, Iat: c.Iat + 60, Exp: c.Exp, Policy: gen.Policy{PasswordMinLength: 8},
	}
}

func TestM02_InfoMustSayTheSame(t *testing.T) {
	org := newOrganisation(t, false)
	text, err := SignInit(demoClaims(), org.key, org.leaf)
	must(t, err)
	qr, err := ParseInit(text, org.anchors, qrTime)
	must(t, err)
	now := qrTime.Add(2 * time.Minute)
	parse := func(o organisation, change func(*gen.InfoClaims)) (*Statement, error) {
		claims := infoClaims()
		change(&claims)
		signed, err := SignInfo(claims, o.key, o.leaf)
		must(t, err)
		return ParseInfo(signed, qr.Signer, now)
	}
	same, err := parse(org, func(*gen.InfoClaims) {})
	must(t, err)
	if err := qr.Agrees(same.Service); err != nil || same.Hotline != "400-800-1234" || same.Policy.PasswordMinLength != 8 {
		t.Errorf("%v %+v", err, same)
	}
	for name, change := range map[string]func(*gen.InfoClaims){
		"orgId":         func(c *gen.InfoClaims) { c.OrgId = "other" },
		"orgName":       func(c *gen.InfoClaims) { c.OrgName = "Other" },
		"api":           func(c *gen.InfoClaims) { c.Api = "https://other.example/v1" },
		"cosign":        func(c *gen.InfoClaims) { c.Cosign = "https://other.example/v1" },
		"caFingerprint": func(c *gen.InfoClaims) { c.CaFingerprint = b64(7) },
		"sealKey":       func(c *gen.InfoClaims) { c.SealKey = b64(7) },
		"tlsPins":       func(c *gen.InfoClaims) { c.TlsPins = []string{b64(7), b64(8)} },
	} {
		statement, err := parse(org, change)
		must(t, err)
		var e *QRError
		if err := qr.Agrees(statement.Service); !errors.As(err, &e) || e.Reason != QRDisagrees || e.Detail != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := parse(newOrganisation(t, false), func(*gen.InfoClaims) {}); reasonOf(err) != QRBadSigner {
		t.Errorf("another signer: %v", err)
	}
	if _, err := parse(org, func(c *gen.InfoClaims) { c.Exp = c.Iat + 30 }); reasonOf(err) != QRExpired {
		t.Errorf("expired: %v", err)
	}
	asQR := org.signRaw(t, typInfo, infoClaims())
	if _, err := ParseInit(asQR, org.anchors, now); reasonOf(err) != QRDamaged {
		t.Errorf("/info as init QR: %v", err)
	}
	if _, err := ParseInfo(strings.TrimPrefix(text, scheme+"v1/init?d="), qr.Signer, now); reasonOf(err) != QRDamaged {
		t.Errorf("init QR as /info: %v", err)
	}
}

func TestPinRotation(t *testing.T) {
	org := newOrganisation(t, false)
	signed, err := SignInfo(infoClaims(), org.key, org.leaf)
	must(t, err)
	signer, err := ParseSigner(org.leaf)
	must(t, err)
	statement, err := ParseInfo(signed, signer, qrTime.Add(time.Hour))
	must(t, err)
	pin := func(fill byte) Pin {
		p, err := ParsePin(b64(fill))
		must(t, err)
		return p
	}
	old := []Pin{pin(1), pin(2)}
	for name, c := range map[string]struct {
		current []Pin
		issued  time.Time
		want    string
	}{
		"newer":         {old, qrTime, fmt.Sprint([]Pin{pin(2), pin(9)})},
		"played back":   {old, qrTime.Add(time.Hour), fmt.Sprint(old)},
		"nothing kept":  {[]Pin{pin(5), pin(6)}, qrTime, fmt.Sprint([]Pin{pin(5), pin(6)})},
		"the same time": {old, statement.IssuedAt, fmt.Sprint(old)},
	} {
		if got := fmt.Sprint(statement.Rotate(c.current, c.issued)); got != c.want {
			t.Errorf("%s: %s", name, got)
		}
	}
}
