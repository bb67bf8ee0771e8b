package refca

import (
	"crypto/hmac"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/big"
	"net/http"
	"time"

	"cloudkey/api/gen"
	"cloudkey/api/refca/internal/store"

	"github.com/emmansun/gmsm/sm3"
)

const (
	codeLife      = 10 * time.Minute
	codeTries     = 5
	resendPause   = time.Minute
	maxSent       = 3              // messages for one enrolment
	enrolmentLife = 24 * time.Hour // from the proof of the code to the certificate
)

// CreateEnrolment does the same work and writes as much for an account that does not exist.
func (s *Server) CreateEnrolment(w http.ResponseWriter, r *http.Request, _ gen.CreateEnrolmentParams) {
	change(s, w, r, "createEnrolment", func(c *call, in gen.EnrolmentRequest) (reply, error) {
		if !accountForm(in.Account) {
			return reply{}, invalid("account")
		}
		e := enrolment{ID: randomID(), Account: in.Account, Device: c.device.ID, Created: c.now}
		return c.commit(func(tx *store.Tx) (answerable, error) {
			who, known, err := accounts.get(tx, in.Account)
			if err != nil {
				return nil, err
			}
			e.Known = known
			if err := s.sendCode(tx, c, &e, who); err != nil {
				return nil, err
			}
			return s.enrolmentAnswer(e, who), nil
		})
	})
}

func (s *Server) ResendEnrolmentCode(w http.ResponseWriter, r *http.Request, id gen.EnrolmentId, _ gen.ResendEnrolmentCodeParams) {
	change(s, w, r, "resendEnrolmentCode", func(c *call, _ nothing) (reply, error) {
		return c.commit(func(tx *store.Tx) (answerable, error) {
			e, err := c.enrolment(tx, id)
			if err != nil {
				return nil, err
			}
			if !e.Verified.IsZero() {
				return nil, conflict("the code was proven already")
			}
			if wait := e.ResendAfter.Sub(c.now); wait > 0 {
				return nil, rateLimited(wait)
			}
			if e.Sent >= maxSent {
				return nil, newProblem(gen.ProblemCodeExpired, "no more messages for this enrolment")
			}
			who, _, err := accounts.get(tx, e.Account)
			if err != nil {
				return nil, err
			}
			if err := s.sendCode(tx, c, &e, who); err != nil {
				return nil, err
			}
			return s.enrolmentAnswer(e, who), nil
		})
	})
}

func (s *Server) VerifyEnrolment(w http.ResponseWriter, r *http.Request, id gen.EnrolmentId, _ gen.VerifyEnrolmentParams) {
	change(s, w, r, "verifyEnrolment", func(c *call, in gen.EnrolmentCode) (reply, error) {
		defer clear(in.Code)
		if len(in.Code) == 0 || len(in.Code) > 66 {
			return reply{}, invalid("code")
		}
		return c.commit(func(tx *store.Tx) (answerable, error) {
			e, err := c.enrolment(tx, id)
			if err != nil {
				return nil, err
			}
			if e.TriesLeft <= 0 || !c.now.Before(e.CodeExpires) || e.Done {
				return nil, newProblem(gen.ProblemCodeExpired, "the code is no longer valid")
			}
			right := hmac.Equal(s.codeMAC(e.ID, in.Code), e.CodeMAC)
			if !right || !e.Known {
				e.TriesLeft--
				p := newProblem(gen.ProblemCodeCodeWrong, "wrong code")
				p.AttemptsLeft = &e.TriesLeft
				if err := enrolments.put(tx, e.ID, e); err != nil {
					return nil, err
				}
				return p, c.audit(tx, auditEntry{Result: string(p.Code), Account: e.Account})
			}
			who, _, err := accounts.get(tx, e.Account)
			if err != nil {
				return nil, err
			}
			// Said only to someone who holds the code, so it tells a stranger nothing about the account.
			if who.BoundDevice != "" && who.BoundDevice != c.device.ID {
				p := newProblem(gen.ProblemCodeAlreadyBound, "the account is bound to another device")
				return p, c.audit(tx, auditEntry{Result: string(p.Code), Account: e.Account})
			}
			if e.Verified.IsZero() {
				e.Verified = c.now
			}
			if err := enrolments.put(tx, e.ID, e); err != nil {
				return nil, err
			}
			body := ok(gen.VerifiedEnrolment{Account: who.ID, Holder: who.Holder, Phone: maskPhone(who.Phone)})
			return body, c.audit(tx, auditEntry{Account: e.Account})
		})
	})
}

// enrolment returns the device's own enrolment. Another device's does not exist for it.
func (c *call) enrolment(tx *store.Tx, id string) (enrolment, error) {
	e, found, err := enrolments.get(tx, id)
	if err != nil {
		return e, err
	}
	if !found || e.Device != c.device.ID {
		return e, notFound("enrolment")
	}
	return e, nil
}

// verified returns the enrolment when its code was proven and its certificate is still to come.
func (c *call) verified(tx *store.Tx, id string) (enrolment, error) {
	e, err := c.enrolment(tx, id)
	switch {
	case err != nil:
		return e, err
	case e.Verified.IsZero():
		return e, conflict("the code was not proven yet")
	case e.Done:
		return e, conflict("its certificate was issued")
	case c.now.Sub(e.Verified) >= enrolmentLife:
		return e, newProblem(gen.ProblemCodeExpired, "enrolment")
	}
	return e, nil
}

// sendCode draws a code and puts the message into the outbox; for an unknown account into a bucket nobody looks at.
func (s *Server) sendCode(tx *store.Tx, c *call, e *enrolment, who account) error {
	l := s.limits
	err := allow(
		tx, c.now,
		rate{"smsAccount", e.Account, l.SMSPerAccountHour, time.Hour},
		rate{"smsAccount", e.Account, l.SMSPerAccountDay, 24 * time.Hour},
		rate{"smsDevice", c.device.ID, l.SMSPerDeviceHour, time.Hour},
		rate{"smsAddress", c.address, l.SMSPerAddressHour, time.Hour},
	)
	if err != nil {
		return err
	}
	code, err := newCode()
	if err != nil {
		return err
	}
	e.CodeMAC = s.codeMAC(e.ID, []byte(code))
	e.CodeExpires = utc(c.now.Add(codeLife))
	e.ResendAfter = utc(c.now.Add(resendPause))
	e.TriesLeft = codeTries
	e.Sent++
	text := fmt.Sprintf("【%s】您正在下载云密钥证书，短信密码 %s，%d 分钟内有效，同时是证书的首次密码。请勿告知他人。",
		s.organisation.Name, code, int(codeLife.Minutes()))
	m := message{
		Account: e.Account, Holder: who.Holder, Phone: who.Phone, Purpose: "enrolment", Text: text, Code: code, Time: c.now.UTC(),
	}
	to := messages
	if !e.Known {
		to = unsent
	}
	if err := to.append(tx, m); err != nil {
		return err
	}
	if err := enrolments.put(tx, e.ID, *e); err != nil {
		return err
	}
	return c.audit(tx, auditEntry{Account: e.Account})
}

func (s *Server) enrolmentAnswer(e enrolment, who account) answerable {
	phone := s.decoyPhone(e.Account)
	if e.Known {
		phone = who.Phone
	}
	return ok(gen.Enrolment{Id: e.ID, PhoneHint: maskPhone(phone), Expires: e.CodeExpires, ResendAfter: e.ResendAfter})
}

// decoyPhone is what an unknown account seems to have: always the same number, in the form of the real ones.
func (s *Server) decoyPhone(account string) string {
	h := hmac.New(sm3.New, s.decoy)
	h.Write([]byte(account))
	sum := h.Sum(nil)
	prefixes := []string{"130", "131", "135", "136", "137", "138", "139", "150", "151", "158", "159", "186", "187", "188"}
	prefix := prefixes[int(sum[0])%len(prefixes)]
	return fmt.Sprintf("%s%08d", prefix, binary.BigEndian.Uint32(sum[1:5])%100_000_000)
}

// codeMAC keeps codes out of the enrolment records. It is keyed, because eight digits are soon tried through.
func (s *Server) codeMAC(id string, code []byte) []byte {
	h := hmac.New(sm3.New, s.decoy)
	fmt.Fprintf(h, "enrolment code\x00%s\x00", id)
	h.Write(code)
	return h.Sum(nil)
}

// newCode draws eight digits.
func newCode() (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(100_000_000))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%08d", n), nil
}

// randomID is 128 random bits in base64url.
func randomID() string {
	b := make([]byte, 16)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// maskPhone keeps the first three and the last four digits.
func maskPhone(phone string) string {
	if len(phone) < 8 {
		return "****"
	}
	return phone[:3] + "****" + phone[len(phone)-4:]
}

// accountForm says whether the text can be an account: 1 to 64 characters, none of them a control character.
func accountForm(text string) bool { return displayName(text) }
