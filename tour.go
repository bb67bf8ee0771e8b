//go:build !android && !ios

package main

import (
	"context"
	"io"

	"cloudkey/client"
	"cloudkey/keystore"
	"cloudkey/tour"
)

// runTour is the sub-command tour: the whole first use on the real screens, without a display.
func runTour(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	set := flags("tour", stderr)
	out := set.String("out", "build/tour", "directory for pictures and results")
	if err := parse(set, args); err != nil {
		return err
	}
	return tour.Run(ctx, tour.Config{
		Out: *out, Text: stdout, StoreErrors: storeErrors(),
		Open: func(ctx context.Context, dir string, anchors []byte) (*client.Client, *keystore.Store, error) {
			return wire(ctx, settings{dir: dir, anchors: anchors, device: "tour"})
		},
	})
}
