package cosign

import "crypto/ecdsa"

// Share is the client's record of one key. Store it under the key ID, sealed by the device's store key. It holds the
// masked share c = d1 - argon2id(PIN) mod n with salt and parameters, the epoch, the link to the server (device secret and
// ratchet), the recovery wrap, what an interrupted refresh or an unanswered request needs, the server's pinned seal key
// and the public key. It holds no check value: every PIN unmasks to a scalar and only the server can tell which is right.
//
// A step that changes a Share says so; the record must be durable before the message that the step returned is sent.
// Not safe for concurrent use.
type Share struct {
	id         KeyID
	state      shareState
	serverSeal [sealPublicSize]byte
	public     point
	current    shareEpoch
	next       *shareEpoch // made by a refresh that the server has not committed, as far as this side knows
	nextFrom   SessionID   // the session of that refresh
	open       *unanswered
	kg3        []byte // while state is shareGenerated: to be sent again

	hooks *hooks
}

type shareState uint8

const (
	shareGenerated  shareState = 1 + iota // KG3 made; the server has not confirmed
	shareActivating                       // a grantee's share; the server has not committed
	shareReady
)

// shareEpoch is a share between two refreshes.
type shareEpoch struct {
	number   uint32
	masked   masked
	link     link
	recovery wrapped
}

func (e *shareEpoch) put(w *writer) {
	w.u32(e.number)
	e.masked.put(w)
	e.link.put(w)
	e.recovery.put(w)
}

func (r *reader) shareEpoch(field string) shareEpoch {
	return shareEpoch{
		number: r.u32(field + " number"), masked: r.masked(field + " share"),
		link: r.link(field + " link"), recovery: r.wrapped(field + " recovery"),
	}
}

// unanswered is a request that may be with the server. key opens the answer and nothing else.
type unanswered struct {
	operation Operation
	round     int
	session   SessionID
	key       []byte
	ratchet   []byte   // where the ratchet starts again if the server says so
	digests   [][]byte // Sign
}

func (u *unanswered) put(w *writer) {
	w.u8(uint8(u.operation)).u8(uint8(u.round)).put(u.session[:], u.key, u.ratchet).u16(uint16(len(u.digests))).put(u.digests...)
}

func (r *reader) unanswered() *unanswered {
	u := &unanswered{operation: Operation(r.u8("open operation")), round: int(r.u8("open round"))}
	u.session = r.b16("open session")
	u.key = append(u.key, r.take("open key", hashSize)...)
	u.ratchet = append(u.ratchet, r.take("open ratchet", hashSize)...)
	n := int(r.u16("open digests"))
	if u.operation == Sign && (n < 1 || n > MaxBatch) || u.operation != Sign && n != 0 {
		r.fail("open digests", ErrLength)
	}
	if r.err == nil && !isSealedRequest(u.operation, u.round) {
		r.fail("open round", ErrType)
	}
	for range n {
		u.digests = append(u.digests, append([]byte(nil), r.take("open digests", hashSize)...))
		if r.err != nil {
			break
		}
	}
	return u
}

// isSealedRequest reports whether a message is one that evaluates a share: round 3, or the commit of a refresh.
func isSealedRequest(op Operation, round int) bool {
	switch op {
	case Sign, Decrypt, Delegate:
		return round == 3
	case Refresh, Recover, Activate:
		return round == 3 || round == 5
	}
	return false
}

const maxKG3Size = 1024

// MarshalBinary encodes the record (versioned, canonical). The result contains secrets of the device (never the PIN or
// the unmasked share); wipe it after storing. ErrUnconfirmed: there is nothing to store yet (a zero Share, or a grantee's
// before Refreshing.Renew).
func (s *Share) MarshalBinary() ([]byte, error) {
	if s.current.masked.c == nil {
		return nil, ErrUnconfirmed
	}
	w := new(writer).u8(wireVersion).u8(uint8(s.state)).put(s.id[:], s.serverSeal[:], s.public.bytes())
	s.current.put(w)
	w.flag(s.next != nil)
	if s.next != nil {
		w.put(s.nextFrom[:])
		s.next.put(w)
	}
	w.flag(s.open != nil)
	if s.open != nil {
		s.open.put(w)
	}
	w.bytes(s.kg3)
	return w.b, nil
}

// UnmarshalBinary decodes strictly: it returns a *MessageError for anything that MarshalBinary does not write.
func (s *Share) UnmarshalBinary(b []byte) error {
	r := &reader{name: "Share", b: b}
	if v := r.u8("version"); r.err == nil && v != wireVersion {
		r.fail("version", ErrVersion)
	}
	n := Share{state: shareState(r.u8("state")), id: r.b16("key ID"), serverSeal: r.b32("server key"), public: r.point("P")}
	if r.err == nil && (n.state < shareGenerated || n.state > shareReady) {
		r.fail("state", ErrRange)
	}
	n.current = r.shareEpoch("current")
	if r.flag("next") {
		n.nextFrom = r.b16("next session")
		e := r.shareEpoch("next")
		n.next = &e
		if r.err == nil && (n.state != shareReady || e.number != n.current.number+1) {
			r.fail("next number", ErrRange)
		}
	}
	if r.flag("open") {
		n.open = r.unanswered()
	}
	n.kg3 = r.bytes("KG3", maxKG3Size)
	if r.err == nil && (n.state == shareGenerated) != (len(n.kg3) > 0) {
		r.fail("KG3", ErrLength)
	}
	if err := r.end(); err != nil {
		return err
	}
	n.hooks = s.hooks
	*s = n
	return nil
}

// KeyID returns the ID of the share.
func (s *Share) KeyID() KeyID { return s.id }

// PublicKey returns P on the curve sm2.P256 of emmansun/gmsm.
func (s *Share) PublicKey() *ecdsa.PublicKey { return s.public.publicKey() }

// Epoch counts refreshes. 0 is the share masked by the SMS password, before the first password change.
func (s *Share) Epoch() uint32 { return s.current.number }

// Confirmed reports whether the server has confirmed that it holds its side of this share.
func (s *Share) Confirmed() bool { return s.state == shareReady }

// Unanswered returns the request whose answer never arrived, if there is one. Only ResumeRequest may follow.
func (s *Share) Unanswered() (op Operation, session SessionID, ok bool) {
	if s.open == nil {
		return 0, SessionID{}, false
	}
	return s.open.operation, s.open.session, true
}

// Unconfirmed returns KG3 while the server has not confirmed key generation, to be sent again.
func (s *Share) Unconfirmed() (kg3 []byte, ok bool) {
	return append([]byte(nil), s.kg3...), s.state == shareGenerated
}

// Wipe overwrites the secrets of the record in memory.
func (s *Share) Wipe() {
	for _, e := range []*shareEpoch{&s.current, s.next} {
		if e != nil {
			e.masked.c.wipe()
			e.link.wipe()
			wipe(e.recovery.device[:], e.recovery.sealed)
		}
	}
	if s.open != nil {
		wipe(s.open.key, s.open.ratchet)
	}
}

// usable reports why no new operation may begin.
func (s *Share) usable() error {
	switch {
	case s.open != nil:
		return ErrUnanswered
	case s.state != shareReady:
		return ErrUnconfirmed
	case s.next != nil:
		return ErrUnanswered
	}
	return nil
}
