package api

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

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
