// Package postgres is the store for several nodes: any number of them work on
// one PostgreSQL database, or on one that speaks its language.
//
//	Update ─► BEGIN SERIALIZABLE, the statements, COMMIT ─► again, if another node was in the way
//	View   ─► the one statement, or: BEGIN REPEATABLE READ, READ ONLY, the statements
//
// BEGIN travels with the first statement, and inserts with COMMIT: a view of one
// statement costs one round trip, a person's first sign-in four.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/semaphore"

	"idpool/internal/idpool"
	"idpool/internal/store"
)

const (
	acquireTime   = 3 * time.Second  // to wait for a connection, or a turn
	statementTime = 5 * time.Second  // for one statement; the server is told, too
	commitTime    = 10 * time.Second // for a commit, which may wait for a standby
	abandonTime   = 30 * time.Second // after which nobody waits for it any more, not even in the background

	maxTries    = 20                    // of one update
	maxTogether = 2                     // of them beside other updates of this node
	maxPause    = 64 * time.Millisecond // between two of them
)

// Store is an open database.
type Store struct {
	pool *pgxpool.Pool
	// turns are for updates: one for each connection, but for some that views
	// always have, also while all commits wait for a standby. An update that
	// others were in the way of again and again takes all of them, to be alone
	// on this node.
	turns *semaphore.Weighted
	all   int64 // turns

	commitTime time.Duration
}

// A view is one snapshot: it sees all of a transaction or nothing of it, which
// is what invariant I3 asks of a reader, and I1 is the primary key's. Only a
// serializable view would exclude that two updates which it sees, and a third
// which it does not, fit no order in time; no rule decides on a view without
// deciding again in an update, and it would cost locks and failures.
const (
	beginView   = `BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY`
	beginUpdate = `BEGIN ISOLATION LEVEL SERIALIZABLE`
)

// View implements idpool.Store. Nearly all views are one statement, which is a
// snapshot by itself. One that turns out to want more begins again, in a
// transaction.
func (s *Store) View(ctx context.Context, fn func(idpool.Reader) error) error {
	begin := ""
	return again(ctx, func(int) error {
		t, err := s.begin(ctx, begin)
		if err != nil {
			return err
		}
		defer t.leave()
		err = t.outcome(fn(store.Tx{Q: t}))
		if errors.Is(err, errMore) {
			begin = beginView
		}
		return err
	})
}

// Update implements idpool.Store.
func (s *Store) Update(ctx context.Context, fn func(idpool.Writer) error) error {
	return again(ctx, func(try int) error {
		turns := int64(1)
		if try > maxTogether {
			turns = s.all
		}
		waiting, cancel := context.WithTimeout(ctx, acquireTime)
		defer cancel()
		if err := s.turns.Acquire(waiting, turns); err != nil {
			return gaveUp(ctx, err)
		}
		t, err := s.begin(ctx, beginUpdate)
		if err != nil {
			s.turns.Release(turns)
			return err
		}
		end := func() { t.end(); s.turns.Release(turns) }
		committing := false
		defer func() { // also after a panic
			if !committing {
				end()
			}
		}()
		if err := t.outcome(fn(store.Tx{Q: t})); err != nil {
			return err
		}
		committing = true
		return s.commit(ctx, t, end)
	})
}

// commit commits and then ends. A commit that takes too long is left to itself:
// it keeps its turn and its connection, so that those which wait for a standby
// are never more than the turns.
func (s *Store) commit(ctx context.Context, t *tx, end func()) error {
	outcome := make(chan error, 1)
	go func() {
		defer end()
		outcome <- t.commit(ctx)
	}()
	select {
	case err := <-outcome:
		return err
	case <-time.After(s.commitTime):
		return unknown(fmt.Errorf("there was no answer in %s", s.commitTime))
	}
}

// Ping implements idpool.Store.
func (s *Store) Ping(ctx context.Context) error {
	return s.View(ctx, func(r idpool.Reader) error {
		_, err := r.DeletedPools(ctx)
		return err
	})
}

// Close waits for the transactions under way and closes the connections.
func (s *Store) Close() error {
	s.pool.Close()
	return nil
}

// again tries a transaction until it does not fail for reasons that the next
// try may not meet: others in its way, a connection that was dead already. If
// the database itself is away there is no next try: begin says so at once.
func again(ctx context.Context, try func(n int) error) error {
	for tries := 1; ; tries++ {
		err := try(tries)
		switch {
		case !errors.Is(err, errAgain):
			return err
		case tries == maxTries:
			return unavailable(fmt.Errorf("tried %d times: %w", tries, err))
		}
		if errors.Is(err, errConflict) {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(rand.N(min(time.Millisecond<<tries, maxPause))):
			}
		}
	}
}

func unavailable(cause error) error {
	return idpool.Errorf(idpool.Unavailable, "The store does not answer.").Because(cause)
}
