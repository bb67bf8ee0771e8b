//go:build unix

package refca_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"cloudkey/api"
	"cloudkey/api/gen"
	"cloudkey/api/refca"
	"cloudkey/cosign"

	"github.com/google/uuid"
)

func TestFullDiskReleasesNoAnswer(t *testing.T) {
	// The limit is the whole process's, and the test tool writes files of its own: so a process of its own.
	if os.Getenv(serveVariable) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), serveVariable+"=-")
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	b := newBench(t)
	f := b.phone().enrol("10001").ready(password)
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	restore := func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
	}
	defer restore()
	before := countSigned(t, b)
	// No file can be written beyond its first page: like a full disk, every write of the store fails from here on.
	b.ca.OnReserved(func(string) {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 0, Max: limit.Max}); err != nil {
			t.Error(err)
		}
	})
	_, err := f.sign("x", password)
	restore()
	b.ca.OnReserved(func(string) {})
	if err == nil {
		t.Fatal("a signature was released that is not in the records")
	}
	if p := f.line.problem; p == nil || p.Code != gen.ProblemCodeMaintenance || len(p.Message) > 0 {
		t.Errorf("problem %+v", p)
	}
	if n := countSigned(t, b); n != before {
		t.Errorf("%d signatures recorded, %d before", n, before)
	}
	if _, err := f.signer.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := f.sign("x", password); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

const serveVariable = "REFCA_TEST_SERVE"

// TestServe is no test: it is the server process that TestKill9 kills.
func TestServe(t *testing.T) {
	dir := os.Getenv(serveVariable)
	if dir == "" {
		t.Skip("only as a child process")
	}
	s, err := refca.Open(t.Context(), refca.Config{DataDir: dir, Demo: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(s.Addresses()); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // until the parent ends
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// child starts the server process.
func child(t *testing.T, dir string) (refca.Addresses, *exec.Cmd) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestServe$")
	cmd.Env = append(os.Environ(), serveVariable+"="+dir)
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	var a refca.Addresses
	if err := json.Unmarshal(line, &a); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	return a, cmd
}

func TestKill9LosesNothingAcknowledged(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ca")
	addresses, process := child(t, dir)
	b := &bench{t: t, clock: nil, dir: dir}
	var err error
	if b.init, err = api.ParseInit(addresses.InitText, nil, time.Now()); err != nil {
		t.Fatal(err)
	}
	kill := func() {
		if err := process.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = process.Wait() // it was killed: that is its result
	}
	p := b.phone()
	ctx := t.Context()
	e, err := p.api.CreateEnrolment(ctx, uuid.New(), gen.EnrolmentRequest{Account: "10001"})
	if err != nil {
		t.Fatal(err)
	}
	code := outboxCode(t, addresses.Web)
	kill()
	addresses, process = child(t, dir)
	if _, err := p.api.VerifyEnrolment(ctx, uuid.New(), e.Id, gen.EnrolmentCode{Code: []byte(code)}); err != nil {
		t.Fatalf("the code after a kill: %v", err)
	}
	f := p.keyed(e.Id, "10001", code).certify().ready(password)
	acknowledged := 0
	for round := range 6 {
		wait := time.Duration(rand.IntN(60)) * time.Millisecond
		timer := time.AfterFunc(wait, func() { _ = process.Process.Kill() })
		for {
			if _, err := f.sign(fmt.Sprint("document ", acknowledged), password); err != nil {
				break
			}
			acknowledged++
		}
		timer.Stop()
		kill()
		addresses, process = child(t, dir)
		state, err := f.signer.Recover(ctx)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if state.Done {
			acknowledged += len(state.Signatures)
		}
		status, err := p.api.GetCredentialStatus(ctx, f.id.String())
		if err != nil || status.State != gen.CredentialStateActive {
			t.Fatalf("round %d: %+v, %v", round, status, err)
		}
		if status.Locked { // right passwords that were cut off may count, but never lock
			t.Fatalf("round %d: locked", round)
		}
		if _, err := f.sign("after", password); err != nil && !errors.Is(err, cosign.ErrNotRun) {
			t.Fatalf("round %d: %v", round, err)
		}
	}
	kill()
	b.clock = newClock()
	b.start()
	t.Cleanup(b.stop)
	if n := countSigned(t, b); n < acknowledged {
		t.Errorf("%d signatures in the audit log, %d were acknowledged", n, acknowledged)
	}
}

func outboxCode(t *testing.T, web string) string {
	t.Helper()
	res, err := http.Get(strings.TrimSuffix(web, "/") + "/outbox")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`<p class="code">(\d{8})</p>`).FindSubmatch(body)
	if found == nil {
		t.Fatalf("no code in %s", body)
	}
	return string(found[1])
}
