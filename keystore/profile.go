package keystore

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"
)

// KeyID identifies a two-party key; the client chooses it at random.
type KeyID = [16]byte

// ProfileState is how far a certificate on this device has come.
type ProfileState int

// The states in their order.
const (
	ProfileKeyed        ProfileState = iota + 1 // the key is shared with the CA, the certificate is not here
	ProfileMustPassword                         // certificate here, first password not replaced
	ProfileReady
)

// Binding is what the CA said last about the device bound to the account.
type Binding struct {
	Bound      bool
	DeviceID   string
	DeviceName string
	Since      time.Time
	Checked    time.Time
}

// Profile is one (organisation, account, certificate) on this device. Only ID is unique; an account may have several
// profiles, for example its own certificate and one it was authorized for.
type Profile struct {
	ID           string
	Organisation string // ID
	Account      string
	Holder       string // subject common name
	Phone        string // masked
	State        ProfileState
	KeyID        KeyID
	PublicKey    []byte   // the two-party public key P, uncompressed point, 65 bytes
	Certificate  []byte   // DER, nil in ProfileKeyed
	Chain        [][]byte // DER, issuing CA first, root last
	Request      []byte   // PKCS #10 request it was issued on, DER, may be nil
	CertState    string   // the CA's last word ("valid", "revoked" …), as it came
	Enrolment    string   // ID of the enrolment it came from, while that is needed
	Binding      Binding
	Created      time.Time
	Updated      time.Time // set by every Put
	Checked      time.Time // last refresh from the CA
}

// Profile returns the profile with this ID, or ErrNotFound.
func (s *Store) Profile(ctx context.Context, id string) (Profile, error) {
	return read(ctx, s, func(tx *Tx) (Profile, error) { return tx.Profile(id) })
}

// Profiles returns all profiles ordered by organisation ID, account, creation time and ID.
func (s *Store) Profiles(ctx context.Context) ([]Profile, error) {
	return read(ctx, s, (*Tx).Profiles)
}

// FindProfiles returns the profiles of an account, oldest first.
func (s *Store) FindProfiles(ctx context.Context, organisation, account string) ([]Profile, error) {
	return read(ctx, s, func(tx *Tx) ([]Profile, error) { return tx.FindProfiles(organisation, account) })
}

// PutProfile stores p, replacing the one with the same ID. The organisation must exist.
func (s *Store) PutProfile(ctx context.Context, p Profile) error {
	return s.Update(ctx, func(tx *Tx) error { return tx.PutProfile(p) })
}

// CurrentProfile returns the ID of the chosen profile, or ErrNotFound when none is.
func (s *Store) CurrentProfile(ctx context.Context) (string, error) {
	return read(ctx, s, (*Tx).CurrentProfile)
}

// SetCurrentProfile chooses a profile, which must exist.
func (s *Store) SetCurrentProfile(ctx context.Context, id string) error {
	return s.Update(ctx, func(tx *Tx) error { return tx.SetCurrentProfile(id) })
}

// DeleteProfile removes a profile with its share, further keys, history, handwriting, cached password and pending
// requests, and makes all of it unrecoverable from the data directory (see the package documentation). A current profile
// that is deleted leaves none chosen. ErrNotFound when there is no such profile; ErrErasurePending when the profile is
// gone for every reader but the old file could not be replaced, which the next Open or Erase tries again.
func (s *Store) DeleteProfile(ctx context.Context, id string) error {
	if err := s.Update(ctx, func(tx *Tx) error { return tx.DeleteProfile(id) }); err != nil {
		return err
	}
	return s.Erase(ctx)
}

// Profile is Store.Profile in this transaction.
func (tx *Tx) Profile(id string) (Profile, error) {
	plain, err := tx.get(KindProfile, id)
	if err != nil {
		return Profile{}, err
	}
	return unmarshalProfile(plain)
}

// Profiles is Store.Profiles in this transaction.
func (tx *Tx) Profiles() ([]Profile, error) {
	out := []Profile{}
	err := tx.each(KindProfile, func(_ RecordRef, plain []byte) error {
		p, err := unmarshalProfile(plain)
		out = append(out, p)
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(out, func(a, b Profile) int {
		return cmp.Or(cmp.Compare(a.Organisation, b.Organisation), cmp.Compare(a.Account, b.Account),
			a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

// FindProfiles is Store.FindProfiles in this transaction. It opens no other record.
func (tx *Tx) FindProfiles(organisation, account string) ([]Profile, error) {
	out := []Profile{}
	for _, ref := range tx.refs(KindProfile) {
		if ref.Organisation != organisation || ref.Account != account {
			continue
		}
		p, err := tx.Profile(ref.ID)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b Profile) int { return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID)) })
	return out, nil
}

// PutProfile is Store.PutProfile in this transaction. Created of an existing one is kept, Updated is set.
func (tx *Tx) PutProfile(p Profile) error {
	switch {
	case p.ID == "":
		return invalid(KindProfile, "no ID")
	case !tx.has(KindOrganisation, p.Organisation):
		return invalid(KindProfile, "unknown organisation")
	case p.State < ProfileKeyed || p.State > ProfileReady:
		return invalid(KindProfile, "no such state")
	case p.State > ProfileKeyed && len(p.Certificate) == 0:
		return invalid(KindProfile, "no certificate")
	}
	p.Updated = tx.now().UTC()
	switch old, err := tx.Profile(p.ID); {
	case err == nil:
		p.Created = old.Created
	case !errors.Is(err, ErrNotFound):
		return err
	case p.Created.IsZero():
		p.Created = p.Updated
	}
	return tx.put(KindProfile, p.ID, RecordRef{ID: p.ID, Organisation: p.Organisation, Account: p.Account}, p.marshal())
}

// CurrentProfile is Store.CurrentProfile in this transaction.
func (tx *Tx) CurrentProfile() (string, error) {
	id, err := tx.get(KindCurrent, "")
	return string(id), err
}

// SetCurrentProfile is Store.SetCurrentProfile in this transaction.
func (tx *Tx) SetCurrentProfile(id string) error {
	if !tx.has(KindProfile, id) {
		return ErrNotFound
	}
	return tx.put(KindCurrent, "", RecordRef{}, []byte(id))
}

// DeleteProfile removes a profile and all that belongs to it, see Store.DeleteProfile. After the Update the caller calls
// Store.Erase. The share stays while another profile has the same key.
func (tx *Tx) DeleteProfile(id string) error {
	p, err := tx.Profile(id)
	var damaged *DamagedError
	if err != nil && !errors.As(err, &damaged) {
		return err
	}
	if err == nil && p.KeyID != (KeyID{}) {
		if err := tx.deleteUnusedShare(p); err != nil {
			return err
		}
	}
	if err := tx.deleteHistory(id); err != nil {
		return err
	}
	if err := tx.deletePendingRequests(func(r PendingRequest) bool { return r.Profile == id }); err != nil {
		return err
	}
	keys, err := tx.SealedKeys(id)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if err := tx.DeleteSealedKey(k.ID); err != nil {
			return err
		}
	}
	if current, err := tx.CurrentProfile(); err == nil && current == id {
		if _, err := tx.del(KindCurrent, ""); err != nil {
			return err
		}
	}
	for _, kind := range []Kind{KindInk, KindPassword, KindProfile} {
		if _, err := tx.del(kind, id); err != nil {
			return err
		}
	}
	tx.requestErasure()
	return nil
}

func (tx *Tx) deleteUnusedShare(p Profile) error {
	all, err := tx.Profiles()
	if err != nil {
		return err
	}
	for _, other := range all {
		if other.ID != p.ID && other.KeyID == p.KeyID {
			return nil
		}
	}
	return tx.DeleteShare(p.KeyID)
}
