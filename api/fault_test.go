package api

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"cloudkey/api/gen"
)

// Within one TLS record all cuts are alike, so every ninth byte meets every case; the flag is for the doubtful.
var everyByte = flag.Bool("everybyte", false, "cut connections at every byte")

func stride() int {
	if *everyByte {
		return 1
	}
	return 9
}

// fault is what a wire does to one connection, after so many bytes.
type fault struct {
	up, down int  // bytes that pass to and from the service, -1: all
	stall    bool // hold instead of cutting
}

var noFault = fault{up: -1, down: -1}

// wire is a Dial through a relay in the same process that spoils connections. It counts what passed.
type wire struct {
	plan     func(connection int) fault
	mu       sync.Mutex
	n        int
	up, down int // of the last connection
	released chan struct{}
}

func newWire(t testing.TB, plan func(int) fault) *wire {
	w := &wire{plan: plan, released: make(chan struct{})}
	t.Cleanup(func() { close(w.released) })
	return w
}

func (w *wire) dial(ctx context.Context, network, address string) (net.Conn, error) {
	server, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	f := w.plan(w.n)
	w.n++
	w.up, w.down = 0, 0
	w.mu.Unlock()
	near, far := net.Pipe()
	hangUp := func() { _, _ = server.Close(), far.Close() }
	go w.relay(server, far, f.up, f.stall, &w.up, hangUp)
	go w.relay(far, server, f.down, f.stall, &w.down, hangUp)
	return near, nil
}

// relay copies until limit bytes have passed, then cuts or holds.
func (w *wire) relay(to io.Writer, from io.Reader, limit int, stall bool, count *int, hangUp func()) {
	defer hangUp()
	buffer := make([]byte, 4096)
	for passed := 0; ; {
		if passed == limit {
			if stall {
				<-w.released
			}
			return
		}
		most := len(buffer)
		if limit >= 0 {
			most = min(most, limit-passed)
		}
		n, err := from.Read(buffer[:most])
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
			passed += n
			w.mu.Lock()
			*count += n
			w.mu.Unlock()
		}
		if err != nil {
			return
		}
	}
}

// ledger is a service that keeps answers by Idempotency-Key and counts effects.
type ledger struct {
	*service
	verifier *Verifier
	mu       sync.Mutex
	answers  map[string]string
	effects  atomic.Int32
}

func newLedger(t testing.TB, device *DeviceKey) *ledger {
	l := &ledger{answers: map[string]string{}}
	l.verifier = door(time.Now, device)
	l.verifier.Nonces = NewNonceCache(time.Now, 1<<20, true)
	l.service = newService(t, func(w http.ResponseWriter, r *http.Request) {
		id, err := l.verifier.Verify(r)
		var p *Problem
		if errors.As(err, &p) {
			WriteProblem(w, p)
			return
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		key := id + r.Header.Get(headerIdempotency)
		stored, ok := l.answers[key]
		if !ok {
			stored = fmt.Sprintf(`{"bound":true,"deviceName":"effect %d"}`, l.effects.Add(1))
			l.answers[key] = stored
		}
		answer(w, stored)
	})
	return l
}

func (l *ledger) through(t testing.TB, device *DeviceKey, w *wire) *Client {
	return l.client(t, func(c *Config) {
		c.Device, c.Dial = device, w.dial
		c.AttemptTimeout = 5 * time.Second
	})
}

func bindWith(ctx context.Context, c *Client, key uuid.UUID) (gen.Binding, error) {
	return c.BindDevice(ctx, key, "one-use-token-0001", demoID, binding)
}

// TestR3_CutAtEveryByte cuts the first connection of a changing request after every byte in each direction. The retry must
// get the one answer there is.
func TestR3_CutAtEveryByte(t *testing.T) {
	device := newDevice(t)
	l := newLedger(t, device)
	var first fault
	w := newWire(t, func(n int) fault {
		if n == 0 {
			return first
		}
		return noFault
	})
	call := func(f fault) {
		t.Helper()
		first = f
		w.mu.Lock()
		w.n = 0
		w.mu.Unlock()
		before := l.effects.Load()
		c := l.through(t, device, w)
		defer c.CloseIdle()
		got, err := bindWith(t.Context(), c, uuid.New())
		if err != nil || got.DeviceName != fmt.Sprintf("effect %d", before+1) || l.effects.Load() != before+1 {
			t.Fatalf("%+v: %+v %v, %d effects", f, got, err, l.effects.Load()-before)
		}
	}
	call(noFault)
	w.mu.Lock()
	up, down := w.up, w.down
	w.mu.Unlock()
	if up < 1000 || down < 500 {
		t.Fatalf("an exchange of %d and %d bytes cannot be right", up, down)
	}
	for i := 0; i < up; i += stride() {
		call(fault{up: i, down: -1})
	}
	for i := 0; i < down; i += stride() {
		call(fault{up: -1, down: i})
	}
}

// TestR3_TruthAboutEveryByte cuts every connection of a call at the same byte. The error must be true: unreachable only
// when there was no effect. The same call later, with the same key, must find the one answer.
func TestR3_TruthAboutEveryByte(t *testing.T) {
	device := newDevice(t)
	l := newLedger(t, device)
	clean := l.client(t, func(c *Config) { c.Device = device })
	var unreachable, uncertain int
	for i := 0; i < 3200; i += stride() {
		f := fault{up: i, down: -1}
		if i >= 1600 {
			f = fault{up: -1, down: i - 1600}
		}
		before := l.effects.Load()
		key := uuid.New()
		c := l.through(t, device, newWire(t, func(int) fault { return f }))
		_, err := bindWith(t.Context(), c, key)
		c.CloseIdle()
		var nothing *UnreachableError
		var perhaps *UncertainError
		switch {
		case err == nil:
		case errors.As(err, &nothing):
			unreachable++
			if l.effects.Load() != before {
				t.Fatalf("%+v: called unreachable after an effect", f)
			}
		case errors.As(err, &perhaps):
			uncertain++
		default:
			t.Fatalf("%+v: %v", f, err)
		}
		got, err := bindWith(t.Context(), clean, key)
		if err != nil || got.DeviceName != fmt.Sprintf("effect %d", before+1) || l.effects.Load() != before+1 {
			t.Fatalf("%+v, asked again: %+v %v, %d effects", f, got, err, l.effects.Load()-before)
		}
	}
	if unreachable == 0 || uncertain == 0 {
		t.Errorf("%d unreachable, %d uncertain: a case was not met", unreachable, uncertain)
	}
}

// TestR3_Stalls holds connections at some bytes; the attempt ends by its deadline and the next one gets through.
func TestR3_Stalls(t *testing.T) {
	device := newDevice(t)
	l := newLedger(t, device)
	for _, f := range []fault{
		{0, -1, true}, {300, -1, true}, {900, -1, true}, {1200, -1, true}, {-1, 0, true}, {-1, 100, true}, {-1, 700, true}, {-1, 1000, true},
	} {
		before := l.effects.Load()
		c := l.through(t, device, newWire(t, func(n int) fault {
			if n == 0 {
				return f
			}
			return noFault
		}))
		c.config.AttemptTimeout = time.Second
		got, err := bindWith(t.Context(), c, uuid.New())
		if err != nil || !got.Bound || l.effects.Load() != before+1 {
			t.Errorf("%+v: %+v %v, %d effects", f, got, err, l.effects.Load()-before)
		}
		c.CloseIdle()
	}
}

// TestR3_LateRequest delivers a request that was given up only after its retry was answered.
func TestR3_LateRequest(t *testing.T) {
	device := newDevice(t)
	l := newLedger(t, device)
	late := make(chan struct{})
	arrived := make(chan struct{})
	var n atomic.Int32
	inner := l.Config.Handler
	l.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) == 1 {
			<-late
			inner.ServeHTTP(w, r)
			close(arrived)
			return
		}
		inner.ServeHTTP(w, r)
	})
	c := l.client(t, func(c *Config) { c.Device, c.AttemptTimeout = device, 2*time.Second })
	got, err := bindWith(t.Context(), c, uuid.New())
	close(late)
	<-arrived
	if err != nil || got.DeviceName != "effect 1" || l.effects.Load() != 1 {
		t.Errorf("%+v %v, %d effects", got, err, l.effects.Load())
	}
}

// TestR3_RandomFaults runs many calls over a wire that spoils most connections somewhere, kept connections included.
func TestR3_RandomFaults(t *testing.T) {
	device := newDevice(t)
	l := newLedger(t, device)
	random := rand.New(rand.NewPCG(3, 14)) //nolint:gosec // repeatable faults
	w := newWire(t, func(int) fault {
		f := noFault
		switch random.IntN(5) {
		case 0, 1:
			f.up = random.IntN(6000)
		case 2, 3:
			f.down = random.IntN(4000)
		}
		return f
	})
	c := l.through(t, device, w)
	for i := range 300 {
		key := uuid.New()
		for {
			got, err := bindWith(t.Context(), c, key)
			if err == nil {
				if got.DeviceName != fmt.Sprintf("effect %d", i+1) {
					t.Fatalf("call %d: %+v", i, got)
				}
				break
			}
			var nothing *UnreachableError
			var perhaps *UncertainError
			if !errors.As(err, &nothing) && !errors.As(err, &perhaps) {
				t.Fatalf("call %d: %v", i, err)
			}
		}
	}
	if l.effects.Load() != 300 || l.requests.Load() == 300 {
		t.Errorf("%d effects of 300 calls, %d requests", l.effects.Load(), l.requests.Load())
	}
}

// TestR3_DuplicatedRequest sends the very bytes of a request twice.
func TestR3_DuplicatedRequest(t *testing.T) {
	device := newDevice(t)
	l := newLedger(t, device)
	inner := l.Config.Handler
	var second int
	l.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		copied := r.Clone(r.Context())
		inner.ServeHTTP(w, r)
		copied.Body = r.Body
		recorder := &statusRecorder{header: http.Header{}}
		inner.ServeHTTP(recorder, copied)
		second = recorder.status
	})
	_, err := bindWith(t.Context(), l.client(t, func(c *Config) { c.Device = device }), uuid.New())
	if err != nil || second != http.StatusUnauthorized || l.effects.Load() != 1 {
		t.Errorf("%v, second copy %d, %d effects", err, second, l.effects.Load())
	}
}

type statusRecorder struct {
	header http.Header
	status int
}

func (r *statusRecorder) Header() http.Header         { return r.header }
func (r *statusRecorder) Write(b []byte) (int, error) { return len(b), nil }
func (r *statusRecorder) WriteHeader(status int)      { r.status = status }
