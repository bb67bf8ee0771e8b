package keystore_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"cloudkey/keystore"
)

// fsOp is one call of the store that changes the disk, as strace saw it.
type fsOp struct {
	call     string
	path, to string
	data     []byte
	at       int64 // offset or size; -1 appends
	done     int   // for call "done": the acknowledged change; for "begin": the one that begins
}

var (
	callLine = regexp.MustCompile(`^\d+ +(\w+)\((.*)\) += (-?\d+)`)
	fdPath   = regexp.MustCompile(`^\d+<([^>]*)>`)
	quoted   = regexp.MustCompile(`"((?:\\x[0-9a-f]{2})*)"`)
)

// record runs the writer under strace for some changes and returns what it did to the files in dir.
func record(t testing.TB, dir string, n int) []fsOp {
	t.Helper()
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("strace is not installed")
	}
	log := filepath.Join(t.TempDir(), "strace")
	writer := child(t, "write", dir, "KEYSTORE_TEST_FROM=0", "KEYSTORE_TEST_COUNT="+strconv.Itoa(n))
	cmd := exec.CommandContext(t.Context(), "strace", "-f", "-y", "-xx", "-s", "4000000", "-o", log, "-e",
		"trace=write,pwrite64,ftruncate,fsync,fdatasync,openat,renameat,renameat2,unlinkat,linkat,rename,unlink,link", writer.Path)
	cmd.Env = writer.Env
	if out, err := cmd.CombinedOutput(); err != nil {
		if bytes.Contains(out, []byte("not permitted")) {
			t.Skipf("strace is not allowed here: %s", out)
		}
		t.Fatalf("%v\n%s", err, out)
	}
	f, err := os.Open(log)
	must(t, err)
	defer f.Close()
	var ops []fsOp
	unfinished := map[string]string{}
	lines := bufio.NewReader(f)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return ops
		}
		pid, _, _ := strings.Cut(line, " ")
		if head, _, cut := strings.Cut(line, " <unfinished ...>"); cut {
			unfinished[pid] = head
			continue
		}
		if _, tail, resumed := strings.Cut(line, " resumed>"); resumed {
			line = unfinished[pid] + tail
		}
		if m := callLine.FindStringSubmatch(line); m != nil && !strings.HasPrefix(m[3], "-") {
			if op, ok := parseOp(dir, m[1], m[2]); ok {
				ops = append(ops, op)
			}
		}
	}
}

// parseOp understands one traced call and drops those that do not concern dir.
func parseOp(dir, call, args string) (fsOp, bool) {
	var texts [][]byte
	for _, m := range quoted.FindAllStringSubmatch(args, -1) {
		b, err := hex.DecodeString(strings.ReplaceAll(m[1], `\x`, ""))
		if err != nil {
			return fsOp{}, false
		}
		texts = append(texts, b)
	}
	op := fsOp{call: call, at: -1}
	if m := fdPath.FindStringSubmatch(args); m != nil {
		if b, err := hex.DecodeString(strings.ReplaceAll(m[1], `\x`, "")); err == nil && strings.HasPrefix(m[1], `\x`) {
			op.path = string(b)
		} else {
			op.path = m[1]
		}
	}
	last := func() int64 {
		n, _ := strconv.ParseInt(strings.TrimSpace(args[strings.LastIndexByte(args, ',')+1:]), 10, 64)
		return n
	}
	switch call {
	case "write":
		if strings.HasPrefix(args, "1<") {
			word, number, _ := strings.Cut(strings.TrimSpace(string(texts[0])), " ")
			op.call = word
			op.done, _ = strconv.Atoi(number)
			return op, word == "begin" || word == "done"
		}
		op.data = texts[0]
	case "pwrite64":
		op.data, op.at = texts[0], last()
	case "ftruncate":
		op.at = last()
	case "openat":
		if !strings.Contains(args, "O_CREAT") {
			return op, false
		}
		op.path = string(texts[0])
	case "renameat", "renameat2", "rename", "linkat", "link":
		op.call, op.path, op.to = strings.TrimRight(call, "at2"), string(texts[0]), string(texts[1])
	case "unlinkat", "unlink":
		op.call, op.path = "unlink", string(texts[0])
	}
	return op, op.path == dir || strings.HasPrefix(op.path, dir+"/")
}

// disk is what a power loss leaves: for each file what is synced, and what is written since.
type disk struct {
	dir     string
	lies    bool                 // syncing does nothing
	files   map[string]*diskFile // as the program sees names
	durable map[string]*diskFile // as the synced directory has them
	names   []func(map[string]*diskFile)
}

type diskFile struct {
	synced  []byte
	pending []fsOp
	now     []byte
}

func write1(b []byte, at int64, data []byte) []byte {
	if need := int(at) + len(data); need > len(b) {
		b = append(b, make([]byte, need-len(b))...)
	}
	copy(b[at:], data)
	return b
}

func resize(b []byte, n int64) []byte {
	if int(n) <= len(b) {
		return b[:n]
	}
	return append(b, make([]byte, int(n)-len(b))...)
}

func (d *disk) apply(op fsOp) {
	name := func(change func(map[string]*diskFile)) {
		change(d.files)
		d.names = append(d.names, change)
	}
	f := d.files[op.path]
	switch op.call {
	case "openat":
		if f == nil {
			created := &diskFile{}
			name(func(m map[string]*diskFile) { m[op.path] = created })
		}
	case "write", "pwrite64":
		if op.at < 0 {
			op.at = int64(len(f.now))
		}
		f.pending = append(f.pending, op)
		f.now = write1(f.now, op.at, op.data)
	case "ftruncate":
		f.pending = append(f.pending, op)
		f.now = resize(f.now, op.at)
	case "fsync", "fdatasync":
		if d.lies {
			return
		}
		if op.path == d.dir {
			for _, change := range d.names {
				change(d.durable)
			}
			d.names = nil
			return
		}
		f.synced, f.pending = bytes.Clone(f.now), nil
	case "rename":
		name(func(m map[string]*diskFile) {
			m[op.to] = m[op.path]
			delete(m, op.path)
		})
	case "link":
		name(func(m map[string]*diskFile) { m[op.to] = m[op.path] })
	case "unlink":
		name(func(m map[string]*diskFile) { delete(m, op.path) })
	}
}

// image is one possible state after a power loss now: of the writes that were not synced any subset is there, each whole
// or torn between sectors; of the changes of names the first few.
func (d *disk) image(rnd *rand.Rand) map[string][]byte {
	names := maps.Clone(d.durable)
	for _, change := range d.names[:rnd.IntN(len(d.names)+1)] {
		change(names)
	}
	out := map[string][]byte{}
	for path, f := range names {
		if f == nil {
			continue
		}
		b := bytes.Clone(f.synced)
		for _, op := range f.pending {
			switch {
			case rnd.IntN(2) == 0:
			case op.call == "ftruncate":
				b = resize(b, op.at)
			default:
				data := op.data
				if rnd.IntN(3) == 0 {
					data = data[:min(len(data), 512*rnd.IntN(len(data)/512+1))]
				}
				b = write1(b, op.at, data)
			}
		}
		out[filepath.Base(path)] = b
	}
	return out
}

// TestR1_PowerLoss replays what the store wrote, creation and deletions included, cuts the power at random places, and
// holds that the store opens with all that was acknowledged, and with what was under way whole or not at all.
func TestR1_PowerLoss(t *testing.T) {
	dir := t.TempDir()
	ops := record(t, dir, 16)
	counts := map[string]int{}
	for _, op := range ops {
		counts[op.call]++
	}
	if counts["pwrite64"] < 50 || counts["rename"] < 4 || counts["unlink"] < 1 || counts["done"] != 16 {
		t.Fatalf("the recording is not complete: %v", counts)
	}
	boot := filepath.Join(t.TempDir(), "boot")
	seedValue := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seedValue, 0))
	images := 0
	for image := range rounds(150, 50_000) {
		images++
		cut := rnd.IntN(len(ops) + 1)
		content, acknowledged, begun := powerLoss(dir, ops[:cut], cut, rnd)
		restore(t, boot, content)
		s, err := keystore.Open(background, boot, keystore.Options{})
		if err != nil {
			t.Fatalf("seed %d, image %d, cut at %d of %d: %v", seedValue, image, cut, len(ops), err)
		}
		got := fmt.Sprint(observed(t, s))
		if got != fmt.Sprint(model(acknowledged)) && got != fmt.Sprint(model(begun)) {
			t.Fatalf("seed %d, image %d, cut at %d: acknowledged %d, begun %d: %s", seedValue, image, cut, acknowledged, begun, got)
		}
		must(t, s.Close())
	}
	t.Logf("%d calls recorded", len(ops))
	report(t, *results, map[string]mark{
		"R1.store.powerlosses": {float64(images), "disk images after a power loss, creation included; nothing acknowledged lost", 50_000},
	})
	t.Run("disk that lies about syncing", func(t *testing.T) { lyingDisk(t, dir, ops) })
}

// lyingDisk holds that on such a disk, where much can be lost, the store still never gives a mixture for an answer.
func lyingDisk(t *testing.T, dir string, ops []fsOp) {
	boot := filepath.Join(t.TempDir(), "boot")
	seedValue := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seedValue, 0))
	refused, whole := 0, 0
	for image := range rounds(150, 50_000) {
		cut := rnd.IntN(len(ops) + 1)
		content, _, begun := powerLoss(dir, ops[:cut], max(0, cut-rnd.IntN(40)), rnd)
		restore(t, boot, content)
		s, err := keystore.Open(background, boot, keystore.Options{})
		if errors.Is(err, keystore.ErrDamaged) || errors.Is(err, keystore.ErrKeyLost) {
			refused++
			continue
		}
		must(t, err)
		if err := s.Check(background); errors.Is(err, keystore.ErrDamaged) { // a content that Open, which compares tags, does not read
			refused++
			must(t, s.Close())
			continue
		}
		got, found := fmt.Sprint(observed(t, s)), false
		for n := -1; n <= begun && !found; n++ {
			found = got == fmt.Sprint(model(n))
		}
		if !found {
			t.Fatalf("seed %d, image %d, cut at %d: begun %d: %s", seedValue, image, cut, begun, got)
		}
		whole++
		must(t, s.Close())
	}
	t.Logf("%d refused, %d whole", refused, whole)
	if refused == 0 || whole == 0 {
		t.Error("the lies do not reach both outcomes")
	}
}

// powerLoss gives the files after a power loss that follows these calls, of which those from honest on were not synced
// whatever the disk said.
func powerLoss(dir string, ops []fsOp, honest int, rnd *rand.Rand) (content map[string][]byte, acknowledged, begun int) {
	d := &disk{dir: dir, files: map[string]*diskFile{}, durable: map[string]*diskFile{}}
	acknowledged, begun = -1, -1
	for i, op := range ops {
		d.lies = i >= honest
		switch op.call {
		case "begin":
			begun = op.done
		case "done":
			acknowledged = op.done
		default:
			d.apply(op)
		}
	}
	return d.image(rnd), acknowledged, begun
}
