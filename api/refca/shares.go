package refca

import (
	"net/http"

	"cloudkey/api/gen"
	"cloudkey/api/refca/internal/store"
	"cloudkey/cosign"
)

// purposeRefresh stands in audit entries beside the contract's purposes of signatures.
const purposeRefresh = "refresh"

// BeginShareRefresh answers F1.
func (s *Server) BeginShareRefresh(w http.ResponseWriter, r *http.Request, _ gen.BeginShareRefreshParams) {
	change(s, w, r, "beginShareRefresh", func(c *call, in gen.ShareMessage) (reply, error) {
		o := openSession{keyID: in.KeyId, purpose: purposeRefresh}
		return c.begin(cosign.Refresh, o, in.Message, func(held, *cosign.Session) error { return nil })
	})
}

// RefreshShare takes F3: the old share is proven, the new one pending.
func (s *Server) RefreshShare(w http.ResponseWriter, r *http.Request, sid gen.Sid, _ gen.RefreshShareParams) {
	change(s, w, r, "refreshShare", func(c *call, in gen.ShareMessage) (reply, error) {
		return c.attempt(sid, in.KeyId, in.Message, shareAnswer)
	})
}

// CommitShare takes F5: the new share is proven and the old one ends.
func (s *Server) CommitShare(w http.ResponseWriter, r *http.Request, sid gen.Sid, _ gen.CommitShareParams) {
	change(s, w, r, "commitShare", func(c *call, in gen.ShareMessage) (reply, error) {
		return c.attempt(sid, in.KeyId, in.Message, shareAnswer)
	})
}

func shareAnswer(_ *store.Tx, _ openSession, answer []byte) (answerable, error) {
	return ok(gen.MessageAnswer{Message: answer}), nil
}
