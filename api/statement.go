package api

import (
	"encoding/binary"
	"errors"
	"strings"
)

// AuthStatement is what a user agrees to when a signing session has the purpose authenticate.
type AuthStatement struct {
	Operation     string // operationId of the contract, for example "bindDevice"
	KeyID         string // 32 lower-case hex digits
	DeviceID      string // 32 lower-case hex digits
	Nonce         []byte // 16 bytes, the request's nonce
	ContentDigest []byte // SHA-256 of the body that the token shall be good for (32 bytes), or empty for any body
}

// statementTag keeps a statement from being anything else that is ever signed with the same key: no document, request or
// certificate starts like this and is handed to an authenticate session, whose message the server builds itself.
const statementTag = "cloudkey/v1/authenticate\x00"

// Bytes returns the canonical statement, the message M of the SM2 signature (its digest e is SM3(Z ‖ M), GB/T 32918.2
// §6.1, default user ID). It is the tag "cloudkey/v1/authenticate", a zero byte, and then the five fields in the order of
// the struct, each as a two-byte big-endian length and its bytes; identifiers are their ASCII text, an empty ContentDigest
// has length zero. Different statements have different bytes. Client and server both build it; it is never transmitted.
func (s AuthStatement) Bytes() ([]byte, error) {
	switch {
	case len(s.Operation) < 3 || len(s.Operation) > 48 || strings.Trim(s.Operation, lower+upper) != "":
		return nil, errors.New("api: statement: operation")
	case !isHex(s.KeyID, 32):
		return nil, errors.New("api: statement: keyId")
	case !isHex(s.DeviceID, 32):
		return nil, errors.New("api: statement: deviceId")
	case len(s.Nonce) != 16:
		return nil, errors.New("api: statement: nonce")
	case len(s.ContentDigest) != 0 && len(s.ContentDigest) != 32:
		return nil, errors.New("api: statement: contentDigest")
	}
	out := []byte(statementTag)
	for _, field := range [][]byte{[]byte(s.Operation), []byte(s.KeyID), []byte(s.DeviceID), s.Nonce, s.ContentDigest} {
		out = binary.BigEndian.AppendUint16(out, uint16(len(field)))
		out = append(out, field...)
	}
	return out, nil
}

func isHex(text string, length int) bool {
	return len(text) == length && strings.Trim(text, digits+"abcdef") == ""
}
