package cosign

// S3, client to server, sealed: R1, ρ, s1 = k1 + r over d1, for each digest. s1 together with the share record would test
// a PIN offline, hence the seal. k1 is used for this one message.

// Prove makes S3. It changes the share, which must be durable before S3 is sent: the record then remembers the session
// whose answer it waits for. pin stays the caller's. Any PIN gives a well-formed S3; only the server can tell.
func (g *Signing) Prove(pin []byte) ([]byte, error) {
	if err := g.provable(); err != nil {
		return nil, err
	}
	return g.proveWith(g.share.current.masked.unmask(pin))
}

func (g *Signing) provable() error {
	switch {
	case g.proved || g.ended:
		return ErrUsed
	case !g.received:
		return ErrConflict
	}
	return g.share.usable()
}

// proveWith makes S3 and wipes d.
func (g *Signing) proveWith(d *scalar) ([]byte, error) {
	if err := g.provable(); err != nil {
		return nil, err
	}
	w := new(writer).put(g.rho[:])
	guarded(func() {
		inverse, s1 := newScalar().inv(d), newScalar()
		for i := range g.digests {
			w.put(g.r1[i].bytes())
			s1.add(g.k1[i], g.r[i])
			w.scalar(s1.mul(s1, inverse))
		}
		wipeScalars(d, inverse, s1)
	})
	message, _ := g.seal(3, &g.share.current.link, w.b)
	g.share.open.digests = g.digests
	wipe(w.b)
	g.Cancel()
	return message, nil
}
