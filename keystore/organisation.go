package keystore

import (
	"cmp"
	"context"
	"errors"
	"time"
)

// Organisation is a CA service this device was initialised for. ID is unique on the device.
type Organisation struct {
	ID            string
	Name          string
	API           string   // base URL, https
	Cosign        string   // base URL, https
	TLSPins       [][]byte // SHA-256 of SubjectPublicKeyInfo, 32 bytes each
	CAFingerprint []byte   // SM3 of the CA certificate, 32 bytes
	SealKey       []byte   // the server's public key for the inner seal, as it came
	Signer        []byte   // certificate that signed the configuration, DER
	Hotline       string
	SignedConfig  []byte // the configuration as it was signed (compact JWS), for another check
	Added         time.Time
	Updated       time.Time
}

// Organisation returns the organisation with this ID, or ErrNotFound.
func (s *Store) Organisation(ctx context.Context, id string) (Organisation, error) {
	return read(ctx, s, func(tx *Tx) (Organisation, error) { return tx.Organisation(id) })
}

// Organisations returns all organisations ordered by name, then ID.
func (s *Store) Organisations(ctx context.Context) ([]Organisation, error) {
	return read(ctx, s, (*Tx).Organisations)
}

// PutOrganisation stores o, replacing the one with the same ID.
func (s *Store) PutOrganisation(ctx context.Context, o Organisation) error {
	return s.Update(ctx, func(tx *Tx) error { return tx.PutOrganisation(o) })
}

// Organisation is Store.Organisation in this transaction.
func (tx *Tx) Organisation(id string) (Organisation, error) {
	return getJSON[Organisation](tx, KindOrganisation, id)
}

// Organisations is Store.Organisations in this transaction.
func (tx *Tx) Organisations() ([]Organisation, error) {
	return listJSON(tx, KindOrganisation, func(a, b Organisation) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
}

// PutOrganisation is Store.PutOrganisation in this transaction. Added of an existing one is kept, Updated is set.
func (tx *Tx) PutOrganisation(o Organisation) error {
	if o.ID == "" {
		return invalid(KindOrganisation, "no ID")
	}
	o.Updated = tx.now().UTC()
	switch old, err := tx.Organisation(o.ID); {
	case err == nil:
		o.Added = old.Added
	case !errors.Is(err, ErrNotFound):
		return err
	case o.Added.IsZero():
		o.Added = o.Updated
	}
	return putJSON(tx, KindOrganisation, o.ID, RecordRef{ID: o.ID, Organisation: o.ID}, o)
}

// DeleteOrganisation removes an organisation and its device key. ErrInvalid while a profile belongs to it. Deleting one
// that is not there is no error.
func (tx *Tx) DeleteOrganisation(id string) error {
	for _, ref := range tx.refs(KindProfile) {
		if ref.Organisation == id {
			return invalid(KindOrganisation, "has profiles")
		}
	}
	if had, err := tx.del(KindDeviceKey, id); err != nil {
		return err
	} else if had {
		tx.requestErasure()
	}
	_, err := tx.del(KindOrganisation, id)
	return err
}
