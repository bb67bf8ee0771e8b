package cosign

import (
	"math/bits"

	"filippo.io/bigmod"
)

// scalarSize is the size of an encoded scalar: 32 bytes, big-endian.
const scalarSize = 32

// orderBytes is n, the order of G (GB/T 32918.5).
var orderBytes = []byte{
	0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0x72, 0x03, 0xdf, 0x6b, 0x21, 0xc6, 0x05, 0x2b, 0x53, 0xbb, 0xf4, 0x09, 0x39, 0xd5, 0x41, 0x23,
}

var (
	order       = mustModulus(orderBytes)
	orderMinus2 = minusTwo(orderBytes)

	// twoTo256 is 2^256 mod n, which folds the high part of a wide value.
	twoTo256 = mustScalar([]byte{
		0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x8d, 0xfc, 0x20, 0x94, 0xde, 0x39, 0xfa, 0xd4, 0xac, 0x44, 0x0b, 0xf6, 0xc6, 0x2a, 0xbe, 0xdd,
	})
)

func mustModulus(b []byte) *bigmod.Modulus {
	m, err := bigmod.NewModulus(b)
	if err != nil {
		panic("cosign: " + err.Error())
	}
	return m
}

func mustScalar(b []byte) *scalar {
	s, err := scalarFromBytes(b)
	if err != nil {
		panic(err)
	}
	return s
}

// minusTwo returns m-2 for an odd m > 2 whose last byte is at least 2.
func minusTwo(m []byte) []byte {
	b := append([]byte(nil), m...)
	b[len(b)-1] -= 2
	return b
}

// scalar is an integer mod n. All arithmetic is constant time (filippo.io/bigmod); the zero value is not usable.
type scalar struct{ n *bigmod.Nat }

func newScalar() *scalar {
	return &scalar{bigmod.NewNat().ExpandFor(order)}
}

// scalarFromBytes reads 32 bytes below n. Zero is accepted here; messages refuse it.
func scalarFromBytes(b []byte) (*scalar, error) {
	if len(b) != scalarSize {
		return nil, ErrLength
	}
	n, err := bigmod.NewNat().SetBytes(b, order)
	if err != nil {
		return nil, ErrRange
	}
	return &scalar{n}, nil
}

// scalarFromDigest reduces 32 bytes mod n.
func scalarFromDigest(b []byte) *scalar {
	n, err := bigmod.NewNat().SetOverflowingBytes(b, order)
	if err != nil {
		panic("cosign: digest longer than the order")
	}
	return &scalar{n}
}

// wideSize is the size from which a scalar is made without noticeable bias (2^-128).
const wideSize = 48

// scalarFromWide reduces 48 bytes, big-endian, mod n.
func scalarFromWide(b []byte) *scalar {
	if len(b) != wideSize {
		panic("cosign: wide value of wrong length")
	}
	var hi [scalarSize]byte
	copy(hi[16:], b[:16])
	s := scalarFromDigest(hi[:])
	wipe(hi[:])
	s.mul(s, twoTo256)
	lo := scalarFromDigest(b[16:])
	s.add(s, lo)
	lo.wipe()
	return s
}

func (s *scalar) set(a *scalar) *scalar {
	if s != a {
		s.n.ExpandFor(order)
		copy(s.n.Bits(), a.n.Bits())
	}
	return s
}

func (s *scalar) clone() *scalar { return newScalar().set(s) }

func (s *scalar) add(a, b *scalar) *scalar {
	t := newScalar().set(a)
	t.n.Add(b.n, order)
	s.set(t)
	t.wipe()
	return s
}

func (s *scalar) sub(a, b *scalar) *scalar {
	t := newScalar().set(a)
	t.n.Sub(b.n, order)
	s.set(t)
	t.wipe()
	return s
}

func (s *scalar) mul(a, b *scalar) *scalar {
	t := newScalar().set(a)
	t.n.Mul(b.n, order)
	s.set(t)
	t.wipe()
	return s
}

// neg sets s to -a.
func (s *scalar) neg(a *scalar) *scalar {
	return s.sub(newScalar(), a)
}

// inv sets s to 1/a by Fermat: a^(n-2). The inverse of zero is zero.
func (s *scalar) inv(a *scalar) *scalar {
	t := newScalar()
	t.n.Exp(a.n, orderMinus2, order)
	s.set(t)
	t.wipe()
	return s
}

func (s *scalar) isZero() bool         { return s.n.IsZero() == 1 }
func (s *scalar) equal(b *scalar) bool { return s.n.Equal(b.n) == 1 }

// bytes returns 32 bytes, big-endian. The caller wipes them when s is secret.
func (s *scalar) bytes() []byte {
	out := make([]byte, scalarSize)
	i := scalarSize
	for _, limb := range s.n.Bits() {
		for range bits.UintSize / 8 {
			i--
			out[i] = byte(limb)
			limb >>= 8
		}
	}
	return out
}

func (s *scalar) wipe() {
	if s != nil && s.n != nil {
		clear(s.n.Bits())
	}
}
