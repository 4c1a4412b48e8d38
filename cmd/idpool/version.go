package main

import (
	"cmp"
	"context"
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"

	"idpool/internal/store/sqlite"
)

// Set by the linker; see the Makefile.
var (
	version = "dev"
	commit  = ""
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print version, commit and schema number.", DisableFlagsInUseLine: true,
		Args: noArguments, RunE: runs(printVersion),
	}
}

// revision is the commit that the program was built from; empty if nobody
// knows.
func revision() string {
	at := commit
	if info, ok := debug.ReadBuildInfo(); ok && at == "" {
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				at = setting.Value
			}
		}
	}
	return at
}

// printVersion prints one line.
func printVersion(_ context.Context, s streams) error {
	_, err := fmt.Fprintf(s.out, "idpool %s, commit %.12s, schema %d\n", version, cmp.Or(revision(), "unknown"), sqlite.SchemaVersion)
	return err
}
