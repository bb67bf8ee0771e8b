package cosign

// Every operation on an existing share begins alike.
//
//	round 1, C→S: header, epoch, nC, fields of the operation, device tag over all before it (Activate has none)
//	round 2, S→C: header with sid, the server's seal key for this session, fields of the operation, tag of the device
//	              secret over both messages (Activate has none): a false server is noticed before the PIN is typed
//
// Nothing secret is evaluated, no attempt is counted, and no PIN is needed.

// opening is the client's side of a session up to its sealed request.
type opening struct {
	share                   *Share
	operation               Operation
	session                 SessionID
	first                   []byte
	encS, fromStatic        []byte // to the pinned key; made before the answer, while the user types
	serverKey               []byte // of this session
	encE, fromSession       []byte
	transcript              [hashSize]byte
	received, proved, ended bool
}

func firstMessage(op Operation, id KeyID, epoch uint32, nonce [hashSize]byte, fields, deviceSecret []byte) []byte {
	w := new(writer).put(Header{Operation: op, Round: 1, KeyID: id}.bytes()).u32(epoch).put(nonce[:], fields)
	if deviceSecret != nil {
		tag := mac(deviceSecret, "request", w.b)
		w.put(tag[:])
	}
	return w.b
}

// begin makes the first message.
func (s *Share) begin(op Operation, fields, deviceSecret []byte) (*opening, error) {
	o := &opening{share: s, operation: op}
	o.first = firstMessage(op, s.id, s.current.number, s.hooks.random32(), fields, deviceSecret)
	var err error
	o.encS, o.fromStatic, err = encapsulate(s.serverSeal[:], sealInfo("server", s.id))
	return o, err
}

// receive checks the tag of the second message, reads it up to the fields of the operation, and makes the second
// encapsulation. The reader ends before the tag.
func (o *opening) receive(message []byte) (*reader, error) {
	if o.received {
		return nil, ErrUsed
	}
	r := &reader{name: o.operation.String() + " round 2", b: message}
	if o.operation != Activate {
		if len(message) < hashSize {
			r.fail("tag", ErrLength)
			return nil, r.err
		}
		var tag []byte
		r.b, tag = message[:len(message)-hashSize], message[len(message)-hashSize:]
		if want := mac(o.share.current.link.device[:], "opened", o.first, r.b); !macEqual(tag, want[:]) {
			return nil, ErrProof
		}
	}
	h := r.header()
	if r.err == nil && (h.Operation != o.operation || h.Round != 2) {
		r.fail("header", ErrType)
	}
	serverKey := append([]byte(nil), r.take("seal key", sealPublicSize)...)
	if r.err != nil {
		return nil, r.err
	}
	if h.KeyID != o.share.id || h.Session.IsZero() {
		return nil, ErrSession
	}
	var err error
	if o.encE, o.fromSession, err = encapsulate(serverKey, sealInfo("session "+string(h.Session[:]), o.share.id)); err != nil {
		return nil, err
	}
	o.session, o.serverKey = h.Session, serverKey
	o.transcript = hashFields("transcript", o.first, message)
	return r, nil
}

func (o *opening) wipe() {
	o.ended = true
	wipe(o.fromStatic, o.fromSession)
}

// first is a parsed first message.
type first struct {
	header  Header
	epoch   uint32
	nonce   [hashSize]byte
	digests [][]byte       // Sign
	com     [hashSize]byte // Sign

	sealKey, encS [sealPublicSize]byte // Recover
	tagged        []byte
	tag           [hashSize]byte
}

func parseFirst(message []byte) (*first, error) {
	r := &reader{name: "round 1", b: message}
	m := &first{header: r.header()}
	if r.err == nil && m.header.Round != 1 {
		r.fail("round", ErrType)
	}
	r.name = m.header.Operation.String() + " round 1"
	m.epoch, m.nonce = r.u32("epoch"), r.b32("nC")
	switch m.header.Operation {
	case Sign:
		for range r.count("digests", hashSize) {
			m.digests = append(m.digests, append([]byte(nil), r.take("digests", hashSize)...))
		}
		m.com = r.b32("com")
	case Recover:
		m.sealKey, m.encS = r.b32("seal key"), r.b32("enc")
	case Refresh, Decrypt, Delegate, Activate:
	default:
		r.fail("operation", ErrType)
	}
	if m.header.Operation != Activate {
		m.tagged = message[:len(message)-len(r.b)]
		m.tag = r.b32("tag")
	}
	return m, r.end()
}
