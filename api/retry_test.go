package api

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"cloudkey/api/gen"
)

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
			t.Parallel() // some wait for their time-outs
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
			// Short only where the handler waits for it: a busy machine may need long to get a request across at all.
			quick := func(c *Config) {
				if name == "slow body" || name == "no answer" {
					c.AttemptTimeout = time.Second
				}
			}
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
