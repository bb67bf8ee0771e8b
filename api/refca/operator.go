package refca

import (
	"context"
	"errors"
	"time"

	"cloudkey/api"
	"cloudkey/api/gen"
	"cloudkey/api/refca/internal/store"
	"cloudkey/cosign"
)

// errNoSuch reports an operator's action on something that is not there or not in the state for it.
var errNoSuch = errors.New("refca: no such record, or not in a state for this")

// certificateAction is something an operator can do to a certificate on the QA page.
type certificateAction struct {
	Path string
	Name name
	do   func(*Server, context.Context, string) error
	from []gen.CredentialState
}

func certificateActions() []certificateAction {
	const active, suspended = gen.CredentialStateActive, gen.CredentialStateSuspended
	renewable := []gen.CredentialState{active, gen.CredentialStateExpired}
	return []certificateAction{
		{"unlock", name{"解锁", "Unlock"}, (*Server).Unlock, []gen.CredentialState{active}},
		{"renew", name{"更新", "Renew"}, (*Server).Renew, renewable},
		{"suspend", name{"挂起", "Suspend"}, (*Server).Suspend, []gen.CredentialState{active}},
		{"reinstate", name{"恢复", "Reinstate"}, (*Server).Reinstate, []gen.CredentialState{suspended}},
		{"revoke", name{"吊销", "Revoke"}, (*Server).Revoke, []gen.CredentialState{active, suspended}},
	}
}

// Unbind ends the binding of an account, for a user whose phone is lost.
func (s *Server) Unbind(ctx context.Context, account string) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		who, found, err := accounts.get(tx, account)
		if err == nil && (!found || who.BoundDevice == "") {
			err = errNoSuch
		}
		if err != nil {
			return err
		}
		who.BoundDevice, who.BoundSince = "", time.Time{}
		return errors.Join(accounts.put(tx, account, who), s.operated(tx, "operatorUnbind", account, "", ""))
	})
}

// Suspend takes a certificate out of use until Reinstate. serial is its serial number in hex.
func (s *Server) Suspend(ctx context.Context, serial string) error {
	return s.mark(ctx, "operatorSuspend", serial, func(c *certificate) bool {
		c.Suspended = s.now().UTC()
		return c.Revoked.IsZero()
	})
}

// Reinstate undoes Suspend.
func (s *Server) Reinstate(ctx context.Context, serial string) error {
	return s.mark(ctx, "operatorReinstate", serial, func(c *certificate) bool {
		was := !c.Suspended.IsZero()
		c.Suspended = time.Time{}
		return was && c.Revoked.IsZero()
	})
}

// Revoke ends a certificate for good. A signature that is being made at the moment is not released.
func (s *Server) Revoke(ctx context.Context, serial string) error {
	return s.mark(ctx, "operatorRevoke", serial, func(c *certificate) bool {
		if !c.Revoked.IsZero() {
			return false
		}
		c.Revoked = s.now().UTC()
		return true
	})
}

func (s *Server) mark(ctx context.Context, event, serial string, change func(*certificate) bool) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		c, found, err := certificates.get(tx, serial)
		if err == nil && (!found || !change(&c)) {
			err = errNoSuch
		}
		if err != nil {
			return err
		}
		// What befalls the key befalls the certificates that a renewal replaced, too.
		others, err := replaced(tx, c)
		for _, other := range others {
			if change(&other) {
				err = errors.Join(err, certificates.put(tx, other.Serial, other))
			}
		}
		return errors.Join(err, certificates.put(tx, serial, c), s.operated(tx, event, c.Account, c.KeyID, serial))
	})
}

// Unlock lifts the locks of a certificate's key and a freeze after a suspected clone, and sets its failures to zero.
func (s *Server) Unlock(ctx context.Context, serial string) error {
	var c certificate
	err := s.db.View(func(tx *store.Tx) (err error) {
		c, _, err = certificates.get(tx, serial)
		return err
	})
	if err != nil {
		return err
	}
	defer s.keyLocks.lock(c.KeyID)()
	return s.db.Update(ctx, func(tx *store.Tx) error {
		if tx.Get(guardBucket, c.KeyID) == nil {
			return errNoSuch
		}
		var guard *cosign.Guard
		guard, err := loadGuard(tx, c.KeyID)
		if err != nil {
			return err
		}
		guard.Unlock()
		guard.Unfreeze()
		return errors.Join(storeGuard(tx, c.KeyID, guard), s.operated(tx, "operatorUnlock", c.Account, c.KeyID, serial))
	})
}

func (s *Server) operated(tx *store.Tx, event, account, keyID, serial string) error {
	e := auditEntry{Event: event, Result: "ok", Account: account, KeyID: keyID, Time: s.now()}
	if serial != "" {
		e.Detail = detail("serial", serial)
	}
	return record(tx, e)
}

// PublishRelease offers a release of the app for a platform (GOOS), signed by the organisation; it replaces the one before.
// Signed of r is ignored.
func (s *Server) PublishRelease(ctx context.Context, platform string, r gen.Release) error {
	if !platformForm(platform) {
		return errors.New("refca: no such platform")
	}
	r.Published = utc(r.Published)
	signed, err := api.SignRelease(r, platform, s.pki.SignerKey(), s.pki.Signer.Raw, s.pki.TrustRoot.Raw)
	if err != nil {
		return err
	}
	r.Signed = signed
	return s.db.Update(ctx, func(tx *store.Tx) error { return releases.put(tx, platform, r) })
}
