package cosign

import (
	"sync"
	"time"
)

// Sessions keeps the open sessions of a server process: at most one per share, each taken once, none ever written down.
// After a restart all are gone, and clients begin anew. Safe for concurrent use.
type Sessions struct {
	mu    sync.Mutex
	life  time.Duration
	max   int
	byID  map[SessionID]openSession
	byKey map[KeyID]SessionID
}

type openSession struct {
	session *Session
	until   time.Time
}

// NewSessions keeps each session for at most life, and at most max of them.
func NewSessions(life time.Duration, max int) *Sessions {
	return &Sessions{life: life, max: max, byID: map[SessionID]openSession{}, byKey: map[KeyID]SessionID{}}
}

// Put opens a session. An earlier one of the same share is forgotten: it was never evaluated and never will be.
// ErrBusy: too many sessions are open.
func (t *Sessions) Put(s *Session, now time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if old, ok := t.byKey[s.keyID]; ok {
		t.drop(old)
	}
	if len(t.byID) >= t.max {
		for id, o := range t.byID {
			if !now.Before(o.until) {
				t.drop(id)
			}
		}
	}
	if len(t.byID) >= t.max {
		return ErrBusy
	}
	t.byID[s.id] = openSession{s, now.Add(t.life)}
	t.byKey[s.keyID] = s.id
	return nil
}

// Take removes and returns a session, so that no two requests can use it. ErrSession: unknown, taken or too old.
func (t *Sessions) Take(id SessionID, now time.Time) (*Session, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	o, ok := t.byID[id]
	if !ok {
		return nil, ErrSession
	}
	delete(t.byID, id)
	delete(t.byKey, o.session.keyID)
	if !now.Before(o.until) {
		o.session.Wipe()
		return nil, ErrSession
	}
	return o.session, nil
}

// Return puts back a session that Accept refused, so that a stranger's garbage cannot end it. It is dropped instead if
// the share has a newer one or the session was used.
func (t *Sessions) Return(s *Session, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, newer := t.byKey[s.keyID]; newer || s.used {
		return
	}
	t.byID[s.id] = openSession{s, now.Add(t.life)}
	t.byKey[s.keyID] = s.id
}

// Drop forgets the open session of a share: after a freeze or a deletion.
func (t *Sessions) Drop(id KeyID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if sid, ok := t.byKey[id]; ok {
		t.drop(sid)
	}
}

func (t *Sessions) drop(id SessionID) {
	o := t.byID[id]
	o.session.Wipe()
	delete(t.byID, id)
	delete(t.byKey, o.session.keyID)
}
