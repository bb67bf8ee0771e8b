package cosign

// Decryption: the client proves d1 (the PIN check), and only then the server returns T = d2*C1; the client makes
// Z = d1*T - C1 = d*C1. T without the proof would test PINs offline, and without counting.
//
//	round 3, C→S, sealed: C1, PoK(d1) bound to session and C1
//	round 4, S→C, sealed: T, proof that log P1→G' equals log C1→T

// Decrypting is the client's state of a decryption. It holds d1 between rounds 3 and 4 and lives in memory only.
type Decrypting struct {
	secretState
	opening
	ciphertext *ciphertext
	context    []byte
	secret     *scalar
}

// BeginDecrypt makes round 1 for an SM2 ciphertext: ASN.1 (GM/T 0009) or 04 || C1 || C3 || C2. It changes nothing.
func (s *Share) BeginDecrypt(ciphertext []byte) (*Decrypting, []byte, error) {
	if err := s.usable(); err != nil {
		return nil, nil, err
	}
	c, err := parseCiphertext(append([]byte(nil), ciphertext...))
	if err != nil {
		return nil, nil, err
	}
	o, err := s.begin(Decrypt, nil, s.current.link.device[:])
	if err != nil {
		return nil, nil, err
	}
	return &Decrypting{opening: *o, ciphertext: c}, o.first, nil
}

// Cancel wipes the state.
func (d *Decrypting) Cancel() {
	d.opening.wipe()
	d.secret.wipe()
}

// Receive checks round 2. It needs no PIN.
func (d *Decrypting) Receive(message []byte) error {
	if d.ended {
		return ErrUsed
	}
	r, err := d.receive(message)
	if err != nil {
		return err
	}
	if err := r.end(); err != nil {
		return err
	}
	d.received = true
	return nil
}

func decryptContext(transcript [hashSize]byte, c1 point) []byte {
	h := hashFields("decrypt proof", transcript[:], c1.bytes())
	return h[:]
}

// Prove makes round 3. It changes the share, which must be durable before the message is sent. pin stays the caller's.
func (d *Decrypting) Prove(pin []byte) ([]byte, error) {
	switch {
	case d.proved || d.ended:
		return nil, ErrUsed
	case !d.received:
		return nil, ErrConflict
	}
	if err := d.share.usable(); err != nil {
		return nil, err
	}
	w := new(writer).put(d.ciphertext.c1.bytes())
	d.context = decryptContext(d.transcript, d.ciphertext.c1)
	guarded(func() {
		d.secret = d.share.current.masked.unmask(pin)
		p1 := baseMul(d.secret)
		d.share.hooks.proveLogs("decrypt", d.context, generator, []point{p1}, []*scalar{d.secret}).put(w)
		p1.wipe()
	})
	message, _ := d.seal(3, &d.share.current.link, w.b)
	wipe(w.b)
	d.opening.wipe()
	return message, nil
}
