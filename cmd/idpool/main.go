// Command idpool is an identity-pool server, wire-compatible with Amazon
// Cognito Identity, and its tools.
//
// This package wires: it is the only one that knows which store, which kinds
// of provider and which services there are.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// newRoot is the program with its commands. Each is one file.
func newRoot() *cobra.Command {
	root := group("idpool", "An identity-pool server, wire-compatible with Amazon Cognito Identity.",
		new(serveCommand).command(),
		poolsCommand(),
		accountCommand(),
		keyCommand(),
		storeCommand(),
		devCommand(),
		new(benchCommand).command(),
		new(oursCommand).command(),
		floorCommand(),
		completionCommand(),
		versionCommand(),
	)
	root.PersistentFlags().BoolP("help", "h", false, "Print this help.")
	root.SetHelpCommand(helpCommand())
	root.SetHelpFunc(printHelp)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return misuse(cmd, flagError(err)) })
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if err := errors.Join(secretGiven(cmd), fill(cmd, environment)); err != nil {
			return misuse(cmd, err)
		}
		return misuse(cmd, required(cmd))
	}
	root.SilenceErrors, root.SilenceUsage = true, true // run prints the error
	return root
}

// The exit codes of the contract.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	spare()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// streams are where a command writes.
type streams struct {
	out, err io.Writer
}

// hinted is an error with advice on what to do.
type hinted struct {
	error
	hint string
}

func (h hinted) Unwrap() error { return h.error }

// run is main without the process around it.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	fmt.Fprintf(stderr, "idpool: error: %s\n", strings.ReplaceAll(err.Error(), "\n", "; "))
	if h, ok := errors.AsType[hinted](err); ok {
		fmt.Fprintf(stderr, "idpool: hint: %s\n", h.hint)
	}
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	return exitFailed
}

// usageError is a flag whose value cannot be used.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }
