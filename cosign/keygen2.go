package cosign

import "crypto/hpke"

// KG2, server to client: the server's key for the seal of KG3, an encapsulation to the client's key and, sealed,
// P2 = d2*G, π2 = PoK(d2) bound to (keyID, nC, nS, com), and the server's half of the recovery key.
// P2 is sealed because P2 and P together test a guess of d1, and so of the PIN, offline.
type kg2 struct {
	id            KeyID
	nonce         [hashSize]byte
	sealKey, encC [sealPublicSize]byte
	sealed        []byte
}

const kg2Plain = pointSize + proofSize + hashSize

func (m *kg2) header() []byte {
	return new(writer).put(Header{Operation: Generate, Round: 2, KeyID: m.id}.bytes(), m.nonce[:], m.sealKey[:], m.encC[:]).b
}

func (m *kg2) bytes() []byte { return append(m.header(), m.sealed...) }

func parseKG2(b []byte, id KeyID) (*kg2, error) {
	r, err := openMessage("KG2", b, Header{Operation: Generate, Round: 2, KeyID: id})
	if err != nil {
		return nil, err
	}
	m := &kg2{id: id, nonce: r.b32("nS"), sealKey: r.b32("seal key"), encC: r.b32("enc")}
	m.sealed = r.take("sealed", kg2Plain+16)
	return m, r.end()
}

// generationContext is what π2 is bound to.
func generationContext(m1 *kg1, nonceS [hashSize]byte) []byte {
	return new(writer).put(m1.id[:], m1.nonce[:], nonceS[:], m1.com[:]).b
}

// KeySession is the server's state between KG2 and KG3. It holds d2 and lives in memory only: it cannot be encoded.
type KeySession struct {
	secretState
	m1         *kg1
	transcript [hashSize]byte
	d2         *scalar
	recovery   [hashSize]byte
	sealKey    hpke.PrivateKey
	fromStatic []byte
	toClient   []byte
	used       bool
}

// KeyID returns the ID that the client chose.
func (ks *KeySession) KeyID() KeyID { return ks.m1.id }

// Wipe overwrites the secrets; the session is of no more use.
func (ks *KeySession) Wipe() {
	ks.used = true
	ks.d2.wipe()
	wipe(ks.recovery[:], ks.fromStatic, ks.toClient)
}

// BeginKey answers KG1 with KG2. The caller has made sure that the key ID is unused and keeps the session in memory
// until KG3 comes.
func (s *Server) BeginKey(kg1 []byte) (*KeySession, []byte, error) {
	m1, err := parseKG1(kg1)
	if err != nil {
		return nil, nil, err
	}
	ks := &KeySession{m1: m1}
	if ks.fromStatic, err = decapsulate(s.seal.key, m1.encS[:], sealInfo("KG server", m1.id)); err != nil {
		return nil, nil, err
	}
	if ks.sealKey, err = sealKEM().GenerateKey(); err != nil {
		return nil, nil, err
	}
	encC, toClient, err := encapsulate(m1.sealKey[:], sealInfo("KG client", m1.id))
	if err != nil {
		return nil, nil, err
	}
	ks.toClient = toClient
	m2 := &kg2{id: m1.id, nonce: s.hooks.random32()}
	copy(m2.sealKey[:], ks.sealKey.PublicKey().Bytes())
	copy(m2.encC[:], encC)

	ks.recovery = s.hooks.random32()
	w := new(writer)
	guarded(func() {
		ks.d2 = s.hooks.randomScalar()
		p2 := baseMul(ks.d2)
		w.put(p2.bytes())
		s.hooks.proveLogs("d2", generationContext(m1, m2.nonce), generator, []point{p2}, []*scalar{ks.d2}).put(w)
	})
	w.put(ks.recovery[:])
	keys := deriveSealKeys(hashFields("KG2", kg1, m2.header()), ks.fromStatic, ks.toClient)
	m2.sealed = sealOnce(keys.request, m2.header(), w.b)
	wipe(w.b)
	keys.wipe()
	out := m2.bytes()
	ks.transcript = hashFields("KG3", kg1, out)
	return ks, out, nil
}
