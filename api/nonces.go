package api

import (
	"context"
	"sync"
	"time"

	"cloudkey/api/gen"
)

// NonceCache is a Nonces in memory. What was used before a restart is not known afterwards; therefore it refuses, with
// maintenance and the seconds to wait, every signature that could have been used with the process before: those whose
// created time is not after the cache was made. Clients retry by themselves. It is safe for concurrent use.
type NonceCache struct {
	now   func() time.Time
	since time.Time
	limit int

	mu    sync.Mutex
	until map[[2]string]time.Time
	swept time.Time
}

// NewNonceCache returns a cache that holds at most limit nonces and refuses with rateLimited beyond. fresh says that no
// process served the same devices in the last two minutes (a first start, or a graceful stop longer ago).
func NewNonceCache(now func() time.Time, limit int, fresh bool) *NonceCache {
	c := &NonceCache{now: now, limit: limit, until: make(map[[2]string]time.Time)}
	if !fresh {
		c.since = now()
	}
	return c
}

// Use implements Nonces.
func (c *NonceCache) Use(_ context.Context, deviceID, nonce string, until time.Time) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if created := until.Add(-2 * Freshness); !c.since.IsZero() && !created.After(c.since) {
		p := NewProblem(gen.ProblemCodeMaintenance, "the service has just started")
		p.RetryAfter = max(c.since.Sub(created)+time.Second, time.Second)
		return false, p
	}
	if now.Sub(c.swept) > Freshness || len(c.until) >= c.limit {
		c.swept = now
		for key, end := range c.until {
			if end.Before(now) {
				delete(c.until, key)
			}
		}
	}
	key := [2]string{deviceID, nonce}
	if end, used := c.until[key]; used && !end.Before(now) {
		return false, nil
	}
	if len(c.until) >= c.limit {
		p := NewProblem(gen.ProblemCodeRateLimited, "too many requests")
		p.RetryAfter = Freshness
		return false, p
	}
	c.until[key] = until
	return true, nil
}
