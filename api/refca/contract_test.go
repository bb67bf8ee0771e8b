package refca_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/png"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"cloudkey/api"
	"cloudkey/api/contracttest"
	"cloudkey/api/gen"
	"cloudkey/cosign"

	"github.com/google/uuid"
)

// forward passes requests on to the CA as they are.
func (b *bench) forward(w http.ResponseWriter, r *http.Request) {
	out, err := http.NewRequestWithContext(r.Context(), r.Method, "https://"+b.init.API.Host()+r.RequestURI, r.Body)
	if err != nil {
		b.t.Error(err)
		return
	}
	out.Header, out.ContentLength = r.Header.Clone(), r.ContentLength
	res, err := b.http().Do(out)
	if err != nil {
		b.t.Error(err)
		return
	}
	defer res.Body.Close()
	for k, v := range res.Header {
		w.Header()[k] = v
	}
	w.WriteHeader(res.StatusCode)
	_, _ = io.Copy(w, res.Body)
}

// through sends what a phone says through a handler that stands in front of the CA.
func (p *phone) through(h http.Handler) *phone {
	b := p.b
	b.t.Helper()
	server := httptest.NewTLSServer(h)
	b.t.Cleanup(server.Close)
	var err error
	p.api, err = api.NewClient(api.Config{
		Address: b.init.API, Pins: []api.Pin{api.PinOf(server.Certificate()), {}}, Device: p.device, Now: b.clock.now,
		Retry: api.Retry{Tries: 1},
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
		},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(p.api.CloseIdle)
	return p
}

func TestEveryAnswerKeepsToTheContract(t *testing.T) {
	b := newBench(t)
	checker := contracttest.New(t, api.Contract())
	ctx := t.Context()
	p := b.phone().through(checker.Handler(http.HandlerFunc(b.forward)))
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
	token, err := f.authorize("createSeal", password, nil)
	if err != nil {
		t.Fatal(err)
	}
	made, err := p.api.CreateSeal(ctx, uuid.New(), token, f.id.String(), gen.SealRequest{Name: "我的印章"})
	if err != nil {
		t.Fatal(err)
	}
	if list, err := p.api.ListSeals(ctx, f.id.String()); err != nil || len(list.Seals) != 1 {
		t.Fatal(list, err)
	}
	err = errors.Join(p.api.SetDefaultSeal(ctx, uuid.New(), f.id.String(), made.Id), p.api.DeleteSeal(ctx, uuid.New(), f.id.String(), made.Id))
	if err != nil {
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
	sent, err := f.ask(p, f.captcha(), captchaDigits)
	if err != nil {
		t.Fatal(err)
	}
	code, _ := b.ca.LatestSMS("10001")
	if err := f.reset(sent.Id, code, "another password"); err != nil {
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

	done := checker.Operations()
	for _, item := range checker.Document().Paths.Map() {
		for _, operation := range item.Operations() {
			// No release is published; its refusal was checked above.
			if id := operation.OperationID; done[id] == 0 && id != "getLatestRelease" {
				t.Errorf("%s was not tried", id)
			}
		}
	}
}
