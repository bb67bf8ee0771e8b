package cosign

import "encoding/binary"

// Sums of multiples of public points, as proofs and batches need them. The curve library multiplies one point at a time
// and returns each result in affine coordinates; here all points share their doublings (Straus 1964, with signed digits
// of width 5) and one inversion. The time depends on points and scalars, so all of them must be known to both parties or
// drawn for this one sum. No nonce and nothing that comes from a key or a PIN may get here.

const (
	digitWidth   = 5
	oddMultiples = 1 << (digitWidth - 2) // P, 3P … 15P
)

// publicSum returns the sum of scalars[i]*points[i]. Points may be O, equal or opposite.
func publicSum(points []point, scalars []*scalar) point {
	tables := multiplesOf(points)
	digits := make([][257]int8, len(points))
	for i, s := range scalars {
		signedDigits(&digits[i], s.bytes())
	}
	sum := jacobian{}
	for bit := 256; bit >= 0; bit-- {
		if !sum.z.isZero() {
			sum.double()
		}
		for i := range digits {
			if d := int(digits[i][bit]); d > 0 {
				sum.add(&tables[i*oddMultiples+d/2])
			} else if d < 0 {
				minus := tables[i*oddMultiples-d/2]
				minus.y.sub(&limbs{}, &minus.y)
				sum.add(&minus)
			}
		}
	}
	return normalize([]jacobian{sum})[0].point()
}

// pairSums returns a[i] + b[i].
func pairSums(a, b []point) []point {
	sums := make([]jacobian, len(a))
	for i := range sums {
		p, q := affineOf(a[i]), affineOf(b[i])
		sums[i].add(&p)
		sums[i].add(&q)
	}
	out := make([]point, len(a))
	for i, s := range normalize(sums) {
		out[i] = s.point()
	}
	return out
}

// multiplesOf returns P, 3P … 15P of every point.
func multiplesOf(points []point) []affine {
	first, twice := make([]affine, len(points)), make([]jacobian, len(points))
	for i, p := range points {
		first[i] = affineOf(p)
		twice[i].add(&first[i])
		twice[i].double()
	}
	steps := normalize(twice)
	all := make([]jacobian, len(points)*oddMultiples)
	for i := range points {
		m := jacobian{}
		m.add(&first[i])
		for j := range oddMultiples {
			if j > 0 {
				m.add(&steps[i])
			}
			all[i*oddMultiples+j] = m
		}
	}
	return normalize(all)
}

// signedDigits writes a number of 256 bits, big-endian, as a sum of out[i]*2^i, each digit zero or odd and between -15
// and 15, and of five digits in a row at most one not zero.
func signedDigits(out *[257]int8, b []byte) {
	var k [6]uint64
	for i := range 4 {
		k[i] = binary.BigEndian.Uint64(b[24-8*i:])
	}
	carry := uint64(0)
	for i := 0; i <= 256; {
		// A shift by 64 is zero in Go.
		window := (k[i/64]>>(i%64) | k[i/64+1]<<(64-i%64)) & (1<<digitWidth - 1)
		if window&1 == carry {
			i++
			continue
		}
		d := int8(window + carry)
		if carry = 0; d >= 1<<(digitWidth-1) {
			d, carry = d-1<<digitWidth, 1
		}
		out[i] = d
		i += digitWidth
	}
}

// jacobian is (x/z², y/z³), O where z is 0 (the zero value).
type jacobian struct{ x, y, z limbs }

// affine is (x, y) or O.
type affine struct {
	x, y     limbs
	infinity bool
}

func affineOf(p point) affine {
	return affine{limbsOf(p.x), limbsOf(p.y), p.isInfinity()}
}

func (a affine) point() point {
	if a.infinity {
		a.x, a.y = limbs{}, limbs{}
	}
	return point{a.x.big(), a.y.big()}
}

// double sets p to 2p (3 multiplications, 5 squares; Bernstein 2001, for a = -3).
func (p *jacobian) double() {
	var delta, gamma, beta, alpha, t limbs
	delta.mul(&p.z, &p.z)
	gamma.mul(&p.y, &p.y)
	beta.mul(&p.x, &gamma)
	t.add(&p.x, &delta)
	alpha.sub(&p.x, &delta)
	alpha.mul(&alpha, &t)
	t.add(&alpha, &alpha)
	alpha.add(&alpha, &t) // 3(x - z²)(x + z²)
	p.z.add(&p.y, &p.z)
	p.z.mul(&p.z, &p.z)
	p.z.sub(&p.z, &gamma)
	p.z.sub(&p.z, &delta) // 2yz
	beta.add(&beta, &beta)
	beta.add(&beta, &beta) // 4xy²
	p.x.mul(&alpha, &alpha)
	p.x.sub(&p.x, &beta)
	p.x.sub(&p.x, &beta)
	t.sub(&beta, &p.x)
	gamma.add(&gamma, &gamma)
	gamma.mul(&gamma, &gamma)
	gamma.add(&gamma, &gamma) // 8y⁴
	p.y.mul(&alpha, &t)
	p.y.sub(&p.y, &gamma)
}

// add sets p to p + q (8 multiplications, 3 squares), in every case the sum of the group.
func (p *jacobian) add(q *affine) {
	if q.infinity {
		return
	}
	if p.z.isZero() {
		p.x, p.y, p.z = q.x, q.y, limbsOne
		return
	}
	var zz, h, r, hh, v limbs
	zz.mul(&p.z, &p.z)
	h.mul(&q.x, &zz)
	h.sub(&h, &p.x)
	r.mul(&q.y, &p.z)
	r.mul(&r, &zz)
	r.sub(&r, &p.y)
	if h.isZero() {
		if r.isZero() {
			p.double()
		} else {
			*p = jacobian{}
		}
		return
	}
	p.z.mul(&p.z, &h)
	hh.mul(&h, &h)
	v.mul(&p.x, &hh)
	hh.mul(&hh, &h) // h³
	p.x.mul(&r, &r)
	p.x.sub(&p.x, &hh)
	p.x.sub(&p.x, &v)
	p.x.sub(&p.x, &v)
	v.sub(&v, &p.x)
	hh.mul(&hh, &p.y)
	p.y.mul(&r, &v)
	p.y.sub(&p.y, &hh)
}

// normalize returns affine coordinates, with one inversion for all points (Montgomery 1987).
func normalize(in []jacobian) []affine {
	out := make([]affine, len(in))
	product := limbsOne
	for i := range in {
		out[i].x = product // of all z before this one
		if out[i].infinity = in[i].z.isZero(); !out[i].infinity {
			product.mul(&product, &in[i].z)
		}
	}
	inverse := limbsOf(product.big().ModInverse(product.big(), fieldPrime))
	for i := len(in) - 1; i >= 0; i-- {
		if out[i].infinity {
			continue
		}
		var z, zz limbs
		z.mul(&inverse, &out[i].x)
		inverse.mul(&inverse, &in[i].z)
		zz.mul(&z, &z)
		out[i].x.mul(&in[i].x, &zz)
		zz.mul(&zz, &z)
		out[i].y.mul(&in[i].y, &zz)
	}
	return out
}
