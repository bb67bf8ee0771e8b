package cosign

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"
	tjsm2 "github.com/tjfoc/gmsm/sm2"
)

// fastKDF is the cheapest that the bounds allow.
var fastKDF = KDF{Time: 2, Memory: minKDFMemory, Threads: 1}

var (
	testPIN  = []byte("135790")
	wrongPIN = []byte("024680")
	testUID  = []byte("1234567812345678")
)

// testServer is a server with durable records (encoded after every step), a clock, and taps for attackers.
type testServer struct {
	mu       sync.Mutex
	server   *Server
	seal     *SealKey
	sessions *Sessions
	making   map[KeyID]*KeySession
	keys     map[KeyID][]byte
	guards   map[KeyID][]byte
	packages map[KeyID][]byte
	now      time.Time
	allowed  map[Operation]bool

	beforeSettle func() error                     // between reservation and verdict
	tap          func(Call, []byte) []byte        // sees and may change answers
	cut          func(Call) (before, after error) // fails the call before or after the server acted
	last         *Result
	released     []released // what verifyReleased checks when the test ends
}

func newTestServer(t testing.TB, h *hooks) *testServer {
	t.Helper()
	seal, err := NewSealKey()
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(seal)
	s.hooks = h
	server := &testServer{
		server: s, seal: seal, sessions: NewSessions(10*time.Minute, 1000), making: map[KeyID]*KeySession{},
		keys: map[KeyID][]byte{}, guards: map[KeyID][]byte{}, packages: map[KeyID][]byte{},
		now:     time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		allowed: map[Operation]bool{Recover: true, Activate: true},
	}
	t.Cleanup(func() { server.verifyReleased(t) })
	return server
}

func (s *testServer) load(id KeyID) (*ServerKey, *Guard, error) {
	if s.keys[id] == nil {
		return nil, nil, ErrSession
	}
	k, g := new(ServerKey), new(Guard)
	if err := k.UnmarshalBinary(s.keys[id]); err != nil {
		return nil, nil, err
	}
	return k, g, g.UnmarshalBinary(s.guards[id])
}

func (s *testServer) save(k *ServerKey, g *Guard) {
	if k != nil {
		s.keys[k.id], _ = k.MarshalBinary()
	}
	s.guards[g.id], _ = g.MarshalBinary()
}

func (s *testServer) guard(t testing.TB, id KeyID) *Guard {
	t.Helper()
	_, g, err := s.load(id)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func (s *testServer) RoundTrip(ctx context.Context, c Call) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, errors.Join(err, ErrNotSent)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var after error
	if s.cut != nil {
		var before error
		if before, after = s.cut(c); before != nil {
			return nil, before
		}
	}
	answer, err := s.handle(c)
	if err != nil {
		return nil, err
	}
	if s.tap != nil {
		answer = s.tap(c, answer)
	}
	return answer, after
}

func (s *testServer) handle(c Call) ([]byte, error) {
	h, err := ReadHeader(c.Message)
	if err != nil {
		return nil, err
	}
	if h.Operation == Generate {
		return s.generate(h, c.Message)
	}
	key, guard, err := s.load(h.KeyID)
	if err != nil {
		return nil, err
	}
	switch {
	case h.Operation == Resume:
		answer, err := s.server.Resume(key, guard, c.Message)
		if err != nil {
			return nil, err
		}
		s.save(key, guard)
		return answer, nil
	case h.Round == 1:
		if (h.Operation == Recover || h.Operation == Activate) && !s.allowed[h.Operation] {
			return nil, ErrConflict
		}
		sess, answer, err := s.server.Begin(h.Operation, key, guard, c.Message, s.now)
		if err != nil {
			return nil, err
		}
		return answer, s.sessions.Put(sess, s.now)
	}
	sess, err := s.sessions.Take(h.Session, s.now)
	if err != nil {
		return nil, err
	}
	return s.evaluate(key, guard, sess, c.Message)
}

func (s *testServer) evaluate(key *ServerKey, guard *Guard, sess *Session, message []byte) ([]byte, error) {
	a, err := s.server.Accept(key, guard, sess, message, s.now)
	if err != nil {
		s.sessions.Return(sess, s.now)
		return nil, err
	}
	s.save(nil, guard)
	if s.beforeSettle != nil {
		if err := s.beforeSettle(); err != nil {
			return nil, err
		}
	}
	a.Evaluate()
	if key, guard, err = s.load(key.id); err != nil {
		return nil, err
	}
	res, err := a.Settle(key, guard, s.now)
	if err != nil {
		return nil, err
	}
	s.last = res
	s.record(key, sess, res)
	if res.KeyChanged {
		s.save(key, guard)
	} else {
		s.save(nil, guard)
	}
	if res.Grantee != nil {
		s.save(res.Grantee.Key, res.Grantee.Guard)
		s.packages[res.Grantee.Key.id] = res.Grantee.Package
	}
	if res.Next != nil {
		if err := s.sessions.Put(res.Next, s.now); err != nil {
			return nil, err
		}
	}
	return res.Answer, nil
}

func (s *testServer) generate(h Header, message []byte) ([]byte, error) {
	if h.Round == 1 {
		ks, kg2, err := s.server.BeginKey(message)
		if err != nil {
			return nil, err
		}
		s.making[h.KeyID] = ks
		return kg2, nil
	}
	if s.keys[h.KeyID] != nil {
		k, _, err := s.load(h.KeyID)
		if err != nil {
			return nil, err
		}
		return k.Reconfirm(message)
	}
	ks := s.making[h.KeyID]
	if ks == nil {
		return nil, ErrSession
	}
	k, g, kg4, err := s.server.FinishKey(ks, message)
	if err != nil {
		return nil, err
	}
	s.save(k, g)
	return kg4, nil
}

// restart loses everything that is not durable.
func (s *testServer) restart() {
	s.sessions = NewSessions(10*time.Minute, 1000)
	s.making = map[KeyID]*KeySession{}
	for id := range s.guards {
		_, g, err := s.load(id)
		if err != nil {
			panic(err)
		}
		g.Abandon()
		s.save(nil, g)
	}
}

// memoryStore is a ShareStore that can be copied (an image of the phone) and made to fail.
type memoryStore struct {
	mu      sync.Mutex
	records map[KeyID][]byte
	fail    error
}

func newStore() *memoryStore { return &memoryStore{records: map[KeyID][]byte{}} }

func (m *memoryStore) LoadShare(_ context.Context, id KeyID) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.records[id] == nil {
		return nil, errors.New("no record")
	}
	return bytes.Clone(m.records[id]), nil
}

func (m *memoryStore) StoreShare(_ context.Context, id KeyID, record []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	m.records[id] = bytes.Clone(record)
	return nil
}

func (m *memoryStore) image() *memoryStore {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := newStore()
	for id, r := range m.records {
		c.records[id] = bytes.Clone(r)
	}
	return c
}

func (m *memoryStore) share(t testing.TB, id KeyID) *Share {
	t.Helper()
	s, err := loadShare(context.Background(), m, id, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// newKey makes a key with testPIN at its first epoch.
func newKey(t testing.TB, server *testServer, h *hooks) (*Signer, *memoryStore) {
	t.Helper()
	store := newStore()
	s, err := generateKey(t.Context(), NewKeyID(), server.seal.Public(), fastKDF, testPIN, store, server, h)
	if err != nil {
		t.Fatal(err)
	}
	return s, store
}

func digest(t testing.TB, s *Signer, message []byte) []byte {
	t.Helper()
	e, err := sm2.CalculateSM2Hash(s.public, message, testUID)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func pointOf(t testing.TB, public *ecdsa.PublicKey) point {
	t.Helper()
	spki, err := smx509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	p, err := decodePoint(spki[len(spki)-pointSize:])
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// signOnce signs a message and has the signature verified by everyone.
func signOnce(t testing.TB, s *Signer, pin []byte) {
	t.Helper()
	message := []byte("a document of " + s.id.String())
	sigs, err := s.SignDigests(t.Context(), [][]byte{digest(t, s, message)}, pin)
	if err != nil {
		t.Fatal(err)
	}
	verifyEverywhere(t, s, message, sigs[0])
}

// verifyEverywhere checks a signature with emmansun, tjfoc and OpenSSL.
func verifyEverywhere(t testing.TB, s *Signer, message []byte, sig Signature) {
	t.Helper()
	der := sig.DER()
	if !sm2.VerifyASN1WithSM2(s.public, testUID, message, der) {
		t.Fatal("emmansun/gmsm refuses the signature")
	}
	p := pointOf(t, s.public)
	tj := &tjsm2.PublicKey{Curve: tjsm2.P256Sm2(), X: p.x, Y: p.y}
	if !tj.Verify(message, der) {
		t.Fatal("tjfoc/gmsm refuses the signature")
	}
	dir := t.TempDir()
	spki, err := smx509.MarshalPKIXPublicKey(s.public)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"key.der": spki, "message": message, "signature": der}
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("openssl", "pkeyutl", "-verify", "-rawin", "-digest", "sm3", "-pkeyopt", "distid:"+string(testUID),
		"-pubin", "-keyform", "DER", "-inkey", "key.der", "-in", "message", "-sigfile", "signature")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("OpenSSL refuses the signature: %v\n%s", err, out)
	}
}
