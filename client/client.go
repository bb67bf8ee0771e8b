package client

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"cloudkey/api"
	"cloudkey/cosign"
	"cloudkey/keystore"
)

// Config is what a Client needs.
type Config struct {
	Store    *keystore.Store
	Anchors  *api.Anchors // roots of init QR signers shipped with the app or imported; nil: none
	Device   string       // name of this device as the user sees it in lists, 1 to 64 characters
	Platform string       // GOOS
	Version  string
	Build    string
	KDF      cosign.KDF // cost of the password's derivation; the zero value is cosign.DefaultKDF
	Log      *slog.Logger

	Now  func() time.Time                                                     // nil: time.Now
	Dial func(ctx context.Context, network, address string) (net.Conn, error) // nil: the network
}

// Client joins the key store, the CA's REST service and the two-party protocol. The caller closes the store after the
// Client's last call.
type Client struct {
	store *keystore.Store
	cfg   Config
	log   *slog.Logger
	now   func() time.Time

	linking turn // held while a device is registered, so that it is registered once

	mu      sync.Mutex
	links   map[string]*link          // by organisation ID
	signers map[cosign.KeyID]*session // one per share and process, as package cosign asks
}

// session is the signer of one key, and the turn that keeps the operations of a profile in order.
type session struct {
	turn   turn
	signer *cosign.Signer
}

// turn is a lock whose waiters can give up.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

// take waits for the turn; give hands it on.
func (t turn) take(ctx context.Context) error {
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t turn) give() { <-t }

// shares is the key store in the shape that package cosign asks for.
func (c *Client) shares() cosign.ShareStore { return keystore.SharesOf[cosign.KeyID](c.store) }

// New returns a Client. It neither reads the store nor sends anything.
func New(cfg Config) (*Client, error) {
	if cfg.Store == nil || cfg.Device == "" || cfg.Platform == "" {
		return nil, errors.New("client: store, device name and platform are needed")
	}
	if cfg.KDF == (cosign.KDF{}) {
		cfg.KDF = cosign.DefaultKDF()
	}
	c := &Client{
		store: cfg.Store, cfg: cfg, log: cfg.Log, now: cfg.Now,
		linking: newTurn(), links: map[string]*link{}, signers: map[cosign.KeyID]*session{},
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.now == nil {
		c.now = time.Now
	}
	return c, nil
}

// Close ends idle connections.
func (c *Client) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.links {
		l.api.CloseIdle()
	}
}

// link is the connection to one organisation's service, signed with this device's key there.
type link struct {
	api    *api.Client
	device string // this device's ID there
}
