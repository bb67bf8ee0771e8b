package cosign

import "golang.org/x/crypto/argon2"

// KDF are the argon2id parameters (RFC 9106) that turn a PIN into the mask of a share. They stand in the share record;
// the bounds are checked when a record is read, so that a changed record can neither weaken them nor exhaust memory.
type KDF struct {
	Time    uint32 // passes, 1 to 10
	Memory  uint32 // KiB, 19*1024 to 256*1024
	Threads uint8  // lanes, 1 to 8
}

// DefaultKDF is three passes over 64 MiB in four lanes (RFC 9106, second recommended option).
func DefaultKDF() KDF { return KDF{Time: 3, Memory: 64 * 1024, Threads: 4} }

// Bounds of KDF. The smallest memory with two passes is the least that OWASP recommends for argon2id.
const (
	maxKDFTime    = 10
	minKDFMemory  = 19 * 1024
	maxKDFMemory  = 256 * 1024
	maxKDFThreads = 8
	minKDFWork    = 2 * minKDFMemory // passes times memory
)

func (k KDF) check() error {
	if k.Time < 1 || k.Time > maxKDFTime || k.Memory < minKDFMemory || k.Memory > maxKDFMemory ||
		k.Threads < 1 || k.Threads > maxKDFThreads || k.Time*k.Memory < minKDFWork {
		return ErrParameters
	}
	return nil
}

func (k KDF) put(w *writer) { w.u32(k.Time).u32(k.Memory).u8(k.Threads) }

func (r *reader) kdf(field string) KDF {
	k := KDF{Time: r.u32(field), Memory: r.u32(field), Threads: r.u8(field)}
	if r.err == nil && k.check() != nil {
		r.fail(field, ErrParameters)
	}
	return k
}

const saltSize = 16

// masked is a share under a PIN: c = d1 - K mod n with K = argon2id(PIN, salt) of 48 bytes, reduced mod n. Every PIN
// gives a scalar; nothing here tells a right one from a wrong one (camouflage: Hoover and Kausik 1999; SplitKey:
// Buldas, Kalu, Laud and Oruaas 2017).
type masked struct {
	c    *scalar
	salt [saltSize]byte
	kdf  KDF
}

// pinMask is K. The caller wipes it.
func pinMask(pin []byte, salt [saltSize]byte, k KDF) *scalar {
	wide := argon2.IDKey(pin, salt[:], k.Time, k.Memory, k.Threads, wideSize)
	s := scalarFromWide(wide)
	wipe(wide)
	return s
}

func (h *hooks) mask(d *scalar, pin []byte, k KDF) masked {
	m := masked{kdf: k}
	h.random(m.salt[:])
	mask := pinMask(pin, m.salt, k)
	m.c = newScalar().sub(d, mask)
	mask.wipe()
	return m
}

// unmask returns d1 if pin is right and another scalar if not. The caller wipes it.
func (m masked) unmask(pin []byte) *scalar {
	mask := pinMask(pin, m.salt, m.kdf)
	d := newScalar().add(m.c, mask)
	mask.wipe()
	return d
}

func (m masked) put(w *writer) {
	w.scalar(m.c).put(m.salt[:])
	m.kdf.put(w)
}

func (r *reader) masked(field string) masked {
	return masked{c: r.scalarOrZero(field), salt: r.b16(field + " salt"), kdf: r.kdf(field + " KDF")}
}
