package api

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// tlsCertificate issues a server certificate; parent nil: self-signed.
func tlsCertificate(t testing.TB, parent *tls.Certificate, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "service"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	if change != nil {
		change(template)
	}
	issuer, signer := template, any(key)
	if parent != nil {
		issuer, signer = parent.Leaf, parent.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), signer)
	must(t, err)
	leaf, err := x509.ParseCertificate(der)
	must(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func TestPins(t *testing.T) {
	authority := tlsCertificate(t, nil, func(c *x509.Certificate) { c.IsCA, c.BasicConstraintsValid = true, true })
	issued := tlsCertificate(t, &authority, nil)
	expired := tlsCertificate(t, nil, func(c *x509.Certificate) {
		c.NotAfter, c.IPAddresses, c.DNSNames = time.Now().Add(-time.Minute), nil, []string{"elsewhere.example"}
	})
	for _, c := range []struct {
		name    string
		chain   tls.Certificate
		pins    []Pin
		trusted bool
	}{
		{"pinned", issued, []Pin{PinOf(issued.Leaf), {1}}, true},
		{"pinned as backup", issued, []Pin{{1}, PinOf(issued.Leaf)}, true},
		{"expired and of another name, but the pinned key", expired, []Pin{PinOf(expired.Leaf), {1}}, true},
		{"other key", issued, []Pin{{2}, {1}}, false},
		{"valid CA, but only the CA's key is pinned", tls.Certificate{
			Certificate: [][]byte{issued.Certificate[0], authority.Certificate[0]}, PrivateKey: issued.PrivateKey,
		}, []Pin{PinOf(authority.Leaf), {1}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newService(t, func(w http.ResponseWriter, _ *http.Request) { answer(w, bindingAnswer) },
				func(s *httptest.Server) { s.TLS = &tls.Config{Certificates: []tls.Certificate{c.chain}} })
			_, err := bind(t, s.client(t, func(config *Config) { config.Pins = c.pins }))
			var trust *TrustError
			if c.trusted && err != nil || !c.trusted && !errors.As(err, &trust) {
				t.Errorf("%v", err)
			}
			if !c.trusted && s.requests.Load() != 0 {
				t.Error("a request was sent")
			}
		})
	}
}

func TestPinsMustBeTwo(t *testing.T) {
	address, err := ParseAddress("https://ca.example.org/v1")
	must(t, err)
	for _, pins := range [][]Pin{nil, {{1}}, {{1}, {1}}} {
		if _, err := NewClient(Config{Address: address, Pins: pins}); err == nil {
			t.Errorf("%d pins accepted", len(pins))
		}
	}
}

// TestPinRotationOfClient shows that new pins count for the next connection.
func TestPinRotationOfClient(t *testing.T) {
	s := newService(t, func(w http.ResponseWriter, _ *http.Request) { answer(w, bindingAnswer) })
	c := s.client(t)
	if _, err := bind(t, c); err != nil {
		t.Fatal(err)
	}
	must(t, c.SetPins([]Pin{{1}, {2}}))
	c.CloseIdle()
	var trust *TrustError
	if _, err := bind(t, c); !errors.As(err, &trust) {
		t.Errorf("%v", err)
	}
}

func TestOnlyTLS13(t *testing.T) {
	s := newService(t, func(w http.ResponseWriter, _ *http.Request) { answer(w, bindingAnswer) },
		func(s *httptest.Server) { s.TLS.MaxVersion = tls.VersionTLS12 })
	_, err := bind(t, s.client(t))
	var trust *TrustError
	if !errors.As(err, &trust) || s.requests.Load() != 0 {
		t.Errorf("%v, %d requests", err, s.requests.Load())
	}
}
