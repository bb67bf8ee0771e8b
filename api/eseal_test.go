package api

import (
	"bytes"
	"crypto/rand"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"
)

// sealMaker is a self-signed maker of seals.
func sealMaker(t testing.TB) ([]byte, *sm2.PrivateKey) {
	t.Helper()
	key, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &smx509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "maker"}, SignatureAlgorithm: smx509.SM2WithSM3,
		NotBefore: qrTime, NotAfter: qrTime.AddDate(5, 0, 0),
	}
	der, err := smx509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return der, key
}

func demoESeal() ESeal {
	return ESeal{
		Maker: "maker", ID: "seal-0001", Personal: true, Name: "张伟的签名章", Holders: [][]byte{{0x30, 0}}, Created: qrTime, From: qrTime,
		Until: qrTime.AddDate(1, 0, 0), Format: "PNG", Picture: []byte("picture"), Width: 40, Height: 20,
	}
}

func TestM18_SealRoundTrip(t *testing.T) {
	maker, key := sealMaker(t)
	want := demoESeal()
	der, err := want.Sign(maker, key)
	must(t, err)
	got, cert, err := ParseESeal(der)
	must(t, err)
	if !bytes.Equal(cert.Raw, maker) {
		t.Error("another maker")
	}
	for _, at := range []*time.Time{&got.Created, &got.From, &got.Until} {
		*at = at.In(want.Created.Location())
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v became %+v", want, got)
	}
}

// TestM18_SealByOpenSSL lets OpenSSL read the structure, and verify the signature over its first element.
func TestM18_SealByOpenSSL(t *testing.T) {
	maker, key := sealMaker(t)
	der, err := demoESeal().Sign(maker, key)
	must(t, err)
	var outer esSeal
	_, err = asn1.Unmarshal(der, &outer)
	must(t, err)
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, content, 0o600))
		return path
	}
	text, err := exec.Command("openssl", "asn1parse", "-inform", "DER", "-in", write("seal", der)).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	for _, part := range []string{"IA5STRING         :ES", "UTF8STRING", "GENERALIZEDTIME", "SM2-with-SM3"} {
		if !strings.Contains(string(text), part) {
			t.Errorf("OpenSSL does not see %s:\n%s", part, text)
		}
	}
	cert := write("maker.der", maker)
	out, err := exec.Command("openssl", "x509", "-inform", "DER", "-in", cert, "-pubkey", "-noout").Output()
	must(t, err)
	verify := exec.Command("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", write("key.pem", out), "-rawin", "-digest", "sm3",
		"-pkeyopt", "distid:1234567812345678", "-in", write("info", outer.Info.FullBytes), "-sigfile", write("sig", outer.Signature.Bytes))
	if text, err := verify.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, text)
	}
}

func TestM18_SealsThatAreRefused(t *testing.T) {
	maker, key := sealMaker(t)
	good, err := demoESeal().Sign(maker, key)
	must(t, err)
	_, stranger := sealMaker(t)
	forged, err := demoESeal().Sign(maker, stranger)
	must(t, err)
	cases := map[string][]byte{
		"empty": nil, "trailing byte": append(bytes.Clone(good), 0), "cut": good[:len(good)-1], "signed by another key": forged,
		"too large": make([]byte, MaxESeal+1),
	}
	for name, change := range map[string]func(*ESeal){
		"no holder":     func(s *ESeal) { s.Holders = nil },
		"no picture":    func(s *ESeal) { s.Picture = nil },
		"no size":       func(s *ESeal) { s.Width = 0 },
		"huge print":    func(s *ESeal) { s.Height = 10_000 },
		"never valid":   func(s *ESeal) { s.Until = s.From },
		"many holders":  func(s *ESeal) { s.Holders = make([][]byte, 17) },
		"negative size": func(s *ESeal) { s.Height = -20 },
	} {
		s := demoESeal()
		change(&s)
		der, err := s.Sign(maker, key)
		must(t, err)
		cases[name] = der
	}
	for name, der := range cases {
		if _, _, err := ParseESeal(der); !errors.Is(err, ErrESeal) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 0x20
		// The maker's certificate is not what this signature vouches for: its own issuer does.
		if s, cert, err := ParseESeal(bad); err == nil && (bytes.Equal(cert.Raw, maker) || !reflect.DeepEqual(s.Picture, demoESeal().Picture)) {
			t.Fatalf("byte %d changed and nothing was noticed", i)
		}
	}
}

// FuzzParseESeal holds that a seal that is taken is exactly what Sign would encode.
func FuzzParseESeal(f *testing.F) {
	maker, key := sealMaker(f)
	good, err := demoESeal().Sign(maker, key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:40])
	f.Fuzz(func(t *testing.T, der []byte) {
		s, cert, err := ParseESeal(der)
		if err != nil {
			if !errors.Is(err, ErrESeal) || cert != nil {
				t.Fatalf("%v", err)
			}
			return
		}
		if len(s.Holders) == 0 || s.Width <= 0 || !s.From.Before(s.Until) || cert == nil {
			t.Errorf("%+v", s)
		}
	})
}
