package cosign

// Every secret of this package is overwritten through this file when it is no longer needed. Go may have copied it before
// (growing stacks, inside library code); building with GOEXPERIMENT=runtimesecret clears those copies too where the
// toolchain supports it.

// wipe overwrites byte slices.
func wipe(secrets ...[]byte) {
	for _, b := range secrets {
		clear(b)
	}
}

// wipeScalars overwrites scalars.
func wipeScalars(secrets ...*scalar) {
	for _, s := range secrets {
		s.wipe()
	}
}
