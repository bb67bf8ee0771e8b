// Package interop holds the device signature of package api against an implementation of RFC 9421 by others
// (github.com/yaronf/httpsign), in both directions. It is a module of its own, so that what the other implementation needs
// stays out of the app's module; run it with go test in this folder.
package interop
