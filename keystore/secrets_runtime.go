//go:build goexperiment.runtimesecret

package keystore

import "runtime/secret"

// withSecrets runs work on key material; its stack, registers and, once unreachable, its heap are erased.
func withSecrets(f func()) { secret.Do(f) }
