package client_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"cloudkey/api"
	"cloudkey/client"
	"cloudkey/cosign"
	"cloudkey/keystore"
)

// TestMain lets the test binary play the app in a process of its own, which tests kill or look into.
func TestMain(m *testing.M) {
	if os.Getenv("CLIENT_TEST_ROLE") == "app" {
		if err := playApp(); err != nil {
			fmt.Fprintln(os.Stderr, "app:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// picture is a PNG of a handwritten signature.
func picture() []byte {
	var b bytes.Buffer
	_ = png.Encode(&b, image.NewNRGBA(image.Rect(0, 0, 40, 20))) // a Buffer takes everything
	return b.Bytes()
}

// cheapest is the least cost of a password that package cosign accepts.
var cheapest = cosign.KDF{Time: 2, Memory: 19 * 1024, Threads: 1}

// answer is what the app says to one command: a line of JSON.
type answer struct {
	Err     string // empty, or the kind of the error below, or its text
	Text    string
	ID      string
	List    []string
	Counted int // attempts left, of a refused password
}

// refused is the Err of a wrong password.
const refused = "password"

// playApp serves commands: a frame of length (2 bytes, big endian) and fields behind a length byte each. Passwords never
// pass a buffer that is not wiped.
func playApp() error {
	anchors, err := api.ParseAnchors([]byte(os.Getenv("CLIENT_TEST_ANCHOR")))
	if err != nil {
		return err
	}
	ctx := context.Background()
	store, err := keystore.Open(ctx, os.Getenv("CLIENT_TEST_DIR"), keystore.Options{})
	if err != nil {
		return err
	}
	c, err := client.New(client.Config{
		Store: store, Anchors: anchors, Device: "test", Platform: runtime.GOOS, Version: "0.0.1", KDF: cheapest,
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	buffer := make([]byte, 1<<12)
	for {
		var size [2]byte
		if _, err := io.ReadFull(os.Stdin, size[:]); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		frame := buffer[:binary.BigEndian.Uint16(size[:])]
		if _, err := io.ReadFull(os.Stdin, frame); err != nil {
			return err
		}
		var fields [][]byte
		for rest := frame; len(rest) > 0; {
			n := 1 + int(rest[0])
			fields, rest = append(fields, rest[1:n:n]), rest[n:]
		}
		var a answer
		if string(fields[0]) == "close" {
			c.Close()
			if err := store.Close(); err != nil {
				return err
			}
		} else {
			a = command(ctx, c, store, string(fields[0]), fields[1:])
		}
		clear(buffer)
		if err := out.Encode(a); err != nil {
			return err
		}
	}
}

// command runs one. Of the fields, those that are no password come first.
func command(ctx context.Context, c *client.Client, store *keystore.Store, name string, f [][]byte) (a answer) {
	var err error
	text := func(i int) string { return string(f[i]) }
	switch name {
	case "init":
		var offer *client.InitOffer
		if offer, err = c.ReadInit(ctx, os.Getenv("CLIENT_TEST_INIT")); err == nil {
			var o client.Organisation
			o, err = c.AcceptInit(ctx, offer, "")
			a.ID = o.ID
		}
	case "begin":
		var e client.Enrolment
		e, err = c.BeginEnrolment(ctx, text(0), text(1))
		a.ID = e.ID
	case "enrol":
		var cert client.Certificate
		cert, err = c.Enrol(ctx, text(0), f[1], nil)
		a.ID = cert.ID
	case "resume":
		_, err = c.ResumeEnrol(ctx, text(0), f[1], nil)
	case "first":
		if err = c.SetFirstPassword(ctx, text(0), f[1], f[2]); errors.Is(err, client.ErrInterrupted) {
			err = nil // an earlier call has set it; to the same, here
		}
	case "change":
		err = c.ChangePassword(ctx, text(0), f[1], f[2])
	case "sign":
		_, err = c.Sign(ctx, text(0), []client.Document{{Name: text(1), Content: f[1]}}, f[2], nil)
	case "bind":
		err = c.Bind(ctx, text(0), f[1])
	case "unbind":
		err = c.Unbind(ctx, text(0), f[1])
	case "binding":
		var b client.DeviceBinding
		b, err = c.Binding(ctx, text(0))
		a.Text = fmt.Sprint(b.Here)
	case "ink":
		ink := client.Ink{PNG: picture(), Strokes: [][]client.InkDot{{{X: 1, Y: 1}, {X: 2, Y: 2, T: 5 * time.Millisecond}}}}
		err = c.SubmitInk(ctx, text(0), ink, f[1])
	case "delete":
		err = c.Delete(ctx, text(0))
	case "pending":
		var p client.Pending
		switch p, err = c.Pending(ctx); {
		case p.Certificate != nil:
			a.Text, a.ID = fmt.Sprint("certificate ", p.Certificate.Profile), p.Certificate.ID
		case p.Enrolment != nil:
			a.Text, a.ID = "enrolment", p.Enrolment.ID
		}
	case "certificates":
		var all []client.Certificate
		all, err = c.Certificates(ctx)
		for _, cert := range all {
			a.List = append(a.List, fmt.Sprint(cert.ID, " ", cert.Profile, " ", cert.State, " ", cert.HasInk, " ", cert.Bound))
		}
	case "history":
		var all []client.SignatureRecord
		all, err = c.History(ctx, text(0))
		for _, r := range all {
			if err = c.Verify(ctx, r, []byte(r.Document)); err != nil {
				break
			}
			a.List = append(a.List, r.Document)
		}
	case "collect":
		runtime.GC()
		runtime.GC() // what the first found unreachable is swept
	case "check":
		err = store.Check(ctx)
	default:
		err = errors.New("no such command")
	}
	var wrong *client.PasswordError
	switch {
	case errors.As(err, &wrong):
		a.Err, a.Counted = refused, wrong.AttemptsLeft
	case err != nil:
		a.Err = err.Error()
	}
	return a
}

// app is such a process, seen from the test.
type app struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *json.Decoder
	log *strings.Builder
}

func (b *bench) startProcess(dir string) *app {
	b.t.Helper()
	at := b.ca.Addresses()
	a := &app{cmd: exec.Command(os.Args[0]), log: &strings.Builder{}}
	a.cmd.Env = append(os.Environ(), "CLIENT_TEST_ROLE=app", "CLIENT_TEST_DIR="+dir, "CLIENT_TEST_ANCHOR="+at.Anchor, "CLIENT_TEST_INIT="+at.InitText)
	a.cmd.Stderr = a.log
	var err error
	if a.in, err = a.cmd.StdinPipe(); err != nil {
		b.t.Fatal(err)
	}
	out, err := a.cmd.StdoutPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	a.out = json.NewDecoder(out)
	if err := a.cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(a.kill)
	return a
}

func (a *app) kill() {
	_ = a.cmd.Process.Kill()
	_ = a.cmd.Wait()
}

// errDead is what call returns when the process ended before it answered.
var errDead = errors.New("the app has died")

func (a *app) call(name string, fields ...string) (answer, error) {
	frame := make([]byte, 2, 256)
	for _, f := range append([]string{name}, fields...) {
		frame = append(append(frame, byte(len(f))), f...)
	}
	binary.BigEndian.PutUint16(frame, uint16(len(frame)-2))
	var out answer
	if _, err := a.in.Write(frame); err != nil {
		return out, errDead
	}
	if err := a.out.Decode(&out); err != nil {
		return out, errDead
	}
	return out, nil
}

// must is call for what has to succeed.
func (a *app) must(t testing.TB, name string, fields ...string) answer {
	t.Helper()
	out, err := a.call(name, fields...)
	if err != nil || out.Err != "" {
		t.Fatalf("%s: %v %s\n%s", name, err, out.Err, a.log)
	}
	return out
}
