package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"idpool/internal/idpool"
	"idpool/internal/store"
)

// conn is one connection with its prepared statements. It is used by one
// goroutine at a time, so SQLite takes no locks for it. Its statements are short
// and are not interrupted, so they run without the caller's context.
type conn struct {
	*sqlite.Conn
	prepared map[string]*statement
	writes   int           // statements that may have changed something
	tx       idpool.Writer // what runs statements here
}

// newConn opens a database with settings, each of them a PRAGMA.
func newConn(dsn string, settings ...string) (*conn, error) {
	db, err := sqlite.OpenConn(dsn, sqlite.OpenReadWrite|sqlite.OpenCreate|sqlite.OpenURI)
	if err != nil {
		return nil, translate(err)
	}
	for _, setting := range settings {
		if err := sqlitex.ExecuteTransient(db, "PRAGMA "+setting, nil); err != nil {
			db.Close()
			return nil, translate(err)
		}
	}
	c := &conn{Conn: db, prepared: map[string]*statement{}}
	c.tx = store.Tx{Q: c}
	return c, nil
}

// ask returns the only value that a statement finds, as text.
func (c *conn) ask(text string) (string, error) {
	stmt, _, err := c.PrepareTransient(text)
	if err != nil {
		return "", err
	}
	defer stmt.Finalize()
	return sqlitex.ResultText(stmt)
}

// Query implements store.Querier.
func (c *conn) Query(ctx context.Context, text string, args ...any) (store.Rows, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s, err := c.begin(text, args)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Exec implements store.Querier.
func (c *conn) Exec(_ context.Context, text string, args ...any) (int64, error) {
	s, err := c.begin(text, args)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	for s.Next() {
	}
	n := int64(c.Changes())
	if n > 0 || s.err != nil {
		c.writes++
	}
	return n, s.Err()
}

// Later implements store.Querier. A statement costs less here than to put it off.
func (c *conn) Later(ctx context.Context, clash error, text string, args ...any) error {
	_, err := c.Exec(ctx, text, args...)
	if clash != nil && errors.Is(err, store.ErrUnique) {
		return clash
	}
	return err
}

// control runs a statement of no arguments, such as one that begins or ends a
// transaction.
func (c *conn) control(text string) error {
	_, err := c.Exec(context.Background(), text)
	return err
}

// begin makes a statement ready for its first row.
func (c *conn) begin(text string, args []any) (*statement, error) {
	s := c.prepared[text]
	if s == nil || s.open {
		var err error
		if s, err = c.prepare(text, s != nil); err != nil {
			return nil, err
		}
	}
	s.open, s.done, s.err = true, false, nil
	if err := s.bind(args); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// prepare prepares a statement, to be kept. The texts are constants, so there
// are not many. One whose text is in use already, by a query that is read while
// the same is asked again, is for this once.
func (c *conn) prepare(text string, once bool) (*statement, error) {
	prepare := c.Prepare
	if once {
		prepare = func(text string) (*sqlite.Stmt, error) {
			stmt, _, err := c.PrepareTransient(text)
			return stmt, err
		}
	}
	stmt, err := prepare(text)
	if err != nil {
		return nil, translate(err)
	}
	s := &statement{Stmt: stmt, once: once, columns: stmt.ColumnCount(), takes: make([]int, stmt.BindParamCount())}
	for i := range s.takes {
		n, err := strconv.Atoi(strings.TrimPrefix(stmt.BindParamName(i+1), "$"))
		if err != nil || n < 1 || n > len(s.takes) {
			stmt.Finalize()
			return nil, fmt.Errorf("parameter %q among %d", stmt.BindParamName(i+1), len(s.takes))
		}
		s.takes[i] = n - 1
	}
	if !once {
		c.prepared[text] = s
	}
	return s, nil
}

// statement is a prepared statement and the rows that it finds, from begin to
// Close.
type statement struct {
	*sqlite.Stmt
	once    bool  // it is not kept
	columns int   // of a row
	takes   []int // the argument that each parameter takes: SQLite numbers $2, $1 as they appear
	open    bool
	done    bool // there is no row any more
	err     error
}

func (s *statement) bind(args []any) error {
	if len(args) != len(s.takes) {
		return fmt.Errorf("%d arguments for %d parameters", len(args), len(s.takes))
	}
	for i, n := range s.takes {
		switch v := args[n].(type) {
		case nil:
			s.BindNull(i + 1)
		case string:
			s.BindText(i+1, v)
		case int64:
			s.BindInt64(i+1, v)
		case int:
			s.BindInt64(i+1, int64(v))
		case []byte:
			if v == nil {
				s.BindNull(i + 1)
			} else {
				s.BindBytes(i+1, v)
			}
		default:
			return fmt.Errorf("argument %d is a %T", n+1, v)
		}
	}
	return nil
}

// Next implements store.Rows.
func (s *statement) Next() bool {
	if s.done {
		return false
	}
	row, err := s.Step()
	s.done, s.err = !row, err
	return row
}

// Scan implements store.Rows.
func (s *statement) Scan(dest ...any) error {
	if len(dest) != s.columns {
		return fmt.Errorf("a row of %d columns for %d values", s.columns, len(dest))
	}
	for i, d := range dest {
		if !s.assign(d, i) {
			return fmt.Errorf("column %d: a %s for a %T", i+1, s.ColumnType(i), d)
		}
	}
	return nil
}

// assign copies a column of the row.
func (s *statement) assign(dest any, column int) bool {
	kind := s.ColumnType(column)
	switch dest := dest.(type) {
	case *string:
		if kind == sqlite.TypeText {
			*dest = s.ColumnText(column)
			return true
		}
	case *int64:
		if kind == sqlite.TypeInteger {
			*dest = s.ColumnInt64(column)
			return true
		}
	case *[]byte:
		if kind == sqlite.TypeBlob || kind == sqlite.TypeText {
			*dest = make([]byte, s.ColumnLen(column))
			s.ColumnBytes(column, *dest)
			return true
		}
	case **string: // NULL is nil
		*dest = nil
		if kind != sqlite.TypeNull {
			*dest = new(string)
			return s.assign(*dest, column)
		}
		return true
	case **int64:
		*dest = nil
		if kind != sqlite.TypeNull {
			*dest = new(int64)
			return s.assign(*dest, column)
		}
		return true
	}
	return false
}

// Err implements store.Rows.
func (s *statement) Err() error { return translate(s.err) }

// Close implements store.Rows. Until then the statement holds its snapshot.
func (s *statement) Close() error {
	s.open = false
	if s.once {
		return s.Finalize()
	}
	return s.Reset() // Step has told what it repeats
}

// translate gives an error of SQLite the meaning that the store knows.
func translate(err error) error {
	switch code := sqlite.ErrCode(err); code {
	case sqlite.ResultConstraintPrimaryKey, sqlite.ResultConstraintUnique:
		return fmt.Errorf("%w: %w", store.ErrUnique, err)
	default:
		switch code.ToPrimary() {
		case sqlite.ResultBusy, sqlite.ResultLocked, sqlite.ResultIOErr, sqlite.ResultFull, sqlite.ResultReadOnly,
			sqlite.ResultCantOpen, sqlite.ResultCorrupt, sqlite.ResultNotADB, sqlite.ResultProtocol:
			return unavailable(err)
		}
	}
	return err
}

func unavailable(cause error) error {
	return idpool.Errorf(idpool.Unavailable, "The store does not answer.").Because(cause)
}

// isSyncFailure reports whether an error says that a write may not have
// reached the disk.
func isSyncFailure(err error) bool { return sqlite.ErrCode(err) == sqlite.ResultIOErrFsync }
