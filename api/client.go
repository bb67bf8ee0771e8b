package api

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"
)

// Config is what a Client needs. The zero value of an optional member means its default.
type Config struct {
	Address Address    // of the service, from the organisation's init QR
	Pins    []Pin      // at least two: the key now and a backup
	Device  *DeviceKey // nil: only operations without a signature (GetInfo, GetLatestRelease)

	UserAgent      string                                                               // optional
	Now            func() time.Time                                                     // time.Now
	Dial           func(ctx context.Context, network, address string) (net.Conn, error) // net.Dialer with ConnectTimeout
	ConnectTimeout time.Duration                                                        // TCP and TLS each, 10 s
	AttemptTimeout time.Duration                                                        // one request with its answer, 20 s
	Retry          Retry
}

// Retry limits how often and how long one operation is tried. Only lost connections, broken answers and 5xx are tried
// again; an answer of the contract below 500, a wrong pin and the end of the context never are.
type Retry struct {
	Tries uint          // attempts in all, 5
	First time.Duration // mean wait before the second attempt, 300 ms; doubles each time, ± half
	Most  time.Duration // longest wait, 5 s
	Total time.Duration // no new attempt after this time, 60 s
}

// Client calls the service's operations, one method each. It is safe for concurrent use. It never follows a redirect,
// never uses a proxy of the environment, keeps no cookies and logs nothing.
type Client struct {
	config    Config
	server    string // base URL with a slash at the end, for the generated request builders
	pins      atomic.Pointer[[]Pin]
	transport *http.Transport
	skew      atomic.Int64 // nanoseconds to add to the device's clock, learnt from clockSkew
}

// maxSkew is how wrong a device's clock may be for the client to correct it silently in its signatures. Beyond, the user
// has to know: certificates and QR codes would be judged wrongly too.
const maxSkew = 15 * time.Minute

// NewClient returns a Client. It sends nothing.
func NewClient(config Config) (*Client, error) {
	if config.Address.url == nil {
		return nil, errors.New("api: no address")
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	setDefault(&config.ConnectTimeout, 10*time.Second)
	setDefault(&config.AttemptTimeout, 20*time.Second)
	setDefault(&config.Retry.Tries, 5)
	setDefault(&config.Retry.First, 300*time.Millisecond)
	setDefault(&config.Retry.Most, 5*time.Second)
	setDefault(&config.Retry.Total, 60*time.Second)
	if config.Dial == nil {
		dialer := &net.Dialer{Timeout: config.ConnectTimeout, KeepAlive: 30 * time.Second}
		config.Dial = dialer.DialContext
	}
	c := &Client{config: config, server: config.Address.String() + "/"}
	if err := c.SetPins(config.Pins); err != nil {
		return nil, err
	}
	c.transport = &http.Transport{
		Proxy:          nil,
		DialTLSContext: c.dial,
		// One exchange at a time on a connection, so that a broken connection tells which request was on it.
		ForceAttemptHTTP2:      false,
		DisableCompression:     true,
		MaxIdleConnsPerHost:    2,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: 16 << 10,
	}
	return c, nil
}

// dial connects and shakes hands; its errors say what stood in the way.
func (c *Client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := c.config.Dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.config.ConnectTimeout)
	defer cancel()
	secured := tls.Client(conn, pinnedTLS(c.config.Address.url.Hostname(), func() []Pin { return *c.pins.Load() }))
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, handshakeError(c.Host(), err)
	}
	return &connection{Conn: secured}, nil
}

// connection is a connection to the service that can be told to carry nothing more.
type connection struct {
	*tls.Conn
	refuses atomic.Bool
}

func (c *connection) Write(b []byte) (int, error) {
	if c.refuses.Load() {
		return 0, errResent
	}
	return c.Conn.Write(b)
}

func setDefault[T comparable](member *T, value T) {
	var zero T
	if *member == zero {
		*member = value
	}
}

// SetPins replaces the pins, for a rotation announced by a verified /info. Fewer than two are refused. Connections that
// are open stay so; CloseIdle ends the idle ones.
func (c *Client) SetPins(pins []Pin) error {
	pins = slices.Compact(slices.SortedFunc(slices.Values(pins), func(a, b Pin) int { return slices.Compare(a[:], b[:]) }))
	if len(pins) < 2 {
		return fmt.Errorf("api: %d different pins, two are needed", len(pins))
	}
	c.pins.Store(&pins)
	return nil
}

// Host is host[:port] of the service.
func (c *Client) Host() string { return c.config.Address.Host() }

// CloseIdle closes connections that carry no request. Call it when the client is not needed any more.
func (c *Client) CloseIdle() { c.transport.CloseIdleConnections() }

// now is the time for signatures: the device's clock with the correction learnt from the service.
func (c *Client) now() time.Time { return c.config.Now().Add(time.Duration(c.skew.Load())) }

// learnSkew takes the service's time from a clockSkew answer and says whether signing again is worth it.
func (c *Client) learnSkew(serverTime time.Time) bool {
	if serverTime.IsZero() {
		return false
	}
	skew := serverTime.Sub(c.config.Now())
	if skew > maxSkew || skew < -maxSkew {
		return false
	}
	before := c.skew.Swap(int64(skew))
	change := skew - time.Duration(before)
	// The same correction again would get the same answer.
	return change > time.Second || change < -time.Second
}
