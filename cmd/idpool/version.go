package main

import (
	"cmp"
	"fmt"
	"runtime/debug"

	"idpool/internal/store/sqlite"
)

// Set by the linker; see the Makefile.
var (
	version = "dev"
	commit  = ""
)

type versionCommand struct{}

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

// Run prints one line.
func (versionCommand) Run(s streams) error {
	_, err := fmt.Fprintf(s.out, "idpool %s, commit %.12s, schema %d\n", version, cmp.Or(revision(), "unknown"), sqlite.SchemaVersion)
	return err
}
