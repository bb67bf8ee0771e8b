package refca_test

import (
	"bytes"
	"context"
	"image/png"
	"testing"
	"time"

	"github.com/google/uuid"

	"cloudkey/api/gen"
	"cloudkey/cosign"
)

// recoveryLine opens a recovery with a code; the other steps are those of a refresh.
type recoveryLine struct {
	*line
	id   string
	code []byte
}

func (l *recoveryLine) RoundTrip(ctx context.Context, c cosign.Call) ([]byte, error) {
	if c.Operation != cosign.Recover {
		return l.line.RoundTrip(ctx, c)
	}
	if c.Round != 1 {
		c.Operation = cosign.Refresh
		return l.line.RoundTrip(ctx, c)
	}
	out, err := l.p.api.UnlockPassword(ctx, uuid.New(), gen.UnlockRequest{
		KeyId: c.KeyID.String(), SmsCodeId: l.id, Code: bytes.Clone(l.code), Message: c.Message,
	})
	return out.Message, err
}

const captchaDigits = "123456"

func (f *profile) captcha() string {
	f.p.b.t.Helper()
	t := f.p.b.t
	out, err := f.p.api.CreateCaptcha(t.Context(), uuid.New(), gen.CaptchaRequest{Purpose: gen.CodePurposeRecovery, Form: gen.CaptchaFormPicture})
	if err != nil {
		t.Fatal(err)
	}
	if picture, err := png.Decode(bytes.NewReader(out.Content)); err != nil || picture.Bounds().Dx() != 240 {
		t.Fatalf("picture: %v", err)
	}
	if err := f.p.b.ca.SetCaptcha(out.Id, captchaDigits); err != nil {
		t.Fatal(err)
	}
	return out.Id
}

func (f *profile) ask(p *phone, captchaID, answer string) (gen.SmsCode, error) {
	return p.api.SendSmsCode(f.p.b.t.Context(), uuid.New(), gen.SmsCodeRequest{
		Purpose: gen.CodePurposeRecovery, KeyId: f.signer.KeyID().String(), CaptchaId: captchaID, CaptchaAnswer: answer,
	})
}

func (f *profile) reset(id, code, password string) error {
	s := f.signer.WithTransport(&recoveryLine{line: f.line, id: id, code: []byte(code)})
	return s.ResetPIN(f.p.b.t.Context(), []byte(password), lightKDF())
}

// TestM20_RecoveryLiftsTheLock goes from a locked key to a new password, across a restart of the service.
func TestM20_RecoveryLiftsTheLock(t *testing.T) {
	b := newBench(t)
	f := b.phone().enrol("10001").ready("old password 1")
	for range 3 {
		if _, err := f.sign("x", "wrong password"); err == nil {
			t.Fatal("a wrong password signs")
		}
	}
	if _, err := f.sign("x", "old password 1"); err == nil {
		t.Fatal("not locked")
	}
	b.clock.pass(2 * time.Minute)
	_, err := f.ask(f.p, f.captcha(), "654321")
	wantCode(t, err, gen.ProblemCodeCaptchaWrong)
	id := f.captcha()
	sent, err := f.ask(f.p, id, captchaDigits)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.ask(f.p, id, captchaDigits)
	wantCode(t, err, gen.ProblemCodeCaptchaWrong)
	_, err = f.ask(f.p, f.captcha(), captchaDigits)
	wantCode(t, err, gen.ProblemCodeRateLimited)
	code, _ := b.ca.LatestSMS("10001")
	b.restart()
	f.p.connect()

	left := wantCode(t, f.reset(sent.Id, "00000", "new password 1"), gen.ProblemCodeCodeWrong)
	if left.AttemptsLeft == nil || *left.AttemptsLeft != 4 {
		t.Fatalf("left: %v", left.AttemptsLeft)
	}
	if err := f.reset(sent.Id, code, "new password 1"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.sign("x", "new password 1"); err != nil {
		t.Fatal("new password:", err)
	}
	if _, err := f.sign("x", "old password 1"); err == nil {
		t.Fatal("the old password still signs")
	}
	wantCode(t, f.reset(sent.Id, code, "new password 2"), gen.ProblemCodeExpired) // used up
}

// TestM20_Refused holds captchas and codes that are over, guessed or another device's.
func TestM20_Refused(t *testing.T) {
	b := newBench(t)
	f, other := b.phone().enrol("10001").ready("old password 1"), b.phone().enrol("10002").ready("old password 1")
	_, err := f.ask(other.p, other.captcha(), captchaDigits)
	wantCode(t, err, gen.ProblemCodeNotFound) // another device's key
	_, err = f.ask(f.p, other.captcha(), captchaDigits)
	wantCode(t, err, gen.ProblemCodeCaptchaWrong) // another device's captcha
	id := f.captcha()
	b.clock.pass(6 * time.Minute)
	_, err = f.ask(f.p, id, captchaDigits)
	wantCode(t, err, gen.ProblemCodeCaptchaWrong)

	sent, err := f.ask(f.p, f.captcha(), captchaDigits)
	if err != nil {
		t.Fatal(err)
	}
	code, _ := b.ca.LatestSMS("10001")
	wantCode(t, other.reset(sent.Id, code, "new password 1"), gen.ProblemCodeExpired) // another key's code
	for range 5 {
		wantCode(t, f.reset(sent.Id, "00000", "new password 1"), gen.ProblemCodeCodeWrong)
	}
	wantCode(t, f.reset(sent.Id, code, "new password 1"), gen.ProblemCodeExpired)
	b.clock.pass(2 * time.Minute)
	if sent, err = f.ask(f.p, f.captcha(), captchaDigits); err != nil {
		t.Fatal(err)
	}
	code, _ = b.ca.LatestSMS("10001")
	b.clock.pass(11 * time.Minute)
	wantCode(t, f.reset(sent.Id, code, "new password 1"), gen.ProblemCodeExpired)
	if _, err := f.sign("x", "old password 1"); err != nil {
		t.Fatal("the password that stands:", err)
	}
}

// TestM20_SpokenCaptcha is for those who cannot read the picture.
func TestM20_SpokenCaptcha(t *testing.T) {
	out, err := newBench(t).phone().api.CreateCaptcha(t.Context(), uuid.New(), gen.CaptchaRequest{
		Purpose: gen.CodePurposeRecovery, Form: gen.CaptchaFormAudio,
	})
	if err != nil || !bytes.HasPrefix(out.Content, []byte("RIFF")) || len(out.Content) < 8000 {
		t.Fatalf("%d bytes, %v", len(out.Content), err)
	}
}
