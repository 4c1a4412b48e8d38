package main

import (
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

// Run prints one line.
func (versionCommand) Run(s streams) error {
	at := commit
	if info, ok := debug.ReadBuildInfo(); ok && at == "" {
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				at = setting.Value
			}
		}
	}
	if at == "" {
		at = "unknown"
	}
	_, err := fmt.Fprintf(s.out, "idpool %s, commit %.12s, schema %d\n", version, at, sqlite.SchemaVersion)
	return err
}
