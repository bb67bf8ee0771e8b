package client_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cloudkey/client"
)

// TestM09_DetailsAsOpenSSLReadsThem compares what 查看证书 shows with OpenSSL's reading of the exported certificate.
func TestM09_DetailsAsOpenSSLReadsThem(t *testing.T) {
	b := newBench(t)
	cert := b.enrol(b.initialise(), "10001")
	d, err := b.client.Details(t.Context(), cert.ID)
	if err != nil {
		t.Fatal(err)
	}
	pem := filepath.Join(t.TempDir(), "cert.pem")
	if err := os.WriteFile(pem, d.PEM, 0o600); err != nil {
		t.Fatal(err)
	}
	openssl := func(args ...string) string {
		out, err := exec.CommandContext(t.Context(), "openssl", append([]string{"x509", "-noout", "-in", pem}, args...)...).Output()
		if err != nil {
			t.Fatal(args, err)
		}
		_, value, _ := strings.Cut(strings.TrimSpace(string(out)), "=")
		return value
	}
	for what, c := range map[string][2]string{
		"serial": {d.Serial, openssl("-serial")}, "SHA-256": {d.SHA256, openssl("-fingerprint", "-sha256")},
		"SM3": {d.SM3, openssl("-fingerprint", "-sm3")},
	} {
		if c[0] != c[1] {
			t.Errorf("%s: %s, OpenSSL says %s", what, c[0], c[1])
		}
	}
	value := func(attributes []client.Attribute, name string) string {
		i := slices.IndexFunc(attributes, func(a client.Attribute) bool { return a.Name == name })
		if i < 0 {
			return ""
		}
		return attributes[i].Value
	}
	if value(d.Subject, "CN") != cert.Holder || value(d.Subject, "UID") != "10001" || value(d.Issuer, "O") != "示范医院" {
		t.Errorf("subject %v, issuer %v", d.Subject, d.Issuer)
	}
	if !slices.Equal(d.KeyUsages, []string{"digitalSignature", "contentCommitment"}) || value(d.Extensions, "keyUsage") != "" {
		t.Errorf("key usages %v, extensions %v", d.KeyUsages, d.Extensions)
	}
	if d.PublicKeyAlgorithm != "SM2" || len(d.PublicKey) != 130 || !strings.HasPrefix(d.PublicKey, "04") {
		t.Errorf("public key %s %s", d.PublicKeyAlgorithm, d.PublicKey)
	}
	text := openssl("-text")
	for _, a := range d.Extensions {
		if a.Name == "subjectKeyIdentifier" && !strings.Contains(text, a.Value) {
			t.Errorf("subject key identifier %s is not in OpenSSL's text", a.Value)
		}
	}
}
