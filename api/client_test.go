package api

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"cloudkey/api/gen"
)

// service is a TLS server with a pinned key.
type service struct {
	*httptest.Server
	certificate tls.Certificate
	requests    atomic.Int32
}

func newService(t testing.TB, handler http.HandlerFunc, change ...func(*httptest.Server)) *service {
	t.Helper()
	s := &service{certificate: tlsCertificate(t, nil, nil)}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		handler(w, r)
	}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{s.certificate}}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	for _, c := range change {
		c(s.Server)
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// client returns a client of s that retries at once.
func (s *service) client(t testing.TB, change ...func(*Config)) *Client {
	t.Helper()
	address, err := ParseAddress(s.URL + "/v1")
	must(t, err)
	config := Config{
		Address: address, Pins: []Pin{PinOf(s.certificate.Leaf), {1}}, Device: newDevice(t),
		AttemptTimeout: 5 * time.Second, Retry: Retry{Tries: 3, First: time.Millisecond, Most: time.Millisecond, Total: 30 * time.Second},
	}
	for _, c := range change {
		c(&config)
	}
	c, err := NewClient(config)
	must(t, err)
	t.Cleanup(c.CloseIdle)
	return c
}

func answer(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", contentJSON)
	_, _ = io.WriteString(w, body)
}

const bindingAnswer = `{"bound":true,"deviceId":"ffeeddccbbaa99887766554433221100","later":1}`

var binding = gen.BindingRequest{KeyId: "00112233445566778899aabbccddeeff"}

func bind(t testing.TB, c *Client) (gen.Binding, error) {
	return c.BindDevice(t.Context(), uuid.New(), "one-use-token-0001", "ffeeddccbbaa99887766554433221100", binding)
}

func TestClientSendsWhatTheContractAsks(t *testing.T) {
	var device *DeviceKey
	var v *Verifier
	s := newService(t, func(w http.ResponseWriter, r *http.Request) {
		id, err := v.Verify(r)
		if err != nil || id != device.ID() {
			t.Errorf("%s: %v", r.URL, err)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != `{"keyId":"00112233445566778899aabbccddeeff"}` {
			t.Errorf("body %q %v", body, err)
		}
		if r.Header.Get("Authorization") != "Bearer one-use-token-0001" || r.ProtoMajor != 1 || r.TLS.Version != tls.VersionTLS13 {
			t.Errorf("%v %v %x", r.Header, r.Proto, r.TLS.Version)
		}
		answer(w, bindingAnswer)
	})
	c := s.client(t)
	device = c.config.Device
	v = door(time.Now, device)
	v.Authorities = []string{c.Host()}
	got, err := bind(t, c)
	if err != nil || !got.Bound || got.DeviceId != "ffeeddccbbaa99887766554433221100" {
		t.Errorf("%+v %v", got, err)
	}
}

func TestProblemMembers(t *testing.T) {
	until := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	s := newService(t, func(w http.ResponseWriter, _ *http.Request) {
		p := NewProblem(gen.ProblemCodePinWrong, "wrong")
		p.AttemptsLeft, p.LockedUntil, p.RetryAfter = new(0), until, 1500*time.Millisecond
		p.ServerTime, p.TraceID, p.Message = until, "trace-1", []byte{1, 2, 3}
		WriteProblem(w, p)
	})
	_, err := bind(t, s.client(t))
	var p *Problem
	if !errors.As(err, &p) || p.Status != 401 || *p.AttemptsLeft != 0 || !p.LockedUntil.Equal(until) || p.RetryAfter != 2*time.Second ||
		!p.ServerTime.Equal(until) || p.TraceID != "trace-1" || string(p.Message) != "\x01\x02\x03" {
		t.Errorf("%+v", p)
	}
}

func TestOversizedAnswer(t *testing.T) {
	s := newService(t, func(w http.ResponseWriter, _ *http.Request) {
		answer(w, `{"bound":true,"deviceName":"`+strings.Repeat("a", MaxAnswer)+`"}`)
	})
	_, err := bind(t, s.client(t))
	var answered *AnswerError
	var uncertain *UncertainError
	if !errors.As(err, &answered) || !errors.As(err, &uncertain) || s.requests.Load() != 1 {
		t.Errorf("%v after %d requests", err, s.requests.Load())
	}
}

func TestUnreachable(t *testing.T) {
	s := newService(t, func(w http.ResponseWriter, _ *http.Request) { answer(w, bindingAnswer) })
	c := s.client(t)
	s.Close()
	_, err := bind(t, c)
	var unreachable *UnreachableError
	if !errors.As(err, &unreachable) || unreachable.Host != c.Host() {
		t.Errorf("%v", err)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := newService(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	c := s.client(t)
	_, err := c.ListCredentials(ctx)
	if !errors.Is(err, context.Canceled) || s.requests.Load() != 1 {
		t.Errorf("%v after %d requests", err, s.requests.Load())
	}
	_, err = c.GetInfo(ctx)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before: %v", err)
	}
}

func TestClockSkew(t *testing.T) {
	for off, works := range map[time.Duration]bool{
		-5 * time.Minute: true, 14 * time.Minute: true, 26 * time.Hour: false, -16 * time.Minute: false,
	} {
		t.Run(off.String(), func(t *testing.T) {
			var v *Verifier
			s := newService(t, func(w http.ResponseWriter, r *http.Request) {
				if _, err := v.Verify(r); err != nil {
					var p *Problem
					if !errors.As(err, &p) {
						t.Error(err)
						return
					}
					WriteProblem(w, p)
					return
				}
				answer(w, bindingAnswer)
			})
			c := s.client(t, func(config *Config) { config.Now = func() time.Time { return time.Now().Add(off) } })
			v = door(time.Now, c.config.Device)
			for i := range 2 {
				_, err := bind(t, c)
				var p *Problem
				if works && err != nil {
					t.Errorf("call %d: %v", i, err)
				}
				if !works && (!errors.As(err, &p) || p.Code != gen.ProblemCodeClockSkew || time.Since(p.ServerTime).Abs() > time.Minute) {
					t.Errorf("call %d: %v", i, err)
				}
			}
			if want := map[bool]int32{true: 3, false: 2}[works]; s.requests.Load() != want {
				t.Errorf("%d requests, want %d", s.requests.Load(), want)
			}
		})
	}
}

func TestUnsignedClient(t *testing.T) {
	s := newService(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get(headerSignature) != "" {
			t.Error("GetInfo is signed")
		}
		answer(w, `{"serverTime":"2026-03-01T08:00:00Z","signed":"a.b.c"}`)
	})
	c := s.client(t, func(config *Config) { config.Device = nil })
	info, err := c.GetInfo(t.Context())
	if err != nil || !info.ServerTime.Equal(qrTime) {
		t.Errorf("%+v %v", info, err)
	}
	if _, err := bind(t, c); err == nil || s.requests.Load() != 1 {
		t.Errorf("signed operation without a key: %v", err)
	}
}

type brokenKey struct{ *ecdsa.PrivateKey }

var errHardware = errors.New("hardware key gone")

func (brokenKey) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return nil, errHardware }

func TestDeviceKeyFails(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	device, err := NewDeviceKey(brokenKey{key})
	must(t, err)
	s := newService(t, func(http.ResponseWriter, *http.Request) {})
	_, err = bind(t, s.client(t, func(config *Config) { config.Device = device }))
	var unreachable *UnreachableError
	if !errors.Is(err, errHardware) || errors.As(err, &unreachable) || s.requests.Load() != 0 {
		t.Errorf("%v", err)
	}
}
