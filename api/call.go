package api

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"

	"github.com/cenkalti/backoff/v5"

	"cloudkey/api/gen"
)

// request is an operation ready to be sent any number of times.
type request struct {
	http     *http.Request // method, URL and headers; without body
	body     []byte
	signed   bool
	changing bool
}

// call sends a request until it has an answer of the contract, and decodes it into an Answer.
func call[Answer any](ctx context.Context, c *Client, r request) (Answer, error) {
	var answer Answer
	_, err := c.send(ctx, r, func(body []byte) error { return DecodeAnswer(body, &answer) })
	if err != nil {
		var none Answer
		return none, err
	}
	return answer, nil
}

// callEmpty is call for operations that answer 204.
func callEmpty(ctx context.Context, c *Client, r request) error {
	_, err := c.send(ctx, r, nil)
	return err
}

// unit is one operation with all its attempts.
type unit struct {
	client *Client
	request
	decode  func([]byte) error // nil: the answer has no body
	reached bool               // an attempt before this one may have reached the service and got no answer
	local   bool               // the last attempt failed on this device, before anything was sent
	last    error              // what the last attempt met
}

func (c *Client) send(ctx context.Context, r request, decode func([]byte) error) (struct{}, error) {
	if r.signed && c.config.Device == nil {
		return struct{}{}, errors.New("api: this operation needs a device key")
	}
	u := &unit{client: c, request: r, decode: decode}
	retry := c.config.Retry
	wait := &backoff.ExponentialBackOff{
		InitialInterval: retry.First, RandomizationFactor: 0.5, Multiplier: 2, MaxInterval: retry.Most,
	}
	_, err := backoff.Retry(ctx, func() (struct{}, error) { return struct{}{}, u.attempt(ctx) },
		backoff.WithBackOff(wait), backoff.WithMaxTries(retry.Tries), backoff.WithMaxElapsedTime(retry.Total))
	if err == nil {
		return struct{}{}, nil
	}
	return struct{}{}, u.verdict(ctx)
}

// attempt sends the request once. Its error is wrapped with backoff.Permanent when trying again would be wrong; u.last
// keeps the error itself.
func (u *unit) attempt(ctx context.Context) error {
	var again bool
	for {
		u.last, again = u.once(ctx)
		var problem *Problem
		if !errors.As(u.last, &problem) {
			break
		}
		if problem.Code == gen.ProblemCodeClockSkew && u.client.learnSkew(problem.ServerTime) {
			continue
		}
		if again && problem.RetryAfter > 0 {
			return &backoff.RetryAfterError{Duration: problem.RetryAfter}
		}
		break
	}
	if u.last != nil && !again {
		return backoff.Permanent(u.last)
	}
	return u.last
}

// once makes one transmission and says, with an error, whether another one may help.
func (u *unit) once(ctx context.Context) (err error, again bool) { //nolint:revive // the error is the result, not a failure
	c := u.client
	ctx, cancel := context.WithTimeout(ctx, c.config.AttemptTimeout)
	defer cancel()
	var connections atomic.Int32
	request := u.http.Clone(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			// net/http repeats a request without a body by itself when a kept connection breaks. The nonce may be used
			// up by then: let nothing more of this attempt out, the next one signs anew. Cancelling alone is too slow.
			if connections.Add(1) > 1 {
				info.Conn.(*connection).refuses.Store(true)
				cancel()
			}
		},
	}))
	if err := u.prepare(request); err != nil {
		u.local = true
		return err, false
	}
	response, err := c.transport.RoundTrip(request)
	if err != nil {
		switch {
		case connections.Load() == 0:
			var trust *TrustError
			var intercepted *InterceptedError
			return err, !errors.As(err, &trust) && !errors.As(err, &intercepted)
		case connections.Load() > 1:
			u.reached, err = true, errResent
		default:
			u.reached = true
		}
		return err, true
	}
	defer response.Body.Close()
	return u.read(response)
}

// prepare puts body, digest and signature on a copy of the request.
func (u *unit) prepare(request *http.Request) error {
	c := u.client
	if len(u.body) > 0 {
		request.Body = io.NopCloser(bytes.NewReader(u.body))
		request.ContentLength = int64(len(u.body))
	} else {
		request.Body, request.ContentLength = nil, 0
	}
	request.GetBody = nil // see GotConn in once
	request.Header.Set("Accept", contentJSON+", "+contentProblem)
	if c.config.UserAgent != "" {
		request.Header.Set("User-Agent", c.config.UserAgent)
	}
	if !u.signed {
		return nil
	}
	target := "https://" + request.URL.Host + request.URL.RequestURI()
	return c.config.Device.sign(request.Method, target, request.Header, u.body, c.now())
}

// read turns an answer into nil (decoded), a *Problem, or an error that says what else it is.
func (u *unit) read(response *http.Response) (err error, again bool) { //nolint:revive // see once
	host := u.client.Host()
	status, contentType := response.StatusCode, response.Header.Get("Content-Type")
	problem := status >= 400 && hasType(response.Header, contentProblem)
	success := status == http.StatusOK && u.decode != nil && hasType(response.Header, contentJSON)
	empty := u.decode == nil && status == http.StatusNoContent
	if !problem && !success && !empty {
		// A gateway that says 3xx or 4xx has not passed the request on; others may have.
		if status < 300 || status >= 500 {
			u.reached = true
		}
		return &InterceptedError{Host: host, Status: status, ContentType: contentType[:min(len(contentType), 100)]}, status >= 500
	}
	if empty {
		return nil, false
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, MaxAnswer+1))
	if err != nil {
		u.reached = true
		return fmt.Errorf("reading the answer: %w", err), true
	}
	if len(body) > MaxAnswer {
		u.reached = true
		return &AnswerError{Host: host, Status: status, Err: errTooLong}, false
	}
	if success {
		if err := u.decode(body); err != nil {
			u.reached = true
			return &AnswerError{Host: host, Status: status, Err: err}, true
		}
		return nil, false
	}
	p, err := parseProblem(status, body)
	if err != nil {
		u.reached = true
		return &AnswerError{Host: host, Status: status, Err: err}, true
	}
	return p, status >= 500
}

// hasType says whether a message has the media type given, in UTF-8.
func hasType(header http.Header, want string) bool {
	kind, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	charset := params["charset"]
	return err == nil && kind == want && (charset == "" || strings.EqualFold(charset, "utf-8"))
}

// verdict is the error of the whole unit: what the caller may believe about the service's state.
func (u *unit) verdict(ctx context.Context) error {
	host, err := u.client.Host(), u.last
	if ended(ctx) {
		err = context.Cause(ctx)
	}
	var problem *Problem
	if errors.As(err, &problem) {
		// The service answered this attempt. That settles the ones before too, unless it was refused at the door.
		if !u.changing || !u.reached || !atTheDoor(problem.Code) {
			return err
		}
	}
	if u.changing && u.reached {
		return &UncertainError{Host: host, Err: err}
	}
	var intercepted *InterceptedError
	var answer *AnswerError
	var trust *TrustError
	if u.local || errors.As(err, &problem) || errors.As(err, &intercepted) || errors.As(err, &answer) || errors.As(err, &trust) ||
		errors.Is(err, context.Canceled) && ended(ctx) {
		return err
	}
	return &UnreachableError{Host: host, Err: err}
}

// atTheDoor names the codes that a service may give before it looks up the Idempotency-Key: they say nothing of what an
// earlier attempt with the same key did.
func atTheDoor(code gen.ProblemCode) bool {
	switch code {
	case gen.ProblemCodeBadSignature, gen.ProblemCodeClockSkew, gen.ProblemCodeRateLimited, gen.ProblemCodeMaintenance,
		gen.ProblemCodeAppTooOld, gen.ProblemCodeInternal:
		return true
	default:
		return false
	}
}

// encoded is a body that is JSON already.
type encoded []byte

// secretMember is an object with one binary member, made without the JSON encoder, which keeps its buffers for later use.
func secretMember(name string, secret []byte) encoded {
	size := base64.StdEncoding.EncodedLen(len(secret))
	body := make([]byte, 0, len(name)+size+7)
	body = append(append(append(body, `{"`...), name...), `":"`...)
	body = base64.StdEncoding.AppendEncode(body, secret)
	return append(body, `"}`...)
}

// encode marshals a request body. The caller wipes the result when it holds a secret.
func encode(body any) ([]byte, error) {
	switch body := body.(type) {
	case nil:
		return nil, nil
	case encoded:
		return body, nil
	}
	out, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	if len(out) > MaxRequest {
		return nil, fmt.Errorf("api: request of %d bytes, limit %d", len(out), MaxRequest)
	}
	return out, nil
}
