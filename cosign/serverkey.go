package cosign

import "crypto/ecdsa"

// ServerKey is the server's durable record of one share: d2, P1, P, the standing epoch and, during a refresh, the
// pending one, with the device and recovery secrets of each. Everything but ID, epoch and public key is secret.
// It changes only at a refresh. Not safe for concurrent use.
type ServerKey struct {
	id       KeyID
	active   bool // false: a grantee's share that has not been activated
	public   point
	current  serverEpoch
	pending  *pendingEpoch
	kg3, kg4 [hashSize]byte // hash of the request that confirmed the key, and the tag it was answered with
}

// serverEpoch is the server's side between two refreshes.
type serverEpoch struct {
	number   uint32
	d2       *scalar
	p1       point
	device   [hashSize]byte // authenticates the device
	recovery [hashSize]byte // the server's half of the key of the recovery wrap
}

// pendingEpoch waits for a proof under the new share.
type pendingEpoch struct {
	serverEpoch
	ratchet [hashSize]byte
	from    SessionID
}

func (e *serverEpoch) put(w *writer) {
	w.u32(e.number).scalar(e.d2).put(e.p1.bytes(), e.device[:], e.recovery[:])
}

func (r *reader) serverEpoch(field string) serverEpoch {
	return serverEpoch{
		number: r.u32(field + " number"), d2: r.scalar(field + " d2"), p1: r.point(field + " P1"),
		device: r.b32(field + " device"), recovery: r.b32(field + " recovery"),
	}
}

// MarshalBinary encodes the record (versioned, canonical). The result is secret; wipe it after storing. A zero ServerKey
// is ErrConflict.
func (k *ServerKey) MarshalBinary() ([]byte, error) {
	if k.current.d2 == nil {
		return nil, ErrConflict
	}
	w := new(writer).u8(wireVersion).flag(k.active).put(k.id[:], k.public.bytes())
	k.current.put(w)
	w.flag(k.pending != nil)
	if k.pending != nil {
		k.pending.put(w)
		w.put(k.pending.ratchet[:], k.pending.from[:])
	}
	w.put(k.kg3[:], k.kg4[:])
	return w.b, nil
}

// UnmarshalBinary decodes strictly: it returns a *MessageError for anything that MarshalBinary does not write.
func (k *ServerKey) UnmarshalBinary(b []byte) error {
	r := &reader{name: "ServerKey", b: b}
	if v := r.u8("version"); r.err == nil && v != wireVersion {
		r.fail("version", ErrVersion)
	}
	n := ServerKey{active: r.flag("active"), id: r.b16("key ID"), public: r.point("P")}
	n.current = r.serverEpoch("current")
	if r.flag("pending") {
		n.pending = &pendingEpoch{serverEpoch: r.serverEpoch("pending"), ratchet: r.b32("pending ratchet"), from: r.b16("pending session")}
		if r.err == nil && n.pending.number != n.current.number+1 {
			r.fail("pending number", ErrRange)
		}
	}
	n.kg3, n.kg4 = r.b32("KG3 hash"), r.b32("KG4 tag")
	if err := r.end(); err != nil {
		return err
	}
	*k = n
	return nil
}

// KeyID returns the ID of the share.
func (k *ServerKey) KeyID() KeyID { return k.id }

// PublicKey returns P on the curve sm2.P256 of emmansun/gmsm.
func (k *ServerKey) PublicKey() *ecdsa.PublicKey { return k.public.publicKey() }

// Epoch counts refreshes.
func (k *ServerKey) Epoch() uint32 { return k.current.number }

// Initial reports whether the share still has the first PIN (the SMS password): epoch 0. Answer mustChangePassword to
// everything but the certificate request and the refresh.
func (k *ServerKey) Initial() bool { return k.current.number == 0 }

// Active is false for a grantee's share that its device has not taken over yet: only Activate is possible.
func (k *ServerKey) Active() bool { return k.active }

// Wipe overwrites the secrets of the record in memory.
func (k *ServerKey) Wipe() {
	k.current.wipe()
	if k.pending != nil {
		k.pending.wipe()
		wipe(k.pending.ratchet[:])
	}
}

func (e *serverEpoch) wipe() {
	e.d2.wipe()
	wipe(e.device[:], e.recovery[:])
}

// base is G' = P + G = d1*d2*G, the base in which the server's nonce is committed.
func (k *ServerKey) base() point { return nonceBase(k.public) }

func nonceBase(public point) point { return pairSums([]point{public}, []point{generator})[0] }
