package keystore

import (
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/sm4"
)

// Layout of a sealed record: suite (1) ‖ generation (8, big endian) ‖ salt (24) ‖ ciphertext ‖ tag (16).
const (
	suiteSM4GCM = 1 // SM4-GCM, record key and nonce by HKDF-SM3

	storeKeySize = 32
	storeIDSize  = 16
	saltSize     = 24
	tagSize      = 16
	headSize     = 1 + 8 + saltSize
	overhead     = headSize + tagSize

	pseudonymSize = 16
)

var errSeal = errors.New("does not authenticate")

// subkeys holds the sub-keys of one store key.
type subkeys struct {
	storeID [storeIDSize]byte
	seal    []byte // 32 bytes, HKDF pseudorandom key of the record keys
	name    []byte // 32 bytes, key of the pseudonyms
}

// newSubkeys derives the sub-keys. storeKey stays the caller's to wipe.
func newSubkeys(storeKey []byte, storeID [storeIDSize]byte) (*subkeys, error) {
	if len(storeKey) != storeKeySize {
		return nil, fmt.Errorf("keystore: store key of %d bytes", len(storeKey))
	}
	k := &subkeys{storeID: storeID}
	withSecrets(func() {
		prk := extract(storeID[:], storeKey)
		k.seal, k.name = expand(prk, "cloudkey keystore 1 seal"), expand(prk, "cloudkey keystore 1 name")
		clear(prk)
	})
	return k, nil
}

// extract is HKDF-Extract (RFC 5869 §2.2) with SM3. The secret is the hashed message, whose last block the digest would
// keep until its memory is used again; it is overwritten here.
func extract(salt, secret []byte) []byte {
	m := hmac.New(sm3.New, salt)
	m.Write(secret)
	prk := m.Sum(make([]byte, 0, sm3.Size))
	m.Reset()
	m.Write(make([]byte, sm3.BlockSize-1))
	return prk
}

// expand is HKDF-Expand (RFC 5869 §2.3) with SM3 for one block, 32 bytes. That of the standard library leaves a copy of the
// block in memory that nobody can wipe.
func expand(prk []byte, info string) []byte {
	m := hmac.New(sm3.New, prk)
	m.Write([]byte(info))
	m.Write([]byte{1})
	return m.Sum(make([]byte, 0, sm3.Size))
}

func (k *subkeys) wipe() {
	clear(k.seal)
	clear(k.name)
}

// recordKey is the key under which a record lies in the file: kind ‖ pseudonym of its name.
func (k *subkeys) recordKey(kind Kind, name string) []byte {
	key := make([]byte, 1, 1+sm3.Size)
	key[0] = byte(kind)
	withSecrets(func() {
		m := hmac.New(sm3.New, k.name)
		m.Write(key)
		m.Write([]byte(name))
		key = m.Sum(key)
	})
	return key[: 1+pseudonymSize : 1+pseudonymSize]
}

// aead returns the cipher and nonce of one record version.
func (k *subkeys) aead(salt []byte) (cipher.AEAD, []byte, error) {
	okm := expand(k.seal, "record"+string(salt))
	block, err := sm4.NewCipher(okm[:sm4.BlockSize])
	clear(okm[:sm4.BlockSize])
	if err != nil {
		return nil, nil, err
	}
	g, err := cipher.NewGCM(block)
	return g, okm[sm4.BlockSize : sm4.BlockSize+12], err
}

// associated binds a record to its suite, store, place and generation. key is the full key in the file.
func (k *subkeys) associated(suite byte, gen uint64, key []byte) []byte {
	ad := make([]byte, 0, 64)
	ad = append(ad, "cloudkey keystore record"...)
	ad = append(ad, suite)
	ad = append(ad, k.storeID[:]...)
	ad = binary.BigEndian.AppendUint64(ad, gen)
	return append(ad, key...)
}

// sealRecord seals plain for the place key in generation gen.
func (k *subkeys) sealRecord(key []byte, gen uint64, plain []byte) ([]byte, error) {
	out := make([]byte, headSize, overhead+len(plain))
	out[0] = suiteSM4GCM
	binary.BigEndian.PutUint64(out[1:], gen)
	if _, err := rand.Read(out[9:headSize]); err != nil {
		return nil, err
	}
	var err error
	withSecrets(func() {
		var g cipher.AEAD
		var nonce []byte
		if g, nonce, err = k.aead(out[9:headSize]); err == nil {
			out = g.Seal(out, nonce, plain, k.associated(suiteSM4GCM, gen, key))
		}
	})
	return out, err
}

// openRecord returns the plaintext of a sealed record, in memory of its own, or errSeal.
func (k *subkeys) openRecord(key, sealed []byte) ([]byte, error) {
	gen, _, err := sealedHead(sealed)
	if err != nil {
		return nil, err
	}
	plain := make([]byte, 0, len(sealed)-overhead)
	withSecrets(func() {
		var g cipher.AEAD
		var nonce []byte
		if g, nonce, err = k.aead(sealed[9:headSize]); err == nil {
			plain, err = g.Open(plain, nonce, sealed[headSize:], k.associated(sealed[0], gen, key))
		}
	})
	if err != nil {
		return nil, errSeal
	}
	return plain, nil
}

// sealedHead returns the generation and tag of a sealed record without opening it.
func sealedHead(sealed []byte) (gen uint64, tag [tagSize]byte, err error) {
	if len(sealed) < overhead {
		return 0, tag, errSeal
	}
	if sealed[0] != suiteSM4GCM { // another suite comes with another format number, which is checked before
		return 0, tag, errSeal
	}
	copy(tag[:], sealed[len(sealed)-tagSize:])
	return binary.BigEndian.Uint64(sealed[1:]), tag, nil
}

func sameTag(a, b [tagSize]byte) bool { return subtle.ConstantTimeCompare(a[:], b[:]) == 1 }
