package gen_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-chi/chi/v5"

	"cloudkey/api/gen"
)

// TestRoutes shows that the router tells apart the custom methods (":verb") from the resources they act on.
func TestRoutes(t *testing.T) {
	router := chi.NewRouter()
	gen.HandlerFromMuxWithBaseURL(gen.Unimplemented{}, router, "/v1")
	key, device := "00112233445566778899aabbccddeeff", "ffeeddccbbaa99887766554433221100"
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/v1/info", 501},
		{"GET", "/v1/keys/" + key, 501},
		{"GET", "/v1/keys/" + key + "/binding", 501},
		{"POST", "/v1/keys/" + key + ":confirm", 501},
		{"POST", "/v1/keys/" + key + "/certificate", 501},
		{"POST", "/v1/devices/" + device + ":bind", 501},
		{"POST", "/v1/devices/" + device + ":unbind", 501},
		{"POST", "/v1/signatures:begin", 501},
		{"POST", "/v1/signatures/" + key + ":finish", 501},
		{"POST", "/v1/keys/" + key + ":resume", 501},
		{"POST", "/v1/shares/" + key + ":commit", 501},
		{"POST", "/v1/credentials/" + key + ":removeFromDevice", 501},
		{"POST", "/v1/credentials/" + key + ":remove", 405},
		{"POST", "/v1/keys/" + key, 405},
		{"GET", "/v1/keys", 405},
	} {
		r := httptest.NewRequestWithContext(t.Context(), c.method, c.path, nil)
		r.Header.Set("Idempotency-Key", "7d3f6f0e-58f5-4d4c-9a3b-3a8a1f1f6a10")
		w := httptest.NewRecorder()
		router.ServeHTTP(w, r)
		if w.Code != c.status {
			t.Errorf("%s %s: %d %s, want %d", c.method, c.path, w.Code, http.StatusText(w.Code), c.status)
		}
	}
}
