package boltfile

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"
)

// smallPage makes small files, so that few bytes reach every structure.
const smallPage = 1024

func openSmall(path string, size int) (*bbolt.DB, error) {
	return bbolt.Open(path, 0o600, &bbolt.Options{PageSize: size, NoSync: true, NoGrowSync: true, FreelistType: bbolt.FreelistMapType})
}

// randomFile makes a file with the buckets of a store and random content, by random commits.
func randomFile(t testing.TB, rnd *rand.Rand, size, commits, maxValue int, after func(path string)) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bolt")
	db, err := openSmall(path, size)
	if err != nil {
		t.Fatal(err)
	}
	for range commits {
		err := db.Update(func(tx *bbolt.Tx) error {
			for _, name := range [][]byte{[]byte("header"), []byte("manifest"), []byte("records")} {
				b, err := tx.CreateBucketIfNotExists(name)
				if err != nil {
					return err
				}
				for range rnd.IntN(40) {
					key := fmt.Appendf(nil, "%0*d", 1+rnd.IntN(20), rnd.IntN(400))
					if rnd.IntN(3) == 0 {
						err = b.Delete(key)
					} else {
						err = b.Put(key, make([]byte, rnd.IntN(maxValue)))
					}
					if err != nil {
						return err
					}
				}
				if rnd.IntN(30) == 0 {
					if err := tx.DeleteBucket(name); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if after != nil {
			after(path)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCheckRaisesNoFalseAlarm(t *testing.T) {
	states := 0
	for seed := range uint64(12) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		size := []int{smallPage, 4096}[seed/4%2]
		randomFile(t, rnd, size, 60, []int{10, 200, 3000, 20000}[seed%4], func(path string) {
			states++
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if torn, err := Check(b, uint64(size)); err != nil || torn {
				t.Fatalf("seed %d, state %d: torn %v, %v", seed, states, torn, err)
			}
		})
	}
	if states != 720 {
		t.Errorf("%d states", states)
	}
}

// readAll lets bbolt do what the store does with a file: visit every key, change some, commit, visit again.
func readAll(path string) error {
	db, err := openSmall(path, smallPage)
	if err != nil {
		return err
	}
	defer db.Close()
	visit := func(tx *bbolt.Tx) error {
		return tx.ForEach(func(_ []byte, b *bbolt.Bucket) error {
			return b.ForEach(func(k, v []byte) error {
				if b.Get(k) == nil && v != nil {
					return fmt.Errorf("key %q is listed and not found", k)
				}
				return nil
			})
		})
	}
	if err := db.View(visit); err != nil {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for i, name := range [][]byte{[]byte("header"), []byte("manifest"), []byte("records")} {
			b, err := tx.CreateBucketIfNotExists(name)
			if err != nil {
				return err
			}
			for n := range 20 {
				if err := b.Put([]byte(fmt.Sprint(i, n*n)), make([]byte, 100*n)); err != nil {
					return err
				}
			}
			c := b.Cursor()
			for k, _ := c.First(); k != nil; k, _ = c.Next() {
				if len(k)%2 == 0 {
					if err := c.Delete(); err != nil {
						return err
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return db.View(visit)
}

// repair recomputes the checksums of the meta pages, so that damage behind them is reached.
func repair(b []byte) {
	for i := range 2 {
		if len(b) < (i+1)*smallPage {
			return
		}
		meta := b[i*smallPage+pageHeaderSize:]
		h := fnv.New64a()
		h.Write(meta[:56])
		binary.LittleEndian.PutUint64(meta[56:], h.Sum64())
	}
}

// seeds are small files for the damage tests.
func seeds(t testing.TB) [][]byte {
	rnd := rand.New(rand.NewPCG(7, 7))
	var out [][]byte
	for _, shape := range []struct{ commits, value int }{{1, 5}, {4, 30}, {5, 100}, {1, 1500}} {
		b, err := os.ReadFile(randomFile(t, rnd, smallPage, shape.commits, shape.value, nil))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
	return out
}

// FuzzCheck patches small files and holds that bbolt survives every one that the page walk lets through. A patch is
// page (1 byte), offset (2) and value (1); the metas get their checksums back.
func FuzzCheck(f *testing.F) {
	files := seeds(f)
	for i := range files {
		f.Add(byte(i), []byte{3, 0, 24, 0x7F, 4, 0, 10, 2})
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, which byte, patches []byte) {
		clean := files[int(which)%len(files)]
		b := append([]byte(nil), clean...)
		for ; len(patches) >= 4; patches = patches[4:] {
			at := int(patches[0])*smallPage + int(binary.BigEndian.Uint16(patches[1:]))%smallPage
			b[at%len(b)] = patches[3]
		}
		repair(b)
		if _, err := Check(b, smallPage); err != nil {
			return
		}
		path := filepath.Join(dir, "f")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := readAll(path); err != nil {
			t.Fatal(err)
		}
	})
}

// TestCheckCoversWhatBoltTrusts patches every byte of the headers of small files with values that mean something.
func TestCheckCoversWhatBoltTrusts(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 3))
	path := filepath.Join(t.TempDir(), "f")
	passed, refused := 0, 0
	for _, clean := range seeds(t) {
		b := append([]byte(nil), clean...)
		for page := range len(clean) / smallPage {
			for at := range 64 {
				for _, v := range []byte{0, 1, 0x7F, 0xFF, byte(rnd.Uint32())} {
					i := page*smallPage + at
					if clean[i] == v {
						continue
					}
					b[i] = v
					repair(b)
					_, err := Check(b, smallPage)
					if err != nil {
						refused++
					} else if passed++; passed%20 == 0 { // a share of them, and the whole test stays quick
						if err := os.WriteFile(path, b, 0o600); err != nil {
							t.Fatal(err)
						}
						if err := readAll(path); err != nil {
							t.Fatalf("byte %d of page %d set to %#x: %v", at, page, v, err)
						}
					}
					copy(b[page*smallPage:], clean[page*smallPage:(page+1)*smallPage])
				}
			}
		}
	}
	t.Logf("%d refused, %d passed", refused, passed)
	if refused < 1000 || passed < 1000 {
		t.Error("the test reaches too little")
	}
}
