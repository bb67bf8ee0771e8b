package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"cloudkey/api"
	"cloudkey/api/gen"
	"cloudkey/cosign"
)

// transport carries the two-party protocol of one key over the REST service (cosign.Transport). The fields below say what
// one operation is for; a copy is made for each.
type transport struct {
	client *Client
	link   *link

	enrolment string               // key generation
	purpose   gen.SignaturePurpose // signing, and what follows with it
	operation string
	nonce     []byte
	content   []byte
	documents []gen.Document

	token *string // receives the authorization of an authenticate session
}

// RoundTrip implements cosign.Transport.
func (t *transport) RoundTrip(ctx context.Context, call cosign.Call) ([]byte, error) {
	answer, err := t.roundTrip(ctx, call)
	if err == nil {
		return answer, nil
	}
	var problem *api.Problem
	var unreachable *api.UnreachableError
	var trust *api.TrustError
	switch {
	case errors.As(err, &unreachable), errors.As(err, &trust):
		return nil, fmt.Errorf("%w: %w", cosign.ErrNotSent, err)
	case !errors.As(err, &problem):
		return nil, err
	case len(problem.Message) > 0:
		// The verdict is inside, sealed: a wrong password, a suspected clone.
		return problem.Message, nil
	case problem.Code == gen.ProblemCodePinLocked:
		return nil, &cosign.LockedError{Until: problem.LockedUntil}
	case problem.Code == gen.ProblemCodeCloneSuspected:
		return nil, cosign.ErrCloneSuspected
	case problem.Code == gen.ProblemCodeNotFound:
		return nil, fmt.Errorf("%w: %w", cosign.ErrSession, err)
	case problem.Code == gen.ProblemCodeStateConflict:
		return nil, fmt.Errorf("%w: %w", cosign.ErrBusy, err)
	case problem.Status < 500:
		// Refused before anything was evaluated.
		return nil, fmt.Errorf("%w: %w", cosign.ErrNotSent, err)
	}
	return nil, err
}

func (t *transport) roundTrip(ctx context.Context, call cosign.Call) ([]byte, error) {
	key, keyID, sid := uuid.New(), call.KeyID.String(), call.Session.String()
	service := t.link.api
	switch {
	case call.Operation == cosign.Generate && call.Round == 1:
		answer, err := service.CreateKey(ctx, key, gen.KeyRequest{EnrolmentId: t.enrolment, Message: call.Message})
		return answer.Message, err
	case call.Operation == cosign.Generate:
		answer, err := service.ConfirmKey(ctx, key, keyID, gen.Message{Message: call.Message})
		return answer.Message, err
	case call.Operation == cosign.Resume:
		answer, err := service.ResumeKey(ctx, key, keyID, gen.Message{Message: call.Message})
		return answer.Message, err
	case call.Operation == cosign.Sign && call.Round == 1:
		answer, err := service.BeginSignature(ctx, key, gen.SignatureRequest{
			KeyId: keyID, Purpose: t.purpose, Operation: t.operation, Nonce: t.nonce, ContentDigest: t.content,
			Documents: t.documents, Message: call.Message,
		})
		return answer.Message, err
	case call.Operation == cosign.Sign:
		answer, err := service.FinishSignature(ctx, key, sid, gen.Message{Message: call.Message})
		if t.token != nil {
			*t.token = answer.Authorization
		}
		return answer.Message, err
	case call.Operation == cosign.Refresh && call.Round == 1:
		answer, err := service.BeginShareRefresh(ctx, key, gen.ShareMessage{KeyId: keyID, Message: call.Message})
		return answer.Message, err
	case call.Operation == cosign.Refresh && call.Round == 3:
		answer, err := service.RefreshShare(ctx, key, sid, gen.ShareMessage{KeyId: keyID, Message: call.Message})
		return answer.Message, err
	case call.Operation == cosign.Refresh:
		answer, err := service.CommitShare(ctx, key, sid, gen.ShareMessage{KeyId: keyID, Message: call.Message})
		return answer.Message, err
	}
	return nil, fmt.Errorf("%w: the service offers no operation for %v", cosign.ErrNotSent, call.Operation)
}
