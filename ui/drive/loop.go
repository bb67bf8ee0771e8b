// Package drive works the screens without a human and without a display: the tests, the pictures and the tour use it. It
// needs fyne's in-memory driver (fyne/test), so the app itself does not import it.
package drive

import (
	"context"
	"sync"
	"time"
)

// Loop is a UI goroutine: what is given to Do runs where Run, Settle or Until are called. Do may be called from anywhere.
type Loop struct {
	mu    sync.Mutex
	queue []func()
	wake  chan struct{}
}

// NewLoop returns an empty loop.
func NewLoop() *Loop { return &Loop{wake: make(chan struct{}, 1)} }

// Do queues f; it has the shape of ui.Deps.Do.
func (l *Loop) Do(f func()) {
	l.mu.Lock()
	l.queue = append(l.queue, f)
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Run runs what is queued and tells whether there was anything.
func (l *Loop) Run() bool {
	ran := false
	for {
		l.mu.Lock()
		if len(l.queue) == 0 {
			l.mu.Unlock()
			return ran
		}
		f := l.queue[0]
		l.queue[0], l.queue = nil, l.queue[1:]
		l.mu.Unlock()
		f()
		ran = true
	}
}

// Until runs what comes until cond holds, which is asked on the loop; the error is that of ctx. The condition is asked again
// every few milliseconds too, because it may look at something that does not go through the loop.
func (l *Loop) Until(ctx context.Context, cond func() bool) error {
	again := time.NewTicker(4 * time.Millisecond)
	defer again.Stop()
	for {
		l.Run()
		if cond() {
			return nil
		}
		select {
		case <-l.wake:
		case <-again.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Clock is a ui.Clock whose time moves only by Advance.
type Clock struct {
	mu     sync.Mutex
	now    time.Time
	timers []*timer
}

type timer struct {
	at   time.Time
	f    func()
	dead bool
}

// NewClock returns a clock that stands at now.
func NewClock(now time.Time) *Clock { return &Clock{now: now} }

// Now implements ui.Clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// AfterFunc implements ui.Clock; f runs inside Advance.
func (c *Clock) AfterFunc(d time.Duration, f func()) func() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &timer{at: c.now.Add(d), f: f}
	c.timers = append(c.timers, t)
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		was := !t.dead
		t.dead = true
		return was
	}
}

// Advance moves the time on and runs the timers that come due, in order.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	end := c.now.Add(d)
	for {
		var next *timer
		for _, t := range c.timers {
			if !t.dead && !t.at.After(end) && (next == nil || t.at.Before(next.at)) {
				next = t
			}
		}
		if next == nil {
			break
		}
		c.now, next.dead = next.at, true
		c.mu.Unlock()
		next.f()
		c.mu.Lock()
	}
	c.now = end
	alive := c.timers[:0]
	for _, t := range c.timers {
		if !t.dead {
			alive = append(alive, t)
		}
	}
	c.timers = alive
	c.mu.Unlock()
}
