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

	"github.com/alecthomas/kong"
)

// commands are the subcommands. Each is one file.
type commands struct {
	Serve   serveCommand   `cmd:"" help:"Run the server."`
	Pools   poolsCommand   `cmd:"" help:"Look at identity pools, here or at AWS."`
	Account accountCommand `cmd:"" help:"Accounts of this server."`
	Key     keyCommand     `cmd:"" help:"Keys of this server: those that sign, and the master key."`
	Store   storeCommand   `cmd:"" help:"Stores of this server."`
	Dev     devCommand     `cmd:"" help:"Tools for development mode."`
	Bench   benchCommand   `cmd:"" help:"Measure this machine: the server beside what is possible at best."`
	Ours    oursCommand    `cmd:"" name:"bench-ours" hidden:"" help:"The server that bench measures."`
	Floor   floorCommand   `cmd:"" name:"bench-floor" hidden:"" help:"The bare handler beside it."`
	Version versionCommand `cmd:"" help:"Print version, commit and schema number."`
}

// The exit codes of the contract.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
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
	var c commands
	exit := -1
	parser, err := kong.New(&c,
		kong.Name("idpool"),
		kong.Description("An identity-pool server, wire-compatible with Amazon Cognito Identity."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { exit = code; panic(exited{}) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(streams{stdout, stderr}),
	)
	if err != nil {
		fmt.Fprintf(stderr, "idpool: error: %v\n", err)
		return exitFailed
	}
	dropEmpty("IDPOOL_")
	command, help, err := parse(parser, args)
	if help {
		return exit
	}
	if err == nil {
		err = command.Run()
	} else if _, ok := errors.AsType[startError](err); !ok {
		err = hinted{usageError{err}, `see "idpool --help"`}
	}
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

// dropEmpty unsets environment variables without a value: what composes
// environments often cannot leave one out.
func dropEmpty(prefix string) {
	for _, pair := range os.Environ() {
		if name, value, _ := strings.Cut(pair, "="); value == "" && strings.HasPrefix(name, prefix) {
			os.Unsetenv(name)
		}
	}
}

// usageError is a flag whose value cannot be used.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

// startError is a failure while flags are read that is not about the flags.
type startError struct{ error }

func (s startError) Unwrap() error { return s.error }

// exited is what kong's exit hook panics with after it printed help.
type exited struct{}

func parse(parser *kong.Kong, args []string) (command *kong.Context, help bool, err error) {
	defer func() {
		switch p := recover(); p.(type) {
		case nil:
		case exited:
			help = true
		default:
			panic(p)
		}
	}()
	command, err = parser.Parse(args)
	return command, false, err
}
