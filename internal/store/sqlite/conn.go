package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"idpool/internal/idpool"
	"idpool/internal/store"
)

// conn is one connection with its prepared statements. It is used by one
// goroutine at a time. It speaks to the driver itself: the locks, checks and
// conversions of database/sql cost about as much as SQLite takes to find a row.
// Its statements are short and are not interrupted, so they run without the
// caller's context, which would cost a goroutine each.
type conn struct {
	*sql.Conn // ours alone until it is closed
	driver    driver.ConnPrepareContext
	prepared  map[string]statement
}

// statement is what the driver offers of a prepared statement.
type statement interface {
	driver.StmtExecContext
	driver.StmtQueryContext
	Close() error
}

func newConn(ctx context.Context, db *sql.DB, setting string) (*conn, error) {
	held, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: held, prepared: map[string]statement{}}
	err = held.Raw(func(d any) (err error) {
		var ok bool
		if c.driver, ok = d.(driver.ConnPrepareContext); !ok {
			err = fmt.Errorf("the driver's %T cannot prepare statements", d)
		}
		return err
	})
	if err == nil && setting != "" {
		_, err = c.ExecContext(ctx, setting)
	}
	if err != nil {
		held.Close()
		return nil, err
	}
	return c, nil
}

func (c *conn) close() {
	for _, stmt := range c.prepared {
		stmt.Close()
	}
	c.Conn.Close()
}

// statement prepares a statement once. The texts are constants, so there are
// not many.
func (c *conn) statement(text string) (statement, error) {
	if stmt, ok := c.prepared[text]; ok {
		return stmt, nil
	}
	prepared, err := c.driver.PrepareContext(context.Background(), text)
	if err != nil {
		return nil, translate(err)
	}
	stmt, ok := prepared.(statement)
	if !ok {
		prepared.Close()
		return nil, fmt.Errorf("the driver's %T takes no context", prepared)
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
	bound, err := bind(args)
	if err != nil {
		return nil, err
	}
	found, err := stmt.QueryContext(context.Background(), bound)
	if err != nil {
		return nil, translate(err)
	}
	return &rows{driver: found, row: make([]driver.Value, len(found.Columns()))}, nil
}

// Exec implements store.Querier.
func (c *conn) Exec(_ context.Context, text string, args ...any) (int64, error) {
	stmt, err := c.statement(text)
	if err != nil {
		return 0, err
	}
	bound, err := bind(args)
	if err != nil {
		return 0, err
	}
	result, err := stmt.ExecContext(context.Background(), bound)
	if err != nil {
		return 0, translate(err)
	}
	return result.RowsAffected()
}

// Later implements store.Querier. A statement costs less here than to put it off.
func (c *conn) Later(ctx context.Context, clash error, text string, args ...any) error {
	_, err := c.Exec(ctx, text, args...)
	if clash != nil && errors.Is(err, store.ErrUnique) {
		return clash
	}
	return err
}

// control runs a statement that begins or ends a transaction.
func (c *conn) control(text string) error {
	_, err := c.Exec(context.Background(), text)
	return err
}

// bind makes the arguments of a statement what the driver takes.
func bind(args []any) ([]driver.NamedValue, error) {
	bound := make([]driver.NamedValue, len(args))
	for i, arg := range args {
		switch v := arg.(type) {
		case nil, string, int64, []byte:
		case int:
			arg = int64(v)
		default:
			return nil, fmt.Errorf("argument %d is a %T", i+1, arg)
		}
		bound[i] = driver.NamedValue{Ordinal: i + 1, Value: arg}
	}
	return bound, nil
}

// rows are the rows of a query.
type rows struct {
	driver driver.Rows
	row    []driver.Value
	err    error
}

// Next implements store.Rows.
func (r *rows) Next() bool {
	if r.err == nil {
		r.err = r.driver.Next(r.row)
	}
	return r.err == nil
}

// Scan implements store.Rows.
func (r *rows) Scan(dest ...any) error {
	if len(dest) != len(r.row) {
		return fmt.Errorf("a row of %d columns for %d values", len(r.row), len(dest))
	}
	for i, value := range r.row {
		if !assign(dest[i], value) {
			return fmt.Errorf("column %d: a %T for a %T", i+1, value, dest[i])
		}
	}
	return nil
}

// assign copies a value of the driver, whose bytes are ours.
func assign(dest any, value driver.Value) (ok bool) {
	switch dest := dest.(type) {
	case *string:
		*dest, ok = value.(string)
	case *int64:
		*dest, ok = value.(int64)
	case *[]byte:
		switch v := value.(type) {
		case []byte:
			*dest, ok = v, true
		case string:
			*dest, ok = []byte(v), true
		}
	case **string: // NULL is nil
		var v string
		if v, ok = value.(string); ok {
			*dest = &v
		} else {
			*dest, ok = nil, value == nil
		}
	case **int64:
		var v int64
		if v, ok = value.(int64); ok {
			*dest = &v
		} else {
			*dest, ok = nil, value == nil
		}
	}
	return ok
}

// Err implements store.Rows.
func (r *rows) Err() error {
	if r.err == nil || errors.Is(r.err, io.EOF) {
		return nil
	}
	return translate(r.err)
}

// Close implements store.Rows.
func (r *rows) Close() error { return r.driver.Close() }

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
