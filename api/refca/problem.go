package refca

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"cloudkey/api"
	"cloudkey/api/gen"
)

// problem is a refusal of the contract on its way to the client. As an error of a change it means that nothing was written.
type problem struct{ gen.Problem }

func (p *problem) Error() string { return "refca: " + string(p.Code) + ": " + p.Detail }

func newProblem(code gen.ProblemCode, detail string) *problem {
	return &problem{gen.Problem{Status: api.NewProblem(code, "").Status, Code: code, Detail: detail}}
}

func notFound(what string) *problem { return newProblem(gen.ProblemCodeNotFound, what) }

func invalid(detail string) *problem { return newProblem(gen.ProblemCodeInvalidRequest, detail) }

func conflict(detail string) *problem { return newProblem(gen.ProblemCodeStateConflict, detail) }

// reply is an answer in the form it is stored and sent in.
type reply struct {
	Status  int
	Content []byte // JSON, empty with 204
}

func jsonReply(status int, body any) (reply, error) {
	if body == nil {
		return reply{Status: http.StatusNoContent}, nil
	}
	content, err := json.Marshal(body)
	return reply{Status: status, Content: content}, err
}

func (p *problem) reply() reply {
	content, err := json.Marshal(p.Problem)
	if err != nil { // gen.Problem has nothing that cannot be encoded
		panic(err)
	}
	return reply{Status: p.Status, Content: content}
}

func (r reply) write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	switch {
	case r.Status >= 400:
		h.Set("Content-Type", "application/problem+json")
		var p gen.Problem
		if json.Unmarshal(r.Content, &p) == nil && p.RetryAfter > 0 {
			h.Set("Retry-After", strconv.Itoa(p.RetryAfter))
		}
	case len(r.Content) > 0:
		h.Set("Content-Type", "application/json")
	}
	if len(r.Content) > 0 {
		h.Set("Content-Length", strconv.Itoa(len(r.Content)))
	}
	w.WriteHeader(r.Status)
	_, _ = w.Write(r.Content) // a client that has gone asks again
}

// utc is how the contract wants times: UTC, whole seconds are enough.
func utc(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }
