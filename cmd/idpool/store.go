package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"idpool/internal/idpool"
	"idpool/internal/store"
	"idpool/internal/store/postgres"
	"idpool/internal/store/sqlite"
)

func storeCommand() *cobra.Command {
	return group("store", "Stores of this server.", new(storeCopyCommand).command())
}

type storeCopyCommand struct {
	From   string
	To     string
	Resume bool
	Output string
}

func (c *storeCopyCommand) command() *cobra.Command {
	cmd := &cobra.Command{
		Use: "copy --from STORE --to STORE [flags]", Short: "Copy everything from one store to another, and compare.",
		Long: `Stop the servers first: nobody may write to either store meanwhile. What is
sealed is copied as it is, so the servers on the other store need the same
master key: take the file master.key along, or give IDPOOL_MASTER_KEY.`,
		Args: noArguments, RunE: runs(c.run),
	}
	define(cmd,
		flag{name: "from", to: text(&c.From), kind: "STORE", required: true, help: "A data folder, or the URL of a PostgreSQL database."},
		flag{name: "to", to: text(&c.To), kind: "STORE", required: true, help: "The same; a folder is made."},
		flag{name: "resume", to: boolean(&c.Resume), kind: isSwitch, help: "Go on with a copy that was cut short."},
		outputFlag(&c.Output),
	)
	return cmd
}

// run copies, and prints what every table has in both stores then.
func (c *storeCopyCommand) run(ctx context.Context, s streams) error {
	if c.From == c.To {
		return usageError{errors.New("--from and --to name the same store")}
	}
	from, err := openAny(ctx, c.From, false)
	if err != nil {
		return fmt.Errorf("--from: %w", err)
	}
	defer from.Close()
	to, err := openAny(ctx, c.To, true)
	if err != nil {
		return fmt.Errorf("--to: %w", err)
	}
	defer to.Close()
	show, end := progress(s.err)
	done, err := store.Copy(ctx, from, to, c.Resume, show)
	end()
	if errors.Is(err, store.ErrNotEmpty) {
		return hinted{err, "give another one, or --resume to go on with a copy that was cut short"}
	}
	if err != nil {
		return err
	}
	if c.Output == "json" {
		return json.NewEncoder(s.out).Encode(done)
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "TABLE\tROWS\tSHA-256 OF BOTH")
	for _, t := range done {
		fmt.Fprintf(w, "%s\t%d\t%.16s…\n", t.Table, t.Rows, t.SHA256)
	}
	return w.Flush()
}

// closer is a store that is closed after use.
type closer interface {
	idpool.Store
	io.Closer
}

// openAny opens a data folder or a database. A folder is made if it may be.
func openAny(ctx context.Context, address string, make bool) (closer, error) {
	if strings.Contains(address, "://") || strings.HasPrefix(address, "postgres") && strings.Contains(address, ":/") { // with a typo: a password is not for the screen
		return postgres.Open(ctx, address)
	}
	path := filepath.Join(address, "idpool.db")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if !make {
			return nil, fmt.Errorf("there is no store in %s", address)
		}
		if err := os.MkdirAll(address, 0o700); err != nil {
			return nil, fmt.Errorf("make the data folder: %w", err)
		}
	}
	s, err := sqlite.Open(ctx, path)
	if errors.Is(err, sqlite.ErrInUse) {
		return nil, hinted{err, "stop the server that runs there first"}
	}
	return s, err
}

// progress shows on a terminal, once in a while, how far a copy is, until end.
func progress(w io.Writer) (show func(what, table string, rows int64), end func()) {
	if !isTerminal(w) {
		return func(string, string, int64) {}, func() {}
	}
	var last time.Time
	show = func(what, table string, rows int64) {
		if time.Since(last) > 200*time.Millisecond {
			last = time.Now()
			fmt.Fprintf(w, "%s%s: %d rows %s", clearLine, table, rows, what)
		}
	}
	return show, func() { fmt.Fprint(w, clearLine) }
}

// clearLine empties the line of a terminal.
const clearLine = "\r\033[K"

// isTerminal reports whether people read along.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
