package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/emmansun/gmsm/smx509"
	"github.com/google/uuid"

	"cloudkey/api"
	"cloudkey/api/gen"
	"cloudkey/cosign"
	"cloudkey/keystore"
)

// Seal is an electronic seal of a certificate (签章管理).
type Seal struct {
	ID       string
	Name     string
	Personal bool // of a person, not of an organisation
	From     time.Time
	Until    time.Time
	Default  bool   // offered first
	Picture  []byte // as in the seal; a PNG for those made here
	Width    int    // of the print, mm
	Height   int
	Maker    string // common name of who made it
	DER      []byte // the whole seal with its signature, GB/T 38540
}

// Seals asks the CA for the seals of a certificate, in the order they were made. A seal that is not signed by a maker of this
// organisation's CA, or not for this certificate's holder, is a *TrustError.
func (c *Client) Seals(ctx context.Context, certID string) ([]Seal, error) {
	p, l, err := c.profile(ctx, certID)
	if err != nil {
		return nil, err
	}
	answer, err := l.api.ListSeals(ctx, cosign.KeyID(p.KeyID).String())
	if err != nil {
		return nil, c.failure(err)
	}
	out := make([]Seal, len(answer.Seals))
	for i, s := range answer.Seals {
		if out[i], err = c.checkSeal(ctx, p, s); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// MakeSeal has the CA make a personal seal from the captured signature that it keeps. Errors: ErrNoInk, ErrSealRefused,
// *PasswordError, *LockedError and those of a connection.
func (c *Client) MakeSeal(ctx context.Context, certID, name string, password []byte) (Seal, error) {
	p, l, err := c.profile(ctx, certID)
	if err != nil {
		return Seal{}, err
	}
	body := gen.SealRequest{Name: name}
	token, err := c.authenticate(ctx, l, p, "createSeal", body, password)
	if err != nil {
		return Seal{}, err
	}
	answer, err := l.api.CreateSeal(ctx, uuid.New(), token, cosign.KeyID(p.KeyID).String(), body)
	switch err := c.failure(err); {
	case refusedWith(err, gen.ProblemCodeNotFound):
		return Seal{}, ErrNoInk
	case refusedWith(err, gen.ProblemCodeStateConflict):
		return Seal{}, ErrSealRefused
	case err != nil:
		return Seal{}, err
	}
	return c.checkSeal(ctx, p, answer)
}

// SetDefaultSeal makes a seal the one that is offered first.
func (c *Client) SetDefaultSeal(ctx context.Context, certID, sealID string) error {
	return c.changeSeal(ctx, certID, sealID, (*api.Client).SetDefaultSeal)
}

// DeleteSeal deletes a seal at the CA. One that is not there any more is deleted.
func (c *Client) DeleteSeal(ctx context.Context, certID, sealID string) error {
	err := c.changeSeal(ctx, certID, sealID, (*api.Client).DeleteSeal)
	if refusedWith(err, gen.ProblemCodeNotFound) {
		return nil
	}
	return err
}

func (c *Client) changeSeal(ctx context.Context, certID, sealID string, call func(service *api.Client, ctx context.Context, key uuid.UUID, keyID, sealID string) error) error {
	p, l, err := c.profile(ctx, certID)
	if err != nil {
		return err
	}
	return c.failure(call(l.api, ctx, uuid.New(), cosign.KeyID(p.KeyID).String(), sealID))
}

func (c *Client) checkSeal(ctx context.Context, p keystore.Profile, s gen.Seal) (Seal, error) {
	o, err := c.store.Organisation(ctx, p.Organisation)
	if err != nil {
		return Seal{}, err
	}
	refuse := func(err error) (Seal, error) { return Seal{}, &TrustError{Host: o.Name, Err: err} }
	seal, maker, err := api.ParseESeal(s.Seal)
	if err != nil {
		return refuse(err)
	}
	if len(p.Chain) == 0 {
		return refuse(errors.New("client: no issuer"))
	}
	issuer, err := smx509.ParseCertificate(p.Chain[0])
	if err != nil {
		return refuse(err)
	}
	if err := maker.CheckSignatureFrom(issuer); err != nil {
		return refuse(fmt.Errorf("client: the seal's maker: %w", err))
	}
	// A renewed certificate is another one for the same key.
	ours := slices.ContainsFunc(seal.Holders, func(der []byte) bool {
		cert, err := smx509.ParseCertificate(der)
		return err == nil && sameKey(cert, p.PublicKey)
	})
	if !ours {
		return refuse(errors.New("client: a seal for another holder"))
	}
	return Seal{
		ID: s.Id, Name: seal.Name, Personal: seal.Personal, From: seal.From, Until: seal.Until, Default: s.Default,
		Picture: seal.Picture, Width: seal.Width, Height: seal.Height, Maker: maker.Subject.CommonName, DER: s.Seal,
	}, nil
}
