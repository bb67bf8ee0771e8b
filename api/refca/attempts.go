package refca

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"cloudkey/api/gen"
	"cloudkey/api/refca/internal/store"
	"cloudkey/cosign"
)

// sessionLife is how long an open two-party session waits for its next message; maxSessions is how many may wait.
const (
	sessionLife = 5 * time.Minute
	maxSessions = 10_000
)

// held is a key with its two-party records, loaded under the key's lock.
type held struct {
	key   key
	share *cosign.ServerKey
	guard *cosign.Guard
}

// hold loads a key of the calling device for a two-party step: not removed, not revoked, not bound elsewhere.
func (c *call) hold(tx *store.Tx, id string) (held, error) {
	k, err := c.ownKey(tx, id)
	if err != nil {
		return held{}, err
	}
	h := held{key: k}
	if h.share, err = loadShare(tx, id); err != nil {
		return held{}, err
	}
	if h.guard, err = loadGuard(tx, id); err != nil {
		return held{}, err
	}
	return h, c.usable(tx, k)
}

// usable refuses keys whose certificate is revoked or suspended, and accounts bound to another device.
func (c *call) usable(tx *store.Tx, k key) error {
	who, _, err := accounts.get(tx, k.Account)
	if err != nil {
		return err
	}
	if who.BoundDevice != "" && who.BoundDevice != c.device.ID {
		return newProblem(gen.ProblemCodeDeviceNotBound, "the account is bound to another device")
	}
	if k.Serial == "" {
		return nil
	}
	cert, _, err := certificates.get(tx, k.Serial)
	if err == nil && (!cert.Revoked.IsZero() || !cert.Suspended.IsZero()) {
		err = conflict("the certificate is revoked or suspended")
	}
	return err
}

// openSession is what the server remembers of an open two-party session besides cosign's own state. In memory only.
type openSession struct {
	keyID, device string
	purpose       string // of the contract's SignaturePurpose, or refresh
	operation     string // with authenticate
	contentDigest []byte
	documents     []gen.Document
	opened        time.Time
}

// openSessions holds them by session ID: one for each key.
type openSessions struct {
	mu sync.Mutex
	m  map[cosign.SessionID]openSession
}

func newOpenSessions() *openSessions { return &openSessions{m: map[cosign.SessionID]openSession{}} }

func (t *openSessions) put(id cosign.SessionID, o openSession) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.m[id] = o
}

// get returns the device's own session.
func (t *openSessions) get(id cosign.SessionID, device string) (openSession, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	o, found := t.m[id]
	return o, found && o.device == device
}

func (t *openSessions) purge(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, o := range t.m {
		if now.Sub(o.opened) >= sessionLife {
			delete(t.m, id)
		}
	}
}

func (t *openSessions) drop(id cosign.SessionID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.m, id)
}

// begin answers the first message of a session. It writes nothing: the session, its nonce and this answer are in memory.
func (c *call) begin(op cosign.Operation, o openSession, msg []byte, check func(held, *cosign.Session) error) (reply, error) {
	defer c.s.keyLocks.lock(o.keyID)()
	var h held
	err := c.s.db.View(func(tx *store.Tx) (err error) {
		h, err = c.hold(tx, o.keyID)
		return err
	})
	if err != nil {
		return reply{}, err
	}
	header, err := cosign.ReadHeader(msg)
	if err != nil || header.KeyID.String() != o.keyID {
		return reply{}, invalid("message is for another key")
	}
	session, answer, err := c.s.cosign.Begin(op, h.share, h.guard, msg, c.now)
	if err != nil {
		return reply{}, refusal(err, h.guard.Status(c.now))
	}
	if err := check(h, session); err != nil {
		return reply{}, err
	}
	if err := c.s.sessions.Put(session, c.now); err != nil {
		return reply{}, rateLimited(time.Second)
	}
	o.device, o.opened = c.device.ID, c.now
	c.s.open.put(session.ID(), o)
	return c.remember(ok(gen.Session{Sid: session.ID().String(), Message: answer}))
}

// attempt takes a sealed message. The attempt is durable before the share is evaluated; verdict, audit entry, token and
// answer are durable, in one transaction, before anything leaves.
func (c *call) attempt(sid, keyID string, msg []byte, finished func(tx *store.Tx, o openSession, answer []byte) (answerable, error)) (reply, error) {
	id, err := cosign.ParseSessionID(sid)
	if err != nil {
		return reply{}, notFound("session")
	}
	o, found := c.s.open.get(id, c.device.ID)
	if !found || keyID != "" && o.keyID != keyID {
		return reply{}, notFound("session")
	}
	defer c.s.keyLocks.lock(o.keyID)()
	var h held
	err = c.s.db.View(func(tx *store.Tx) (err error) {
		h, err = c.hold(tx, o.keyID)
		return err
	})
	if err != nil {
		return reply{}, err
	}
	session, err := c.s.sessions.Take(id, c.now)
	if err != nil {
		return reply{}, refusal(err, cosign.GuardStatus{})
	}
	a, err := c.s.cosign.Accept(h.share, h.guard, session, msg, c.now)
	if err != nil {
		// Nothing was used: whoever sent it must not end the session of the right one.
		var malformed *cosign.MessageError
		if errors.Is(err, cosign.ErrSeal) || errors.Is(err, cosign.ErrDevice) || errors.As(err, &malformed) {
			c.s.sessions.Return(session, c.now)
		}
		return reply{}, refusal(err, h.guard.Status(c.now))
	}
	err = c.s.db.Update(c.ctx, func(tx *store.Tx) error {
		if _, err := c.ownKey(tx, o.keyID); err != nil {
			return err
		}
		if err := c.usable(tx, h.key); err != nil {
			return err
		}
		return storeGuard(tx, o.keyID, h.guard)
	})
	if err != nil {
		return reply{}, err
	}
	c.s.hooks.reserved(o.keyID)
	a.Evaluate()
	result, err := a.Settle(h.share, h.guard, c.now)
	if err != nil {
		return reply{}, refusal(err, h.guard.Status(c.now))
	}
	out, err := c.commit(func(tx *store.Tx) (answerable, error) {
		if err := c.settle(tx, h, result); err != nil {
			return nil, err
		}
		var refused *problem
		if result.Err != nil {
			refused = refusal(result.Err, result.Status)
			refused.Message = result.Answer
		} else if err := c.usable(tx, h.key); errors.As(err, &refused) {
			refused.Detail += "; it ended while this was signed"
		} else if err != nil {
			return nil, err
		}
		e := auditEntry{Account: h.key.Account, KeyID: o.keyID, Detail: o.auditDetail(sid, session)}
		if refused != nil {
			e.Result = string(refused.Code)
			return refused, c.audit(tx, e)
		}
		if err := c.audit(tx, e); err != nil {
			return nil, err
		}
		return finished(tx, o, result.Answer)
	})
	c.s.open.drop(id)
	if err == nil && result.Next != nil {
		if err := c.s.sessions.Put(result.Next, c.now); err == nil {
			o.opened = c.now
			c.s.open.put(result.Next.ID(), o)
		}
	}
	return out, err
}

// settle stores what an attempt changed, unless the key was removed meanwhile.
func (c *call) settle(tx *store.Tx, h held, result *cosign.Result) error {
	if _, err := c.ownKey(tx, h.key.ID); err != nil {
		return err
	}
	if err := storeGuard(tx, h.key.ID, h.guard); err != nil {
		return err
	}
	if !result.KeyChanged {
		return nil
	}
	return storeShare(tx, h.key.ID, h.share)
}

func (o openSession) auditDetail(sid string, session *cosign.Session) map[string]string {
	m := detail("sid", sid, "purpose", o.purpose)
	if o.operation != "" {
		m["operation"] = o.operation
	}
	if session.Operation() == cosign.Sign {
		m["digests"] = hexList(session.Digests())
	}
	if len(o.documents) > 0 {
		var names, sums []string
		for _, d := range o.documents {
			names = append(names, d.Name)
			sums = append(sums, hexList([][]byte{d.Digest}))
		}
		m["documents"], m["documentDigests"] = joinLines(names), joinLines(sums)
	}
	return m
}

// refusal is the contract's word for an error of the protocol.
func refusal(err error, status cosign.GuardStatus) *problem {
	var pin *cosign.PINError
	var locked *cosign.LockedError
	switch {
	case errors.As(err, &pin) && !pin.Locked:
		p := newProblem(gen.ProblemCodePinWrong, "the password is wrong")
		p.AttemptsLeft = &pin.AttemptsLeft
		return p
	case errors.As(err, &pin): // this attempt locked the key
		p := newProblem(gen.ProblemCodePinLocked, "the password is wrong; the key is locked now")
		p.AttemptsLeft, p.LockedUntil = new(int), lockTime(pin.LockedUntil)
		return p
	case errors.As(err, &locked):
		p := newProblem(gen.ProblemCodePinLocked, "the key is locked")
		p.LockedUntil = lockTime(locked.Until)
		return p
	case errors.Is(err, cosign.ErrCloneSuspected):
		return newProblem(gen.ProblemCodeCloneSuspected, "the key is frozen")
	case errors.Is(err, cosign.ErrDevice):
		return newProblem(gen.ProblemCodeBadSignature, "not the device that holds this share")
	case errors.Is(err, cosign.ErrBusy):
		p := conflict("an earlier session of this key is not settled")
		p.RetryAfter = 1
		return p
	case errors.Is(err, cosign.ErrEpoch), errors.Is(err, cosign.ErrStale):
		return conflict("share of another epoch")
	case errors.Is(err, cosign.ErrConflict), errors.Is(err, cosign.ErrUsed):
		return conflict("the step does not fit the state of the key")
	case errors.Is(err, cosign.ErrFailed):
		return newProblem(gen.ProblemCodeInternal, "the result did not verify; nothing was counted")
	case errors.Is(err, cosign.ErrSession):
		return notFound("session")
	case errors.Is(err, cosign.ErrViolation):
		p := invalid("protocol violation; counted as an attempt")
		left := status.AttemptsLeft
		p.AttemptsLeft, p.LockedUntil = &left, lockTime(status.LockedUntil)
		return p
	}
	return invalid("message refused")
}

// lockTime is rounded up, so that a client that waits until then is not too early.
func lockTime(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(time.Second - 1).UTC().Truncate(time.Second)
}

// abandon ends the attempts that an earlier process had reserved and did not settle. They stay counted.
func (s *Server) abandon(ctx context.Context) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		for id, before := range tx.All(guardBucket, "") {
			guard := new(cosign.Guard)
			if err := guard.UnmarshalBinary(before); err != nil {
				return fmt.Errorf("refca: guard %s: %w", id, err)
			}
			guard.Abandon()
			after, err := guard.MarshalBinary()
			if err != nil {
				return err
			}
			if !bytes.Equal(before, after) {
				if err := tx.Put(guardBucket, id, after); err != nil {
					return err
				}
			}
			clear(before)
			clear(after)
		}
		return nil
	})
}
