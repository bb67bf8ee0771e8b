package cosign

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"testing"

	"github.com/emmansun/gmsm/sm2"
)

// wide gives a scalar as the 48 bytes that randomScalar reads, after skip random bytes, then randomness.
func wide(s *scalar, skip int) io.Reader {
	before := make([]byte, skip)
	rand.Read(before)
	return io.MultiReader(bytes.NewReader(before), bytes.NewReader(make([]byte, 16)), bytes.NewReader(s.bytes()), rand.Reader)
}

// The order in which the steps draw: KG1: nC, d1 …; KG2: nS, recovery secret, d2 …; S1: ρ, k1 …; S2: sid, b ….
func generationRandom(d1 *scalar) io.Reader       { return wide(d1, 32) }
func serverGenerationRandom(d2 *scalar) io.Reader { return wide(d2, 64) }
func signRandom(k1 *scalar) io.Reader             { return wide(k1, 32) }
func serverSignRandom(b *scalar) io.Reader        { return wide(b, 16) }

func digestOf(t testing.TB, public point, message []byte) []byte {
	t.Helper()
	e, err := sm2.CalculateSM2Hash(public.publicKey(), message, testUID)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func givePIN(pin []byte) PINFunc {
	return func(context.Context) ([]byte, error) { return bytes.Clone(pin), nil }
}
