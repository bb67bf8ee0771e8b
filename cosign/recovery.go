package cosign

// wrapped is the recovery copy of d1: sealed under a key made from a secret of the device (in this record) and a secret
// of the server, 32 random bytes each. Neither the device's record nor the server's database opens it alone. It is made
// anew whenever d1 changes.
type wrapped struct {
	device [hashSize]byte
	sealed []byte // d1, AES-256-GCM: 32 + 16 bytes
}

const wrappedSize = scalarSize + 16

func recoveryKey(device, server []byte, id KeyID, epoch uint32) []byte {
	e := new(writer).u32(epoch)
	k := mac(device, "recovery", server, id[:], e.b)
	return k[:]
}

// wrap seals d under a fresh device secret; the key is used once.
func (h *hooks) wrap(d *scalar, server []byte, id KeyID, epoch uint32) wrapped {
	w := wrapped{device: h.random32()}
	key, plain := recoveryKey(w.device[:], server, id, epoch), d.bytes()
	w.sealed = sealOnce(key, id[:], plain)
	wipe(key, plain)
	return w
}

// unwrap returns d1. Unlike a PIN this can be tested offline, because it opens only with the server's 32 random bytes.
func (w wrapped) unwrap(server []byte, id KeyID, epoch uint32) (*scalar, error) {
	key := recoveryKey(w.device[:], server, id, epoch)
	plain, err := openOnce(key, id[:], w.sealed)
	wipe(key)
	if err != nil {
		return nil, err
	}
	defer wipe(plain)
	return scalarFromBytes(plain)
}

func (w wrapped) put(o *writer) { o.put(w.device[:], w.sealed) }

func (r *reader) wrapped(field string) wrapped {
	return wrapped{device: r.b32(field), sealed: append([]byte(nil), r.take(field, wrappedSize)...)}
}
