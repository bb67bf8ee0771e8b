package keystore

import (
	"cmp"
	"context"
	"crypto"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/sm4"
	"github.com/emmansun/gmsm/smx509"
	"golang.org/x/crypto/argon2"
)

// KeyKind is the kind of a further private key of a profile.
type KeyKind int

// The kinds. The numbers are part of the format.
const (
	KeySM2 KeyKind = iota + 1 // encryption key of the dual-certificate system, or a downloaded or imported key
	KeyRSA                    // 2048 bits or more
)

// PrivateKey signs and decrypts. Its secret lies in the memory of the crypto library, which offers no way to wipe it: use it
// and let it go.
type PrivateKey interface {
	crypto.Signer
	crypto.Decrypter
}

// SealedKey is a further private key at rest. It opens in one of two ways. With DataKey set, that is the random data key,
// SM2-encrypted to the profile's two-party key: opening takes a two-party decrypt, so the certificate password is tested
// by the server, which counts, and by nothing here. With Passphrase set, for a key the user imported and wants to use
// without a server, argon2id over a passphrase of its own is the data key: that can be tested offline.
type SealedKey struct {
	ID          string
	Profile     string // ID
	Kind        KeyKind
	Certificate []byte      // DER, may be empty
	Chain       [][]byte    // DER, issuing CA first
	DataKey     []byte      // SM2 ciphertext, DER of GB/T 35276 SM2Cipher
	Passphrase  *Argon2Cost // nil with DataKey
	Salt        []byte      // 16 bytes, with Passphrase
	Sealed      []byte      // nonce (12) ‖ SM4-GCM of the PKCS #8 key
	Created     time.Time
}

// Argon2Cost are the parameters of argon2id (RFC 9106). They are authenticated with the key they protect.
type Argon2Cost struct {
	Time    uint32
	Memory  uint32 // KiB
	Threads uint8
}

// defaultArgon2Cost is also the least that is accepted: RFC 9106 §4, second recommendation.
var defaultArgon2Cost = Argon2Cost{Time: 3, Memory: 64 << 10, Threads: 4}

// MinPassphrase is the least length of a passphrase for an imported key, in bytes.
const MinPassphrase = 12

// check refuses parameters below the minimum (a downgrade) and beyond what a phone can do (an attack on its memory).
func (c Argon2Cost) check() error {
	if c.Time < 3 || c.Time > 16 || c.Memory < 64<<10 || c.Memory > 1<<20 || c.Threads < 1 || c.Threads > 16 {
		return fmt.Errorf("%w: argon2id parameters out of bounds", ErrInvalid)
	}
	return nil
}

// DecryptFunc opens an SM2 ciphertext (DER) with a profile's two-party key. The caller of the function wipes the result.
type DecryptFunc func(ctx context.Context, ciphertext []byte) ([]byte, error)

// SealKey seals a PKCS #8 private key for a profile with the two-party public key twoParty (uncompressed point, 65 bytes).
// What describes the key is taken from k; DataKey and Sealed are set in the result. pkcs8 stays the caller's to wipe.
func SealKey(k SealedKey, twoParty, pkcs8 []byte) (SealedKey, error) {
	pub, err := sm2.NewPublicKey(twoParty)
	if err != nil {
		return SealedKey{}, fmt.Errorf("%w: two-party public key", ErrInvalid)
	}
	key := make([]byte, sm4.BlockSize)
	defer clear(key)
	if _, err := rand.Read(key); err != nil {
		return SealedKey{}, err
	}
	k.Passphrase, k.Salt = nil, nil
	withSecrets(func() { k.DataKey, err = sm2.EncryptASN1(rand.Reader, pub, key) })
	if err != nil {
		return SealedKey{}, err
	}
	return k.seal(key, pkcs8)
}

// SealKeyWithPassphrase seals a PKCS #8 private key under a passphrase of at least MinPassphrase bytes. passphrase and
// pkcs8 stay the caller's to wipe.
func SealKeyWithPassphrase(k SealedKey, passphrase, pkcs8 []byte) (SealedKey, error) {
	if len(passphrase) < MinPassphrase {
		return SealedKey{}, invalid(KindSealedKey, "passphrase is too short")
	}
	cost := defaultArgon2Cost
	k.DataKey, k.Passphrase, k.Salt = nil, &cost, make([]byte, 16)
	if _, err := rand.Read(k.Salt); err != nil {
		return SealedKey{}, err
	}
	key := k.stretch(passphrase)
	defer clear(key)
	return k.seal(key, pkcs8)
}

func (k *SealedKey) stretch(passphrase []byte) (key []byte) {
	withSecrets(func() {
		key = argon2.IDKey(passphrase, k.Salt, k.Passphrase.Time, k.Passphrase.Memory, k.Passphrase.Threads, sm4.BlockSize)
	})
	return key
}

// associated binds the sealed key to everything the record says about it.
func (k *SealedKey) associated() []byte {
	h := sm3.New()
	h.Write([]byte("cloudkey sealed key\x01"))
	field := func(b []byte) { h.Write(appendBytes(nil, b)) }
	field([]byte(k.ID))
	field([]byte(k.Profile))
	field([]byte{byte(k.Kind)})
	field(k.Certificate)
	field(k.DataKey)
	field(k.Salt)
	if c := k.Passphrase; c != nil {
		field(be64(uint64(c.Time)))
		field(be64(uint64(c.Memory)))
		field([]byte{c.Threads})
	}
	return h.Sum(nil)
}

func (k SealedKey) seal(key, pkcs8 []byte) (SealedKey, error) {
	private, err := parsePrivateKey(pkcs8, k.Kind)
	if err != nil {
		return SealedKey{}, err
	}
	if len(k.Certificate) > 0 {
		if err := belongs(private, k.Certificate); err != nil {
			return SealedKey{}, err
		}
	}
	k.Sealed = make([]byte, 12, 12+len(pkcs8)+tagSize)
	if _, err := rand.Read(k.Sealed); err != nil {
		return SealedKey{}, err
	}
	withSecrets(func() {
		var g cipher.AEAD
		if g, err = kekCipher(key); err == nil {
			k.Sealed = g.Seal(k.Sealed, k.Sealed[:12], pkcs8, k.associated())
		}
	})
	return k, err
}

// Open opens a key sealed for a two-party key. Errors of decrypt are returned as they are; a key that does not open with
// what decrypt returned is ErrDamaged.
func (k SealedKey) Open(ctx context.Context, decrypt DecryptFunc) (PrivateKey, error) {
	if len(k.DataKey) == 0 {
		return nil, fmt.Errorf("%w: sealed under a passphrase", ErrInvalid)
	}
	key, err := decrypt(ctx, k.DataKey)
	defer clear(key)
	if err != nil {
		return nil, err
	}
	if len(key) != sm4.BlockSize {
		return nil, fmt.Errorf("%w: data key of %d bytes", ErrDamaged, len(key))
	}
	return k.open(key)
}

// ErrPassphrase reports a wrong passphrase of an imported key.
var ErrPassphrase = errors.New("keystore: wrong passphrase")

// OpenWithPassphrase opens an imported key. A wrong passphrase is ErrPassphrase. passphrase stays the caller's to wipe.
func (k SealedKey) OpenWithPassphrase(passphrase []byte) (PrivateKey, error) {
	if k.Passphrase == nil {
		return nil, fmt.Errorf("%w: not sealed under a passphrase", ErrInvalid)
	}
	if err := k.Passphrase.check(); err != nil {
		return nil, err
	}
	key := k.stretch(passphrase)
	defer clear(key)
	private, err := k.open(key)
	if errors.Is(err, ErrDamaged) {
		return nil, ErrPassphrase
	}
	return private, err
}

func (k *SealedKey) open(key []byte) (PrivateKey, error) {
	if len(k.Sealed) < 12+tagSize {
		return nil, fmt.Errorf("%w: sealed key is too short", ErrDamaged)
	}
	plain := make([]byte, 0, len(k.Sealed))
	var err error
	withSecrets(func() {
		var g cipher.AEAD
		if g, err = kekCipher(key); err == nil {
			plain, err = g.Open(plain, k.Sealed[:12], k.Sealed[12:], k.associated())
		}
	})
	if err != nil {
		return nil, fmt.Errorf("%w: sealed key does not authenticate", ErrDamaged)
	}
	defer clear(plain)
	return parsePrivateKey(plain, k.Kind)
}

// parsePrivateKey reads a PKCS #8 key of the kind.
func parsePrivateKey(pkcs8 []byte, kind KeyKind) (PrivateKey, error) {
	parsed, err := smx509.ParsePKCS8PrivateKey(pkcs8)
	if err != nil {
		return nil, fmt.Errorf("%w: not a PKCS #8 private key", ErrInvalid)
	}
	switch key := parsed.(type) {
	case *sm2.PrivateKey:
		if kind == KeySM2 {
			return key, nil
		}
	case *rsa.PrivateKey:
		if kind == KeyRSA && key.N.BitLen() >= 2048 {
			return key, nil
		}
	}
	return nil, fmt.Errorf("%w: private key of another kind or strength", ErrInvalid)
}

// belongs checks that a certificate is for a private key.
func belongs(key PrivateKey, certificate []byte) error {
	cert, err := smx509.ParseCertificate(certificate)
	if err != nil {
		return fmt.Errorf("%w: certificate does not parse", ErrInvalid)
	}
	pub, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !pub.Equal(cert.PublicKey) {
		return fmt.Errorf("%w: certificate is for another key", ErrInvalid)
	}
	return nil
}

// SealedKey returns the sealed key with this ID, or ErrNotFound.
func (s *Store) SealedKey(ctx context.Context, id string) (SealedKey, error) {
	return read(ctx, s, func(tx *Tx) (SealedKey, error) { return tx.SealedKey(id) })
}

// SealedKeys returns the sealed keys of a profile, oldest first.
func (s *Store) SealedKeys(ctx context.Context, profile string) ([]SealedKey, error) {
	return read(ctx, s, func(tx *Tx) ([]SealedKey, error) { return tx.SealedKeys(profile) })
}

// PutSealedKey stores k, replacing the one with the same ID.
func (s *Store) PutSealedKey(ctx context.Context, k SealedKey) error {
	return s.Update(ctx, func(tx *Tx) error { return tx.PutSealedKey(k) })
}

// SealedKey is Store.SealedKey in this transaction.
func (tx *Tx) SealedKey(id string) (SealedKey, error) {
	return getJSON[SealedKey](tx, KindSealedKey, id)
}

// SealedKeys is Store.SealedKeys in this transaction.
func (tx *Tx) SealedKeys(profile string) ([]SealedKey, error) {
	all, err := listJSON(tx, KindSealedKey, func(a, b SealedKey) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	of := []SealedKey{}
	for _, k := range all {
		if k.Profile == profile {
			of = append(of, k)
		}
	}
	return of, err
}

// PutSealedKey is Store.PutSealedKey in this transaction. Created is set when it is zero.
func (tx *Tx) PutSealedKey(k SealedKey) error {
	switch {
	case k.ID == "":
		return invalid(KindSealedKey, "no ID")
	case !tx.has(KindProfile, k.Profile):
		return invalid(KindSealedKey, "unknown profile")
	case len(k.Sealed) == 0 || (len(k.DataKey) == 0) == (k.Passphrase == nil):
		return invalid(KindSealedKey, "not sealed")
	}
	if k.Passphrase != nil {
		if err := k.Passphrase.check(); err != nil {
			return err
		}
	}
	if k.Created.IsZero() {
		k.Created = tx.now().UTC()
	}
	return putJSON(tx, KindSealedKey, k.ID, RecordRef{ID: k.ID}, k)
}

// DeleteSealedKey removes a key. After the Update the caller calls Store.Erase. Deleting one that is not there is no error.
func (tx *Tx) DeleteSealedKey(id string) error {
	had, err := tx.del(KindSealedKey, id)
	if had {
		tx.requestErasure()
	}
	return err
}
