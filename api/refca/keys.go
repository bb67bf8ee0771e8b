package refca

import (
	"crypto/sha256"
	"errors"
	"net/http"
	"sync"
	"time"

	"cloudkey/api/gen"
	"cloudkey/api/refca/internal/pki"
	"cloudkey/api/refca/internal/store"
	"cloudkey/cosign"

	"github.com/emmansun/gmsm/smx509"
)

// keySessionLife bounds the time between KG1 and KG3.
const keySessionLife = 10 * time.Minute

// CreateKey answers KG1. What it makes is in memory until KG3: a restart in between costs the client a new key ID.
func (s *Server) CreateKey(w http.ResponseWriter, r *http.Request, _ gen.CreateKeyParams) {
	change(s, w, r, "createKey", func(c *call, in gen.KeyRequest) (reply, error) {
		var e enrolment
		h, err := cosign.ReadHeader(in.Message)
		if err != nil || h.Operation != cosign.Generate {
			return reply{}, invalid("not KG1")
		}
		err = s.db.View(func(tx *store.Tx) error {
			if e, err = c.verified(tx, in.EnrolmentId); err != nil {
				return err
			}
			_, taken, err := keys.get(tx, h.KeyID.String())
			if err == nil && taken {
				err = conflict("the key ID is taken")
			}
			return err
		})
		if err != nil {
			return reply{}, err
		}
		session, kg2, err := s.cosign.BeginKey(in.Message)
		if err != nil {
			return reply{}, refusal(err, cosign.GuardStatus{})
		}
		if !s.keySessions.put(session, e.ID, c.device.ID, c.now) {
			return reply{}, conflict("the key ID is taken")
		}
		return c.remember(ok(gen.MessageAnswer{Message: kg2}))
	})
}

// GetKey says how far a key has come.
func (s *Server) GetKey(w http.ResponseWriter, r *http.Request, id gen.KeyId) {
	read(s, w, r, "getKey", func(c *call, tx *store.Tx) (any, error) {
		k, found, err := keys.get(tx, id)
		if err != nil {
			return nil, err
		}
		if !found {
			if s.keySessions.has(id, c.device.ID, c.now) {
				return gen.Key{State: gen.KeyStatePending}, nil
			}
			return nil, notFound("key")
		}
		if k.Device != c.device.ID || !k.Removed.IsZero() {
			return nil, notFound("key")
		}
		state := gen.KeyStateConfirmed
		if k.Serial != "" {
			state = gen.KeyStateCertified
		}
		return gen.Key{State: state, PublicKey: k.PublicKey}, nil
	})
}

// ConfirmKey takes KG3 and makes the key durable before KG4 leaves.
func (s *Server) ConfirmKey(w http.ResponseWriter, r *http.Request, id gen.KeyId, _ gen.ConfirmKeyParams) {
	change(s, w, r, "confirmKey", func(c *call, in gen.Message) (reply, error) {
		defer s.keyLocks.lock(id)()
		var k key
		var found bool
		var share *cosign.ServerKey
		err := s.db.View(func(tx *store.Tx) (err error) {
			if k, found, err = keys.get(tx, id); err == nil && found && k.Removed.IsZero() && k.Device == c.device.ID {
				share, err = loadShare(tx, id)
			}
			return err
		})
		if err != nil {
			return reply{}, err
		}
		if found {
			if share == nil {
				return reply{}, notFound("key")
			}
			kg4, err := share.Reconfirm(in.Message)
			if err != nil {
				return reply{}, conflict("the key was confirmed with another message")
			}
			return c.remember(ok(gen.KeyConfirmation{Message: kg4, PublicKey: k.PublicKey}))
		}
		open := s.keySessions.take(id, c.device.ID, c.now)
		if open == nil {
			return reply{}, notFound("key")
		}
		share, guard, kg4, err := s.cosign.FinishKey(open.session, in.Message)
		if err != nil {
			p := refusal(err, cosign.GuardStatus{})
			return c.commit(func(tx *store.Tx) (answerable, error) {
				return p, c.audit(tx, auditEntry{KeyID: id, Result: string(p.Code), Detail: detail("reason", err.Error())})
			})
		}
		point, err := pki.Point(share.PublicKey())
		if err != nil {
			return reply{}, err
		}
		return c.commit(func(tx *store.Tx) (answerable, error) {
			e, err := c.verified(tx, open.enrolment)
			if err != nil {
				return nil, err
			}
			// A client that lost its key before the certificate makes another; the first has no use any more.
			if e.KeyID != "" {
				if err := removeKey(tx, e.KeyID, c.now); err != nil {
					return nil, err
				}
			}
			e.KeyID = id
			k := key{ID: id, Device: c.device.ID, Account: e.Account, Enrolment: e.ID, PublicKey: point, Created: c.now}
			err = errors.Join(
				enrolments.put(tx, e.ID, e), keys.put(tx, id, k), storeShare(tx, id, share), storeGuard(tx, id, guard),
				c.audit(tx, auditEntry{Account: e.Account, KeyID: id}),
			)
			return ok(gen.KeyConfirmation{Message: kg4, PublicKey: point}), err
		})
	})
}

// RequestCertificate issues the one certificate of a key.
func (s *Server) RequestCertificate(w http.ResponseWriter, r *http.Request, id gen.KeyId, _ gen.RequestCertificateParams) {
	change(s, w, r, "requestCertificate", func(c *call, in gen.CertificateRequest) (reply, error) {
		defer s.keyLocks.lock(id)()
		var k key
		var who account
		err := s.db.View(func(tx *store.Tx) (err error) {
			if k, err = c.ownKey(tx, id); err != nil {
				return err
			}
			who, _, err = accounts.get(tx, k.Account)
			return err
		})
		if err != nil {
			return reply{}, err
		}
		if _, err := pki.CheckRequest(in.Request, k.PublicKey); err != nil {
			p := invalid("the request is not one for this key")
			return c.commit(func(tx *store.Tx) (answerable, error) {
				return p, c.audit(tx, auditEntry{
					Account: k.Account, KeyID: id, Result: string(p.Code), Detail: detail("reason", err.Error()),
				})
			})
		}
		if k.Serial != "" {
			return c.commit(func(tx *store.Tx) (answerable, error) {
				cert, _, err := certificates.get(tx, k.Serial)
				return ok(gen.IssuedCertificate{Certificate: cert.DER, Chain: s.pki.Chain()}), err
			})
		}
		subject := pki.Subject{Organisation: s.organisation.Name, Unit: who.Unit, Holder: who.Holder, Account: who.ID}
		der, err := s.pki.Issue(in.Request, k.PublicKey, subject, c.now)
		if err != nil {
			return reply{}, err
		}
		parsed, err := smx509.ParseCertificate(der)
		if err != nil {
			return reply{}, err
		}
		serial := parsed.SerialNumber.Text(16)
		return c.commit(func(tx *store.Tx) (answerable, error) {
			e, err := c.verified(tx, k.Enrolment)
			if err != nil {
				return nil, err
			}
			e.Done = true
			k.Serial = serial
			cert := certificate{
				Serial: serial, KeyID: id, Account: k.Account, Holder: who.Holder, DER: der, Issued: c.now.UTC(),
				NotBefore: parsed.NotBefore, NotAfter: parsed.NotAfter,
			}
			err = errors.Join(
				enrolments.put(tx, e.ID, e), keys.put(tx, id, k), certificates.put(tx, serial, cert),
				c.audit(tx, auditEntry{Account: k.Account, KeyID: id, Detail: detail("serial", serial)}),
			)
			return ok(gen.IssuedCertificate{Certificate: der, Chain: s.pki.Chain()}), err
		})
	})
}

// ownKey returns a key in use on the calling device. Another device's key does not exist for it.
func (c *call) ownKey(tx *store.Tx, id string) (key, error) {
	k, found, err := keys.get(tx, id)
	if err != nil {
		return k, err
	}
	if !found || k.Device != c.device.ID || !k.Removed.IsZero() {
		return k, notFound("key")
	}
	return k, nil
}

// removeKey deletes the server's share: nothing can be signed with the key any more.
func removeKey(tx *store.Tx, id string, now time.Time) error {
	k, found, err := keys.get(tx, id)
	if err != nil || !found {
		return err
	}
	k.Removed = now.UTC()
	return errors.Join(keys.put(tx, id, k), tx.Delete(shareBucket, id), tx.Delete(guardBucket, id), inks.delete(tx, id), seals.delete(tx, id))
}

func loadShare(tx *store.Tx, id string) (*cosign.ServerKey, error) {
	raw := tx.Get(shareBucket, id)
	defer clear(raw)
	if raw == nil {
		return nil, notFound("key")
	}
	k := new(cosign.ServerKey)
	return k, k.UnmarshalBinary(raw)
}

func loadGuard(tx *store.Tx, id string) (*cosign.Guard, error) {
	raw := tx.Get(guardBucket, id)
	defer clear(raw)
	if raw == nil {
		return nil, notFound("key")
	}
	g := new(cosign.Guard)
	return g, g.UnmarshalBinary(raw)
}

func storeShare(tx *store.Tx, id string, k *cosign.ServerKey) error {
	raw, err := k.MarshalBinary()
	if err != nil {
		return err
	}
	defer clear(raw)
	return tx.Put(shareBucket, id, raw)
}

func storeGuard(tx *store.Tx, id string, g *cosign.Guard) error {
	raw, err := g.MarshalBinary()
	if err != nil {
		return err
	}
	defer clear(raw)
	return tx.Put(guardBucket, id, raw)
}

// keySessions are the key generations between KG2 and KG3: one for each key ID and for each enrolment.
type keySessions struct {
	mu sync.Mutex
	m  map[string]*keySession
}

type keySession struct {
	session           *cosign.KeySession
	enrolment, device string
	opened            time.Time
}

func newKeySessions() *keySessions { return &keySessions{m: map[string]*keySession{}} }

func (t *keySessions) put(session *cosign.KeySession, enrolment, device string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	id := session.KeyID().String()
	for other, o := range t.m {
		if o.enrolment == enrolment || now.Sub(o.opened) >= keySessionLife {
			delete(t.m, other)
		}
	}
	if t.m[id] != nil {
		return false
	}
	t.m[id] = &keySession{session, enrolment, device, now}
	return true
}

func (t *keySessions) has(id, device string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	o := t.m[id]
	return o != nil && o.device == device && now.Sub(o.opened) < keySessionLife
}

func (t *keySessions) take(id, device string, now time.Time) *keySession {
	t.mu.Lock()
	defer t.mu.Unlock()
	o := t.m[id]
	if o == nil || o.device != device || now.Sub(o.opened) >= keySessionLife {
		return nil
	}
	delete(t.m, id)
	return o
}

// locks lets one change of a key run at a time.
type locks struct {
	mu sync.Mutex
	m  map[string]*keyLock
}

type keyLock struct {
	mu    sync.Mutex
	users int
}

func newLocks() *locks { return &locks{m: map[string]*keyLock{}} }

// lock returns the function that unlocks.
func (l *locks) lock(name string) (unlock func()) {
	l.mu.Lock()
	k := l.m[name]
	if k == nil {
		k = new(keyLock)
		l.m[name] = k
	}
	k.users++
	l.mu.Unlock()
	k.mu.Lock()
	return func() {
		k.mu.Unlock()
		l.mu.Lock()
		defer l.mu.Unlock()
		if k.users--; k.users == 0 {
			delete(l.m, name)
		}
	}
}

func detail(pairs ...string) map[string]string {
	m := make(map[string]string, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m
}

// bodySum is the SHA-256 that idempotency keys and tokens compare bodies by.
func bodySum(body []byte) [sha256.Size]byte { return sha256.Sum256(body) }
