package cosign

import "crypto/ecdsa"

// KDF are the argon2id parameters (RFC 9106) that turn a PIN into the mask of a share. They stand in the share record;
// bounds are checked when a record is read, so that a changed record can neither weaken them nor exhaust memory.
type KDF struct {
	Time    uint32 // passes, 1 to 10
	Memory  uint32 // KiB, 8*1024 to 256*1024 (and at least 19*1024 when Time is below 3)
	Threads uint8  // 1 to 8
}

// DefaultKDF is 64 MiB, three passes, four lanes (RFC 9106, second recommended option).
func DefaultKDF() KDF { panic("unwritten") }

// Share is the client's record of one key. Store it under the key ID, sealed by the device's store key.
// It holds the masked share c = d1 - argon2id(PIN) mod n, salt and parameters, the epoch, the ratchet, what an interrupted
// refresh or an unanswered session needs, the server's pinned seal key and the public key. It holds no check value:
// every PIN unmasks to a valid scalar and only the server can tell which is right. Not safe for concurrent use.
type Share struct{}

// MarshalBinary encodes the record (versioned, canonical). The result contains device secrets (never the PIN or the
// unmasked share); wipe it after storing.
func (s *Share) MarshalBinary() ([]byte, error) { panic("unwritten") }

// UnmarshalBinary decodes strictly and returns a *MessageError for anything that MarshalBinary does not write.
func (s *Share) UnmarshalBinary(b []byte) error { panic("unwritten") }

// KeyID returns the ID of the share.
func (s *Share) KeyID() KeyID { panic("unwritten") }

// PublicKey returns P on the curve sm2.P256 of emmansun/gmsm.
func (s *Share) PublicKey() *ecdsa.PublicKey { panic("unwritten") }

// Epoch counts refreshes. 0 is the share masked by the SMS password, before the first password change.
func (s *Share) Epoch() uint32 { panic("unwritten") }

// Confirmed reports whether the server has confirmed key generation.
func (s *Share) Confirmed() bool { panic("unwritten") }

// Unanswered returns the session whose answer never arrived, if there is one. Only Resume may follow.
func (s *Share) Unanswered() (op Operation, sid SessionID, ok bool) { panic("unwritten") }

// Signature is an SM2 signature (GB/T 32918.2): r and s, each 32 bytes big-endian.
type Signature struct{ R, S [32]byte }

// DER encodes the signature as SEQUENCE { r INTEGER, s INTEGER } (GM/T 0009, GB/T 35276).
func (sig Signature) DER() []byte { panic("unwritten") }

// Verify checks the signature over the digest e = SM3(Z || M) under pub.
func (sig Signature) Verify(pub *ecdsa.PublicKey, digest []byte) bool { panic("unwritten") }
