package refca_test

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"cloudkey/api"
	"cloudkey/api/gen"
	"cloudkey/cosign"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/google/uuid"
)

// inspector stands between phone and CA and holds every request and answer against openapi.yaml.
type inspector struct {
	t    testing.TB
	b    *bench
	mu   sync.Mutex
	seen map[string]map[int]int // by operation and status
	http.Handler
}

func newInspector(b *bench) *inspector {
	b.t.Helper()
	document, err := openapi3.NewLoader().LoadFromFile("../openapi.yaml")
	if err != nil {
		b.t.Fatal(err)
	}
	document.Servers = openapi3.Servers{{URL: "/v1"}}
	router, err := gorillamux.NewRouter(document)
	if err != nil {
		b.t.Fatal(err)
	}
	i := &inspector{t: b.t, b: b, seen: map[string]map[int]int{}}
	i.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			b.t.Error(err)
			return
		}
		forward, err := http.NewRequestWithContext(r.Context(), r.Method, "https://"+b.init.API.Host()+r.RequestURI, bytes.NewReader(body))
		if err != nil {
			b.t.Error(err)
			return
		}
		forward.Header = r.Header.Clone()
		res, err := b.http().Do(forward)
		if err != nil {
			b.t.Error(err)
			return
		}
		defer res.Body.Close()
		answer, err := io.ReadAll(res.Body)
		if err != nil {
			b.t.Error(err)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		route, params, err := router.FindRoute(r)
		if err != nil {
			b.t.Errorf("%s %s: %v", r.Method, r.URL, err)
			return
		}
		input := &openapi3filter.RequestValidationInput{
			Request: r, PathParams: params, Route: route,
			Options: &openapi3filter.Options{
				MultiError: true, IncludeResponseStatus: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
			},
		}
		if err := openapi3filter.ValidateRequest(r.Context(), input); err != nil {
			b.t.Errorf("%s: request: %v", route.Operation.OperationID, err)
		}
		err = openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{
			RequestValidationInput: input, Status: res.StatusCode, Header: res.Header, Body: io.NopCloser(bytes.NewReader(answer)),
			Options: input.Options,
		})
		if err != nil {
			b.t.Errorf("%s: answer %d %s: %v", route.Operation.OperationID, res.StatusCode, answer, err)
		}
		i.mu.Lock()
		if i.seen[route.Operation.OperationID] == nil {
			i.seen[route.Operation.OperationID] = map[int]int{}
		}
		i.seen[route.Operation.OperationID][res.StatusCode]++
		i.mu.Unlock()
		for k, v := range res.Header {
			w.Header()[k] = v
		}
		w.WriteHeader(res.StatusCode)
		_, _ = w.Write(answer)
	})
	return i
}

// watch sends what a phone says through the inspector.
func (i *inspector) watch(p *phone) *phone {
	i.t.Helper()
	server := httptest.NewTLSServer(i)
	i.t.Cleanup(server.Close)
	pins := []api.Pin{api.PinOf(server.Certificate()), {}}
	var err error
	p.api, err = api.NewClient(api.Config{
		Address: i.b.init.API, Pins: pins, Device: p.device, Now: i.b.clock.now, Retry: api.Retry{Tries: 1},
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
		},
	})
	if err != nil {
		i.t.Fatal(err)
	}
	i.t.Cleanup(p.api.CloseIdle)
	return p
}

func TestEveryAnswerKeepsToTheContract(t *testing.T) {
	b := newBench(t)
	i := newInspector(b)
	ctx := t.Context()
	p := i.watch(b.phone())
	public, err := p.device.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	registration := gen.DeviceRegistration{Name: "另一个名字", Platform: "android", PublicKey: public, SealKey: make([]byte, 32)}
	if _, err := p.api.RegisterDevice(ctx, uuid.New(), registration); err != nil {
		t.Fatal(err)
	}
	if _, err := p.api.GetInfo(ctx); err != nil {
		t.Fatal(err)
	}
	_, err = p.api.GetLatestRelease(ctx, "android")
	wantCode(t, err, gen.ProblemCodeNotFound)

	e, err := p.api.CreateEnrolment(ctx, uuid.New(), gen.EnrolmentRequest{Account: "10001"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.api.ResendEnrolmentCode(ctx, uuid.New(), e.Id)
	wantCode(t, err, gen.ProblemCodeRateLimited)
	b.clock.pass(time.Minute)
	if _, err := p.api.ResendEnrolmentCode(ctx, uuid.New(), e.Id); err != nil {
		t.Fatal(err)
	}
	_, err = p.api.VerifyEnrolment(ctx, uuid.New(), e.Id, gen.EnrolmentCode{Code: []byte("xxxxxxxx")})
	wantCode(t, err, gen.ProblemCodeCodeWrong)

	f := p.enrol("10001")
	_, err = f.sign("x", password)
	wantCode(t, err, gen.ProblemCodeMustChangePassword)
	f.ready(password)
	f.line.documents = []gen.Document{{Name: "合同.pdf", Size: 12, Digest: make([]byte, 32)}}
	if _, err := f.sign("x", password); err != nil {
		t.Fatal(err)
	}
	f.line.documents = nil
	if _, err := f.signer.Recover(ctx); err != nil {
		t.Fatal(err)
	}
	bind := gen.BindingRequest{KeyId: f.id.String()}
	for _, operation := range []string{"bindDevice", "unbindDevice", "putHandwriting"} {
		token, err := f.authorize(operation, password, nil)
		if err != nil {
			t.Fatal(err)
		}
		switch operation {
		case "bindDevice":
			_, err = p.api.BindDevice(ctx, uuid.New(), token, p.id, bind)
		case "unbindDevice":
			if _, err := p.api.GetBinding(ctx, f.id.String()); err != nil {
				t.Fatal(err)
			}
			_, err = p.api.UnbindDevice(ctx, uuid.New(), token, p.id, bind)
		default:
			var picture bytes.Buffer
			if err := png.Encode(&picture, image.NewNRGBA(image.Rect(0, 0, 4, 4))); err != nil {
				t.Fatal(err)
			}
			err = p.api.PutHandwriting(ctx, uuid.New(), token, f.id.String(), gen.Handwriting{
				Png: picture.Bytes(), Strokes: []gen.Stroke{{{X: 1, Y: 2}}},
			})
		}
		if err != nil {
			t.Fatalf("%s: %v", operation, err)
		}
	}
	_, err = p.api.BindDevice(ctx, uuid.New(), "AAAAAAAAAAAAAAAAAAAAAAAA", p.id, bind)
	wantCode(t, err, gen.ProblemCodeAuthorizationInvalid)
	if _, err := p.api.GetHandwriting(ctx, f.id.String()); err != nil {
		t.Fatal(err)
	}
	f.line.lose = func(c cosign.Call) error { // makes the client ask by resumeKey
		if c.Round != 3 {
			return nil
		}
		f.line.lose = nil
		return errLost
	}
	for range 3 { // the third locks
		_, err := f.sign("x", "wrong")
		if err == nil {
			t.Fatal("a wrong password signed")
		}
	}
	_, err = f.sign("x", password)
	if err == nil || f.line.problem.Code != gen.ProblemCodePinLocked {
		t.Fatalf("%v", err)
	}
	if _, err := p.api.GetCredentialStatus(ctx, f.id.String()); err != nil {
		t.Fatal(err)
	}
	if _, err := p.api.GetCredential(ctx, f.id.String()); err != nil {
		t.Fatal(err)
	}
	if _, err := p.api.ListCredentials(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := p.api.GetKey(ctx, f.id.String()); err != nil {
		t.Fatal(err)
	}
	if err := p.api.RemoveCredentialFromDevice(ctx, uuid.New(), f.id.String()); err != nil {
		t.Fatal(err)
	}

	document, err := openapi3.NewLoader().LoadFromFile("../openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range document.Paths.Map() {
		for _, operation := range item.Operations() {
			if len(i.seen[operation.OperationID]) == 0 {
				t.Errorf("%s was not tried", operation.OperationID)
			}
		}
	}
	var codes []string
	for operation, statuses := range i.seen {
		if statuses[http.StatusInternalServerError] > 0 {
			codes = append(codes, operation)
		}
	}
	if len(codes) > 0 {
		t.Errorf("internal errors in %s", strings.Join(codes, ", "))
	}
}
