package cosign

import "encoding/binary"

// wireVersion is the first byte of every message and record.
const wireVersion = 1

// writer appends fields.
type writer struct{ b []byte }

func (w *writer) put(fields ...[]byte) *writer {
	for _, f := range fields {
		w.b = append(w.b, f...)
	}
	return w
}
func (w *writer) u8(v uint8) *writer   { w.b = append(w.b, v); return w }
func (w *writer) u16(v uint16) *writer { w.b = binary.BigEndian.AppendUint16(w.b, v); return w }
func (w *writer) u32(v uint32) *writer { w.b = binary.BigEndian.AppendUint32(w.b, v); return w }
func (w *writer) u64(v uint64) *writer { w.b = binary.BigEndian.AppendUint64(w.b, v); return w }

func (w *writer) flag(v bool) *writer {
	if v {
		return w.u8(1)
	}
	return w.u8(0)
}

// bytes appends a length (4 bytes) and b.
func (w *writer) bytes(b []byte) *writer {
	return w.u32(uint32(len(b))).put(b)
}

func (w *writer) scalar(s *scalar) *writer {
	b := s.bytes()
	w.put(b)
	wipe(b)
	return w
}

// reader takes fields off a message and keeps the first error; after an error it yields zero values.
type reader struct {
	name string
	b    []byte
	err  error
}

func (r *reader) fail(field string, err error) {
	if r.err == nil {
		r.err = &MessageError{Message: r.name, Field: field, Err: err}
	}
}

// take returns the next n bytes, which stay part of the message.
func (r *reader) take(field string, n int) []byte {
	if r.err == nil && len(r.b) < n {
		r.fail(field, ErrLength)
	}
	if r.err != nil {
		return make([]byte, n)
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) into(field string, dst []byte) { copy(dst, r.take(field, len(dst))) }
func (r *reader) u8(field string) uint8         { return r.take(field, 1)[0] }
func (r *reader) u16(field string) uint16       { return binary.BigEndian.Uint16(r.take(field, 2)) }
func (r *reader) u32(field string) uint32       { return binary.BigEndian.Uint32(r.take(field, 4)) }
func (r *reader) u64(field string) uint64       { return binary.BigEndian.Uint64(r.take(field, 8)) }

func (r *reader) b16(field string) (b [16]byte) { r.into(field, b[:]); return b }
func (r *reader) b32(field string) (b [32]byte) { r.into(field, b[:]); return b }

func (r *reader) flag(field string) bool {
	v := r.u8(field)
	if v > 1 {
		r.fail(field, ErrRange)
	}
	return v == 1
}

// bytes returns a copy of a field with a length before it.
func (r *reader) bytes(field string, max int) []byte {
	n := r.u32(field)
	if r.err == nil && (int64(n) > int64(max) || int64(n) > int64(len(r.b))) {
		r.fail(field, ErrLength)
	}
	if r.err != nil {
		return nil
	}
	return append([]byte(nil), r.take(field, int(n))...)
}

// count reads the number of elements, 1 to MaxBatch, and checks that size bytes for each are there.
func (r *reader) count(field string, size int) int {
	n := int(r.u16(field))
	if r.err == nil && (n < 1 || n > MaxBatch || len(r.b) < n*size) {
		r.fail(field, ErrLength)
	}
	if r.err != nil {
		return 0
	}
	return n
}

// point reads a point of the curve other than O.
func (r *reader) point(field string) point {
	b := r.take(field, pointSize)
	if r.err != nil {
		return generator
	}
	p, err := decodePoint(b)
	if err != nil {
		r.fail(field, err)
		return generator
	}
	return p
}

// scalar reads a scalar in [1, n-1].
func (r *reader) scalar(field string) *scalar {
	s := r.scalarOrZero(field)
	if r.err == nil && s.isZero() {
		r.fail(field, ErrZero)
	}
	return s
}

// scalarOrZero reads a scalar in [0, n-1].
func (r *reader) scalarOrZero(field string) *scalar {
	s, err := scalarFromBytes(r.take(field, scalarSize))
	if err != nil {
		r.fail(field, err)
		return newScalar()
	}
	return s
}

// end refuses trailing bytes and returns the first error.
func (r *reader) end() error {
	if r.err == nil && len(r.b) != 0 {
		r.fail("end", ErrTrailing)
	}
	return r.err
}

// Header is the clear part of a message.
type Header struct {
	Operation Operation
	Round     int // 1 for S1, 2 for S2 …
	KeyID     KeyID
	Session   SessionID // zero in a first message, in key generation and in Resume
}

// hasSession reports whether the header of this message names a session.
func (h Header) hasSession() bool {
	return h.Round > 1 && h.Operation != Generate && h.Operation != Resume
}

// rounds is the number of messages of an operation.
func (op Operation) rounds() int {
	switch op {
	case Sign, Decrypt, Delegate, Generate:
		return 4
	case Refresh, Recover, Activate:
		return 6
	case Resume:
		return 2
	}
	return 0
}

func (h Header) bytes() []byte {
	w := new(writer).u8(wireVersion).u8(uint8(h.Operation)).u8(uint8(h.Round)).put(h.KeyID[:])
	if h.hasSession() {
		w.put(h.Session[:])
	}
	return w.b
}

func (r *reader) header() (h Header) {
	if v := r.u8("version"); r.err == nil && v != wireVersion {
		r.fail("version", ErrVersion)
	}
	h.Operation = Operation(r.u8("operation"))
	h.Round = int(r.u8("round"))
	if r.err == nil && (h.Round < 1 || h.Round > h.Operation.rounds()) {
		r.fail("round", ErrType)
	}
	h.KeyID = r.b16("key ID")
	if h.hasSession() {
		h.Session = r.b16("session")
	}
	return h
}

// ReadHeader reads the clear part of any message, to route it. Nothing of it is authenticated yet.
func ReadHeader(msg []byte) (Header, error) {
	r := &reader{name: "header", b: msg}
	h := r.header()
	return h, r.err
}

// openMessage reads the header of a message that must be the given one.
func openMessage(name string, msg []byte, want Header) (*reader, error) {
	r := &reader{name: name, b: msg}
	h := r.header()
	if r.err != nil {
		return nil, r.err
	}
	if h.Operation != want.Operation || h.Round != want.Round {
		r.fail("header", ErrType)
		return nil, r.err
	}
	if h.KeyID != want.KeyID || h.Session != want.Session {
		return nil, ErrSession
	}
	return r, nil
}
