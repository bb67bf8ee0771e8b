package refca

import (
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"cloudkey/api/gen"
	"cloudkey/api/refca/internal/store"
)

// RegisterDevice is signed with the key in its body.
func (s *Server) RegisterDevice(w http.ResponseWriter, r *http.Request, _ gen.RegisterDeviceParams) {
	const op = "registerDevice"
	trace := randomID()
	out, err := func() (reply, error) {
		c, err := s.newCall(r, op, trace)
		if err != nil {
			return reply{}, err
		}
		id, in, err := s.verifier.VerifyRegistration(r)
		if err != nil {
			return reply{}, s.verifierError(err)
		}
		if err := c.readBody(r); err != nil {
			return reply{}, err
		}
		c.device.ID = id
		return c.once(r, func() (reply, error) {
			if !displayName(in.Name) || !platformForm(in.Platform) || len(in.SealKey) != 32 {
				return reply{}, invalid("registration")
			}
			return c.commit(func(tx *store.Tx) (answerable, error) {
				d, found, err := devices.get(tx, id)
				if err != nil {
					return nil, err
				}
				if !found {
					err := allow(tx, c.now, rate{"deviceAddress", c.address, s.limits.DevicesPerAddressHour, time.Hour})
					if err != nil {
						return nil, err
					}
					d = device{ID: id, PublicKey: in.PublicKey, Registered: c.now.UTC()}
				}
				d.Name, d.Platform, d.SealKey = in.Name, in.Platform, in.SealKey
				return ok(gen.Device{DeviceId: id}), errors.Join(
					devices.put(tx, id, d),
					c.audit(tx, auditEntry{Detail: detail("name", d.Name, "platform", d.Platform)}),
				)
			})
		})
	}()
	s.finish(w, r, op, trace, out, err)
}

// BindDevice binds the account of a key to the calling device.
func (s *Server) BindDevice(w http.ResponseWriter, r *http.Request, id gen.DeviceId, _ gen.BindDeviceParams) {
	change(s, w, r, "bindDevice", func(c *call, in gen.BindingRequest) (reply, error) {
		return c.commit(func(tx *store.Tx) (answerable, error) {
			k, who, err := c.bindable(tx, id, in.KeyId)
			if err != nil {
				return nil, err
			}
			if who.BoundDevice != "" && who.BoundDevice != c.device.ID {
				return nil, newProblem(gen.ProblemCodeAlreadyBound, "the account is bound to another device")
			}
			if err := c.spend(tx, in.KeyId); err != nil {
				return nil, err
			}
			if who.BoundDevice == "" {
				who.BoundDevice, who.BoundSince = c.device.ID, utc(c.now)
			}
			return ok(binding(who, c.device)), errors.Join(
				accounts.put(tx, who.ID, who), c.audit(tx, auditEntry{Account: who.ID, KeyID: k.ID}),
			)
		})
	})
}

// UnbindDevice undoes it.
func (s *Server) UnbindDevice(w http.ResponseWriter, r *http.Request, id gen.DeviceId, _ gen.UnbindDeviceParams) {
	change(s, w, r, "unbindDevice", func(c *call, in gen.BindingRequest) (reply, error) {
		return c.commit(func(tx *store.Tx) (answerable, error) {
			k, who, err := c.bindable(tx, id, in.KeyId)
			if err != nil {
				return nil, err
			}
			if who.BoundDevice != c.device.ID {
				return nil, newProblem(gen.ProblemCodeDeviceNotBound, "the account is not bound to this device")
			}
			if err := c.spend(tx, in.KeyId); err != nil {
				return nil, err
			}
			who.BoundDevice, who.BoundSince = "", time.Time{}
			return ok(gen.Binding{}), errors.Join(
				accounts.put(tx, who.ID, who), c.audit(tx, auditEntry{Account: who.ID, KeyID: k.ID}),
			)
		})
	})
}

// GetBinding says which device the account of a key is bound to.
func (s *Server) GetBinding(w http.ResponseWriter, r *http.Request, id gen.KeyId) {
	read(s, w, r, "getBinding", func(c *call, tx *store.Tx) (any, error) {
		k, err := c.ownKey(tx, id)
		if err != nil {
			return nil, err
		}
		who, _, err := accounts.get(tx, k.Account)
		if err != nil || who.BoundDevice == "" {
			return gen.Binding{}, err
		}
		d, _, err := devices.get(tx, who.BoundDevice)
		return binding(who, d), err
	})
}

// bindable returns key and account for a change of the binding of the calling device itself.
func (c *call) bindable(tx *store.Tx, deviceID, keyID string) (k key, who account, err error) {
	if deviceID != c.device.ID {
		return k, who, notFound("device")
	}
	if k, err = c.ownKey(tx, keyID); err != nil {
		return k, who, err
	}
	who, _, err = accounts.get(tx, k.Account)
	return k, who, err
}

func binding(who account, d device) gen.Binding {
	return gen.Binding{Bound: true, DeviceId: d.ID, DeviceName: d.Name, Since: who.BoundSince}
}

// displayName says whether a name from outside can be shown: 1 to 64 characters, none of them a control character.
func displayName(name string) bool {
	n := utf8.RuneCountInString(name)
	return n >= 1 && n <= 64 && utf8.ValidString(name) && !strings.ContainsFunc(name, isControl)
}

func platformForm(p string) bool {
	return len(p) >= 1 && len(p) <= 16 && strings.Trim(p, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}
