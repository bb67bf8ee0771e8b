package client

import (
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"time"

	"github.com/google/uuid"

	"cloudkey/api"
	"cloudkey/api/gen"
	"cloudkey/keystore"
)

// retry suits a person who waits: a short loss of the network is bridged, a long one is told soon.
var retry = api.Retry{Tries: 4, First: 300 * time.Millisecond, Most: 3 * time.Second, Total: 15 * time.Second}

func (c *Client) dial(address api.Address, pins []api.Pin, device *api.DeviceKey) (*api.Client, error) {
	return api.NewClient(api.Config{
		Address: address, Pins: pins, Device: device, UserAgent: "cloudkey/" + c.cfg.Version,
		Now: c.cfg.Now, Dial: c.cfg.Dial, Retry: retry,
	})
}

// link returns the connection to an organisation, registering this device there at the first call.
func (c *Client) link(ctx context.Context, orgID string) (*link, error) {
	if l := c.known(orgID); l != nil {
		return l, nil
	}
	if err := c.linking.take(ctx); err != nil {
		return nil, err
	}
	defer c.linking.give()
	if l := c.known(orgID); l != nil {
		return l, nil
	}
	o, err := c.store.Organisation(ctx, orgID)
	if errors.Is(err, keystore.ErrNotFound) {
		return nil, ErrNotInitialised
	}
	if err != nil {
		return nil, err
	}
	address, err := api.ParseAddress(o.API)
	if err != nil {
		return nil, err
	}
	pins, err := pinsOf(o.TLSPins)
	if err != nil {
		return nil, err
	}
	key, err := c.deviceKey(ctx, orgID)
	if err != nil {
		return nil, err
	}
	defer key.Wipe()
	signer, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), key.Signing)
	if err != nil {
		return nil, err
	}
	device, err := api.NewDeviceKey(signer)
	if err != nil {
		return nil, err
	}
	service, err := c.dial(address, pins, device)
	if err != nil {
		return nil, err
	}
	if key.DeviceID == "" {
		if err := c.register(ctx, service, signer.Public(), &key); err != nil {
			service.CloseIdle()
			return nil, err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	l := &link{api: service, device: device.ID()}
	c.links[orgID] = l
	return l, nil
}

// known returns the connection to an organisation, or nil.
func (c *Client) known(orgID string) *link {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.links[orgID]
}

func (c *Client) forgetLink(orgID string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l := c.links[orgID]; l != nil {
		l.api.CloseIdle()
		delete(c.links, orgID)
	}
}

// deviceKey returns this device's keys at an organisation, drawing them at the first call. The caller wipes them.
func (c *Client) deviceKey(ctx context.Context, orgID string) (keystore.DeviceKey, error) {
	key, err := c.store.DeviceKey(ctx, orgID)
	if !errors.Is(err, keystore.ErrNotFound) {
		return key, err
	}
	signing, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return key, err
	}
	seal, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return key, err
	}
	key = keystore.DeviceKey{Organisation: orgID, Seal: seal.Bytes(), Created: c.now()}
	if key.Signing, err = signing.Bytes(); err != nil {
		return key, err
	}
	return key, c.store.PutDeviceKey(ctx, key)
}

// register tells the service this device's public keys. The service derives the ID from the key, so that registering
// twice is registering once.
func (c *Client) register(ctx context.Context, service *api.Client, public crypto.PublicKey, key *keystore.DeviceKey) error {
	spki, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return err
	}
	seal, err := ecdh.X25519().NewPrivateKey(key.Seal)
	if err != nil {
		return err
	}
	answer, err := service.RegisterDevice(ctx, uuid.New(), gen.DeviceRegistration{
		PublicKey: spki, Name: c.cfg.Device, Platform: c.cfg.Platform, SealKey: seal.PublicKey().Bytes(),
	})
	if err != nil {
		return c.failure(err)
	}
	key.DeviceID = answer.DeviceId
	return c.store.PutDeviceKey(ctx, *key)
}
