package cosign

import (
	"crypto/hmac"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/sm3"
)

func TestMACIsHMAC(t *testing.T) {
	for _, size := range []int{0, 1, 32, 64} {
		key, long := []byte(strings.Repeat("k", size)), []byte(strings.Repeat("f", 300))
		h := hmac.New(sm3.New, key)
		h.Write([]byte("\x00\x00\x00\x16cloudkey/cosign/v1 tag\x00\x00\x00\x00\x00\x00\x01\x2c"))
		h.Write(long)
		if got := mac(key, "tag", nil, long); !hmac.Equal(got[:], h.Sum(nil)) {
			t.Errorf("key of %d bytes: %x", size, got)
		}
	}
}
