package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"idpool/internal/idpool"
	"idpool/internal/store"
	"idpool/internal/store/storetest"
)

const account = "000000000000"

// fresh is the path of a database that is not there yet.
func fresh(t testing.TB) string { return filepath.Join(t.TempDir(), "idpool.db") }

// open opens a database and closes it when the test ends.
func open(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestStore(t *testing.T) {
	t.Parallel()
	empty := made(t, fresh(t), 0) // a copy is a fresh store, too, and made sooner
	storetest.Run(t, func(t *testing.T) idpool.Store {
		path := fresh(t)
		if err := os.WriteFile(path, empty, 0o600); err != nil {
			t.Fatal(err)
		}
		return open(t, path)
	})
}

// TestLoginKey goes around the rules: the table itself refuses a login that
// leads to two identities.
func TestLoginKey(t *testing.T) {
	s := open(t, fresh(t))
	insert := func(pool, provider, subject, identity string) error {
		return s.Update(t.Context(), func(w idpool.Writer) error {
			_, err := w.(store.Tx).Q.Exec(t.Context(), "INSERT INTO login (pool, provider, subject, identity) VALUES ($1, $2, $3, $4)", pool, provider, subject, identity)
			return err
		})
	}
	for _, row := range [][4]string{{"p", "a", "ann", "1"}, {"q", "a", "ann", "2"}, {"p", "b", "ann", "3"}, {"p", "a", "Ann", "4"}, {"p", "a", "ann ", "5"}, {"p", "a", "ann\x00", "6"}} {
		if err := insert(row[0], row[1], row[2], row[3]); err != nil {
			t.Errorf("%q: %v", row, err)
		}
		for _, identity := range []string{"other", row[3]} {
			if err := insert(row[0], row[1], row[2], identity); !errors.Is(err, store.ErrUnique) {
				t.Errorf("%q again, to %s: got %v, want ErrUnique", row, identity, err)
			}
		}
	}
	err := s.Update(t.Context(), func(w idpool.Writer) error {
		return w.CreateIdentity(t.Context(), idpool.Identity{ID: "x", Pool: "p", Logins: []idpool.Login{{Provider: "a", Subject: "ann"}}})
	})
	if idpool.KindOf(err) != idpool.Conflict {
		t.Errorf("CreateIdentity: got %v, want Conflict", err)
	}
}

// stall keeps the writer busy until release is called.
func stall(t *testing.T, s *Store) (release func()) {
	t.Helper()
	busy, done, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- s.Update(context.Background(), func(idpool.Writer) error {
			close(busy)
			<-done
			return nil
		})
	}()
	<-busy
	release = sync.OnceFunc(func() {
		close(done)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(release)
	return release
}

// queued waits until so many updates wait for the writer.
func queued(t *testing.T, s *Store, n int) {
	t.Helper()
	for len(s.queue) != n {
		if t.Context().Err() != nil {
			t.Fatal("the test ended")
		}
		time.Sleep(time.Millisecond)
	}
}

// name makes an update that puts one row.
func name(n int) func(idpool.Writer) error {
	return func(w idpool.Writer) error {
		return w.PutOIDCProvider(context.Background(), idpool.OIDCProvider{Account: account, Name: fmt.Sprintf("%06d.example", n), URL: address})
	}
}

// address is in every row, so that a few rows fill a page.
var address = strings.Repeat("u", 500)

// held tells which rows are there.
func held(ctx context.Context, s *Store) (map[int]bool, error) {
	rows := map[int]bool{}
	err := s.View(ctx, func(r idpool.Reader) error {
		list, err := r.OIDCProviders(ctx, account)
		for _, p := range list {
			var n int
			if _, err := fmt.Sscanf(p.Name, "%06d.example", &n); err != nil || p.URL != address {
				return fmt.Errorf("row %q is %.20q: %w", p.Name, p.URL, err)
			}
			rows[n] = true
		}
		return err
	})
	return rows, err
}

// TestGroupCommit: what waits while the writer is busy shares one commit.
func TestGroupCommit(t *testing.T) {
	for _, c := range []struct{ updates, commits int64 }{{1, 1}, {64, 1}, {maxBatch, 1}, {maxBatch + 1, 2}} {
		s := open(t, fresh(t))
		release := stall(t, s)
		var updates sync.WaitGroup
		for n := range c.updates {
			updates.Go(func() {
				if err := s.Update(t.Context(), name(int(n))); err != nil {
					t.Error(err)
				}
			})
		}
		queued(t, s, int(c.updates))
		before := s.commits.Load()
		release()
		updates.Wait()
		if got := s.commits.Load() - before - 1; got != c.commits { // the other one is the stall's
			t.Errorf("%d updates cost %d commits, want %d", c.updates, got, c.commits)
		}
		if rows, err := held(t.Context(), s); len(rows) != int(c.updates) || err != nil {
			t.Errorf("%d of %d rows are there, %v", len(rows), c.updates, err)
		}
	}
}

// TestUnderLoad: many clients at once cost far fewer commits than updates.
func TestUnderLoad(t *testing.T) {
	s := open(t, fresh(t))
	const clients, each = 64, 10
	var updates sync.WaitGroup
	for client := range clients {
		updates.Go(func() {
			for n := range each {
				if err := s.Update(t.Context(), name(client*each+n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	updates.Wait()
	rows, err := held(t.Context(), s)
	if commits := s.commits.Load(); len(rows) != clients*each || err != nil || commits > clients*each/2 {
		t.Errorf("%d rows of %d, %v, in %d commits", len(rows), clients*each, err, commits)
	}
}

// TestOneFailsAmongMany: in one commit, each update has an outcome of its own.
func TestOneFailsAmongMany(t *testing.T) {
	s := open(t, fresh(t))
	ctx, cancel := context.WithCancel(t.Context())
	after := func(n int, err error) func(idpool.Writer) error { // put a row, then fail
		return func(w idpool.Writer) error { return errors.Join(name(n)(w), err) }
	}
	taken := idpool.Identity{ID: "a", Pool: "p", Logins: []idpool.Login{{Provider: "x", Subject: "1"}}}
	if err := s.Update(t.Context(), func(w idpool.Writer) error { return w.CreateIdentity(ctx, taken) }); err != nil {
		t.Fatal(err)
	}
	onPurpose := errors.New("on purpose")
	kinds := []struct {
		what string
		ctx  context.Context
		fn   func(n int) func(idpool.Writer) error
		want func(error) bool
	}{
		{"good", t.Context(), name, func(err error) bool { return err == nil }},
		{"fails", t.Context(), func(n int) func(idpool.Writer) error { return after(n, onPurpose) }, func(err error) bool { return errors.Is(err, onPurpose) }},
		{"panics", t.Context(), func(n int) func(idpool.Writer) error {
			return func(w idpool.Writer) error { name(n)(w); panic("at the disco") }
		}, func(err error) bool {
			return err != nil && strings.Contains(err.Error(), "panic in an update: at the disco") && strings.Contains(err.Error(), "sqlite_test.go")
		}},
		{"breaks a constraint", t.Context(), func(n int) func(idpool.Writer) error {
			return func(w idpool.Writer) error {
				i := taken
				i.ID = idpool.IdentityID(fmt.Sprint(n))
				return errors.Join(name(n)(w), w.CreateIdentity(ctx, i))
			}
		}, func(err error) bool { return idpool.KindOf(err) == idpool.Conflict }},
		{"is no SQL", t.Context(), func(n int) func(idpool.Writer) error {
			return func(w idpool.Writer) error {
				_, err := w.(store.Tx).Q.Exec(ctx, "INSERT INTO nothing")
				return errors.Join(name(n)(w), err)
			}
		}, func(err error) bool { return err != nil && idpool.KindOf(err) == idpool.Internal }},
		{"was given up", ctx, name, func(err error) bool { return errors.Is(err, context.Canceled) }},
		{"misses a row", t.Context(), func(n int) func(idpool.Writer) error {
			return func(w idpool.Writer) error {
				_, err := w.Pool(t.Context(), "p")
				return errors.Join(name(n)(w), err)
			}
		}, idpool.IsNotFound},
	}
	release := stall(t, s)
	const n = 70
	outcomes := make([]error, n)
	var updates sync.WaitGroup
	for n := range n {
		updates.Go(func() {
			k := kinds[n%len(kinds)]
			outcomes[n] = s.Update(k.ctx, k.fn(n))
		})
	}
	queued(t, s, n)
	cancel()
	before := s.commits.Load()
	release()
	updates.Wait()
	if commits := s.commits.Load() - before; commits != 2 {
		t.Errorf("%d commits, want the stall's and one", commits)
	}
	rows, err := held(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	for n, err := range outcomes {
		if k := kinds[n%len(kinds)]; !k.want(err) || rows[n] != (k.what == "good") {
			t.Errorf("one that %s: got %v, and its row is there: %t", k.what, err, rows[n])
		}
	}
}

// TestRunsAgain: updates run once, unless one of their commit failed after it had
// written; if one ends the transaction none of them is kept.
func TestRunsAgain(t *testing.T) {
	onPurpose := errors.New("on purpose")
	for _, c := range []struct {
		what string
		odd  func(w idpool.Writer) error // the last of three updates
		want error
		runs int64 // of each of them
		rows int
	}{
		{"is good", name(0), nil, 1, 3},
		{"fails before it writes", func(w idpool.Writer) error { return onPurpose }, onPurpose, 1, 2},
		{"finds nothing to write", func(w idpool.Writer) error {
			err := w.DeleteOIDCProvider(t.Context(), account, "nobody")
			if !idpool.IsNotFound(err) {
				t.Error(err)
			}
			return onPurpose
		}, onPurpose, 1, 2},
		{"panics before it writes", func(w idpool.Writer) error { panic(onPurpose) }, nil, 1, 2},
		{"fails after it has written", func(w idpool.Writer) error { return errors.Join(name(0)(w), onPurpose) }, onPurpose, 2, 2},
		{"ends the transaction", func(w idpool.Writer) error {
			_, err := w.(store.Tx).Q.Exec(t.Context(), "ROLLBACK")
			return err
		}, nil, 1, 0},
	} {
		t.Run(c.what, func(t *testing.T) {
			s := open(t, fresh(t))
			release := stall(t, s)
			var runs [3]atomic.Int64
			var outcomes [3]error
			var updates sync.WaitGroup
			for n, fn := range []func(idpool.Writer) error{name(1), name(2), c.odd} {
				updates.Go(func() {
					outcomes[n] = s.Update(t.Context(), func(w idpool.Writer) error {
						runs[n].Add(1)
						return fn(w)
					})
				})
				queued(t, s, n+1) // in this order
			}
			release()
			updates.Wait()
			if err := outcomes[2]; c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			rows, err := held(t.Context(), s)
			if len(rows) != c.rows || err != nil {
				t.Errorf("%d rows, %v; want %d", len(rows), err, c.rows)
			}
			for n := range runs {
				if got := runs[n].Load(); got != c.runs {
					t.Errorf("update %d ran %d times, want %d", n, got, c.runs)
				}
				if n != 2 && (outcomes[n] == nil) != (c.rows > 0) {
					t.Errorf("update %d: %v", n, outcomes[n])
				}
			}
			idle(t, s.writer)
			if err := s.Update(t.Context(), name(9)); err != nil {
				t.Errorf("the next update: %v", err)
			}
		})
	}
}

// TestReadersDoNotWait: while the writer is in the middle of an update
// everybody else reads, as it was before.
func TestReadersDoNotWait(t *testing.T) {
	s := open(t, fresh(t))
	if err := s.Update(t.Context(), name(1)); err != nil {
		t.Fatal(err)
	}
	release := stall(t, s)
	for range 3 * readerCount {
		if rows, err := held(t.Context(), s); len(rows) != 1 || err != nil {
			t.Errorf("%d rows, %v", len(rows), err)
		}
		if err := s.Ping(t.Context()); err != nil {
			t.Error(err)
		}
	}
	release()
}

// TestViewCannotWrite: not even by going around its type.
func TestViewCannotWrite(t *testing.T) {
	s := open(t, fresh(t))
	err := s.View(t.Context(), func(r idpool.Reader) error { return name(1)(r.(store.Tx)) })
	if err == nil {
		t.Error("a view wrote")
	}
	if rows, err := held(t.Context(), s); len(rows) != 0 || err != nil {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

// TestPanicInView: the reader it had is free again.
func TestPanicInView(t *testing.T) {
	s := open(t, fresh(t))
	for range 2 * readerCount {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic did not come through")
				}
			}()
			s.View(t.Context(), func(idpool.Reader) error { panic("on purpose") })
		}()
	}
	if _, err := held(t.Context(), s); err != nil {
		t.Error(err)
	}
}

// TestQueueIsFull: whoever cannot even wait for the writer gives up in time.
func TestQueueIsFull(t *testing.T) {
	s := open(t, fresh(t))
	release := stall(t, s)
	var updates sync.WaitGroup
	for n := range cap(s.queue) {
		updates.Go(func() {
			if err := s.Update(t.Context(), name(n)); err != nil {
				t.Error(err)
			}
		})
	}
	queued(t, s, cap(s.queue))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := s.Update(ctx, name(-1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	release()
	updates.Wait()
	if rows, err := held(t.Context(), s); len(rows) != cap(s.queue) || err != nil {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

// TestCloseWhileUpdatesWait: each is answered, and what was answered well is
// there when the database is opened again; no other is.
func TestCloseWhileUpdatesWait(t *testing.T) {
	var good, refused atomic.Int64
	for round := 0; round < 40 && (round < 5 || good.Load() == 0 || refused.Load() == 0); round++ {
		path := fresh(t)
		s, err := Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		release := stall(t, s)
		const n = 40
		outcomes := make([]error, n)
		var updates, closers sync.WaitGroup
		for n := range n {
			updates.Go(func() { outcomes[n] = s.Update(t.Context(), name(n)) })
		}
		queued(t, s, n)
		for range 2 {
			closers.Go(func() {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		if round%2 == 0 {
			<-s.closing
		}
		release()
		updates.Wait()
		closers.Wait()
		s = open(t, path)
		rows, err := held(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		for n, err := range outcomes {
			switch {
			case err == nil:
				good.Add(1)
			case idpool.KindOf(err) == idpool.Unavailable:
				refused.Add(1)
			default:
				t.Errorf("update %d: %v", n, err)
			}
			if rows[n] != (err == nil) {
				t.Errorf("update %d: answered %v, and its row is there: %t", n, err, rows[n])
			}
		}
	}
	if good.Load() == 0 || refused.Load() == 0 {
		t.Errorf("%d were done and %d refused: one of the two was not tried", good.Load(), refused.Load())
	}
}

// TestReplayRunsOnce: what was used before is refused before anything is written,
// also where notes of others have expired, so that neighbours need not run again.
func TestReplayRunsOnce(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "replay.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	note := func(id string, now, until time.Time) (runs int, err error) {
		err = s.Update(t.Context(), func(w idpool.Writer) error {
			runs++
			return w.UseOnce(t.Context(), id, now, until)
		})
		return runs, err
	}
	for id, until := range map[string]time.Time{"expired": at.Add(time.Minute), "used": at.Add(time.Hour)} {
		if _, err := note(id, at, until); err != nil {
			t.Fatal(err)
		}
	}
	later := at.Add(10 * time.Minute)
	if runs, err := note("used", later, later.Add(time.Hour)); runs != 1 || idpool.KindOf(err) != idpool.Exists {
		t.Errorf("used before: %d runs, %v", runs, err)
	}
	if _, err := note("expired", later, later.Add(time.Hour)); err != nil {
		t.Errorf("used long ago: %v", err)
	}
	if runs, err := note("expired", later, later.Add(time.Hour)); runs != 1 || idpool.KindOf(err) != idpool.Exists {
		t.Errorf("used again: %d runs, %v", runs, err)
	}
}
