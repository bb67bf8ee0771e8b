package api

import (
	"errors"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// Why an address was refused.
var (
	ErrNotHTTPS   = errors.New("api: address is not https")
	ErrBadAddress = errors.New("api: address refused")
)

const maxAddress = 200 // bytes of a base URL

// Address is the base URL of a service, in the one form that the contract allows.
type Address struct {
	url  *url.URL
	addr netip.Addr // for a literal IP address
}

// ParseAddress reads a base URL: https, an ASCII host in lower case or an IP address in its usual form, no port or 443 or
// one above 1023, a path ending in /v1, and nothing else: no user, query, fragment, escapes or dot segments. A host in
// punycode stays as it is, so that its xn-- form is what the user sees; other scripts are refused.
func ParseAddress(text string) (Address, error) {
	if len(text) > maxAddress {
		return Address{}, ErrBadAddress
	}
	for i := 0; i < len(text); i++ {
		if text[i] <= ' ' || text[i] > '~' || strings.IndexByte(`\%"<>^{|}`+"`", text[i]) >= 0 {
			return Address{}, ErrBadAddress
		}
	}
	rest, ok := strings.CutPrefix(text, "https://")
	if !ok {
		if strings.HasPrefix(strings.ToLower(text), "https:") {
			return Address{}, ErrBadAddress
		}
		return Address{}, ErrNotHTTPS
	}
	authority, path, ok := strings.Cut(rest, "/")
	if !ok || strings.ContainsAny(rest, "@?#") || !goodPath("/"+path) {
		return Address{}, ErrBadAddress
	}
	u, err := url.Parse(text)
	if err != nil || u.Host != authority || u.Path != "/"+path {
		return Address{}, ErrBadAddress
	}
	a := Address{url: u}
	host := u.Hostname()
	switch {
	case strings.HasPrefix(authority, "["):
		a.addr, err = netip.ParseAddr(host)
		if err != nil || a.addr.Zone() != "" || a.addr.String() != host {
			return Address{}, ErrBadAddress
		}
	case !goodName(host):
		if a.addr, err = netip.ParseAddr(host); err != nil || !a.addr.Is4() {
			return Address{}, ErrBadAddress
		}
	}
	if !goodPort(u) {
		return Address{}, ErrBadAddress
	}
	if u.Port() == "443" {
		u.Host = strings.TrimSuffix(u.Host, ":443")
	}
	return a, nil
}

func goodPort(u *url.URL) bool {
	port := u.Port()
	if port == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && strconv.FormatUint(n, 10) == port && (n == 443 || n > 1023)
}

func goodPath(path string) bool {
	if !strings.HasSuffix(path, "/v1") {
		return false
	}
	for segment := range strings.SplitSeq(path[1:], "/") {
		if segment == "" || segment == "." || segment == ".." || strings.Trim(segment, lower+digits+upper+"-_.~") != "" {
			return false
		}
	}
	return true
}

const (
	lower  = "abcdefghijklmnopqrstuvwxyz"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits = "0123456789"
)

// goodName accepts a DNS name of letters, digits and hyphens whose last label is not a number, because some resolvers
// read such a name as an IP address in disguise (0x7f.1, 2130706433).
func goodName(host string) bool {
	if host == "" || len(host) > 253 {
		return false
	}
	labels := strings.Split(host, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.Trim(label, lower+digits+"-") != "" {
			return false
		}
	}
	last := labels[len(labels)-1]
	return strings.Contains(lower, last[:1])
}

// String is the base URL without a default port.
func (a Address) String() string {
	if a.url == nil {
		return ""
	}
	return a.url.String()
}

// Host is host[:port] for the user to compare, punycode left as it is.
func (a Address) Host() string {
	if a.url == nil {
		return ""
	}
	return a.url.Host
}

// Private says whether the host can only mean something inside a local network: loopback, private and link-local IP
// addresses, names without a dot and under .local, .internal, .localhost and .home.arpa.
func (a Address) Private() bool {
	if a.url == nil {
		return false
	}
	if a.addr.IsValid() {
		addr := a.addr.Unmap()
		return addr.IsLoopback() || addr.IsPrivate() || addr.IsLinkLocalUnicast() || addr.IsUnspecified()
	}
	host := a.url.Hostname()
	for _, suffix := range []string{".local", ".internal", ".localhost", ".home.arpa"} {
		if strings.HasSuffix(host, suffix) {
			return true
		}
	}
	return !strings.Contains(host, ".")
}
