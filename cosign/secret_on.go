//go:build goexperiment.runtimesecret

package cosign

import "runtime/secret"

// guarded runs f and erases what it leaves on the stack, in registers and in unreachable heap.
func guarded(f func()) { secret.Do(f) }
