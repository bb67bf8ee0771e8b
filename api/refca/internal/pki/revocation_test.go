package pki_test

import (
	"encoding/asn1"
	"errors"
	"math/big"
	"testing"
	"time"

	"cloudkey/api/refca/internal/pki"

	"github.com/emmansun/gmsm/smx509"
)

func FuzzOCSP(f *testing.F) {
	m, err := pki.New("示范医院", time.Now())
	if err != nil {
		f.Fatal(err)
	}
	a, err := pki.Load(m)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte("0\x030\x010"))
	// For a certificate of another CA, named with SHA-1.
	f.Add([]byte("\x30\x42\x30\x40\x30\x3e\x30\x3c\x30\x3a\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00" +
		"\x04\x14aaaaaaaaaaaaaaaaaaaa\x04\x14bbbbbbbbbbbbbbbbbbbb\x02\x01\x05"))
	f.Fuzz(func(t *testing.T, request []byte) {
		answer, err := a.OCSP(request, time.Now(), func(*big.Int) (bool, *pki.Revocation, error) { return true, nil, nil })
		if err != nil {
			if !errors.Is(err, pki.ErrOCSPRequest) || answer != nil {
				t.Fatalf("%x, %v", answer, err)
			}
			return
		}
		var outer asn1.RawValue
		if rest, err := asn1.Unmarshal(answer, &outer); err != nil || len(rest) > 0 {
			t.Fatalf("answer does not parse: %v", err)
		}
	})
}

func TestM07_LaterCRLHasTheLargerNumber(t *testing.T) {
	a := authority(t)
	now := time.Now()
	var last *big.Int
	for i := range 3 {
		der, err := a.CRL([]pki.Revocation{{Serial: big.NewInt(int64(i + 1)), Time: now}}, now.Add(time.Duration(i)))
		if err != nil {
			t.Fatal(err)
		}
		list, err := smx509.ParseRevocationList(der)
		if err != nil {
			t.Fatal(err)
		}
		if err := list.CheckSignatureFrom(a.Issuing); err != nil {
			t.Error(err)
		}
		if last != nil && list.Number.Cmp(last) <= 0 {
			t.Errorf("number %s after %s", list.Number, last)
		}
		last = list.Number
	}
}
