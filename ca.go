//go:build !android && !ios

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"time"

	"cloudkey/api/refca"
)

// runCA is the sub-command ca: the reference CA alone, until it is interrupted.
func runCA(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	set := flags("ca", stderr)
	listen := set.String("listen", "127.0.0.1:0", "host:port of the service; port 0 keeps the one of the first start")
	web := set.String("web", "127.0.0.1:0", "host:port of the QA web page; port 0 keeps the one of the first start")
	host := set.String("host", "", "name or address in the QR code (default: that of -listen, or of the network for a wildcard)")
	data := set.String("data", "", "data directory; created when it is not there (required)")
	seed := set.String("seed", "", "demo: the demo organisation with its accounts")
	if err := parse(set, args); err != nil {
		return err
	}
	if *data == "" {
		return &usageError{"ca: -data is required"}
	}
	if *seed != "" && *seed != "demo" {
		return &usageError{fmt.Sprintf("ca: no seed %q", *seed)}
	}
	server, err := refca.Open(ctx, refca.Config{
		DataDir: *data, Listen: *listen, WebListen: *web, Host: *host, Demo: *seed == "demo",
		Log: slog.New(slog.NewTextHandler(stderr, nil)),
	})
	if err != nil {
		return err
	}
	if err := json.NewEncoder(stdout).Encode(server.Addresses()); err != nil {
		return err
	}
	<-ctx.Done()
	return closeCA(server)
}

// closeCA ends a CA in order; requests under way have a few seconds.
func closeCA(server *refca.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return server.Close(ctx)
}
