package cosign

// KG3, client to server: an encapsulation to the server's session key and, sealed, P1, π1 = PoK(d1), ρ: the opening of com.
type kg3 struct {
	id     KeyID
	encE   [sealPublicSize]byte
	sealed []byte
}

const kg3Plain = pointSize + proofSize + hashSize

func (m *kg3) header() []byte {
	return new(writer).put(Header{Operation: Generate, Round: 3, KeyID: m.id}.bytes(), m.encE[:]).b
}

func (m *kg3) bytes() []byte { return append(m.header(), m.sealed...) }

func parseKG3(b []byte, id KeyID) (*kg3, error) {
	r, err := openMessage("KG3", b, Header{Operation: Generate, Round: 3, KeyID: id})
	if err != nil {
		return nil, err
	}
	m := &kg3{id: id, encE: r.b32("enc"), sealed: r.take("sealed", kg3Plain+16)}
	return m, r.end()
}

// publicKeyOf is P = d*Q - G; O is refused.
func publicKeyOf(d *scalar, q point) (point, error) {
	p := q.mul(d).add(generator.neg())
	if p.isInfinity() {
		return point{}, ErrInfinity
	}
	return p, nil
}

// Share checks KG2 and returns the share record, masked under pin, and KG3. The record must be durable before KG3 is
// sent: from then on the server may hold the key. d1, P1, P2 and the proofs are erased. pin stays the caller's.
func (g *KeyGeneration) Share(kg2Message, pin []byte) (*Share, []byte, error) {
	if g.used {
		return nil, nil, ErrUsed
	}
	m2, err := parseKG2(kg2Message, g.id)
	if err != nil {
		return nil, nil, err
	}
	toClient, err := decapsulate(g.sealKey, m2.encC[:], sealInfo("KG client", g.id))
	if err != nil {
		return nil, nil, err
	}
	defer wipe(toClient)
	keys := deriveSealKeys(hashFields("KG2", g.message, m2.header()), g.fromStatic, toClient)
	plain, err := openOnce(keys.request, m2.header(), m2.sealed)
	keys.wipe()
	if err != nil {
		return nil, nil, err
	}
	defer wipe(plain)
	r := &reader{name: "KG2", b: plain}
	p2, pi2, recovery := r.point("P2"), r.proof("π2"), r.b32("recovery")
	if err := r.end(); err != nil {
		return nil, nil, err
	}
	defer p2.wipe()
	m1, err := parseKG1(g.message)
	if err != nil {
		return nil, nil, err
	}
	if !g.hooks.omits(checkServerProof) {
		if err := verifyLogs("d2", generationContext(m1, m2.nonce), generator, []point{p2}, pi2); err != nil {
			return nil, nil, err
		}
	}

	encE, secretE, err := encapsulate(m2.sealKey[:], sealInfo("KG session", g.id))
	if err != nil {
		return nil, nil, err
	}
	defer wipe(secretE)
	s := &Share{id: g.id, state: shareGenerated, hooks: g.hooks}
	copy(s.serverSeal[:], g.serverSeal)
	guarded(func() {
		if s.public, err = publicKeyOf(g.d1, p2); err != nil {
			return
		}
		s.current.masked = g.hooks.mask(g.d1, pin, g.kdf)
		s.current.recovery = g.hooks.wrap(g.d1, recovery[:], g.id, 0)
	})
	if err != nil {
		return nil, nil, err
	}
	m3 := &kg3{id: g.id}
	copy(m3.encE[:], encE)
	w := new(writer).put(g.p1)
	g.pi1.put(w)
	w.put(g.rho[:])
	keys = deriveSealKeys(hashFields("KG3", g.message, kg2Message), g.fromStatic, toClient, secretE)
	m3.sealed = sealOnce(keys.request, m3.header(), w.b)
	wipe(w.b, recovery[:])
	s.current.link = keys.link()
	keys.wipe()
	g.Wipe()
	s.kg3 = m3.bytes()
	return s, append([]byte(nil), s.kg3...), nil
}
