package keystore

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/zalando/go-keyring"
)

// Keyring keeps platform keys in the user's keyring of the operating system: the Secret Service on Linux, the Keychain on
// macOS, the Credential Manager on Windows. service names this program there. A call that takes longer than timeout
// is ErrKeyUnavailable, as is a Linux session without a bus; the bus is never started for it.
//
// The keyring's interface takes strings, so a copy of the platform key stays in memory until it is collected.
func Keyring(service string, timeout time.Duration) KeyWrapper {
	return &kekWrapper{name: "keyring", protection: ProtectionKeyring, keys: osKeyring{service, timeout}}
}

type osKeyring struct {
	service string
	timeout time.Duration
}

func (k osKeyring) put(ctx context.Context, id string, key []byte) error {
	_, err := k.call(ctx, func() (string, error) {
		return "", keyring.Set(k.service, id, base64.StdEncoding.EncodeToString(key))
	})
	return err
}

func (k osKeyring) get(ctx context.Context, id string) ([]byte, error) {
	text, err := k.call(ctx, func() (string, error) { return keyring.Get(k.service, id) })
	if err != nil {
		return nil, err
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) != storeKeySize {
		return nil, fmt.Errorf("%w: the keyring's entry is malformed", ErrKeyLost)
	}
	return key, nil
}

func (k osKeyring) del(ctx context.Context, id string) error {
	_, err := k.call(ctx, func() (string, error) { return "", keyring.Delete(k.service, id) })
	if errors.Is(err, ErrKeyLost) {
		return nil
	}
	return err
}

// call runs f aside, because the bus may not answer; f then ends with it.
func (k osKeyring) call(ctx context.Context, f func() (string, error)) (string, error) {
	if !busReachable() {
		return "", fmt.Errorf("%w: no session bus", ErrKeyUnavailable)
	}
	type result struct {
		text string
		err  error
	}
	done := make(chan result, 1)
	go func() {
		text, err := f()
		done <- result{text, err}
	}()
	timer := time.NewTimer(k.timeout)
	defer timer.Stop()
	select {
	case r := <-done:
		switch {
		case errors.Is(r.err, keyring.ErrNotFound):
			return "", fmt.Errorf("%w: not in the keyring", ErrKeyLost)
		case r.err != nil:
			return "", fmt.Errorf("%w: %v", ErrKeyUnavailable, r.err)
		}
		return r.text, nil
	case <-timer.C:
		return "", fmt.Errorf("%w: no answer within %v", ErrKeyUnavailable, k.timeout)
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// busReachable tells whether there is a session bus to ask; without an address the bus library would start one.
func busReachable() bool {
	switch runtime.GOOS {
	case "darwin", "windows":
		return true
	case "android", "ios":
		return false
	}
	if os.Getenv("DBUS_SESSION_BUS_ADDRESS") != "" {
		return true
	}
	dir := os.Getenv("XDG_RUNTIME_DIR")
	if dir == "" {
		return false
	}
	_, err := os.Stat(filepath.Join(dir, "bus"))
	return err == nil
}
