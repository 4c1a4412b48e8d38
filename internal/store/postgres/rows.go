package postgres

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"idpool/internal/store"
)

// bind makes the arguments of a statement what the schema has: strings are
// BYTEA.
func bind(args []any) ([]any, error) {
	bound := make([]any, len(args))
	for i, arg := range args {
		switch v := arg.(type) {
		case string:
			bound[i] = []byte(v)
		case nil, int, int64, []byte:
			bound[i] = v
		default:
			return nil, fmt.Errorf("argument %d is a %T", i+1, arg)
		}
	}
	return bound, nil
}

// rows are the rows of a query.
type rows struct {
	pgx.Rows
	tx   *tx
	done func() error // after the last row
	end  bool
}

// Scan implements store.Rows.
func (r *rows) Scan(dest ...any) error {
	dest = slices.Clone(dest) // which are the caller's
	for i, d := range dest {
		switch d := d.(type) {
		case *string:
			dest[i] = text{d}
		case **string:
			dest[i] = nullableText{d}
		}
	}
	return r.Rows.Scan(dest...)
}

// Err implements store.Rows.
func (r *rows) Err() error { return r.tx.fail(r.Rows.Err(), nil) }

// Close implements store.Rows.
func (r *rows) Close() error {
	if r.end {
		return nil
	}
	r.end = true
	r.Rows.Close()
	closing := r.done()
	return r.tx.fail(cmp.Or(r.Rows.Err(), closing), nil)
}

// text takes a column into a string.
type text struct{ to *string }

func (t text) ScanBytes(b []byte) error {
	if b == nil {
		return errors.New("NULL where a string should be")
	}
	*t.to = string(b)
	return nil
}

// nullableText takes a column that may be NULL, which is nil.
type nullableText struct{ to **string }

func (t nullableText) ScanBytes(b []byte) error {
	*t.to = nil
	if b != nil {
		s := string(b)
		*t.to = &s
	}
	return nil
}

// Failures that another try may not meet. What a transaction did before one of
// them is undone by the server.
var (
	errAgain    = errors.New("to be tried again")
	errConflict = fmt.Errorf("others were in the way: %w", errAgain)
	errLost     = fmt.Errorf("the connection was lost: %w", errAgain)
	errMore     = fmt.Errorf("it takes more than one statement: %w", errAgain)
)

// sqlState is the server's code for an error (PostgreSQL, appendix A); empty if
// the error is not the server's.
func sqlState(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// translate gives an error of the driver the meaning that the store knows;
// closed says that the connection cannot be used any more.
func translate(err error, closed bool) error {
	code := sqlState(err)
	switch code {
	case "": // not from the server
		if pgconn.Timeout(err) {
			return unavailable(err) // waited long enough
		}
		if closed {
			return fmt.Errorf("%w: %w", errLost, err)
		}
		return err
	case "23505": // unique_violation
		return fmt.Errorf("%w: %w", store.ErrUnique, err)
	case "40001", "40P01": // serialization_failure, deadlock_detected
		return fmt.Errorf("%w: %w", errConflict, err)
	case "25006": // read_only_sql_transaction
		return fmt.Errorf("%w: %w", errLost, err)
	}
	switch class := code[:2]; {
	case closed: // say, the server was told to stop
		return fmt.Errorf("%w: %w", errLost, err)
	case slices.Contains([]string{"08", "53", "55", "57", "58", "XX"}, class): // connection, resources, in use, intervention, system, internal
		return unavailable(err)
	}
	return err
}
