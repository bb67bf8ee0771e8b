package keystore

import (
	"bytes"
	"context"
	"fmt"
	"time"
)

// DeviceKey is this device's own identity at one organisation. The secret fields are plain bytes for the caller to use and
// wipe; Wipe does that.
type DeviceKey struct {
	Organisation string // ID; each organisation gets a key of its own, so that two cannot link a device
	DeviceID     string // given by the CA, empty until registered
	Signing      []byte // P-256 private key for HTTP message signatures, big-endian scalar, 32 bytes; nil with a Handle
	Handle       string // name of the signing key in the platform's hardware key store, empty where Signing is set
	Seal         []byte // X25519 private key, 32 bytes; what is sealed to this device opens with it
	Created      time.Time
}

// Wipe overwrites the secret fields.
func (k *DeviceKey) Wipe() {
	clear(k.Signing)
	clear(k.Seal)
}

// DeviceKey returns the device key for an organisation, or ErrNotFound.
func (s *Store) DeviceKey(ctx context.Context, organisation string) (DeviceKey, error) {
	return read(ctx, s, func(tx *Tx) (DeviceKey, error) { return tx.DeviceKey(organisation) })
}

// PutDeviceKey stores k, replacing the one of the same organisation. k stays the caller's to wipe.
func (s *Store) PutDeviceKey(ctx context.Context, k DeviceKey) error {
	return s.Update(ctx, func(tx *Tx) error { return tx.PutDeviceKey(k) })
}

// DeviceKey is Store.DeviceKey in this transaction.
func (tx *Tx) DeviceKey(organisation string) (DeviceKey, error) {
	plain, err := tx.get(KindDeviceKey, organisation)
	if err != nil {
		return DeviceKey{}, err
	}
	defer clear(plain)
	return unmarshalDeviceKey(plain)
}

// PutDeviceKey is Store.PutDeviceKey in this transaction.
func (tx *Tx) PutDeviceKey(k DeviceKey) error {
	switch {
	case k.Organisation == "":
		return invalid(KindDeviceKey, "no organisation")
	case len(k.Signing) != 32 && (len(k.Signing) != 0 || k.Handle == ""):
		return invalid(KindDeviceKey, "signing key")
	case len(k.Seal) != 32:
		return invalid(KindDeviceKey, "seal key")
	}
	if k.Created.IsZero() {
		k.Created = tx.now()
	}
	plain := k.marshal()
	defer clear(plain)
	return tx.put(KindDeviceKey, k.Organisation, RecordRef{ID: k.Organisation, Organisation: k.Organisation}, plain)
}

// marshal encodes k without passing the secrets through a string or a growing buffer.
func (k *DeviceKey) marshal() []byte {
	b := make([]byte, 0, 64+len(k.Organisation)+len(k.DeviceID)+len(k.Handle)+len(k.Signing)+len(k.Seal))
	b = append(b, 1)
	b = appendBytes(b, []byte(k.Organisation))
	b = appendBytes(b, []byte(k.DeviceID))
	b = appendBytes(b, []byte(k.Handle))
	b = append(b, be64(uint64(k.Created.UnixNano()))...)
	b = appendBytes(b, k.Signing)
	return appendBytes(b, k.Seal)
}

func unmarshalDeviceKey(b []byte) (DeviceKey, error) {
	r := reader{b: b}
	if v := r.byte(); v != 1 {
		return DeviceKey{}, fmt.Errorf("%w: device key version %d", ErrNewerFormat, v)
	}
	k := DeviceKey{Organisation: string(r.bytes()), DeviceID: string(r.bytes()), Handle: string(r.bytes())}
	k.Created = time.Unix(0, int64(r.uint64())).UTC()
	k.Signing = bytes.Clone(r.bytes())
	k.Seal = bytes.Clone(r.bytes())
	if !r.done() {
		k.Wipe()
		return DeviceKey{}, fmt.Errorf("%w: malformed device key", ErrDamaged)
	}
	if len(k.Signing) == 0 {
		k.Signing = nil
	}
	return k, nil
}
