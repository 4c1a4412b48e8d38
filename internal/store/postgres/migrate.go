package postgres

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

// SchemaVersion is the version of the schema that this program makes. The
// numbers are those of the embedded store.
const SchemaVersion = 3

// oldestProgram is the schema version of the oldest program that works on this
// schema: at least the previous release, because nodes are replaced one by one.
const oldestProgram = 1

//go:embed migrations/*.sql
var migrations embed.FS

// The table idpool_schema marks a database as ours. Its only row says which
// schema it has and how old a program may be that works on it, and is the lock
// under which nodes migrate: whoever has it locked is alone until the
// transaction ends, also if the node dies.
const (
	currentSchema = `SELECT current_schema() IS NOT NULL`
	listTables    = `SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()`
	makeMark      = `CREATE TABLE IF NOT EXISTS idpool_schema (id BIGINT PRIMARY KEY, version BIGINT NOT NULL, oldest BIGINT NOT NULL)`
	putMark       = `INSERT INTO idpool_schema (id, version, oldest) VALUES (1, 0, 0) ON CONFLICT (id) DO NOTHING`
	readMark      = `SELECT version, oldest FROM idpool_schema WHERE id = 1`
	lockMark      = readMark + ` FOR UPDATE`
	updateMark    = `UPDATE idpool_schema SET version = $1, oldest = $2 WHERE id = 1`
)

// migrate brings the schema forward to what this program makes.
func migrate(ctx context.Context, config *pgx.ConnConfig) error {
	return migrateTo(ctx, config, SchemaVersion)
}

func migrateTo(ctx context.Context, config *pgx.ConnConfig, target int) error {
	config.RuntimeParams["statement_timeout"] = "0" // to wait for another node, and for big tables
	config.RuntimeParams["idle_in_transaction_session_timeout"] = "0"
	db := stdlib.OpenDB(*config)
	defer db.Close()
	tables, err := tableNames(ctx, db)
	if err != nil {
		return err
	}
	if !slices.Contains(tables, "idpool_schema") {
		if len(tables) > 0 {
			return fmt.Errorf("it holds tables of another program, such as %s: give idpool a database or a schema of its own", tables[0])
		}
		if err := mark(ctx, db); err != nil {
			return err
		}
	}
	version, err := check(db.QueryRowContext(ctx, readMark))
	if errors.Is(err, sql.ErrNoRows) { // another node has made the table, and not its row yet
		if err = mark(ctx, db); err == nil {
			version, err = check(db.QueryRowContext(ctx, readMark))
		}
	}
	if err != nil || version >= target {
		return err
	}
	lock, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer lock.Rollback()
	version, err = check(lock.QueryRowContext(ctx, lockMark))
	if err != nil || version >= target { // another node was here before we had the lock
		return err
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	steps, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithTableName("idpool_migration"), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	if _, err := steps.UpTo(ctx, int64(target)); err != nil {
		return fmt.Errorf("migrate to schema %d: %w", target, err)
	}
	if _, err := lock.ExecContext(ctx, updateMark, target, oldestProgram); err != nil {
		return err
	}
	return lock.Commit()
}

// tableNames lists the tables where ours are, or will be.
func tableNames(ctx context.Context, db *sql.DB) (names []string, err error) {
	var there bool
	if err := db.QueryRowContext(ctx, currentSchema).Scan(&there); err != nil {
		return nil, err
	}
	if !there {
		return nil, errors.New("search_path names no schema that is there")
	}
	rows, err := db.QueryContext(ctx, listTables)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}

// mark makes the table that marks a database as ours. Of several nodes that do
// so at once all but one can be told that it exists, or that they were in the
// way, in several ways; when they try again it is there.
func mark(ctx context.Context, db *sql.DB) (err error) {
	for range 5 {
		_, err1 := db.ExecContext(ctx, makeMark)
		_, err2 := db.ExecContext(ctx, putMark)
		if err = errors.Join(err1, err2); err2 == nil {
			return nil
		}
	}
	return err
}

// check reads the mark and reports the version of the schema. It fails if this
// program is too old for it.
func check(row *sql.Row) (version int, err error) {
	var oldest int
	if err := row.Scan(&version, &oldest); err != nil {
		return 0, err
	}
	if oldest > SchemaVersion {
		return 0, fmt.Errorf("it has schema %d, on which programs that know schema %d can work, and this one knows %d: it was written by a newer version", version, oldest, SchemaVersion)
	}
	return version, nil
}
