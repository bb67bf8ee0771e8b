package cosign

import (
	"crypto/ecdsa"
	"encoding/asn1"
	"math/big"

	"github.com/emmansun/gmsm/sm2"
)

// Signature is an SM2 signature (GB/T 32918.2): r and s, each 32 bytes big-endian.
type Signature struct{ R, S [32]byte }

// DER encodes the signature as SEQUENCE { r INTEGER, s INTEGER } (GM/T 0009, GB/T 35276).
func (sig Signature) DER() []byte {
	der, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(sig.R[:]), new(big.Int).SetBytes(sig.S[:])})
	if err != nil {
		panic("cosign: " + err.Error())
	}
	return der
}

// Verify checks the signature over the digest e = SM3(Z || M), 32 bytes, under pub.
func (sig Signature) Verify(pub *ecdsa.PublicKey, digest []byte) bool {
	return len(digest) == hashSize && sm2.VerifyASN1(pub, digest, sig.DER())
}

// verifyNonces checks for every i that s*G + (r + s)*P = R, which determines s, and that r = e + x(R): what verifySignature
// checks where R is known. Several signatures are checked as one sum with random weights of 128 bits (Bellare, Garay,
// Rabin, EUROCRYPT 1998): a wrong one passes with probability 2^-128. Each s may be secret when the check fails.
func verifyNonces(public point, e [][]byte, nonces []point, r, s []*scalar) bool {
	valid := true
	sumS, sumT, weights := newScalar(), newScalar(), make([]*scalar, len(s))
	t := newScalar()
	for i := range s {
		t.add(r[i], s[i])
		zero := r[i].isZero() || s[i].isZero() || t.isZero() || nonces[i].isInfinity()
		valid = newScalar().add(scalarFromDigest(e[i]), nonces[i].xScalar()).equal(r[i]) && !zero && valid
		if len(s) == 1 {
			return valid && public.baseMulAdd(s[i], t).equal(nonces[i])
		}
		weights[i] = (*hooks)(nil).randomWeight()
		sumT.add(sumT, t.mul(t, weights[i]))
		sumS.add(sumS, t.mul(s[i], weights[i]))
	}
	valid = public.baseMulAdd(sumS, sumT).equal(publicSum(nonces, weights)) && valid
	wipeScalars(t, sumS, sumT)
	return valid
}

// verifySignature checks (r, s) over e as GB/T 32918.2, 7.1 says: t = r + s is not 0 and r = e + x(s*G + t*P).
func verifySignature(public point, e, r, s *scalar) bool {
	t := newScalar().add(r, s)
	if r.isZero() || s.isZero() || t.isZero() {
		return false
	}
	q := public.baseMulAdd(s, t)
	return !q.isInfinity() && newScalar().add(e, q.xScalar()).equal(r)
}
