package keystore

import "encoding/pem"

// What may leave the device is public: certificates, requests and signatures. There is no export of a private key or share.

// CertificatePEM returns the certificate (RFC 7468 §5), or nil when there is none.
func (p Profile) CertificatePEM() []byte { return armour("CERTIFICATE", p.Certificate) }

// ChainPEM returns the certificates above it, issuing CA first.
func (p Profile) ChainPEM() []byte { return armour("CERTIFICATE", p.Chain...) }

// RequestPEM returns the certificate request (RFC 7468 §7), or nil when it is not kept.
func (p Profile) RequestPEM() []byte { return armour("CERTIFICATE REQUEST", p.Request) }

// PEM returns the detached SignedData (RFC 7468 §9), or nil when the entry has none.
func (s Signature) PEM() []byte { return armour("CMS", s.SignedData) }

func armour(label string, ders ...[]byte) []byte {
	var out []byte
	for _, der := range ders {
		if len(der) > 0 {
			out = append(out, pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der})...)
		}
	}
	return out
}
