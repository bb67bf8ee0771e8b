//go:build unix

package cosign

import (
	"strconv"
	"testing"
)

// BenchmarkSign is a whole signature, both sides, without argon2id: for profiles. The marks are TestMarks.
func BenchmarkSign(b *testing.B) {
	both := newBench(b)
	for _, n := range []int{1, 100} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				both.sign(b, n, func(f func()) { f() })
			}
		})
	}
}
