// Package sqlite is the embedded store: one SQLite file, in write-ahead mode,
// every answered write on the disk.
//
//	Update ─► queue ─► one writer: BEGIN, all that wait, COMMIT ─► one fsync ─► all answered
//	View   ─► one of a few readers, on a snapshot
//
// An fsync costs more than all statements of an update together, so concurrent
// updates share one: group commit. Readers never wait for the writer.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"idpool/internal/idpool"
)

const (
	readerCount = 4   // connections that read
	maxBatch    = 256 // updates in one transaction
)

// checkpointAfter is after how many updates the write-ahead log is copied back,
// as soon as nobody waits.
var checkpointAfter = 2000

// Store is an open database.
type Store struct {
	lock    *os.File
	writer  *conn
	readers chan *conn

	queue   chan *update
	closing chan struct{}
	closed  chan struct{}
	once    sync.Once
	failed  atomic.Pointer[error] // a sync that may have lost data: nothing is written after it
	commits atomic.Int64
}

// update is one call of Update on its way.
type update struct {
	ctx  context.Context
	fn   func(idpool.Writer) error
	err  error
	done chan struct{}
}

// Open opens a database, or makes it. It fails, and changes nothing, for a file
// that is damaged, of another program or of a newer schema; with [ErrInUse] for
// one that another process has open.
func Open(ctx context.Context, path string) (_ *Store, err error) {
	h, err := readHeader(path)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	lock, err := lockFile(path)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	if h, err = readHeader(path); err != nil { // again: another process may have been here before we had the lock
		lock.Close()
		return nil, fmt.Errorf("open store: %w", err)
	}
	s := &Store{lock: lock, readers: make(chan *conn, readerCount), queue: make(chan *update, 4*maxBatch), closing: make(chan struct{}), closed: make(chan struct{})}
	defer func() {
		if err != nil {
			s.release()
			err = fmt.Errorf("open store %s: %w", path, err)
		}
	}()
	switch {
	case !h.exists:
		err = create(ctx, path)
	case h.torn:
		err = checkTorn(path)
	}
	if err != nil {
		return nil, err
	}
	if h.exists && h.schema < SchemaVersion {
		if err := migrate(ctx, path); err != nil {
			return nil, err
		}
	}
	if s.writer, err = newConn(dsn(path), writing...); err != nil {
		return nil, err
	}
	if err := checkSettings(s.writer); err != nil {
		return nil, err
	}
	for range readerCount {
		c, err := newConn(dsn(path), reading...)
		if err != nil {
			return nil, err
		}
		s.readers <- c
	}
	go s.write()
	return s, nil
}

// release closes what Open opened.
func (s *Store) release() error {
	var errs []error
	for len(s.readers) > 0 {
		errs = append(errs, (<-s.readers).Close())
	}
	if s.writer != nil {
		errs = append(errs, s.writer.Close())
	}
	return errors.Join(append(errs, s.lock.Close())...)
}

// Close waits for the updates and views under way and closes the database.
// Those that come later fail.
func (s *Store) Close() (err error) {
	s.once.Do(func() {
		close(s.closing)
		<-s.closed
		for range readerCount {
			err = errors.Join(err, (<-s.readers).Close())
		}
		s.writer.control("PRAGMA wal_checkpoint(TRUNCATE)")
		err = errors.Join(err, s.release())
	})
	return err
}

// Ping implements idpool.Store.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.failed.Load(); err != nil {
		return unavailable(*err)
	}
	return s.View(ctx, func(r idpool.Reader) error {
		_, err := r.DeletedPools(ctx)
		return err
	})
}

// View implements idpool.Store.
func (s *Store) View(ctx context.Context, fn func(idpool.Reader) error) error {
	c, err := s.reader(ctx)
	if err != nil {
		return err
	}
	defer func() { s.readers <- c }()
	if err := c.control("BEGIN"); err != nil {
		return err
	}
	defer c.control("ROLLBACK")
	return fn(c.tx)
}

// reader takes a connection that reads. Most views find one, and ask nobody to
// tell them when they have waited long enough.
func (s *Store) reader(ctx context.Context) (*conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case c := <-s.readers:
		return c, nil
	default:
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.closing:
		return nil, errClosed()
	case c := <-s.readers:
		return c, nil
	}
}

// Update implements idpool.Store.
func (s *Store) Update(ctx context.Context, fn func(idpool.Writer) error) error {
	u := &update{ctx: ctx, fn: fn, done: make(chan struct{})}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closing:
		return errClosed()
	case s.queue <- u:
	}
	select {
	case <-u.done: // also after ctx ends: what was begun has an outcome
		return u.err
	case <-s.closed:
		select {
		case <-u.done:
			return u.err
		default:
			return errClosed()
		}
	}
}

// write is the writer: it runs all updates that wait in one transaction.
func (s *Store) write() {
	defer close(s.closed)
	since := 0
	for {
		select {
		case <-s.closing:
			return
		case u := <-s.queue:
			since += s.commit(s.gather(u))
		}
		if since >= checkpointAfter && len(s.queue) == 0 {
			if err := s.writer.control("PRAGMA wal_checkpoint(PASSIVE)"); isSyncFailure(err) {
				s.failed.Store(&err) // the next attempt could succeed although pages are lost, and the log begin anew
			}
			since = 0
		}
	}
}

// gather adds the updates that wait to the first one. It does not let others run
// who may be about to ask for one: that saves little when all write, and where
// many read the writer then waits behind all of them.
func (s *Store) gather(first *update) []*update {
	batch := []*update{first}
	for len(batch) < maxBatch {
		select {
		case u := <-s.queue:
			batch = append(batch, u)
		default:
			return batch
		}
	}
	return batch
}

// commit runs updates in one transaction and answers them.
func (s *Store) commit(batch []*update) int {
	err := s.transact(batch)
	for _, u := range batch {
		if err != nil {
			u.err = err
		}
		close(u.done)
	}
	return len(batch)
}

// transact fails if none of the updates was kept; the failure of one is its own.
//
// A savepoint for each costs a fifth of a small update: SQLite copies the pages
// that change. As nearly all that fail do so before they write, there are
// savepoints only where one did not.
func (s *Store) transact(batch []*update) error {
	if err := s.failed.Load(); err != nil {
		return unavailable(*err)
	}
	err := s.inTransaction(batch, s.unguarded)
	if errors.Is(err, errHalfDone) {
		err = s.inTransaction(batch, s.guarded)
	}
	return err
}

func (s *Store) inTransaction(batch []*update, run func(*update) error) error {
	if err := s.writer.control("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	for _, u := range batch {
		if u.err = u.ctx.Err(); u.err != nil {
			continue
		}
		if err := run(u); err != nil {
			s.writer.control("ROLLBACK")
			return err
		}
	}
	if err := s.writer.control("COMMIT"); err != nil {
		s.writer.control("ROLLBACK")
		if isSyncFailure(err) {
			// The kernel may have dropped pages that it could not write:
			// what the next commit reports can no longer be believed.
			s.failed.Store(&err)
		}
		return err
	}
	s.commits.Add(1)
	return nil
}

// errHalfDone is the error of a transaction in which an update failed that had
// written something already.
var errHalfDone = errors.New("half of an update is done")

// unguarded runs an update that may leave something behind when it fails.
func (s *Store) unguarded(u *update) error {
	before := s.writer.writes
	u.err = s.call(u)
	switch {
	case u.err != nil && s.writer.writes != before:
		return errHalfDone
	case s.writer.AutocommitEnabled(): // a disk that fails can have ended the transaction
		return unavailable(errors.New("the transaction has ended"))
	}
	return nil
}

// guarded runs an update that leaves nothing behind when it fails.
func (s *Store) guarded(u *update) error {
	if err := s.writer.control("SAVEPOINT one"); err != nil {
		return err
	}
	if u.err = s.call(u); u.err != nil {
		if err := s.writer.control("ROLLBACK TO one"); err != nil {
			return unavailable(errors.Join(u.err, err)) // a disk that fails can have ended the transaction already
		}
	}
	if err := s.writer.control("RELEASE one"); err != nil {
		return unavailable(err)
	}
	return nil
}

// call calls an update's function. A panic is the failure of that update alone.
func (s *Store) call(u *update) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in an update: %v\n%s", p, debug.Stack())
		}
	}()
	return u.fn(s.writer.tx)
}

func errClosed() error { return unavailable(errors.New("the store is closed")) }
