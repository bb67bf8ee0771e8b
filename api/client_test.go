package api

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"cloudkey/api/gen"
)

// tlsCertificate issues a server certificate; parent nil: self-signed.
func tlsCertificate(t testing.TB, parent *tls.Certificate, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "service"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	if change != nil {
		change(template)
	}
	issuer, signer := template, any(key)
	if parent != nil {
		issuer, signer = parent.Leaf, parent.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), signer)
	must(t, err)
	leaf, err := x509.ParseCertificate(der)
	must(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

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

func TestPins(t *testing.T) {
	authority := tlsCertificate(t, nil, func(c *x509.Certificate) { c.IsCA, c.BasicConstraintsValid = true, true })
	issued := tlsCertificate(t, &authority, nil)
	expired := tlsCertificate(t, nil, func(c *x509.Certificate) {
		c.NotAfter, c.IPAddresses, c.DNSNames = time.Now().Add(-time.Minute), nil, []string{"elsewhere.example"}
	})
	for _, c := range []struct {
		name    string
		chain   tls.Certificate
		pins    []Pin
		trusted bool
	}{
		{"pinned", issued, []Pin{PinOf(issued.Leaf), {1}}, true},
		{"pinned as backup", issued, []Pin{{1}, PinOf(issued.Leaf)}, true},
		{"expired and of another name, but the pinned key", expired, []Pin{PinOf(expired.Leaf), {1}}, true},
		{"other key", issued, []Pin{{2}, {1}}, false},
		{"valid CA, but only the CA's key is pinned", tls.Certificate{
			Certificate: [][]byte{issued.Certificate[0], authority.Certificate[0]}, PrivateKey: issued.PrivateKey,
		}, []Pin{PinOf(authority.Leaf), {1}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newService(t, func(w http.ResponseWriter, _ *http.Request) { answer(w, bindingAnswer) },
				func(s *httptest.Server) { s.TLS = &tls.Config{Certificates: []tls.Certificate{c.chain}} })
			_, err := bind(t, s.client(t, func(config *Config) { config.Pins = c.pins }))
			var trust *TrustError
			if c.trusted && err != nil || !c.trusted && !errors.As(err, &trust) {
				t.Errorf("%v", err)
			}
			if !c.trusted && s.requests.Load() != 0 {
				t.Error("a request was sent")
			}
		})
	}
}

func TestPinsMustBeTwo(t *testing.T) {
	address, err := ParseAddress("https://ca.example.org/v1")
	must(t, err)
	for _, pins := range [][]Pin{nil, {{1}}, {{1}, {1}}} {
		if _, err := NewClient(Config{Address: address, Pins: pins}); err == nil {
			t.Errorf("%d pins accepted", len(pins))
		}
	}
}

// TestPinRotationOfClient shows that new pins count for the next connection.
func TestPinRotationOfClient(t *testing.T) {
	s := newService(t, func(w http.ResponseWriter, _ *http.Request) { answer(w, bindingAnswer) })
	c := s.client(t)
	if _, err := bind(t, c); err != nil {
		t.Fatal(err)
	}
	must(t, c.SetPins([]Pin{{1}, {2}}))
	c.CloseIdle()
	var trust *TrustError
	if _, err := bind(t, c); !errors.As(err, &trust) {
		t.Errorf("%v", err)
	}
}

func TestOnlyTLS13(t *testing.T) {
	s := newService(t, func(w http.ResponseWriter, _ *http.Request) { answer(w, bindingAnswer) },
		func(s *httptest.Server) { s.TLS.MaxVersion = tls.VersionTLS12 })
	_, err := bind(t, s.client(t))
	var trust *TrustError
	if !errors.As(err, &trust) || s.requests.Load() != 0 {
		t.Errorf("%v, %d requests", err, s.requests.Load())
	}
}

func TestPlainHTTPOnThePort(t *testing.T) {
	portal := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Redirect(w, nil, "http://login.example/", http.StatusFound)
	}))
	defer portal.Close()
	s := newService(t, func(http.ResponseWriter, *http.Request) {})
	c := s.client(t, func(config *Config) {
		config.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, portal.Listener.Addr().String())
		}
	})
	_, err := bind(t, c)
	var intercepted *InterceptedError
	var uncertain *UncertainError
	if !errors.As(err, &intercepted) || errors.As(err, &uncertain) {
		t.Errorf("%v", err)
	}
}

// TestAnswersInTheServicesPlace covers what a gateway with the pinned key may answer.
func TestAnswersInTheServicesPlace(t *testing.T) {
	page := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "<html>please log in</html>")
		}
	}
	var followed atomic.Int32
	elsewhere := newService(t, func(http.ResponseWriter, *http.Request) { followed.Add(1) })
	for _, c := range []struct {
		name      string
		handler   http.HandlerFunc
		uncertain bool // for a changing request
		requests  int32
	}{
		{"page with 200", page(200), true, 1},
		{"page with 403", page(403), false, 1},
		{"page with 511", page(511), true, 3},
		{"page with 502", page(502), true, 3},
		{"redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		}, false, 1},
		{"JSON of another type", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/json")
			_, _ = io.WriteString(w, bindingAnswer)
		}, true, 1},
		{"JSON in another charset", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json; charset=gbk")
			_, _ = io.WriteString(w, bindingAnswer)
		}, true, 1},
		{"another success", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, true, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newService(t, c.handler)
			client := s.client(t)
			_, err := bind(t, client)
			var intercepted *InterceptedError
			var uncertain *UncertainError
			if !errors.As(err, &intercepted) || errors.As(err, &uncertain) != c.uncertain {
				t.Errorf("changing: %v", err)
			}
			if n := s.requests.Load(); n != c.requests {
				t.Errorf("%d requests, want %d", n, c.requests)
			}
			_, err = client.ListCredentials(t.Context())
			if !errors.As(err, &intercepted) || errors.As(err, &uncertain) {
				t.Errorf("reading: %v", err)
			}
		})
	}
	if followed.Load() != 0 {
		t.Error("a redirect was followed")
	}
}

func TestNoProxyOfTheEnvironment(t *testing.T) {
	s := newService(t, func(w http.ResponseWriter, _ *http.Request) { answer(w, bindingAnswer) })
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	t.Setenv("ALL_PROXY", "http://127.0.0.1:1")
	if _, err := bind(t, s.client(t)); err != nil {
		t.Error(err)
	}
}

// TestRetry shows that a unit of request, body and parse is repeated with the same Idempotency-Key and another nonce.
func TestRetry(t *testing.T) {
	fail := map[string]http.HandlerFunc{
		"connection lost": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"body cut off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			answer(w, bindingAnswer)
		},
		"JSON cut off": func(w http.ResponseWriter, _ *http.Request) { answer(w, bindingAnswer[:20]) },
		"duplicate member": func(w http.ResponseWriter, _ *http.Request) {
			answer(w, `{"bound":true,"bound":false}`)
		},
		"maintenance": func(w http.ResponseWriter, _ *http.Request) {
			WriteProblem(w, NewProblem(gen.ProblemCodeMaintenance, ""))
		},
		"gateway": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "bad gateway", http.StatusBadGateway) },
		"slow body": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			answer(w, "{")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		},
		"no answer": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	}
	for name, handler := range fail {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			keys, nonces := map[string]bool{}, map[string]bool{}
			var n atomic.Int32
			var rest atomic.Int32 // how many attempts fail
			s := newService(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body) // so that the server notices when the client goes away
				mu.Lock()
				keys[r.Header.Get(headerIdempotency)] = true
				nonces[r.Header.Get(headerSignatureInput)] = true
				mu.Unlock()
				if n.Add(1) <= rest.Load() {
					handler(w, r)
					return
				}
				answer(w, bindingAnswer)
			})
			quick := func(c *Config) { c.AttemptTimeout = 200 * time.Millisecond }
			rest.Store(2)
			if got, err := bind(t, s.client(t, quick)); err != nil || !got.Bound {
				t.Fatalf("%+v %v", got, err)
			}
			if len(keys) != 1 || len(nonces) != 3 {
				t.Errorf("%d keys, %d signatures in 3 attempts", len(keys), len(nonces))
			}
			n.Store(0)
			rest.Store(100)
			_, err := bind(t, s.client(t, quick))
			var uncertain *UncertainError
			if certain := name == "maintenance"; errors.As(err, &uncertain) == certain || certain && codeOf(err) != gen.ProblemCodeMaintenance {
				t.Errorf("in the end: %v", err)
			}
			if n.Load() != 3 {
				t.Errorf("%d attempts, want 3", n.Load())
			}
			_, err = s.client(t, quick).ListCredentials(t.Context())
			var answered *AnswerError
			var intercepted *InterceptedError
			var unreachable *UnreachableError
			if errors.As(err, &uncertain) || !errors.As(err, &unreachable) && !errors.As(err, &answered) &&
				!errors.As(err, &intercepted) && codeOf(err) == "" {
				t.Errorf("reading: %v", err)
			}
		})
	}
}

func TestNoRetryOfRefusals(t *testing.T) {
	for _, code := range []gen.ProblemCode{
		"invalidRequest", "badSignature", "authorizationInvalid", "deviceNotBound", "alreadyBound", "mustChangePassword", "pinWrong",
		"pinLocked", "cloneSuspected", "notFound", "stateConflict", "expired", "usesExhausted", "idempotencyMismatch", "codeWrong",
		"rateLimited", "appTooOld", "tooLarge", "clockSkew",
	} {
		t.Run(string(code), func(t *testing.T) {
			s := newService(t, func(w http.ResponseWriter, _ *http.Request) { WriteProblem(w, NewProblem(code, "")) })
			if _, err := bind(t, s.client(t)); codeOf(err) != code || s.requests.Load() != 1 {
				t.Errorf("%v after %d requests", err, s.requests.Load())
			}
		})
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

// TestRefusedAfterALostAnswer shows that a refusal at the door says nothing of an attempt before, while one that the
// service keeps with the key does.
func TestRefusedAfterALostAnswer(t *testing.T) {
	for code, certain := range map[gen.ProblemCode]bool{"rateLimited": false, "badSignature": false, "pinWrong": true, "stateConflict": true} {
		var n atomic.Int32
		s := newService(t, func(w http.ResponseWriter, _ *http.Request) {
			if n.Add(1) == 1 {
				panic(http.ErrAbortHandler)
			}
			WriteProblem(w, NewProblem(code, ""))
		})
		_, err := bind(t, s.client(t))
		var uncertain *UncertainError
		if codeOf(err) != code || errors.As(err, &uncertain) == certain {
			t.Errorf("%s: %v", code, err)
		}
	}
}

func TestWaitLongerThanAllowed(t *testing.T) {
	s := newService(t, func(w http.ResponseWriter, _ *http.Request) {
		p := NewProblem(gen.ProblemCodeMaintenance, "")
		p.RetryAfter = time.Hour
		WriteProblem(w, p)
	})
	_, err := bind(t, s.client(t))
	var p *Problem
	if !errors.As(err, &p) || p.RetryAfter != time.Hour || s.requests.Load() != 1 {
		t.Errorf("%v after %d requests", err, s.requests.Load())
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

// TestGoneAfterALostAnswer shows that a service that disappears after it may have acted is not called unreachable.
func TestGoneAfterALostAnswer(t *testing.T) {
	var dials atomic.Int32
	s := newService(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	_, err := bind(t, s.client(t, func(config *Config) {
		config.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if dials.Add(1) > 1 {
				return nil, errors.New("no route")
			}
			return new(net.Dialer).DialContext(ctx, network, address)
		}
	}))
	var uncertain *UncertainError
	if !errors.As(err, &uncertain) || dials.Load() != 3 {
		t.Errorf("%v after %d dials", err, dials.Load())
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

// TestKeptConnectionBreaks shows that a request without a body, which net/http would repeat by itself, never appears twice
// under the same nonce.
func TestKeptConnectionBreaks(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]int{}
	var calls atomic.Int32
	s := newService(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen[r.Header.Get(headerSignatureInput)]++
		mu.Unlock()
		if calls.Add(1)%2 == 0 {
			panic(http.ErrAbortHandler)
		}
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		answer(w, `{"credentials":[]}`)
	})
	c := s.client(t)
	for i := range 20 {
		if _, err := c.ListCredentials(t.Context()); err != nil {
			t.Fatal(i, err)
		}
		if err := c.RemoveCredentialFromDevice(t.Context(), uuid.New(), binding.KeyId); err != nil {
			t.Fatal(i, err)
		}
	}
	for input, n := range seen {
		if n != 1 {
			t.Errorf("%d times: %s", n, input)
		}
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
