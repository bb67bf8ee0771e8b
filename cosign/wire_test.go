package cosign

import (
	"bytes"
	"errors"
	"testing"
)

func TestDecodingErrorsAreTyped(t *testing.T) {
	g := generator.bytes()
	off := bytes.Clone(g)
	off[64] ^= 1
	overP := append([]byte{4}, bytes.Repeat([]byte{0xff}, 64)...)
	twisted := bytes.Clone(g)
	twisted[0] = 2
	hybrid := bytes.Clone(g)
	hybrid[0] = 6
	over := append(bytes.Clone(orderBytes[:31]), 0x24)
	cases := []struct {
		name string
		read func(*reader)
		in   []byte
		want error
	}{
		{"point", func(r *reader) { r.point("p") }, g, nil},
		{"point too short", func(r *reader) { r.point("p") }, g[:64], ErrLength},
		{"point and more", func(r *reader) { r.point("p") }, append(bytes.Clone(g), 0), ErrTrailing},
		{"off the curve", func(r *reader) { r.point("p") }, off, ErrOffCurve},
		{"coordinate above p", func(r *reader) { r.point("p") }, overP, ErrOffCurve},
		{"compressed", func(r *reader) { r.point("p") }, twisted, ErrOffCurve},
		{"hybrid", func(r *reader) { r.point("p") }, hybrid, ErrOffCurve},
		{"O", func(r *reader) { r.point("p") }, make([]byte, 65), ErrInfinity},
		{"O as a pair", func(r *reader) { r.point("p") }, append([]byte{4}, make([]byte, 64)...), ErrInfinity},
		{"scalar", func(r *reader) { r.scalar("s") }, append(bytes.Clone(orderBytes[:31]), 0x22), nil},
		{"zero", func(r *reader) { r.scalar("s") }, make([]byte, 32), ErrZero},
		{"n", func(r *reader) { r.scalar("s") }, orderBytes, ErrRange},
		{"above n", func(r *reader) { r.scalar("s") }, over, ErrRange},
		{"largest", func(r *reader) { r.scalar("s") }, bytes.Repeat([]byte{0xff}, 32), ErrRange},
		{"zero allowed", func(r *reader) { r.scalarOrZero("s") }, make([]byte, 32), nil},
		{"flag", func(r *reader) { r.flag("f") }, []byte{2}, ErrRange},
		{"bytes beyond the end", func(r *reader) { r.bytes("b", 10) }, []byte{0, 0, 0, 5, 1}, ErrLength},
		{"bytes above the maximum", func(r *reader) { r.bytes("b", 1) }, []byte{0, 0, 0, 2, 1, 1}, ErrLength},
		{"huge length", func(r *reader) { r.bytes("b", 1<<30) }, []byte{0xff, 0xff, 0xff, 0xff}, ErrLength},
		{"no digests", func(r *reader) { r.count("n", 32) }, []byte{0, 0}, ErrLength},
		{"too many digests", func(r *reader) { r.count("n", 0) }, []byte{1, 1}, ErrLength},
		{"version", func(r *reader) { r.header() }, make([]byte, 19), ErrVersion},
		{"operation", func(r *reader) { r.header() }, append([]byte{1, 99, 1}, make([]byte, 16)...), ErrType},
		{"round 0", func(r *reader) { r.header() }, append([]byte{1, 1, 0}, make([]byte, 16)...), ErrType},
		{"round 5 of sign", func(r *reader) { r.header() }, append([]byte{1, 1, 5}, make([]byte, 32)...), ErrType},
		{"weak KDF", func(r *reader) { r.kdf("k") }, new(writer).u32(1).u32(minKDFMemory).u8(1).b, ErrParameters},
		{"KDF memory", func(r *reader) { r.kdf("k") }, new(writer).u32(3).u32(1 << 31).u8(1).b, ErrParameters},
		{"KDF passes", func(r *reader) { r.kdf("k") }, new(writer).u32(1 << 31).u32(minKDFMemory).u8(1).b, ErrParameters},
		{"KDF lanes", func(r *reader) { r.kdf("k") }, new(writer).u32(3).u32(minKDFMemory).u8(0).b, ErrParameters},
	}
	for _, c := range cases {
		r := &reader{name: "test", b: c.in}
		c.read(r)
		err := r.end()
		if !errors.Is(err, c.want) || (c.want == nil) != (err == nil) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		var m *MessageError
		if err != nil && (!errors.As(err, &m) || m.Message != "test" || m.Field == "") {
			t.Errorf("%s: %#v does not say where", c.name, err)
		}
	}
}

func TestIDs(t *testing.T) {
	id := NewKeyID()
	got, err := ParseKeyID(id.String())
	if err != nil || got != id {
		t.Error(err)
	}
	for _, s := range []string{"", id.String()[1:], id.String() + "00", "G" + id.String()[1:], "AB" + id.String()[2:]} {
		if _, err := ParseKeyID(s); err == nil {
			t.Errorf("%q was accepted", s)
		}
		if _, err := ParseSessionID(s); err == nil {
			t.Errorf("%q was accepted", s)
		}
	}
}

// records returns one record of each kind, in several states.
func records(t testing.TB) (shares []*Share, keys []*ServerKey, guards []*Guard) {
	t.Helper()
	server := newTestServer(t, nil)
	s, store := newKey(t, server, nil)
	share := store.share(t, s.id)
	keep := func() {
		b, err := share.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		c := new(Share)
		if err := c.UnmarshalBinary(b); err != nil {
			t.Fatal(err)
		}
		shares = append(shares, c)
		key, guard, err := server.load(s.id)
		if err != nil {
			t.Fatal(err)
		}
		keys, guards = append(keys, key), append(guards, guard)
	}
	keep()
	g, s3 := exchange(t, server, share, testPIN)
	keep()
	s4, err := server.handle(Call{Message: s3})
	if err != nil {
		t.Fatal(err)
	}
	keep()
	if _, err := g.Finish(s4); err != nil {
		t.Fatal(err)
	}
	f, m, err := share.BeginRefresh(fastKDF)
	if err != nil {
		t.Fatal(err)
	}
	step := func(next func([]byte) ([]byte, error)) {
		answer, err := server.handle(Call{Message: m})
		if err != nil {
			t.Fatal(err)
		}
		if m, err = next(answer); err != nil {
			t.Fatal(err)
		}
		keep()
	}
	step(func(b []byte) ([]byte, error) {
		if err := f.Receive(b); err != nil {
			return nil, err
		}
		return f.Prove(testPIN)
	})
	step(func(b []byte) ([]byte, error) { return f.Renew(b, newPIN) })
	step(func(b []byte) ([]byte, error) { return nil, f.Commit(b) })
	return shares, keys, guards
}

type record interface {
	MarshalBinary() ([]byte, error)
	UnmarshalBinary([]byte) error
}

// roundTrip decodes and encodes again; what a decoder accepts must be the only encoding.
func roundTrip(t testing.TB, b []byte, empty record) {
	t.Helper()
	if err := empty.UnmarshalBinary(b); err != nil {
		var m *MessageError
		if !errors.As(err, &m) {
			t.Fatalf("error without a type: %v", err)
		}
		return
	}
	again, err := empty.MarshalBinary()
	if err != nil || !bytes.Equal(again, b) {
		t.Fatalf("%T: another encoding of the same record was accepted: %v", empty, err)
	}
}

func TestRecordsAreCanonical(t *testing.T) {
	shares, keys, guards := records(t)
	var all [][]byte
	var empty []func() record
	add := func(r record, e func() record) {
		b, err := r.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		all, empty = append(all, b), append(empty, e)
	}
	for i := range shares {
		add(shares[i], func() record { return new(Share) })
		add(keys[i], func() record { return new(ServerKey) })
		add(guards[i], func() record { return new(Guard) })
	}
	for i, b := range all {
		if err := empty[i]().UnmarshalBinary(b); err != nil {
			t.Fatal(err)
		}
		for at := range b {
			for _, mask := range []byte{1, 0x80, 0xff} {
				changed := bytes.Clone(b)
				changed[at] ^= mask
				roundTrip(t, changed, empty[i]())
			}
			if err := empty[i]().UnmarshalBinary(b[:at]); err == nil {
				t.Fatalf("record %d cut at %d was accepted", i, at)
			}
		}
		if err := empty[i]().UnmarshalBinary(append(bytes.Clone(b), 0)); !errors.Is(err, ErrTrailing) {
			t.Errorf("record %d with a trailing byte: %v", i, err)
		}
	}
	for _, r := range []record{new(Share), new(ServerKey)} {
		if _, err := r.MarshalBinary(); err == nil {
			t.Errorf("a zero %T was encoded", r)
		}
	}
}
