package pki

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"slices"
	"time"

	"cloudkey/api"
)

// TLSCertificate makes the server's certificate for the given host names and addresses. The key, and with it the pin, is the
// stored one; the certificate is made anew at each start so that it fits the address and is always fresh.
func (a *Authority) TLSCertificate(hosts []string, now time.Time) (tls.Certificate, error) {
	serial, err := newSerial()
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "cloudkey reference CA"},
		NotBefore: now.Add(-24 * time.Hour), NotAfter: now.AddDate(userYears, 0, 0), BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.TrustRoot, &a.tls.PublicKey, a.trustRoot)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der, a.TrustRoot.Raw}, PrivateKey: a.tls}, nil
}

// Pins returns the pins of the serving key and of the backup key.
func (a *Authority) Pins() []api.Pin { return slices.Clone(a.pins) }
