package cosign

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/hpke"
	"crypto/sha256"
)

// The inner seal: HPKE (RFC 9180) with DHKEM(X25519, HKDF-SHA256) and HKDF-SHA256, export only, to two keys at once:
// the server's long-term key, which the client has pinned, and a key of this session, which is forgotten after it. Both
// exported secrets together make the keys of one request and its answer, each used for one AES-256-GCM encryption, as
// in Oblivious HTTP (RFC 9458, 4.4). A broken TLS proxy lacks the first; who steals the first later lacks the second.

const sealPublicSize = 32

// SealKey is an X25519 key for HPKE: the server's long-term key of the inner seal, or the key of a device to which a
// delegated share is sealed. Safe for concurrent use.
type SealKey struct{ key hpke.PrivateKey }

func sealKEM() hpke.KEM { return hpke.DHKEM(ecdh.X25519()) }

// NewSealKey draws a key from crypto/rand.
func NewSealKey() (*SealKey, error) {
	k, err := sealKEM().GenerateKey()
	if err != nil {
		return nil, err
	}
	return &SealKey{k}, nil
}

// ParseSealKey reads the 32 bytes that Bytes returns.
func ParseSealKey(b []byte) (*SealKey, error) {
	k, err := sealKEM().NewPrivateKey(b)
	if err != nil {
		return nil, &MessageError{Message: "SealKey", Field: "key", Err: ErrLength}
	}
	return &SealKey{k}, nil
}

// Bytes returns the private key, 32 bytes (RFC 9180, SerializePrivateKey). Secret.
func (k *SealKey) Bytes() ([]byte, error) { return k.key.Bytes() }

// Public returns the public key, 32 bytes: what a client pins, or a grantor seals to.
func (k *SealKey) Public() []byte { return k.key.PublicKey().Bytes() }

// Fingerprint is what two people compare to know that they mean the same device: the first 8 bytes of
// SM3 over the public key, as four groups of hexadecimal digits.
func Fingerprint(sealPublic []byte) string {
	const digits = "0123456789ABCDEF"
	sum := hashFields("fingerprint", sealPublic)
	out := make([]byte, 0, 19)
	for i, b := range sum[:8] {
		if i > 0 && i%2 == 0 {
			out = append(out, ' ')
		}
		out = append(out, digits[b>>4], digits[b&15])
	}
	return string(out)
}

// encapsulate makes a secret that only the holder of public can make again from enc.
func encapsulate(public, info []byte) (enc, secret []byte, err error) {
	pk, err := sealKEM().NewPublicKey(public)
	if err != nil {
		return nil, nil, ErrSeal
	}
	enc, ctx, err := hpke.NewSender(pk, hpke.HKDFSHA256(), hpke.ExportOnly(), info)
	if err != nil {
		return nil, nil, ErrSeal
	}
	secret, err = ctx.Export(domain+"secret", hashSize)
	if err != nil {
		return nil, nil, ErrSeal
	}
	return enc, secret, nil
}

func decapsulate(key hpke.PrivateKey, enc, info []byte) ([]byte, error) {
	ctx, err := hpke.NewRecipient(enc, key, hpke.HKDFSHA256(), hpke.ExportOnly(), info)
	if err != nil {
		return nil, ErrSeal
	}
	secret, err := ctx.Export(domain+"secret", hashSize)
	if err != nil {
		return nil, ErrSeal
	}
	return secret, nil
}

// sealInfo binds an encapsulation to what it is for.
func sealInfo(use string, id KeyID) []byte {
	return append([]byte(domain+use+" "), id[:]...)
}

// sealKeys are the keys of one sealed request and its answer.
type sealKeys struct {
	request, answer []byte // AES-256-GCM, one encryption each
	prk             []byte // for the keys that not every exchange needs
	transcript      [hashSize]byte
}

func (k *sealKeys) expand(label string) []byte {
	key, err := hkdf.Expand(sha256.New, k.prk, domain+label+" "+string(k.transcript[:]), hashSize)
	if err != nil {
		panic("cosign: " + err.Error())
	}
	return key
}

// body is the key inside the answer, for a body that must not be opened after a restart.
func (k *sealKeys) body() []byte { return k.expand("body") }

// ratchet is where a ratchet starts that this exchange starts.
func (k *sealKeys) ratchet() (out [hashSize]byte) {
	b := k.expand("ratchet")
	copy(out[:], b)
	wipe(b)
	return out
}

// link is for the epoch that this exchange starts.
func (k *sealKeys) link() link {
	l := link{ratchet: k.ratchet()}
	b := k.expand("device")
	copy(l.device[:], b)
	wipe(b)
	return l
}

func (k *sealKeys) wipe() {
	wipe(k.request, k.answer, k.prk)
}

// deriveSealKeys combines the secrets (all 32 bytes) with everything that was said before.
func deriveSealKeys(transcript [hashSize]byte, secrets ...[]byte) *sealKeys {
	var ikm []byte
	for _, s := range secrets {
		ikm = append(ikm, s...)
	}
	prk, err := hkdf.Extract(sha256.New, ikm, nil)
	wipe(ikm)
	if err != nil {
		panic("cosign: " + err.Error())
	}
	keys := &sealKeys{prk: prk, transcript: transcript}
	keys.request, keys.answer = keys.expand("request"), keys.expand("answer")
	return keys
}

func oneTimeAEAD(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic("cosign: " + err.Error())
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic("cosign: " + err.Error())
	}
	return gcm
}

// sealOnce encrypts under a key that is used once, hence with the zero nonce.
func sealOnce(key, header, plain []byte) []byte {
	gcm := oneTimeAEAD(key)
	return gcm.Seal(nil, make([]byte, gcm.NonceSize()), plain, header)
}

func openOnce(key, header, sealed []byte) ([]byte, error) {
	gcm := oneTimeAEAD(key)
	plain, err := gcm.Open(nil, make([]byte, gcm.NonceSize()), sealed, header)
	if err != nil {
		return nil, ErrSeal
	}
	return plain, nil
}

// link is what an enrolled device shares with the server, apart from the key itself: device authenticates it, ratchet
// changes with every answered request so that a copy is noticed.
type link struct{ device, ratchet [hashSize]byte }

func (l *link) wipe() { wipe(l.device[:], l.ratchet[:]) }

func (l *link) put(w *writer) { w.put(l.device[:], l.ratchet[:]) }

func (r *reader) link(field string) link {
	return link{device: r.b32(field + " device"), ratchet: r.b32(field + " ratchet")}
}

// roll is K(i+1) = HMAC(K(i), ν, sid).
func roll(ratchet [hashSize]byte, nu []byte, sid SessionID) [hashSize]byte {
	return mac(ratchet[:], "roll", nu, sid[:])
}
