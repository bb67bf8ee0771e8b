package refca_test

import (
	"context"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cloudkey/api/gen"

	"github.com/emmansun/gmsm/smx509"
	"github.com/google/uuid"
	tjx509 "github.com/tjfoc/gmsm/x509"
	"golang.org/x/crypto/ocsp"
)

// relying is a relying party that knows a certificate and OpenSSL, nothing else.
type relying struct {
	*testing.T
	issued      gen.IssuedCertificate
	certificate *smx509.Certificate
	dir         string
}

func newRelying(t *testing.T, issued gen.IssuedCertificate) *relying {
	t.Helper()
	certificate, err := smx509.ParseCertificate(issued.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	p := &relying{t, issued, certificate, t.TempDir()}
	for name, der := range map[string][]byte{"cert.pem": issued.Certificate, "issuing.pem": issued.Chain[0]} {
		p.write(name, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	p.write("public.pem", []byte(p.openssl("x509", "-in", "issuing.pem", "-noout", "-pubkey")))
	return p
}

func (p *relying) write(name string, content []byte) {
	p.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), content, 0o600); err != nil {
		p.Fatal(err)
	}
}

func (p *relying) openssl(args ...string) string {
	p.Helper()
	cmd := exec.CommandContext(p.Context(), "openssl", args...)
	cmd.Dir = p.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		p.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// signedByIssuer verifies a SEQUENCE of content, algorithm and signature with OpenSSL. OpenSSL 3.0 has no option for the SM2
// user ID in its crl and ocsp commands, so the content is verified as a message.
func (p *relying) signedByIssuer(der []byte) {
	p.Helper()
	var signed struct {
		Content   asn1.RawValue
		Algorithm asn1.RawValue
		Signature asn1.BitString
	}
	if rest, err := asn1.Unmarshal(der, &signed); err != nil || len(rest) > 0 {
		p.Fatalf("not a signed structure: %v", err)
	}
	p.write("content", signed.Content.FullBytes)
	p.write("signature", signed.Signature.Bytes)
	p.openssl("pkeyutl", "-verify", "-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678", "-pubin",
		"-inkey", "public.pem", "-in", "content", "-sigfile", "signature")
}

func (p *relying) get(url string) []byte {
	p.Helper()
	r, err := http.NewRequestWithContext(p.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		p.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		p.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		p.Fatalf("%s: %s, %v", url, answer.Status, err)
	}
	return body
}

// list gets the CRL and returns OpenSSL's text of it.
func (p *relying) list() string {
	p.Helper()
	der := p.get(p.certificate.CRLDistributionPoints[0])
	p.write("crl.der", der)
	p.signedByIssuer(der)
	issuing, err := tjx509.ParseCertificate(p.issued.Chain[0])
	if err != nil {
		p.Fatal(err)
	}
	list, err := tjx509.ParseDERCRL(der)
	if err != nil {
		p.Fatalf("tjfoc: %v", err)
	}
	if err := issuing.CheckCRLSignature(list); err != nil {
		p.Errorf("tjfoc: %v", err)
	}
	return p.openssl("crl", "-inform", "DER", "-in", "crl.der", "-noout", "-text")
}

// status asks OCSP with OpenSSL and returns what it prints.
func (p *relying) status(certificate ...string) string {
	p.Helper()
	args := append([]string{"ocsp", "-issuer", "issuing.pem"}, certificate...)
	text := p.openssl(append(args, "-url", p.certificate.OCSPServer[0], "-noverify", "-respout", "ocsp.der")...)
	der, err := os.ReadFile(filepath.Join(p.dir, "ocsp.der"))
	if err != nil {
		p.Fatal(err)
	}
	var answer struct {
		Status asn1.Enumerated
		Bytes  struct {
			Type  asn1.ObjectIdentifier
			Basic []byte
		} `asn1:"explicit,tag:0"`
	}
	if _, err := asn1.Unmarshal(der, &answer); err != nil || answer.Status != 0 {
		p.Fatalf("OCSP answer %d: %v", answer.Status, err)
	}
	p.signedByIssuer(answer.Bytes.Basic)
	return text
}

func TestM07_RelyingPartiesLearnOfRevocation(t *testing.T) {
	b := newBench(t)
	f := b.phone().enrol("10001").ready("Passw0rd")
	p, ctx, serial := newRelying(t, f.issued), context.Background(), serialOf(t, f.issued)
	if got := p.get(p.certificate.IssuingCertificateURL[0]); string(got) != string(f.issued.Chain[0]) {
		t.Error("the issuing certificate is not the one of the chain")
	}
	if text := p.list(); !strings.Contains(text, "No Revoked Certificates") {
		t.Errorf("CRL of a CA that revoked nothing:\n%s", text)
	}
	want := func(status, reason, listed string) {
		t.Helper()
		if got := p.status("-cert", "cert.pem"); !strings.Contains(got, "cert.pem: "+status) || !strings.Contains(got, reason) {
			t.Errorf("OCSP: want %s %s, got\n%s", status, reason, got)
		}
		got := strings.ToLower(strings.ReplaceAll(p.list(), " ", ""))
		number := "serialnumber:" + strings.Repeat("0", len(serial)%2) + serial
		if strings.Contains(got, number) != (listed != "") || !strings.Contains(got, strings.ToLower(listed)) {
			t.Errorf("CRL: want %q, got\n%s", listed, got)
		}
	}
	want("good", "", "")
	if err := b.ca.Suspend(ctx, serial); err != nil {
		t.Fatal(err)
	}
	want("revoked", "certificateHold", "certificatehold")
	if err := b.ca.Reinstate(ctx, serial); err != nil {
		t.Fatal(err)
	}
	want("good", "", "")
	if err := b.ca.Revoke(ctx, serial); err != nil {
		t.Fatal(err)
	}
	b.restart()
	want("revoked", "Revocation Time", "revocationdate")
	if _, err := f.sign("too late", "Passw0rd"); err == nil {
		t.Error("a revoked certificate signed")
	}
	if got := p.status("-serial", "0x4711"); !strings.Contains(got, "0x4711: unknown") {
		t.Errorf("OCSP for a number that was never issued:\n%s", got)
	}
}

func TestM07_RemovedCertificateIsRevoked(t *testing.T) {
	b := newBench(t)
	f := b.phone().enrol("10001").ready("Passw0rd")
	p := newRelying(t, f.issued)
	if err := f.p.api.RemoveCredentialFromDevice(t.Context(), uuid.New(), f.id.String()); err != nil {
		t.Fatal(err)
	}
	if got := p.status("-cert", "cert.pem"); !strings.Contains(got, "cert.pem: revoked") {
		t.Errorf("OCSP after removal from the device:\n%s", got)
	}
}

func TestM07_ExpiredCertificateDoesNotSign(t *testing.T) {
	b := newBench(t)
	f := b.phone().enrol("10001").ready("Passw0rd")
	b.clock.pass(367 * 24 * time.Hour)
	_, err := f.sign("too late", "Passw0rd")
	wantCode(t, err, gen.ProblemCodeExpired)
}

func TestM07_OCSPRefusesWhatIsNoRequest(t *testing.T) {
	b := newBench(t)
	f := b.phone().enrol("10001")
	p := newRelying(t, f.issued)
	url := p.certificate.OCSPServer[0]
	p.openssl("ocsp", "-sha256", "-issuer", "issuing.pem", "-cert", "cert.pem", "-reqout", "request.der", "-no_nonce")
	request, err := os.ReadFile(filepath.Join(p.dir, "request.der"))
	if err != nil {
		t.Fatal(err)
	}
	byGET := func(request []byte) []byte {
		return p.get(url + "/" + strings.ReplaceAll(base64.StdEncoding.EncodeToString(request), "/", "%2F"))
	}
	p.write("answer.der", byGET(request))
	if text := p.openssl("ocsp", "-respin", "answer.der", "-noverify", "-text"); !strings.Contains(text, "Cert Status: good") {
		t.Errorf("answer to GET:\n%s", text)
	}
	for name, bad := range map[string][]byte{"cut off": request[:len(request)-1], "empty": {0x30, 0}, "text": []byte("request")} {
		if got := byGET(bad); string(got) != string(ocsp.MalformedRequestErrorResponse) {
			t.Errorf("%s: %x", name, got)
		}
	}
}
