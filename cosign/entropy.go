package cosign

import (
	"crypto/rand"
	"io"
)

// hooks exist for tests of this package only: nothing outside the package can make one. A nil *hooks is production.
type hooks struct {
	rand io.Reader // instead of crypto/rand
	raw  bool      // nonces straight from rand, for vectors with given nonces
	omit check     // checks to leave out, to show what each one is for
}

// check names a check of the protocol.
type check uint32

func (h *hooks) omits(c check) bool { return h != nil && h.omit&c != 0 }

// random fills b.
func (h *hooks) random(b []byte) {
	r := io.Reader(rand.Reader)
	if h != nil && h.rand != nil {
		r = h.rand
	}
	if _, err := io.ReadFull(r, b); err != nil {
		panic("cosign: no randomness: " + err.Error())
	}
}

func (h *hooks) random32() (b [32]byte) {
	h.random(b[:])
	return b
}

// randomScalar draws a scalar in [1, n-1]; its bias is below 2^-128.
func (h *hooks) randomScalar() *scalar {
	var b [wideSize]byte
	defer wipe(b[:])
	for {
		h.random(b[:])
		if s := scalarFromWide(b[:]); !s.isZero() {
			return s
		}
	}
}

// randomWeight draws 128 bits.
func (h *hooks) randomWeight() *scalar {
	var b [scalarSize]byte
	h.random(b[scalarSize/2:])
	return mustScalar(b[:])
}

// nonce draws a one-time scalar. It is hedged: fresh randomness is mixed with a long-term secret and with what the nonce
// is for, so that a repeated generator state (a restored snapshot of a machine) does not repeat a nonce for other data.
func (h *hooks) nonce(secret []byte, fields ...[]byte) *scalar {
	if h != nil && h.raw {
		return h.randomScalar()
	}
	var seed [wideSize]byte
	h.random(seed[:])
	in := append([][]byte{seed[:]}, fields...)
	hi, lo := mac(secret, "nonce 1", in...), mac(secret, "nonce 2", in...)
	wide := append(append(make([]byte, 0, wideSize), hi[:16]...), lo[:]...)
	s := scalarFromWide(wide)
	wipe(seed[:], hi[:], lo[:], wide)
	if s.isZero() {
		return h.nonce(secret, fields...)
	}
	return s
}
