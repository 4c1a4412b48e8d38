// Package pgtest starts PostgreSQL servers for tests: real ones, each on a
// folder and a port of its own.
//
//	Database(t) ─► the server of the test binary ─► a schema for the case
//	New(t)      ─► a server of its own, to be stopped, started and hurt
//
// No server outlives the test process, however that ends: a small shell waits
// for a pipe to close, then kills the server and removes its folder.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"idpool/internal/freeport"
)

// Server is a PostgreSQL server. Its only user is idpool, who may do everything.
type Server struct {
	Folder string // of its data; certificates can be put there
	Port   int

	programs string // the folder of initdb, postgres and pg_ctl
	owner    *syscall.Credential
	settings []string
	pipe     io.Closer // the server is there until it closes
	watch    *exec.Cmd
}

// fast are settings for data that nobody needs after the test.
var fast = []string{"fsync=off", "full_page_writes=off", "shared_buffers=64MB", "max_connections=400", "listen_addresses=127.0.0.1"}

var (
	shared  = sync.OnceValues(func() (*Server, error) { return start(initdb, nil) })
	schemas atomic.Int64
)

// Database makes an empty schema on the server of the test binary and returns
// its URL. Where PostgreSQL is missing and cannot be installed the test is
// skipped; with CI=true it fails.
func Database(t testing.TB) string {
	t.Helper()
	s, err := shared()
	if err != nil {
		leaveOut(t, err)
	}
	return s.Schema(t)
}

// New starts a server with settings, each as "name=value", and ends it with the
// test.
func New(t testing.TB, settings ...string) *Server {
	t.Helper()
	s, err := start(initdb, settings)
	if err != nil {
		leaveOut(t, err)
	}
	t.Cleanup(s.end)
	return s
}

// Standby starts a standby of the server, for which every commit waits from now
// on.
func (s *Server) Standby(t testing.TB) *Server {
	t.Helper()
	standby, err := start(func(standby *Server) error { return standby.copyOf(s) }, s.settings)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(standby.end)
	s.waitForStandby(t)
	return standby
}

// copyOf fills the folder with a copy of another server, to follow it.
func (s *Server) copyOf(primary *Server) error {
	return s.run("pg_basebackup", "-D", s.Folder, "-d", primary.URL(), "-R", "-X", "stream", "-c", "fast", "--no-sync")
}

// waitForStandby has every commit wait for a standby that is there.
func (s *Server) waitForStandby(t testing.TB) {
	t.Helper()
	s.Exec(t, "ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
	for waits := false; !waits; time.Sleep(time.Millisecond) { // until the server has noticed
		s.query(t, &waits, "SELECT EXISTS (SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync')")
	}
}

// Promote makes a standby the primary.
func (s *Server) Promote(t testing.TB) {
	t.Helper()
	if err := s.run("pg_ctl", "promote", "-s", "-w", "-D", s.Folder); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	s.Exec(t, "ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()")
}

// Schema makes an empty schema and returns its URL.
func (s *Server) Schema(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("case_%d", schemas.Add(1))
	s.Exec(t, "CREATE SCHEMA "+name)
	return s.URL() + "?search_path=" + name
}

// URL is the address of the database postgres.
func (s *Server) URL() string { return fmt.Sprintf("postgres://idpool@127.0.0.1:%d/postgres", s.Port) }

// query reads one value as the superuser.
func (s *Server) query(t testing.TB, dest any, statement string) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, s.URL())
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	defer conn.Close(ctx)
	if err := conn.QueryRow(ctx, statement).Scan(dest); err != nil {
		t.Fatalf("pgtest: %s: %v", statement, err)
	}
}

// Exec runs statements as the superuser.
func (s *Server) Exec(t testing.TB, statements ...string) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, s.URL())
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	defer conn.Close(ctx)
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			t.Fatalf("pgtest: %s: %v", statement, err)
		}
	}
}

// Put writes a file into the server's folder, such as pg_hba.conf or server.key.
func (s *Server) Put(t testing.TB, name string, content []byte) {
	t.Helper()
	path := filepath.Join(s.Folder, name)
	err := os.WriteFile(path, content, 0o600)
	if err == nil && s.owner != nil {
		err = os.Chown(path, int(s.owner.Uid), int(s.owner.Gid))
	}
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
}

// Start starts the server again after Stop.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	if err := s.start(); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
}

// Stop stops the server at once, as a crash would.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if err := s.run("pg_ctl", "stop", "-m", "immediate", "-D", s.Folder); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
}

// errMissing is the error for a machine without PostgreSQL.
var errMissing = errors.New("left out: PostgreSQL is missing (apt-get install postgresql)")

func leaveOut(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, errMissing) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	t.Fatalf("pgtest: %v", err)
}

func initdb(s *Server) error {
	return s.run("initdb", "-D", s.Folder, "-U", "idpool", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
}

// start makes a database folder, which fill fills, and starts a server on it.
func start(fill func(*Server) error, settings []string) (_ *Server, err error) {
	s := &Server{settings: append(fast[:len(fast):len(fast)], settings...)}
	if s.programs, err = programs(); err != nil {
		return nil, err
	}
	if s.Folder, err = os.MkdirTemp("", "idpool-postgres-"); err != nil {
		return nil, err
	}
	if err := s.chooseOwner(); err != nil {
		return nil, err
	}
	if err := s.watchOver(); err != nil {
		return nil, err
	}
	if err := fill(s); err != nil {
		return nil, err
	}
	for range 5 { // somebody else may take the port before the server has it
		if s.Port, err = freeport.Get(); err != nil {
			return nil, err
		}
		if err = s.start(); err == nil {
			return s, nil
		}
	}
	return nil, err
}

// programs finds the folder of PostgreSQL's programs. Where there is none, it
// installs Debian's package if it may.
func programs() (string, error) {
	if dir, ok := found(); ok {
		return dir, nil
	}
	if apt, err := exec.LookPath("apt-get"); err == nil && os.Getuid() == 0 {
		for _, args := range [][]string{{"-qq", "update"}, {"-qq", "install", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120", "postgresql"}} {
			install := exec.Command(apt, args...)
			install.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
			install.Run() // whether it is there is looked at below
		}
	}
	if dir, ok := found(); ok {
		return dir, nil
	}
	return "", errMissing
}

func found() (dir string, ok bool) {
	candidates, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		candidates = append(candidates, strings.TrimSpace(string(out)))
	}
	for _, dir := range candidates {
		if _, err := os.Stat(filepath.Join(dir, "initdb")); err == nil {
			return dir, true
		}
	}
	return "", false
}

// chooseOwner gives the folder to somebody who is not root, as whom PostgreSQL
// does not run.
func (s *Server) chooseOwner() error {
	if os.Getuid() != 0 {
		return nil
	}
	who, err := user.Lookup("postgres")
	if err != nil {
		if who, err = user.Lookup("nobody"); err != nil {
			return err
		}
	}
	uid, err1 := strconv.Atoi(who.Uid)
	gid, err2 := strconv.Atoi(who.Gid)
	s.owner = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return errors.Join(err1, err2, os.Chown(s.Folder, uid, gid))
}

// command is a program that runs as the owner of the folder.
func (s *Server) command(name string, args ...string) *exec.Cmd {
	c := exec.Command(name, args...)
	c.Dir, c.SysProcAttr = s.Folder, &syscall.SysProcAttr{Credential: s.owner, Setpgid: true}
	return c
}

// run runs one of PostgreSQL's programs, whose output goes to a file: a pipe
// would be held open by the server that pg_ctl starts.
func (s *Server) run(program string, args ...string) error {
	out, err := os.CreateTemp("", "idpool-postgres-*.out")
	if err != nil {
		return err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	c := s.command(filepath.Join(s.programs, program), args...)
	c.Stdout, c.Stderr = out, out
	if err := c.Run(); err != nil {
		said, _ := os.ReadFile(out.Name())
		log, _ := os.ReadFile(filepath.Join(s.Folder, "log"))
		return fmt.Errorf("%s: %w: %s%s", program, err, said, log[max(0, len(log)-2000):])
	}
	return nil
}

// watchOver starts the shell that ends the server when this process ends.
func (s *Server) watchOver() (err error) {
	s.watch = s.command("/bin/sh", "-c", `cat >/dev/null; "$1/pg_ctl" stop -s -m immediate -D "$2"; rm -rf "$2"`, "sh", s.programs, s.Folder)
	if s.pipe, err = s.watch.StdinPipe(); err != nil {
		return err
	}
	return s.watch.Start()
}

func (s *Server) end() {
	s.pipe.Close()
	s.watch.Wait()
}

// start starts the server and waits until it answers.
func (s *Server) start() error {
	// Without a Unix socket, whose lock file a copy of the folder would have too,
	// and which would be held as long as nobody has reaped the process it names.
	options := fmt.Sprintf("-p %d -k ''", s.Port)
	for _, setting := range s.settings {
		options += " -c " + setting
	}
	return s.run("pg_ctl", "start", "-s", "-w", "-D", s.Folder, "-l", filepath.Join(s.Folder, "log"), "-o", options)
}
