package cosign

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"hash"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/sm4"
	"github.com/emmansun/gmsm/smx509"
	tjsm3 "github.com/tjfoc/gmsm/sm3"
)

// Vector files of other projects, unchanged, with their licences beside them: testdata/botan from Botan 2.19.3 (BSD), in part
// made with GmSSL; testdata/openssl from OpenSSL 3.0.20 (Apache 2.0). They test what this package, and the app, rely on.

// botanVectors calls f for every vector; a vector ends with the key last, and its other values stand until they are
// replaced.
func botanVectors(t *testing.T, file, last string, f func(v map[string]string)) {
	t.Helper()
	b, err := os.ReadFile("testdata/botan/" + file)
	if err != nil {
		t.Fatal(err)
	}
	v := map[string]string{}
	for _, line := range strings.Split(string(b), "\n") {
		key, value, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		key = strings.TrimSpace(key)
		v[key] = strings.TrimSpace(value)
		if key == last {
			f(v)
			delete(v, "Iterations")
			delete(v, "Hash")
		}
	}
}

func unhexed(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.TrimPrefix(s, "0x"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBotanSM3(t *testing.T) {
	n := 0
	botanVectors(t, "sm3.vec", "Out", func(v map[string]string) {
		n++
		in, want := unhexed(t, v["In"]), unhexed(t, v["Out"])
		if got := sm3.Sum(in); !bytes.Equal(got[:], want) {
			t.Errorf("emmansun/gmsm: %s: %x", v["In"], got)
		}
		if got := tjsm3.Sm3Sum(in); !bytes.Equal(got, want) {
			t.Errorf("tjfoc/gmsm: %s: %x", v["In"], got)
		}
	})
	if n < 100 {
		t.Errorf("only %d vectors", n)
	}
}

func TestBotanSM4(t *testing.T) {
	n := 0
	botanVectors(t, "sm4.vec", "Out", func(v map[string]string) {
		n++
		block, err := sm4.NewCipher(unhexed(t, v["Key"]))
		if err != nil {
			t.Fatal(err)
		}
		iterations := 1
		if s := v["Iterations"]; s != "" {
			if iterations, err = strconv.Atoi(s); err != nil {
				t.Fatal(err)
			}
		}
		in, want := unhexed(t, v["In"]), unhexed(t, v["Out"])
		for i := 0; i < len(in); i += sm4.BlockSize {
			got := bytes.Clone(in[i : i+sm4.BlockSize])
			for range iterations {
				block.Encrypt(got, got)
			}
			if !bytes.Equal(got, want[i:i+sm4.BlockSize]) {
				t.Errorf("%s: block %d: %x", v["Key"], i, got)
			}
			for range iterations {
				block.Decrypt(got, got)
			}
			if !bytes.Equal(got, in[i:i+sm4.BlockSize]) {
				t.Errorf("%s: block %d does not decrypt", v["Key"], i)
			}
		}
	})
	if n != 4 {
		t.Errorf("%d vectors", n)
	}
}

// TestBotanSM2 takes the vectors on the standard curve. Each is verified, and made again by two parties with the key and
// the nonce of the vector split between them.
func TestBotanSM2(t *testing.T) {
	n := 0
	botanVectors(t, "sm2_sig.vec", "Signature", func(v map[string]string) {
		if !bytes.Equal(unhexed(t, v["P"]), fieldPrime.Bytes()) {
			return
		}
		n++
		d, k := mustScalar(unhexed(t, v["x"])), mustScalar(unhexed(t, v["Nonce"]))
		public, uid := baseMul(d), []byte(v["Ident"])
		newHash := map[string]func() hash.Hash{"SM3": sm3.New, "SHA-256": sha256.New}[v["Hash"]]
		// Z of GB/T 32918.2, 5.5, with the hash of the vector.
		params := sm2.P256().Params()
		h := newHash()
		h.Write([]byte{byte(len(uid) * 8 >> 8), byte(len(uid) * 8)})
		h.Write(uid)
		h.Write(curveA.Bytes(field))
		h.Write(params.B.Bytes())
		h.Write(generator.bytes()[1:])
		h.Write(public.bytes()[1:])
		z := h.Sum(nil)
		h = newHash()
		h.Write(z)
		h.Write(unhexed(t, v["Msg"]))
		e := h.Sum(nil)
		if v["Hash"] == "SM3" {
			own, err := sm2.CalculateSM2Hash(public.publicKey(), unhexed(t, v["Msg"]), uid)
			if err != nil || !bytes.Equal(own, e) {
				t.Errorf("e = %x, %v", own, err)
			}
		}
		var sig Signature
		b := unhexed(t, v["Signature"])
		copy(sig.R[:], b[:32])
		copy(sig.S[:], b[32:])
		if !sig.Verify(public.publicKey(), e) {
			t.Errorf("%s: refused", v["Signature"])
		}
		if !verifySignature(public, scalarFromDigest(e), mustScalar(b[:32]), mustScalar(b[32:])) {
			t.Errorf("%s: refused by verifySignature", v["Signature"])
		}
		if signSplit(t, d, k, e) != sig {
			t.Errorf("%s: two parties make another one", v["Signature"])
		}
	})
	if n != 2 {
		t.Errorf("%d vectors on the standard curve", n)
	}
}

// TestOpenSSLSM2 takes the verifications and decryptions of OpenSSL's file, the latter with a split key.
func TestOpenSSLSM2(t *testing.T) {
	b, err := os.ReadFile("testdata/openssl/evppkey_sm2.txt")
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(b)
	parsed, err := smx509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	key := parsed.(*sm2.PrivateKey)
	d := mustScalar(key.D.FillBytes(make([]byte, scalarSize)))
	verified, decrypted := 0, 0
	for _, stanza := range strings.Split(string(b), "\n\n") {
		v := map[string]string{}
		for _, line := range strings.Split(stanza, "\n") {
			if name, value, ok := strings.Cut(line, " = "); ok && !strings.HasPrefix(line, "#") {
				v[name] = value
			}
		}
		switch {
		case v["Result"] != "": // an error of OpenSSL's interface
		case v["Verify"] != "":
			verified++
			if !sm2.VerifyASN1(&key.PublicKey, unhexed(t, v["Input"]), unhexed(t, v["Output"])) {
				t.Errorf("%s: refused", v["Output"])
			}
		case v["Decrypt"] != "":
			decrypted++
			c, err := parseCiphertext(unhexed(t, v["Input"]))
			if err != nil {
				t.Errorf("%s: %v", v["Output"], err)
				continue
			}
			d1 := (*hooks)(nil).randomScalar()
			d2 := newScalar().mul(newScalar().add(d, one()), newScalar().inv(d1))
			shared, err := secretPoint(d1, c.c1.mul(d2), c.c1)
			if err != nil {
				t.Fatal(err)
			}
			plain, err := c.open(shared)
			if err != nil || strconv.Quote(string(plain)) != v["Output"] {
				t.Errorf("%q, %v, want %s", plain, err, v["Output"])
			}
		}
	}
	if verified != 2 || decrypted != 4 {
		t.Errorf("%d verified, %d decrypted", verified, decrypted)
	}
}
