package cosign

import (
	"crypto/subtle"
	"encoding/binary"

	"github.com/emmansun/gmsm/sm3"
)

// hashSize is the size of SM3 (GM/T 0004), of all tags and of symmetric keys here.
const hashSize = 32

const domain = "cloudkey/cosign/v1 "

// framed returns prefix, then the domain tag and the fields, each with its length (4 bytes, big-endian) before it.
func framed(prefix []byte, tag string, fields [][]byte) []byte {
	n := len(prefix) + 4 + len(domain) + len(tag)
	for _, f := range fields {
		n += 4 + len(f)
	}
	b := append(make([]byte, 0, n), prefix...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(domain)+len(tag)))
	b = append(append(b, domain...), tag...)
	for _, f := range fields {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(f))), f...)
	}
	return b
}

// hashFields is H(tag; fields): SM3 over the domain tag and the fields, each with its length before it.
func hashFields(tag string, fields ...[]byte) [hashSize]byte {
	b := framed(nil, tag, fields)
	defer wipe(b)
	return sm3.Sum(b)
}

// mac is HMAC-SM3 (RFC 2104, GM/T 0004) over the same bytes, under a key of at most 64 bytes. crypto/hmac would leave the
// padded key on the heap.
func mac(key []byte, tag string, fields ...[]byte) [hashSize]byte {
	var inner [sm3.BlockSize]byte
	var outer [sm3.BlockSize + hashSize]byte
	copy(inner[:], key)
	copy(outer[:], key)
	if len(key) > len(inner) {
		panic("cosign: MAC key too long")
	}
	for i := range inner {
		inner[i] ^= 0x36
		outer[i] ^= 0x5c
	}
	b := framed(inner[:], tag, fields)
	sum := sm3.Sum(b)
	copy(outer[sm3.BlockSize:], sum[:])
	defer wipe(inner[:], outer[:], b)
	return sm3.Sum(outer[:])
}

func macEqual(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }
