package pki_test

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cloudkey/api"
	"cloudkey/api/refca/internal/pki"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"
	tjx509 "github.com/tjfoc/gmsm/x509"
)

var zhangwei = pki.Subject{Organisation: "示范医院", Unit: "内科", Holder: "张伟", Account: "10001"}

func authority(t *testing.T) *pki.Authority {
	t.Helper()
	m, err := pki.New("示范医院", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	a, err := pki.Load(m)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func request(t *testing.T, key *sm2.PrivateKey) (der, point []byte) {
	t.Helper()
	der, err := smx509.CreateCertificateRequest(rand.Reader, &smx509.CertificateRequest{
		Subject: pkix.Name{CommonName: "anything"}, SignatureAlgorithm: smx509.SM2WithSM3,
	}, key)
	if err != nil {
		t.Fatal(err)
	}
	point, err = pki.Point(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return der, point
}

func newKey(t *testing.T) *sm2.PrivateKey {
	t.Helper()
	key, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func writePEM(t *testing.T, name string, ders ...[]byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	var out []byte
	for _, der := range ders {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	if err := os.WriteFile(path, out, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestM04_CertificateVerifiesWithOpenSSLAndTjfoc(t *testing.T) {
	a := authority(t)
	key := newKey(t)
	csr, point := request(t, key)
	der, err := a.Issue(csr, point, zhangwei, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	cert := writePEM(t, "cert.pem", der)
	chain := writePEM(t, "chain.pem", a.Chain()...)
	// OpenSSL 3.0 applies distid to the certificate under test only, so each link of the chain is verified on its own:
	// -partial_chain lets the first stop at the issuing CA, which chain.pem makes trusted.
	for _, args := range [][]string{
		{"-partial_chain", "-CAfile", chain, cert},
		{"-CAfile", writePEM(t, "root.pem", a.Root.Raw), writePEM(t, "issuing.pem", a.Issuing.Raw)},
	} {
		args = append([]string{"verify", "-vfyopt", "distid:1234567812345678", "-x509_strict"}, args...)
		if out, err := exec.Command("openssl", args...).CombinedOutput(); err != nil {
			t.Fatalf("openssl %v: %v\n%s", args, err, out)
		}
	}
	text, err := exec.Command("openssl", "x509", "-in", cert, "-noout", "-text", "-nameopt", "utf8,sep_comma_plus,esc_ctrl").CombinedOutput()
	if err != nil {
		t.Fatalf("openssl x509: %v\n%s", err, text)
	}
	for _, want := range []string{
		"C=CN,O=示范医院,OU=内科,CN=张伟,UID=10001", "Digital Signature, Non Repudiation", "Key Usage: critical",
		"SM2-with-SM3", "Subject Key Identifier", "Authority Key Identifier", "CA:FALSE",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("certificate text has no %q:\n%s", want, text)
		}
	}

	leaf, err := tjx509.ParseCertificate(der)
	if err != nil {
		t.Fatalf("tjfoc: %v", err)
	}
	issuing, err := tjx509.ParseCertificate(a.Issuing.Raw)
	if err != nil {
		t.Fatalf("tjfoc: %v", err)
	}
	root, err := tjx509.ParseCertificate(a.Root.Raw)
	if err != nil {
		t.Fatalf("tjfoc: %v", err)
	}
	if err := leaf.CheckSignatureFrom(issuing); err != nil {
		t.Errorf("tjfoc, leaf: %v", err)
	}
	if err := issuing.CheckSignatureFrom(root); err != nil {
		t.Errorf("tjfoc, issuing CA: %v", err)
	}
	if err := root.CheckSignatureFrom(root); err != nil {
		t.Errorf("tjfoc, root: %v", err)
	}
	if n := len(leaf.SerialNumber.Bytes()); n > 16 || leaf.SerialNumber.Sign() <= 0 || n < 8 {
		t.Errorf("serial number of %d bytes", n)
	}
}

func TestRequestIsRefused(t *testing.T) {
	a := authority(t)
	csr, point := request(t, newKey(t))
	other, otherPoint := request(t, newKey(t))
	tampered := append([]byte{}, csr...)
	tampered[len(tampered)-1] ^= 1
	for name, c := range map[string]struct{ csr, point []byte }{
		"made for another key":  {other, point},
		"confirmed another key": {csr, otherPoint},
		"signature altered":     {tampered, point},
		"trailing bytes":        {append(append([]byte{}, csr...), 0), point},
		"cut off":               {csr[:len(csr)-5], point},
		"empty":                 {nil, point},
		"too large":             {make([]byte, pki.MaxRequest+1), point},
	} {
		if der, err := a.Issue(c.csr, c.point, zhangwei, time.Now()); !errors.Is(err, pki.ErrRequest) || der != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzCheckRequest(f *testing.F) {
	key, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	point, err := pki.Point(&key.PublicKey)
	if err != nil {
		f.Fatal(err)
	}
	csr, err := smx509.CreateCertificateRequest(rand.Reader, &smx509.CertificateRequest{
		Subject: pkix.Name{CommonName: "x"}, SignatureAlgorithm: smx509.SM2WithSM3,
	}, key)
	if err != nil {
		f.Fatal(err)
	}
	m, err := pki.New("示范医院", time.Now())
	if err != nil {
		f.Fatal(err)
	}
	a, err := pki.Load(m)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(csr)
	f.Fuzz(func(t *testing.T, der []byte) {
		issued, err := a.Issue(der, point, zhangwei, time.Now())
		if err != nil && !errors.Is(err, pki.ErrRequest) {
			t.Fatalf("untyped error: %v", err)
		}
		if err == nil {
			if _, err := smx509.ParseCertificate(issued); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestTLSCertificateIsPinnedAndFitsItsHosts(t *testing.T) {
	a := authority(t)
	cert, err := a.TLSCertificate([]string{"127.0.0.1", "localhost"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(a.TrustRoot)
	for _, host := range []string{"127.0.0.1", "localhost"} {
		if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: host}); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	if _, err := a.Signer.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
		t.Errorf("signer: %v", err)
	}
	pins := a.Pins()
	if len(pins) != 2 || pins[0] != api.PinOf(leaf) || pins[0] == pins[1] {
		t.Errorf("pins %s", pins)
	}
}

func TestMaterialWithAForeignKeyIsRefused(t *testing.T) {
	m, err := pki.New("A", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	other, err := pki.New("B", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	m.IssuingKey = other.IssuingKey
	if _, err := pki.Load(m); err == nil {
		t.Error("loaded an issuing key that does not belong to the certificate")
	}
}
