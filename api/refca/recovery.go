package refca

import (
	"bytes"
	"crypto/hmac"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/dchest/captcha"
	"github.com/emmansun/gmsm/sm3"

	"cloudkey/api/gen"
	"cloudkey/api/refca/internal/store"
	"cloudkey/cosign"
)

const (
	captchaLife   = 5 * time.Minute
	captchaDigits = 6
	captchaWidth  = 240 // pixels
	captchaHeight = 80
)

// captchaRecord is a captcha that was not answered yet; any answer deletes it.
type captchaRecord struct {
	Device  string
	Purpose gen.CodePurpose
	MAC     []byte // of the digits
	Expires time.Time
}

// smsCode is the newest recovery code of a key.
type smsCode struct {
	ID, KeyID, Device, Account, Phone string
	MAC                               []byte // the code itself is in the outbox only
	Expires                           time.Time
	ResendAfter                       time.Time
	TriesLeft                         int
}

// CreateCaptcha draws six digits and shows or speaks them.
func (s *Server) CreateCaptcha(w http.ResponseWriter, r *http.Request, _ gen.CreateCaptchaParams) {
	change(s, w, r, "createCaptcha", func(c *call, in gen.CaptchaRequest) (reply, error) {
		if in.Purpose != gen.CodePurposeRecovery {
			return reply{}, invalid("purpose")
		}
		id, digits := randomID(), captcha.RandomDigits(captchaDigits)
		var shown io.WriterTo
		switch in.Form {
		case gen.CaptchaFormPicture:
			shown = captcha.NewImage(id, digits, captchaWidth, captchaHeight)
		case gen.CaptchaFormAudio:
			shown = captcha.NewAudio(id, digits, "zh")
		default:
			return reply{}, invalid("form")
		}
		var content bytes.Buffer
		if _, err := shown.WriteTo(&content); err != nil {
			return reply{}, err
		}
		for i := range digits {
			digits[i] += '0'
		}
		record := captchaRecord{
			Device: c.device.ID, Purpose: in.Purpose, MAC: s.recoveryMAC("captcha", id, digits), Expires: utc(c.now.Add(captchaLife)),
		}
		clear(digits)
		return c.commit(func(tx *store.Tx) (answerable, error) {
			err := allow(
				tx, c.now,
				rate{"captchaDevice", c.device.ID, s.limits.CaptchasPerDeviceHour, time.Hour},
				rate{"captchaAddress", c.address, s.limits.CaptchasPerAddressHour, time.Hour},
			)
			if err != nil {
				return nil, err
			}
			if err := captchas.put(tx, id, record); err != nil {
				return nil, err
			}
			return ok(gen.Captcha{Id: id, Content: content.Bytes(), Expires: record.Expires}), nil
		})
	})
}

// SendSmsCode puts a recovery code for the holder of a key into the outbox.
func (s *Server) SendSmsCode(w http.ResponseWriter, r *http.Request, _ gen.SendSmsCodeParams) {
	change(s, w, r, "sendSmsCode", func(c *call, in gen.SmsCodeRequest) (reply, error) {
		if in.Purpose != gen.CodePurposeRecovery {
			return reply{}, invalid("purpose")
		}
		return c.commit(func(tx *store.Tx) (answerable, error) {
			k, err := c.recoverable(tx, in.KeyId)
			if err != nil {
				return nil, err
			}
			human, err := c.answered(tx, in)
			if err != nil {
				return nil, err
			}
			if !human {
				p := newProblem(gen.ProblemCodeCaptchaWrong, "wrong, used or no longer valid")
				return p, c.audit(tx, auditEntry{Result: string(p.Code), Account: k.Account, KeyID: k.ID})
			}
			code, err := s.sendRecoveryCode(tx, c, k)
			if err != nil {
				return nil, err
			}
			body := gen.SmsCode{Id: code.ID, PhoneHint: maskPhone(code.Phone), Expires: code.Expires, ResendAfter: code.ResendAfter}
			return ok(body), c.audit(tx, auditEntry{Account: k.Account, KeyID: k.ID})
		})
	})
}

// recoverable returns a key of this device whose certificate can be used.
func (c *call) recoverable(tx *store.Tx, id string) (key, error) {
	k, err := c.ownKey(tx, id)
	if err != nil {
		return k, err
	}
	if k.Serial == "" {
		return k, conflict("the certificate was not issued yet")
	}
	return k, c.usable(tx, k)
}

// answered uses up the captcha and says whether the answer is right.
func (c *call) answered(tx *store.Tx, in gen.SmsCodeRequest) (bool, error) {
	record, found, err := captchas.get(tx, in.CaptchaId)
	if err != nil || !found || record.Device != c.device.ID {
		return false, err
	}
	right := hmac.Equal(record.MAC, c.s.recoveryMAC("captcha", in.CaptchaId, []byte(in.CaptchaAnswer)))
	return right && record.Purpose == in.Purpose && c.now.Before(record.Expires), captchas.delete(tx, in.CaptchaId)
}

func (s *Server) sendRecoveryCode(tx *store.Tx, c *call, k key) (smsCode, error) {
	before, found, err := smsCodes.get(tx, k.ID)
	if err != nil {
		return before, err
	}
	if wait := before.ResendAfter.Sub(c.now); found && wait > 0 {
		return before, rateLimited(wait)
	}
	err = allow(
		tx, c.now,
		rate{"smsAccount", k.Account, s.limits.SMSPerAccountHour, time.Hour},
		rate{"smsAccount", k.Account, s.limits.SMSPerAccountDay, 24 * time.Hour},
		rate{"smsDevice", c.device.ID, s.limits.SMSPerDeviceHour, time.Hour},
		rate{"smsAddress", c.address, s.limits.SMSPerAddressHour, time.Hour},
	)
	if err != nil {
		return before, err
	}
	who, _, err := accounts.get(tx, k.Account)
	if err != nil {
		return before, err
	}
	text, err := newCode()
	if err != nil {
		return before, err
	}
	code := smsCode{
		ID: randomID(), KeyID: k.ID, Device: c.device.ID, Account: k.Account, Phone: who.Phone, TriesLeft: codeTries,
		Expires: utc(c.now.Add(codeLife)), ResendAfter: utc(c.now.Add(resendPause)),
	}
	code.MAC = s.recoveryMAC("code", code.ID, []byte(text))
	m := message{
		Account: k.Account, Holder: who.Holder, Phone: who.Phone, Purpose: string(gen.CodePurposeRecovery), Code: text, Time: c.now.UTC(),
		Text: fmt.Sprintf("【%s】您正在找回云密钥证书密码，验证码 %s，%d 分钟内有效。如非本人操作，请勿告知他人并联系管理员。",
			s.organisation.Name, text, int(codeLife.Minutes())),
	}
	if err := messages.append(tx, m); err != nil {
		return code, err
	}
	return code, smsCodes.put(tx, k.ID, code)
}

// UnlockPassword answers R1 to whoever has the code. RefreshShare and CommitShare take the rest.
func (s *Server) UnlockPassword(w http.ResponseWriter, r *http.Request, _ gen.UnlockPasswordParams) {
	change(s, w, r, "unlockPassword", func(c *call, in gen.UnlockRequest) (reply, error) {
		defer clear(in.Code)
		var wrong bool
		out, err := c.prove(in, &wrong)
		if err != nil || wrong {
			return out, err
		}
		o := openSession{keyID: in.KeyId, purpose: string(gen.CodePurposeRecovery)}
		return c.begin(cosign.Recover, o, in.Message, func(held, *cosign.Session) error {
			return s.db.Update(c.ctx, func(tx *store.Tx) error {
				// Of two calls with the right code only one finds it.
				if _, err := c.smsCode(tx, in); err != nil {
					return err
				}
				if err := smsCodes.delete(tx, in.KeyId); err != nil {
					return err
				}
				k, err := c.recoverable(tx, in.KeyId)
				if err != nil {
					return err
				}
				return c.audit(tx, auditEntry{Account: k.Account, KeyID: k.ID})
			})
		})
	})
}

// prove compares the code and counts a wrong one.
func (c *call) prove(in gen.UnlockRequest, wrong *bool) (reply, error) {
	var code smsCode
	err := c.s.db.View(func(tx *store.Tx) (err error) {
		code, err = c.smsCode(tx, in)
		return err
	})
	if err != nil || hmac.Equal(code.MAC, c.s.recoveryMAC("code", code.ID, in.Code)) {
		return reply{}, err
	}
	*wrong = true
	return c.commit(func(tx *store.Tx) (answerable, error) {
		code, err := c.smsCode(tx, in)
		if err != nil {
			return nil, err
		}
		code.TriesLeft--
		if err := smsCodes.put(tx, in.KeyId, code); err != nil {
			return nil, err
		}
		p := newProblem(gen.ProblemCodeCodeWrong, "wrong code")
		p.AttemptsLeft = &code.TriesLeft
		return p, c.audit(tx, auditEntry{Result: string(p.Code), Account: code.Account, KeyID: in.KeyId})
	})
}

// smsCode returns the code of the key if this device may still try it and the number is still the account's.
func (c *call) smsCode(tx *store.Tx, in gen.UnlockRequest) (smsCode, error) {
	k, err := c.recoverable(tx, in.KeyId)
	if err != nil {
		return smsCode{}, err
	}
	code, found, err := smsCodes.get(tx, in.KeyId)
	if err != nil {
		return code, err
	}
	who, _, err := accounts.get(tx, k.Account)
	if err != nil {
		return code, err
	}
	if !found || code.ID != in.SmsCodeId || code.Device != c.device.ID || code.Phone != who.Phone || code.TriesLeft <= 0 ||
		!c.now.Before(code.Expires) {
		return code, newProblem(gen.ProblemCodeExpired, "the code is no longer valid")
	}
	return code, nil
}

// recoveryMAC keeps captchas and codes out of the records; keyed, because so few digits are soon tried through.
func (s *Server) recoveryMAC(kind, id string, answer []byte) []byte {
	h := hmac.New(sm3.New, s.decoy)
	fmt.Fprintf(h, "recovery %s\x00%s\x00", kind, id)
	h.Write(answer)
	return h.Sum(nil)
}
