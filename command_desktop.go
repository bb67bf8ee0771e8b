//go:build !android && !ios

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

const usage = `cloudkey — the cloud-key client (云密钥客户端)

  cloudkey [-data DIR] [-demo] [-anchor FILE]   the app
  cloudkey ca [-listen HOST:PORT] [-web HOST:PORT] [-data DIR] [-seed demo]
                                                the reference CA alone
  cloudkey tour [-out DIR]                      the whole first use without a display

Each command explains its flags with -h.
`

// run is the program: sub-command, flags, exit status.
func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	name := ""
	if len(args) > 0 && args[0] != "" && args[0][0] != '-' {
		name, args = args[0], args[1:]
	}
	var err error
	switch name {
	case "":
		err = runApp(ctx, args, stdout, stderr)
	case "ca":
		err = runCA(ctx, args, stdout, stderr)
	case "tour":
		err = runTour(ctx, args, stdout, stderr)
	case "help":
		fmt.Fprint(stdout, usage)
	default:
		fmt.Fprintf(stderr, "cloudkey: no sub-command %q\n\n%s", name, usage)
		return 2
	}
	var bad *usageError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.As(err, &bad):
		fmt.Fprintf(stderr, "cloudkey: %v\n\n%s", err, usage)
		return 2
	}
	fmt.Fprintf(stderr, "cloudkey: %v\n", err)
	return 1
}

// usageError is a mistake on the command line.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

// flags makes a flag set whose mistakes are usage errors.
func flags(name string, stderr io.Writer) *flag.FlagSet {
	set := flag.NewFlagSet("cloudkey "+name, flag.ContinueOnError)
	set.SetOutput(stderr)
	return set
}

func parse(set *flag.FlagSet, args []string) error {
	if err := set.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return &usageError{err.Error()}
	}
	if set.NArg() > 0 {
		return &usageError{fmt.Sprintf("%s takes no argument %q", set.Name(), set.Arg(0))}
	}
	return nil
}
