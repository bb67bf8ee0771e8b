//go:build !goexperiment.runtimesecret

package keystore

// withSecrets runs work on key material. Toolchains with runtime/secret erase its stack, registers and garbage.
func withSecrets(f func()) { f() }
