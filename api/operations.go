package api

import (
	"bytes"
	"context"
	"io"
	"net/http"

	"github.com/google/uuid"

	"cloudkey/api/gen"
)

// Every method below is one operation of openapi.yaml under its operationId; what it does and refuses stands there. key is
// the Idempotency-Key: store it before the call, and pass the same key with the same arguments to find out about a call
// that ended in an UncertainError. token is the authorization from FinishSignature, used up by the call.
//
// Errors are *Problem for the service's refusals, *UnreachableError, *UncertainError, *TrustError, *InterceptedError,
// *AnswerError, or context.Canceled.

// GetInfo returns the service's statement about itself, not verified: see ParseInfo.
func (c *Client) GetInfo(ctx context.Context) (gen.Info, error) {
	return read[gen.Info](ctx, c, false, func() (*http.Request, error) { return gen.NewGetInfoRequest(c.server) })
}

// GetLatestRelease returns the newest release of the app for a platform (a GOOS).
func (c *Client) GetLatestRelease(ctx context.Context, platform string) (gen.Release, error) {
	return read[gen.Release](ctx, c, false, func() (*http.Request, error) {
		return gen.NewGetLatestReleaseRequest(c.server, &gen.GetLatestReleaseParams{Platform: platform})
	})
}

// RegisterDevice registers the public keys of this device; Config.Device must hold the key being registered.
func (c *Client) RegisterDevice(ctx context.Context, key uuid.UUID, body gen.DeviceRegistration) (gen.Device, error) {
	return change[gen.Device](ctx, c, "", body, func(r io.Reader) (*http.Request, error) {
		return gen.NewRegisterDeviceRequestWithBody(c.server, &gen.RegisterDeviceParams{IdempotencyKey: key}, contentJSON, r)
	})
}

// BindDevice binds the account of a key to this device.
func (c *Client) BindDevice(ctx context.Context, key uuid.UUID, token string, deviceID string, body gen.BindingRequest) (gen.Binding, error) {
	return change[gen.Binding](ctx, c, token, body, func(r io.Reader) (*http.Request, error) {
		return gen.NewBindDeviceRequestWithBody(c.server, deviceID, &gen.BindDeviceParams{IdempotencyKey: key}, contentJSON, r)
	})
}

// UnbindDevice undoes BindDevice.
func (c *Client) UnbindDevice(ctx context.Context, key uuid.UUID, token string, deviceID string, body gen.BindingRequest) (gen.Binding, error) {
	return change[gen.Binding](ctx, c, token, body, func(r io.Reader) (*http.Request, error) {
		return gen.NewUnbindDeviceRequestWithBody(c.server, deviceID, &gen.UnbindDeviceParams{IdempotencyKey: key}, contentJSON, r)
	})
}

// GetBinding returns which device the account of a key is bound to.
func (c *Client) GetBinding(ctx context.Context, keyID string) (gen.Binding, error) {
	return read[gen.Binding](ctx, c, true, func() (*http.Request, error) { return gen.NewGetBindingRequest(c.server, keyID) })
}

// CreateEnrolment asks for the SMS password of an account.
func (c *Client) CreateEnrolment(ctx context.Context, key uuid.UUID, body gen.EnrolmentRequest) (gen.Enrolment, error) {
	return change[gen.Enrolment](ctx, c, "", body, func(r io.Reader) (*http.Request, error) {
		return gen.NewCreateEnrolmentRequestWithBody(c.server, &gen.CreateEnrolmentParams{IdempotencyKey: key}, contentJSON, r)
	})
}

// ResendEnrolmentCode asks for another SMS password.
func (c *Client) ResendEnrolmentCode(ctx context.Context, key uuid.UUID, enrolmentID string) (gen.Enrolment, error) {
	return change[gen.Enrolment](ctx, c, "", nil, func(_ io.Reader) (*http.Request, error) {
		return gen.NewResendEnrolmentCodeRequest(c.server, enrolmentID, &gen.ResendEnrolmentCodeParams{IdempotencyKey: key})
	})
}

// VerifyEnrolment proves the SMS password. The encoded body is wiped; body.Code stays the caller's. The buffers of the
// connection are not this package's to wipe.
func (c *Client) VerifyEnrolment(ctx context.Context, key uuid.UUID, enrolmentID string, body gen.EnrolmentCode) (gen.VerifiedEnrolment, error) {
	return change[gen.VerifiedEnrolment](ctx, c, "", secretMember("code", body.Code), func(r io.Reader) (*http.Request, error) {
		return gen.NewVerifyEnrolmentRequestWithBody(c.server, enrolmentID, &gen.VerifyEnrolmentParams{IdempotencyKey: key}, contentJSON, r)
	})
}

// CreateKey sends KG1 and returns KG2.
func (c *Client) CreateKey(ctx context.Context, key uuid.UUID, body gen.KeyRequest) (gen.MessageAnswer, error) {
	return change[gen.MessageAnswer](ctx, c, "", body, func(r io.Reader) (*http.Request, error) {
		return gen.NewCreateKeyRequestWithBody(c.server, &gen.CreateKeyParams{IdempotencyKey: key}, contentJSON, r)
	})
}

// GetKey returns how far a key has come.
func (c *Client) GetKey(ctx context.Context, keyID string) (gen.Key, error) {
	return read[gen.Key](ctx, c, true, func() (*http.Request, error) { return gen.NewGetKeyRequest(c.server, keyID) })
}

// ConfirmKey sends KG3 and returns the joint public key.
func (c *Client) ConfirmKey(ctx context.Context, key uuid.UUID, keyID string, body gen.Message) (gen.KeyConfirmation, error) {
	return change[gen.KeyConfirmation](ctx, c, "", body, func(r io.Reader) (*http.Request, error) {
		return gen.NewConfirmKeyRequestWithBody(c.server, keyID, &gen.ConfirmKeyParams{IdempotencyKey: key}, contentJSON, r)
	})
}

// ResumeKey sends U1 and returns U2: what became of a session whose answer was lost.
func (c *Client) ResumeKey(ctx context.Context, key uuid.UUID, keyID string, body gen.Message) (gen.MessageAnswer, error) {
	return change[gen.MessageAnswer](ctx, c, "", body, func(r io.Reader) (*http.Request, error) {
		return gen.NewResumeKeyRequestWithBody(c.server, keyID, &gen.ResumeKeyParams{IdempotencyKey: key}, contentJSON, r)
	})
}

// RequestCertificate asks for the certificate of a key.
func (c *Client) RequestCertificate(ctx context.Context, key uuid.UUID, keyID string, body gen.CertificateRequest) (gen.IssuedCertificate, error) {
	return change[gen.IssuedCertificate](ctx, c, "", body, func(r io.Reader) (*http.Request, error) {
		return gen.NewRequestCertificateRequestWithBody(c.server, keyID, &gen.RequestCertificateParams{IdempotencyKey: key}, contentJSON, r)
	})
}

// BeginSignature sends S1 and returns the session with S2.
func (c *Client) BeginSignature(ctx context.Context, key uuid.UUID, body gen.SignatureRequest) (gen.Session, error) {
	return change[gen.Session](ctx, c, "", body, func(r io.Reader) (*http.Request, error) {
		return gen.NewBeginSignatureRequestWithBody(c.server, &gen.BeginSignatureParams{IdempotencyKey: key}, contentJSON, r)
	})
}

// FinishSignature sends S3 and returns S4.
func (c *Client) FinishSignature(ctx context.Context, key uuid.UUID, sid string, body gen.Message) (gen.SignatureResult, error) {
	return change[gen.SignatureResult](ctx, c, "", body, func(r io.Reader) (*http.Request, error) {
		return gen.NewFinishSignatureRequestWithBody(c.server, sid, &gen.FinishSignatureParams{IdempotencyKey: key}, contentJSON, r)
	})
}

// BeginShareRefresh sends F1 and returns the session with F2.
func (c *Client) BeginShareRefresh(ctx context.Context, key uuid.UUID, body gen.ShareMessage) (gen.Session, error) {
	return change[gen.Session](ctx, c, "", body, func(r io.Reader) (*http.Request, error) {
		return gen.NewBeginShareRefreshRequestWithBody(c.server, &gen.BeginShareRefreshParams{IdempotencyKey: key}, contentJSON, r)
	})
}

// RefreshShare sends F3 and returns F4.
func (c *Client) RefreshShare(ctx context.Context, key uuid.UUID, sid string, body gen.ShareMessage) (gen.MessageAnswer, error) {
	return change[gen.MessageAnswer](ctx, c, "", body, func(r io.Reader) (*http.Request, error) {
		return gen.NewRefreshShareRequestWithBody(c.server, sid, &gen.RefreshShareParams{IdempotencyKey: key}, contentJSON, r)
	})
}

// CommitShare sends F5 and returns F6.
func (c *Client) CommitShare(ctx context.Context, key uuid.UUID, sid string, body gen.ShareMessage) (gen.MessageAnswer, error) {
	return change[gen.MessageAnswer](ctx, c, "", body, func(r io.Reader) (*http.Request, error) {
		return gen.NewCommitShareRequestWithBody(c.server, sid, &gen.CommitShareParams{IdempotencyKey: key}, contentJSON, r)
	})
}

// ListCredentials returns the certificates of this device.
func (c *Client) ListCredentials(ctx context.Context) (gen.CredentialList, error) {
	return read[gen.CredentialList](ctx, c, true, func() (*http.Request, error) { return gen.NewListCredentialsRequest(c.server) })
}

// GetCredential returns the newest certificate of a key.
func (c *Client) GetCredential(ctx context.Context, keyID string) (gen.Credential, error) {
	return read[gen.Credential](ctx, c, true, func() (*http.Request, error) { return gen.NewGetCredentialRequest(c.server, keyID) })
}

// GetCredentialStatus returns what a certificate may be used for now.
func (c *Client) GetCredentialStatus(ctx context.Context, keyID string) (gen.CredentialStatus, error) {
	return read[gen.CredentialStatus](ctx, c, true, func() (*http.Request, error) { return gen.NewGetCredentialStatusRequest(c.server, keyID) })
}

// RemoveCredentialFromDevice ends the use of a key on this device.
func (c *Client) RemoveCredentialFromDevice(ctx context.Context, key uuid.UUID, keyID string) error {
	return changeEmpty(ctx, c, "", nil, func(_ io.Reader) (*http.Request, error) {
		return gen.NewRemoveCredentialFromDeviceRequest(c.server, keyID, &gen.RemoveCredentialFromDeviceParams{IdempotencyKey: key})
	})
}

// GetHandwriting returns the stored handwritten signature.
func (c *Client) GetHandwriting(ctx context.Context, keyID string) (gen.Handwriting, error) {
	return read[gen.Handwriting](ctx, c, true, func() (*http.Request, error) {
		return gen.NewGetHandwritingRequest(c.server, &gen.GetHandwritingParams{KeyId: keyID})
	})
}

// PutHandwriting stores the handwritten signature.
func (c *Client) PutHandwriting(ctx context.Context, key uuid.UUID, token string, keyID string, body gen.Handwriting) error {
	return changeEmpty(ctx, c, token, body, func(r io.Reader) (*http.Request, error) {
		return gen.NewPutHandwritingRequestWithBody(c.server, &gen.PutHandwritingParams{KeyId: keyID, IdempotencyKey: key}, contentJSON, r)
	})
}

// ListSeals returns the seals of a key's certificate.
func (c *Client) ListSeals(ctx context.Context, keyID string) (gen.SealList, error) {
	return read[gen.SealList](ctx, c, true, func() (*http.Request, error) {
		return gen.NewListSealsRequest(c.server, &gen.ListSealsParams{KeyId: keyID})
	})
}

// CreateSeal makes a personal seal from the stored handwritten signature.
func (c *Client) CreateSeal(ctx context.Context, key uuid.UUID, token string, keyID string, body gen.SealRequest) (gen.Seal, error) {
	return change[gen.Seal](ctx, c, token, body, func(r io.Reader) (*http.Request, error) {
		return gen.NewCreateSealRequestWithBody(c.server, &gen.CreateSealParams{KeyId: keyID, IdempotencyKey: key}, contentJSON, r)
	})
}

// DeleteSeal deletes a seal.
func (c *Client) DeleteSeal(ctx context.Context, key uuid.UUID, keyID, sealID string) error {
	return changeEmpty(ctx, c, "", nil, func(io.Reader) (*http.Request, error) {
		return gen.NewDeleteSealRequest(c.server, sealID, &gen.DeleteSealParams{KeyId: keyID, IdempotencyKey: key})
	})
}

// SetDefaultSeal makes a seal the one that is offered first.
func (c *Client) SetDefaultSeal(ctx context.Context, key uuid.UUID, keyID, sealID string) error {
	return changeEmpty(ctx, c, "", nil, func(io.Reader) (*http.Request, error) {
		return gen.NewSetDefaultSealRequest(c.server, sealID, &gen.SetDefaultSealParams{KeyId: keyID, IdempotencyKey: key})
	})
}

// read performs an operation that changes nothing.
func read[Answer any](ctx context.Context, c *Client, signed bool, build func() (*http.Request, error)) (Answer, error) {
	r, err := build()
	if err != nil {
		var none Answer
		return none, err
	}
	return call[Answer](ctx, c, request{http: r, signed: signed})
}

// change performs an operation that changes something. The encoded body is wiped afterwards.
func change[Answer any](ctx context.Context, c *Client, token string, body any, build func(io.Reader) (*http.Request, error)) (Answer, error) {
	r, err := changing(token, body, build)
	if err != nil {
		var none Answer
		return none, err
	}
	defer clear(r.body)
	return call[Answer](ctx, c, r)
}

// changeEmpty is change for operations that answer 204.
func changeEmpty(ctx context.Context, c *Client, token string, body any, build func(io.Reader) (*http.Request, error)) error {
	r, err := changing(token, body, build)
	if err != nil {
		return err
	}
	defer clear(r.body)
	return callEmpty(ctx, c, r)
}

func changing(token string, body any, build func(io.Reader) (*http.Request, error)) (request, error) {
	encoded, err := encode(body)
	if err != nil {
		return request{}, err
	}
	r, err := build(bytes.NewReader(encoded))
	if err != nil {
		return request{}, err
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return request{http: r, body: encoded, signed: true, changing: true}, nil
}
