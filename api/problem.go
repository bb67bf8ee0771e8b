package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"cloudkey/api/gen"
)

// Problem is the service's refusal: an RFC 9457 problem document of the contract. Servers make one with NewProblem and
// send it with WriteProblem; the client returns one as its error. Callers decide by Code alone.
type Problem struct {
	Status       int             // HTTP status
	Code         gen.ProblemCode // may be one that this version does not know
	Title        string
	Detail       string // for developers' logs, never for the user
	AttemptsLeft *int   // with pinWrong and codeWrong
	LockedUntil  time.Time
	RetryAfter   time.Duration // whole seconds on the wire
	ServerTime   time.Time     // with clockSkew
	TraceID      string
	Message      []byte // with a refused two-party step: the sealed answer, for package cosign
}

// NewProblem returns a problem with the HTTP status that the contract gives its code. Detail must not hold a secret.
func NewProblem(code gen.ProblemCode, detail string) *Problem {
	return &Problem{Status: statusOf(code), Code: code, Detail: detail}
}

func (p *Problem) Error() string {
	return fmt.Sprintf("api: refused: %s (%d, trace %q): %s", p.Code, p.Status, p.TraceID, p.Detail)
}

// statusOf is the table in the description of ProblemCode.
func statusOf(code gen.ProblemCode) int {
	switch code {
	case gen.ProblemCodeInvalidRequest:
		return http.StatusBadRequest
	case gen.ProblemCodeBadSignature, gen.ProblemCodeClockSkew, gen.ProblemCodeAuthorizationRequired,
		gen.ProblemCodeAuthorizationInvalid, gen.ProblemCodePinWrong, gen.ProblemCodeCodeWrong, gen.ProblemCodeCaptchaWrong:
		return http.StatusUnauthorized
	case gen.ProblemCodeDeviceNotBound, gen.ProblemCodeMustChangePassword, gen.ProblemCodeCloneSuspected,
		gen.ProblemCodeUsesExhausted:
		return http.StatusForbidden
	case gen.ProblemCodeNotFound:
		return http.StatusNotFound
	case gen.ProblemCodeAlreadyBound, gen.ProblemCodeStateConflict:
		return http.StatusConflict
	case gen.ProblemCodeExpired:
		return http.StatusGone
	case gen.ProblemCodeTooLarge:
		return http.StatusRequestEntityTooLarge
	case gen.ProblemCodeIdempotencyMismatch:
		return http.StatusUnprocessableEntity
	case gen.ProblemCodePinLocked:
		return http.StatusLocked
	case gen.ProblemCodeAppTooOld:
		return http.StatusUpgradeRequired
	case gen.ProblemCodeRateLimited:
		return http.StatusTooManyRequests
	case gen.ProblemCodeMaintenance:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

// Document returns p in the form that goes over the wire. RetryAfter is rounded up to whole seconds.
func (p *Problem) Document() gen.Problem {
	return gen.Problem{
		Status: p.Status, Code: p.Code, Title: p.Title, Detail: p.Detail, AttemptsLeft: p.AttemptsLeft,
		LockedUntil: p.LockedUntil, RetryAfter: int((p.RetryAfter + time.Second - 1) / time.Second),
		ServerTime: p.ServerTime, TraceId: p.TraceID, Message: p.Message,
	}
}

// WriteProblem answers a request with p.
func WriteProblem(w http.ResponseWriter, p *Problem) {
	document := p.Document()
	if document.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(document.RetryAfter))
	}
	w.Header().Set("Content-Type", contentProblem)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	// A connection that breaks here is the client's to notice.
	_ = json.NewEncoder(w).Encode(document)
}

// parseProblem reads the body of an answer with the HTTP status given, which wins over the one in the body.
func parseProblem(status int, body []byte) (*Problem, error) {
	var document gen.Problem
	if err := DecodeAnswer(body, &document); err != nil {
		return nil, err
	}
	if document.Code == "" {
		return nil, fmt.Errorf("%w: problem without code", ErrJSON)
	}
	const longest = 7 * 24 * 3600
	return &Problem{
		Status: status, Code: document.Code, Title: document.Title, Detail: document.Detail,
		AttemptsLeft: document.AttemptsLeft, LockedUntil: document.LockedUntil,
		RetryAfter: time.Duration(min(max(document.RetryAfter, 0), longest)) * time.Second,
		ServerTime: document.ServerTime, TraceID: document.TraceId, Message: document.Message,
	}, nil
}
