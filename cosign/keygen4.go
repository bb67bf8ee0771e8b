package cosign

// KG4, server to client: a tag over keyID and P under the device secret that KG3 established. It shows that both sides
// have the same P and that the one who answered holds the pinned seal key.

func generationTag(device [hashSize]byte, id KeyID, public point) [hashSize]byte {
	return mac(device[:], "KG4", id[:], public.bytes())
}

func kg4Bytes(id KeyID, tag [hashSize]byte) []byte {
	return new(writer).put(Header{Operation: Generate, Round: 4, KeyID: id}.bytes(), tag[:]).b
}

// FinishKey checks KG3. It returns the records to store and KG4, to be sent once they are durable. A session is used
// once; an error ends it.
func (s *Server) FinishKey(ks *KeySession, message []byte) (*ServerKey, *Guard, []byte, error) {
	if ks.used {
		return nil, nil, nil, ErrUsed
	}
	m3, err := parseKG3(message, ks.m1.id)
	if err != nil {
		return nil, nil, nil, err
	}
	secretE, err := decapsulate(ks.sealKey, m3.encE[:], sealInfo("KG session", m3.id))
	if err != nil {
		return nil, nil, nil, err
	}
	defer wipe(secretE)
	keys := deriveSealKeys(ks.transcript, ks.fromStatic, ks.toClient, secretE)
	defer keys.wipe()
	plain, err := openOnce(keys.request, m3.header(), m3.sealed)
	if err != nil {
		return nil, nil, nil, err
	}
	defer wipe(plain)
	defer ks.Wipe()
	r := &reader{name: "KG3", b: plain}
	p1, pi1, rho := r.point("P1"), r.proof("π1"), r.b32("ρ")
	if err := r.end(); err != nil {
		return nil, nil, nil, err
	}
	com := generationCommitment(m3.id, ks.m1.nonce, p1.bytes(), pi1, rho)
	if !macEqual(com[:], ks.m1.com[:]) && !s.hooks.omits(checkKeyCommitment) {
		return nil, nil, nil, ErrProof
	}
	if !s.hooks.omits(checkClientProof) {
		if err := verifyLogs("d1", append(m3.id[:], ks.m1.nonce[:]...), generator, []point{p1}, pi1); err != nil {
			return nil, nil, nil, err
		}
	}
	public, err := publicKeyOf(ks.d2, p1)
	if err != nil {
		return nil, nil, nil, err
	}
	l := keys.link()
	defer l.wipe()
	k := &ServerKey{
		id: m3.id, active: true, public: public,
		current: serverEpoch{d2: ks.d2.clone(), p1: p1, device: l.device, recovery: ks.recovery},
		kg3:     hashFields("KG3 message", message), kg4: generationTag(l.device, m3.id, public),
	}
	return k, &Guard{id: m3.id, ratchet: l.ratchet}, kg4Bytes(m3.id, k.kg4), nil
}

// Reconfirm answers a repeated KG3 with the same KG4; ErrConflict if kg3 is not the message this key was made from.
func (k *ServerKey) Reconfirm(kg3 []byte) (kg4 []byte, err error) {
	if hashFields("KG3 message", kg3) != k.kg3 {
		return nil, ErrConflict
	}
	return kg4Bytes(k.id, k.kg4), nil
}

// Confirm takes KG4. It changes the record: store it.
func (s *Share) Confirm(kg4 []byte) error {
	if s.state != shareGenerated {
		return ErrConflict
	}
	r, err := openMessage("KG4", kg4, Header{Operation: Generate, Round: 4, KeyID: s.id})
	if err != nil {
		return err
	}
	tag := r.b32("tag")
	if err := r.end(); err != nil {
		return err
	}
	want := generationTag(s.current.link.device, s.id, s.public)
	if !macEqual(tag[:], want[:]) {
		return ErrProof
	}
	s.state, s.kg3 = shareReady, nil
	return nil
}
