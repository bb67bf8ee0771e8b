//go:build !cgo || headless

package main

import (
	"context"
	"errors"
	"io"
)

// runApp has no window to offer in a build without cgo.
func runApp(context.Context, []string, io.Writer, io.Writer) error {
	return errors.New("this build has no window; use `make build` for the app, or the sub-commands ca and tour")
}
