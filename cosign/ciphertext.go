package cosign

import (
	"crypto/subtle"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// ciphertext is an SM2 ciphertext (GB/T 32918.4): C1 a point, C2 the masked message, C3 = SM3(x2 || M || y2).
type ciphertext struct {
	c1     point
	c2, c3 []byte
}

const maxCiphertext = 1 << 20

// parseCiphertext reads SEQUENCE { x INTEGER, y INTEGER, C3 OCTET STRING, C2 OCTET STRING } (GM/T 0009) or 04 || C1 || C3 || C2.
func parseCiphertext(b []byte) (*ciphertext, error) {
	if len(b) > maxCiphertext {
		return nil, ErrCiphertext
	}
	encoded := make([]byte, pointSize)
	encoded[0] = 4
	var c2, c3 []byte
	switch {
	case len(b) > pointSize+hashSize && b[0] == 4:
		copy(encoded, b)
		c3, c2 = b[pointSize:pointSize+hashSize], b[pointSize+hashSize:]
	default:
		outer := cryptobyte.String(b)
		var seq, o3, o2 cryptobyte.String
		x, y := encoded[1:33], encoded[33:]
		if !outer.ReadASN1(&seq, asn1.SEQUENCE) || !outer.Empty() || !readCoordinate(&seq, x) || !readCoordinate(&seq, y) ||
			!seq.ReadASN1(&o3, asn1.OCTET_STRING) || !seq.ReadASN1(&o2, asn1.OCTET_STRING) || !seq.Empty() ||
			len(o3) != hashSize || len(o2) == 0 {
			return nil, ErrCiphertext
		}
		c2, c3 = o2, o3
	}
	c1, err := decodePoint(encoded)
	if err != nil {
		return nil, ErrCiphertext
	}
	return &ciphertext{c1: c1, c2: c2, c3: c3}, nil
}

// readCoordinate reads a non-negative INTEGER of at most 32 bytes.
func readCoordinate(s *cryptobyte.String, out []byte) bool {
	var b []byte
	if !s.ReadASN1Integer(&b) || len(b) > len(out) {
		return false
	}
	copy(out[len(out)-len(b):], b)
	return true
}

// open decrypts with the shared point x2 || y2 = d*C1.
func (c *ciphertext) open(shared []byte) ([]byte, error) {
	mask := sm3.Kdf(shared, len(c.c2))
	defer wipe(mask)
	some := byte(0)
	for _, v := range mask {
		some |= v
	}
	message := make([]byte, len(c.c2))
	subtle.XORBytes(message, c.c2, mask)
	h := sm3.New()
	h.Write(shared[:32])
	h.Write(message)
	h.Write(shared[32:])
	if some == 0 || subtle.ConstantTimeCompare(h.Sum(nil), c.c3) != 1 {
		wipe(message)
		return nil, ErrCiphertext
	}
	return message, nil
}
