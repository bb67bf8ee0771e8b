//go:build !goexperiment.runtimesecret

package keystore

import "runtime"

// withSecrets runs work on key material. Toolchains with runtime/secret erase its stack, registers and garbage; here the stack
// below is grown before, so that no smaller one is left behind with a copy, and overwritten afterwards.
func withSecrets(f func()) {
	overwriteStack()
	f()
	overwriteStack()
}

// overwriteStack takes more stack than work on key material does.
//
//go:noinline
func overwriteStack() {
	var frame [8 << 10]byte
	clear(frame[:])
	runtime.KeepAlive(&frame)
}
