package cosign

import (
	"crypto/ecdsa"
	"crypto/hpke"
)

// GranteeRecords is what a delegation leaves with the server. The caller checks KeyID and Device against the
// authorization before it stores them; they replace earlier records of the same key ID, whose share is dead from then on.
type GranteeRecords struct {
	Key     *ServerKey // inactive until Activate
	Guard   *Guard
	Device  []byte // public seal key that the package is sealed to
	Package []byte // for the grantee's device; the server cannot open it
}

// delegate evaluates round 3.
func (a *Attempt) delegate(r *reader) ([]byte, error) {
	key, h := a.key, a.server.hooks
	grantee := KeyID(r.b16("grantee"))
	device := append([]byte(nil), r.take("device key", sealPublicSize)...)
	t := r.scalar("t")
	defer t.wipe()
	pkg := append([]byte(nil), r.take("package", packageSize)...)
	pi := r.proof("proof of d1")
	if r.err == nil && (grantee == key.id || grantee == KeyID{}) {
		r.fail("grantee", ErrConflict)
	}
	if err := r.end(); err != nil {
		return nil, err
	}
	p, err := parsePackage(pkg)
	if err != nil {
		return nil, err
	}
	if p.grantor != key.id || p.grantee != grantee || !p.public.equal(key.public) {
		return nil, ErrConflict
	}
	tb := t.bytes()
	err = verifyLogs("delegate", delegateContext(a.session.transcript, grantee, device, tb, pkg), generator, []point{key.current.p1}, pi)
	wipe(tb)
	if err != nil && !h.omits(checkPIN) {
		return nil, errWrongPIN
	}
	inverse := newScalar().inv(t)
	a.grantee = &GranteeRecords{
		Key: &ServerKey{id: grantee, public: key.public, current: serverEpoch{
			d2: newScalar().mul(key.current.d2, inverse), p1: key.current.p1.mul(t), device: h.random32(), recovery: h.random32(),
		}},
		Guard:  &Guard{id: grantee},
		Device: device, Package: pkg,
	}
	inverse.wipe()
	return nil, nil
}

// Finish takes round 4. It changes the share: store it. nil: the server holds the grantee's share. Errors of the
// server's verdict: *PINError, ErrCloneSuspected, ErrViolation, ErrFailed.
func (d *Delegating) Finish(message []byte) error {
	if d.share.open == nil || d.share.open.session != d.session {
		return ErrConflict
	}
	_, err := d.share.answer(message)
	return err
}

// delegated is the clear part of a package.
type delegated struct {
	grantor, grantee KeyID
	public           point
	sealed           []byte
}

func parsePackage(b []byte) (*delegated, error) {
	r := &reader{name: "package", b: b}
	if v := r.u8("version"); r.err == nil && v != wireVersion {
		r.fail("version", ErrVersion)
	}
	p := &delegated{grantor: r.b16("grantor"), grantee: r.b16("grantee"), public: r.point("P"), sealed: r.take("sealed", packageSealed)}
	return p, r.end()
}

// OpenPackage starts the activation of a delegated share on the grantee's device: it opens the package with the device's
// seal key and returns the refresh that takes the share over, and its round 1. Then Receive, Prove(nil), Renew(pin),
// Commit as in any refresh; Refreshing.Share is the record to store, first after Renew. The caller has checked that the
// public key is that of the grantor's certificate. kdf is for the grantee's PIN; serverSeal the server's pinned key.
func OpenPackage(pkg []byte, device *SealKey, serverSeal []byte, kdf KDF) (*Refreshing, []byte, error) {
	return openPackage(pkg, device, serverSeal, kdf, nil)
}

func openPackage(pkg []byte, device *SealKey, serverSeal []byte, kdf KDF, h *hooks) (*Refreshing, []byte, error) {
	if err := kdf.check(); err != nil {
		return nil, nil, err
	}
	p, err := parsePackage(pkg)
	if err != nil {
		return nil, nil, err
	}
	plain, err := hpke.Open(device.key, hpke.HKDFSHA256(), hpke.AES256GCM(), packageInfo(p.grantor, p.grantee, p.public), p.sealed)
	if err != nil {
		return nil, nil, ErrSeal
	}
	defer wipe(plain)
	r := &reader{name: "package", b: plain}
	secret := r.scalar("share")
	if err := r.end(); err != nil {
		return nil, nil, err
	}
	s := &Share{id: p.grantee, state: shareActivating, public: p.public, hooks: h}
	copy(s.serverSeal[:], serverSeal)
	o, err := s.begin(Activate, nil, nil)
	if err != nil {
		return nil, nil, err
	}
	return &Refreshing{opening: *o, kdf: kdf, secret: secret}, o.first, nil
}

// Share returns the record that the refresh works on.
func (f *Refreshing) Share() *Share { return f.share }

// PackageKey reads who made a package, for which share, and the public key P, to be compared with a certificate.
func PackageKey(pkg []byte) (grantor, grantee KeyID, public *ecdsa.PublicKey, err error) {
	p, err := parsePackage(pkg)
	if err != nil {
		return KeyID{}, KeyID{}, nil, err
	}
	return p.grantor, p.grantee, p.public.publicKey(), nil
}
