package keystore

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"
)

// A profile record begins with its version. Version 2 is the fields in their order, byte strings and text behind their
// length as a varint, times as seconds since 1970 (8 bytes) and nanoseconds (4), big endian. Certificates make the bulk, and a list of many is read at
// once, which base64 in JSON makes several times slower. Version 1 was JSON, whose first byte is the brace.
const (
	profileVersion = 2
	profileJSON    = '{'
)

func (p *Profile) marshal() []byte {
	b := make([]byte, 0, 512+len(p.Certificate)+len(p.Request)+4096)
	b = append(b, profileVersion, byte(p.State), flag(p.Binding.Bound))
	b = append(b, p.KeyID[:]...)
	for _, s := range []string{
		p.ID, p.Organisation, p.Account, p.Holder, p.Phone, p.CertState, p.Enrolment, p.Binding.DeviceID, p.Binding.DeviceName,
	} {
		b = appendBytes(b, []byte(s))
	}
	for _, t := range []time.Time{p.Binding.Since, p.Binding.Checked, p.Created, p.Updated, p.Checked} {
		b = appendTime(b, t)
	}
	b = appendBytes(b, p.PublicKey)
	b = appendBytes(b, p.Certificate)
	b = appendBytes(b, p.Request)
	b = binary.AppendUvarint(b, uint64(len(p.Chain)))
	for _, c := range p.Chain {
		b = appendBytes(b, c)
	}
	return b
}

// unmarshalProfile decodes plain, which the profile keeps.
func unmarshalProfile(plain []byte) (Profile, error) {
	var p Profile
	if bytes.HasPrefix(plain, []byte{profileJSON}) {
		err := decodeJSON(plain, &p)
		return p, err
	}
	r := reader{b: plain}
	if v := r.byte(); v != profileVersion {
		return Profile{}, fmt.Errorf("%w: profile version %d", ErrNewerFormat, v)
	}
	p.State = ProfileState(r.byte())
	bound := r.byte()
	p.Binding.Bound, r.bad = bound == 1, r.bad || bound > 1
	copy(p.KeyID[:], r.take(len(p.KeyID)))
	for _, s := range []*string{
		&p.ID, &p.Organisation, &p.Account, &p.Holder, &p.Phone, &p.CertState, &p.Enrolment, &p.Binding.DeviceID, &p.Binding.DeviceName,
	} {
		*s = string(r.bytes())
	}
	for _, t := range []*time.Time{&p.Binding.Since, &p.Binding.Checked, &p.Created, &p.Updated, &p.Checked} {
		*t = r.time()
	}
	p.PublicKey, p.Certificate, p.Request = r.some(), r.some(), r.some()
	n := r.uvarint()
	if n > uint64(len(plain)) {
		r.bad = true
		n = 0
	}
	for range n {
		p.Chain = append(p.Chain, r.bytes())
	}
	if !r.done() {
		return Profile{}, fmt.Errorf("%w: malformed profile", ErrDamaged)
	}
	return p, nil
}

func flag(v bool) byte {
	if v {
		return 1
	}
	return 0
}

// appendTime drops the location: stored times are UTC.
func appendTime(b []byte, t time.Time) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(t.Unix()))
	return binary.BigEndian.AppendUint32(b, uint32(t.Nanosecond()))
}

func (r *reader) time() time.Time {
	s := int64(r.uint64())
	f := r.take(4)
	if f == nil {
		return time.Time{}
	}
	ns := binary.BigEndian.Uint32(f)
	r.bad = r.bad || ns >= 1e9
	return time.Unix(s, int64(ns)).UTC()
}

// some is bytes, with nil for an empty field.
func (r *reader) some() []byte {
	if f := r.bytes(); len(f) > 0 {
		return f
	}
	return nil
}
