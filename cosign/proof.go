package cosign

// proofSize is the size of a proof: challenge and response, 32 bytes each.
const proofSize = 2 * scalarSize

// proof is a Schnorr proof of knowledge of discrete logarithms, made non-interactive with H (Fiat and Shamir), in the
// form (c, z) (Schnorr 1991). For several statements in one base it is the batch proof of Gennaro, Leigh, Sundaram and
// Yerazunis (ASIACRYPT 2004): z = w + sum of c^i x_i. With one statement that is the plain proof.
type proof struct{ c, z *scalar }

func (p proof) put(w *writer) { w.scalar(p.c).scalar(p.z) }

func (r *reader) proof(field string) proof {
	return proof{r.scalar(field + " c"), r.scalar(field + " z")}
}

// challenge is H(tag; context, base, A, X1 … XN) mod n. Context, base and all points are in it (strong Fiat-Shamir).
func challenge(tag string, context []byte, base point, commitments, statements []point) *scalar {
	fields := [][]byte{context, base.bytes()}
	for _, p := range commitments {
		fields = append(fields, p.bytes())
	}
	for _, p := range statements {
		fields = append(fields, p.bytes())
	}
	c := hashFields("proof "+tag, fields...)
	return scalarFromDigest(c[:])
}

// respond sets z = w + sum of c^i x_i.
func respond(w, c *scalar, secrets []*scalar) *scalar {
	z, power, t := w.clone(), c.clone(), newScalar()
	for i, x := range secrets {
		if i > 0 {
			power.mul(power, c)
		}
		z.add(z, t.mul(power, x))
	}
	t.wipe()
	return z
}

// proveLogs proves knowledge of x_i with X_i = x_i * base.
func (h *hooks) proveLogs(tag string, context []byte, base point, statements []point, secrets []*scalar) proof {
	key := secrets[0].bytes()
	w := h.nonce(key, []byte(tag), context)
	wipe(key)
	var commitment point
	if base.equal(generator) {
		commitment = baseMul(w)
	} else {
		commitment = base.mul(w)
	}
	c := challenge(tag, context, base, []point{commitment}, statements)
	z := respond(w, c, secrets)
	w.wipe()
	return proof{c, z}
}

// verifyLogs checks a proof made by proveLogs with the same tag, context, base and statements. Base and statements are
// public, but for a single statement in base G.
func verifyLogs(tag string, context []byte, base point, statements []point, p proof) error {
	var sum point
	if len(statements) == 1 && base.equal(generator) {
		// The statement may be P1, which is no public value.
		sum = statements[0].baseMulAdd(p.z, newScalar().neg(p.c))
	} else {
		power, scalars := newScalar().neg(p.c), []*scalar{p.z}
		for range statements {
			scalars = append(scalars, power.clone())
			power.mul(power, p.c)
		}
		sum = publicSum(append([]point{base}, statements...), scalars)
	}
	if !challenge(tag, context, base, []point{sum}, statements).equal(p.c) {
		return ErrProof
	}
	return nil
}

// proveEqual proves knowledge of one x with X1 = x*base1 and X2 = x*base2 (Chaum and Pedersen, CRYPTO 1992).
func (h *hooks) proveEqual(tag string, context []byte, base1, base2, x1, x2 point, x *scalar) proof {
	key := x.bytes()
	w := h.nonce(key, []byte(tag), context)
	wipe(key)
	c := challenge(tag, context, base1, []point{base1.mul(w), base2.mul(w)}, []point{base2, x1, x2})
	z := respond(w, c, []*scalar{x})
	w.wipe()
	return proof{c, z}
}

// verifyEqual checks a proof made by proveEqual.
func verifyEqual(tag string, context []byte, base1, base2, x1, x2 point, p proof) error {
	minus := newScalar().neg(p.c)
	a1 := base1.mul(p.z).add(x1.mul(minus))
	a2 := base2.mul(p.z).add(x2.mul(minus))
	if !challenge(tag, context, base1, []point{a1, a2}, []point{base2, x1, x2}).equal(p.c) {
		return ErrProof
	}
	return nil
}
