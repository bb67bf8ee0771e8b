package keystore

import (
	"bytes"
	"testing"
	"time"
)

// FuzzProfile holds that whatever decodes as a profile of version 2 encodes to the same bytes, so that no two records
// mean one profile.
func FuzzProfile(f *testing.F) {
	p := Profile{ID: "p", Account: "张伟", State: ProfileReady, PublicKey: []byte{4}, Chain: [][]byte{{1}, {2, 3}}, Created: time.Unix(1, 2)}
	f.Add(p.marshal())
	f.Add((&Profile{}).marshal())
	f.Add([]byte(`{"ID":"p","State":1}`))
	f.Fuzz(func(t *testing.T, plain []byte) {
		got, err := unmarshalProfile(bytes.Clone(plain))
		if err != nil || plain[0] == profileJSON {
			return
		}
		if again := got.marshal(); !bytes.Equal(again, plain) {
			t.Errorf("%x encodes to %x", plain, again)
		}
	})
}
