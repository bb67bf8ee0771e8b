package cosign

import (
	"crypto/hmac"
	"encoding/binary"
	"hash"

	"github.com/emmansun/gmsm/sm3"
)

// hashSize is the size of SM3 (GM/T 0004), of all tags and of symmetric keys here.
const hashSize = 32

const domain = "cloudkey/cosign/v1 "

func writeFields(h hash.Hash, tag string, fields [][]byte) {
	var n [4]byte
	put := func(b []byte) {
		binary.BigEndian.PutUint32(n[:], uint32(len(b)))
		h.Write(n[:])
		h.Write(b)
	}
	put([]byte(domain + tag))
	for _, f := range fields {
		put(f)
	}
}

// hashFields is H(tag; fields): SM3 over the domain tag and the fields, each with its length (4 bytes, big-endian) before it.
func hashFields(tag string, fields ...[]byte) (out [hashSize]byte) {
	h := sm3.New()
	writeFields(h, tag, fields)
	h.Sum(out[:0])
	return out
}

// mac is HMAC-SM3 (RFC 2104, GM/T 0004) with the same framing.
func mac(key []byte, tag string, fields ...[]byte) (out [hashSize]byte) {
	h := hmac.New(sm3.New, key)
	writeFields(h, tag, fields)
	h.Sum(out[:0])
	return out
}

func macEqual(a, b []byte) bool { return hmac.Equal(a, b) }
