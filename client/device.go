package client

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/google/uuid"

	"cloudkey/api"
	"cloudkey/api/gen"
	"cloudkey/cosign"
	"cloudkey/keystore"
)

// Binding asks the CA which device the account of a certificate is bound to.
func (c *Client) Binding(ctx context.Context, certID string) (DeviceBinding, error) {
	p, l, err := c.profile(ctx, certID)
	if err != nil {
		return DeviceBinding{}, err
	}
	answer, err := l.api.GetBinding(ctx, cosign.KeyID(p.KeyID).String())
	if err != nil {
		return DeviceBinding{}, c.failure(err)
	}
	return c.noteBinding(ctx, l, certID, answer)
}

// Bind binds the account to this device (直接绑定手机). Errors: *PasswordError, *LockedError, ErrBoundElsewhere and those of
// a connection.
func (c *Client) Bind(ctx context.Context, certID string, password []byte) error {
	return c.changeBinding(ctx, certID, "bindDevice", password, (*api.Client).BindDevice)
}

// Unbind ends the binding of the account to this device. Errors: as Bind, and ErrNotBound.
func (c *Client) Unbind(ctx context.Context, certID string, password []byte) error {
	return c.changeBinding(ctx, certID, "unbindDevice", password, (*api.Client).UnbindDevice)
}

type bindingCall func(service *api.Client, ctx context.Context, key uuid.UUID, token, device string, body gen.BindingRequest) (gen.Binding, error)

func (c *Client) changeBinding(ctx context.Context, certID, operation string, password []byte, call bindingCall) error {
	p, l, err := c.profile(ctx, certID)
	if err != nil {
		return err
	}
	body := gen.BindingRequest{KeyId: cosign.KeyID(p.KeyID).String()}
	token, err := c.authenticate(ctx, l, p, operation, body, password)
	if err != nil {
		return err
	}
	answer, err := call(l.api, ctx, uuid.New(), token, l.device, body)
	if err != nil {
		return c.failure(err)
	}
	_, err = c.noteBinding(ctx, l, certID, answer)
	return err
}

func (c *Client) noteBinding(ctx context.Context, l *link, certID string, b gen.Binding) (DeviceBinding, error) {
	out := DeviceBinding{Bound: b.Bound, Here: b.Bound && b.DeviceId == l.device, Device: b.DeviceName, Since: b.Since}
	return out, c.store.Update(ctx, func(tx *keystore.Tx) error {
		p, err := tx.Profile(certID)
		if err != nil {
			return err
		}
		p.Binding = keystore.Binding{Bound: b.Bound, DeviceID: b.DeviceId, DeviceName: b.DeviceName, Since: b.Since, Checked: c.now()}
		return tx.PutProfile(p)
	})
}

// authenticate proves the password to the CA for one operation with one body and returns the token for it (身份认证). The
// password stays here: what the CA sees is a two-party signature over the statement of package api.
func (c *Client) authenticate(ctx context.Context, l *link, p keystore.Profile, operation string, body any, password []byte) (string, error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return "", err
	}
	content := sha256.Sum256(encoded)
	nonce := make([]byte, 16)
	rand.Read(nonce)
	statement, err := api.AuthStatement{
		Operation: operation, KeyID: cosign.KeyID(p.KeyID).String(), DeviceID: l.device, Nonce: nonce, ContentDigest: content[:],
	}.Bytes()
	if err != nil {
		return "", err
	}
	s, err := c.session(ctx, l, p)
	if err != nil {
		return "", err
	}
	if err := s.turn.take(ctx); err != nil {
		return "", err
	}
	defer s.turn.give()
	if _, _, err := c.settle(ctx, s, p); err != nil {
		return "", c.failure(err)
	}
	e, err := sm2.CalculateSM2Hash(s.signer.Public().(*ecdsa.PublicKey), statement, nil)
	if err != nil {
		return "", err
	}
	var token string
	t := &transport{
		client: c, link: l, purpose: gen.SignaturePurposeAuthenticate, operation: operation, nonce: nonce, content: content[:],
		token: &token,
	}
	if _, err := s.signer.WithTransport(t).SignDigests(ctx, [][]byte{e}, password); err != nil {
		return "", c.whyNot(ctx, p, err)
	}
	return token, nil
}

// SubmitInk hands the captured handwritten signature to the CA and keeps it here (签名采集). Errors: as Bind.
func (c *Client) SubmitInk(ctx context.Context, certID string, ink Ink, password []byte) error {
	p, l, err := c.profile(ctx, certID)
	if err != nil {
		return err
	}
	body := gen.Handwriting{Png: ink.PNG, Strokes: make([]gen.Stroke, len(ink.Strokes))}
	stored := keystore.Ink{PNG: ink.PNG, Strokes: make([][]keystore.InkPoint, len(ink.Strokes)), Captured: c.now(), Submitted: true}
	for i, stroke := range ink.Strokes {
		for _, d := range stroke {
			body.Strokes[i] = append(body.Strokes[i], gen.StrokePoint{X: d.X, Y: d.Y, T: int32(d.T / time.Millisecond)})
			stored.Strokes[i] = append(stored.Strokes[i], keystore.InkPoint(d))
		}
	}
	token, err := c.authenticate(ctx, l, p, "putHandwriting", body, password)
	if err != nil {
		return err
	}
	if err := l.api.PutHandwriting(ctx, uuid.New(), token, cosign.KeyID(p.KeyID).String(), body); err != nil {
		return c.failure(err)
	}
	return c.store.PutInk(ctx, certID, stored)
}

// Ink returns the handwritten signature of a certificate, or the store's ErrNotFound.
func (c *Client) Ink(ctx context.Context, certID string) (Ink, error) {
	stored, err := c.store.Ink(ctx, certID)
	if err != nil {
		return Ink{}, err
	}
	out := Ink{PNG: stored.PNG, Strokes: make([][]InkDot, len(stored.Strokes))}
	for i, stroke := range stored.Strokes {
		for _, d := range stroke {
			out.Strokes[i] = append(out.Strokes[i], InkDot(d))
		}
	}
	return out, nil
}
