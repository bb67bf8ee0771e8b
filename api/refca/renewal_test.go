package refca_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"cloudkey/api/gen"

	"github.com/emmansun/gmsm/smx509"
)

func TestM07_RenewedCertificateReplacesTheOldOne(t *testing.T) {
	b := newBench(t)
	f := b.phone().enrol("10001").ready("Passw0rd")
	ctx, old := context.Background(), newRelying(t, f.issued)
	b.clock.pass(367 * 24 * time.Hour)
	if err := b.ca.Renew(ctx, serialOf(t, f.issued)); err != nil {
		t.Fatal(err)
	}
	if err := b.ca.Renew(ctx, serialOf(t, f.issued)); err == nil {
		t.Error("a replaced certificate was renewed again")
	}
	credential, err := f.p.api.GetCredential(ctx, f.id.String())
	if err != nil {
		t.Fatal(err)
	}
	if credential.Status.State != gen.CredentialStateActive {
		t.Errorf("state %s", credential.Status.State)
	}
	next, err := smx509.ParseCertificate(credential.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(next.RawSubject, old.certificate.RawSubject) ||
		!bytes.Equal(next.RawSubjectPublicKeyInfo, old.certificate.RawSubjectPublicKeyInfo) {
		t.Error("renewed for another subject or key")
	}
	if next.SerialNumber.Cmp(old.certificate.SerialNumber) == 0 || !next.NotAfter.After(b.clock.now().AddDate(0, 11, 0)) {
		t.Errorf("serial %x, until %s", next.SerialNumber, next.NotAfter)
	}
	signature, err := f.sign("renewed", "Passw0rd")
	if err != nil {
		t.Fatal(err)
	}
	issued := gen.IssuedCertificate{Certificate: credential.Certificate, Chain: credential.Chain}
	p := newRelying(t, issued)
	p.write("document", []byte("renewed"))
	p.write("document.sig", signature.DER())
	p.write("key.pem", []byte(p.openssl("x509", "-in", "cert.pem", "-noout", "-pubkey")))
	p.openssl("pkeyutl", "-verify", "-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678", "-pubin",
		"-inkey", "key.pem", "-in", "document", "-sigfile", "document.sig")

	if err := b.ca.Revoke(ctx, next.SerialNumber.Text(16)); err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]*relying{"new": p, "old": old} {
		// OpenSSL also says that the answer is a year ahead of its clock.
		if got := p.status("-cert", "cert.pem"); !strings.Contains(got, "revoked\n") {
			t.Errorf("the %s certificate of a revoked key:\n%s", name, got)
		}
	}
	if err := b.ca.Renew(ctx, next.SerialNumber.Text(16)); err == nil {
		t.Error("a revoked certificate was renewed")
	}
}
