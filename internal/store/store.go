// Package store keeps the domain in SQL: the statements, which are one text
// for all engines, and the mapping between rows and values.
//
//	idpool.Reader, idpool.Writer ◄─ Tx ─► Querier ◄─ an engine's transaction
//
// Engines live in subfolders and bring connections, transactions, migrations
// and the meaning of errors. The SQL keeps to what PostgreSQL, SQLite,
// CockroachDB and YugabyteDB all take. Times are milliseconds since 1970;
// settings that are read and written whole are JSON text.
package store

import (
	"context"
	"errors"

	"idpool/internal/idpool"
)

// Querier runs statements in a transaction of an engine.
type Querier interface {
	// Query runs a statement that returns rows.
	Query(ctx context.Context, sql string, args ...any) (Rows, error)
	// Exec runs a statement and returns how many rows it changed. A row that
	// breaks a unique constraint fails with ErrUnique.
	Exec(ctx context.Context, sql string, args ...any) (int64, error)
	// Later runs a statement whose outcome nobody waits for. An engine may
	// send it with the next one, at the latest with the commit, and report its
	// failure there. clash is the error for a row that breaks a unique
	// constraint; nil stands for ErrUnique.
	Later(ctx context.Context, clash error, sql string, args ...any) error
}

// Rows are the rows of a query.
type Rows interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
	Close() error
}

// ErrUnique is the error of Exec for a row that is there already.
var ErrUnique = errors.New("unique constraint")

// errMissing is the error for a row that is not there.
func errMissing(what string) error { return idpool.Errorf(idpool.NotFound, "no such %s", what) }

// Tx reads and writes the domain in one transaction.
type Tx struct{ Q Querier }

var _ idpool.Writer = Tx{}

// one reads the only row of a query.
func (t Tx) one(ctx context.Context, what, sql string, args []any, dest ...any) error {
	found := false
	err := t.each(ctx, sql, args, func(r Rows) error {
		found = true
		return r.Scan(dest...)
	})
	if err == nil && !found {
		err = errMissing(what)
	}
	return err
}

// each calls fn for every row of a query.
func (t Tx) each(ctx context.Context, sql string, args []any, fn func(Rows) error) error {
	rows, err := t.Q.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
