package refca

import (
	"errors"
	"net/http"

	"cloudkey/api/gen"
	"cloudkey/api/refca/internal/store"
)

// ListCredentials lists the certificates of the calling device.
func (s *Server) ListCredentials(w http.ResponseWriter, r *http.Request) {
	read(s, w, r, "listCredentials", func(c *call, tx *store.Tx) (any, error) {
		list := gen.CredentialList{Credentials: []gen.Credential{}}
		var err error
		for _, k := range keys.all(tx, "", &err) {
			if k.Device != c.device.ID || !k.Removed.IsZero() || k.Serial == "" {
				continue
			}
			credential, err := c.credential(tx, k)
			if err != nil {
				return nil, err
			}
			if list.Credentials = append(list.Credentials, credential); len(list.Credentials) == 1000 {
				break
			}
		}
		return list, err
	})
}

// GetCredential returns one of them.
func (s *Server) GetCredential(w http.ResponseWriter, r *http.Request, id gen.KeyId) {
	read(s, w, r, "getCredential", func(c *call, tx *store.Tx) (any, error) {
		k, err := c.certified(tx, id)
		if err != nil {
			return nil, err
		}
		return c.credential(tx, k)
	})
}

// GetCredentialStatus returns what it may be used for now.
func (s *Server) GetCredentialStatus(w http.ResponseWriter, r *http.Request, id gen.KeyId) {
	read(s, w, r, "getCredentialStatus", func(c *call, tx *store.Tx) (any, error) {
		k, err := c.certified(tx, id)
		if err != nil {
			return nil, err
		}
		credential, err := c.credential(tx, k)
		return credential.Status, err
	})
}

// RemoveCredentialFromDevice deletes the server's share and revokes the certificate, whose key nobody can use any more. The
// binding of the account ends with its last key on the device.
func (s *Server) RemoveCredentialFromDevice(w http.ResponseWriter, r *http.Request, id gen.KeyId, _ gen.RemoveCredentialFromDeviceParams) {
	change(s, w, r, "removeCredentialFromDevice", func(c *call, _ nothing) (reply, error) {
		defer s.keyLocks.lock(id)()
		return c.commit(func(tx *store.Tx) (answerable, error) {
			k, found, err := keys.get(tx, id)
			if err != nil {
				return nil, err
			}
			if !found || k.Device != c.device.ID {
				return nil, notFound("key")
			}
			if !k.Removed.IsZero() {
				return ok(nil), nil
			}
			if err := removeKey(tx, id, c.now); err != nil {
				return nil, err
			}
			if k.Serial != "" {
				cert, _, err := certificates.get(tx, k.Serial)
				if err != nil {
					return nil, err
				}
				all, err := replaced(tx, cert)
				if err != nil {
					return nil, err
				}
				for _, cert := range append(all, cert) {
					if cert.Revoked.IsZero() {
						cert.Revoked = c.now.UTC()
					}
					if err := certificates.put(tx, cert.Serial, cert); err != nil {
						return nil, err
					}
				}
			}
			if err := c.releaseBinding(tx, k.Account); err != nil {
				return nil, err
			}
			return ok(nil), c.audit(tx, auditEntry{Account: k.Account, KeyID: id})
		})
	})
}

// releaseBinding ends the binding to the calling device when it holds no key of the account any more.
func (c *call) releaseBinding(tx *store.Tx, accountID string) error {
	who, found, err := accounts.get(tx, accountID)
	if err != nil || !found || who.BoundDevice != c.device.ID {
		return err
	}
	for _, k := range keys.all(tx, "", &err) {
		if k.Account == accountID && k.Device == c.device.ID && k.Removed.IsZero() {
			return err
		}
	}
	who.BoundDevice = ""
	return errors.Join(err, accounts.put(tx, accountID, who))
}

func (c *call) certified(tx *store.Tx, id string) (key, error) {
	k, err := c.ownKey(tx, id)
	if err == nil && k.Serial == "" {
		err = notFound("certificate")
	}
	return k, err
}

func (c *call) credential(tx *store.Tx, k key) (out gen.Credential, err error) {
	cert, _, err := certificates.get(tx, k.Serial)
	if err != nil {
		return out, err
	}
	who, _, err := accounts.get(tx, k.Account)
	if err != nil {
		return out, err
	}
	share, err := loadShare(tx, k.ID)
	if err != nil {
		return out, err
	}
	guard, err := loadGuard(tx, k.ID)
	if err != nil {
		return out, err
	}
	lock := guard.Status(c.now)
	status := gen.CredentialStatus{
		State: cert.state(c.now), MustChangePassword: share.Initial(), Bound: who.BoundDevice == c.device.ID,
		Locked: lock.Locked || lock.Frozen, LockedUntil: lockTime(lock.LockedUntil),
	}
	switch status.State {
	case gen.CredentialStateRevoked:
		status.Since = utc(cert.Revoked)
	case gen.CredentialStateSuspended:
		status.Since = utc(cert.Suspended)
	}
	return gen.Credential{
		KeyId: k.ID, Account: k.Account, Holder: cert.Holder, Phone: maskPhone(who.Phone), Certificate: cert.DER,
		Chain: c.s.pki.Chain(), Status: status,
	}, nil
}
