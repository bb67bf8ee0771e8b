package keystore

import (
	"fmt"
	"slices"

	"github.com/emmansun/gmsm/sm3"
)

const (
	headerMagic   = "CKKS"
	currentFormat = 1

	maxWrapperName = 32
	maxWrapped     = 1024
)

// header is the only part of the file that is not sealed: it says how to get at the store key. The manifest holds its
// digest.
type header struct {
	format  byte
	storeID [storeIDSize]byte
	wrapper string // KeyWrapper.Name
	wrapped []byte
}

func (h *header) marshal() []byte {
	b := append([]byte(headerMagic), h.format)
	b = append(b, h.storeID[:]...)
	b = appendBytes(b, []byte(h.wrapper))
	return appendBytes(b, h.wrapped)
}

func (h *header) digest() [32]byte { return sm3.Sum(h.marshal()) }

// unmarshalHeader accepts exactly what marshal makes. A later format is ErrNewerFormat whatever follows.
func unmarshalHeader(b []byte) (header, error) {
	r := reader{b: b}
	if string(r.take(len(headerMagic))) != headerMagic {
		return header{}, fmt.Errorf("no header")
	}
	h := header{format: r.byte()}
	if h.format > currentFormat {
		return header{}, fmt.Errorf("%w: format %d", ErrNewerFormat, h.format)
	}
	copy(h.storeID[:], r.take(storeIDSize))
	h.wrapper = string(r.bytes())
	h.wrapped = slices.Clone(r.bytes())
	if !r.done() || h.format == 0 || len(h.wrapper) == 0 || len(h.wrapper) > maxWrapperName || len(h.wrapped) > maxWrapped {
		return header{}, fmt.Errorf("malformed header")
	}
	return h, nil
}
