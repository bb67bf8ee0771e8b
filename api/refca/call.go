package refca

import (
	"context"
	"crypto/sha256"
	"errors"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"cloudkey/api"
	"cloudkey/api/gen"
	"cloudkey/api/refca/internal/store"
)

// answerLife is how long an idempotency key keeps its answer.
const answerLife = 24 * time.Hour

// call is one authenticated request of a device.
type call struct {
	s       *Server
	ctx     context.Context
	op      string // operationId
	path    string
	device  device
	address string // of the peer, without port
	body    []byte
	bodySum [sha256.Size]byte
	idem    string // Idempotency-Key, empty for reads
	bearer  string // authorization token, may be empty
	now     time.Time
	trace   string
}

// nothing is the body of an operation that has none.
type nothing struct{}

// answerable is what a change answers with: a body, or a refusal that had an effect (a counted attempt, say) and is
// therefore kept like any other answer.
type answerable interface{ toReply() (reply, error) }

type success struct{ body any }

func (a success) toReply() (reply, error) {
	if a.body == nil {
		return jsonReply(http.StatusNoContent, nil)
	}
	return jsonReply(http.StatusOK, a.body)
}

func (p *problem) toReply() (reply, error) { return p.reply(), nil }

func ok(body any) answerable { return success{body} }

// change serves an operation that changes something: authenticated, once per idempotency key.
func change[In any](s *Server, w http.ResponseWriter, r *http.Request, op string, fn func(*call, In) (reply, error)) {
	trace := randomID()
	out, err := func() (reply, error) {
		c, err := s.authenticate(r, op, trace)
		if err != nil {
			return reply{}, err
		}
		defer clear(c.body)
		defer clear(c.body)
		return c.once(r, func() (reply, error) {
			var in In
			if err := c.decode(&in); err != nil {
				return reply{}, err
			}
			return fn(c, in)
		})
	}()
	s.finish(w, r, op, trace, out, err)
}

// once runs fn unless its idempotency key has an answer already.
func (c *call) once(r *http.Request, fn func() (reply, error)) (reply, error) {
	c.idem = r.Header.Get("Idempotency-Key")
	if !c.s.running.enter(c.answerKey()) {
		p := conflict("the first request with this idempotency key is still running")
		p.RetryAfter = 1
		return reply{}, p
	}
	defer c.s.running.leave(c.answerKey())
	if out, found, err := c.earlier(); err != nil || found {
		return out, err
	}
	return fn()
}

// read serves an operation that only reads.
func read(s *Server, w http.ResponseWriter, r *http.Request, op string, fn func(*call, *store.Tx) (any, error)) {
	trace := randomID()
	out, err := func() (reply, error) {
		c, err := s.authenticate(r, op, trace)
		if err != nil {
			return reply{}, err
		}
		var body any
		err = s.db.View(func(tx *store.Tx) error {
			body, err = fn(c, tx)
			return err
		})
		if err != nil {
			return reply{}, err
		}
		return jsonReply(http.StatusOK, body)
	}()
	s.finish(w, r, op, trace, out, err)
}

// finish sends the answer, or the problem that err is.
func (s *Server) finish(w http.ResponseWriter, r *http.Request, op, trace string, out reply, err error) {
	if err != nil {
		var p *problem
		if !errors.As(err, &p) {
			s.log.ErrorContext(r.Context(), "request failed", "op", op, "trace", trace, "err", err)
			p = newProblem(gen.ProblemCodeInternal, "see the log")
			if errors.Is(err, store.ErrClosed) || errors.Is(err, store.ErrCommit) {
				p = newProblem(gen.ProblemCodeMaintenance, "see the log")
				p.RetryAfter = 5
			}
		}
		sent := *p
		sent.TraceId = trace
		out = sent.reply()
		s.log.InfoContext(r.Context(), "refused", "op", op, "trace", trace, "code", string(p.Code), "detail", p.Detail)
	}
	out.write(w)
}

func (c *call) decode(v any) error {
	if _, none := v.(*nothing); none {
		if len(c.body) > 0 {
			return invalid("this operation has no body")
		}
		return nil
	}
	if err := api.DecodeRequest(c.body, v); err != nil {
		return invalid("body is not what the contract says")
	}
	return nil
}

func (c *call) answerKey() string { return c.device.ID + "/" + c.idem }

func (c *call) target() string { return c.op + " " + c.path }

// earlier returns the answer that this idempotency key got before.
func (c *call) earlier() (out reply, found bool, err error) {
	a, found := c.s.recent.get(c.answerKey(), c.now)
	if !found {
		err = c.s.db.View(func(tx *store.Tx) error {
			a, found, err = answers.get(tx, c.answerKey())
			return err
		})
	}
	if err != nil || !found || c.now.Sub(a.Time) >= answerLife {
		return reply{}, false, err
	}
	if a.Operation != c.target() || !slices.Equal(a.Body, c.bodySum[:]) {
		return reply{}, true, newProblem(gen.ProblemCodeIdempotencyMismatch, "this idempotency key was used for another request")
	}
	return reply{a.Status, a.Content}, true, nil
}

// commit runs fn in one transaction with the record of its answer, and returns when all of it is
// durable. An error of fn means that nothing was written.
func (c *call) commit(fn func(*store.Tx) (answerable, error)) (reply, error) {
	var out reply
	err := c.s.db.Update(c.ctx, func(tx *store.Tx) error {
		a, err := fn(tx)
		if err != nil {
			return err
		}
		if p, refused := a.(*problem); refused {
			p.TraceId = c.trace
		}
		if out, err = a.toReply(); err != nil {
			return err
		}
		return answers.put(tx, c.answerKey(), c.answer(out))
	})
	if err != nil {
		return reply{}, err
	}
	return out, nil
}

// remember keeps the answer of a step that changed nothing durable, for as long as this process lives.
func (c *call) remember(a answerable) (reply, error) {
	out, err := a.toReply()
	if err == nil {
		c.s.recent.put(c.answerKey(), c.answer(out))
	}
	return out, err
}

func (c *call) answer(out reply) answer {
	return answer{Operation: c.target(), Body: c.bodySum[:], Status: out.Status, Content: out.Content, Time: c.now}
}

// audit records what this call did.
func (c *call) audit(tx *store.Tx, e auditEntry) error {
	e.Event, e.Device, e.Trace, e.Time = c.op, c.device.ID, c.trace, c.now
	if e.Result == "" {
		e.Result = "ok"
	}
	return record(tx, e)
}

// set is a set of names that are in use.
type set struct {
	mu sync.Mutex
	m  map[string]struct{}
}

func newSet() *set { return &set{m: map[string]struct{}{}} }

func (s *set) enter(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, in := s.m[name]; in {
		return false
	}
	s.m[name] = struct{}{}
	return true
}

func (s *set) leave(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.m, name)
}

// recentAnswers are answers of steps whose state is in memory only, as they are.
type recentAnswers struct {
	mu sync.Mutex
	m  map[string]answer
}

const recentLife = 10 * time.Minute

func newRecentAnswers() *recentAnswers { return &recentAnswers{m: map[string]answer{}} }

func (a *recentAnswers) get(k string, now time.Time) (answer, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	v, found := a.m[k]
	return v, found && now.Sub(v.Time) < recentLife
}

func (a *recentAnswers) put(k string, v answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.m[k] = v
}

func (a *recentAnswers) purge(now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for k, v := range a.m {
		if now.Sub(v.Time) >= recentLife {
			delete(a.m, k)
		}
	}
}

// peer is the address without port. Headers like X-Forwarded-For are not believed.
func peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
