package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"cloudkey/api"
	"cloudkey/keystore"
)

// ReadInit verifies a scanned or pasted text as an organisation's init QR. Nothing is sent and nothing stored.
// Errors: *QRError.
func (c *Client) ReadInit(ctx context.Context, text string) (*InitOffer, error) {
	init, err := api.ParseInit(text, c.cfg.Anchors, c.now())
	if err != nil {
		return nil, qrError(err)
	}
	offer := &InitOffer{
		Organisation: Organisation{
			ID: init.OrgID, Name: init.OrgName, API: init.API.String(), Cosign: init.Cosign.String(),
			Fingerprint: colonHex(init.CAFingerprint[:]),
		},
		Host: init.API.Host(), Signer: init.Signer.Name(), Expires: init.Expires,
		NeedsCode: !init.Signer.Anchored(), Token: init,
	}
	old, err := c.store.Organisation(ctx, init.OrgID)
	if err == nil {
		present := organisation(old)
		offer.Replaces = &present
	} else if !errors.Is(err, keystore.ErrNotFound) {
		return nil, err
	}
	return offer, nil
}

// AcceptInit asks the offered service for its signed statement, compares it with the QR and stores the organisation. code
// is the organisation's first-use code when the offer needs one, else ignored.
// Errors: *QRError (QRWrongCode, QRDisagrees, QRExpired), *UnreachableError, *TrustError and the store's.
func (c *Client) AcceptInit(ctx context.Context, offer *InitOffer, code string) (Organisation, error) {
	init, ok := offer.Token.(*api.InitQR)
	if !ok {
		return Organisation{}, errors.New("client: offer was not made by ReadInit")
	}
	if !init.Signer.Anchored() {
		if err := api.CheckFirstUseCode(code, init.OrgID, init.Signer); err != nil {
			return Organisation{}, qrError(err)
		}
	}
	if !c.now().Before(init.Expires) {
		return Organisation{}, &QRError{QRExpired}
	}
	service, err := c.dial(init.API, init.Pins, nil)
	if err != nil {
		return Organisation{}, err
	}
	defer service.CloseIdle()
	answer, err := service.GetInfo(ctx)
	if err != nil {
		return Organisation{}, c.failure(err)
	}
	// A statement that cannot be read, or is signed by another key, says something else than the QR too.
	info, err := api.ParseInfo(answer.Signed, init.Signer, c.now())
	if err == nil {
		err = init.Agrees(info.Service)
	}
	if err != nil {
		c.log.Warn("service statement", "error", err)
		return Organisation{}, &QRError{QRDisagrees}
	}
	now := c.now()
	o := keystore.Organisation{
		ID: init.OrgID, Name: init.OrgName, API: init.API.String(), Cosign: init.Cosign.String(), TLSPins: pinBytes(info.Pins),
		CAFingerprint: init.CAFingerprint[:], SealKey: init.SealKey[:], Signer: init.Signer.DER(), Hotline: info.Hotline,
		SignedConfig: []byte(answer.Signed), Added: now, Updated: now,
	}
	err = c.store.Update(ctx, func(tx *keystore.Tx) error {
		old, err := tx.Organisation(o.ID)
		switch {
		case errors.Is(err, keystore.ErrNotFound):
		case err != nil:
			return err
		default:
			// Certificates of the old configuration stay usable only if it is the same CA.
			if !bytes.Equal(old.CAFingerprint, o.CAFingerprint) {
				return &QRError{QRDisagrees}
			}
			o.Added = old.Added
		}
		return tx.PutOrganisation(o)
	})
	if err != nil {
		return Organisation{}, err
	}
	c.forgetLink(o.ID)
	return organisation(o), nil
}

// Organisations returns what this device was initialised for, ordered by name.
func (c *Client) Organisations(ctx context.Context) ([]Organisation, error) {
	stored, err := c.store.Organisations(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Organisation, len(stored))
	for i, o := range stored {
		out[i] = organisation(o)
	}
	return out, nil
}

func organisation(o keystore.Organisation) Organisation {
	return Organisation{
		ID: o.ID, Name: o.Name, API: o.API, Cosign: o.Cosign, Fingerprint: colonHex(o.CAFingerprint), Hotline: o.Hotline,
	}
}

func pinBytes(pins []api.Pin) [][]byte {
	out := make([][]byte, len(pins))
	for i, p := range pins {
		out[i] = bytes.Clone(p[:])
	}
	return out
}

func pinsOf(raw [][]byte) ([]api.Pin, error) {
	out := make([]api.Pin, len(raw))
	for i, p := range raw {
		if len(p) != len(out[i]) {
			return nil, fmt.Errorf("client: stored pin of %d bytes", len(p))
		}
		copy(out[i][:], p)
	}
	return out, nil
}
