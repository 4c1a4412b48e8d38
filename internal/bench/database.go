package bench

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"idpool/internal/idpool"
	"idpool/internal/store/postgres"
	"idpool/internal/store/sqlite"
)

// database is a schema of the bench's own in a PostgreSQL database. It is gone
// when the bench is.
type database struct {
	plain  string // the database's URL as libpq takes it
	url    string // with the schema
	schema string
}

func newDatabase(ctx context.Context, address string) (*database, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("the address of the database is not like postgres://user@host:5432/name")
	}
	d := &database{schema: "idpool_bench_" + strings.ToLower(rand.Text()[:8])}
	query := u.Query()
	query.Set("search_path", d.schema)
	u.RawQuery = query.Encode()
	d.url = u.String()
	for name := range query {
		if name == "search_path" || strings.HasPrefix(name, "pool_") { // libpq does not know them
			query.Del(name)
		}
	}
	u.RawQuery = query.Encode()
	d.plain = u.String()
	return d, d.exec(ctx, "CREATE SCHEMA "+d.schema)
}

func (d *database) exec(ctx context.Context, statement string) error {
	c, err := pgx.Connect(ctx, d.plain)
	if err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	defer c.Close(ctx)
	_, err = c.Exec(ctx, statement)
	return err
}

// drop removes the schema, also after the bench was interrupted.
func (d *database) drop() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return d.exec(ctx, "DROP SCHEMA "+d.schema+" CASCADE")
}

// bytes is what identities and logins take, with their indexes.
func (d *database) bytes(ctx context.Context) (n float64, err error) {
	c, err := pgx.Connect(ctx, d.plain)
	if err != nil {
		return 0, err
	}
	defer c.Close(ctx)
	err = c.QueryRow(ctx, fmt.Sprintf("SELECT (pg_total_relation_size('%[1]s.identity') + pg_total_relation_size('%[1]s.login'))::float8", d.schema)).Scan(&n)
	return n, err
}

// open opens the store of the server under test. The embedded one can be opened
// only while the server is stopped.
func (b *bench) open(ctx context.Context) (idpool.Store, error) {
	if b.db != nil {
		return postgres.Open(ctx, b.db.url)
	}
	return sqlite.Open(ctx, filepath.Join(b.folder(), StoreFile))
}

// storeBytes is the size of the store.
func (b *bench) storeBytes(ctx context.Context) (float64, error) {
	if b.db != nil {
		return b.db.bytes(ctx)
	}
	file := filepath.Join(b.folder(), StoreFile)
	return fileBytes(file) + fileBytes(file+"-wal"), nil
}
