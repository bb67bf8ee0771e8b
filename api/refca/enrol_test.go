package refca_test

import (
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"cloudkey/api/gen"
	"cloudkey/cosign"

	tjsm2 "github.com/tjfoc/gmsm/sm2"
	tjx509 "github.com/tjfoc/gmsm/x509"
)

func TestM04_M15_FromEnrolmentToAVerifiedSignature(t *testing.T) {
	b := newBench(t)
	f := b.phone().enrol("10001").ready("Passw0rd")
	const message = "协同签名的文件"
	signature, err := f.sign(message, "Passw0rd")
	if err != nil {
		t.Fatal(err)
	}
	verifyOutside(t, f.issued, []byte(message), signature)
}

// verifyOutside checks certificate and signature with OpenSSL and with a second Go library.
func verifyOutside(t *testing.T, issued gen.IssuedCertificate, message []byte, signature cosign.Signature) {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	toPEM := func(ders ...[]byte) (out []byte) {
		for _, der := range ders {
			out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
		}
		return out
	}
	certificate, chain := write("cert.pem", toPEM(issued.Certificate)), write("chain.pem", toPEM(issued.Chain...))
	issuing, root := write("issuing.pem", toPEM(issued.Chain[0])), write("root.pem", toPEM(issued.Chain[1]))
	document, der := write("document", message), write("signature.der", signature.DER())
	public, err := exec.Command("openssl", "x509", "-in", certificate, "-noout", "-pubkey").Output()
	if err != nil {
		t.Fatal(err)
	}
	const id = "distid:1234567812345678"
	for _, args := range [][]string{
		{"verify", "-vfyopt", id, "-partial_chain", "-CAfile", chain, certificate},
		{"verify", "-vfyopt", id, "-CAfile", root, issuing},
		{"pkeyutl", "-verify", "-rawin", "-digest", "sm3", "-pkeyopt", id, "-pubin", "-inkey", write("pub.pem", public), "-in", document, "-sigfile", der},
	} {
		if out, err := exec.Command("openssl", args...).CombinedOutput(); err != nil {
			t.Errorf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	leaf, err := tjx509.ParseCertificate(issued.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	parent, err := tjx509.ParseCertificate(issued.Chain[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := leaf.CheckSignatureFrom(parent); err != nil {
		t.Errorf("tjfoc, certificate: %v", err)
	}
	key, err := tjx509.ParseSm2PublicKey(leaf.RawSubjectPublicKeyInfo)
	if err != nil {
		t.Fatal(err)
	}
	if !tjsm2Verify(key, message, signature) {
		t.Error("tjfoc: the signature does not verify")
	}
}

func tjsm2Verify(key *tjsm2.PublicKey, message []byte, signature cosign.Signature) bool {
	return key.Verify(message, signature.DER())
}
