package cosign

import (
	"crypto/ecdsa"
	"math/big"

	"github.com/emmansun/gmsm/sm2"
)

// pointSize is the size of an encoded point: 04 || x || y (GB/T 32918.1, 4.2.9, uncompressed).
const pointSize = 65

// curveOps are the operations of emmansun/gmsm's curve, all constant time in the scalar (32 bytes, big-endian).
// Coordinates pass through math/big; they are public, or wiped by the caller as far as the library allows.
type curveOps interface {
	Add(x1, y1, x2, y2 *big.Int) (x, y *big.Int)
	ScalarMult(x, y *big.Int, k []byte) (*big.Int, *big.Int)
	ScalarBaseMult(k []byte) (x, y *big.Int)
	CombinedMult(x, y *big.Int, base, k []byte) (*big.Int, *big.Int)
	Unmarshal(b []byte) (x, y *big.Int)
	Inverse(k *big.Int) *big.Int // mod n
}

var (
	curve      = sm2.P256().(curveOps)
	fieldPrime = sm2.P256().Params().P
	generator  = point{sm2.P256().Params().Gx, sm2.P256().Params().Gy}
)

// point is a point of the curve; O is (0, 0).
type point struct{ x, y *big.Int }

// decodePoint reads 65 bytes. O and points off the curve are refused.
func decodePoint(b []byte) (point, error) {
	if len(b) != pointSize {
		return point{}, ErrLength
	}
	zero := true
	for _, v := range b[1:] {
		zero = zero && v == 0
	}
	if zero && (b[0] == 0 || b[0] == 4) {
		return point{}, ErrInfinity
	}
	x, y := curve.Unmarshal(b)
	if x == nil {
		return point{}, ErrOffCurve
	}
	return point{x, y}, nil
}

// bytes encodes p; O becomes 65 zero bytes, which decodePoint refuses.
func (p point) bytes() []byte {
	out := make([]byte, pointSize)
	if p.isInfinity() {
		return out
	}
	out[0] = 4
	p.x.FillBytes(out[1:33])
	p.y.FillBytes(out[33:])
	return out
}

func (p point) isInfinity() bool   { return p.x.Sign() == 0 && p.y.Sign() == 0 }
func (p point) equal(q point) bool { return p.x.Cmp(q.x) == 0 && p.y.Cmp(q.y) == 0 }

func (p point) add(q point) point {
	x, y := curve.Add(p.x, p.y, q.x, q.y)
	return point{x, y}
}

func (p point) neg() point {
	if p.isInfinity() {
		return p
	}
	return point{p.x, new(big.Int).Sub(fieldPrime, p.y)}
}

func (p point) mul(k *scalar) point {
	b := k.bytes()
	x, y := curve.ScalarMult(p.x, p.y, b)
	wipe(b)
	return point{x, y}
}

// baseMul returns k*G.
func baseMul(k *scalar) point {
	b := k.bytes()
	x, y := curve.ScalarBaseMult(b)
	wipe(b)
	return point{x, y}
}

// baseMulAdd returns s*G + k*p.
func (p point) baseMulAdd(s, k *scalar) point {
	bs, bk := s.bytes(), k.bytes()
	x, y := curve.CombinedMult(p.x, p.y, bs, bk)
	wipe(bs, bk)
	return point{x, y}
}

// xScalar returns x(p) mod n.
func (p point) xScalar() *scalar {
	var b [scalarSize]byte
	return scalarFromDigest(p.x.FillBytes(b[:]))
}

// wipe overwrites the coordinates of a point that must not stay in memory (P1, P2, T). Copies inside the curve
// library are out of reach.
func (p point) wipe() {
	if p.x != nil {
		clear(p.x.Bits())
		clear(p.y.Bits())
	}
}

func (p point) publicKey() *ecdsa.PublicKey {
	k, err := sm2.NewPublicKey(p.bytes())
	if err != nil {
		panic("cosign: a point that was checked is no public key")
	}
	return k
}
