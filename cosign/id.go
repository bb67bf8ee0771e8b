package cosign

import (
	"crypto/rand"
	"encoding/hex"
)

// KeyID names a share of a two-party key: 16 random bytes chosen by the client (a grantee's share has its own).
type KeyID [16]byte

// NewKeyID draws a key ID from crypto/rand.
func NewKeyID() (id KeyID) {
	rand.Read(id[:])
	return id
}

// ParseKeyID reads the 32 hexadecimal digits that String writes.
func ParseKeyID(s string) (id KeyID, err error) {
	return id, parseHex(id[:], "KeyID", s)
}

func (id KeyID) String() string { return hex.EncodeToString(id[:]) }

// SessionID names one session: 16 random bytes chosen by the server. It is no secret and no capability.
type SessionID [16]byte

// ParseSessionID reads the 32 hexadecimal digits that String writes.
func ParseSessionID(s string) (id SessionID, err error) {
	return id, parseHex(id[:], "SessionID", s)
}

func (id SessionID) String() string { return hex.EncodeToString(id[:]) }

// IsZero reports whether id is the zero value, which no session has.
func (id SessionID) IsZero() bool { return id == SessionID{} }

func parseHex(dst []byte, name, s string) error {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(dst) || hex.EncodeToString(b) != s {
		return &MessageError{Message: name, Field: "hex", Err: ErrLength}
	}
	copy(dst, b)
	return nil
}

// Operation is what a session is for.
type Operation uint8

// The operations. Sign to Delegate need the PIN; Recover and Activate must be authorised by the caller of the server
// role (SMS code, captcha, device signature) before it opens a session for them.
const (
	Sign     Operation = 1 + iota // one to MaxBatch signatures
	Refresh                       // new shares under a new PIN, P unchanged
	Decrypt                       // one SM2 ciphertext
	Delegate                      // a share for a grantee, or its renewal
	Recover                       // refresh that starts from the recovery wrap instead of the PIN; lifts locks
	Activate                      // a grantee's first refresh of the share a grantor made
	Generate                      // key generation
	Resume                        // outcome of an unanswered request; settles an interrupted refresh
)

func (op Operation) String() string {
	switch op {
	case Sign:
		return "sign"
	case Refresh:
		return "refresh"
	case Decrypt:
		return "decrypt"
	case Delegate:
		return "delegate"
	case Recover:
		return "recover"
	case Activate:
		return "activate"
	case Generate:
		return "generate"
	case Resume:
		return "resume"
	}
	return "unknown"
}

// MaxBatch is the largest number of digests in one signing session.
const MaxBatch = 256
