package client

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"strings"

	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/smx509"
)

// Details returns everything 查看证书 shows of a certificate on this device.
func (c *Client) Details(ctx context.Context, certID string) (CertificateDetails, error) {
	p, err := c.store.Profile(ctx, certID)
	if err != nil {
		return CertificateDetails{}, err
	}
	if p.Certificate == nil {
		return CertificateDetails{}, ErrNoCertificate
	}
	summary, err := c.certificate(ctx, p)
	if err != nil {
		return CertificateDetails{}, err
	}
	d := CertificateDetails{Certificate: summary, DER: p.Certificate, PEM: encodePEM(p.Certificate)}
	for _, der := range p.Chain {
		d.Chain = append(d.Chain, encodePEM(der)...)
	}
	cert, err := smx509.ParseCertificate(p.Certificate)
	if err != nil {
		return CertificateDetails{}, fmt.Errorf("client: stored certificate: %w", err)
	}
	d.Subject = attributes(cert.Subject)
	d.Issuer = attributes(cert.Issuer)
	d.SignatureAlgorithm = cert.SignatureAlgorithm.String()
	d.PublicKeyAlgorithm, d.PublicKey = publicKey(cert)
	d.KeyUsages = keyUsages(cert.KeyUsage)
	d.Extensions = extensions(cert)
	sm3Sum, shaSum := sm3.Sum(p.Certificate), sha256.Sum256(p.Certificate)
	d.SM3, d.SHA256 = colonHex(sm3Sum[:]), colonHex(shaSum[:])
	return d, nil
}

func encodePEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// colonHex is the usual form of a fingerprint: upper-case pairs separated by colons.
func colonHex(b []byte) string {
	var s strings.Builder
	for i, v := range b {
		if i > 0 {
			s.WriteByte(':')
		}
		fmt.Fprintf(&s, "%02X", v)
	}
	return s.String()
}

// attributeNames are the short names of RFC 4514 §3 and X.520 for what certificates of this kind carry.
var attributeNames = map[string]string{
	"2.5.4.3": "CN", "2.5.4.4": "SN", "2.5.4.5": "serialNumber", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST",
	"2.5.4.9": "STREET", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.12": "title", "2.5.4.42": "GN",
	"0.9.2342.19200300.100.1.1": "UID", "0.9.2342.19200300.100.1.25": "DC", "1.2.840.113549.1.9.1": "E",
}

func attributes(name pkix.Name) []Attribute {
	var out []Attribute
	for _, a := range name.Names {
		oid := a.Type.String()
		out = append(out, Attribute{Name: attributeNames[oid], OID: oid, Value: fmt.Sprint(a.Value)})
	}
	return out
}

func publicKey(cert *smx509.Certificate) (algorithm, value string) {
	switch k := cert.PublicKey.(type) {
	case *ecdsa.PublicKey:
		point, err := k.Bytes()
		if err != nil { // curves that the standard library does not name: take the bit string as it stands
			point = subjectPublicKey(cert.RawSubjectPublicKeyInfo)
		}
		name := "SM2"
		if params := k.Curve.Params(); params.Name != "sm2p256v1" && params.Name != "" {
			name = "EC " + params.Name
		}
		return name, upperHex(point)
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", k.N.BitLen()), upperHex(k.N.Bytes())
	}
	return cert.PublicKeyAlgorithm.String(), ""
}

func subjectPublicKey(spki []byte) []byte {
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if rest, err := asn1.Unmarshal(spki, &info); err != nil || len(rest) > 0 {
		return nil
	}
	return info.Key.Bytes
}

func upperHex(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }

// keyUsageNames are in the order of the bits of RFC 5280 §4.2.1.3.
var keyUsageNames = []string{
	"digitalSignature", "contentCommitment", "keyEncipherment", "dataEncipherment", "keyAgreement", "keyCertSign",
	"cRLSign", "encipherOnly", "decipherOnly",
}

func keyUsages(usage smx509.KeyUsage) []string {
	var out []string
	for bit, name := range keyUsageNames {
		if usage&(1<<bit) != 0 {
			out = append(out, name)
		}
	}
	return out
}

// extensionNames are the names of RFC 5280 §4.2.
var extensionNames = map[string]string{
	"2.5.29.14": "subjectKeyIdentifier", "2.5.29.15": "keyUsage", "2.5.29.17": "subjectAltName",
	"2.5.29.19": "basicConstraints", "2.5.29.31": "cRLDistributionPoints", "2.5.29.32": "certificatePolicies",
	"2.5.29.35": "authorityKeyIdentifier", "2.5.29.37": "extKeyUsage", "1.3.6.1.5.5.7.1.1": "authorityInfoAccess",
}

func extensions(cert *smx509.Certificate) []Attribute {
	var out []Attribute
	for _, e := range cert.Extensions {
		oid := e.Id.String()
		a := Attribute{Name: extensionNames[oid], OID: oid}
		switch a.Name {
		case "subjectKeyIdentifier":
			a.Value = colonHex(cert.SubjectKeyId)
		case "authorityKeyIdentifier":
			a.Value = colonHex(cert.AuthorityKeyId)
		case "keyUsage":
			continue // CertificateDetails.KeyUsages
		case "basicConstraints":
			a.Value = fmt.Sprintf("CA: %v", cert.IsCA)
		case "cRLDistributionPoints":
			a.Value = strings.Join(cert.CRLDistributionPoints, "\n")
		case "authorityInfoAccess":
			a.Value = strings.Join(append(append([]string{}, cert.OCSPServer...), cert.IssuingCertificateURL...), "\n")
		case "extKeyUsage":
			a.Value = extKeyUsages(cert)
		default:
			a.Value = upperHex(e.Value)
		}
		out = append(out, a)
	}
	return out
}

func extKeyUsages(cert *smx509.Certificate) string {
	names := map[smx509.ExtKeyUsage]string{
		smx509.ExtKeyUsageAny: "any", smx509.ExtKeyUsageServerAuth: "serverAuth", smx509.ExtKeyUsageClientAuth: "clientAuth",
		smx509.ExtKeyUsageCodeSigning: "codeSigning", smx509.ExtKeyUsageEmailProtection: "emailProtection",
		smx509.ExtKeyUsageTimeStamping: "timeStamping", smx509.ExtKeyUsageOCSPSigning: "OCSPSigning",
	}
	var out []string
	for _, u := range cert.ExtKeyUsage {
		out = append(out, names[u])
	}
	for _, oid := range cert.UnknownExtKeyUsage {
		out = append(out, oid.String())
	}
	return strings.Join(out, ", ")
}

// sameKey reports whether a certificate is for the two-party key with this uncompressed point.
func sameKey(cert *smx509.Certificate, point []byte) bool {
	return bytes.Equal(subjectPublicKey(cert.RawSubjectPublicKeyInfo), point)
}
