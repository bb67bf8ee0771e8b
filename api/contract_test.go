package api

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/uuid"

	"cloudkey/api/contracttest"
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
	"createCaptcha":       `{"id":"abcdefghijklmnop","content":"` + demoBinary + `","expires":"2026-03-01T08:05:00Z"}`,
	"sendSmsCode":         demoEnrolment,
	"unlockPassword":      `{"sid":"` + demoID + `","message":"` + demoBinary + `"}`,
	"listCredentials":     `{"credentials":[` + demoCredential + `]}`,
	"getCredential":       demoCredential,
	"getCredentialStatus": `{"state":"suspended","mustChangePassword":false,"bound":true}`,
	"listSeals":           `{"seals":[` + demoSeal + `]}`,
	"createSeal":          demoSeal,
	"getHandwriting":      `{"png":"` + demoBinary + `","strokes":[[{"x":1.5,"y":2,"t":0}]]}`,
}

const (
	demoSeal       = `{"id":"abcdefghijklmnop","seal":"` + demoBinary + `","default":true}`
	demoEnrolment  = `{"id":"abcdefghijklmnop","phoneHint":"138****0001","expires":"2026-03-01T08:05:00Z","resendAfter":"2026-03-01T08:01:00Z"}`
	demoPoint      = "BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	demoCredential = `{"keyId":"` + demoID + `","account":"10001","holder":"张伟","phone":"138****0001","certificate":"` + demoBinary +
		`","chain":[],"status":{"state":"active","mustChangePassword":true,"bound":false}}`
)

// TestContract sends every operation through the client and holds request and answer against the document, by a validator
// of another maker; the signature is checked by the verifier.
func TestContract(t *testing.T) {
	checker := contracttest.New(t, Contract())
	var v *Verifier
	service := checker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		operation := checker.Operation(r)
		var err error
		switch operation {
		case "getInfo", "getLatestRelease":
		case "registerDevice":
			_, _, err = v.VerifyRegistration(r)
		default:
			_, err = v.Verify(r)
		}
		if err != nil {
			t.Errorf("%s: %v", operation, err)
		}
		body := answers[operation]
		if body == "" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		answer(w, body)
	}))
	s := newService(t, service.ServeHTTP)
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
		"finishSignature":   func() (any, error) { return c.FinishSignature(ctx, key, demoID, message) },
		"beginShareRefresh": func() (any, error) { return c.BeginShareRefresh(ctx, key, share) },
		"refreshShare":      func() (any, error) { return c.RefreshShare(ctx, key, demoID, share) },
		"commitShare":       func() (any, error) { return c.CommitShare(ctx, key, demoID, share) },
		"createCaptcha": func() (any, error) {
			return c.CreateCaptcha(ctx, key, gen.CaptchaRequest{Purpose: gen.CodePurposeRecovery, Form: gen.CaptchaFormPicture})
		},
		"sendSmsCode": func() (any, error) {
			return c.SendSmsCode(ctx, key, gen.SmsCodeRequest{
				Purpose: gen.CodePurposeRecovery, KeyId: demoID, CaptchaId: "abcdefghijklmnop", CaptchaAnswer: "123456",
			})
		},
		"unlockPassword": func() (any, error) {
			return c.UnlockPassword(ctx, key, gen.UnlockRequest{
				KeyId: demoID, SmsCodeId: "abcdefghijklmnop", Code: []byte("12345678"), Message: []byte("R1"),
			})
		},
		"listCredentials":            func() (any, error) { return c.ListCredentials(ctx) },
		"getCredential":              func() (any, error) { return c.GetCredential(ctx, demoID) },
		"getCredentialStatus":        func() (any, error) { return c.GetCredentialStatus(ctx, demoID) },
		"removeCredentialFromDevice": func() (any, error) { return nil, c.RemoveCredentialFromDevice(ctx, key, demoID) },
		"getHandwriting":             func() (any, error) { return c.GetHandwriting(ctx, demoID) },
		"listSeals":                  func() (any, error) { return c.ListSeals(ctx, demoID) },
		"createSeal": func() (any, error) {
			return c.CreateSeal(ctx, key, token, demoID, gen.SealRequest{Name: "我的印章"})
		},
		"deleteSeal":     func() (any, error) { return nil, c.DeleteSeal(ctx, key, demoID, "abcdefghijklmnop") },
		"setDefaultSeal": func() (any, error) { return nil, c.SetDefaultSeal(ctx, key, demoID, "abcdefghijklmnop") },
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
	seen := checker.Operations()
	for _, item := range checker.Document().Paths.Map() {
		for _, operation := range item.Operations() {
			if seen[operation.OperationID] != 1 {
				t.Errorf("%s was answered %d times", operation.OperationID, seen[operation.OperationID])
			}
			delete(seen, operation.OperationID)
		}
	}
	if len(seen) != 0 {
		t.Errorf("not in the document: %v", seen)
	}
}

// breaches records what a Checker complains of.
type breaches struct {
	testing.TB
	n int
}

func (b *breaches) Errorf(string, ...any) { b.n++ }

// TestContractIsHeld shows that the checker sees what it is there for.
func TestContractIsHeld(t *testing.T) {
	for name, c := range map[string]struct {
		body    string
		handler http.HandlerFunc
		breach  bool
	}{
		"good": {demoBody, func(w http.ResponseWriter, _ *http.Request) { answer(w, bindingAnswer) }, false},
		"bad request refused": {`{"keyId":"x"}`, func(w http.ResponseWriter, _ *http.Request) {
			WriteProblem(w, NewProblem(gen.ProblemCodeInvalidRequest, ""))
		}, false},
		"bad request accepted":    {`{"keyId":"x"}`, func(w http.ResponseWriter, _ *http.Request) { answer(w, bindingAnswer) }, true},
		"unknown member accepted": {`{"keyId":"` + demoID + `","x":1}`, func(w http.ResponseWriter, _ *http.Request) { answer(w, bindingAnswer) }, true},
		"bad answer":              {demoBody, func(w http.ResponseWriter, _ *http.Request) { answer(w, `{"bound":1}`) }, true},
		"answer of another type":  {demoBody, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, bindingAnswer) }, true},
		"problem without code": {demoBody, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentProblem)
			w.WriteHeader(http.StatusConflict)
			_, _ = io.WriteString(w, `{"status":409}`)
		}, true},
		"page": {demoBody, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusInternalServerError) }, true},
	} {
		complaints := &breaches{TB: t}
		handler := contracttest.New(complaints, Contract()).Handler(c.handler)
		r := received(t, newDevice(t), qrTime, http.MethodPost, "/v1/devices/"+demoID+":bind", c.body)
		handler.ServeHTTP(httptest.NewRecorder(), r)
		if (complaints.n > 0) != c.breach {
			t.Errorf("%s: %d complaints", name, complaints.n)
		}
	}
}

// TestProblemsFollowTheContract holds every problem that WriteProblem makes against the document.
func TestProblemsFollowTheContract(t *testing.T) {
	document := contracttest.New(t, Contract()).Document()
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
