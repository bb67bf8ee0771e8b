//go:build unix

package cosign

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"sort"
	"strconv"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/emmansun/gmsm/sm2"
	tjsm2 "github.com/tjfoc/gmsm/sm2"
)

// go test ./cosign -v -run TestMarks -marks build/bench.json measures, prints a table, and enters the results in the file,
// which is taken from the root of the module; without the flag nothing is measured.
// Every number is CPU time of this process, not wall time, garbage collection included, and every mark a ratio within one run.
var marksFile = flag.String("marks", "", "measure speed and write the results to this file")

// bench holds both roles with d1 known, so that no argon2id is measured.
type bench struct {
	server *Server
	key    *ServerKey
	guard  *Guard
	share  *Share
	d1     *scalar
	bytes  int
}

func newBench(t testing.TB) *bench {
	t.Helper()
	server := newTestServer(t, nil)
	s, _ := newKey(t, server, nil)
	key, guard, err := server.load(s.id)
	if err != nil {
		t.Fatal(err)
	}
	share := s.mustLoad(t)
	return &bench{server: server.server, key: key, guard: guard, share: share, d1: share.current.masked.unmask(testPIN)}
}

// sign runs a whole signature of n digests. client runs what the client does after the password is known.
func (b *bench) sign(t testing.TB, n int, client func(f func())) {
	digests := make([][]byte, n)
	for i := range digests {
		digests[i] = hashOf(strconv.Itoa(i))
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	g, s1, err := b.share.BeginSign(digests)
	if err != nil {
		t.Fatal(err)
	}
	sess, s2, err := b.server.Begin(Sign, b.key, b.guard, s1, now)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Receive(s2); err != nil {
		t.Fatal(err)
	}
	var s3 []byte
	client(func() {
		if s3, err = g.proveWith(b.d1.clone()); err != nil {
			t.Fatal(err)
		}
	})
	a, err := b.server.Accept(b.key, b.guard, sess, s3, now)
	if err != nil {
		t.Fatal(err)
	}
	res, err := a.Settle(b.key, b.guard, now)
	if err != nil || res.Err != nil {
		t.Fatal(err, res.Err)
	}
	client(func() {
		if _, err := g.Finish(res.Answer); err != nil {
			t.Fatal(err)
		}
	})
	b.bytes = len(s1) + len(s2) + len(s3) + len(res.Answer)
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// costs measures what the functions cost in turn, round after round, so that what else the machine does falls on all of them
// alike. It returns the median CPU time of each in microseconds. A function that returns a duration has measured itself.
func costs(functions map[string]func() time.Duration) map[string]float64 {
	const rounds, sample = 21, 20 * time.Millisecond
	all := map[string][]float64{}
	for range rounds {
		for name, f := range functions {
			n, own, start := 0, time.Duration(0), cpuTime()
			for cpuTime()-start < sample {
				for range 10 {
					own += f()
					n++
				}
			}
			spent := cpuTime() - start
			if own > 0 {
				spent = own
			}
			all[name] = append(all[name], float64(spent)/float64(n)/1000)
		}
	}
	medians := map[string]float64{}
	for name, samples := range all {
		sort.Float64s(samples)
		medians[name] = samples[rounds/2]
	}
	return medians
}

type mark struct {
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	Mark  float64 `json:"mark,omitempty"`
}

// result is a measured value; mark is what it should not exceed, 0 if there is none.
type result struct {
	name  string
	value float64
	unit  string
	mark  float64
}

func TestMarks(t *testing.T) {
	if *marksFile == "" {
		t.Skip("nothing to measure without -marks FILE")
	}
	plain := func(f func()) { f() }
	b := newBench(t)
	b.sign(t, 100, plain)
	size100 := b.bytes
	b.sign(t, 1, plain)
	size1 := b.bytes

	k, p := (*hooks)(nil).randomScalar(), b.share.public
	key, err := NewSealKey()
	if err != nil {
		t.Fatal(err)
	}
	public := key.Public()
	enc, _, err := encapsulate(public, nil)
	if err != nil {
		t.Fatal(err)
	}
	x, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	own, err := sm2.GenerateKey(nonceReader{})
	if err != nil {
		t.Fatal(err)
	}
	e := hashOf("document")
	sig, err := own.Sign(nonceReader{}, e, nil)
	if err != nil {
		t.Fatal(err)
	}
	tj, err := tjsm2.GenerateKey(nonceReader{})
	if err != nil {
		t.Fatal(err)
	}
	tjSig, err := tj.Sign(nonceReader{}, e, nil)
	if err != nil {
		t.Fatal(err)
	}
	whole := func(f func()) func() time.Duration {
		return func() time.Duration {
			f()
			return 0
		}
	}
	us := costs(map[string]func() time.Duration{
		"sign":  whole(func() { b.sign(t, 1, plain) }),
		"batch": whole(func() { b.sign(t, 100, plain) }),
		"client": func() (spent time.Duration) {
			b.sign(t, 1, func(f func()) {
				start := cpuTime()
				f()
				spent += cpuTime() - start
			})
			return spent
		},
		"SM2": whole(func() {
			baseMul(k) // R1
			g := pairSums([]point{p}, []point{generator})[0]
			g.mul(k) // R2
			g.mul(k) // commitment of the proof
			pairSums([]point{p}, []point{generator})
			publicSum([]point{p, g}, []*scalar{k, k}) // z*G' - c*R2
			for range 2 {
				pairSums([]point{p}, []point{g}) // R1 + R2
				p.baseMulAdd(k, k)               // s*G + t*P
			}
		}),
		"as written": whole(func() { // one operation of the library for each term of the equations
			baseMul(k)
			for range 4 {
				p.mul(k) // R2, the commitment, z*G', c*R2
			}
			for range 3 {
				p.baseMulAdd(k, k) // s1*P1 - r*G, s*G + t*P twice
			}
			for range 5 {
				p.add(generator) // G' twice, R twice, the sum in the proof
			}
		}),
		"seal": whole(func() {
			_, _ = sealKEM().GenerateKey()
			for range 2 {
				_, _, _ = encapsulate(public, nil)
				_, _ = decapsulate(key.key, enc, nil)
			}
		}),
		"X25519":          whole(func() { _, _ = x.ECDH(x.PublicKey()) }),
		"emmansun sign":   whole(func() { _, _ = own.Sign(nonceReader{}, e, nil) }),
		"emmansun verify": whole(func() { sm2.VerifyASN1(&own.PublicKey, e, sig) }),
		"tjfoc sign":      whole(func() { _, _ = tj.Sign(nonceReader{}, e, nil) }),
		"tjfoc verify":    whole(func() { tj.Verify(e, tjSig) }),
	})
	total, sm2Ops, sealOps, batch := us["sign"], us["SM2"], us["seal"], us["batch"]/100
	osSign, osVerify := opensslSpeed(t)
	both := osSign + osVerify

	perSignature := func(name string, value float64) result { return result{name, value, "µs", 0} }
	results := []result{
		{"P1", total / (sm2Ops + sealOps), "x", 1.15},
		{"P1, seal as bare X25519", total / (sm2Ops + 7*us["X25519"]), "x", 0},
		{"P1, equations as written", total / (us["as written"] + sealOps), "x", 0},
		{"P1 without seal", (total - sealOps) / sm2Ops, "x", 0},
		{"P2", total / both, "x", 1},
		{"P2 without seal", (total - sealOps) / both, "x", 0},
		{"P2 of a batch of 100", batch / both, "x", 0},
		{"P3", us["client"] / osSign, "x", 0.5},
		{"P6", batch / total, "x", 0.35},
		perSignature("two-party sign", total),
		perSignature("SM2 curve operations", sm2Ops),
		perSignature("seal operations", sealOps),
		perSignature("client after PIN", us["client"]),
		perSignature("batch of 100, each", batch),
		perSignature("emmansun sign", us["emmansun sign"]), perSignature("emmansun verify", us["emmansun verify"]),
		perSignature("tjfoc sign", us["tjfoc sign"]), perSignature("tjfoc verify", us["tjfoc verify"]),
		perSignature("OpenSSL sign", osSign), perSignature("OpenSSL verify", osVerify),
		{"bytes, 1 signature", float64(size1), "B", 0},
		{"bytes, each of 100", float64(size100) / 100, "B", 0},
		{"round trips", 2, "", 0},
	}
	file := *marksFile
	if !filepath.IsAbs(file) {
		file = filepath.Join("..", file)
	}
	if err := mergeResults(file, results); err != nil {
		t.Fatal(err)
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, r := range results {
		verdict := ""
		switch {
		case r.mark == 0:
		case r.name == "P2" && r.value < r.mark || r.name != "P2" && r.value <= r.mark:
			verdict = fmt.Sprintf("mark %.2f reached", r.mark)
		default:
			verdict = fmt.Sprintf("mark %.2f MISSED", r.mark)
		}
		fmt.Fprintf(table, "%s\t%.2f\t%s\t%s\t\n", r.name, r.value, r.unit, verdict)
	}
	if err := table.Flush(); err != nil {
		t.Fatal(err)
	}
}

// mergeResults enters the results in a file of one JSON object, {"P1": {"value": 1.1, "unit": "x", "mark": 1.15}, …}, and
// leaves what others wrote there.
func mergeResults(file string, results []result) error {
	all := map[string]json.RawMessage{}
	old, err := os.ReadFile(file)
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return err
	default:
		if err := json.Unmarshal(old, &all); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	for _, r := range results {
		b, err := json.Marshal(mark{r.value, r.unit, r.mark})
		if err != nil {
			return err
		}
		all[r.name] = b
	}
	out, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, append(out, '\n'), 0o644)
}

func TestMarksFileKeepsWhatOthersWrote(t *testing.T) {
	file := filepath.Join(t.TempDir(), "build", "bench.json")
	for _, results := range [][]result{{{"P1", 2, "x", 1.15}}, {{"P1", 1, "x", 1.15}, {"round trips", 2, "", 0}}} {
		if err := mergeResults(file, results); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, bytes.Replace(b, []byte("{"), []byte(`{"P7": {"rate": [1, 2]},`), 1), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := mergeResults(file, nil); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"P1": map[string]any{"value": 1.0, "unit": "x", "mark": 1.15}, "P7": map[string]any{"rate": []any{1.0, 2.0}},
		"round trips": map[string]any{"value": 2.0, "unit": ""},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s", b)
	}
	if err := os.WriteFile(file, []byte("[1"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := mergeResults(file, nil); err == nil {
		t.Error("a damaged file was overwritten")
	}
}

// opensslSpeed is OpenSSL's CPU time for one SM2 sign and verify in microseconds.
func opensslSpeed(t *testing.T) (sign, verify float64) {
	out, err := exec.Command("openssl", "speed", "-seconds", "1", "sm2").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	m := regexp.MustCompile(`SM2.*s\s+([0-9.]+)\s+([0-9.]+)\s*\n`).FindSubmatch(out)
	if m == nil {
		t.Fatalf("openssl speed says\n%s", out)
	}
	s, err1 := strconv.ParseFloat(string(m[1]), 64)
	v, err2 := strconv.ParseFloat(string(m[2]), 64)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	return 1e6 / s, 1e6 / v
}
