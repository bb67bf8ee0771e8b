package api

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/google/uuid"

	"cloudkey/api/gen"
)

const (
	demoID     = "00112233445566778899aabbccddeeff"
	demoBinary = "AQIDBA=="
)

// answers holds one answer of each operation, by operationId. The test checks them against the document too.
var answers = map[string]string{
	"getInfo": `{"serverTime":"2026-03-01T08:00:00Z","signed":"a.b.c"}`,
	"getLatestRelease": `{"version":"1.2.3","url":"https://ca.example.org/app.apk","size":1,"published":"2026-03-01T08:00:00Z","signed":"a.b.c",` +
		`"sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}`,
	"registerDevice":      `{"deviceId":"` + demoID + `"}`,
	"bindDevice":          `{"bound":true,"deviceId":"` + demoID + `","deviceName":"Phone","since":"2026-03-01T08:00:00Z"}`,
	"unbindDevice":        `{"bound":false}`,
	"getBinding":          `{"bound":false}`,
	"createEnrolment":     demoEnrolment,
	"resendEnrolmentCode": demoEnrolment,
	"verifyEnrolment":     `{"account":"10001","holder":"张伟","phone":"138****0001"}`,
	"createKey":           `{"message":"` + demoBinary + `"}`,
	"getKey":              `{"state":"pending"}`,
	"confirmKey":          `{"publicKey":"` + demoPoint + `"}`,
	"resumeKey":           `{"message":"` + demoBinary + `"}`,
	"requestCertificate":  `{"certificate":"` + demoBinary + `","chain":["` + demoBinary + `"]}`,
	"beginSignature":      `{"sid":"` + demoID + `","message":"` + demoBinary + `"}`,
	"finishSignature":     `{"message":"` + demoBinary + `","authorization":"one-use-token-0001"}`,
	"beginShareRefresh":   `{"sid":"` + demoID + `","message":"` + demoBinary + `"}`,
	"refreshShare":        `{"message":"` + demoBinary + `"}`,
	"commitShare":         `{"message":"` + demoBinary + `"}`,
	"listCredentials":     `{"credentials":[` + demoCredential + `]}`,
	"getCredential":       demoCredential,
	"getCredentialStatus": `{"state":"suspended","mustChangePassword":false,"bound":true}`,
	"getHandwriting":      `{"png":"` + demoBinary + `","strokes":[[{"x":1.5,"y":2,"t":0}]]}`,
}

const (
	demoEnrolment  = `{"id":"abcdefghijklmnop","phoneHint":"138****0001","expires":"2026-03-01T08:05:00Z","resendAfter":"2026-03-01T08:01:00Z"}`
	demoPoint      = "BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	demoCredential = `{"keyId":"` + demoID + `","account":"10001","holder":"张伟","phone":"138****0001","certificate":"` + demoBinary +
		`","chain":[],"status":{"state":"active","mustChangePassword":true,"bound":false}}`
)

// contract is openapi.yaml as a validator of another maker reads it.
func contract(t testing.TB) (*openapi3.T, routers.Router) {
	t.Helper()
	document, err := openapi3.NewLoader().LoadFromFile("openapi.yaml")
	must(t, err)
	must(t, document.Validate(t.Context()))
	document.Servers = openapi3.Servers{{URL: "/v1"}}
	router, err := gorillamux.NewRouter(document)
	must(t, err)
	return document, router
}

// TestContract sends every operation through the client and holds request and answer against the document, by a validator
// of another maker; the signature is checked by the verifier.
func TestContract(t *testing.T) {
	document, router := contract(t)
	var v *Verifier
	var mu sync.Mutex
	var seen []string
	s := newService(t, func(w http.ResponseWriter, r *http.Request) {
		route, params, err := router.FindRoute(r)
		if err != nil {
			t.Errorf("%s %s: %v", r.Method, r.URL, err)
			return
		}
		operation := route.Operation.OperationID
		mu.Lock()
		seen = append(seen, operation)
		mu.Unlock()
		unsigned := route.Operation.Security != nil && len(*route.Operation.Security) == 0
		if operation == "registerDevice" {
			_, _, err = v.VerifyRegistration(r)
		} else if !unsigned {
			_, err = v.Verify(r)
		}
		if err != nil {
			t.Errorf("%s: %v", operation, err)
		}
		input := &openapi3filter.RequestValidationInput{
			Request: r, PathParams: params, Route: route,
			Options: &openapi3filter.Options{MultiError: true, AuthenticationFunc: func(_ context.Context, a *openapi3filter.AuthenticationInput) error {
				if a.RequestValidationInput.Request.Header.Get(map[string]string{
					"deviceSignature": headerSignature, "authorizationToken": "Authorization",
				}[a.SecuritySchemeName]) == "" {
					return a.NewError(errJWS)
				}
				return nil
			}},
		}
		if err := openapi3filter.ValidateRequest(r.Context(), input); err != nil {
			t.Errorf("%s: request: %v", operation, err)
		}
		status, body := http.StatusNoContent, answers[operation]
		if body != "" {
			status = http.StatusOK
			w.Header().Set("Content-Type", contentJSON)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
		output := &openapi3filter.ResponseValidationInput{
			RequestValidationInput: input, Status: status, Header: w.Header(), Body: io.NopCloser(bytes.NewReader([]byte(body))),
		}
		if err := openapi3filter.ValidateResponse(r.Context(), output); err != nil {
			t.Errorf("%s: answer: %v", operation, err)
		}
	})
	c := s.client(t)
	v = door(time.Now, c.config.Device)
	public, err := c.config.Device.PublicKey()
	must(t, err)
	ctx, key, token := t.Context(), uuid.New(), "one-use-token-0001"
	message, share := gen.Message{Message: []byte("KG3")}, gen.ShareMessage{KeyId: demoID, Message: []byte("F1")}
	dots := []gen.Stroke{{{X: 1, Y: 2, T: 3}}}
	calls := map[string]func() (any, error){
		"getInfo":          func() (any, error) { return c.GetInfo(ctx) },
		"getLatestRelease": func() (any, error) { return c.GetLatestRelease(ctx, "android") },
		"registerDevice": func() (any, error) {
			return c.RegisterDevice(ctx, key, gen.DeviceRegistration{PublicKey: public, Name: "手机", Platform: "android", SealKey: make([]byte, 32)})
		},
		"bindDevice":          func() (any, error) { return c.BindDevice(ctx, key, token, demoID, binding) },
		"unbindDevice":        func() (any, error) { return c.UnbindDevice(ctx, key, token, demoID, binding) },
		"getBinding":          func() (any, error) { return c.GetBinding(ctx, demoID) },
		"createEnrolment":     func() (any, error) { return c.CreateEnrolment(ctx, key, gen.EnrolmentRequest{Account: "10001"}) },
		"resendEnrolmentCode": func() (any, error) { return c.ResendEnrolmentCode(ctx, key, "abcdefghijklmnop") },
		"verifyEnrolment": func() (any, error) {
			return c.VerifyEnrolment(ctx, key, "abcdefghijklmnop", gen.EnrolmentCode{Code: []byte("123456")})
		},
		"createKey": func() (any, error) {
			return c.CreateKey(ctx, key, gen.KeyRequest{EnrolmentId: "abcdefghijklmnop", Message: []byte("KG1")})
		},
		"getKey":     func() (any, error) { return c.GetKey(ctx, demoID) },
		"confirmKey": func() (any, error) { return c.ConfirmKey(ctx, key, demoID, message) },
		"resumeKey":  func() (any, error) { return c.ResumeKey(ctx, key, demoID, message) },
		"requestCertificate": func() (any, error) {
			return c.RequestCertificate(ctx, key, demoID, gen.CertificateRequest{Request: []byte("PKCS#10")})
		},
		"beginSignature": func() (any, error) {
			return c.BeginSignature(ctx, key, gen.SignatureRequest{
				KeyId: demoID, Purpose: gen.SignaturePurposeAuthenticate, Operation: "bindDevice", Nonce: make([]byte, 16),
				ContentDigest: make([]byte, 32), Message: []byte("S1"),
				Documents: []gen.Document{{Name: "合同.pdf", Size: 0, Digest: make([]byte, 32)}},
			})
		},
		"finishSignature":            func() (any, error) { return c.FinishSignature(ctx, key, demoID, message) },
		"beginShareRefresh":          func() (any, error) { return c.BeginShareRefresh(ctx, key, share) },
		"refreshShare":               func() (any, error) { return c.RefreshShare(ctx, key, demoID, share) },
		"commitShare":                func() (any, error) { return c.CommitShare(ctx, key, demoID, share) },
		"listCredentials":            func() (any, error) { return c.ListCredentials(ctx) },
		"getCredential":              func() (any, error) { return c.GetCredential(ctx, demoID) },
		"getCredentialStatus":        func() (any, error) { return c.GetCredentialStatus(ctx, demoID) },
		"removeCredentialFromDevice": func() (any, error) { return nil, c.RemoveCredentialFromDevice(ctx, key, demoID) },
		"getHandwriting":             func() (any, error) { return c.GetHandwriting(ctx, demoID) },
		"putHandwriting": func() (any, error) {
			return nil, c.PutHandwriting(ctx, key, token, demoID, gen.Handwriting{Png: []byte("PNG"), Strokes: dots})
		},
	}
	for operation, call := range calls {
		got, err := call()
		if err != nil {
			t.Errorf("%s: %v", operation, err)
			continue
		}
		if got == nil {
			continue
		}
		// Encoded again, an answer must still be what the document says: nothing was lost in decoding.
		encoded, err := encode(got)
		must(t, err)
		if len(encoded) < len(answers[operation])-2 {
			t.Errorf("%s: %s became %s", operation, answers[operation], encoded)
		}
	}
	var all []string
	for _, item := range document.Paths.Map() {
		for _, operation := range item.Operations() {
			all = append(all, operation.OperationID)
		}
	}
	slices.Sort(all)
	slices.Sort(seen)
	if !slices.Equal(all, seen) {
		t.Errorf("operations of the document\n%q\nsent\n%q", all, seen)
	}
}

// TestProblemsFollowTheContract holds every problem that WriteProblem makes against the document.
func TestProblemsFollowTheContract(t *testing.T) {
	document, _ := contract(t)
	schema := document.Components.Schemas["Problem"].Value
	for _, value := range document.Components.Schemas["ProblemCode"].Value.Enum {
		p := NewProblem(gen.ProblemCode(value.(string)), "detail")
		if p.Status == http.StatusInternalServerError && p.Code != gen.ProblemCodeInternal {
			t.Errorf("%s has no status of its own", p.Code)
		}
		encoded, err := encode(p.Document())
		must(t, err)
		var decoded any
		must(t, DecodeAnswer(encoded, &decoded))
		if err := schema.VisitJSON(decoded); err != nil {
			t.Errorf("%s: %v", encoded, err)
		}
	}
}
