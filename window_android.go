package main

// libandroid has the window's flags, for which the native entry (entry_android.c) asks.

// #cgo LDFLAGS: -landroid
import "C"

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
)

// run is the program on Android: the app and nothing else. Fyne's native entry sets FILESDIR to the app's private
// directory before main, but after the packages' variables are initialised.
func run(_ []string, _, stderr io.Writer) int {
	files := os.Getenv("FILESDIR")
	if files == "" {
		fmt.Fprintln(stderr, "cloudkey: the system named no directory for the app's data (FILESDIR is not set)")
		return 1
	}
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	r := &running{settings: settings{dir: filepath.Join(files, "cloudkey"), device: "Android", log: log}}
	defer r.close()
	r.show(context.Background())
	return 0
}
