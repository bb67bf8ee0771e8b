package api

import (
	"errors"
	"strings"
	"testing"
)

func TestAddress(t *testing.T) {
	for text, want := range map[string]string{
		"https://ca.example.org/v1":        "ca.example.org",
		"https://ca.example.org:443/v1":    "ca.example.org",
		"https://ca.example.org:8443/x/v1": "ca.example.org:8443",
		"https://127.0.0.1:8443/v1":        "127.0.0.1:8443",
		"https://[::1]:8443/v1":            "[::1]:8443",
		"https://xn--fiqs8s.example/v1":    "xn--fiqs8s.example",
		"https://localhost:8443/v1":        "localhost:8443",
	} {
		a, err := ParseAddress(text)
		if err != nil || a.Host() != want {
			t.Errorf("%s: %q %v, want %q", text, a.Host(), err, want)
		}
	}
	for _, text := range []string{
		"", "https://", "https:///v1", "https://ca.example.org", "https://ca.example.org/", "https://ca.example.org/v2",
		"HTTPS://ca.example.org/v1", "https://CA.example.org/v1", "https://ca.example.org./v1", "https://.example.org/v1",
		"https://ca..org/v1", "https://-ca.example/v1", "https://ca_x.example/v1", "https://ca.example.org:/v1",
		"https://ca.example.org:0443/v1", "https://ca.example.org:80/v1", "https://ca.example.org:70000/v1",
		"https://ca.example.org/../v1", "https://ca.example.org//v1", "https://ca.example.org/%76/v1",
		"https://ca.example.org\\@evil.example/v1", "https://user@ca.example.org/v1", "https://ca.example.org/v1?x/v1",
		"https://0x7f.1/v1", "https://2130706433/v1", "https://127.1/v1", "https://127.0.0.01/v1", "https://[::1%25lo]/v1",
		"https://[0:0::1]/v1", "https://[::ffff:1.2.3.4]x/v1", "https://例子.example/v1", "https://ca.example.org/v1 ",
		"https://" + strings.Repeat("a.", 130) + "org/v1",
	} {
		if a, err := ParseAddress(text); !errors.Is(err, ErrBadAddress) && !errors.Is(err, ErrNotHTTPS) {
			t.Errorf("%q accepted as %q", text, a)
		}
	}
	for text, private := range map[string]bool{
		"https://10.1.2.3/v1": true, "https://[fe80::1]/v1": true, "https://[::ffff:192.168.0.1]/v1": true, "https://ca.local/v1": true,
		"https://intranet/v1": true, "https://8.8.8.8/v1": false, "https://ca.example.org/v1": false,
	} {
		a, err := ParseAddress(text)
		must(t, err)
		if a.Private() != private {
			t.Errorf("%s: private %v", text, a.Private())
		}
	}
}
