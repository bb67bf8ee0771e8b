package cosign

import "time"

// The lock ladder: at 3 failures in a row 3 hours, at 6 another 24 hours, at 9 until unlocked.
const (
	ladderStep = 3
	firstLock  = 3 * time.Hour
	secondLock = 24 * time.Hour
)

// reservationLife is how long an attempt that was accepted but never settled (the server died in between) keeps others
// out. Evaluation takes milliseconds; the attempt stays counted in any case.
const reservationLife = time.Minute

// Guard is the server's durable record of the attempts on one share: failures in a row, locks, freeze, the ratchet, the
// reserved attempt and the last answer. It changes at every use. Transitions change the value in memory; on an error
// the guard is unchanged. Not safe for concurrent use: load, change and store it in one transaction.
type Guard struct {
	id          KeyID
	failures    uint16
	lockedUntil int64 // Unix seconds; 0 no lock, lockedForever until unlocked
	frozen      bool
	resync      bool // the next valid proof sets the ratchet instead of being held against it
	ratchet     [hashSize]byte
	uses        uint64 // settled attempts, for the audit record

	reserved reservation
	void     SessionID // a session that Resume declared as never run
	last     lastAnswer
}

const lockedForever = -1

// reservation is an accepted attempt that is not settled; a zero session means none.
type reservation struct {
	session SessionID
	round   uint8
	at      int64 // Unix seconds
}

// lastAnswer is kept for a client that lost it; a zero session means none.
type lastAnswer struct {
	session SessionID
	round   uint8
	message []byte
}

const maxAnswerSize = 32 * 1024

// MarshalBinary encodes the record (versioned, canonical). The result is secret.
func (g *Guard) MarshalBinary() ([]byte, error) {
	w := new(writer).u8(wireVersion).put(g.id[:]).u16(g.failures).u64(uint64(g.lockedUntil)).flag(g.frozen).flag(g.resync)
	w.put(g.ratchet[:]).u64(g.uses)
	w.put(g.reserved.session[:]).u8(g.reserved.round).u64(uint64(g.reserved.at))
	w.put(g.void[:], g.last.session[:]).u8(g.last.round).bytes(g.last.message)
	return w.b, nil
}

// UnmarshalBinary decodes strictly: it returns a *MessageError for anything that MarshalBinary does not write.
func (g *Guard) UnmarshalBinary(b []byte) error {
	r := &reader{name: "Guard", b: b}
	if v := r.u8("version"); r.err == nil && v != wireVersion {
		r.fail("version", ErrVersion)
	}
	n := Guard{
		id: r.b16("key ID"), failures: r.u16("failures"), lockedUntil: int64(r.u64("lock")),
		frozen: r.flag("frozen"), resync: r.flag("resync"), ratchet: r.b32("ratchet"), uses: r.u64("uses"),
	}
	if r.err == nil && n.lockedUntil < lockedForever {
		r.fail("lock", ErrRange)
	}
	n.reserved = reservation{session: r.b16("reserved session"), round: r.u8("reserved round"), at: int64(r.u64("reserved time"))}
	n.void = r.b16("void session")
	n.last = lastAnswer{session: r.b16("last session"), round: r.u8("last round"), message: r.bytes("last answer", maxAnswerSize)}
	if err := r.end(); err != nil {
		return err
	}
	*g = n
	return nil
}

// GuardStatus is what a guard says to a user or an operator.
type GuardStatus struct {
	AttemptsLeft int       // until the next lock
	Locked       bool      // nothing is evaluated now
	LockedUntil  time.Time // UTC; zero with Locked: until unlocked
	Frozen       bool      // a clone is suspected, or frozen by hand
}

// Status returns the state at the time now.
func (g *Guard) Status(now time.Time) GuardStatus {
	s := GuardStatus{Frozen: g.frozen, Locked: g.locked(now)}
	if s.Locked && g.lockedUntil != lockedForever {
		s.LockedUntil = time.Unix(g.lockedUntil, 0).UTC()
	}
	if !s.Locked {
		s.AttemptsLeft = ladderStep - int(g.failures)%ladderStep
	}
	return s
}

// KeyID returns the ID of the share that is guarded.
func (g *Guard) KeyID() KeyID { return g.id }

// Uses counts settled attempts of every kind and outcome.
func (g *Guard) Uses() uint64 { return g.uses }

// Freeze refuses every use until Unfreeze or a recovery.
func (g *Guard) Freeze() { g.frozen = true }

// Unfreeze lifts a freeze: an operator's decision, for example after a restored phone backup was taken for a clone.
// The next valid proof then sets the ratchet, so whoever uses the share first is the one that stays.
func (g *Guard) Unfreeze() { g.frozen, g.resync = false, true }

// Unlock lifts every lock and sets the failures to zero: an operator's decision; recovery does it by itself.
func (g *Guard) Unlock() { g.failures, g.lockedUntil = 0, 0 }

// Abandon ends a reserved attempt that no process will settle any more; it stays counted. A server calls it for every
// guard when it starts.
func (g *Guard) Abandon() { g.reserved = reservation{} }

func (g *Guard) locked(now time.Time) bool {
	return g.lockedUntil == lockedForever || g.lockedUntil != 0 && now.Unix() < g.lockedUntil
}

// open reports why no session may be opened or used. A recovery passes locks and freezes: it proves itself otherwise.
func (g *Guard) open(op Operation, now time.Time) error {
	if op != Recover {
		if g.frozen {
			return ErrCloneSuspected
		}
		if g.locked(now) {
			return &LockedError{Until: g.Status(now).LockedUntil}
		}
	}
	age := now.Unix() - g.reserved.at
	if !g.reserved.session.IsZero() && age >= 0 && age < int64(reservationLife/time.Second) {
		return ErrBusy
	}
	return nil
}

// reserve counts the attempt as failed, lock included, before it is evaluated.
func (g *Guard) reserve(sid SessionID, round int, now time.Time) {
	if g.failures < ^uint16(0) {
		g.failures++
	}
	switch {
	case g.failures >= 3*ladderStep:
		g.lockedUntil = lockedForever
	case g.failures == 2*ladderStep:
		g.lockedUntil = now.Add(secondLock).Unix()
	case g.failures == ladderStep:
		g.lockedUntil = now.Add(firstLock).Unix()
	}
	g.reserved = reservation{session: sid, round: uint8(round), at: now.Unix()}
}

// holds reports whether this attempt is the one that is reserved.
func (g *Guard) holds(sid SessionID, round int) bool {
	return g.reserved.session == sid && g.reserved.round == uint8(round)
}

// settle ends the reserved attempt.
func (g *Guard) settle(sid SessionID, round int, answer []byte) {
	g.reserved = reservation{}
	g.uses++
	g.last = lastAnswer{session: sid, round: uint8(round), message: answer}
}
