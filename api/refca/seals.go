package refca

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"image/png"
	"net/http"
	"slices"
	"unicode/utf8"

	"cloudkey/api"
	"cloudkey/api/gen"
	"cloudkey/api/refca/internal/pki"
	"cloudkey/api/refca/internal/store"
)

const (
	maxSeals   = 20 // of a certificate
	sealVendor = "cloudkey-refca"

	// A handwritten signature is printed 20 mm high, and no wider than 60.
	sealHeight, sealWidth = 20, 60
)

// loadSealMaker reads the key that signs seals, making it at the first start; a data directory from before there were seals
// has none either.
func (s *Server) loadSealMaker(ctx context.Context) (err error) {
	var certificate, key []byte
	err = s.db.Update(ctx, func(tx *store.Tx) (err error) {
		if certificate, key = tx.Get(secretBucket, "sealMaker"), tx.Get(secretBucket, "sealMakerKey"); key != nil {
			return nil
		}
		if certificate, key, err = s.pki.NewSealMaker(s.organisation.Name, s.now()); err != nil {
			return err
		}
		return errors.Join(tx.Put(secretBucket, "sealMaker", certificate), tx.Put(secretBucket, "sealMakerKey", key))
	})
	if err != nil {
		return err
	}
	defer clear(key)
	s.sealMaker, err = pki.LoadSealMaker(certificate, key)
	return err
}

// ListSeals lists the seals of a certificate.
func (s *Server) ListSeals(w http.ResponseWriter, r *http.Request, params gen.ListSealsParams) {
	read(s, w, r, "listSeals", func(c *call, tx *store.Tx) (any, error) {
		k, err := c.certified(tx, params.KeyId)
		if err != nil {
			return nil, err
		}
		list, _, err := seals.get(tx, k.ID)
		if err != nil {
			return nil, err
		}
		out := gen.SealList{Seals: make([]gen.Seal, len(list.Seals))}
		for i, seal := range list.Seals {
			out.Seals[i] = gen.Seal{Id: seal.ID, Seal: seal.DER, Default: seal.ID == list.Default}
		}
		return out, nil
	})
}

// CreateSeal makes a seal from the stored handwriting.
func (s *Server) CreateSeal(w http.ResponseWriter, r *http.Request, params gen.CreateSealParams) {
	change(s, w, r, "createSeal", func(c *call, in gen.SealRequest) (reply, error) {
		if !displayName(in.Name) || utf8.RuneCountInString(in.Name) > 32 {
			return reply{}, invalid("name")
		}
		return c.commit(func(tx *store.Tx) (answerable, error) {
			k, err := c.certified(tx, params.KeyId)
			if err != nil {
				return nil, err
			}
			if err := c.spend(tx, k.ID); err != nil {
				return nil, err
			}
			list, _, err := seals.get(tx, k.ID)
			if err != nil {
				return nil, err
			}
			if len(list.Seals) >= maxSeals {
				return nil, conflict("the certificate has as many seals as there may be")
			}
			credential, err := c.credential(tx, k)
			if err != nil {
				return nil, err
			}
			if credential.Status.State != gen.CredentialStateActive {
				return nil, conflict("the certificate is not valid")
			}
			made, err := c.personalSeal(tx, k, in.Name)
			if err != nil {
				return nil, err
			}
			if list.Seals = append(list.Seals, made); list.Default == "" {
				list.Default = made.ID
			}
			return ok(gen.Seal{Id: made.ID, Seal: made.DER, Default: list.Default == made.ID}), errors.Join(
				seals.put(tx, k.ID, list),
				c.audit(tx, auditEntry{Account: k.Account, KeyID: k.ID, Detail: detail("seal", made.ID, "name", in.Name)}),
			)
		})
	})
}

// personalSeal makes a seal of the handwriting of a key, valid as long as its certificate.
func (c *call) personalSeal(tx *store.Tx, k key, name string) (seal, error) {
	stored, found, err := inks.get(tx, k.ID)
	if err != nil {
		return seal{}, err
	}
	if !found {
		return seal{}, notFound("handwriting")
	}
	var ink gen.Handwriting
	if err := json.Unmarshal(stored.Body, &ink); err != nil {
		return seal{}, err
	}
	head, err := png.DecodeConfig(bytes.NewReader(ink.Png))
	if err != nil {
		return seal{}, err
	}
	cert, _, err := certificates.get(tx, k.Serial)
	if err != nil {
		return seal{}, err
	}
	width, height := sealHeight*head.Width/max(head.Height, 1), sealHeight
	if width > sealWidth {
		width, height = sealWidth, sealWidth*head.Height/head.Width
	}
	id := randomID()
	der, err := c.s.sealMaker.Make(api.ESeal{
		Maker: sealVendor, ID: id, Personal: true, Name: name, Holders: [][]byte{cert.DER},
		Created: c.now, From: c.now, Until: cert.NotAfter, Format: "PNG", Picture: ink.Png, Width: max(width, 1), Height: max(height, 1),
	})
	return seal{ID: id, DER: der}, err
}

// DeleteSeal deletes one.
func (s *Server) DeleteSeal(w http.ResponseWriter, r *http.Request, id gen.SealId, params gen.DeleteSealParams) {
	s.changeSeals(w, r, "deleteSeal", params.KeyId, id, func(list *sealList, i int) {
		list.Seals = slices.Delete(list.Seals, i, i+1)
		switch {
		case len(list.Seals) == 0:
			list.Default = ""
		case list.Default == id:
			list.Default = list.Seals[0].ID
		}
	})
}

// SetDefaultSeal chooses the seal that is offered first.
func (s *Server) SetDefaultSeal(w http.ResponseWriter, r *http.Request, id gen.SealId, params gen.SetDefaultSealParams) {
	s.changeSeals(w, r, "setDefaultSeal", params.KeyId, id, func(list *sealList, _ int) { list.Default = id })
}

func (s *Server) changeSeals(w http.ResponseWriter, r *http.Request, op string, keyID gen.KeyId, id gen.SealId, edit func(list *sealList, i int)) {
	change(s, w, r, op, func(c *call, _ nothing) (reply, error) {
		return c.commit(func(tx *store.Tx) (answerable, error) {
			k, err := c.certified(tx, keyID)
			if err != nil {
				return nil, err
			}
			list, _, err := seals.get(tx, k.ID)
			if err != nil {
				return nil, err
			}
			i := slices.IndexFunc(list.Seals, func(s seal) bool { return s.ID == id })
			if i < 0 {
				return nil, notFound("seal")
			}
			edit(&list, i)
			return ok(nil), errors.Join(
				seals.put(tx, k.ID, list),
				c.audit(tx, auditEntry{Account: k.Account, KeyID: k.ID, Detail: detail("seal", id)}),
			)
		})
	})
}
