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
	conn    *pgxpool.Conn
	pending []statement // not sent yet; BEGIN is the first
	failed  error       // the first failure: PostgreSQL runs no statement after it
	single  bool        // there is no BEGIN: the first statement is the only one
	ran     bool        // a statement
}

// statement is one that waits for the next, to travel with it.
type statement struct {
	text  string
	args  []any
	clash error // what it means if it breaks a unique constraint; nil: store.ErrUnique
}

// begin takes a connection for a transaction, or for one statement if there is
// no text to begin with.
func (s *Store) begin(ctx context.Context, begin string) (*tx, error) {
	waiting, cancel := context.WithTimeout(ctx, acquireTime)
	defer cancel()
	conn, err := s.pool.Acquire(waiting)
	if err != nil {
		return nil, gaveUp(ctx, err)
	}
	if begin == "" {
		return &tx{conn: conn, single: true}, nil
	}
	return &tx{conn: conn, pending: []statement{{text: begin}}}, nil
}

// gaveUp is the error of who waited in vain: the caller's, if it was the caller
// who gave up.
func gaveUp(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return unavailable(err)
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
	if t.single {
		return 0, t.more()
	}
	r, err := t.query(ctx, text, args)
	if err != nil {
		return 0, err
	}
	r.Close()
	return r.CommandTag().RowsAffected(), r.Err()
}

// Later implements store.Querier.
func (t *tx) Later(ctx context.Context, clash error, text string, args ...any) error {
	if t.single {
		return t.more()
	}
	bound, err := t.ready(ctx, args)
	if err == nil {
		t.pending = append(t.pending, statement{text, bound, clash})
	}
	return err
}

// ready binds the arguments of a statement, if it may run.
func (t *tx) ready(ctx context.Context, args []any) ([]any, error) {
	switch err := ctx.Err(); {
	case err != nil:
		return nil, err
	case t.failed != nil:
		return nil, t.failed
	case t.single && t.ran:
		return nil, t.more()
	}
	t.ran = true
	return bind(args)
}

// more is the failure of who wants more than one statement can give: a second
// one, or a change, which a transaction refuses.
func (t *tx) more() error {
	t.failed = cmp.Or(t.failed, errMore)
	return t.failed
}

func (t *tx) query(ctx context.Context, text string, args []any) (*rows, error) {
	bound, err := t.ready(ctx, args)
	if err != nil {
		return nil, err
	}
	ctx, cancel := bounded(ctx, statementTime)
	r := &rows{tx: t, done: func() error { cancel(); return nil }}
	if len(t.pending) == 0 {
		if r.Rows, err = t.conn.Query(ctx, text, bound...); err != nil {
			t.fail(err, nil)
		}
	} else if results := t.send(ctx, text, bound); t.failed == nil {
		r.done = func() error { defer cancel(); return results.Close() }
		if r.Rows, err = results.Query(); err != nil {
			results.Close() // which notices if the connection is gone
			t.fail(err, nil)
		}
	}
	if t.failed != nil {
		r.done()
		return nil, t.failed
	}
	return r, nil
}

// send sends what is pending and one statement more, in one round trip, and reads
// the outcomes of all but the last. If one of them failed, t.failed says so.
func (t *tx) send(ctx context.Context, text string, args []any) pgx.BatchResults {
	all := &pgx.Batch{}
	for _, s := range t.pending {
		all.Queue(s.text, s.args...)
	}
	all.Queue(text, args...)
	results := t.conn.SendBatch(ctx, all)
	for _, s := range t.pending {
		if _, err := results.Exec(); err != nil {
			results.Close()
			t.fail(err, s.clash)
			break
		}
	}
	t.pending = nil
	return results
}

// fail notes the first failure of the transaction.
func (t *tx) fail(err, clash error) error {
	if err != nil && t.failed == nil {
		t.failed = translate(err, t.conn.Conn().IsClosed())
		if clash != nil && errors.Is(t.failed, store.ErrUnique) {
			t.failed = clash
		}
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
	if len(t.pending) == 1 && t.pending[0].text == beginUpdate {
		return nil // no statement ran
	}
	ctx, cancel := bounded(ctx, abandonTime)
	defer cancel()
	noted := t.conn.Conn().PgConn().CustomData()
	delete(noted, warned)
	var tag pgconn.CommandTag
	results := t.send(ctx, "COMMIT", nil)
	if t.failed == nil {
		var err error
		tag, err = results.Exec()
		closing := results.Close()
		t.fail(cmp.Or(err, closing), nil)
	}
	switch {
	case errors.Is(t.failed, errLost), pgconn.Timeout(t.failed), sqlState(t.failed) == "40003": // statement_completion_unknown
		return unknown(t.failed)
	case t.failed != nil:
		return t.failed // the server took it back: nothing was done
	case tag.String() != "COMMIT":
		return fmt.Errorf("COMMIT ended in %s", tag)
	case noted[warned] != nil: // on the primary's disk, but the wait for a standby was cut short
		return unavailable(fmt.Errorf("committed, but perhaps not on the standby: %v", noted[warned]))
	}
	return nil
}

// unknown is the error of a commit that may have happened. It does not wrap its
// cause, so that nobody tries again.
func unknown(cause error) error {
	return unavailable(fmt.Errorf("whether the transaction was committed is not known: %v", cause))
}

// warned is where a connection keeps the last warning of the server.
const warned = "warned"

func noteWarning(c *pgconn.PgConn, n *pgconn.Notice) {
	if cmp.Or(n.SeverityUnlocalized, n.Severity) == "WARNING" {
		c.CustomData()[warned] = n.Message
	}
}

// leave ends a view: nobody waits for a rollback that changes nothing.
func (t *tx) leave() {
	if t.single {
		t.end() // there is none
	} else {
		go t.end()
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
	if c.IsClosed() {
		c.PgConn().Conn().Close() // at once, so that its place in the pool is free
	}
	t.conn.Release()
}
