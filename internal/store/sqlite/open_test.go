package sqlite

import (
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pressly/goose/v3"

	"idpool/internal/idpool"
)

// folder is what a folder holds: files by name, folders as "folder".
func folder(t *testing.T, path string) map[string]string {
	t.Helper()
	held := map[string]string{}
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			held[e.Name()] = e.Type().String()
			continue
		}
		b, err := os.ReadFile(filepath.Join(path, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		held[e.Name()] = string(b)
	}
	return held
}

// fill puts rows with these numbers into a store, in one update.
func fill(t *testing.T, s *Store, from, to int) {
	t.Helper()
	err := s.Update(t.Context(), func(w idpool.Writer) error {
		for n := from; n < to; n++ {
			if err := name(n)(w); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// made makes a database of some rows, closes it, and returns its bytes.
func made(t *testing.T, path string, rows int) []byte {
	t.Helper()
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	fill(t, s, 0, rows)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	os.Remove(path + ".lock")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// foreign makes a database of another program.
func foreign(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range append([]string{"CREATE TABLE theirs (x)"}, statements...) {
		if _, err := db.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestOpenRefuses: what is not whole and ours is refused, with a word that says
// what to do, and stays as it was.
func TestOpenRefuses(t *testing.T) {
	sound := made(t, fresh(t), 100)
	write := func(text string) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	change := func(fn func([]byte) []byte) func(*testing.T, string) { return write(string(fn(slices.Clone(sound)))) }
	put32 := func(at int, v uint32) func(*testing.T, string) {
		return change(func(b []byte) []byte { binary.BigEndian.PutUint32(b[at:], v); return b })
	}
	for name, c := range map[string]struct {
		prepare func(t *testing.T, path string)
		says    string
	}{
		"an empty file":            {write(""), "damaged or not a database: restore it from a backup"},
		"a text":                   {write(strings.Repeat("no database\n", 1000)), "damaged or not a database"},
		"a short file":             {write("SQLite format 3\x00"), "damaged or not a database"},
		"zeros":                    {change(func(b []byte) []byte { return make([]byte, len(b)) }), "damaged or not a database"},
		"a first page of zeros":    {change(func(b []byte) []byte { clear(b[:4096]); return b }), "damaged or not a database"},
		"a bit flipped in front":   {change(func(b []byte) []byte { b[3] ^= 4; return b }), "damaged or not a database"},
		"half of it":               {change(func(b []byte) []byte { return b[:len(b)/2/4096*4096] }), "is damaged: it has"},
		"one page too few":         {change(func(b []byte) []byte { return b[:len(b)-4096] }), "is damaged: it has"},
		"a page that is cut off":   {change(func(b []byte) []byte { return b[:len(b)-1] }), "is damaged: it has"},
		"only a first page":        {change(func(b []byte) []byte { return b[:4096] }), "is damaged: it has"},
		"no page size":             {change(func(b []byte) []byte { b[16], b[17] = 0, 0; return b }), "is damaged: it has"},
		"another program's":        {func(t *testing.T, path string) { foreign(t, path) }, "is a database of another program"},
		"another program's, named": {func(t *testing.T, path string) { foreign(t, path, "PRAGMA application_id = 1") }, "is a database of another program"},
		"the next schema":          {put32(60, SchemaVersion+1), fmt.Sprintf("has schema %d, and this idpool knows schemas up to %d: it was written by a newer version", SchemaVersion+1, SchemaVersion)},
		"a schema far away":        {put32(60, 1<<31), "it was written by a newer version"},
		"a folder":                 {func(t *testing.T, path string) { os.Mkdir(path, 0o700) }, "is not a file"},
		"a folder that is missing": {func(t *testing.T, path string) { os.Remove(filepath.Dir(path)) }, "no such file or directory"},
		"nothing but the log":      {func(t *testing.T, path string) { write(string(sound))(t, path+"-wal") }, "is missing, but its write-ahead log is there: restore it from a backup"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			os.Mkdir(dir, 0o700)
			path := filepath.Join(dir, "idpool.db")
			c.prepare(t, path)
			var before map[string]string
			if _, err := os.Stat(dir); err == nil {
				before = folder(t, dir)
			}
			s, err := Open(t.Context(), path)
			if err == nil {
				s.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(err.Error(), "open store: ") || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v, want a word about %q", err, c.says)
			}
			if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) && before == nil {
				return
			}
			if after := folder(t, dir); !maps.Equal(before, after) {
				t.Errorf("it changed what is there: %q before, %q after", slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(after)))
			}
		})
	}
}

// TestOneProcess: a second process is refused while the first is there, and
// changes nothing; when the first has ended, however it ended, the next opens.
func TestOneProcess(t *testing.T) {
	path := fresh(t)
	for _, end := range []func(*child){
		func(c *child) { c.stdin.Close() },
		func(c *child) { c.Process.Kill() },
	} {
		c := start(t, "hold", path)
		c.expect(t, "open")
		before := folder(t, filepath.Dir(path))
		_, err := Open(t.Context(), path)
		if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), fmt.Sprintf("(process %d)", c.Process.Pid)) {
			t.Errorf("while it is open: %v", err)
		}
		if !maps.Equal(before, folder(t, filepath.Dir(path))) {
			t.Error("it changed what is there")
		}
		end(c)
		c.Wait()
		s, err := Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), path); !errors.Is(err, ErrInUse) {
			t.Errorf("a second time in one process: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestMakingCutShort: what is left of a database that was being made does not
// matter.
func TestMakingCutShort(t *testing.T) {
	path := fresh(t)
	foreign(t, path+".new")
	for _, file := range []string{".new-wal", ".new-shm", ".new-journal", ".lock"} {
		if err := os.WriteFile(path+file, []byte("left over"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, path)
	fill(t, s, 0, 1)
	if rows, err := held(t.Context(), s); len(rows) != 1 || err != nil {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	for name := range folder(t, filepath.Dir(path)) {
		if strings.Contains(name, ".new") {
			t.Errorf("%s is still there", name)
		}
	}
}

// half makes a database of n rows of which the last are in the log only, and
// returns the file before and after a checkpoint, and the log.
func half(t *testing.T, path string, inFile, n int) (old, grown, log []byte) {
	t.Helper()
	for _, step := range [][2]int{{0, inFile}, {inFile, n}} {
		s, err := Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		fill(t, s, step[0], step[1])
		var err1, err2, err3 error
		old, err1 = os.ReadFile(path)
		log, err2 = os.ReadFile(path + "-wal")
		err = errors.Join(err1, err2, s.Close())
		if grown, err3 = os.ReadFile(path); err != nil || err3 != nil {
			t.Fatal(err, err3)
		}
	}
	return old, grown, log
}

// TestCheckpointCutShort puts together what a power failure can leave of a
// checkpoint. The log is whole: nothing is lost.
func TestCheckpointCutShort(t *testing.T) {
	path := fresh(t)
	old, grown, log := half(t, path, 50, 100)
	if len(grown) < len(old)+2*4096 {
		t.Fatalf("%d bytes have grown to %d only", len(old), len(grown))
	}
	for name, file := range map[string][]byte{
		"before":               old,
		"after":                grown,
		"the first page":       slices.Concat(grown[:4096], old[4096:]),
		"the last page":        slices.Concat(old, make([]byte, len(grown)-len(old)-4096), grown[len(grown)-4096:]),
		"half a page too much": grown[:len(old)+2048],
		"only the size":        slices.Concat(old, make([]byte, len(grown)-len(old))),
		"all but one page":     grown[:len(grown)-4096],
	} {
		t.Run(name, func(t *testing.T) {
			path := fresh(t)
			if err := errors.Join(os.WriteFile(path, file, 0o600), os.WriteFile(path+"-wal", log, 0o600)); err != nil {
				t.Fatal(err)
			}
			s := open(t, path)
			if rows, err := held(t.Context(), s); len(rows) != 100 || err != nil {
				t.Errorf("%d of 100 rows, %v", len(rows), err)
			}
			audit(t, s)
		})
	}
}

// TestTruncatedWithLog: a log that does not have what a file lacks is no help.
func TestTruncatedWithLog(t *testing.T) {
	path := fresh(t)
	old, _, log := half(t, path, 300, 301)
	refused := 0
	for _, size := range []int{4096, len(old) / 4, len(old) / 2, len(old) / 2 / 4096 * 4096, len(old) - 4*4096, len(old) - 4096} {
		path := fresh(t)
		if err := errors.Join(os.WriteFile(path, old[:size], 0o600), os.WriteFile(path+"-wal", log, 0o600)); err != nil {
			t.Fatal(err)
		}
		s, err := Open(t.Context(), path)
		if err == nil { // the log has the last pages
			if rows, err := held(t.Context(), s); len(rows) != 301 || err != nil {
				t.Errorf("%d of %d bytes: %d of 301 rows, %v", size, len(old), len(rows), err)
			}
			s.Close()
			continue
		}
		refused++
		if !strings.Contains(err.Error(), "restore it from a backup") {
			t.Errorf("%d of %d bytes: got %v", size, len(old), err)
		}
		if after := folder(t, filepath.Dir(path)); after["idpool.db"] != string(old[:size]) || after["idpool.db-wal"] != string(log) {
			t.Errorf("%d of %d bytes: it changed what is there", size, len(old))
		}
	}
	if refused < 4 {
		t.Errorf("only %d were refused", refused)
	}
}

// TestDamagedPages scribbles over one page after the other. Whatever is read
// then is an error of the store, or whole: never less than there was.
func TestDamagedPages(t *testing.T) {
	t.Parallel()
	sound := made(t, fresh(t), 100)
	const page = 4096
	noise := make([]byte, page)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	refused, failed := 0, 0
	for n := 1; n < len(sound)/page; n++ {
		with := [][]byte{make([]byte, page), noise}[n%2]
		path := fresh(t)
		if err := os.WriteFile(path, slices.Concat(sound[:n*page], with, sound[(n+1)*page:]), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(t.Context(), path)
		if err != nil {
			refused++
			continue
		}
		rows, err := held(t.Context(), s)
		switch {
		case err == nil && len(rows) != 100:
			t.Errorf("page %d damaged: %d of 100 rows, and no error", n+1, len(rows))
		case err != nil && idpool.KindOf(err) != idpool.Unavailable:
			t.Errorf("page %d damaged: %v", n+1, err)
		case err != nil:
			failed++
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if failed == 0 {
		t.Errorf("nothing was damaged: %d refused, %d failed", refused, failed)
	}
}

func TestSettings(t *testing.T) {
	s := open(t, fresh(t))
	connections := map[string]*conn{"writer": s.writer}
	for n := range readerCount {
		c := <-s.readers
		defer func() { s.readers <- c }()
		connections[fmt.Sprint("reader ", n)] = c
	}
	for name, c := range connections {
		if err := checkSettings(c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for pragma, want := range map[string]string{
			"journal_mode": "wal", "synchronous": "2", "busy_timeout": "5000", "mmap_size": "1073741824", "wal_autocheckpoint": "16000",
			"query_only": fmt.Sprint(len(name) / 8), "application_id": fmt.Sprint(applicationID), "user_version": fmt.Sprint(SchemaVersion),
		} {
			if got, err := c.ask("PRAGMA " + pragma); err != nil || got != want {
				t.Errorf("%s: %s = %s (%v), want %s", name, pragma, got, err, want)
			}
		}
	}
	for setting, says := range map[string]string{
		"PRAGMA synchronous = NORMAL": "synchronous 1",
		"PRAGMA synchronous = OFF":    "synchronous 0",
	} {
		c := connections["reader 0"]
		if err := c.control(setting); err != nil {
			t.Fatal(err)
		}
		if err := checkSettings(c); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v", setting, err)
		}
	}
	c, err := newConn("file::memory:", settings...)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := checkSettings(c); err == nil || !strings.Contains(err.Error(), "journal mode memory") {
		t.Errorf("where there can be no log: %v", err)
	}
}

func TestOlderThan(t *testing.T) {
	for version, want := range map[string]bool{
		"3.51.2": true, "3.51.3": false, "3.51.4": false, "3.51.10": false, "3.52.0": false, "3.54.1": false, "4.0.0": false,
		"3.50.99": true, "3.6.23.1": true, "2.99.99": true, "3.51": true, "3.52": false, "": true, "unknown": true,
	} {
		if got := olderThan(version, oldestSQLite); got != want {
			t.Errorf("olderThan(%q, %q) = %t", version, oldestSQLite, got)
		}
	}
}

// schema is what a database is made of.
func schema(t *testing.T, path string) (texts []string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT coalesce(sql, name) FROM sqlite_schema ORDER BY name")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		texts = append(texts, text)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return texts
}

// TestMigrations: a database whose header says an older schema is brought
// forward, also if all or half of that was done before, and keeps what it has.
func TestMigrations(t *testing.T) {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil || len(files) != SchemaVersion {
		t.Fatalf("%d migrations, and SchemaVersion is %d (%v)", len(files), SchemaVersion, err)
	}
	for n, file := range files {
		if !strings.HasPrefix(filepath.Base(file), fmt.Sprintf("%05d_", n+1)) {
			t.Errorf("%s is not number %d", file, n+1)
		}
	}
	path := fresh(t)
	made(t, path, 100)
	want := schema(t, path)
	for _, version := range []int{0, SchemaVersion} {
		for range 2 {
			db, err := sql.Open("sqlite", path)
			if err != nil {
				t.Fatal(err)
			}
			_, err = db.Exec(fmt.Sprintf("PRAGMA user_version = %d", version))
			if err := errors.Join(err, db.Close()); err != nil {
				t.Fatal(err)
			}
			s, err := Open(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			if rows, err := held(t.Context(), s); len(rows) != 100 || err != nil {
				t.Errorf("from schema %d: %d of 100 rows, %v", version, len(rows), err)
			}
			if h, err := readHeader(path); err != nil || h.schema != SchemaVersion || h.owner != applicationID {
				t.Errorf("from schema %d: the header says %+v, %v", version, h, err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if got := schema(t, path); !slices.Equal(got, want) {
				t.Errorf("from schema %d: got %q, want %q", version, got, want)
			}
		}
	}
}

// TestFromFirstSchema: a database of the first version is brought forward.
func TestFromFirstSchema(t *testing.T) {
	path := fresh(t)
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	steps, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	_, err = steps.UpTo(t.Context(), 1)
	for _, statement := range []string{fmt.Sprintf("PRAGMA application_id = %d", applicationID), "PRAGMA user_version = 1"} {
		_, execErr := db.Exec(statement)
		err = errors.Join(err, execErr)
	}
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	made(t, path, 10) // opens it
	now := fresh(t)
	made(t, now, 0)
	if got, want := schema(t, path), schema(t, now); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
