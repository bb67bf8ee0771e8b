package refca_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"image"
	"image/png"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cloudkey/api"
	"cloudkey/api/gen"
	"cloudkey/api/refca"
	"cloudkey/cosign"

	"github.com/google/uuid"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

func TestM02_InitQRPictureAndInfoAgree(t *testing.T) {
	b := newBench(t)
	a := b.ca.Addresses()
	f, err := os.Open(a.InitQR)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	picture, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(picture)
	if err != nil {
		t.Fatal(err)
	}
	found, err := qrcode.NewQRCodeReader().Decode(bitmap, nil)
	if err != nil {
		t.Fatalf("the picture does not decode: %v", err)
	}
	if found.GetText() != a.InitText {
		t.Error("the picture holds another text")
	}
	if !b.init.Signer.Anchored() {
		t.Error("the signer does not chain to the anchor that is handed out")
	}
	if err := api.CheckFirstUseCode(a.InitCode, b.init.OrgID, b.init.Signer); err != nil || len(a.InitCode) != 8 {
		t.Errorf("first-use code %q: %v", a.InitCode, err)
	}
	info, err := b.phone().api.GetInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	statement, err := api.ParseInfo(info.Signed, b.init.Signer, b.clock.now())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.init.Agrees(statement.Service); err != nil {
		t.Error(err)
	}
	if statement.OrgName != "示范医院" || !info.ServerTime.Equal(b.clock.now()) {
		t.Errorf("%s, %v", statement.OrgName, info.ServerTime)
	}
}

func TestDataDirectoryIsReusable(t *testing.T) {
	b := newBench(t)
	first := b.ca.Addresses()
	f := b.phone().enrol("10001").ready(password)
	b.restart()
	f.p.connect()
	second := b.ca.Addresses()
	if first.API != second.API || first.Web != second.Web || first.InitCode != second.InitCode || first.Anchor != second.Anchor {
		t.Errorf("%+v, before %+v", second, first)
	}
	if _, err := f.sign("x", password); err != nil {
		t.Error(err)
	}
	if _, found := b.ca.LatestSMS("10001"); !found {
		t.Error("the outbox is empty")
	}
	if lines, err := b.ca.Audit(); err != nil || !slices.Contains(lines, "requestCertificate ok") {
		t.Errorf("%q, %v", lines, err)
	}
	if _, err := refca.Open(t.Context(), b.config()); !errors.Is(err, refca.ErrBusy) {
		t.Errorf("second process: %v", err)
	}
	// The port is taken by another program while the CA is away.
	b.stop()
	address := strings.TrimSuffix(strings.TrimPrefix(first.API, "https://"), "/v1")
	other, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	var busy *refca.InUseError
	if _, err := refca.Open(t.Context(), b.config()); !errors.As(err, &busy) || busy.Address != address {
		t.Errorf("busy port: %v", err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	b.start()
}

func TestOpenNeedsADirectoryAndAnOrganisation(t *testing.T) {
	if _, err := refca.Open(t.Context(), refca.Config{DataDir: t.TempDir()}); err == nil {
		t.Error("opened without an organisation")
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := refca.Open(t.Context(), refca.Config{DataDir: filepath.Join(file, "ca"), Demo: true}); err == nil {
		t.Error("opened below a file")
	}
}

func TestM04_OneCertificateForOneKeyAndEnrolment(t *testing.T) {
	b := newBench(t)
	p := b.phone()
	e, code := p.proven("10001")
	f := p.keyed(e, "10001", code)
	if _, err := p.api.GetCredential(t.Context(), f.id.String()); err == nil {
		t.Error("a certificate before the request")
	}
	request := f.request()
	again := f.request()
	f.certify()
	for _, der := range [][]byte{request, again} {
		out, err := p.api.RequestCertificate(t.Context(), uuid.New(), f.id.String(), gen.CertificateRequest{Request: der})
		if err != nil || !bytes.Equal(out.Certificate, f.issued.Certificate) {
			t.Errorf("asked again: %v", err)
		}
	}
	key, err := p.api.GetKey(t.Context(), f.id.String())
	if err != nil || key.State != gen.KeyStateCertified {
		t.Errorf("%+v, %v", key, err)
	}
	// The first password signs nothing any more, not even another request, and the enrolment makes no second key.
	f.line.purpose = gen.SignaturePurposeCertificateRequest
	_, err = f.signer.SignDigests(t.Context(), [][]byte{f.digest("x")}, f.code)
	wantCode(t, err, gen.ProblemCodeStateConflict)
	_, err = f.sign("x", code)
	wantCode(t, err, gen.ProblemCodeMustChangePassword)
	_, err = f.authorize("bindDevice", code, nil)
	wantCode(t, err, gen.ProblemCodeMustChangePassword)
	_, err = cosign.GenerateKey(t.Context(), cosign.NewKeyID(), b.init.SealKey[:], lightKDF(), f.code, p, &line{p: p, enrolment: e})
	wantCode(t, err, gen.ProblemCodeStateConflict)
	status, err := p.api.GetCredentialStatus(t.Context(), f.id.String())
	if err != nil || !status.MustChangePassword || status.State != gen.CredentialStateActive {
		t.Errorf("%+v, %v", status, err)
	}
	list, err := p.api.ListCredentials(t.Context())
	if err != nil || len(list.Credentials) != 1 || !bytes.Equal(list.Credentials[0].Certificate, f.issued.Certificate) {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestRequestForAnotherKeyIsRefused(t *testing.T) {
	b := newBench(t)
	p := b.phone()
	e, code := p.proven("10001")
	mine := p.keyed(e, "10001", code)
	e, code = p.proven("10002")
	other := p.keyed(e, "10002", code)
	_, err := p.api.RequestCertificate(t.Context(), uuid.New(), mine.id.String(), gen.CertificateRequest{Request: other.request()})
	wantCode(t, err, gen.ProblemCodeInvalidRequest)
	mine.certify()
}

func TestLostKeyIsReplacedBeforeTheCertificate(t *testing.T) {
	b := newBench(t)
	p := b.phone()
	e, code := p.proven("10001")
	lost := p.keyed(e, "10001", code)
	f := p.keyed(e, "10001", code).certify()
	if _, err := p.api.GetKey(t.Context(), lost.id.String()); err == nil {
		t.Error("the first key still exists")
	}
	if _, err := f.ready(password).sign("x", password); err != nil {
		t.Error(err)
	}
}

func TestKeysBelongToTheirDevice(t *testing.T) {
	b := newBench(t)
	f, other := b.phone().enrol("10001").ready(password), b.phone()
	id, missing := f.id.String(), strings.Repeat("0", 32)
	for _, id := range []string{id, missing} { // a stranger's key looks like none
		for name, r := range map[string]raw{
			"key":         other.raw("GET", "/v1/keys/"+id, ""),
			"binding":     other.raw("GET", "/v1/keys/"+id+"/binding", ""),
			"credential":  other.raw("GET", "/v1/credentials/"+id, ""),
			"status":      other.raw("GET", "/v1/credentials/"+id+"/status", ""),
			"ink":         other.raw("GET", "/v1/handwriting?keyId="+id, ""),
			"remove":      other.raw("POST", "/v1/credentials/"+id+":removeFromDevice", ""),
			"resume":      other.raw("POST", "/v1/keys/"+id+":resume", `{"message":"AAAA"}`),
			"begin":       other.raw("POST", "/v1/signatures:begin", `{"keyId":"`+id+`","purpose":"sign","message":"AAAA"}`),
			"refresh":     other.raw("POST", "/v1/shares:begin", `{"keyId":"`+id+`","message":"AAAA"}`),
			"bind":        other.raw("POST", "/v1/devices/"+other.id+":bind", `{"keyId":"`+id+`"}`),
			"certificate": other.raw("POST", "/v1/keys/"+id+"/certificate", `{"request":"MAA="}`),
		} {
			t.Run(name, func(t *testing.T) { b.send(r).want(t, gen.ProblemCodeNotFound) })
		}
	}
	// A stranger who saw the session ID cannot finish the session, and does not end it.
	var answered error
	f.line.before = func(c *cosign.Call) {
		if c.Operation == cosign.Sign && c.Round == 3 {
			_, answered = other.api.FinishSignature(t.Context(), uuid.New(), c.Session.String(), gen.Message{Message: c.Message})
			bad := append([]byte{}, c.Message...)
			bad[len(bad)-1] ^= 1
			if _, err := f.p.api.FinishSignature(t.Context(), uuid.New(), c.Session.String(), gen.Message{Message: bad}); err == nil {
				t.Error("a changed message was accepted")
			}
		}
	}
	if _, err := f.sign("x", password); err != nil {
		t.Error(err)
	}
	wantCode(t, answered, gen.ProblemCodeNotFound)
}

func TestAuthorizationTokenIsGoodForOneThing(t *testing.T) {
	b := newBench(t)
	f := b.phone().enrol("10001").ready(password)
	bind := gen.BindingRequest{KeyId: f.id.String()}
	call := func(token string) error {
		_, err := f.p.api.BindDevice(t.Context(), uuid.New(), token, f.p.id, bind)
		return err
	}
	issue := func(operation string, content []byte) string {
		t.Helper()
		token, err := f.authorize(operation, password, content)
		if err != nil || token == "" {
			t.Fatalf("token %q, %v", token, err)
		}
		return token
	}
	body, err := json.Marshal(bind)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(body)
	wantCode(t, call(""), gen.ProblemCodeAuthorizationRequired)
	wantCode(t, call("AAAAAAAAAAAAAAAAAAAAAAAA"), gen.ProblemCodeAuthorizationInvalid)
	wantCode(t, call(issue("unbindDevice", nil)), gen.ProblemCodeAuthorizationInvalid)
	wantCode(t, call(issue("bindDevice", make([]byte, 32))), gen.ProblemCodeAuthorizationInvalid)
	late := issue("bindDevice", nil)
	b.clock.pass(2 * time.Minute)
	wantCode(t, call(late), gen.ProblemCodeAuthorizationInvalid)
	second := b.phone().enrol("10002").ready(password)
	foreign, err := second.authorize("bindDevice", password, nil)
	if err != nil {
		t.Fatal(err)
	}
	wantCode(t, call(foreign), gen.ProblemCodeAuthorizationInvalid)
	good := issue("bindDevice", sum[:])
	b.restart()
	f.p.connect()
	if err := call(good); err != nil {
		t.Fatal(err)
	}
	wantCode(t, call(good), gen.ProblemCodeAuthorizationInvalid)
	_, err = f.authorize("createKey", password, nil)
	wantCode(t, err, gen.ProblemCodeInvalidRequest)
}

func TestDigestOfAnotherStatementGetsNoToken(t *testing.T) {
	b := newBench(t)
	f := b.phone().enrol("10001").ready(password)
	f.line.purpose, f.line.operation, f.line.nonce = gen.SignaturePurposeAuthenticate, "bindDevice", make([]byte, 16)
	_, err := f.signer.SignDigests(t.Context(), [][]byte{f.digest("a document that looks harmless")}, []byte(password))
	wantCode(t, err, gen.ProblemCodeInvalidRequest)
	// And a digest exchanged after the session was opened does not fit its commitment.
	f.line.before = func(c *cosign.Call) {
		if c.Operation == cosign.Sign && c.Round == 1 {
			e := f.digest("x")
			i := bytes.Index(c.Message, e)
			if i < 0 {
				t.Fatal("S1 does not hold the digest")
			}
			copy(c.Message[i:], f.digest("y"))
		}
	}
	if signature, err := f.sign("x", password); err == nil {
		t.Fatalf("a signature over an exchanged digest: %x", signature.DER())
	}
}

func TestM16_BindingToOneDevice(t *testing.T) {
	b := newBench(t)
	f := b.phone().enrol("10001").ready(password)
	second := b.phone().enrol("10001").ready(password)
	bind := func(f *profile, operation string) error {
		t.Helper()
		token, err := f.authorize(operation, password, nil)
		if err != nil {
			return err
		}
		body := gen.BindingRequest{KeyId: f.id.String()}
		if operation == "bindDevice" {
			_, err = f.p.api.BindDevice(t.Context(), uuid.New(), token, f.p.id, body)
		} else {
			_, err = f.p.api.UnbindDevice(t.Context(), uuid.New(), token, f.p.id, body)
		}
		return err
	}
	wantCode(t, bind(f, "unbindDevice"), gen.ProblemCodeDeviceNotBound)
	late, err := second.authorize("bindDevice", password, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := bind(f, "bindDevice"); err != nil {
		t.Fatal(err)
	}
	here, err := f.p.api.GetBinding(t.Context(), f.id.String())
	if err != nil || !here.Bound || here.DeviceId != f.p.id || !here.Since.Equal(b.clock.now()) || here.DeviceName != "测试手机" {
		t.Errorf("%+v, %v", here, err)
	}
	there, err := second.p.api.GetBinding(t.Context(), second.id.String())
	if err != nil || there.DeviceId != f.p.id {
		t.Errorf("%+v, %v", there, err)
	}
	_, err = second.p.api.BindDevice(t.Context(), uuid.New(), late, second.p.id, gen.BindingRequest{KeyId: second.id.String()})
	wantCode(t, err, gen.ProblemCodeAlreadyBound)
	_, err = second.sign("x", password)
	wantCode(t, err, gen.ProblemCodeDeviceNotBound)
	p := b.phone()
	e, err := p.api.CreateEnrolment(t.Context(), uuid.New(), gen.EnrolmentRequest{Account: "10001"})
	if err != nil {
		t.Fatal(err)
	}
	code, _ := b.ca.LatestSMS("10001")
	_, err = p.api.VerifyEnrolment(t.Context(), uuid.New(), e.Id, gen.EnrolmentCode{Code: []byte("x" + code[1:])})
	wantCode(t, err, gen.ProblemCodeCodeWrong)
	_, err = p.api.VerifyEnrolment(t.Context(), uuid.New(), e.Id, gen.EnrolmentCode{Code: []byte(code)})
	wantCode(t, err, gen.ProblemCodeAlreadyBound)
	if err := bind(f, "unbindDevice"); err != nil {
		t.Fatal(err)
	}
	if _, err := second.sign("x", password); err != nil {
		t.Error(err)
	}
}

func TestM11_RemovedKeyIsGone(t *testing.T) {
	b := newBench(t)
	f := b.phone().enrol("10001").ready(password)
	for range 2 {
		if err := f.p.api.RemoveCredentialFromDevice(t.Context(), uuid.New(), f.id.String()); err != nil {
			t.Fatal(err)
		}
	}
	_, err := f.sign("x", password)
	wantCode(t, err, gen.ProblemCodeNotFound)
	_, err = f.p.api.GetCredential(t.Context(), f.id.String())
	wantCode(t, err, gen.ProblemCodeNotFound)
	if _, err := f.p.enrol("10001").ready(password).sign("x", password); err != nil {
		t.Errorf("another download: %v", err)
	}
}

func TestSuspendedAndExpiredCertificates(t *testing.T) {
	b := newBench(t)
	f := b.phone().enrol("10001").ready(password)
	serial := serialOf(t, f.issued)
	if err := b.ca.Suspend(t.Context(), serial); err != nil {
		t.Fatal(err)
	}
	_, err := f.sign("x", password)
	wantCode(t, err, gen.ProblemCodeStateConflict)
	status, err := f.p.api.GetCredentialStatus(t.Context(), f.id.String())
	if err != nil || status.State != gen.CredentialStateSuspended {
		t.Errorf("%+v, %v", status, err)
	}
	if err := b.ca.Reinstate(t.Context(), serial); err != nil {
		t.Fatal(err)
	}
	if _, err := f.sign("x", password); err != nil {
		t.Error(err)
	}
	b.clock.pass(366 * 24 * time.Hour)
	_, err = f.sign("x", password)
	wantCode(t, err, gen.ProblemCodeExpired)
	status, err = f.p.api.GetCredentialStatus(t.Context(), f.id.String())
	if err != nil || status.State != gen.CredentialStateExpired {
		t.Errorf("%+v, %v", status, err)
	}
}

func TestM14_HandwritingIsStoredForATokenOnly(t *testing.T) {
	b := newBench(t)
	f := b.phone().enrol("10001").ready(password)
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewNRGBA(image.Rect(0, 0, 40, 20))); err != nil {
		t.Fatal(err)
	}
	ink := gen.Handwriting{Png: picture.Bytes(), Strokes: []gen.Stroke{{{X: 1, Y: 2, T: 0}, {X: 3.5, Y: 4, T: 16}}}}
	_, err := f.p.api.GetHandwriting(t.Context(), f.id.String())
	wantCode(t, err, gen.ProblemCodeNotFound)
	wantCode(t, f.p.api.PutHandwriting(t.Context(), uuid.New(), "", f.id.String(), ink), gen.ProblemCodeAuthorizationRequired)
	token, err := f.authorize("putHandwriting", password, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]gen.Handwriting{
		"no picture":     {Png: []byte("GIF89a"), Strokes: ink.Strokes},
		"no strokes":     {Png: ink.Png, Strokes: []gen.Stroke{}},
		"time runs back": {Png: ink.Png, Strokes: []gen.Stroke{{{T: 5}, {T: 4}}}},
		"huge":           {Png: hugePNG(t), Strokes: ink.Strokes},
	} {
		t.Run(name, func(t *testing.T) {
			wantCode(t, f.p.api.PutHandwriting(t.Context(), uuid.New(), token, f.id.String(), bad), gen.ProblemCodeInvalidRequest)
		})
	}
	if err := f.p.api.PutHandwriting(t.Context(), uuid.New(), token, f.id.String(), ink); err != nil {
		t.Fatal(err)
	}
	b.restart()
	f.p.connect()
	out, err := f.p.api.GetHandwriting(t.Context(), f.id.String())
	if err != nil || !bytes.Equal(out.Png, ink.Png) || len(out.Strokes) != 1 || out.Strokes[0][1] != ink.Strokes[0][1] {
		t.Errorf("%+v, %v", out, err)
	}
}

// hugePNG is a few bytes that announce a picture of 60000 × 60000.
func hugePNG(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 1, 1))); err != nil {
		t.Fatal(err)
	}
	out := b.Bytes()
	copy(out[16:], []byte{0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60})
	return out
}

func TestPanicIsContained(t *testing.T) {
	b := newBench(t)
	f := b.phone().enrol("10001").ready(password)
	b.ca.OnReserved(func(string) { panic("at the worst moment") })
	if _, err := f.sign("x", password); err == nil {
		t.Fatal("signed")
	}
	if p := f.line.problem; p == nil || p.Code != gen.ProblemCodeInternal || p.TraceID == "" {
		t.Errorf("%+v", p)
	}
	b.ca.OnReserved(func(string) {})
	if _, err := f.sign("x", password); err != nil {
		t.Errorf("the next signature: %v", err)
	}
}

func TestAuditChainShowsTampering(t *testing.T) {
	b := newBench(t)
	b.phone().enrol("10001")
	lines, err := b.ca.Audit()
	if err != nil {
		t.Fatal(err)
	}
	for how, n := range map[string]uint64{"changed": 3, "missing": uint64(len(lines)), "reordered": 2} {
		if err := b.ca.TamperAudit(how, n); err == nil {
			t.Errorf("%s entry %d was not noticed", how, n)
		}
	}
	if _, err := b.ca.Audit(); err != nil { // the tampering was rolled back
		t.Error(err)
	}
}

func TestLatestReleaseIsNotFoundWhenNoneIsPublished(t *testing.T) {
	b := newBench(t)
	_, err := b.phone().api.GetLatestRelease(t.Context(), "android")
	wantCode(t, err, gen.ProblemCodeNotFound)
}

func TestKeyGenerationMessagesOfStrangers(t *testing.T) {
	b := newBench(t)
	p := b.phone()
	e, _ := p.proven("10001")
	junk := make([]byte, 200)
	rand.Read(junk)
	for _, message := range [][]byte{{}, {0}, junk} {
		body := `{"enrolmentId":"` + e + `","message":"` + base64.StdEncoding.EncodeToString(message) + `"}`
		b.send(p.raw("POST", "/v1/keys", body)).want(t, gen.ProblemCodeInvalidRequest)
	}
	b.send(p.raw("POST", "/v1/keys/"+strings.Repeat("0", 32)+":confirm", `{"message":"AAAA"}`)).want(t, gen.ProblemCodeNotFound)
}
