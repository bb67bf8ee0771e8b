package cosign

import (
	"math/big"
	"testing"
)

func TestPublicSumAgainstTheLibrary(t *testing.T) {
	var h *hooks
	minusOne := newScalar().neg(one())
	for n := 1; n <= 20; n++ {
		points, scalars := make([]point, n), make([]*scalar, n)
		want := point{new(big.Int), new(big.Int)}
		for i := range n {
			points[i], scalars[i] = baseMul(h.randomScalar()), h.randomScalar()
			switch (n + i) % 8 { // equal and opposite points, O, and scalars at both ends
			case 1:
				points[i] = points[0]
			case 2:
				points[i] = points[0].neg()
			case 3:
				points[i] = point{new(big.Int), new(big.Int)}
			case 4:
				scalars[i] = newScalar()
			case 5:
				scalars[i] = minusOne
			case 6:
				scalars[i] = scalars[0].clone()
			}
			want = want.add(points[i].mul(scalars[i]))
		}
		if got := publicSum(points, scalars); !got.equal(want) {
			t.Fatalf("%d points: (%x, %x), want (%x, %x)", n, got.x, got.y, want.x, want.y)
		}
	}
	p, k := baseMul(h.randomScalar()), h.randomScalar()
	if !publicSum([]point{p, p}, []*scalar{k, newScalar().neg(k)}).isInfinity() {
		t.Error("k*P - k*P is not O")
	}
}

func TestLimbsAgainstBigIntegers(t *testing.T) {
	var h *hooks
	edge := []*big.Int{new(big.Int), big.NewInt(1), new(big.Int).Sub(fieldPrime, big.NewInt(1)), new(big.Int).Rsh(fieldPrime, 1)}
	for i := range 64 {
		edge = append(edge, new(big.Int).Mod(new(big.Int).Lsh(big.NewInt(1), uint(4*i+3)), fieldPrime))
	}
	for range 1000 {
		b := h.random32()
		edge = append(edge, new(big.Int).Mod(new(big.Int).SetBytes(b[:]), fieldPrime))
	}
	for i, x := range edge {
		y := edge[(i*i+7)%len(edge)]
		a, b := limbsOf(x), limbsOf(y)
		var sum, difference, product limbs
		sum.add(&a, &b)
		difference.sub(&a, &b)
		product.mul(&a, &b)
		for name, c := range map[string][2]*big.Int{
			"sum":        {sum.big(), new(big.Int).Add(x, y)},
			"difference": {difference.big(), new(big.Int).Sub(x, y)},
			"product":    {product.big(), new(big.Int).Mul(x, y)},
		} {
			if c[0].Cmp(c[1].Mod(c[1], fieldPrime)) != 0 {
				t.Fatalf("%s of %x and %x: %x, want %x", name, x, y, c[0], c[1])
			}
		}
	}
}

func BenchmarkPublicSum(b *testing.B) {
	var h *hooks
	for _, n := range []int{2, 6, 101} {
		points, scalars := make([]point, n), make([]*scalar, n)
		for i := range n {
			points[i], scalars[i] = baseMul(h.randomScalar()), h.randomScalar()
		}
		b.Run(big.NewInt(int64(n)).String(), func(b *testing.B) {
			for b.Loop() {
				publicSum(points, scalars)
			}
		})
	}
}

// FuzzPublicSum compares with the library: 64 bytes make a point and its multiple, and the first byte may make the point the
// one before, its negative or O.
func FuzzPublicSum(f *testing.F) {
	f.Add(make([]byte, 128))
	f.Add(append(append([]byte{1}, make([]byte, 127)...), append([]byte{2}, make([]byte, 63)...)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		var points []point
		var scalars []*scalar
		last := generator
		want := point{new(big.Int), new(big.Int)}
		for ; len(b) >= 64 && len(points) < 8; b = b[64:] {
			switch b[0] {
			case 1:
			case 2:
				last = last.neg()
			case 3:
				last = point{new(big.Int), new(big.Int)}
			default:
				last = baseMul(scalarFromDigest(b[:32]))
			}
			k := scalarFromDigest(b[32:64])
			points, scalars = append(points, last), append(scalars, k)
			want = want.add(last.mul(k))
		}
		if len(points) > 0 && !publicSum(points, scalars).equal(want) {
			t.Fatalf("another sum of %d points than the library's", len(points))
		}
	})
}
