package tour

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/emmansun/gmsm/pkcs7"
	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"
	tjx509 "github.com/tjfoc/gmsm/x509"
)

// distID is the default user ID of SM2 (GM/T 0009 §10) as OpenSSL's option.
const distID = "distid:1234567812345678"

// Commands are the two OpenSSL 3 command lines that verify what a tour left in dir, as the README prints them: the
// certificate under the chain, and the signature over the document under the certificate.
func Commands(dir string) [][]string {
	in := func(name string) string { return filepath.Join(dir, name) }
	return [][]string{
		{"openssl", "verify", "-partial_chain", "-vfyopt", distID, "-CAfile", in(results.chain), in(results.cert)},
		{
			"openssl", "pkeyutl", "-verify", "-certin", "-inkey", in(results.cert), "-rawin", "-digest", "sm3",
			"-pkeyopt", distID, "-in", in(results.document), "-sigfile", in(results.der),
		},
	}
}

// Verify checks the files a tour left in dir with OpenSSL and with two Go libraries.
func Verify(ctx context.Context, dir string) error {
	for _, command := range Commands(dir) {
		out, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s: %w: %s", strings.Join(command, " "), err, bytes.TrimSpace(out))
		}
	}
	files := map[string][]byte{}
	for _, name := range []string{results.document, results.der, results.p7s, results.cert} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		files[name] = content
	}
	block, _ := pem.Decode(files[results.cert])
	if block == nil {
		return errors.New("cert.pem is no PEM")
	}
	if err := verifyEmmansun(block.Bytes, files[results.document], files[results.der], files[results.p7s]); err != nil {
		return fmt.Errorf("emmansun/gmsm: %w", err)
	}
	if err := verifyTjfoc(block.Bytes, files[results.document], files[results.der]); err != nil {
		return fmt.Errorf("tjfoc/gmsm: %w", err)
	}
	return nil
}

func verifyEmmansun(cert, document, signature, container []byte) error {
	c, err := smx509.ParseCertificate(cert)
	if err != nil {
		return err
	}
	public, ok := c.PublicKey.(*ecdsa.PublicKey)
	if !ok || !sm2.VerifyASN1WithSM2(public, nil, document, signature) {
		return errors.New("the signature does not verify")
	}
	p7, err := pkcs7.Parse(container)
	if err != nil {
		return fmt.Errorf("signature.p7s: %w", err)
	}
	p7.Content = document
	if err := p7.Verify(); err != nil {
		return fmt.Errorf("signature.p7s: %w", err)
	}
	return nil
}

func verifyTjfoc(cert, document, signature []byte) error {
	c, err := tjx509.ParseCertificate(cert)
	if err != nil {
		return err
	}
	return c.CheckSignature(tjx509.SM2WithSM3, document, signature)
}

func (t *tour) verify() error { return Verify(t.ctx, t.cfg.Out) }
