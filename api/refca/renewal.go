package refca

import (
	"context"
	"errors"

	"cloudkey/api/refca/internal/store"

	"github.com/emmansun/gmsm/smx509"
)

// Renew issues the next certificate for the key of the certificate with this serial number, in hex. The one before stays valid
// until it expires, because a client signs with it until its next refresh; it is revoked and suspended together with the new
// one. A revoked, suspended or replaced certificate, or one whose key was removed, is not renewed.
func (s *Server) Renew(ctx context.Context, serial string) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		old, found, err := certificates.get(tx, serial)
		if err != nil {
			return err
		}
		k, _, err := keys.get(tx, old.KeyID)
		if err != nil {
			return err
		}
		if !found || k.Serial != serial || !k.Removed.IsZero() || old.revocation() != nil {
			return errNoSuch
		}
		now := s.now()
		der, err := s.pki.Reissue(old.DER, now)
		if err != nil {
			return err
		}
		parsed, err := smx509.ParseCertificate(der)
		if err != nil {
			return err
		}
		next := old
		next.Serial, next.DER, next.Issued = parsed.SerialNumber.Text(16), der, now.UTC()
		next.NotBefore, next.NotAfter = parsed.NotBefore, parsed.NotAfter
		k.Serial = next.Serial
		return errors.Join(
			keys.put(tx, k.ID, k), certificates.put(tx, next.Serial, next),
			s.operated(tx, "operatorRenew", next.Account, next.KeyID, next.Serial),
		)
	})
}

// replaced returns the other certificates of the same key.
func replaced(tx *store.Tx, c certificate) ([]certificate, error) {
	var others []certificate
	var err error
	for serial, other := range certificates.all(tx, "", &err) {
		if other.KeyID == c.KeyID && serial != c.Serial {
			others = append(others, other)
		}
	}
	return others, err
}
