package api

import (
	"bytes"
	"crypto/rand"
	"encoding/asn1"
	"errors"
	"fmt"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"
)

// MaxESeal is the largest electronic seal in bytes.
const MaxESeal = 1 << 20

// ErrESeal is wrapped by every error of ParseESeal.
var ErrESeal = errors.New("api: not an electronic seal")

// ESeal is what an electronic seal says (GB/T 38540-2020, 6.2, SES_SealInfo; version 4). Its picture may be stamped by the
// holders of the certificates it lists.
type ESeal struct {
	Maker    string // who made it, printable ASCII
	ID       string // unique with the maker, printable ASCII
	Personal bool   // of a person (type 2), not of an organisation (1)
	Name     string
	Holders  [][]byte // certificates of those who may stamp it, DER
	Created  time.Time
	From     time.Time
	Until    time.Time
	Format   string // of the picture: PNG, JPG, …
	Picture  []byte
	Width    int // of the print, mm
	Height   int
}

// The ASN.1 of the standard, DER throughout.
type (
	esSeal struct {
		Info      asn1.RawValue
		Cert      []byte
		Algorithm asn1.ObjectIdentifier
		Signature asn1.BitString
	}
	esInfo struct {
		Header   esHeader
		ID       string `asn1:"ia5"`
		Property esProperty
		Picture  esPicture
	}
	esHeader struct {
		ID      string `asn1:"ia5"`
		Version int
		Vendor  string `asn1:"ia5"`
	}
	esProperty struct {
		Type         int
		Name         string `asn1:"utf8"`
		CertListType int
		Certs        [][]byte
		Created      time.Time `asn1:"generalized"`
		ValidFrom    time.Time `asn1:"generalized"`
		ValidUntil   time.Time `asn1:"generalized"`
	}
	esPicture struct {
		Type          string `asn1:"ia5"`
		Data          []byte
		Width, Height int
	}
)

const (
	esMagic    = "ES"
	esVersion  = 4
	esUnit     = 1
	esPerson   = 2
	esCertList = 1 // whole certificates, not their digests
	maxHolders = 16
	maxSealMM  = 500
)

// SM2-with-SM3 signatures (GM/T 0006).
func esAlgorithm() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{1, 2, 156, 10197, 1, 501} }

// Sign makes the seal: its DER with the signature (SM2 with SM3, default user ID) of the seal maker, whose certificate is
// maker (DER).
func (s ESeal) Sign(maker []byte, key *sm2.PrivateKey) ([]byte, error) {
	kind := esUnit
	if s.Personal {
		kind = esPerson
	}
	utc := func(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }
	info, err := asn1.Marshal(esInfo{
		Header: esHeader{esMagic, esVersion, s.Maker}, ID: s.ID,
		Property: esProperty{kind, s.Name, esCertList, s.Holders, utc(s.Created), utc(s.From), utc(s.Until)},
		Picture:  esPicture{s.Format, s.Picture, s.Width, s.Height},
	})
	if err != nil {
		return nil, fmt.Errorf("api: electronic seal: %w", err)
	}
	signature, err := key.Sign(rand.Reader, info, sm2.DefaultSM2SignerOpts)
	if err != nil {
		return nil, fmt.Errorf("api: electronic seal: %w", err)
	}
	return asn1.Marshal(esSeal{asn1.RawValue{FullBytes: info}, maker, esAlgorithm(), asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)}})
}

// ParseESeal reads a seal (DER) and verifies its signature under its maker's certificate, which is returned for the caller to
// verify. Whether the seal is valid now and for whom is the caller's to decide too. What is not exactly as Sign makes it is
// refused with an error that wraps ErrESeal.
func ParseESeal(der []byte) (seal ESeal, maker *smx509.Certificate, err error) {
	fail := func(why string) (ESeal, *smx509.Certificate, error) {
		return ESeal{}, nil, fmt.Errorf("%w: %s", ErrESeal, why)
	}
	if len(der) > MaxESeal {
		return fail("too large")
	}
	var outer esSeal
	var info esInfo
	if rest, err := asn1.Unmarshal(der, &outer); err != nil || len(rest) > 0 {
		return fail("encoding")
	}
	if rest, err := asn1.Unmarshal(outer.Info.FullBytes, &info); err != nil || len(rest) > 0 {
		return fail("encoding of what is signed")
	}
	// encoding/asn1 takes some things that are not DER.
	again, err := asn1.Marshal(info)
	if err != nil || !bytes.Equal(again, outer.Info.FullBytes) {
		return fail("encoding of what is signed")
	}
	if again, err = asn1.Marshal(outer); err != nil || !bytes.Equal(again, der) {
		return fail("encoding")
	}
	p, picture := info.Property, info.Picture
	switch {
	case info.Header.ID != esMagic || info.Header.Version != esVersion:
		return fail("another version")
	case !outer.Algorithm.Equal(esAlgorithm()) || outer.Signature.BitLength%8 != 0:
		return fail("another signature algorithm")
	case p.Type != esUnit && p.Type != esPerson, p.CertListType != esCertList, len(p.Certs) == 0, len(p.Certs) > maxHolders:
		return fail("kind")
	case !p.ValidFrom.Before(p.ValidUntil):
		return fail("validity")
	case picture.Width <= 0 || picture.Height <= 0 || picture.Width > maxSealMM || picture.Height > maxSealMM || len(picture.Data) == 0:
		return fail("picture")
	}
	if maker, err = smx509.ParseCertificate(outer.Cert); err != nil {
		return fail("maker's certificate")
	}
	if err := maker.CheckSignature(smx509.SM2WithSM3, outer.Info.FullBytes, outer.Signature.Bytes); err != nil {
		return fail("signature")
	}
	return ESeal{
		Maker: info.Header.Vendor, ID: info.ID, Personal: p.Type == esPerson, Name: p.Name, Holders: p.Certs,
		Created: p.Created, From: p.ValidFrom, Until: p.ValidUntil,
		Format: picture.Type, Picture: picture.Data, Width: picture.Width, Height: picture.Height,
	}, maker, nil
}
