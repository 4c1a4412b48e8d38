package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver that migrates
)

// SchemaVersion is the version of the schema that this program reads and
// writes. An older database is brought forward, a newer one refused.
const SchemaVersion = 3

// applicationID marks a database as idpool's, in the header of the file.
const applicationID = 0x69647031 // "idp1"

// oldestSQLite is the first version without a race that loses committed
// writes when a commit and a checkpoint overlap.
const oldestSQLite = "3.51.3"

//go:embed migrations/*.sql
var migrations embed.FS

// ErrInUse is the error of Open for a database that another process has open.
var ErrInUse = errors.New("is in use by another idpool")

// header is what the first 100 bytes of a database say.
type header struct {
	exists        bool
	schema, owner uint32
	torn          bool // it does not fit the file, but there is a log that can
}

// readHeader looks at a database file without SQLite, so that nothing is
// changed that is not ours, damaged, or newer than we are.
func readHeader(path string) (header, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(path + "-wal"); err == nil {
			return header{}, fmt.Errorf("%s is missing, but its write-ahead log is there: restore it from a backup", path)
		}
		return header{}, nil
	}
	switch {
	case err != nil:
		return header{}, err
	case !info.Mode().IsRegular():
		return header{}, fmt.Errorf("%s is not a file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return header{}, err
	}
	defer f.Close()
	var b [100]byte
	if _, err := io.ReadFull(f, b[:]); err != nil || !strings.HasPrefix(string(b[:]), "SQLite format 3\x00") {
		return header{}, fmt.Errorf("%s is damaged or not a database: restore it from a backup", path)
	}
	h := header{exists: true, schema: binary.BigEndian.Uint32(b[60:]), owner: binary.BigEndian.Uint32(b[68:])}
	switch {
	case h.owner != applicationID:
		return header{}, fmt.Errorf("%s is a database of another program", path)
	case h.schema > SchemaVersion:
		return header{}, fmt.Errorf("%s has schema %d, and this idpool knows schemas up to %d: it was written by a newer version", path, h.schema, SchemaVersion)
	}
	pageSize := int64(binary.BigEndian.Uint16(b[16:]))
	if pageSize == 1 {
		pageSize = 65536
	}
	if pages := int64(binary.BigEndian.Uint32(b[28:])); pageSize < 512 || info.Size()%pageSize != 0 || info.Size() < pages*pageSize {
		if log, err := os.Stat(path + "-wal"); err == nil && log.Size() > 0 {
			h.torn = true
			return h, nil
		}
		return header{}, fmt.Errorf("%s is damaged: it has %d bytes, and its header says %d pages of %d: restore it from a backup", path, info.Size(), pages, pageSize)
	}
	return h, nil
}

// checkTorn looks at every page of a database whose last checkpoint was cut
// short, say by a power failure: what is missing in the file must be in the log.
// It only reads, so that a damaged one stays as it is.
func checkTorn(path string) error {
	verdict, err := quickCheck(path)
	if err != nil {
		verdict = err.Error()
	}
	if verdict != "ok" {
		return fmt.Errorf("it is damaged, and its write-ahead log does not mend it: restore it from a backup (%s)", verdict)
	}
	return nil
}

func quickCheck(path string) (verdict string, err error) {
	c, err := newConn(file(path)+"?mode=ro", "busy_timeout(5000)")
	if err != nil {
		return "", err
	}
	defer c.Close()
	return c.ask("PRAGMA quick_check(1)")
}

// lockFile takes the lock of a database for this process. The system releases
// it when the process ends, however it ends.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		holder, _ := io.ReadAll(io.LimitReader(f, 32))
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s %w (process %s)", path, ErrInUse, strings.TrimSpace(string(holder)))
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	if err := f.Truncate(0); err == nil {
		fmt.Fprintf(f, "%d\n", os.Getpid())
	}
	return f, nil
}

// The settings of all connections, of the writer and of readers, each a PRAGMA.
// Tuned by measurement: docs/performance.md. A reader's cache ends with the next
// commit and holds what is not mapped; the writer's holds what a commit changes.
var (
	settings = []string{"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "mmap_size(1073741824)", "wal_autocheckpoint(16000)"}
	writing  = slices.Concat(settings, []string{"cache_size(-16000)"})
	reading  = slices.Concat(settings, []string{"cache_size(-2000)", "query_only(1)"})
)

// The file is this process's alone, which its lock holds too: with unix-excl the
// index of the log is in our memory, and a reader asks the system for nothing.
func dsn(path string) string { return file(path) + "?vfs=unix-excl" }

func file(path string) string { return "file:" + (&url.URL{Path: path}).EscapedPath() }

// checkSettings makes sure that the library and the connection are what our
// promises rest on.
func checkSettings(c *conn) error {
	version, err1 := c.ask("SELECT sqlite_version()")
	journal, err2 := c.ask("PRAGMA journal_mode")
	synchronous, err3 := c.ask("PRAGMA synchronous")
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	if olderThan(version, oldestSQLite) {
		return fmt.Errorf("SQLite %s can lose committed writes; %s is the oldest that does not", version, oldestSQLite)
	}
	if journal != "wal" || synchronous != "2" {
		return fmt.Errorf("the file system does not allow a write-ahead log (journal mode %s, synchronous %s)", journal, synchronous)
	}
	return nil
}

func olderThan(version, limit string) bool {
	var a, b [3]int
	fmt.Sscanf(version, "%d.%d.%d", &a[0], &a[1], &a[2])
	fmt.Sscanf(limit, "%d.%d.%d", &b[0], &b[1], &b[2])
	for i := range a {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return false
}

// create makes a database beside its place and moves it there when it is whole.
// A start that is cut short thus leaves nothing that the next one would take
// for damage, or for a database of another program.
func create(ctx context.Context, path string) error {
	draft := path + ".new"
	for _, file := range []string{draft, draft + "-wal", draft + "-shm", draft + "-journal"} {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := migrate(ctx, draft); err != nil { // closes it, which leaves no log behind
		return err
	}
	if err := os.Rename(draft, path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// migrate brings the schema forward, through the driver of database/sql that
// goose wants.
func migrate(ctx context.Context, path string) (err error) {
	db, err := sql.Open("sqlite", dsn(path)+"&_txlock=immediate&_pragma="+strings.Join(writing, "&_pragma="))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	if _, err := provider.UpTo(ctx, SchemaVersion); err != nil {
		return fmt.Errorf("migrate to schema %d: %w", SchemaVersion, err)
	}
	for _, statement := range []string{
		fmt.Sprintf("PRAGMA application_id = %d", applicationID),
		fmt.Sprintf("PRAGMA user_version = %d", SchemaVersion),
		"PRAGMA wal_checkpoint(TRUNCATE)", // so that the header of the file tells
	} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}
