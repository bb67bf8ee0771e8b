package cosign

import (
	"crypto/ecdsa"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"
	tjsm2 "github.com/tjfoc/gmsm/sm2"
)

// released is a signature that a test server gave out.
type released struct {
	public    *ecdsa.PublicKey
	digest    []byte
	signature Signature
}

func (s *testServer) record(key *ServerKey, sess *Session, res *Result) {
	for i, sig := range res.Signatures {
		s.released = append(s.released, released{key.PublicKey(), sess.digests[i], sig})
	}
}

// verifyReleased has every signature that the server gave out in a test verified by three implementations that share no
// code with this package's own check: emmansun, tjfoc and OpenSSL.
func (s *testServer) verifyReleased(t testing.TB) {
	s.mu.Lock()
	defer s.mu.Unlock()
	dir := ""
	for i, x := range s.released {
		der := x.signature.DER()
		if !sm2.VerifyASN1(x.public, x.digest, der) {
			t.Errorf("signature %d: emmansun/gmsm refuses it", i)
		}
		p := pointOf(t, x.public)
		tj := &tjsm2.PublicKey{Curve: tjsm2.P256Sm2(), X: p.x, Y: p.y}
		if !tjsm2.Verify(tj, x.digest, new(big.Int).SetBytes(x.signature.R[:]), new(big.Int).SetBytes(x.signature.S[:])) {
			t.Errorf("signature %d: tjfoc/gmsm refuses it", i)
		}
		if dir == "" {
			dir = t.TempDir()
		}
		if err := opensslVerifies(dir, strconv.Itoa(i), x.public, x.digest, der); err != nil {
			t.Errorf("signature %d: OpenSSL refuses it: %v", i, err)
		}
	}
}

// opensslVerifies checks a signature of a digest (without -rawin pkeyutl takes the digest itself).
func opensslVerifies(dir, name string, public *ecdsa.PublicKey, digest, der []byte) error {
	spki, err := smx509.MarshalPKIXPublicKey(public)
	if err != nil {
		return err
	}
	for ending, b := range map[string][]byte{".key": spki, ".digest": digest, ".signature": der} {
		if err := os.WriteFile(filepath.Join(dir, name+ending), b, 0o600); err != nil {
			return err
		}
	}
	cmd := exec.Command("openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", name+".key",
		"-in", name+".digest", "-sigfile", name+".signature")
	cmd.Dir = dir
	return cmd.Run()
}
