package cosign

// S3, client to server, sealed: R1, ρ, s1 = k1 + r over d1, for each digest. s1 together with the share record would test
// a PIN offline, hence the seal. k1 is used for this one message.

// Prove makes S3. It changes the share, which must be durable before S3 is sent: the record then remembers the session
// whose answer it waits for. pin stays the caller's. Any PIN gives a well-formed S3; only the server can tell.
func (g *Signing) Prove(pin []byte) ([]byte, error) {
	switch {
	case g.proved || g.ended:
		return nil, ErrUsed
	case !g.received:
		return nil, ErrConflict
	}
	if err := g.share.usable(); err != nil {
		return nil, err
	}
	w := new(writer).put(g.rho[:])
	guarded(func() {
		d := g.share.current.masked.unmask(pin)
		inverse := newScalar().inv(d)
		s1 := newScalar()
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
