package api

import (
	"encoding/base64"
	"errors"
	"strings"
)

var errBase64URL = errors.New("not base64url without padding")

// decodeBase64URL decodes RFC 4648 §5 without padding and refuses what the standard decoder lets pass: line breaks inside
// and set bits after the last byte.
func decodeBase64URL(text string) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") {
		return nil, errBase64URL
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, errBase64URL
	}
	return raw, nil
}
