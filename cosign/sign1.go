package cosign

// S1, client to server: e, com = H(keyID, e, R1, ρ) with R1 = k1*G, for each digest of the batch under one commitment.
// The commitment fixes digests and nonces before the client sees R2: without it, parallel sessions can be combined into
// a signature that the server never saw (ROS: Benhamouda and others, EUROCRYPT 2021).

// Signing is the client's state of a signature between S1 and S4. It holds k1 until S3 and lives in memory only.
type Signing struct {
	secretState
	opening
	digests [][]byte
	k1      []*scalar
	r1      []point
	rho     [hashSize]byte
	com     [hashSize]byte
	nonces  []point   // after S2: R = R1 + R2
	r       []*scalar // after S2: r = e + x(R)
}

func signingCommitment(id KeyID, digests [][]byte, r1 []point, rho [hashSize]byte) [hashSize]byte {
	fields := make([][]byte, 0, 2+2*len(digests))
	fields = append(fields, id[:])
	for i := range digests {
		fields = append(fields, digests[i], r1[i].bytes())
	}
	return hashFields("S commitment", append(fields, rho[:])...)
}

// BeginSign makes S1 for 1 to MaxBatch digests e = SM3(Z || M), 32 bytes each. It needs no PIN and changes nothing; the
// session may be dropped at any time before S3.
func (s *Share) BeginSign(digests [][]byte) (*Signing, []byte, error) {
	if err := s.usable(); err != nil {
		return nil, nil, err
	}
	if len(digests) < 1 || len(digests) > MaxBatch {
		return nil, nil, &MessageError{Message: "sign round 1", Field: "digests", Err: ErrLength}
	}
	g := &Signing{rho: s.hooks.random32()}
	for _, d := range digests {
		if len(d) != hashSize {
			return nil, nil, &MessageError{Message: "sign round 1", Field: "digests", Err: ErrLength}
		}
		g.digests = append(g.digests, append([]byte(nil), d...))
		guarded(func() {
			k1 := s.hooks.nonce(s.current.link.device[:], []byte("k1"), s.current.link.ratchet[:], d, g.rho[:])
			g.k1 = append(g.k1, k1)
			g.r1 = append(g.r1, baseMul(k1))
		})
	}
	g.com = signingCommitment(s.id, g.digests, g.r1, g.rho)
	w := new(writer).u16(uint16(len(digests))).put(g.digests...).put(g.com[:])
	o, err := s.begin(Sign, w.b, s.current.link.device[:])
	if err != nil {
		return nil, nil, err
	}
	g.opening = *o
	return g, g.first, nil
}

// Cancel forgets the session. The server has evaluated nothing. After Prove it only wipes.
func (g *Signing) Cancel() {
	wipeScalars(g.k1...)
	wipe(g.rho[:])
	g.opening.wipe()
}
