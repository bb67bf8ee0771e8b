package cosign

import (
	"bytes"
	"crypto/ecdsa"
	"encoding/hex"
	"testing"

	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/smx509"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// TestEmmansunIssue560: a valid signature that the amd64 code of gmsm v0.40.0 to v0.44.0 refuses (a stale carry).
func TestEmmansunIssue560(t *testing.T) {
	spki, _ := hex.DecodeString("3059301306072a8648ce3d020106082a811ccf5501822d03420004ef4de57af00ae424c00c4caadff7193f804a19dd73a7e2954db9d0d15ab4cbba67728c3f4572878b7a674735da9fde1682fe2d9e0799c4a5cde57e3d473039a2")
	der, _ := hex.DecodeString("3046022100BE0EA64E1EC06F0D247093F3CCBBADCFB6260224272F86DDB78326E7CD6C7560022100E9F6AB2FCC48A2CEF94838E66B5C7E21FD8E4DE25990DD98CA5243F4966F2853")
	key, err := smx509.ParsePKIXPublicKey(spki)
	if err != nil {
		t.Fatal(err)
	}
	public := key.(*ecdsa.PublicKey)
	var sig Signature
	in := cryptobyte.String(der)
	var r, s []byte
	if !in.ReadASN1(&in, asn1.SEQUENCE) || !in.ReadASN1Integer(&r) || !in.ReadASN1Integer(&s) {
		t.Fatal("signature")
	}
	copy(sig.R[:], r)
	copy(sig.S[:], s)
	if !bytes.Equal(sig.DER(), der) {
		t.Error("another encoding")
	}
	if !sig.Verify(public, make([]byte, 32)) {
		t.Error("the library refuses a valid signature")
	}
	if !verifySignature(pointOf(t, public), newScalar(), mustScalar(r), mustScalar(s)) {
		t.Error("verifySignature refuses a valid signature")
	}
}

func TestSM3Examples(t *testing.T) { // GB/T 32905-2016, A.1 and A.2
	for in, want := range map[string]string{
		"abc": "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
		"abcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcd": "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732",
	} {
		if got := sm3.Sum([]byte(in)); hex.EncodeToString(got[:]) != want {
			t.Errorf("%s: %x", in, got)
		}
	}
}

// TestGBT32918EncryptionExample decrypts the example of GB/T 32918.5-2017, A.3 with a split key.
func TestGBT32918EncryptionExample(t *testing.T) {
	d, _ := hex.DecodeString("3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8")
	c, _ := hex.DecodeString("04" +
		"04EBFC718E8D1798620432268E77FEB6415E2EDE0E073C0F4F640ECD2E149A73E858F9D81E5430A57B36DAAB8F950A3C64E6EE6A63094D99283AFF767E124DF0" +
		"59983C18F809E262923C53AEC295D30383B54E39D609D160AFCB1908D0BD8766" +
		"21886CA989CA9C7D58087307CA93092D651EFA")
	parsed, err := parseCiphertext(c)
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		d1 := (*hooks)(nil).randomScalar()
		d2 := newScalar().mul(newScalar().add(mustScalar(d), one()), newScalar().inv(d1))
		shared, err := secretPoint(d1, parsed.c1.mul(d2), parsed.c1)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := parsed.open(shared)
		if err != nil || string(plain) != "encryption standard" {
			t.Fatalf("%q %v", plain, err)
		}
	}
}
