package cosign

import "crypto/hpke"

// Delegation: the grantor draws t and makes the grantee's share d1*t, sealed to the grantee's device; the server gets t
// and makes d2/t and P1*t. P is the same, so the grantee's signatures verify under the grantor's certificate, while the
// key is never put together and nothing is copied: each grantee has its own record, PIN, counter and ratchet. The
// grantee's first refresh (Activate) removes the grantor's knowledge of the share. A renewal or a new password is a
// delegation with a new t to the same key ID: the record it makes replaces the old one.
//
//	round 3, C→S, sealed: grantee's key ID and device key, t, package, PoK(d1) bound to all of it
//	round 4, S→C, sealed: done

// Delegating is the grantor's state of a delegation.
type Delegating struct {
	secretState
	opening
}

// BeginDelegate makes round 1. It changes nothing.
func (s *Share) BeginDelegate() (*Delegating, []byte, error) {
	if err := s.usable(); err != nil {
		return nil, nil, err
	}
	o, err := s.begin(Delegate, nil, s.current.link.device[:])
	if err != nil {
		return nil, nil, err
	}
	return &Delegating{opening: *o}, o.first, nil
}

// Cancel forgets the session.
func (d *Delegating) Cancel() { d.opening.wipe() }

// Receive checks round 2. It needs no PIN.
func (d *Delegating) Receive(message []byte) error {
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

func packageInfo(grantor, grantee KeyID, public point) []byte {
	return new(writer).put([]byte(domain+"package "), grantor[:], grantee[:], public.bytes()).b
}

// packageSealed is enc, d1*t and the tag of AES-256-GCM.
const packageSealed = sealPublicSize + scalarSize + 16

const packageSize = 1 + 16 + 16 + pointSize + packageSealed

func sealPackage(grantor, grantee KeyID, public point, device []byte, d *scalar) ([]byte, error) {
	pk, err := sealKEM().NewPublicKey(device)
	if err != nil {
		return nil, ErrSeal
	}
	plain := d.bytes()
	defer wipe(plain)
	sealed, err := hpke.Seal(pk, hpke.HKDFSHA256(), hpke.AES256GCM(), packageInfo(grantor, grantee, public), plain)
	if err != nil {
		return nil, ErrSeal
	}
	return new(writer).u8(wireVersion).put(grantor[:], grantee[:], public.bytes(), sealed).b, nil
}

func delegateContext(transcript [hashSize]byte, grantee KeyID, device, t, pkg []byte) []byte {
	h := hashFields("delegate proof", transcript[:], grantee[:], device, t, pkg)
	return h[:]
}

// Prove makes round 3 for a grantee's share: its key ID, and the public seal key (32 bytes) of the grantee's device,
// whose Fingerprint both have compared. It changes the share, which must be durable before the message is sent. pin
// stays the caller's.
func (d *Delegating) Prove(grantee KeyID, device, pin []byte) ([]byte, error) {
	switch {
	case d.proved || d.ended:
		return nil, ErrUsed
	case !d.received || grantee == d.share.id:
		return nil, ErrConflict
	}
	s := d.share
	if err := s.usable(); err != nil {
		return nil, err
	}
	w := new(writer).put(grantee[:], device)
	var err error
	guarded(func() {
		secret, t := s.current.masked.unmask(pin), s.hooks.randomScalar()
		shared := newScalar().mul(secret, t)
		var pkg []byte
		if pkg, err = sealPackage(s.id, grantee, s.public, device, shared); err == nil {
			tb, p1 := t.bytes(), baseMul(secret)
			w.put(tb, pkg)
			context := delegateContext(d.transcript, grantee, device, tb, pkg)
			s.hooks.proveLogs("delegate", context, generator, []point{p1}, []*scalar{secret}).put(w)
			wipe(tb)
			p1.wipe()
		}
		wipeScalars(secret, t, shared)
	})
	if err != nil {
		return nil, err
	}
	message, _ := d.seal(3, &s.current.link, w.b)
	wipe(w.b)
	d.opening.wipe()
	return message, nil
}
