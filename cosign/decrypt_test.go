package cosign

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"errors"
	"testing"

	"github.com/emmansun/gmsm/sm2"
	tjsm2 "github.com/tjfoc/gmsm/sm2"
)

var _ interface {
	crypto.Signer
	crypto.Decrypter
} = (*Signer)(nil)

func TestDecryptWhatOthersEncrypted(t *testing.T) {
	server := newTestServer(t, nil)
	s, _ := newKey(t, server, nil)
	s = s.WithPIN(givePIN(testPIN))
	p := pointOf(t, s.public)
	tj := &tjsm2.PublicKey{Curve: tjsm2.P256Sm2(), X: p.x, Y: p.y}
	for _, size := range []int{1, 32, 33, 1000} {
		plain := make([]byte, size)
		rand.Read(plain)
		asn1Form, err := sm2.EncryptASN1(rand.Reader, s.public, plain)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := sm2.Encrypt(rand.Reader, s.public, plain, nil)
		if err != nil {
			t.Fatal(err)
		}
		fromTJ, err := tjsm2.Encrypt(tj, plain, rand.Reader, tjsm2.C1C3C2)
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range [][]byte{asn1Form, raw, fromTJ} {
			got, err := s.Decrypt(nil, c, nil)
			if err != nil || !bytes.Equal(got, plain) {
				t.Fatalf("size %d form %d: %v", size, i, err)
			}
		}
	}
}

func TestDecryptRefusesChangedCiphertexts(t *testing.T) {
	server := newTestServer(t, nil)
	s, _ := newKey(t, server, nil)
	raw, err := sm2.Encrypt(rand.Reader, s.public, []byte("data key of 32 bytes ...........x"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{0, 1, 40, pointSize, pointSize + hashSize, len(raw) - 1} {
		c := bytes.Clone(raw)
		c[at] ^= 1
		if _, err := s.DecryptWith(t.Context(), c, testPIN); !errors.Is(err, ErrCiphertext) {
			t.Errorf("changed at %d: %v", at, err)
		}
	}
	for _, c := range [][]byte{nil, raw[:pointSize+hashSize], append([]byte{0x30, 0x80}, raw...), make([]byte, maxCiphertext+1)} {
		if _, err := s.DecryptWith(t.Context(), c, testPIN); !errors.Is(err, ErrCiphertext) {
			t.Errorf("%d bytes: %v", len(c), err)
		}
	}
	var wrong *PINError
	if _, err := s.DecryptWith(t.Context(), raw, wrongPIN); !errors.As(err, &wrong) || wrong.AttemptsLeft != 2 {
		t.Error(err)
	}
}

func TestSecretPointAgreesWithTheCurve(t *testing.T) {
	var h *hooks
	for range 200 {
		k, p, c := h.randomScalar(), baseMul(h.randomScalar()), baseMul(h.randomScalar())
		got, err := secretPoint(k, p, c)
		if err != nil {
			t.Fatal(err)
		}
		if want := p.mul(k).add(c.neg()).bytes()[1:]; !bytes.Equal(got, want) {
			t.Fatal("wrong point")
		}
	}
}
