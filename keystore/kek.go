package keystore

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"fmt"

	"github.com/emmansun/gmsm/sm4"
)

// keyRepository keeps named 32-byte keys. Errors as in KeyWrapper.
type keyRepository interface {
	put(ctx context.Context, id string, key []byte) error
	get(ctx context.Context, id string) ([]byte, error)
	del(ctx context.Context, id string) error
}

// kekWrapper is a KeyWrapper over a repository that can keep keys but not compute with them. Wrapped form: key ID
// (8 bytes) ‖ nonce (12) ‖ ciphertext (32) ‖ tag (16), SM4-GCM under the first 16 bytes of the kept key with the ID as
// associated data; each kept key seals one store key.
type kekWrapper struct {
	name       string
	protection Protection
	keys       keyRepository
}

const (
	kekIDSize   = 8
	kekBlobSize = kekIDSize + 12 + storeKeySize + tagSize
)

func (w *kekWrapper) Name() string           { return w.name }
func (w *kekWrapper) Protection() Protection { return w.protection }

func (w *kekWrapper) Wrap(ctx context.Context, key []byte) ([]byte, error) {
	if len(key) != storeKeySize {
		return nil, fmt.Errorf("%w: store key of %d bytes", ErrInvalid, len(key))
	}
	kek := make([]byte, storeKeySize)
	defer clear(kek)
	blob := make([]byte, kekIDSize+12, kekBlobSize)
	if _, err := rand.Read(kek); err != nil {
		return nil, err
	}
	if _, err := rand.Read(blob); err != nil {
		return nil, err
	}
	id := blob[:kekIDSize]
	if err := w.keys.put(ctx, hex.EncodeToString(id), kek); err != nil {
		return nil, err
	}
	var err error
	withSecrets(func() {
		var g cipher.AEAD
		if g, err = kekCipher(kek); err == nil {
			blob = g.Seal(blob, blob[kekIDSize:kekIDSize+12], key, id)
		}
	})
	return blob, err
}

func (w *kekWrapper) Unwrap(ctx context.Context, wrapped []byte) ([]byte, error) {
	if len(wrapped) != kekBlobSize {
		return nil, fmt.Errorf("%w: wrapped key of %d bytes", ErrKeyLost, len(wrapped))
	}
	id := wrapped[:kekIDSize]
	kek, err := w.keys.get(ctx, hex.EncodeToString(id))
	if err != nil {
		return nil, err
	}
	defer clear(kek)
	key := make([]byte, 0, storeKeySize)
	withSecrets(func() {
		var g cipher.AEAD
		if g, err = kekCipher(kek); err == nil {
			key, err = g.Open(key, wrapped[kekIDSize:kekIDSize+12], wrapped[kekIDSize+12:], id)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("%w: the kept key does not open it", ErrKeyLost)
	}
	return key, nil
}

func (w *kekWrapper) Forget(ctx context.Context, wrapped []byte) error {
	if len(wrapped) != kekBlobSize {
		return nil
	}
	return w.keys.del(ctx, hex.EncodeToString(wrapped[:kekIDSize]))
}

func kekCipher(kek []byte) (cipher.AEAD, error) {
	block, err := sm4.NewCipher(kek[:sm4.BlockSize])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
