package cosign

import (
	"math/big"

	"filippo.io/bigmod"
	"github.com/emmansun/gmsm/ecdh"
	"github.com/emmansun/gmsm/sm2"
)

// Secret points. The curve library hands out points as math/big coordinates, except in ECDH, where the x-coordinate
// comes as bytes. What decryption needs beyond that is done here, in constant time: y from two x-coordinates
// (Brier and Joye, PKC 2002), and one affine addition.

var (
	field       = mustModulus(fieldPrime.Bytes())
	fieldMinus2 = minusTwo(fieldPrime.Bytes())
	curveA      = fieldElement(new(big.Int).Sub(fieldPrime, big.NewInt(3)).Bytes())
	curveB      = fieldElement(sm2.P256().Params().B.FillBytes(make([]byte, 32)))
)

func fieldElement(b []byte) *bigmod.Nat {
	n, err := bigmod.NewNat().SetBytes(b, field)
	if err != nil {
		panic("cosign: coordinate not below the prime")
	}
	return n
}

func fieldCopy(a *bigmod.Nat) *bigmod.Nat      { return fieldElement(a.Bytes(field)) }
func fieldAdd(a, b *bigmod.Nat) *bigmod.Nat    { return fieldCopy(a).Add(b, field) }
func fieldSub(a, b *bigmod.Nat) *bigmod.Nat    { return fieldCopy(a).Sub(b, field) }
func fieldMul(a, b *bigmod.Nat) *bigmod.Nat    { return fieldCopy(a).Mul(b, field) }
func fieldInverse(a *bigmod.Nat) *bigmod.Nat   { return bigmod.NewNat().Exp(a, fieldMinus2, field) }
func fieldDivide(a, b *bigmod.Nat) *bigmod.Nat { return fieldMul(a, fieldInverse(b)) }

// secretPoint is k*P - C as x || y, 64 bytes, for public points P and C and a secret k. ErrCiphertext for the values of k
// for which the formulas do not hold; no share but a broken one has them.
func secretPoint(k *scalar, p, c point) ([]byte, error) {
	x1, err := secretX(k, p)
	if err != nil {
		return nil, err
	}
	one := newScalar()
	one.n.Bits()[0] = 1
	next := newScalar().add(k, one)
	x2, err := secretX(next, p)
	next.wipe()
	if err != nil {
		return nil, err
	}
	var b [32]byte
	x, y := fieldElement(p.x.FillBytes(b[:])), fieldElement(p.y.FillBytes(b[:]))

	// y1 = (2b + (a + x*x1)*(x + x1) - x2*(x - x1)^2) / 2y
	d := fieldSub(x, x1)
	n := fieldMul(fieldAdd(curveA, fieldMul(x, x1)), fieldAdd(x, x1))
	n = fieldSub(fieldAdd(n, fieldAdd(curveB, curveB)), fieldMul(x2, fieldMul(d, d)))
	y1 := fieldDivide(n, fieldAdd(y, y))

	// (x1, y1) + (cx, -cy)
	cx, cy := fieldElement(c.x.FillBytes(b[:])), fieldElement(c.y.FillBytes(b[:]))
	run := fieldSub(x1, cx)
	if run.IsZero() == 1 {
		return nil, ErrCiphertext
	}
	slope := fieldDivide(fieldAdd(y1, cy), run)
	x3 := fieldSub(fieldSub(fieldMul(slope, slope), x1), cx)
	y3 := fieldSub(fieldMul(slope, fieldSub(x1, x3)), y1)
	out := append(x3.Bytes(field), y3.Bytes(field)...)
	for _, t := range []*bigmod.Nat{x1, x2, d, n, y1, run, slope, x3, y3} {
		clear(t.Bits())
	}
	return out, nil
}

// secretX is x(k*p).
func secretX(k *scalar, p point) (*bigmod.Nat, error) {
	b := k.bytes()
	defer wipe(b)
	private, err := ecdh.P256().NewPrivateKey(b)
	if err != nil {
		return nil, ErrCiphertext
	}
	public, err := ecdh.P256().NewPublicKey(p.bytes())
	if err != nil {
		return nil, ErrCiphertext
	}
	x, err := private.ECDH(public)
	if err != nil {
		return nil, ErrCiphertext
	}
	defer wipe(x)
	return fieldElement(x), nil
}
