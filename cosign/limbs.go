package cosign

import (
	"encoding/binary"
	"math/big"
	"math/bits"
)

// limbs is a public coordinate mod p in Montgomery form: x*2^256 mod p, four 64-bit limbs, the least significant first,
// always below p. Only sums of public points use it (multiscalar.go); secret coordinates are in field.go.
type limbs [4]uint64

var (
	limbsP   = limbs{0xffffffffffffffff, 0xffffffff00000000, 0xffffffffffffffff, 0xfffffffeffffffff}
	limbsOne = limbs{1, 0x00000000ffffffff, 0, 0x0000000100000000}                                   // 2^256 mod p
	limbsRR  = limbs{0x0000000200000003, 0x00000002ffffffff, 0x0000000100000001, 0x0000000400000002} // 2^512 mod p
)

// limbsOf reads a coordinate below p.
func limbsOf(x *big.Int) (z limbs) {
	var b [32]byte
	x.FillBytes(b[:])
	for i := range z {
		z[i] = binary.BigEndian.Uint64(b[24-8*i:])
	}
	z.mul(&z, &limbsRR)
	return z
}

func (z *limbs) big() *big.Int {
	var plain limbs
	plain.mul(z, &limbs{1})
	var b [32]byte
	for i, v := range plain {
		binary.BigEndian.PutUint64(b[24-8*i:], v)
	}
	return new(big.Int).SetBytes(b[:])
}

func (z *limbs) isZero() bool { return z[0]|z[1]|z[2]|z[3] == 0 }

// reduce sets z to t + carry*2^256, which is below 2p, mod p.
func (z *limbs) reduce(t0, t1, t2, t3, carry uint64) {
	r0, b := bits.Sub64(t0, limbsP[0], 0)
	r1, b := bits.Sub64(t1, limbsP[1], b)
	r2, b := bits.Sub64(t2, limbsP[2], b)
	r3, b := bits.Sub64(t3, limbsP[3], b)
	if carry == 0 && b == 1 {
		r0, r1, r2, r3 = t0, t1, t2, t3
	}
	z[0], z[1], z[2], z[3] = r0, r1, r2, r3
}

func (z *limbs) add(x, y *limbs) {
	t0, c := bits.Add64(x[0], y[0], 0)
	t1, c := bits.Add64(x[1], y[1], c)
	t2, c := bits.Add64(x[2], y[2], c)
	t3, c := bits.Add64(x[3], y[3], c)
	z.reduce(t0, t1, t2, t3, c)
}

func (z *limbs) sub(x, y *limbs) {
	t0, b := bits.Sub64(x[0], y[0], 0)
	t1, b := bits.Sub64(x[1], y[1], b)
	t2, b := bits.Sub64(x[2], y[2], b)
	t3, b := bits.Sub64(x[3], y[3], b)
	if b == 1 {
		var c uint64
		t0, c = bits.Add64(t0, limbsP[0], 0)
		t1, c = bits.Add64(t1, limbsP[1], c)
		t2, c = bits.Add64(t2, limbsP[2], c)
		t3, _ = bits.Add64(t3, limbsP[3], c)
	}
	z[0], z[1], z[2], z[3] = t0, t1, t2, t3
}

// mul sets z to x*y/2^256 (Montgomery 1985), one limb of y at a time. -1/p mod 2^64 is 1, so the multiple of p that
// clears the lowest limb m is m itself, and m*p = m*(2^256 - 2^224 - 2^96 + 2^64 - 1) is shifts and additions.
func (z *limbs) mul(x, y *limbs) {
	var t0, t1, t2, t3, t4 uint64
	for _, v := range y {
		h0, l0 := bits.Mul64(x[0], v)
		h1, l1 := bits.Mul64(x[1], v)
		h2, l2 := bits.Mul64(x[2], v)
		h3, l3 := bits.Mul64(x[3], v)
		l1, c := bits.Add64(l1, h0, 0)
		l2, c = bits.Add64(l2, h1, c)
		l3, c = bits.Add64(l3, h2, c)
		h3 += c
		t0, c = bits.Add64(t0, l0, 0)
		t1, c = bits.Add64(t1, l1, c)
		t2, c = bits.Add64(t2, l2, c)
		t3, c = bits.Add64(t3, l3, c)
		t4, c = bits.Add64(t4, h3, c)
		t5 := c

		// (m + m*p)/2^64 = m*2^192 + m - (m<<32)*(1 + 2^128), which is not negative.
		m, lo, hi := t0, t0<<32, t0>>32
		u0, b := bits.Sub64(m, lo, 0)
		u1, b := bits.Sub64(0, hi, b)
		u2, b := bits.Sub64(0, lo, b)
		u3, _ := bits.Sub64(m, hi, b)
		t0, c = bits.Add64(t1, u0, 0)
		t1, c = bits.Add64(t2, u1, c)
		t2, c = bits.Add64(t3, u2, c)
		t3, c = bits.Add64(t4, u3, c)
		t4 = t5 + c
	}
	z.reduce(t0, t1, t2, t3, t4)
}
