package keystore_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"cloudkey/keystore"
)

// openssl runs the command in a directory of its own.
func openssl(t testing.TB, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "openssl", args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("openssl %s: %v\n%s", args[0], err, out)
	}
}

func TestImportOfPKCS12MadeByOpenSSL(t *testing.T) {
	dir := t.TempDir()
	openssl(t, dir, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=Zhang Wei", "-days", "30")
	for name, options := range map[string][]string{
		"modern": nil,
		"legacy": {"-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES", "-macalg", "sha1"},
	} {
		args := append([]string{"pkcs12", "-export", "-inkey", "key.pem", "-in", "cert.pem", "-out", name, "-passout", "pass:file password"}, options...)
		openssl(t, dir, args...)
		file, err := os.ReadFile(filepath.Join(dir, name))
		must(t, err)
		imported, err := keystore.ReadPKCS12(file, []byte("file password"))
		must(t, err)
		p := newTwoParty(t)
		k, err := keystore.SealKey(keystore.SealedKey{ID: name, Profile: "p", Kind: imported.Kind, Certificate: imported.Certificate}, p.public(), imported.PKCS8)
		must(t, err)
		private, err := k.Open(t.Context(), p.decrypt)
		must(t, err)
		cert, err := x509.ParseCertificate(imported.Certificate)
		must(t, err)
		digest := sha256.Sum256([]byte("x"))
		sig, err := private.Sign(rand.Reader, digest[:], crypto.SHA256)
		must(t, err)
		must(t, rsa.VerifyPKCS1v15(cert.PublicKey.(*rsa.PublicKey), crypto.SHA256, digest[:], sig))

		_, other := rsaKey(t, 2048)
		if _, err := keystore.SealKey(keystore.SealedKey{ID: "x", Profile: "p", Kind: imported.Kind, Certificate: imported.Certificate}, p.public(), other); !errors.Is(err, keystore.ErrInvalid) {
			t.Errorf("%s: a key of another certificate: %v", name, err)
		}
		if _, err := keystore.ReadPKCS12(file, []byte("another password")); !errors.Is(err, keystore.ErrPassphrase) {
			t.Errorf("%s: wrong password: %v", name, err)
		}
		for _, n := range []int{0, 1, 100, len(file) - 1} {
			if _, err := keystore.ReadPKCS12(file[:n], []byte("file password")); !errors.Is(err, keystore.ErrInvalid) && !errors.Is(err, keystore.ErrPassphrase) {
				t.Errorf("%s cut to %d bytes: %v", name, n, err)
			}
		}
	}
}
