package refca

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"cloudkey/api"
	"cloudkey/api/gen"
	"cloudkey/api/refca/internal/pki"
	"cloudkey/api/refca/internal/store"
	"cloudkey/cosign"

	"github.com/go-chi/chi/v5"
)

// Config says how a Server is opened.
type Config struct {
	// DataDir holds everything that lasts; it is made with mode 0700 when missing. One process at a time.
	DataDir string

	// Listen and WebListen are host:port for the API and for the QA page; empty means 127.0.0.1:0. Port 0 stands for the port
	// of the last time, or a free one at the first start.
	Listen, WebListen string

	// Host is the name or address under which clients reach the API. Empty means Listen's host, or this machine's first
	// network address when Listen is a wildcard.
	Host string

	// Demo seeds a new data directory with the organisation 示范医院 and its accounts.
	Demo bool

	// Organisation names the organisation of a new data directory without Demo.
	Organisation Organisation

	Now    func() time.Time // nil: time.Now
	Log    *slog.Logger     // nil: nothing is logged
	Limits Limits
}

// Organisation is whom the CA works for.
type Organisation struct {
	ID      string // [A-Za-z0-9._-]{1,64}
	Name    string
	Hotline string
}

// Addresses is what somebody needs to use a running Server. As JSON it is what the ca sub-command prints.
type Addresses struct {
	API      string `json:"api"`    // base URL of the contract, https
	Cosign   string `json:"cosign"` // the same service
	Web      string `json:"web"`    // QA page, http
	InitQR   string `json:"initQR"` // path of the init QR as PNG
	InitText string `json:"initText"`
	InitCode string `json:"initCode"` // first-use code of 8 characters, for devices without the anchor
	Anchor   string `json:"anchor"`   // PEM of the root that the init QR's signer chains to
}

// Server is a running reference CA. It is safe for concurrent use.
type Server struct {
	log          *slog.Logger
	clock        func() time.Time
	dir          string
	host         string // as clients know it
	limits       Limits
	organisation Organisation
	decoy        []byte // secret of everything an unknown account seems to have

	db  *store.Store
	pki *pki.Authority
	// sealMaker signs electronic seals; seal is the key of the inner seal of messages.
	sealMaker *pki.SealMaker
	seal      *cosign.SealKey
	cosign    *cosign.Server
	verifier  *api.Verifier
	nonces    *nonces

	// In memory only: what these hold must not outlive the process.
	sessions    *cosign.Sessions
	open        *openSessions
	keySessions *keySessions
	keyLocks    *locks
	running     *set
	recent      *recentAnswers

	hooks     hooks
	addresses Addresses
	picture   []byte    // init QR, PNG
	published time.Time // when it was made
	servers   []*http.Server
	stop      context.CancelFunc
	wait      sync.WaitGroup
	closed    sync.Once
	closeErr  error
}

// hooks are the points at which tests cut the power.
type hooks struct {
	reserved func(keyID string) // the attempt is durable, the share not yet evaluated
}

// Errors of Open, wrapped in a sentence that names the data directory; test with errors.Is.
var (
	// ErrBusy reports that another process, or another Server of this one, uses the data directory.
	ErrBusy = store.ErrBusy
	// ErrDamaged reports a data file that cannot be read.
	ErrDamaged = store.ErrDamaged
)

// InUseError reports a remembered port that another program has taken.
type InUseError struct {
	Address string
	DataDir string
	Err     error
}

func (e *InUseError) Error() string {
	return fmt.Sprintf("refca: %s, the address remembered in %s, cannot be listened on (%v): end the program that uses it, or use another data directory",
		e.Address, e.DataDir, e.Err)
}

func (e *InUseError) Unwrap() error { return e.Err }

// Open starts a reference CA. ctx bounds the start only; Close ends it. Errors: ErrBusy, ErrDamaged,
// *InUseError, or what the file system says.
func Open(ctx context.Context, cfg Config) (*Server, error) {
	s := &Server{
		log: cfg.Log, clock: cfg.Now, dir: cfg.DataDir, limits: cfg.Limits.withDefaults(),
		sessions: cosign.NewSessions(sessionLife, maxSessions), open: newOpenSessions(), keySessions: newKeySessions(),
		keyLocks: newLocks(), running: newSet(), recent: newRecentAnswers(),
		hooks: hooks{reserved: func(string) {}},
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.clock == nil {
		s.clock = time.Now
	}
	if cfg.DataDir == "" {
		return nil, errors.New("refca: no data directory")
	}
	dir, err := filepath.Abs(cfg.DataDir)
	if err != nil {
		return nil, fmt.Errorf("refca: %w", err)
	}
	s.dir = dir
	if s.db, err = store.Open(filepath.Join(dir, "ca.db")); err != nil {
		return nil, fmt.Errorf("refca: %s: %w", dir, err)
	}
	if err := s.start(ctx, cfg); err != nil {
		return nil, errors.Join(err, s.Close(context.WithoutCancel(ctx)))
	}
	return s, nil
}

func (s *Server) start(ctx context.Context, cfg Config) error {
	if err := s.load(ctx, cfg); err != nil {
		return err
	}
	apiListener, err := s.listen(ctx, "api", cfg.Listen)
	if err != nil {
		return err
	}
	webListener, err := s.listen(ctx, "web", cfg.WebListen)
	if err != nil {
		return errors.Join(err, apiListener.Close())
	}
	port := apiListener.Addr().(*net.TCPAddr).Port
	s.host = net.JoinHostPort(reachable(cfg.Host, apiListener.Addr()), fmt.Sprint(port))
	s.addresses = Addresses{
		API: "https://" + s.host + "/v1", Cosign: "https://" + s.host + "/v1",
		Web: "http://" + net.JoinHostPort(reachable("", webListener.Addr()), fmt.Sprint(webListener.Addr().(*net.TCPAddr).Port)) + "/",
	}
	s.pki.Distribution = s.addresses.Web + pkiPath
	if s.nonces, err = openNonces(s.db, s.now); err == nil {
		err = errors.Join(s.abandon(ctx), s.publish())
	}
	if err != nil {
		return errors.Join(err, apiListener.Close(), webListener.Close())
	}
	s.verifier = &api.Verifier{Key: s.deviceKey, Nonces: s.nonces, Now: s.now, Authorities: []string{s.host}}
	host, _, _ := net.SplitHostPort(s.host)
	certificate, err := s.pki.TLSCertificate([]string{host, "127.0.0.1", "::1", "localhost"}, s.now())
	if err != nil {
		return errors.Join(err, apiListener.Close(), webListener.Close())
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.serve(tls.NewListener(apiListener, &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{certificate}, NextProtos: []string{"http/1.1"},
	}), s.handler())
	s.serve(webListener, s.web())
	s.wait.Go(func() { s.housekeeping(background) })
	return nil
}

func (s *Server) serve(l net.Listener, h http.Handler) {
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		TLSNextProto:      map[string]func(*http.Server, *tls.Conn, http.Handler){}, // no HTTP/2
	}
	s.servers = append(s.servers, server)
	s.wait.Go(func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("server ended", "err", err)
		}
	})
}

// Close stops taking requests, lets the running ones end while ctx lasts, and closes the data directory. Calling it again is
// harmless.
func (s *Server) Close(ctx context.Context) error {
	s.closed.Do(func() {
		var errs []error
		for _, server := range s.servers {
			if err := server.Shutdown(ctx); err != nil {
				errs = append(errs, err, server.Close())
			}
		}
		if s.stop != nil {
			s.stop()
		}
		s.wait.Wait()
		s.closeErr = errors.Join(append(errs, s.db.Close())...)
	})
	return s.closeErr
}

// Addresses returns where the Server is and what its init QR says.
func (s *Server) Addresses() Addresses { return s.addresses }

// LatestSMS returns the code of the newest message to an account, and false when there is none.
func (s *Server) LatestSMS(account string) (code string, found bool) {
	err := s.db.View(func(tx *store.Tx) error {
		var err error
		for _, m := range messages.newest(tx, "", &err) {
			if m.Account == account {
				code, found = m.Code, true
				break
			}
		}
		return err
	})
	return code, found && err == nil
}

func (s *Server) now() time.Time { return s.clock() }

// handler is the API.
func (s *Server) handler() http.Handler {
	router := chi.NewRouter()
	problemFor := func(w http.ResponseWriter, r *http.Request, p *problem) {
		s.finish(w, r, "none", randomID(), reply{}, p)
	}
	router.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				if v := recover(); v != nil && v != http.ErrAbortHandler {
					s.log.ErrorContext(r.Context(), "panic", "path", r.URL.Path, "value", v, "stack", string(debug.Stack()))
					problemFor(w, r, newProblem(gen.ProblemCodeInternal, "see the log"))
				} else if v != nil {
					panic(v)
				}
			}()
			next.ServeHTTP(w, r)
		})
	})
	router.NotFound(func(w http.ResponseWriter, r *http.Request) { problemFor(w, r, notFound("no such operation")) })
	router.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) { problemFor(w, r, notFound("no such operation")) })
	return gen.HandlerWithOptions(s, gen.ChiServerOptions{
		BaseURL: "/v1", BaseRouter: router,
		ErrorHandlerFunc: func(w http.ResponseWriter, r *http.Request, _ error) {
			problemFor(w, r, invalid("a parameter is missing or not what the contract says"))
		},
	})
}

// listen opens the remembered port, or the one that is asked for, and remembers it.
func (s *Server) listen(ctx context.Context, name, address string) (net.Listener, error) {
	if address == "" {
		address = "127.0.0.1:0"
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("refca: listen address: %w", err)
	}
	k := "port." + name
	remembered := false
	if port == "0" {
		err = s.db.View(func(tx *store.Tx) error {
			if v := tx.Get(metaBucket, k); v != nil {
				port, remembered = string(v), true
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	address = net.JoinHostPort(host, port)
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil && remembered {
		return nil, &InUseError{Address: address, DataDir: s.dir, Err: err}
	} else if err != nil {
		return nil, fmt.Errorf("refca: %w", err)
	}
	_, port, _ = net.SplitHostPort(l.Addr().String())
	err = s.db.Update(ctx, func(tx *store.Tx) error { return tx.Put(metaBucket, k, []byte(port)) })
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// reachable is the host under which a listener can be reached from where it matters.
func reachable(host string, listening net.Addr) string {
	if host != "" {
		return host
	}
	ip := listening.(*net.TCPAddr).IP
	if !ip.IsUnspecified() {
		return ip.String()
	}
	addresses, err := net.InterfaceAddrs()
	if err == nil {
		for _, a := range addresses {
			if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && !n.IP.IsLoopback() {
				return n.IP.String()
			}
		}
	}
	return "127.0.0.1"
}

// load reads keys, organisation and seed of the data directory, making them in one transaction at the first start.
func (s *Server) load(ctx context.Context, cfg Config) error {
	var exists bool
	err := s.db.View(func(tx *store.Tx) error { exists = tx.Get(metaBucket, "organisation") != nil; return nil })
	if err != nil {
		return err
	}
	if !exists {
		if err := s.create(ctx, cfg); err != nil {
			return err
		}
	}
	if err := s.db.View(s.loadKeys); err != nil {
		return err
	}
	return s.loadSealMaker(ctx)
}

func (s *Server) loadKeys(tx *store.Tx) error {
	if err := json.Unmarshal(tx.Get(metaBucket, "organisation"), &s.organisation); err != nil {
		return fmt.Errorf("refca: organisation: %w", err)
	}
	var m pki.Material
	for name, field := range m.Fields() {
		*field = tx.Get(secretBucket, name)
	}
	var err error
	if s.pki, err = pki.Load(&m); err != nil {
		return err
	}
	m.Wipe()
	s.decoy = tx.Get(secretBucket, "decoy")
	seal := tx.Get(secretBucket, "seal")
	defer clear(seal)
	if s.seal, err = cosign.ParseSealKey(seal); err != nil {
		return err
	}
	s.cosign = cosign.NewServer(s.seal)
	if n, err := verifyAudit(tx); err != nil {
		s.log.Error("the audit log does not verify", "entries", n, "err", err)
	}
	return nil
}

func (s *Server) create(ctx context.Context, cfg Config) error {
	o, seed := cfg.Organisation, []account(nil)
	if cfg.Demo {
		o, seed = demoOrganisation()
	}
	if o.ID == "" || o.Name == "" || strings.Trim(o.ID, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") != "" {
		return errors.New("refca: a new data directory needs an organisation")
	}
	material, err := pki.New(o.Name, s.now())
	if err != nil {
		return err
	}
	defer material.Wipe()
	seal, err := cosign.NewSealKey()
	if err != nil {
		return err
	}
	sealBytes, err := seal.Bytes()
	if err != nil {
		return err
	}
	defer clear(sealBytes)
	decoy := make([]byte, 32)
	rand.Read(decoy)
	return s.db.Update(ctx, func(tx *store.Tx) error {
		for name, field := range material.Fields() {
			if err := tx.Put(secretBucket, name, *field); err != nil {
				return err
			}
		}
		raw, err := json.Marshal(o)
		if err != nil {
			return err
		}
		for _, a := range seed {
			if err := accounts.put(tx, a.ID, a); err != nil {
				return err
			}
		}
		return errors.Join(
			tx.Put(secretBucket, "decoy", decoy), tx.Put(secretBucket, "seal", sealBytes), tx.Put(metaBucket, "organisation", raw),
			record(tx, auditEntry{Event: "created", Result: "ok", Time: s.now(), Detail: detail("organisation", o.Name)}),
		)
	})
}

// tempName is where a file is written before it is renamed into place.
func tempName(path string) string { return path + ".new" }

func writeFile(path string, content []byte) error {
	if err := os.WriteFile(tempName(path), content, 0o600); err != nil {
		return err
	}
	return os.Rename(tempName(path), path)
}
