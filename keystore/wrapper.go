package keystore

import "context"

// Protection says what keeps the store key from someone who copies the data directory.
type Protection int

// Ordered from weak to strong.
const (
	ProtectionFile     Protection = iota + 1 // a file of mode 0600 in the same directory: a copy of the directory opens
	ProtectionKeyring                        // the user's keyring of the operating system
	ProtectionHardware                       // a key that does not leave the hardware
)

// KeyWrapper protects the store key with a key of the platform. Each wrapping is under a platform key of its own, so that
// forgetting that key makes everything sealed below it unrecoverable.
//
// Errors: ErrKeyUnavailable when the service does not answer (the next wrapper is tried when a store is created, and Open
// fails when a store needs it), ErrKeyLost when it answers but has the key no more. Implementations honour the context,
// answer within a few seconds and are safe for concurrent use.
type KeyWrapper interface {
	// Name identifies the wrapper in the file, 1 to 32 bytes; it must never change.
	Name() string
	// Protection is how strong it is.
	Protection() Protection
	// Wrap encrypts key (32 bytes) under a new platform key and returns what Unwrap needs, at most 1 KiB. It is durable
	// when Wrap returns. key stays the caller's.
	Wrap(ctx context.Context, key []byte) (wrapped []byte, err error)
	// Unwrap returns the 32 bytes, which the caller wipes.
	Unwrap(ctx context.Context, wrapped []byte) (key []byte, err error)
	// Forget destroys the platform key of a wrapping. Forgetting one that is gone is no error.
	Forget(ctx context.Context, wrapped []byte) error
}
