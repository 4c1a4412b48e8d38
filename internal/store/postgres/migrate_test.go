package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"idpool/internal/idpool"
	"idpool/internal/store/postgres/pgtest"
)

// exec runs statements beside the store.
func exec(t testing.TB, address string, statements ...string) {
	t.Helper()
	c := connect(t, address)
	for _, statement := range statements {
		if _, err := c.Exec(context.Background(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// connect opens a connection beside the store.
func connect(t testing.TB, address string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(context.Background(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	return c
}

// schema describes every column and index where the address leads.
func schema(t testing.TB, address string) (lines []string) {
	t.Helper()
	const columns = `SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable FROM information_schema.columns WHERE table_schema = current_schema()
		UNION ALL SELECT replace(indexdef, current_schema() || '.', '') FROM pg_indexes WHERE schemaname = current_schema() ORDER BY 1`
	found, err := connect(t, address).Query(context.Background(), columns)
	if err != nil {
		t.Fatal(err)
	}
	if lines, err = pgx.CollectRows(found, pgx.RowTo[string]); err != nil {
		t.Fatal(err)
	}
	return lines
}

// TestNumbers: both engines have the same migrations, in name and number.
func TestNumbers(t *testing.T) {
	ours, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := fs.Glob(os.DirFS("../sqlite"), "migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(ours, theirs) || len(ours) != SchemaVersion || !strings.HasPrefix(ours[SchemaVersion-1], fmt.Sprintf("migrations/%05d_", SchemaVersion)) {
		t.Errorf("PostgreSQL has %q up to %d, SQLite %q", ours, SchemaVersion, theirs)
	}
}

// TestManyNodesMigrate: nodes that start at once on an empty database make one
// schema, and all work.
func TestManyNodesMigrate(t *testing.T) {
	t.Parallel()
	address := pgtest.Database(t)
	var nodes sync.WaitGroup
	for n := range 12 {
		nodes.Go(func() {
			s, err := Open(t.Context(), address+"&pool_max_conns=2")
			if err != nil {
				t.Error(err)
				return
			}
			if err := errors.Join(s.Update(t.Context(), put(n)), s.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	nodes.Wait()
	if rows, err := held(t.Context(), open(t, address)); len(rows) != 12 || err != nil {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	one := pgtest.Database(t)
	open(t, one)
	if got, want := schema(t, address), schema(t, one); !slices.Equal(got, want) || len(want) < 40 {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestFromFirstSchema: a database of every earlier version is brought forward
// to what a new one has, and keeps its rows.
func TestFromFirstSchema(t *testing.T) {
	t.Parallel()
	now := pgtest.Database(t)
	open(t, now)
	for version := 1; version < SchemaVersion; version++ {
		address := pgtest.Database(t)
		config, err := pgx.ParseConfig(address)
		if err != nil {
			t.Fatal(err)
		}
		if err := migrateTo(t.Context(), config, version); err != nil {
			t.Fatal(err)
		}
		exec(t, address, `INSERT INTO access_key (id, account, user_name, inactive, secret, created) VALUES ('old', '000000000000', '', 0, 'x', 1)`)
		s := open(t, address)
		if got, want := schema(t, address), schema(t, now); !slices.Equal(got, want) {
			t.Errorf("from %d: got %q, want %q", version, got, want)
		}
		err = s.View(t.Context(), func(r idpool.Reader) error { _, err := r.AccessKey(t.Context(), "old"); return err })
		if err != nil {
			t.Errorf("from %d: %v", version, err)
		}
	}
}

// TestNextSchema: this program works on a schema that the next release made, as
// long as that says so, and else leaves it alone.
func TestNextSchema(t *testing.T) {
	t.Parallel()
	address := pgtest.Database(t)
	first := open(t, address)
	list := func(s *Store) {
		t.Helper()
		err := s.View(t.Context(), func(r idpool.Reader) error { _, err := r.Identities(t.Context(), "p", "", 10); return err })
		if err != nil {
			t.Error(err)
		}
	}
	list(first) // prepares a statement on the schema as it is
	next := []string{"ALTER TABLE identity ADD COLUMN colour BYTEA NOT NULL DEFAULT 'red'", "ALTER TABLE login ADD COLUMN since BIGINT", "CREATE TABLE novelty (id BIGINT PRIMARY KEY)"}
	exec(t, address, append(next, fmt.Sprintf("UPDATE idpool_schema SET version = %d, oldest = %d", SchemaVersion+1, SchemaVersion))...)
	for what, s := range map[string]*Store{"running": first, "started again": open(t, address)} {
		i := idpool.Identity{ID: idpool.IdentityID(what), Pool: "p", Logins: []idpool.Login{{Provider: "x", Subject: what}}}
		err := s.Update(t.Context(), func(w idpool.Writer) error {
			if err := w.CreateIdentity(t.Context(), i); err != nil {
				return err
			}
			_, err := w.IdentityByLogin(t.Context(), "p", i.Logins[0])
			return err
		})
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		list(s)
	}
	exec(t, address, fmt.Sprintf("UPDATE idpool_schema SET version = %d, oldest = %[1]d", SchemaVersion+1))
	before := schema(t, address)
	want := fmt.Sprintf("it has schema %d, on which programs that know schema %[1]d can work, and this one knows %d: it was written by a newer version", SchemaVersion+1, SchemaVersion)
	if _, err := Open(t.Context(), address); err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	if got := schema(t, address); !slices.Equal(got, before) {
		t.Errorf("%q became %q", before, got)
	}
}

// TestForeignDatabase: what belongs to another program is left alone.
func TestForeignDatabase(t *testing.T) {
	t.Parallel()
	address := pgtest.Database(t)
	exec(t, address, "CREATE TABLE customer (id BIGINT PRIMARY KEY)")
	before := schema(t, address)
	if _, err := Open(t.Context(), address); err == nil || !strings.Contains(err.Error(), "it holds tables of another program, such as customer: give idpool a database or a schema of its own") {
		t.Errorf("got %v", err)
	}
	if got := schema(t, address); !slices.Equal(got, before) {
		t.Errorf("%q became %q", before, got)
	}
}

// TestMigrationFails: a step that fails leaves what was there before it, and
// the next start goes on.
func TestMigrationFails(t *testing.T) {
	t.Parallel()
	address := pgtest.Database(t)
	config, err := pgx.ParseConfig(address)
	if err != nil {
		t.Fatal(err)
	}
	if err := migrateTo(t.Context(), config, 1); err != nil {
		t.Fatal(err)
	}
	exec(t, address, "CREATE VIEW used AS SELECT 1") // in the way of the second step
	before := schema(t, address)
	if _, err := Open(t.Context(), address); err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), `relation "used" already exists`) {
		t.Errorf("got %v", err)
	}
	if got := schema(t, address); !slices.Equal(got, before) {
		t.Errorf("%q became %q", before, got)
	}
	exec(t, address, "DROP VIEW used")
	open(t, address)
}
