package refca

import (
	"context"
	"crypto/ecdsa"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"cloudkey/api"
	"cloudkey/api/gen"
	"cloudkey/api/refca/internal/store"
)

// authenticate checks the device signature of a request and makes its call.
func (s *Server) authenticate(r *http.Request, op, trace string) (*call, error) {
	c, err := s.newCall(r, op, trace)
	if err != nil {
		return nil, err
	}
	id, err := s.verifier.Verify(r)
	if err != nil {
		return nil, s.verifierError(err)
	}
	err = s.db.View(func(tx *store.Tx) (err error) {
		c.device, _, err = devices.get(tx, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return c, c.readBody(r)
}

func (s *Server) newCall(r *http.Request, op, trace string) (*call, error) {
	c := &call{s: s, ctx: r.Context(), op: op, path: r.URL.RequestURI(), address: peer(r), now: s.now(), trace: trace}
	if header := r.Header.Get("Authorization"); header != "" {
		scheme, text, found := strings.Cut(header, " ")
		if !found || !strings.EqualFold(scheme, "Bearer") || len(text) > 512 {
			return nil, newProblem(gen.ProblemCodeAuthorizationInvalid, "Authorization is not a bearer token")
		}
		c.bearer = text
	}
	return c, nil
}

// readBody takes the body that the verifier has bounded, read and put back.
func (c *call) readBody(r *http.Request) error {
	if r.Body == nil {
		c.bodySum = bodySum(nil)
		return nil
	}
	var err error
	c.body, err = io.ReadAll(io.LimitReader(r.Body, api.MaxRequest))
	c.bodySum = bodySum(c.body)
	return err
}

// verifierError turns the refusals of package api into this package's.
func (s *Server) verifierError(err error) error {
	var p *api.Problem
	if errors.As(err, &p) {
		return &problem{p.Document()}
	}
	return err
}

func (s *Server) deviceKey(_ context.Context, id string) (*ecdsa.PublicKey, error) {
	var d device
	var found bool
	err := s.db.View(func(tx *store.Tx) (err error) {
		d, found, err = devices.get(tx, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, api.ErrUnknownDevice
	}
	return api.ParseDevicePublicKey(d.PublicKey)
}

// nonces remembers what devices used, in memory and in the store. A nonce is written before or with the change that its
// request makes, so a replay after a restart finds it.
type nonces struct {
	db  *store.Store
	now func() time.Time

	mu    sync.Mutex
	until map[string]time.Time
	// floor is the latest end of validity that was ever forgotten. What ends before it is refused, so that setting the clock
	// back revives no forgotten nonce.
	floor time.Time
}

const nonceFloor = "nonceFloor"

func openNonces(db *store.Store, now func() time.Time) (*nonces, error) {
	n := &nonces{db: db, now: now, until: map[string]time.Time{}}
	return n, db.View(func(tx *store.Tx) error {
		for k, v := range tx.All(nonceBucket, "") {
			n.until[k] = decodeTime(v)
		}
		if v := tx.Get(metaBucket, nonceFloor); v != nil {
			n.floor = decodeTime(v)
		}
		return nil
	})
}

// Use implements api.Nonces.
func (n *nonces) Use(_ context.Context, deviceID, nonce string, until time.Time) (bool, error) {
	k := deviceID + "/" + nonce
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, used := n.until[k]; used || !until.After(n.floor) {
		return false, nil
	}
	n.until[k] = until
	return true, n.db.Later(func(tx *store.Tx) error { return tx.Put(nonceBucket, k, encodeTime(until)) })
}

// purge forgets the nonces whose signatures are stale by now.
func (n *nonces) purge() error {
	now := n.now()
	n.mu.Lock()
	defer n.mu.Unlock()
	var gone []string
	floor := n.floor
	for k, until := range n.until {
		if until.Before(now) {
			gone = append(gone, k)
			if until.After(floor) {
				floor = until
			}
		}
	}
	if len(gone) == 0 {
		return nil
	}
	n.floor = floor
	for _, k := range gone {
		delete(n.until, k)
	}
	return n.db.Later(func(tx *store.Tx) error {
		for _, k := range gone {
			if err := tx.Delete(nonceBucket, k); err != nil {
				return err
			}
		}
		return tx.Put(metaBucket, nonceFloor, encodeTime(floor))
	})
}

func encodeTime(t time.Time) []byte { return binary.BigEndian.AppendUint64(nil, uint64(t.Unix())) }

func decodeTime(b []byte) time.Time {
	if len(b) != 8 {
		return time.Time{}
	}
	return time.Unix(int64(binary.BigEndian.Uint64(b)), 0)
}
