//go:build linux

package client_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/argon2"

	"cloudkey/client"
	"cloudkey/keystore"
)

// curve is what the search of a thief computes with; none of it is secret.
type curve interface {
	Add(x1, y1, x2, y2 *big.Int) (x, y *big.Int)
	ScalarMult(x, y *big.Int, k []byte) (*big.Int, *big.Int)
	Unmarshal(b []byte) (x, y *big.Int)
}

var (
	p256  = sm2.P256().(curve)
	order = sm2.P256().Params().N
)

// maskedShare is the part of a share record that a PIN opens: c = d1 - argon2id(PIN, salt) mod n.
type maskedShare struct {
	c       *big.Int
	salt    []byte
	time    uint32
	memory  uint32
	threads uint8
}

// maskedAt is where c stands: after version, state, key ID, server key, P and epoch number.
const maskedAt = 1 + 1 + 16 + 32 + 65 + 4

func readMasked(record []byte) maskedShare {
	b := record[maskedAt:]
	return maskedShare{
		c: new(big.Int).SetBytes(b[:32]), salt: bytes.Clone(b[32:48]),
		time: binary.BigEndian.Uint32(b[48:]), memory: binary.BigEndian.Uint32(b[52:]), threads: b[56],
	}
}

func (m maskedShare) mask(pin []byte) *big.Int {
	k := new(big.Int).SetBytes(argon2.IDKey(pin, m.salt, m.time, m.memory, m.threads, 48))
	return k.Mod(k, order)
}

// unmask is d1 if the PIN is right, else another scalar.
func (m maskedShare) unmask(pin []byte) *big.Int {
	d := new(big.Int).Add(m.c, m.mask(pin))
	return d.Mod(d, order)
}

func padded(v *big.Int) []byte { return v.FillBytes(make([]byte, 32)) }

// leaks names what of the secrets is in b, in the forms that code makes of them.
func leaks(b []byte, secrets map[string][]byte) (found []string) {
	for name, s := range secrets {
		forms := map[string][]byte{"raw": s, "hex": []byte(hex.EncodeToString(s)), "base64": []byte(base64.StdEncoding.EncodeToString(s))}
		if len(s) == 32 {
			little := bytes.Clone(s) // the limbs of bigmod and math/big
			slices.Reverse(little)
			forms["limbs"], forms["half"], forms["other half"] = little, s[:16], s[16:]
		}
		for form, pattern := range forms {
			if bytes.Contains(b, pattern) {
				found = append(found, name+" ("+form+")")
			}
		}
	}
	slices.Sort(found)
	return found
}

// memoryOf returns all writable memory of a process, as a core dump would hold it.
func memoryOf(t testing.TB, pid int) []byte {
	t.Helper()
	table, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		t.Fatal(err)
	}
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	var out []byte
	for line := range strings.Lines(string(table)) {
		var from, to int64
		var mode string
		if n, _ := fmt.Sscanf(line, "%x-%x %s", &from, &to, &mode); n != 3 || !strings.HasPrefix(mode, "rw") {
			continue
		}
		part := make([]byte, to-from)
		n, _ := mem.ReadAt(part, from) // what is not backed does not read
		out = append(out, part[:n]...)
	}
	return out
}

func everyFile(t testing.TB, dir string) []byte {
	t.Helper()
	names, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []byte
	for _, n := range names {
		b, err := os.ReadFile(filepath.Join(dir, n.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b...)
	}
	return out
}

// shareIn returns the one share record of a copy of the data directory, as a thief gets at it who has the key file.
func shareIn(t testing.TB, dir string) (keystore.KeyID, []byte) {
	t.Helper()
	thief := t.TempDir()
	if err := os.CopyFS(thief, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	s, err := keystore.Open(t.Context(), thief, keystore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	all, err := s.Profiles(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatal(len(all), err)
	}
	record, err := s.LoadShare(t.Context(), all[0].KeyID)
	if err != nil {
		t.Fatal(err)
	}
	return all[0].KeyID, record
}

// sixDigits is the last password of the session, from the space that a thief can try.
const sixDigits = "274951"

// withoutArgon2 takes out of a memory image the input blocks that argon2id of x/crypto leaves in its garbage, for which there is
// no handle: length of the password ‖ password ‖ length of the salt. Each goes when its memory is used again.
func withoutArgon2(memory []byte, passwords ...string) []byte {
	for _, p := range passwords {
		block := binary.LittleEndian.AppendUint32(nil, uint32(len(p)))
		block = binary.LittleEndian.AppendUint32(append(block, p...), 16)
		memory = bytes.ReplaceAll(memory, block, nil)
	}
	return memory
}

// drawn is a password nobody has seen before.
func drawn() string {
	b := make([]byte, 8)
	rand.Read(b)
	return "A" + hex.EncodeToString(b)
}

// TestR7_NothingLeftOfASession runs the whole first use and daily work in a process of its own, and looks for passwords,
// unmasked shares and the keys of device and store in its memory, its log and its data directory.
func TestR7_NothingLeftOfASession(t *testing.T) {
	b := &bench{t: t, dir: t.TempDir()}
	b.startCA()
	t.Cleanup(b.stopCA)
	dir := filepath.Join(b.dir, "app")
	a := b.startProcess(dir)
	org := a.must(t, "init").ID
	sms := ""
	// Drawn here, because literals would stand in the memory of every process of this binary.
	first, second, third, wrong := drawn(), drawn(), drawn(), drawn()
	secrets := map[string][]byte{"password": []byte(first), "second password": []byte(second), "third password": []byte(third), "wrong password": []byte(wrong)}
	step := 0
	share := func(pin string) {
		step++
		_, record := shareIn(t, dir)
		secrets[fmt.Sprint("share ", step)] = padded(readMasked(record).unmask([]byte(pin)))
	}
	e := a.must(t, "begin", org, "10001").ID
	sms = string(b.sms("10001"))
	secrets["SMS password"] = []byte(sms)
	cert := a.must(t, "enrol", e, sms).ID
	share(sms)
	a.must(t, "first", cert, sms, first)
	share(first)
	a.must(t, "sign", cert, "doc", first)
	if out, err := a.call("sign", cert, "doc", wrong); err != nil || out.Err != refused {
		t.Fatal(out, err)
	}
	a.must(t, "change", cert, first, second)
	share(second)
	a.must(t, "bind", cert, second)
	a.must(t, "ink", cert, second)
	a.must(t, "change", cert, second, third)
	share(third)
	a.must(t, "sign", cert, "last", third)

	a.must(t, "collect")
	memory := withoutArgon2(memoryOf(t, a.cmd.Process.Pid), first, second, third, wrong, sms)
	if got := leaks(memory, map[string][]byte{"a certificate's ID": []byte(cert)}); len(got) == 0 {
		t.Fatal("the search does not find what is there")
	}
	if got := leaks(memory, secrets); len(got) > 0 {
		t.Errorf("in the memory of the running app: %v", got)
	}
	a.must(t, "close")
	keys := deviceSecrets(t, dir)
	memory = withoutArgon2(memoryOf(t, a.cmd.Process.Pid), first, second, third, wrong, sms)
	// Keys inside crypto/ecdsa and crypto/ecdh cannot be wiped. The one signs requests, the other opens what is sealed to
	// this device; neither opens anything that is stored.
	device := map[string][]byte{"device signing key": keys["device signing key"], "device seal key": keys["device seal key"]}
	maps.DeleteFunc(keys, func(name string, _ []byte) bool { return device[name] != nil })
	if got := leaks(memory, keys); len(got) > 0 {
		t.Errorf("in memory after the store was closed: %v", got)
	}
	if got := leaks(memory, secrets); len(got) > 0 {
		t.Errorf("in memory after the store was closed: %v", got)
	}
	a.in.Close()
	if err := a.cmd.Wait(); err != nil {
		t.Error(err)
	}
	maps.Copy(secrets, keys)
	maps.Copy(secrets, device)
	if got := leaks([]byte(a.log.String()), secrets); len(got) > 0 {
		t.Errorf("in the log of %d bytes: %v", a.log.Len(), got)
	}
	delete(secrets, "platform key") // beside the store, as the fallback has it
	if got := leaks(everyFile(t, dir), secrets); len(got) > 0 {
		t.Errorf("in the data directory: %v", got)
	}
}

// relations counts by PIN what in the image stands in some relation to what the PIN unmasks. image holds the plaintext of
// everything in the data directory and the files themselves.
func relations(image [][]byte, share maskedShare, public []byte, pins [][]byte) map[string]int {
	windows := map[[32]byte]bool{}
	px, py := p256.Unmarshal(public)
	g := sm2.P256().Params()
	gx, gy := p256.Add(px, py, g.Gx, g.Gy)
	points := [][2]*big.Int{{g.Gx, g.Gy}, {px, py}, {gx, gy}}
	for _, b := range image {
		for i := 0; i+32 <= len(b); i++ {
			windows[[32]byte(b[i:i+32])] = true
			if b[i] == 4 && i+65 <= len(b) {
				if x, y := p256.Unmarshal(b[i : i+65]); x != nil && !slices.ContainsFunc(points, func(p [2]*big.Int) bool { return p[0].Cmp(x) == 0 }) {
					points = append(points, [2]*big.Int{x, y})
				}
			}
		}
	}
	hits := map[string]int{}
	for _, pin := range pins {
		d, k := share.unmask(pin), share.mask(pin)
		inverse := new(big.Int).ModInverse(d, order)
		if d.Sign() == 0 || inverse == nil {
			hits[string(pin)] += 1 << 20 // not a scalar: this PIN could be told from the others
			continue
		}
		values := [][]byte{padded(k)}
		for _, v := range []*big.Int{d, inverse} {
			raw := padded(v)
			digest, pinned := sm3.Sum(raw), sm3.Sum(append(bytes.Clone(pin), raw...))
			values = append(values, raw, digest[:], pinned[:])
			for _, p := range points {
				x, y := p256.ScalarMult(p[0], p[1], raw)
				plus, _ := p256.Add(x, y, g.Gx, g.Gy)
				minus, _ := p256.Add(x, y, g.Gx, new(big.Int).Sub(g.P, g.Gy))
				values = append(values, padded(x), padded(plus), padded(minus))
			}
		}
		digest := sm3.Sum(pin)
		salted := sm3.Sum(append(bytes.Clone(share.salt), pin...))
		for _, v := range append(values, digest[:], salted[:]) {
			if windows[[32]byte(v)] {
				hits[string(pin)]++
			}
		}
	}
	return hits
}

// TestR7_EveryPINIsPlausible gives a thief the data directory with the store's key file, and lets a program try PINs: each
// unmasks to a scalar, and nothing in the directory stands in a relation to one that it does not have to the others. With
// -torture the program tries as many of the 10⁶ as the time allows, at the least cost that a share may have.
func TestR7_EveryPINIsPlausible(t *testing.T) {
	b := &bench{t: t, dir: t.TempDir()}
	b.startCA()
	t.Cleanup(b.stopCA)
	dir := filepath.Join(b.dir, "app")
	a := b.startProcess(dir)
	org := a.must(t, "init").ID
	e := a.must(t, "begin", org, "10001").ID
	sms := string(b.sms("10001"))
	cert := a.must(t, "enrol", e, sms).ID
	_, initial := shareIn(t, dir)
	initialImage := plaintexts(t, dir)
	a.must(t, "first", cert, sms, sixDigits)
	a.must(t, "sign", cert, "doc", sixDigits)
	a.must(t, "bind", cert, sixDigits)
	a.must(t, "close")
	a.in.Close()
	if err := a.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	id, record := shareIn(t, dir)
	share, image := readMasked(record), plaintexts(t, dir)
	public := record[maskedAt-4-65 : maskedAt-4]

	pins := [][]byte{[]byte(sixDigits)}
	for n := range rounds(40, 1_000_000) {
		pins = append(pins, fmt.Appendf(nil, "%06d", n*7919%1_000_000)) // 7919 is prime to 10⁶: each comes once
		if *torture > 0 && len(pins) >= int(torture.Seconds()*15) {
			break
		}
	}
	if got := relations(image, share, public, pins); len(got) != 0 {
		t.Errorf("these PINs stand out: %v", got)
	}
	codes := [][]byte{[]byte(sms)}
	for n := range 20 {
		codes = append(codes, []byte(strconv.Itoa(10_000_000+n*3_141_593)))
	}
	if got := relations(initialImage, readMasked(initial), public, codes); len(got) != 0 {
		t.Errorf("before the first password, these SMS passwords stand out: %v", got)
	}
	report(t, map[string]mark{"R7": {float64(len(pins)), "PINs tried with the data directory alone, all equally plausible", 1_000_000}})

	t.Run("the search finds what is there", func(t *testing.T) {
		few := pins[:5]
		d := share.unmask([]byte(sixDigits))
		g := sm2.P256().Params()
		x, _ := p256.ScalarMult(g.Gx, g.Gy, padded(d))
		digest := sm3.Sum([]byte(sixDigits))
		for name, leak := range map[string][]byte{"P1": padded(x), "a digest of the PIN": digest[:], "the share": padded(d)} {
			if got := relations(append(slices.Clone(image), leak), share, public, few); len(got) != 1 || got[sixDigits] == 0 {
				t.Errorf("%s: found %v", name, got)
			}
		}
	})
	t.Run("the scalar is the share", func(t *testing.T) {
		// A record with the same scalar under another PIN works at the service.
		remasked := []byte("580316")
		c := new(big.Int).Sub(share.unmask([]byte(sixDigits)), share.mask(remasked))
		copy(record[maskedAt:], padded(c.Mod(c, order)))
		b.startApp()
		defer b.stopApp()
		if err := b.store.StoreShare(t.Context(), id, record); err != nil {
			t.Fatal(err)
		}
		if err := b.sign(client.Certificate{ID: cert}, remasked); err != nil {
			t.Error(err)
		}
	})
}
