package refca

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"cloudkey/api"
	"cloudkey/api/gen"
	"cloudkey/api/refca/internal/store"
	"cloudkey/cosign"

	"github.com/emmansun/gmsm/sm2"
)

// BeginSignature answers S1 after checking that the digests fit the purpose.
func (s *Server) BeginSignature(w http.ResponseWriter, r *http.Request, _ gen.BeginSignatureParams) {
	change(s, w, r, "beginSignature", func(c *call, in gen.SignatureRequest) (reply, error) {
		o := openSession{
			keyID: in.KeyId, purpose: string(in.Purpose), operation: in.Operation, contentDigest: in.ContentDigest,
			documents: in.Documents,
		}
		if err := signatureForm(in); err != nil {
			return reply{}, err
		}
		return c.begin(cosign.Sign, o, in.Message, func(h held, session *cosign.Session) error {
			return c.checkPurpose(in, h, session.Digests())
		})
	})
}

// FinishSignature takes S3.
func (s *Server) FinishSignature(w http.ResponseWriter, r *http.Request, sid gen.Sid, _ gen.FinishSignatureParams) {
	change(s, w, r, "finishSignature", func(c *call, in gen.Message) (reply, error) {
		return c.attempt(sid, "", in.Message, func(tx *store.Tx, o openSession, answer []byte) (answerable, error) {
			out := gen.SignatureResult{Message: answer}
			if o.purpose == string(gen.SignaturePurposeAuthenticate) {
				var err error
				out.Authorization, err = newToken(tx, token{
					Device: c.device.ID, KeyID: o.keyID, Operation: o.operation, ContentDigest: o.contentDigest,
					Expires: c.now.Add(tokenLife),
				})
				if err != nil {
					return nil, err
				}
			}
			return ok(out), nil
		})
	})
}

// ResumeKey answers U1: what became of an unanswered session.
func (s *Server) ResumeKey(w http.ResponseWriter, r *http.Request, id gen.KeyId, _ gen.ResumeKeyParams) {
	change(s, w, r, "resumeKey", func(c *call, in gen.Message) (reply, error) {
		defer s.keyLocks.lock(id)()
		var h held
		err := s.db.View(func(tx *store.Tx) (err error) {
			h, err = c.hold(tx, id)
			return err
		})
		if err != nil {
			return reply{}, err
		}
		answer, err := s.cosign.Resume(h.share, h.guard, in.Message)
		if err != nil {
			return reply{}, refusal(err, h.guard.Status(c.now))
		}
		out, err := c.commit(func(tx *store.Tx) (answerable, error) {
			if _, err := c.ownKey(tx, id); err != nil {
				return nil, err
			}
			err := errors.Join(
				c.usable(tx, h.key), storeGuard(tx, id, h.guard), storeShare(tx, id, h.share),
				c.audit(tx, auditEntry{Account: h.key.Account, KeyID: id}),
			)
			return ok(gen.MessageAnswer{Message: answer}), err
		})
		if err == nil {
			s.sessions.Drop(h.share.KeyID())
		}
		return out, err
	})
}

// signatureForm checks what the generated types leave open.
func signatureForm(in gen.SignatureRequest) error {
	authenticate := in.Purpose == gen.SignaturePurposeAuthenticate
	switch {
	case !in.Purpose.Valid():
		return invalid("purpose")
	case authenticate && !asksForToken(in.Operation):
		return invalid("operation does not take a token")
	case authenticate && len(in.Nonce) != 16:
		return invalid("nonce")
	case len(in.ContentDigest) != 0 && len(in.ContentDigest) != 32:
		return invalid("contentDigest")
	case !authenticate && (in.Operation != "" || in.Nonce != nil || in.ContentDigest != nil):
		return invalid("operation, nonce and contentDigest go with authenticate")
	case in.Purpose != gen.SignaturePurposeSign && len(in.Documents) > 0:
		return invalid("documents go with sign")
	case len(in.Documents) > 100:
		return invalid("documents")
	}
	for _, d := range in.Documents {
		if n := utf8.RuneCountInString(d.Name); n == 0 || n > 255 || strings.ContainsFunc(d.Name, isControl) || d.Size < 0 ||
			len(d.Digest) != 32 {
			return invalid("documents")
		}
	}
	return nil
}

// checkPurpose decides whether the key may be used for the purpose now, and whether the digests belong to it.
func (c *call) checkPurpose(in gen.SignatureRequest, h held, digests [][]byte) error {
	if in.Purpose == gen.SignaturePurposeCertificateRequest {
		if h.key.Serial != "" || len(digests) != 1 {
			return conflict("the certificate was issued")
		}
		return nil
	}
	if h.share.Initial() {
		return newProblem(gen.ProblemCodeMustChangePassword, "the first password was not changed")
	}
	if h.key.Serial == "" {
		return conflict("the key has no certificate yet")
	}
	if err := c.current(h.key.Serial); err != nil {
		return err
	}
	if in.Purpose == gen.SignaturePurposeSign {
		if len(in.Documents) > 0 && len(in.Documents) != len(digests) {
			return invalid("one document for each digest")
		}
		return nil
	}
	statement, err := api.AuthStatement{
		Operation: in.Operation, KeyID: in.KeyId, DeviceID: c.device.ID, Nonce: in.Nonce, ContentDigest: in.ContentDigest,
	}.Bytes()
	if err != nil {
		return invalid("statement")
	}
	e, err := sm2.CalculateSM2Hash(h.share.PublicKey(), statement, nil)
	if err != nil {
		return err
	}
	if len(digests) != 1 || !bytes.Equal(e, digests[0]) {
		return invalid("the digest is not that of the statement")
	}
	return nil
}

// current refuses a certificate outside its validity.
func (c *call) current(serial string) error {
	return c.s.db.View(func(tx *store.Tx) error {
		cert, _, err := certificates.get(tx, serial)
		if err == nil && (c.now.Before(cert.NotBefore) || !c.now.Before(cert.NotAfter)) {
			err = newProblem(gen.ProblemCodeExpired, "certificate")
		}
		return err
	})
}
