package keystore_test

import (
	"bytes"
	"crypto/rand"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/emmansun/gmsm/cfca"
	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"

	"cloudkey/keystore"
)

// signsAfterImport seals an imported SM2 key under a passphrase of the user, opens it, and holds that it is the key of public.
func signsAfterImport(t *testing.T, k keystore.ImportedKey, public interface{ Equal(any) bool }) {
	t.Helper()
	own := []byte("twelve or more bytes")
	sealed, err := keystore.SealKeyWithPassphrase(keystore.SealedKey{ID: "k", Profile: "p", Kind: k.Kind, Certificate: k.Certificate}, own, k.PKCS8)
	must(t, err)
	private, err := sealed.OpenWithPassphrase(own)
	must(t, err)
	if !public.Equal(private.Public()) {
		t.Error("another key")
	}
}

type publicKey struct{ key *sm2.PrivateKey }

func (p publicKey) Equal(other any) bool { return p.key.PublicKey.Equal(other) }

func TestImportOfPKCS8MadeByOpenSSL(t *testing.T) {
	dir := t.TempDir()
	key, der := sm2Key(t)
	must(t, os.WriteFile(filepath.Join(dir, "key.der"), der, 0o600))
	for name, options := range map[string][]string{
		"AES":  {"-v2", "aes-256-cbc"},
		"SM4":  {"-v2", "sm4-cbc"},
		"hash": {"-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA512", "-iter", "5000"},
	} {
		openssl(t, dir, append([]string{"pkcs8", "-topk8", "-inform", "DER", "-outform", "DER", "-in", "key.der", "-out", name, "-passout", "pass:file password"}, options...)...)
		file, err := os.ReadFile(filepath.Join(dir, name))
		must(t, err)
		k, err := keystore.ReadPKCS8(file, []byte("file password"))
		must(t, err)
		equal(t, k.Kind, keystore.KeySM2)
		signsAfterImport(t, k, publicKey{key})
		if _, err := keystore.ReadPKCS8(file, []byte("another password")); !errors.Is(err, keystore.ErrPassphrase) {
			t.Errorf("%s: wrong password: %v", name, err)
		}
		for n := range file {
			if _, err := keystore.ReadPKCS8(file[:n], []byte("file password")); !errors.Is(err, keystore.ErrInvalid) {
				t.Errorf("%s cut to %d bytes: %v", name, n, err)
			}
		}
	}
	for name, options := range map[string][]string{
		"more work than a phone has": {"-v2", "aes-128-cbc", "-iter", "1000000"},
		"scrypt":                     {"-scrypt"},
		"PBES1":                      {"-v1", "PBE-SHA1-3DES"},
	} {
		openssl(t, dir, append([]string{"pkcs8", "-topk8", "-inform", "DER", "-outform", "DER", "-in", "key.der", "-out", "x", "-passout", "pass:x"}, options...)...)
		file, err := os.ReadFile(filepath.Join(dir, "x"))
		must(t, err)
		file = bytes.Replace(file, []byte{2, 3, 0x0F, 0x42, 0x40}, []byte{2, 3, 0x7F, 0xFF, 0xFF}, 1) // eight million
		if _, err := keystore.ReadPKCS8(file, []byte("x")); !errors.Is(err, keystore.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestImportOfSM2File(t *testing.T) {
	key, _ := sm2Key(t)
	template := &smx509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Zhang Wei"}, NotBefore: fixed(), NotAfter: fixed().Add(time.Hour)}
	der, err := smx509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(t, err)
	cert, err := smx509.ParseCertificate(der)
	must(t, err)
	file, err := cfca.MarshalSM2([]byte("file password"), key, cert)
	must(t, err)
	k, err := keystore.ReadSM2(file, []byte("file password"))
	must(t, err)
	equal(t, string(k.Certificate), string(der))
	signsAfterImport(t, k, publicKey{key})
	if _, err := keystore.ReadSM2(file, []byte("another password")); !errors.Is(err, keystore.ErrPassphrase) {
		t.Errorf("wrong password: %v", err)
	}
	for n := range file {
		if _, err := keystore.ReadSM2(file[:n], []byte("file password")); !errors.Is(err, keystore.ErrInvalid) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
}

func FuzzImport(f *testing.F) {
	f.Add([]byte("0\x03\x02\x01\x01"), false)
	f.Add([]byte{0x30, 0x80}, true)
	f.Fuzz(func(t *testing.T, file []byte, cfca bool) {
		read := keystore.ReadPKCS8
		if cfca {
			read = keystore.ReadSM2
		}
		k, err := read(file, []byte("x"))
		if (err == nil) != (len(k.PKCS8) > 0) {
			t.Errorf("%d bytes of key with error %v", len(k.PKCS8), err)
		}
	})
}
