package keystore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// leafCount is how many leaves the manifest has; the low bits of a pseudonym's first byte choose one.
const leafCount = 64

var errManifest = errors.New("malformed manifest")

// entry is what the manifest says of one record.
type entry struct {
	gen uint64
	tag [tagSize]byte
	ref RecordRef // for messages about a record that can no longer be read
}

// leaf maps keys in the file to entries. A leaf that a manifest points to is never changed.
type leaf map[string]entry

// sealedRef is generation and tag of a sealed leaf; the zero value stands for an empty leaf, which is not stored.
type sealedRef struct {
	gen uint64
	tag [tagSize]byte
}

// retired is a wrapping whose platform key must be forgotten.
type retired struct {
	wrapper string
	wrapped []byte
}

// manifest is the authenticated list of all records of one commit. It is immutable once in use.
type manifest struct {
	gen          uint64
	headerDigest [32]byte // SM3 of the header, so that it cannot be exchanged
	erase        bool     // deleted records wait for the file to be replaced
	retired      []retired
	leaves       [leafCount]leaf
	refs         [leafCount]sealedRef
}

func leafIndex(key []byte) int { return int(key[1]) % leafCount }

func (m *manifest) lookup(key []byte) (entry, bool) {
	e, ok := m.leaves[leafIndex(key)][string(key)]
	return e, ok
}

// next returns the manifest of the commit after m, for changing. Leaves are shared until set or del touches one.
func (m *manifest) next() *draft {
	d := &draft{manifest: *m}
	d.gen++
	d.retired = slices.Clone(m.retired)
	return d
}

// draft is a manifest under construction.
type draft struct {
	manifest
	touched [leafCount]bool
	changed bool
}

func (d *draft) own(i int) leaf {
	if !d.touched[i] {
		d.leaves[i] = maps.Clone(d.leaves[i])
		if d.leaves[i] == nil {
			d.leaves[i] = leaf{}
		}
		d.touched[i] = true
	}
	d.changed = true
	return d.leaves[i]
}

func (d *draft) set(key []byte, e entry) { d.own(leafIndex(key))[string(key)] = e }
func (d *draft) del(key []byte)          { delete(d.own(leafIndex(key)), string(key)) }

// marshalRoot encodes everything but the leaves' contents.
func (m *manifest) marshalRoot() []byte {
	b := make([]byte, 0, 64+leafCount*24)
	b = append(b, 1)
	b = binary.BigEndian.AppendUint64(b, m.gen)
	b = append(b, m.headerDigest[:]...)
	if m.erase {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	b = binary.AppendUvarint(b, uint64(len(m.retired)))
	for _, r := range m.retired {
		b = appendBytes(b, []byte(r.wrapper))
		b = appendBytes(b, r.wrapped)
	}
	for _, r := range m.refs {
		b = binary.BigEndian.AppendUint64(b, r.gen)
		b = append(b, r.tag[:]...)
	}
	return b
}

func unmarshalRoot(b []byte) (*manifest, error) {
	r := reader{b: b}
	if v := r.byte(); v > 1 {
		return nil, fmt.Errorf("%w: manifest version %d", ErrNewerFormat, v)
	}
	m := &manifest{gen: r.uint64()}
	copy(m.headerDigest[:], r.take(32))
	switch r.byte() {
	case 0:
	case 1:
		m.erase = true
	default:
		return nil, errManifest
	}
	n := r.uvarint()
	if n > uint64(len(b)) {
		return nil, errManifest
	}
	for range n {
		name := string(r.bytes())
		m.retired = append(m.retired, retired{name, slices.Clone(r.bytes())})
	}
	for i := range m.refs {
		m.refs[i].gen = r.uint64()
		copy(m.refs[i].tag[:], r.take(tagSize))
	}
	if !r.done() {
		return nil, errManifest
	}
	return m, nil
}

// marshal encodes a leaf with its entries in key order.
func (l leaf) marshal() []byte {
	b := binary.AppendUvarint(nil, uint64(len(l)))
	for _, key := range slices.Sorted(maps.Keys(l)) {
		e := l[key]
		b = appendBytes(b, []byte(key))
		b = binary.BigEndian.AppendUint64(b, e.gen)
		b = append(b, e.tag[:]...)
		b = appendBytes(b, []byte(e.ref.ID))
		b = appendBytes(b, []byte(e.ref.Organisation))
		b = appendBytes(b, []byte(e.ref.Account))
	}
	return b
}

func unmarshalLeaf(b []byte, index int) (leaf, error) {
	r := reader{b: b}
	n := r.uvarint()
	if n > uint64(len(b)) {
		return nil, errManifest
	}
	l := make(leaf, n)
	last := ""
	for range n {
		key := string(r.bytes())
		if len(key) != 1+pseudonymSize || key <= last || leafIndex([]byte(key)) != index {
			return nil, errManifest
		}
		last = key
		e := entry{gen: r.uint64()}
		copy(e.tag[:], r.take(tagSize))
		e.ref = RecordRef{Kind: Kind(key[0]), ID: string(r.bytes()), Organisation: string(r.bytes()), Account: string(r.bytes())}
		l[key] = e
	}
	if !r.done() {
		return nil, errManifest
	}
	return l, nil
}

// appendBytes appends a length-prefixed field.
func appendBytes(b, field []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(field))), field...)
}

// reader takes fields off b. After a field that is not there every further one is empty and done is false.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if r.bad || n < 0 || n > len(r.b) {
		r.bad = true
		return nil
	}
	f := r.b[:n:n]
	r.b = r.b[n:]
	return f
}

func (r *reader) byte() byte {
	if f := r.take(1); f != nil {
		return f[0]
	}
	return 0
}

func (r *reader) uint64() uint64 {
	if f := r.take(8); f != nil {
		return binary.BigEndian.Uint64(f)
	}
	return 0
}

func (r *reader) uvarint() uint64 {
	if r.bad {
		return 0
	}
	v, n := binary.Uvarint(r.b)
	if n <= 0 || (n > 1 && r.b[n-1] == 0) { // canonical only
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) bytes() []byte {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.bad = true
		return nil
	}
	return r.take(int(n))
}

func (r *reader) done() bool { return !r.bad && len(r.b) == 0 }
