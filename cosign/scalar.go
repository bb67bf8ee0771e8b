package cosign

import (
	"math/big"
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
	order = mustModulus(orderBytes)

	twoTo128 = mustScalar(append(append(make([]byte, 15), 1), make([]byte, 16)...))
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
	return &scalar{new(bigmod.Nat).ExpandFor(order)}
}

// scalarFromBytes reads 32 bytes below n. Zero is accepted here; messages refuse it.
func scalarFromBytes(b []byte) (*scalar, error) {
	if len(b) != scalarSize {
		return nil, ErrLength
	}
	n, err := new(bigmod.Nat).SetBytes(b, order)
	if err != nil {
		return nil, ErrRange
	}
	return &scalar{n}, nil
}

// scalarFromDigest reduces 32 public bytes mod n.
func scalarFromDigest(b []byte) *scalar {
	n, err := new(bigmod.Nat).SetOverflowingBytes(b, order)
	if err != nil {
		panic("cosign: digest longer than the order")
	}
	return &scalar{n}
}

// wideSize is the size from which a scalar is made without noticeable bias (2^-128).
const wideSize = 48

// scalarFromWide reduces 48 bytes, big-endian, mod n. It takes 16 bytes at a time, because reducing 32 bytes at once
// (scalarFromDigest) takes a time that depends on their bit length.
func scalarFromWide(b []byte) *scalar {
	if len(b) != wideSize {
		panic("cosign: wide value of wrong length")
	}
	var part [scalarSize]byte
	defer wipe(part[:])
	s := newScalar()
	for ; len(b) > 0; b = b[16:] {
		copy(part[16:], b[:16])
		next := mustScalar(part[:])
		s.mul(s, twoTo128)
		s.add(s, next)
		next.wipe()
	}
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
	return s.apply(a, b, (*bigmod.Nat).Add)
}

func (s *scalar) sub(a, b *scalar) *scalar {
	return s.apply(a, b, (*bigmod.Nat).Sub)
}

func (s *scalar) mul(a, b *scalar) *scalar {
	return s.apply(a, b, (*bigmod.Nat).Mul)
}

// apply sets s to op(a, b). bigmod works in place on the first operand, so b is copied only where it is s itself.
func (s *scalar) apply(a, b *scalar, op func(x, y *bigmod.Nat, m *bigmod.Modulus) *bigmod.Nat) *scalar {
	if s == b {
		b = b.clone()
		defer b.wipe()
	}
	s.set(a)
	op(s.n, b.n, order)
	return s
}

// neg sets s to -a.
func (s *scalar) neg(a *scalar) *scalar {
	return s.sub(newScalar(), a)
}

// inv sets s to 1/a; the inverse of zero is zero. The curve library inverts in constant time and four times as fast as
// bigmod, but takes math/big integers, which cannot be wiped for certain: it gets a*m for a random m, which is a uniform
// value, whatever a is.
func (s *scalar) inv(a *scalar) *scalar {
	m := (*hooks)(nil).randomScalar()
	masked := newScalar().mul(a, m)
	b := masked.bytes()
	i := mustScalar(curve.Inverse(new(big.Int).SetBytes(b)).FillBytes(b))
	s.mul(i, m)
	wipe(b)
	wipeScalars(m, masked, i)
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
