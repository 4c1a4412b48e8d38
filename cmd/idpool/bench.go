package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"idpool/internal/bench"
	"idpool/internal/credential"
	"idpool/internal/idpool"
	"idpool/internal/login/oidc"
	"idpool/internal/node"
	"idpool/internal/seal"
	"idpool/internal/store/postgres"
	"idpool/internal/store/sqlite"
)

type benchCommand struct {
	Clients     int
	Time        time.Duration
	Pools       int
	People      int
	Fill        int
	Grow        bool
	Crowd       int
	Plots       string
	DatabaseURL string
	Against     string
	Data        string
	Profile     string
	Output      string
}

func (c *benchCommand) command() *cobra.Command {
	cmd := &cobra.Command{
		Use: "bench [flags]", Short: "Measure this machine: the server beside what is possible.",
		Args: noArguments, RunE: runs(c.run),
	}
	define(cmd,
		flag{name: "clients", to: integer(&c.Clients), kind: "N", value: "64", help: "Connections at once."},
		flag{name: "time", to: duration(&c.Time), kind: "DURATION", value: "2s", help: "Length of each measurement; each is taken three times."},
		flag{name: "pools", to: integer(&c.Pools), kind: "N", value: "10000", help: "Pools to page through."},
		flag{name: "people", to: integer(&c.People), kind: "N", value: "16000", help: "People who sign in for the first time, and come back."},
		flag{name: "fill", to: integer(&c.Fill), kind: "N", help: "Then fill the store with so many people, and measure all again."},
		flag{name: "grow", to: boolean(&c.Grow), kind: isSwitch, help: "Look at the store while it is filled, at each power of ten from 10,000 on, and then from one client to --crowd."},
		flag{name: "crowd", to: integer(&c.Crowd), kind: "N", value: "256", help: "Clients at most for --grow."},
		flag{name: "plots", to: text(&c.Plots), kind: "DIR", help: "Folder to draw in what --grow sees."},
		flag{name: "database-url", to: text(&c.DatabaseURL), kind: "URL", help: "Measure on PostgreSQL, beside pgbench, in a schema that is made and removed: postgres://user@host:5432/name."},
		flag{name: "against", to: text(&c.Against), kind: "URL", help: "Send the same requests to another server of this API, http://HOST:PORT, in turns with ours, and measure nothing else."},
		flag{name: "data", to: text(&c.Data), kind: "DIR", help: "Folder to work in, on the disk to be measured; a new one below it is used and removed. Default: the system's temporary folder."},
		flag{name: "profile", to: text(&c.Profile), kind: "DIR", help: "Folder to write CPU profiles of the server to, one for each path."},
		flag{name: "output", to: text(&c.Output), kind: "FORMAT", choices: []string{"table", "markdown", "json"}, value: "table", help: "table for people, markdown for pages, json for programs."},
	)
	return cmd
}

// check says what of the flags cannot be.
func (c *benchCommand) check() error {
	switch {
	case c.Clients < 1 || c.Pools < 1 || c.People < 4 || c.Time <= 0 || c.Fill < 0 || c.Crowd < 1:
		return usageError{errors.New("nothing to measure: give at least one client, one pool, four people and some time")}
	case c.Grow && c.Fill == 0:
		return usageError{errors.New("--grow: say up to how many people with --fill")}
	case c.Plots != "" && !c.Grow:
		return usageError{errors.New("--plots draws what --grow sees")}
	case c.Against != "" && (c.Fill > 0 || c.DatabaseURL != ""):
		return usageError{errors.New("--against measures nothing else: leave out --fill and --database-url")}
	}
	return nil
}

// run measures and prints the tables.
func (c *benchCommand) run(ctx context.Context, s streams) error {
	if err := c.check(); err != nil {
		return err
	}
	folder, err := os.MkdirTemp(c.Data, "idpool-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	progress, clear := progressBar(s.err)
	result, err := bench.Run(ctx, bench.Config{
		Clients: c.Clients, Time: c.Time, Pools: c.Pools, People: c.People, Fill: c.Fill, Grow: c.Grow, Crowd: c.Crowd,
		Database: c.DatabaseURL, Against: c.Against, Data: folder, Profile: c.Profile, Start: startSelf, Progress: progress,
	})
	clear()
	if err != nil {
		return err
	}
	if c.Plots != "" {
		if err := os.MkdirAll(c.Plots, 0o755); err != nil {
			return err
		}
		for _, p := range result.Plots() {
			if err := os.WriteFile(filepath.Join(c.Plots, p.Name+".svg"), p.SVG(), 0o644); err != nil {
				return err
			}
		}
	}
	return printBench(s.out, result, c.Output)
}

func printBench(out io.Writer, r bench.Result, how string) error {
	if how == "json" {
		text, err := r.JSON()
		if err == nil {
			_, err = fmt.Fprintf(out, "%s\n", text)
		}
		return err
	}
	for _, t := range r.Tables() {
		write := t.Text
		if how == "markdown" {
			write = t.Markdown
		}
		if err := write(out); err != nil {
			return err
		}
	}
	return nil
}

// progressBar shows on a terminal how far the bench is, and nothing elsewhere.
func progressBar(w io.Writer) (progress func(step string, done, of int), clear func()) {
	if !isTerminal(w) {
		return func(string, int, int) {}, func() {}
	}
	const width = 30
	progress = func(step string, done, of int) {
		full := width * done / max(of, 1)
		fmt.Fprintf(w, "%s%s%s  %s", clearLine, strings.Repeat("█", full), strings.Repeat("░", width-full), step)
	}
	return progress, func() { fmt.Fprint(w, clearLine) }
}

// startSelf runs a command of this program until it is stopped, and waits for
// the line that says where it serves.
func startSelf(ctx context.Context, environ []string, args ...string) (bench.Program, error) {
	self, err := os.Executable()
	if err != nil {
		return bench.Program{}, err
	}
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	cmd.Env = append(os.Environ(), environ...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return bench.Program{}, err
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return bench.Program{}, err
	}
	p := bench.Program{PID: cmd.Process.Pid, Stop: sync.OnceFunc(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
	})}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		p.Stop()
		return bench.Program{}, fmt.Errorf("%s did not start: %w", args[0], err)
	}
	p.Host, p.Admin, _ = strings.Cut(strings.TrimSpace(line), " ")
	return p, nil
}

// oursCommand is a strict server without limits, whose people come from an
// issuer on this machine.
type oursCommand struct {
	Data        string
	LoginIssuer string
	Database    string
}

func (c *oursCommand) command() *cobra.Command {
	cmd := &cobra.Command{
		Use: "bench-ours --data DIR --login-issuer URL [flags]", Short: "The server that bench measures.", Hidden: true,
		Args: noArguments, RunE: runs(c.run),
	}
	define(cmd,
		flag{name: "data", to: text(&c.Data), kind: "DIR", required: true, help: "Folder of the store."},
		flag{name: "login-issuer", to: text(&c.LoginIssuer), kind: "URL", required: true, help: "Where the issuer of the bench's people lives."},
		flag{name: "database", to: text(&c.Database), kind: "URL", env: bench.DatabaseVariable, help: "The PostgreSQL database, if it is one."},
	)
	return cmd
}

// run serves until it is told to stop.
func (c *oursCommand) run(ctx context.Context, s streams) error {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return err
	}
	logFile, err := os.OpenFile(filepath.Join(c.Data, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer logFile.Close()
	log, flush := newLogger(logFile, "json", "info")
	defer flush()
	store, err := openBenchStore(ctx, c.Data, c.Database)
	if err != nil {
		return err
	}
	defer store.Close()
	keyring, err := seal.New(make([]byte, seal.KeySize)) // nothing here is secret
	if err != nil {
		return err
	}
	api, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	admin, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	n, err := node.New(ctx, node.Config{
		Store: store, Shared: c.Database != "", Keyring: keyring, Issuer: "http://" + api.Addr().String(), Region: "us-east-1", Account: "000000000000",
		RootKey: &credential.RootKey{ID: bench.RootKeyID, Secret: bench.RootSecret},
		OIDC: oidc.Config{
			AllowHTTP: true, AllowCIDRs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
			Overrides: map[string]oidc.Override{bench.Provider: {Issuer: c.LoginIssuer}},
		},
		Log: log, Now: time.Now,
	})
	if err != nil {
		return err
	}
	background, stop := context.WithCancel(ctx)
	finished := make(chan struct{})
	go func() { n.Background(background); close(finished) }()
	defer func() { stop(); <-finished }()
	defer giveHeadroom()()
	fmt.Fprintln(s.out, api.Addr(), admin.Addr())
	return n.Serve(ctx, api, admin)
}

func openBenchStore(ctx context.Context, folder, database string) (idpool.Store, error) {
	if database != "" {
		return postgres.Open(ctx, database)
	}
	return sqlite.Open(ctx, filepath.Join(folder, bench.StoreFile))
}

// floorCommand is the bare handler beside it.
func floorCommand() *cobra.Command {
	return &cobra.Command{
		Use: "bench-floor", Short: "The bare handler beside it.", Hidden: true, DisableFlagsInUseLine: true,
		Args: noArguments, RunE: runs(serveFloor),
	}
}

// serveFloor serves until it is told to stop.
func serveFloor(ctx context.Context, s streams) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	floor, err := bench.Floor()
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: floor, ReadHeaderTimeout: 5 * time.Second}
	go func() { <-ctx.Done(); srv.Close() }()
	fmt.Fprintln(s.out, l.Addr())
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
