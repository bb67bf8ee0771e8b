package api

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"testing"

	"github.com/emmansun/gmsm/smx509"
)

// TestSignerUnderIntermediate follows a chain of which the app knows only the root.
func TestSignerUnderIntermediate(t *testing.T) {
	authority := func(name string, parent *smx509.Certificate, parentKey crypto.Signer) (*smx509.Certificate, crypto.Signer) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		must(t, err)
		template := &smx509.Certificate{
			SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
			NotBefore: qrTime.AddDate(-1, 0, 0), NotAfter: qrTime.AddDate(9, 0, 0), KeyUsage: smx509.KeyUsage(x509.KeyUsageCertSign),
		}
		if parent == nil {
			parent, parentKey = template, key
		}
		der, err := smx509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
		must(t, err)
		certificate, err := smx509.ParseCertificate(der)
		must(t, err)
		return certificate, key
	}
	root, rootKey := authority("R", nil, nil)
	middle, middleKey := authority("M", root, rootKey)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	leaf := &smx509.Certificate{
		SerialNumber: big.NewInt(8), Subject: pkix.Name{CommonName: "S"}, NotBefore: qrTime.AddDate(0, -1, 0), NotAfter: qrTime.AddDate(1, 0, 0),
		UnknownExtKeyUsage: []asn1.ObjectIdentifier{SignerUsage()},
	}
	leafDER, err := smx509.CreateCertificate(rand.Reader, leaf, middle, key.Public(), middleKey)
	must(t, err)
	anchors, err := ParseAnchors(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw}))
	must(t, err)
	for _, c := range []struct {
		chain    [][]byte
		anchored bool
	}{{[][]byte{leafDER, middle.Raw}, true}, {[][]byte{leafDER}, false}} {
		signer, err := newSigner(c.chain, anchors, qrTime)
		must(t, err)
		if signer.Anchored() != c.anchored {
			t.Errorf("chain of %d: anchored %v", len(c.chain), signer.Anchored())
		}
	}
	if _, err := newSigner([][]byte{leafDER, {0x30}}, anchors, qrTime); err == nil {
		t.Error("a broken intermediate was accepted")
	}
	leafPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leafDER})
	rootPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw})
	for name, text := range map[string][]byte{
		"empty": nil, "no CA": leafPEM, "garbage after": append(rootPEM, "x"...),
		"another block": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: root.Raw}),
	} {
		if _, err := ParseAnchors(text); err == nil {
			t.Errorf("anchors: %s accepted", name)
		}
	}
}
