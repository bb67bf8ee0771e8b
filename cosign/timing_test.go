package cosign

import (
	"flag"
	"math"
	"sort"
	"testing"
	"time"
)

// go test ./cosign -run TestTiming -timing 200000 looks for paths whose time depends on a secret, as dudect does (Reparaz,
// Balasch, Verbauwhede, DATE 2017): Welch's t-test between one fixed and random secrets, slow outliers cut off. |t| above 10
// is a leak; below 4.5 nothing was found. Without the flag nothing is measured.
var timingSamples = flag.Int("timing", 0, "number of timing samples of each secret-dependent path")

func TestTiming(t *testing.T) {
	if *timingSamples == 0 {
		t.Skip("nothing to measure without -timing N")
	}
	var h *hooks
	fixed := mustScalar(append(make([]byte, 30), 1, 2)) // a conspicuous value: mostly zeros
	k, r, p, c := h.randomScalar(), h.randomScalar(), baseMul(h.randomScalar()), baseMul(h.randomScalar())
	base := p.add(generator)
	paths := map[string]func(s *scalar){
		"inverse of d1":          func(s *scalar) { newScalar().inv(s) },
		"s1 = (k1 + r)/d1":       func(s *scalar) { newScalar().mul(newScalar().add(k, r), newScalar().inv(s)) },
		"s = s1/d2 + b - r":      func(s *scalar) { newScalar().sub(newScalar().add(newScalar().mul(s, k), s), r) },
		"R1 = k1*G":              func(s *scalar) { baseMul(s) },
		"R2 = b*G'":              func(s *scalar) { base.mul(s) },
		"s1*P1 - r*G":            func(s *scalar) { p.baseMulAdd(r, s) },
		"s*G + t*P":              func(s *scalar) { p.baseMulAdd(s, newScalar().add(r, s)) },
		"Z = d1*T - C1":          func(s *scalar) { _, _ = secretPoint(s, p, c) },
		"c + K (unmask)":         func(s *scalar) { newScalar().add(s, k) },
		"encoding of a scalar":   func(s *scalar) { _ = s.bytes() },
		"reduction of wide bits": func(s *scalar) { b := make([]byte, wideSize); copy(b[16:], s.bytes()); scalarFromWide(b) },
	}
	// The test must be able to find something: a path that is known to leak.
	leak := func(s *scalar) {
		b := s.bytes()
		for _, v := range b {
			if v != 0 {
				baseMul(k)
				return
			}
			newScalar().inv(k)
		}
	}
	if got := welch(leak, fixed, *timingSamples/10); math.Abs(got) < 10 {
		t.Fatalf("a path that leaks gives t = %.1f: too noisy a machine or too few samples", got)
	}
	for name, path := range paths {
		got := welch(path, fixed, *timingSamples)
		t.Logf("%-24s t = %6.2f", name, got)
		if math.Abs(got) > 10 {
			t.Errorf("%s: t = %.1f", name, got)
		}
	}
}

func welch(path func(*scalar), fixed *scalar, n int) float64 {
	var h *hooks
	classes := make([]byte, n)
	h.random(classes)
	inputs := make([]byte, n*scalarSize) // one array, so that both classes lie alike in memory
	for i := range classes {
		random, s := h.randomScalar().bytes(), fixed.bytes()
		if classes[i]&1 == 1 {
			s = random
		}
		copy(inputs[i*scalarSize:], s)
	}
	times := make([]float64, n)
	for i := range classes {
		s := mustScalar(inputs[i*scalarSize:][:scalarSize])
		start := time.Now()
		path(s)
		times[i] = float64(time.Since(start))
	}
	sorted := append([]float64(nil), times...)
	sort.Float64s(sorted)
	limit := sorted[n*8/10]
	var count, mean, m2 [2]float64
	for i, x := range times {
		if x > limit {
			continue
		}
		c := classes[i] & 1
		count[c]++
		d := x - mean[c]
		mean[c] += d / count[c]
		m2[c] += d * (x - mean[c])
	}
	return (mean[0] - mean[1]) / math.Sqrt(m2[0]/(count[0]-1)/count[0]+m2[1]/(count[1]-1)/count[1])
}
