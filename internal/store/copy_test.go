package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"idpool/internal/idpool"
	"idpool/internal/store"
	"idpool/internal/store/postgres"
	"idpool/internal/store/postgres/pgtest"
	"idpool/internal/store/sqlite"
)

const (
	account = "000000000000"
	pool    = idpool.PoolID("us-east-1:12345678-dead-beef-cafe-123456790abc")
)

func openFile(t *testing.T, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// fill puts something of everything into a store, and more identities than fit
// on two pages.
func fill(t *testing.T, s idpool.Store) {
	t.Helper()
	at := time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)
	ctx := t.Context()
	err := s.Update(ctx, func(w idpool.Writer) error {
		gone := idpool.Pool{ID: "us-east-1:00000000-dead-beef-cafe-123456790abc", Account: account, Version: 1, Name: "gone", Created: at, Modified: at}
		errs := []error{
			w.CreatePool(ctx, idpool.Pool{ID: pool, Account: account, Version: 3, Name: "Größe\t<&>", Created: at, Modified: at, AllowUnauthenticated: true}),
			w.CreatePool(ctx, gone), w.DeletePool(ctx, gone.ID),
			w.PutOIDCProvider(ctx, idpool.OIDCProvider{Account: account, Name: "login.example.com/ä", URL: "https://login.example.com/ä", ClientIDs: []string{"a"}, Created: at}),
			w.PutRole(ctx, idpool.Role{Account: account, Name: "App", Path: "/", ID: "AROA", Trust: "{}", MaxSession: time.Hour, Created: at}),
			w.PutUser(ctx, idpool.User{Account: "111111111111", Name: "app", Path: "/x/", ID: "AIDA", Created: at}),
			w.PutAccessKey(ctx, idpool.AccessKey{ID: "AKIA1", Account: account, Secret: []byte{0, 1, 255, 0}, Inactive: true, Created: at}),
			w.PutSigningKey(ctx, idpool.SigningKey{ID: "us-east-11", Private: []byte{0, 255}, Certificate: []byte{1}, Created: at, UseFrom: at, Retired: at}),
			w.PutSigningKey(ctx, idpool.SigningKey{ID: "us-east-12", Private: []byte{}, Certificate: []byte{2}, Created: at, UseFrom: at}),
			w.UseOnce(ctx, "once", at, at.Add(time.Hour)),
		}
		for n := range 2500 {
			i := idpool.Identity{ID: idpool.IdentityID(fmt.Sprintf("us-east-1:%08x-0000-7000-8000-000000000000", n*7919%2500)), Pool: pool, Created: at, Modified: at.Add(time.Duration(n) * time.Millisecond), Disabled: n%7 == 1}
			if n%3 == 0 {
				i.Logins = []idpool.Login{{Provider: "login.example.com", Subject: fmt.Sprintf("%d\x00é\xff%s", n, strings.Repeat("x", n%50))}, {Provider: "b", Subject: fmt.Sprint(n)}}
			} else if !i.Disabled {
				i.Seen = at.Add(time.Duration(n) * time.Second)
			}
			errs = append(errs, w.CreateIdentity(ctx, i))
		}
		return errors.Join(errs...)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func nobodyLooks(string, string, int64) {}

// TestCopy moves a store to PostgreSQL and back, with a copy that is cut short at
// every table.
func TestCopy(t *testing.T) {
	t.Parallel()
	first := openFile(t, filepath.Join(t.TempDir(), "idpool.db"))
	fill(t, first)
	database, err := postgres.Open(t.Context(), pgtest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { database.Close() })
	for cut := 1; ; cut++ { // after ever more steps
		ctx, cancel := context.WithCancel(t.Context())
		steps := 0
		copied, err := store.Copy(ctx, first, database, cut > 1, func(what, table string, rows int64) {
			if steps++; steps == cut {
				cancel()
			}
		})
		cancel()
		if err == nil {
			check(t, copied)
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("cut at step %d: %v", cut, err)
		}
	}
	if _, err := store.Copy(t.Context(), first, database, false, nobodyLooks); !errors.Is(err, store.ErrNotEmpty) {
		t.Errorf("into a store that is full: %v", err)
	}
	back := openFile(t, filepath.Join(t.TempDir(), "idpool.db"))
	copied, err := store.Copy(t.Context(), database, back, false, nobodyLooks)
	if err != nil {
		t.Fatal(err)
	}
	check(t, copied)
	again, err := store.Copy(t.Context(), first, back, true, nobodyLooks)
	if err != nil || !slices.Equal(again, copied) {
		t.Errorf("there and back again: %v, %v, %v", copied, again, err)
	}

	// A store that has anything at all is left as it is.
	used := openFile(t, filepath.Join(t.TempDir(), "idpool.db"))
	if err := used.Update(t.Context(), func(w idpool.Writer) error {
		return w.PutAccessKey(t.Context(), idpool.AccessKey{ID: "AKIA9", Account: account, Secret: []byte{1}, Created: time.Unix(1, 0)})
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Copy(t.Context(), first, used, false, nobodyLooks); !errors.Is(err, store.ErrNotEmpty) {
		t.Errorf("into a store with one key: %v", err)
	}
	err = used.View(t.Context(), func(r idpool.Reader) error {
		keys, err := r.SigningKeys(t.Context())
		if len(keys) > 0 {
			t.Errorf("%d signing keys were copied before the key was noticed", len(keys))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}

	// What differs is noticed, though nothing is missing.
	if err := back.Update(t.Context(), func(w idpool.Writer) error { return w.UseOnce(t.Context(), "other", time.Time{}, time.Unix(1, 0)) }); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Copy(t.Context(), first, back, true, nobodyLooks); err == nil || !strings.Contains(err.Error(), "table used differs after the copy: 1 rows") {
		t.Errorf("with a row too many: %v", err)
	}
}

func check(t *testing.T, copied []store.Copied) {
	t.Helper()
	rows := map[string]int64{}
	for _, c := range copied {
		rows[c.Table] = c.Rows
	}
	for table, want := range map[string]int64{"pool": 1, "deleted_pool": 1, "identity": 2500, "login": 1668, "iam_entity": 2, "oidc_provider": 1, "access_key": 1, "signing_key": 2, "used": 1} {
		if rows[table] != want {
			t.Errorf("%s: %d rows, want %d", table, rows[table], want)
		}
	}
}

// TestTables holds that a copy leaves out no table and no column.
func TestTables(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "idpool.db")
	openFile(t, path).Close()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(`SELECT m.name, c.name, c.pk FROM sqlite_master m, pragma_table_info(m.name) c
		WHERE m.type = 'table' AND m.name NOT LIKE 'goose%' AND m.name NOT LIKE 'sqlite%' ORDER BY m.name, c.cid`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var schema []string
	for rows.Next() {
		var table, column string
		var key int
		if err := rows.Scan(&table, &column, &key); err != nil {
			t.Fatal(err)
		}
		schema = append(schema, fmt.Sprintf("%s.%s %t", table, column, key > 0))
	}
	known := store.Columns()
	slices.Sort(schema)
	slices.Sort(known)
	if len(schema) < 30 || !slices.Equal(schema, known) {
		t.Errorf("the schema has\n%s\nand a copy takes\n%s", strings.Join(schema, "\n"), strings.Join(known, "\n"))
	}
}
