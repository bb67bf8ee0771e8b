package cosign

import "crypto/hpke"

// KG1, client to server: nC, com = H(keyID, nC, P1, π1, ρ), the client's key for the seal of KG2, and an encapsulation to the
// server's pinned key. The commitment fixes d1 before the client sees P2, so that it cannot choose the public key.
type kg1 struct {
	id            KeyID
	nonce, com    [hashSize]byte
	sealKey, encS [sealPublicSize]byte
}

func (m *kg1) bytes() []byte {
	return new(writer).put(Header{Operation: Generate, Round: 1, KeyID: m.id}.bytes(), m.nonce[:], m.com[:], m.sealKey[:], m.encS[:]).b
}

func parseKG1(b []byte) (*kg1, error) {
	r := &reader{name: "KG1", b: b}
	h := r.header()
	if r.err == nil && (h.Operation != Generate || h.Round != 1) {
		r.fail("header", ErrType)
	}
	m := &kg1{id: h.KeyID, nonce: r.b32("nC"), com: r.b32("com"), sealKey: r.b32("seal key"), encS: r.b32("enc")}
	return m, r.end()
}

// generationCommitment is com.
func generationCommitment(id KeyID, nonce [hashSize]byte, p1 []byte, pi1 proof, rho [hashSize]byte) [hashSize]byte {
	w := new(writer)
	pi1.put(w)
	return hashFields("KG commitment", id[:], nonce[:], p1, w.b, rho[:])
}

// KeyGeneration is the client's state between KG1 and KG3. It holds d1 and lives in memory only.
type KeyGeneration struct {
	id         KeyID
	serverSeal []byte
	kdf        KDF
	message    []byte
	nonce, rho [hashSize]byte
	d1         *scalar
	p1         []byte
	pi1        proof
	sealKey    hpke.PrivateKey
	fromStatic []byte // secret encapsulated to the server's pinned key
	used       bool
	hooks      *hooks
}

// NewKeyGeneration starts a key: it returns KG1. serverSeal is the server's pinned seal key, 32 bytes; kdf is for the
// first PIN (ErrParameters when out of bounds).
func NewKeyGeneration(id KeyID, serverSeal []byte, kdf KDF) (*KeyGeneration, []byte, error) {
	return newKeyGeneration(id, serverSeal, kdf, nil)
}

func newKeyGeneration(id KeyID, serverSeal []byte, kdf KDF, h *hooks) (*KeyGeneration, []byte, error) {
	if err := kdf.check(); err != nil {
		return nil, nil, err
	}
	g := &KeyGeneration{id: id, serverSeal: append([]byte(nil), serverSeal...), kdf: kdf, hooks: h, nonce: h.random32()}
	encS, secret, err := encapsulate(serverSeal, sealInfo("KG server", id))
	if err != nil {
		return nil, nil, err
	}
	g.fromStatic = secret
	if g.sealKey, err = sealKEM().GenerateKey(); err != nil {
		return nil, nil, err
	}
	guarded(func() {
		g.d1 = h.randomScalar()
		p1 := baseMul(g.d1)
		g.p1 = p1.bytes()
		g.pi1 = h.proveLogs("d1", append(id[:], g.nonce[:]...), generator, []point{p1}, []*scalar{g.d1})
		p1.wipe()
	})
	g.rho = h.random32()
	m := &kg1{id: id, nonce: g.nonce, com: generationCommitment(id, g.nonce, g.p1, g.pi1, g.rho)}
	copy(m.sealKey[:], g.sealKey.PublicKey().Bytes())
	copy(m.encS[:], encS)
	g.message = m.bytes()
	return g, g.message, nil
}

// Wipe overwrites d1 and what goes with it. Share does it too.
func (g *KeyGeneration) Wipe() {
	g.used = true
	g.d1.wipe()
	wipe(g.p1, g.rho[:], g.fromStatic)
	wipeScalars(g.pi1.c, g.pi1.z)
}
