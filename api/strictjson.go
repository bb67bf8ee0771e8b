package api

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
)

// Limits of the JSON bodies of the contract.
const (
	MaxRequest = 1 << 20 // bytes of a request body
	MaxAnswer  = 4 << 20 // bytes of an answer's body
	maxDepth   = 16      // nested objects and arrays
)

// ErrJSON is wrapped by every error of DecodeRequest and DecodeAnswer.
var ErrJSON = errors.New("api: JSON refused")

// DecodeRequest decodes a request body into v as the contract asks of servers: one JSON value of at most MaxRequest bytes
// and depth 16, member names compared case-sensitively, no duplicate and no unknown member, no invalid UTF-8.
func DecodeRequest(data []byte, v any) error {
	return decodeStrict(data, v, MaxRequest, json.RejectUnknownMembers(true))
}

// DecodeAnswer decodes an answer as the contract asks of clients: like DecodeRequest with MaxAnswer bytes, but unknown
// members are ignored, so that a newer service can add some.
func DecodeAnswer(data []byte, v any) error { return decodeStrict(data, v, MaxAnswer) }

func decodeStrict(data []byte, v any, limit int, options ...json.Options) error {
	if len(data) > limit {
		return fmt.Errorf("%w: %d bytes, limit %d", ErrJSON, len(data), limit)
	}
	if deeper(data, maxDepth) {
		return fmt.Errorf("%w: nested deeper than %d", ErrJSON, maxDepth)
	}
	// The library's defaults refuse duplicate names, invalid UTF-8 and data after the value.
	if err := json.Unmarshal(data, v, options...); err != nil {
		return fmt.Errorf("%w: %w", ErrJSON, err)
	}
	return nil
}

// deeper says whether data opens more than limit brackets at once; meant to run before a recursive parser does.
func deeper(data []byte, limit int) bool {
	depth, quoted := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > limit {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}
