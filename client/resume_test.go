package client_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"testing"

	"cloudkey/client"
)

// certificatesAtCA counts the certificates of an account on the CA's QA page.
func (b *bench) certificatesAtCA(account string) int {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.ca.Addresses().Web+"certificates", nil)
	if err != nil {
		b.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		b.t.Fatal(answer.Status, err)
	}
	return bytes.Count(page, []byte(account))
}

// TestM04_OneCertificateHoweverOftenCut loses the answer to the n-th request of a download, for every n, restarts the app
// and goes on: there is always exactly one certificate, and it signs.
func TestM04_OneCertificateHoweverOftenCut(t *testing.T) {
	whole := newBench(t)
	whole.enrol(whole.initialise(), "10001")
	one := whole.certificatesAtCA("10001")
	if one == 0 {
		t.Fatal("the QA page does not show the certificate")
	}
	for n := 1; n <= 8; n++ {
		b, cut := newBench(t), &cutter{}
		b.dial = cut.dial
		org := b.initialise()
		e, err := b.client.BeginEnrolment(t.Context(), org.ID, "10001")
		if err != nil {
			t.Fatal(err)
		}
		sms := b.sms("10001")
		cut.after(n)
		_, _ = b.client.Enrol(t.Context(), e.ID, sms, nil) // may or may not come through
		cut.after(0)
		b.stopApp()
		b.startApp()
		cert := b.finish(sms)
		if err := b.sign(cert, password); err != nil {
			t.Errorf("cut after %d: %v", n, err)
		}
		if certs, err := b.client.Certificates(t.Context()); err != nil || len(certs) != 1 {
			t.Errorf("cut after %d: %d certificates here, %v", n, len(certs), err)
		}
		if got := b.certificatesAtCA("10001"); got != one {
			t.Errorf("cut after %d: account named %d times at the CA, want %d", n, got, one)
		}
		b.stopApp()
		b.stopCA()
	}
}

// finish goes on with an interrupted download the way the screens do.
func (b *bench) finish(sms []byte) client.Certificate {
	b.t.Helper()
	for range 4 {
		pending, err := b.client.Pending(b.t.Context())
		if err != nil {
			b.t.Fatal(err)
		}
		switch {
		case pending.Certificate != nil && pending.Certificate.Profile == client.ProfileMustPassword:
			err = b.client.SetFirstPassword(b.t.Context(), pending.Certificate.ID, sms, password)
		case pending.Certificate != nil:
			_, err = b.client.ResumeEnrol(b.t.Context(), pending.Certificate.ID, sms, nil)
		case pending.Enrolment != nil:
			_, err = b.client.Enrol(b.t.Context(), pending.Enrolment.ID, sms, nil)
		default:
			cert, err := b.client.Current(b.t.Context())
			if err != nil {
				b.t.Fatal(err)
			}
			return cert
		}
		if err != nil {
			b.t.Fatal(err)
		}
	}
	b.t.Fatal("the download does not come to an end")
	return client.Certificate{}
}

func TestM04_RestartAtEachStage(t *testing.T) {
	b := newBench(t)
	org := b.initialise()
	if _, err := b.client.BeginEnrolment(t.Context(), org.ID, "10001"); err != nil {
		t.Fatal(err)
	}
	sms := b.sms("10001")
	b.stopApp()
	b.startApp()
	pending, err := b.client.Pending(t.Context())
	if err != nil || pending.Enrolment == nil || pending.Enrolment.Account != "10001" {
		t.Fatal(pending, err)
	}
	cert, err := b.client.Enrol(t.Context(), pending.Enrolment.ID, sms, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.sign(cert, sms); !errors.Is(err, client.ErrMustChangePassword) {
		t.Fatalf("signing with the SMS password: %v", err)
	}
	b.stopApp()
	b.stopCA()
	b.startCA()
	b.startApp()
	var wrong *client.PasswordError
	if err := b.client.SetFirstPassword(t.Context(), cert.ID, other, password); !errors.As(err, &wrong) {
		t.Fatalf("wrong SMS password: %v", err)
	}
	if err := b.sign(b.finish(sms), password); err != nil {
		t.Fatal(err)
	}
}
