// Package contracttest holds a service under test against openapi.yaml, by a validator that this project did not write.
// Only tests import it.
package contracttest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// Checker watches what goes through its handlers. Safe for concurrent use.
type Checker struct {
	t        testing.TB
	document *openapi3.T
	router   routers.Router

	mu   sync.Mutex
	seen map[string]int
}

// New reads the contract (api.Contract()) and fails the test when it is not valid OpenAPI itself.
func New(t testing.TB, contract string) *Checker {
	t.Helper()
	document, err := openapi3.NewLoader().LoadFromData([]byte(contract))
	if err == nil {
		err = document.Validate(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	document.Servers = openapi3.Servers{{URL: "/v1"}}
	router, err := gorillamux.NewRouter(document)
	if err != nil {
		t.Fatal(err)
	}
	return &Checker{t: t, document: document, router: router, seen: make(map[string]int)}
}

// Document is the contract as parsed, its server being /v1.
func (c *Checker) Document() *openapi3.T { return c.document }

// Operations returns how often each operationId was answered below 400.
func (c *Checker) Operations() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.seen)
}

// Operation is the operationId that a request is for, or empty.
func (c *Checker) Operation(r *http.Request) string {
	route, _, err := c.router.FindRoute(r)
	if err != nil {
		return ""
	}
	return route.Operation.OperationID
}

// Handler passes requests on to a service whose paths begin with /v1 and fails the test when an answer is not what the
// contract says, or when a request that breaks the contract is answered below 400. Tests may therefore send bad requests
// through it. Paths that the contract does not know pass unchecked. A handler's panic passes through.
func (c *Checker) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		route, params, err := c.router.FindRoute(r)
		if err != nil {
			next.ServeHTTP(w, r)
			return
		}
		// What a service reads is put back for the validator; what a broken connection cut off is the service's to see.
		body, readErr := io.ReadAll(r.Body)
		r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), failing{readErr}))
		checked := r.Clone(r.Context())
		checked.Body = io.NopCloser(bytes.NewReader(body))
		input := &openapi3filter.RequestValidationInput{
			Request: checked, PathParams: params, Route: route,
			Options: &openapi3filter.Options{MultiError: true, AuthenticationFunc: authenticated, IncludeResponseStatus: true},
		}
		broken := openapi3filter.ValidateRequest(r.Context(), input)
		recorder := httptest.NewRecorder()
		next.ServeHTTP(recorder, r)
		name := route.Operation.OperationID
		if broken != nil && recorder.Code < 400 {
			c.t.Errorf("%s: answered %d to a request that breaks the contract: %v", name, recorder.Code, broken)
		}
		output := &openapi3filter.ResponseValidationInput{
			RequestValidationInput: input, Status: recorder.Code, Header: recorder.Header(),
			Body: io.NopCloser(bytes.NewReader(recorder.Body.Bytes())), Options: input.Options,
		}
		if err := openapi3filter.ValidateResponse(r.Context(), output); err != nil {
			c.t.Errorf("%s: answer %d breaks the contract: %v", name, recorder.Code, err)
		}
		if recorder.Code < 400 {
			c.mu.Lock()
			c.seen[name]++
			c.mu.Unlock()
		}
		maps.Copy(w.Header(), recorder.Header())
		w.WriteHeader(recorder.Code)
		_, _ = w.Write(recorder.Body.Bytes())
	})
}

// authenticated asks for the presence of what an operation's security names; whether it is good is the service's business.
func authenticated(_ context.Context, a *openapi3filter.AuthenticationInput) error {
	header := map[string]string{"deviceSignature": "Signature", "authorizationToken": "Authorization"}[a.SecuritySchemeName]
	if a.RequestValidationInput.Request.Header.Get(header) == "" {
		return a.NewError(errors.New(header + " is missing"))
	}
	return nil
}

// failing ends a body with the error that the connection had.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return 0, io.EOF
}
