package keystore

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"
)

// Enrolment is a download that has not ended. It never holds the SMS password.
type Enrolment struct {
	ID           string // local, unique on the device
	ServerID     string // the CA's ID, empty until it answered
	Organisation string // ID
	Account      string
	PhoneHint    string
	Holder       string // known after the SMS password was accepted
	Phone        string // masked, likewise
	Verified     bool   // the SMS password was accepted
	Begun        time.Time
	Expires      time.Time
	ResendAfter  time.Time
	KeyID        KeyID             // zero until key generation starts
	Keys         map[string]string // idempotency key of each step, by a name the caller chooses
}

// PendingRequest is a changing request kept from before it is sent until its answer has been used, so that a repetition
// is byte for byte the same. Body must hold no password in clear.
type PendingRequest struct {
	ID           string // the Idempotency-Key
	Organisation string // ID
	Profile      string // ID, empty before there is one; deleted with the profile
	Enrolment    string // ID, empty outside of one; deleted with the enrolment
	Operation    string
	Method       string
	Target       string // path and query
	Body         []byte
	Created      time.Time
}

// Enrolments returns the pending enrolments, newest first.
func (s *Store) Enrolments(ctx context.Context) ([]Enrolment, error) {
	return read(ctx, s, (*Tx).Enrolments)
}

// Enrolment returns the pending enrolment with this local ID, or ErrNotFound.
func (s *Store) Enrolment(ctx context.Context, id string) (Enrolment, error) {
	return read(ctx, s, func(tx *Tx) (Enrolment, error) { return tx.Enrolment(id) })
}

// PutEnrolment stores e, replacing the one with the same ID.
func (s *Store) PutEnrolment(ctx context.Context, e Enrolment) error {
	return s.Update(ctx, func(tx *Tx) error { return tx.PutEnrolment(e) })
}

// DeleteEnrolment removes an enrolment and its pending requests. Deleting one that is not there is no error.
func (s *Store) DeleteEnrolment(ctx context.Context, id string) error {
	return s.Update(ctx, func(tx *Tx) error { return tx.DeleteEnrolment(id) })
}

// PendingRequests returns the pending requests, oldest first.
func (s *Store) PendingRequests(ctx context.Context) ([]PendingRequest, error) {
	return read(ctx, s, (*Tx).PendingRequests)
}

// PendingRequest returns the pending request with this idempotency key, or ErrNotFound.
func (s *Store) PendingRequest(ctx context.Context, id string) (PendingRequest, error) {
	return read(ctx, s, func(tx *Tx) (PendingRequest, error) { return tx.PendingRequest(id) })
}

// PutPendingRequest stores r. A different request under the same key is ErrExists: a key is never used twice.
func (s *Store) PutPendingRequest(ctx context.Context, r PendingRequest) error {
	return s.Update(ctx, func(tx *Tx) error { return tx.PutPendingRequest(r) })
}

// DeletePendingRequest removes a request. Deleting one that is not there is no error.
func (s *Store) DeletePendingRequest(ctx context.Context, id string) error {
	return s.Update(ctx, func(tx *Tx) error { return tx.DeletePendingRequest(id) })
}

// Enrolments is Store.Enrolments in this transaction.
func (tx *Tx) Enrolments() ([]Enrolment, error) {
	return listJSON(tx, KindEnrolment, func(a, b Enrolment) int { return cmp.Or(b.Begun.Compare(a.Begun), cmp.Compare(a.ID, b.ID)) })
}

// Enrolment is Store.Enrolment in this transaction.
func (tx *Tx) Enrolment(id string) (Enrolment, error) {
	return getJSON[Enrolment](tx, KindEnrolment, id)
}

// PutEnrolment is Store.PutEnrolment in this transaction.
func (tx *Tx) PutEnrolment(e Enrolment) error {
	switch {
	case e.ID == "":
		return invalid(KindEnrolment, "no ID")
	case !tx.has(KindOrganisation, e.Organisation):
		return invalid(KindEnrolment, "unknown organisation")
	}
	return putJSON(tx, KindEnrolment, e.ID, RecordRef{ID: e.ID, Organisation: e.Organisation, Account: e.Account}, e)
}

// DeleteEnrolment is Store.DeleteEnrolment in this transaction.
func (tx *Tx) DeleteEnrolment(id string) error {
	if err := tx.deletePendingRequests(func(r PendingRequest) bool { return r.Enrolment == id }); err != nil {
		return err
	}
	_, err := tx.del(KindEnrolment, id)
	return err
}

// PendingRequests is Store.PendingRequests in this transaction.
func (tx *Tx) PendingRequests() ([]PendingRequest, error) {
	return listJSON(tx, KindPendingRequest, func(a, b PendingRequest) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
}

// PendingRequest is Store.PendingRequest in this transaction.
func (tx *Tx) PendingRequest(id string) (PendingRequest, error) {
	return getJSON[PendingRequest](tx, KindPendingRequest, id)
}

// PutPendingRequest is Store.PutPendingRequest in this transaction. Created is set when it is zero.
func (tx *Tx) PutPendingRequest(r PendingRequest) error {
	if r.ID == "" {
		return invalid(KindPendingRequest, "no idempotency key")
	}
	switch old, err := tx.PendingRequest(r.ID); {
	case err == nil:
		if old.Method != r.Method || old.Target != r.Target || old.Organisation != r.Organisation || !bytes.Equal(old.Body, r.Body) {
			return fmt.Errorf("%w: idempotency key used for another request", ErrExists)
		}
		r.Created = old.Created
	case !errors.Is(err, ErrNotFound):
		return err
	case r.Created.IsZero():
		r.Created = tx.now().UTC()
	}
	return putJSON(tx, KindPendingRequest, r.ID, RecordRef{ID: r.ID, Organisation: r.Organisation}, r)
}

// DeletePendingRequest is Store.DeletePendingRequest in this transaction.
func (tx *Tx) DeletePendingRequest(id string) error {
	_, err := tx.del(KindPendingRequest, id)
	return err
}

func (tx *Tx) deletePendingRequests(match func(PendingRequest) bool) error {
	all, err := tx.PendingRequests()
	if err != nil {
		return err
	}
	for _, r := range all {
		if !match(r) {
			continue
		}
		if err := tx.DeletePendingRequest(r.ID); err != nil {
			return err
		}
	}
	return nil
}
