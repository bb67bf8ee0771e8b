package keystore_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"testing"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"

	"cloudkey/keystore"
)

// twoParty stands for a profile's two-party key: what it decrypts, cosign decrypts with the server.
type twoParty struct {
	key     *sm2.PrivateKey
	refused error
	calls   int
}

func newTwoParty(t testing.TB) *twoParty {
	t.Helper()
	key, err := sm2.GenerateKey(rand.Reader)
	must(t, err)
	return &twoParty{key: key}
}

func (p *twoParty) public() []byte {
	pub, err := sm2.PublicKeyToECDH(&p.key.PublicKey)
	if err != nil {
		panic(err)
	}
	return pub.Bytes()
}

func (p *twoParty) decrypt(_ context.Context, ciphertext []byte) ([]byte, error) {
	p.calls++
	if p.refused != nil {
		return nil, p.refused
	}
	return p.key.Decrypt(rand.Reader, ciphertext, nil)
}

func sm2Key(t testing.TB) (*sm2.PrivateKey, []byte) {
	t.Helper()
	key, err := sm2.GenerateKey(rand.Reader)
	must(t, err)
	der, err := smx509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	return key, der
}

func rsaKey(t testing.TB, bits int) (*rsa.PrivateKey, []byte) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	must(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	return key, der
}

func TestFurtherKeysOpenByTwoPartyDecryptOnly(t *testing.T) {
	ctx := t.Context()
	s := open(t, t.TempDir())
	seed(t, s)
	p := newTwoParty(t)
	sm, smDER := sm2Key(t)
	rs, rsDER := rsaKey(t, 2048)
	for _, k := range []struct {
		id   string
		kind keystore.KeyKind
		der  []byte
	}{{"enc", keystore.KeySM2, smDER}, {"rsa", keystore.KeyRSA, rsDER}} {
		sealed, err := keystore.SealKey(keystore.SealedKey{ID: k.id, Profile: "p1", Kind: k.kind}, p.public(), k.der)
		must(t, err)
		must(t, s.PutSealedKey(ctx, sealed))
	}
	s = reopen(t, s)
	keys, err := s.SealedKeys(ctx, "p1")
	must(t, err)
	if len(keys) != 2 {
		t.Fatalf("%d keys", len(keys))
	}

	k, err := s.SealedKey(ctx, "rsa")
	must(t, err)
	private, err := k.Open(ctx, p.decrypt)
	must(t, err)
	digest := sha256.Sum256([]byte("document"))
	sig, err := private.Sign(rand.Reader, digest[:], crypto.SHA256)
	must(t, err)
	must(t, rsa.VerifyPKCS1v15(&rs.PublicKey, crypto.SHA256, digest[:], sig))

	k, err = s.SealedKey(ctx, "enc")
	must(t, err)
	private, err = k.Open(ctx, p.decrypt)
	must(t, err)
	ciphertext, err := sm2.EncryptASN1(rand.Reader, &sm.PublicKey, []byte("for me"))
	must(t, err)
	plain, err := private.Decrypt(rand.Reader, ciphertext, nil)
	must(t, err)
	equal(t, string(plain), "for me")

	p.refused = errors.New("wrong password, 2 tries left")
	before := p.calls
	if _, err := k.Open(ctx, p.decrypt); !errors.Is(err, p.refused) || p.calls != before+1 {
		t.Errorf("the server's answer is not passed on: %v", err)
	}
	if _, err := k.Open(ctx, newTwoParty(t).decrypt); err == nil {
		t.Error("opens with another key")
	}

	must(t, s.DeleteProfile(ctx, "p1"))
	if _, err := s.SealedKey(ctx, "rsa"); !errors.Is(err, keystore.ErrNotFound) {
		t.Errorf("left after deletion: %v", err)
	}
}

func TestSealedKeyRefusesEveryChange(t *testing.T) {
	p := newTwoParty(t)
	_, der := sm2Key(t)
	k, err := keystore.SealKey(keystore.SealedKey{ID: "k", Profile: "p", Kind: keystore.KeySM2}, p.public(), der)
	must(t, err)
	for name, change := range map[string]func(*keystore.SealedKey){
		"id":          func(k *keystore.SealedKey) { k.ID = "other" },
		"profile":     func(k *keystore.SealedKey) { k.Profile = "other" },
		"kind":        func(k *keystore.SealedKey) { k.Kind = keystore.KeyRSA },
		"certificate": func(k *keystore.SealedKey) { k.Certificate = []byte{1} },
		"ciphertext":  func(k *keystore.SealedKey) { k.Sealed = flip(k.Sealed, 20) },
		"nonce":       func(k *keystore.SealedKey) { k.Sealed = flip(k.Sealed, 0) },
		"short":       func(k *keystore.SealedKey) { k.Sealed = k.Sealed[:20] },
		"data key": func(k *keystore.SealedKey) {
			k.DataKey, _ = sm2.EncryptASN1(rand.Reader, &p.key.PublicKey, make([]byte, 16))
		},
		"short data key": func(k *keystore.SealedKey) {
			k.DataKey, _ = sm2.EncryptASN1(rand.Reader, &p.key.PublicKey, make([]byte, 15))
		},
	} {
		c := k
		change(&c)
		if _, err := c.Open(t.Context(), p.decrypt); !errors.Is(err, keystore.ErrDamaged) {
			t.Errorf("%s changed: %v", name, err)
		}
	}
}

func flip(b []byte, i int) []byte {
	b = bytes.Clone(b)
	b[i] ^= 1
	return b
}

func TestKeysOfWrongKindOrStrengthAreRefused(t *testing.T) {
	p := newTwoParty(t)
	_, sm := sm2Key(t)
	_, weak := rsaKey(t, 1024)
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	p256, err := x509.MarshalPKCS8PrivateKey(other)
	must(t, err)
	for name, c := range map[string]struct {
		kind keystore.KeyKind
		der  []byte
	}{"sm2 as rsa": {keystore.KeyRSA, sm}, "1024 bits": {keystore.KeyRSA, weak}, "P-256": {keystore.KeySM2, p256}, "noise": {keystore.KeySM2, []byte("x")}} {
		_, err := keystore.SealKey(keystore.SealedKey{ID: "k", Profile: "p", Kind: c.kind}, p.public(), c.der)
		if !errors.Is(err, keystore.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := keystore.SealKey(keystore.SealedKey{Kind: keystore.KeySM2}, make([]byte, 65), sm); !errors.Is(err, keystore.ErrInvalid) {
		t.Errorf("point off the curve: %v", err)
	}
}

func TestImportedKeyUnderPassphrase(t *testing.T) {
	ctx := t.Context()
	s := open(t, t.TempDir())
	seed(t, s)
	_, der := sm2Key(t)
	meta := keystore.SealedKey{ID: "imported", Profile: "p1", Kind: keystore.KeySM2}
	if _, err := keystore.SealKeyWithPassphrase(meta, []byte("123456"), der); !errors.Is(err, keystore.ErrInvalid) {
		t.Errorf("short passphrase: %v", err)
	}
	passphrase := []byte("correct horse battery")
	k, err := keystore.SealKeyWithPassphrase(meta, passphrase, der)
	must(t, err)
	must(t, s.PutSealedKey(ctx, k))
	k, err = s.SealedKey(ctx, "imported")
	must(t, err)
	_, err = k.OpenWithPassphrase(passphrase)
	must(t, err)
	if _, err := k.OpenWithPassphrase([]byte("correct horse batterz")); !errors.Is(err, keystore.ErrPassphrase) {
		t.Errorf("wrong passphrase: %v", err)
	}
	for name, cost := range map[string]keystore.Argon2Cost{
		"weak": {Time: 1, Memory: 8, Threads: 1}, "huge": {Time: 3, Memory: 1 << 30, Threads: 4}, "none": {},
	} {
		c := k
		c.Passphrase = &cost
		if _, err := c.OpenWithPassphrase(passphrase); !errors.Is(err, keystore.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
		if err := s.PutSealedKey(ctx, c); !errors.Is(err, keystore.ErrInvalid) {
			t.Errorf("%s stored: %v", name, err)
		}
	}
	c := k
	c.Passphrase = &keystore.Argon2Cost{Time: 4, Memory: 64 << 10, Threads: 4}
	if _, err := c.OpenWithPassphrase(passphrase); !errors.Is(err, keystore.ErrPassphrase) {
		t.Errorf("other parameters: %v", err)
	}
}

func TestEnvelopedEncryptionKey(t *testing.T) {
	p := newTwoParty(t)
	enc, _ := sm2Key(t)
	envelope, err := sm2.MarshalEnvelopedPrivateKey(rand.Reader, &p.key.PublicKey, enc)
	must(t, err)
	pkcs8, err := keystore.OpenEnvelope(t.Context(), envelope, p.decrypt)
	must(t, err)
	got, err := smx509.ParsePKCS8PrivateKey(pkcs8)
	must(t, err)
	if !enc.Equal(got.(crypto.PrivateKey)) {
		t.Error("another key")
	}
	for i := range envelope {
		pkcs8, err := keystore.OpenEnvelope(t.Context(), flip(envelope, i), p.decrypt)
		if err == nil && !bytes.Equal(pkcs8, nil) {
			again, perr := smx509.ParsePKCS8PrivateKey(pkcs8)
			if perr != nil || !enc.Equal(again.(crypto.PrivateKey)) {
				t.Errorf("byte %d changed: another key came out", i)
			}
		}
	}
	for n := range len(envelope) {
		if _, err := keystore.OpenEnvelope(t.Context(), envelope[:n], p.decrypt); !errors.Is(err, keystore.ErrInvalid) {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
}

func FuzzEnvelope(f *testing.F) {
	p := newTwoParty(f)
	enc, _ := sm2Key(f)
	envelope, err := sm2.MarshalEnvelopedPrivateKey(rand.Reader, &p.key.PublicKey, enc)
	must(f, err)
	f.Add(envelope)
	key := make([]byte, 16)
	f.Fuzz(func(t *testing.T, b []byte) {
		pkcs8, err := keystore.OpenEnvelope(context.Background(), b, func(context.Context, []byte) ([]byte, error) { return bytes.Clone(key), nil })
		if (err == nil) == (len(pkcs8) == 0) {
			t.Errorf("%d bytes and %v", len(pkcs8), err)
		}
	})
}

func TestM09_ExportIsPublicOnly(t *testing.T) {
	p := profile("p", "o", "a", 1)
	p.Request = []byte("request")
	for label, c := range map[string]struct {
		got  []byte
		want [][]byte
	}{
		"CERTIFICATE":         {append(p.CertificatePEM(), p.ChainPEM()...), append([][]byte{p.Certificate}, p.Chain...)},
		"CERTIFICATE REQUEST": {p.RequestPEM(), [][]byte{p.Request}},
		"CMS":                 {keystore.Signature{SignedData: []byte("cms")}.PEM(), [][]byte{[]byte("cms")}},
	} {
		rest := c.got
		for _, want := range c.want {
			var block *pem.Block
			block, rest = pem.Decode(rest)
			if block == nil || block.Type != label || !bytes.Equal(block.Bytes, want) {
				t.Fatalf("%s: %v", label, block)
			}
		}
		if len(rest) > 0 {
			t.Errorf("%s: %d bytes more", label, len(rest))
		}
	}
	if keystore.Profile.RequestPEM(keystore.Profile{}) != nil {
		t.Error("a request out of nothing")
	}
}

type otherKeyID [16]byte

// Shares is what package cosign asks for, with an ID type of its own.
var _ interface {
	LoadShare(context.Context, otherKeyID) ([]byte, error)
	StoreShare(context.Context, otherKeyID, []byte) error
} = keystore.Shares[otherKeyID]{}

func TestSharesOfAnotherIDType(t *testing.T) {
	s := open(t, t.TempDir())
	shares := keystore.SharesOf[otherKeyID](s)
	must(t, shares.StoreShare(t.Context(), otherKeyID{7}, []byte("share")))
	got, err := s.LoadShare(t.Context(), keystore.KeyID{7})
	must(t, err)
	equal(t, string(got), "share")
	got, err = shares.LoadShare(t.Context(), otherKeyID{7})
	must(t, err)
	equal(t, string(got), "share")
}
