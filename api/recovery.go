package api

import (
	"context"
	"io"
	"net/http"

	"github.com/google/uuid"

	"cloudkey/api/gen"
)

// CreateCaptcha asks for a picture or a recording of digits.
func (c *Client) CreateCaptcha(ctx context.Context, key uuid.UUID, body gen.CaptchaRequest) (gen.Captcha, error) {
	return change[gen.Captcha](ctx, c, "", body, func(r io.Reader) (*http.Request, error) {
		return gen.NewCreateCaptchaRequestWithBody(c.server, &gen.CreateCaptchaParams{IdempotencyKey: key}, contentJSON, r)
	})
}

// SendSmsCode asks for a code on the phone of a key's account.
func (c *Client) SendSmsCode(ctx context.Context, key uuid.UUID, body gen.SmsCodeRequest) (gen.SmsCode, error) {
	return change[gen.SmsCode](ctx, c, "", body, func(r io.Reader) (*http.Request, error) {
		return gen.NewSendSmsCodeRequestWithBody(c.server, &gen.SendSmsCodeParams{IdempotencyKey: key}, contentJSON, r)
	})
}

// UnlockPassword sends the SMS code with R1 and returns the session with R2; RefreshShare and CommitShare follow.
func (c *Client) UnlockPassword(ctx context.Context, key uuid.UUID, body gen.UnlockRequest) (gen.Session, error) {
	return change[gen.Session](ctx, c, "", body, func(r io.Reader) (*http.Request, error) {
		return gen.NewUnlockPasswordRequestWithBody(c.server, &gen.UnlockPasswordParams{IdempotencyKey: key}, contentJSON, r)
	})
}
