package cosign

import (
	"errors"
	"fmt"
)

var errNoEncoding = errors.New("cosign: session state must not leave memory")

// secretState makes a type that embeds it impossible to encode or print: a nonce that is written down can be used twice,
// and a nonce used twice gives the key away.
type secretState struct{}

// MarshalBinary always fails.
func (secretState) MarshalBinary() ([]byte, error) { return nil, errNoEncoding }

// MarshalJSON always fails.
func (secretState) MarshalJSON() ([]byte, error) { return nil, errNoEncoding }

// MarshalText always fails.
func (secretState) MarshalText() ([]byte, error) { return nil, errNoEncoding }

// GobEncode always fails.
func (secretState) GobEncode() ([]byte, error) { return nil, errNoEncoding }

// Format prints nothing of the value.
func (secretState) Format(f fmt.State, _ rune) { fmt.Fprint(f, "cosign: secret state") }
