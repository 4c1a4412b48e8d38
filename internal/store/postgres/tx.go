package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"idpool/internal/store"
)

// tx is a transaction on a connection of its own. Its statements are short and
// are not interrupted when the caller gives up, which would cost the connection;
// the caller's context is looked at before each.
type tx struct {
	conn   *pgxpool.Conn
	begin  string // not sent yet
	failed error  // the first failure: PostgreSQL runs no statement after it
}

// begin takes a connection for a transaction.
func (s *Store) begin(ctx context.Context, begin string) (*tx, error) {
	waiting, cancel := context.WithTimeout(ctx, acquireTime)
	defer cancel()
	conn, err := s.pool.Acquire(waiting)
	switch {
	case err == nil:
		return &tx{conn: conn, begin: begin}, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	return nil, unavailable(err)
}

// bounded is a context for a statement that goes on when the caller gives up.
func bounded(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), limit)
}

// Query implements store.Querier.
func (t *tx) Query(ctx context.Context, text string, args ...any) (store.Rows, error) {
	r, err := t.query(ctx, text, args)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// Exec implements store.Querier.
func (t *tx) Exec(ctx context.Context, text string, args ...any) (int64, error) {
	r, err := t.query(ctx, text, args)
	if err != nil {
		return 0, err
	}
	r.Close()
	return r.CommandTag().RowsAffected(), r.Err()
}

func (t *tx) query(ctx context.Context, text string, args []any) (*rows, error) {
	switch err := ctx.Err(); {
	case err != nil:
		return nil, err
	case t.failed != nil:
		return nil, t.failed
	}
	bound, err := bind(args)
	if err != nil {
		return nil, err
	}
	ctx, cancel := bounded(ctx, statementTime)
	r := &rows{tx: t, done: func() error { cancel(); return nil }}
	if t.begin == "" {
		r.Rows, err = t.conn.Query(ctx, text, bound...)
	} else {
		both := &pgx.Batch{}
		both.Queue(t.begin)
		both.Queue(text, bound...)
		results := t.conn.SendBatch(ctx, both)
		r.done = func() error { defer cancel(); return results.Close() }
		if _, err = results.Exec(); err == nil {
			t.begin = ""
			r.Rows, err = results.Query()
		}
	}
	if err != nil {
		r.done()
		return nil, t.fail(err)
	}
	return r, nil
}

// fail notes the first failure of the transaction.
func (t *tx) fail(err error) error {
	if err != nil && t.failed == nil {
		t.failed = translate(err, t.conn.Conn().IsClosed())
	}
	return t.failed
}

// outcome is the error of a transaction whose function returned err. What the
// function made of a failure that another try may not meet does not count.
func (t *tx) outcome(err error) error {
	if errors.Is(t.failed, errAgain) || err == nil {
		return t.failed
	}
	return err
}

// commit makes the transaction durable, or says that it may not be.
//
// Once COMMIT is on its way and the connection breaks, nobody can tell whether
// it was done. It is then never reported as done. Nor is it tried again: the
// second try could meet what the first one did, and answer that somebody else
// has changed it. The client, which reads a fault of ours, repeats the request;
// a person finds the identity that the first one made.
func (t *tx) commit(ctx context.Context) error {
	if t.begin != "" {
		return nil // no statement ran
	}
	ctx, cancel := bounded(ctx, commitTime)
	defer cancel()
	noted := t.conn.Conn().PgConn().CustomData()
	delete(noted, warned)
	tag, err := t.conn.Exec(ctx, "COMMIT")
	e, refused := errors.AsType[*pgconn.PgError](err)
	switch {
	case refused && cmp.Or(e.SeverityUnlocalized, e.Severity) == "ERROR" && e.Code != "40003": // statement_completion_unknown
		return translate(err, false) // the server took it back: nothing was done
	case err != nil:
		return unavailable(fmt.Errorf("whether the transaction was committed is not known: %v", err))
	case tag.String() != "COMMIT":
		return fmt.Errorf("COMMIT ended in %s", tag)
	case noted[warned] != nil: // on the primary's disk, but the wait for a standby was cut short
		return unavailable(fmt.Errorf("committed, but perhaps not on the standby: %v", noted[warned]))
	}
	return nil
}

// warned is where a connection keeps the last warning of the server.
const warned = "warned"

func noteWarning(c *pgconn.PgConn, n *pgconn.Notice) {
	if cmp.Or(n.SeverityUnlocalized, n.Severity) == "WARNING" {
		c.CustomData()[warned] = n.Message
	}
}

// end takes back what was not committed and gives the connection back. One that
// cannot be used any more is closed with it.
func (t *tx) end() {
	c := t.conn.Conn()
	if readOnly := sqlState(t.failed) == "25006"; !c.IsClosed() && (readOnly || c.PgConn().TxStatus() != 'I') {
		ctx, cancel := bounded(context.Background(), statementTime)
		defer cancel()
		if readOnly { // this server is a standby now; the next connection finds the primary
			c.Close(ctx)
		} else {
			c.Exec(ctx, "ROLLBACK")
		}
	}
	t.conn.Release()
}
