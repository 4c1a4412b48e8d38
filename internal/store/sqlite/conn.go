package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"idpool/internal/idpool"
	"idpool/internal/store"
)

// conn is one connection with its prepared statements. It is used by one
// goroutine at a time. Its statements are short and are not interrupted, so
// they run without the caller's context, which costs a goroutine each.
type conn struct {
	*sql.Conn
	prepared map[string]*sql.Stmt
}

func newConn(ctx context.Context, db *sql.DB, setting string) (*conn, error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if setting != "" {
		if _, err := c.ExecContext(ctx, setting); err != nil {
			return nil, err
		}
	}
	return &conn{Conn: c, prepared: map[string]*sql.Stmt{}}, nil
}

func (c *conn) close() {
	for _, stmt := range c.prepared {
		stmt.Close()
	}
	c.Conn.Close()
}

// statement prepares a statement once. The texts are constants, so there are
// not many.
func (c *conn) statement(text string) (*sql.Stmt, error) {
	if stmt, ok := c.prepared[text]; ok {
		return stmt, nil
	}
	stmt, err := c.PrepareContext(context.Background(), text)
	if err != nil {
		return nil, translate(err)
	}
	c.prepared[text] = stmt
	return stmt, nil
}

// Query implements store.Querier.
func (c *conn) Query(ctx context.Context, text string, args ...any) (store.Rows, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	stmt, err := c.statement(text)
	if err != nil {
		return nil, err
	}
	rows, err := stmt.QueryContext(context.Background(), args...)
	if err != nil {
		return nil, translate(err)
	}
	return translatedRows{rows}, nil
}

// Exec implements store.Querier.
func (c *conn) Exec(_ context.Context, text string, args ...any) (int64, error) {
	stmt, err := c.statement(text)
	if err != nil {
		return 0, err
	}
	result, err := stmt.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, translate(err)
	}
	return result.RowsAffected()
}

// control runs a statement that begins or ends a transaction.
func (c *conn) control(text string) error {
	_, err := c.Exec(context.Background(), text)
	return err
}

// translatedRows says what went wrong in the store's words.
type translatedRows struct{ *sql.Rows }

func (r translatedRows) Err() error { return translate(r.Rows.Err()) }

// translate gives a driver's error the meaning that the store knows.
func translate(err error) error {
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return err
	}
	switch e.Code() {
	case sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE:
		return fmt.Errorf("%w: %w", store.ErrUnique, err)
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY,
		sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_PROTOCOL:
		return unavailable(err)
	}
	return err
}

func unavailable(cause error) error {
	return idpool.Errorf(idpool.Unavailable, "The store does not answer.").Because(cause)
}

// isSyncFailure reports whether an error says that a write may not have
// reached the disk.
func isSyncFailure(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && e.Code() == sqlite3.SQLITE_IOERR_FSYNC
}
