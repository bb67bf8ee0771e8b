package keystore

import "testing"

func TestManifestRoundTrip(t *testing.T) {
	m := &manifest{gen: 77, erase: true, retired: []retired{{"file", []byte{1, 2}}, {"x", nil}}}
	m.headerDigest[3] = 9
	m.refs[63] = sealedRef{gen: 5, tag: [16]byte{1}}
	got, err := unmarshalRoot(m.marshalRoot())
	if err != nil {
		t.Fatal(err)
	}
	if string(got.marshalRoot()) != string(m.marshalRoot()) {
		t.Error("differs")
	}
}

// FuzzManifest holds that decoding never panics and accepts only what encoding makes.
func FuzzManifest(f *testing.F) {
	m := &manifest{gen: 77, retired: []retired{{"file", []byte{1, 2}}}}
	f.Add(m.marshalRoot())
	key := append([]byte{2, 5}, make([]byte, pseudonymSize-1)...)
	f.Add(leaf{string(key): {gen: 3, ref: RecordRef{ID: "a", Organisation: "b", Account: "c"}}}.marshal())
	h := header{format: 1, wrapper: "file", wrapped: []byte{1}}
	f.Add(h.marshal())
	k := DeviceKey{Organisation: "o", Signing: make([]byte, 32), Seal: make([]byte, 32)}
	f.Add(k.marshal())
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := unmarshalRoot(b); err == nil && string(m.marshalRoot()) != string(b) {
			t.Error("root is not canonical")
		}
		if l, err := unmarshalLeaf(b, 5); err == nil && string(l.marshal()) != string(b) {
			t.Error("leaf is not canonical")
		}
		if h, err := unmarshalHeader(b); err == nil && string(h.marshal()) != string(b) {
			t.Error("header is not canonical")
		}
		if k, err := unmarshalDeviceKey(b); err == nil && string(k.marshal()) != string(b) {
			t.Error("device key is not canonical")
		}
	})
}
