package refca

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"time"

	"cloudkey/api/gen"
	"cloudkey/api/refca/internal/store"
)

// tokenLife is how long an authorization token is good for.
const tokenLife = 2 * time.Minute

// asksForToken names the operations that ask for a token.
func asksForToken(operation string) bool {
	switch operation {
	case "bindDevice", "unbindDevice", "putHandwriting", "createSeal":
		return true
	}
	return false
}

// newToken stores a token and returns its text. Only its digest is stored.
func newToken(tx *store.Tx, t token) (string, error) {
	b := make([]byte, 32)
	rand.Read(b)
	text := base64.RawURLEncoding.EncodeToString(b)
	return text, tokens.put(tx, tokenKey(text), t)
}

// spend uses the call's token up, in the transaction of what it authorizes.
func (c *call) spend(tx *store.Tx, keyID string) error {
	if c.bearer == "" {
		return newProblem(gen.ProblemCodeAuthorizationRequired, "a token for this operation is needed")
	}
	t, found, err := tokens.get(tx, tokenKey(c.bearer))
	if err != nil {
		return err
	}
	if !found || !c.now.Before(t.Expires) || t.Device != c.device.ID || t.KeyID != keyID || t.Operation != c.op ||
		t.ContentDigest != nil && !bytes.Equal(t.ContentDigest, c.bodySum[:]) {
		return newProblem(gen.ProblemCodeAuthorizationInvalid, "the token is not good for this")
	}
	return tokens.delete(tx, tokenKey(c.bearer))
}

func tokenKey(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
