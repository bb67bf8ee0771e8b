package refca

import (
	"bytes"
	"encoding/hex"
	"image/png"
	"maps"
	"slices"
	"strings"
)

// colons is the usual form of a fingerprint: upper-case hex in pairs.
func colons(b []byte) string {
	pairs := make([]string, len(b))
	for i := range b {
		pairs[i] = hex.EncodeToString(b[i : i+1])
	}
	return strings.ToUpper(strings.Join(pairs, ":"))
}

// pngSide is the width of a picture in pixels, 0 for what is none.
func pngSide(picture []byte) int {
	head, err := png.DecodeConfig(bytes.NewReader(picture))
	if err != nil {
		return 0
	}
	return head.Width
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func isControl(r rune) bool { return r < 0x20 || r == 0x7f }

// hexList is one hex number a line.
func hexList(list [][]byte) string {
	out := make([]string, len(list))
	for i, b := range list {
		out[i] = hex.EncodeToString(b)
	}
	return joinLines(out)
}

func joinLines(list []string) string { return strings.Join(list, "\n") }
