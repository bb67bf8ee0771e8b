package client_test

import (
	"bytes"
	"crypto/cipher"
	"crypto/hkdf"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/sm4"
	"go.etcd.io/bbolt"

	"cloudkey/keystore"
)

// storeKeys gets at the keys of a data directory with its key file, from the documentation of the format alone: the
// header says which platform key wraps the store key, from which HKDF-SM3 makes the sub-keys.
type storeKeys struct{ platform, store, seal, name, id []byte }

func openGCM(key, nonce, sealed, associated []byte) ([]byte, error) {
	block, err := sm4.NewCipher(key)
	if err != nil {
		return nil, err
	}
	g, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return g.Open(nil, nonce, sealed, associated)
}

// viewFile calls f with a copy of the store's file and its keys.
func viewFile(t testing.TB, dir string, f func(*bbolt.Tx, storeKeys) error) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "keystore.db"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.View(func(tx *bbolt.Tx) error {
		h := tx.Bucket([]byte("header")).Get([]byte("header"))
		var k storeKeys
		k.id = bytes.Clone(h[5:21])
		wrapped := h[len(h)-68:] // key ID (8), nonce (12), store key (32), tag (16)
		var err error
		if k.platform, err = os.ReadFile(filepath.Join(dir, "keystore-"+hex.EncodeToString(wrapped[:8])+".key")); err != nil {
			return err
		}
		if k.store, err = openGCM(k.platform[:16], wrapped[8:20], wrapped[20:], wrapped[:8]); err != nil {
			return err
		}
		var e error
		k.seal, err = hkdf.Key(sm3.New, k.store, k.id, "cloudkey keystore 1 seal", 32)
		k.name, e = hkdf.Key(sm3.New, k.store, k.id, "cloudkey keystore 1 name", 32)
		if err = errors.Join(err, e); err != nil {
			return err
		}
		return f(tx, k)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// open opens a sealed record: suite (1), generation (8), salt (24), ciphertext and tag.
func (k storeKeys) open(key, sealed []byte) ([]byte, error) {
	okm, err := hkdf.Expand(sm3.New, k.seal, "record"+string(sealed[9:33]), 28)
	if err != nil {
		return nil, err
	}
	associated := append([]byte("cloudkey keystore record"), sealed[0])
	associated = append(append(associated, k.id...), sealed[1:9]...)
	return openGCM(okm[:16], okm[16:], sealed[33:], append(associated, key...))
}

// encoded is what JSON makes of bytes.
var encoded = regexp.MustCompile(`"[A-Za-z0-9+/]{8,}={0,2}"`)

// plaintexts opens everything in a data directory and returns it with the files as they are.
func plaintexts(t testing.TB, dir string) [][]byte {
	t.Helper()
	out := [][]byte{everyFile(t, dir)}
	viewFile(t, dir, func(tx *bbolt.Tx, k storeKeys) error {
		for _, bucket := range []string{"records", "manifest"} {
			err := tx.Bucket([]byte(bucket)).ForEach(func(key, sealed []byte) error {
				if string(key) == "header" {
					return nil
				}
				plain, err := k.open(key, sealed)
				if err != nil {
					return err
				}
				out = append(out, plain)
				for _, s := range encoded.FindAll(plain, -1) {
					if b, err := base64.StdEncoding.DecodeString(string(s[1 : len(s)-1])); err == nil {
						out = append(out, b)
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if len(out) < 8 {
		t.Fatalf("%d records: the search looks at nothing", len(out)-1)
	}
	return out
}

// deviceSecrets are the keys of the device and the store in a data directory, by name.
func deviceSecrets(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	viewFile(t, dir, func(_ *bbolt.Tx, k storeKeys) error {
		maps.Copy(out, map[string][]byte{"platform key": k.platform, "store key": k.store, "sealing key": k.seal, "naming key": k.name})
		return nil
	})
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	s, err := keystore.Open(t.Context(), copied, keystore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	orgs, err := s.Organisations(t.Context())
	if err != nil || len(orgs) != 1 {
		t.Fatal(len(orgs), err)
	}
	d, err := s.DeviceKey(t.Context(), orgs[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	out["device signing key"], out["device seal key"] = d.Signing, d.Seal
	return out
}
