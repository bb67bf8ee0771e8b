package client_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"cloudkey/client"
)

// TestM02_RefusedQRChangesNothing reads everything that is not a good init QR; afterwards nothing is configured.
func TestM02_RefusedQRChangesNothing(t *testing.T) {
	b := newBench(t)
	good := b.ca.Addresses().InitText
	flip := func(text string, at int) string {
		replacement := byte('A')
		if text[at] == replacement {
			replacement = 'B'
		}
		return text[:at] + string(replacement) + text[at+1:]
	}
	for name, c := range map[string]struct {
		text   string
		reason client.QRReason
	}{
		"a menu":              {"https://example.org/menu", client.QRNotOurs},
		"empty":               {"", client.QRNotOurs},
		"cut off":             {good[:len(good)/2], client.QRDamaged},
		"too long":            {good + strings.Repeat("A", 2000), client.QRDamaged},
		"newer version":       {strings.Replace(good, "//v1/", "//v2/", 1), client.QRNewerVersion},
		"login QR":            {strings.Replace(good, "/init?", "/login?", 1), client.QRUnsupported},
		"signature changed":   {flip(good, len(good)-20), client.QRBadSigner},
		"payload changed":     {flip(good, strings.LastIndex(good, ".")-40), client.QRBadSigner},
		"another kind at all": {"cloudkey://v1/pay?x=1", client.QRUnsupported},
	} {
		_, err := b.client.ReadInit(t.Context(), c.text)
		var refused *client.QRError
		if !errors.As(err, &refused) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		// A changed payload may break the JSON before the signature is looked at.
		if refused.Reason != c.reason && (name != "payload changed" || refused.Reason != client.QRDamaged) {
			t.Errorf("%s: reason %d, want %d", name, refused.Reason, c.reason)
		}
	}
	if orgs, err := b.client.Organisations(t.Context()); err != nil || len(orgs) != 0 {
		t.Error(orgs, err)
	}
}

func TestM02_ExpiredQR(t *testing.T) {
	b := newBench(t)
	text := b.ca.Addresses().InitText
	b.now = func() time.Time { return time.Now().AddDate(1, 0, 0) }
	b.stopApp()
	b.startApp()
	var refused *client.QRError
	if _, err := b.client.ReadInit(t.Context(), text); !errors.As(err, &refused) || refused.Reason != client.QRExpired {
		t.Fatal(err)
	}
}

// TestM02_StrangeSigner needs the organisation's first-use code before anything is sent or stored.
func TestM02_StrangeSigner(t *testing.T) {
	b := newBench(t)
	b.stranger = true
	b.stopApp()
	b.startApp()
	offer, err := b.client.ReadInit(t.Context(), b.ca.Addresses().InitText)
	if err != nil || !offer.NeedsCode {
		t.Fatal(offer, err)
	}
	for _, code := range []string{"", "00000000", b.ca.Addresses().InitCode + "0"} {
		var refused *client.QRError
		if _, err := b.client.AcceptInit(t.Context(), offer, code); !errors.As(err, &refused) || refused.Reason != client.QRWrongCode {
			t.Errorf("code %q: %v", code, err)
		}
	}
	if orgs, err := b.client.Organisations(t.Context()); err != nil || len(orgs) != 0 {
		t.Error(orgs, err)
	}
	code := strings.ToLower(b.ca.Addresses().InitCode)
	if _, err := b.client.AcceptInit(t.Context(), offer, code[:4]+" "+code[4:]); err != nil {
		t.Fatal(err)
	}
}

// TestM02_AnotherServer has the QR's address answered by somebody without the pinned key.
func TestM02_AnotherServer(t *testing.T) {
	b, other := newBench(t), newBench(t)
	offer, err := b.client.ReadInit(t.Context(), b.ca.Addresses().InitText)
	if err != nil {
		t.Fatal(err)
	}
	b.redirect = strings.TrimSuffix(strings.TrimPrefix(other.ca.Addresses().API, "https://"), "/v1")
	var trust *client.TrustError
	if _, err := b.client.AcceptInit(t.Context(), offer, ""); !errors.As(err, &trust) {
		t.Fatal(err)
	}
	if orgs, err := b.client.Organisations(t.Context()); err != nil || len(orgs) != 0 {
		t.Error(orgs, err)
	}
}

// TestM02_SameOrganisationAgain shows what is configured beside the offer and keeps the certificates.
func TestM02_SameOrganisationAgain(t *testing.T) {
	b := newBench(t)
	cert := b.enrol(b.initialise(), "10001")
	offer, err := b.client.ReadInit(t.Context(), b.ca.Addresses().InitText)
	if err != nil || offer.Replaces == nil || offer.Replaces.API != offer.Organisation.API {
		t.Fatal(offer, err)
	}
	if _, err := b.client.AcceptInit(t.Context(), offer, ""); err != nil {
		t.Fatal(err)
	}
	if err := b.sign(cert, password); err != nil {
		t.Fatal(err)
	}
}
