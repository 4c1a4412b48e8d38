package postgres

import (
	"context"
	"errors"
	"maps"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"idpool/internal/idpool"
	"idpool/internal/store"
	"idpool/internal/store/postgres/pgtest"
)

// TestAway: while the database is away everything fails at once with Unavailable;
// when it is back everything works, without anybody's help.
func TestAway(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t)
	s := open(t, server.Schema(t))
	if err := s.Update(t.Context(), put(1)); err != nil {
		t.Fatal(err)
	}
	fill(t, s) // connections that will all be dead at once
	server.Stop(t)
	var calls sync.WaitGroup
	for n := range 32 {
		calls.Go(func() {
			_, err := held(t.Context(), s)
			for what, err := range map[string]error{"view": err, "update": s.Update(t.Context(), put(2)), "ping": s.Ping(t.Context())} {
				if idpool.KindOf(err) != idpool.Unavailable || !strings.Contains(err.Error(), "connection refused") { // and not a timeout
					t.Errorf("%s %d: got %v, want Unavailable", what, n, err)
				}
			}
		})
	}
	calls.Wait()
	server.Start(t)
	if err := s.Update(t.Context(), put(3)); err != nil {
		t.Error(err)
	}
	if rows, err := held(t.Context(), s); err != nil || len(rows) != 2 || !rows[1] || !rows[3] {
		t.Errorf("rows %v, %v", rows, err)
	}
}

// fill makes every connection that the pool can have.
func fill(t testing.TB, s *Store) {
	t.Helper()
	var held, all sync.WaitGroup
	held.Add(maxConns)
	for range maxConns {
		all.Go(func() {
			err := s.View(t.Context(), func(r idpool.Reader) error {
				held.Done()
				held.Wait()
				_, err := r.DeletedPools(t.Context())
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// TestRestart: a restart that is over before the next call is not noticed, by
// none of the connections that it killed.
func TestRestart(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t)
	s := open(t, server.Schema(t))
	fill(t, s)
	server.Stop(t)
	server.Start(t)
	var calls sync.WaitGroup
	for n := range 2 * maxConns {
		calls.Go(func() {
			if err := s.Update(t.Context(), put(n)); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
	if rows, err := held(t.Context(), s); err != nil || len(rows) != 2*maxConns {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

// TestReadOnly: a server that became a standby is left for the primary.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.Database(t)+"&pool_max_conns=1")
	var calls atomic.Int64
	err := s.Update(t.Context(), func(w idpool.Writer) error {
		tx := w.(store.Tx).Q.(*tx)
		if calls.Add(1) == 1 {
			if _, err := tx.Exec(t.Context(), "SET TRANSACTION READ ONLY"); err != nil {
				return err
			}
		}
		return put(1)(w)
	})
	if err != nil || calls.Load() != 2 {
		t.Errorf("%d calls, %v", calls.Load(), err)
	}
}

// relay passes connections on to a server, and can cut them when it is told.
type relay struct {
	net.Listener
	to  string
	cut atomic.Bool // the next words of a client are passed on; it never hears the answer
}

func newRelay(t testing.TB, to string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{Listener: l, to: to}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go r.pass(client)
		}
	}()
	return r
}

func (r *relay) pass(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", r.to)
	if err != nil {
		return
	}
	defer server.Close()
	var deaf atomic.Bool
	go func() {
		defer client.Close()
		buffer := make([]byte, 64<<10)
		for {
			n, err := server.Read(buffer)
			if deaf.Load() || err != nil {
				return
			}
			client.Write(buffer[:n])
		}
	}()
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		if r.cut.CompareAndSwap(true, false) {
			deaf.Store(true)
		}
		server.Write(buffer[:n])
	}
}

// TestLostInCommit: a connection that breaks while COMMIT is on its way is never
// reported as success, and the update does not run again, whatever became of
// it. One that breaks earlier is not noticed.
func TestLostInCommit(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t)
	direct := server.Schema(t)
	_, rest, _ := strings.Cut(direct, "@")
	host, path, _ := strings.Cut(rest, "/")
	r := newRelay(t, host)
	s := open(t, "postgres://idpool@"+r.Addr().String()+"/"+path+"&pool_max_conns=1")
	update := func(cutAtStart, cutAtEnd bool, n int) (calls int, err error) {
		err = s.Update(t.Context(), func(w idpool.Writer) error {
			calls++
			if _, err := w.OIDCProviders(t.Context(), account); err != nil {
				return err
			}
			r.cut.Store(cutAtStart && calls == 1)
			if _, err := w.SigningKeys(t.Context()); err != nil {
				return err
			}
			if err := put(n)(w); err != nil {
				return err
			}
			r.cut.Store(cutAtEnd)
			return nil
		})
		return calls, err
	}
	if _, err := update(false, false, 0); err != nil { // so that all statements are prepared, and one message is one statement
		t.Fatal(err)
	}
	calls, err := update(false, true, 1)
	if calls != 1 || idpool.KindOf(err) != idpool.Unavailable || errors.Is(err, errAgain) || !strings.Contains(err.Error(), "whether the transaction was committed is not known") {
		t.Errorf("cut in COMMIT: %d calls, %v", calls, err)
	}
	if calls, err := update(true, false, 2); calls != 2 || err != nil {
		t.Errorf("cut before: %d calls, %v", calls, err)
	}
	// Here the server did commit: a second run would have met the first.
	if rows, err := held(t.Context(), open(t, direct)); err != nil || len(rows) != 3 {
		t.Errorf("rows %v, %v", rows, err)
	}
}

// TestStandbyIsAway: an update whose wait for the standby was cut short is on
// the primary's disk only, and is not answered.
func TestStandbyIsAway(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t)
	s := open(t, server.Schema(t))
	server.Exec(t, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'", "SELECT pg_reload_conf()")
	cancel := "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
	for n, found := 0, false; !found && !t.Failed(); n++ { // until the processes have read the setting
		answer := make(chan error)
		go func() { answer <- s.Update(t.Context(), put(n)) }()
		for waiting := true; waiting; {
			select {
			case err := <-answer:
				waiting, found = false, err != nil
				if err != nil && (idpool.KindOf(err) != idpool.Unavailable || !strings.Contains(err.Error(), "committed, but perhaps not on the standby")) {
					t.Errorf("got %v, want Unavailable", err)
				}
			case <-time.After(5 * time.Millisecond):
				server.Exec(t, cancel)
			}
		}
	}
}

// TestStandbyHangs: while commits wait for a standby nobody reads what they did,
// though their callers have given up, and reading goes on. When there is a
// standby again everything works.
func TestStandbyHangs(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t)
	address := server.Schema(t)
	s, other := open(t, address), open(t, address)
	s.commitTime = 200 * time.Millisecond
	answered := map[int]bool{}
	server.Exec(t, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'", "SELECT pg_reload_conf()")
	n := 0
	for ; len(answered) == n; n++ { // until the processes have read the setting
		if err := s.Update(t.Context(), put(n)); err == nil {
			answered[n] = true
		} else if idpool.KindOf(err) != idpool.Unavailable || errors.Is(err, errAgain) || !strings.Contains(err.Error(), "whether the transaction was committed is not known") {
			t.Fatal(err)
		}
	}
	var calls sync.WaitGroup
	for more := range 2 * maxConns {
		calls.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			if err := s.Update(ctx, put(n+1+more)); err == nil {
				t.Error("an update was answered without a standby")
			}
		})
	}
	calls.Wait()
	for _, node := range []*Store{s, other} {
		if rows, err := held(t.Context(), node); err != nil || !maps.Equal(rows, answered) {
			t.Errorf("rows %v are read, %v were answered; %v", rows, answered, err)
		}
	}
	server.Exec(t, "ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()")
	if err := s.Update(t.Context(), put(1_000)); err != nil {
		t.Error(err)
	}
	for n := range answered {
		if rows, err := held(t.Context(), other); err != nil || !rows[n] || !rows[1_000] {
			t.Errorf("row %d: %v, %v", n, rows, err)
		}
	}
}

// TestCancelsNothing: the connection of a commit that nobody waits for any more
// is closed, and the commit goes on waiting for the standby.
func TestCancelsNothing(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t)
	s := open(t, server.Schema(t))
	server.Exec(t, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'", "SELECT pg_reload_conf()")
	for n, gaveUp := 0, false; !gaveUp; n++ {
		tx, err := s.begin(t.Context(), beginUpdate)
		if err != nil {
			t.Fatal(err)
		}
		if err := put(n)(store.Tx{Q: tx}); err != nil {
			t.Fatal(err)
		}
		go func() { time.Sleep(200 * time.Millisecond); tx.conn.Conn().PgConn().Conn().Close() }()
		if err := tx.commit(t.Context()); err != nil {
			gaveUp = true
			cleaned := tx.conn.Conn().PgConn().CleanupDone()
			tx.end()
			<-cleaned
			if rows, err := held(t.Context(), s); err != nil || len(rows) != n {
				t.Errorf("%d rows are read, %d were answered; %v", len(rows), n, err)
			}
			continue
		}
		tx.end()
	}
}

// TestBusy: updates that never get through end, as Unavailable.
func TestBusy(t *testing.T) {
	t.Parallel()
	calls := 0
	err := again(t.Context(), func(int) error { calls++; return errConflict })
	if idpool.KindOf(err) != idpool.Unavailable || calls != maxTries {
		t.Errorf("%d calls, %v", calls, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = again(ctx, func(int) error { cancel(); return errConflict })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestTooManyAtOnce: whoever cannot get a connection gives up in time, and says
// so.
func TestTooManyAtOnce(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.Database(t)+"&pool_max_conns=1")
	err := s.View(t.Context(), func(idpool.Reader) error {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if err := s.Update(ctx, put(1)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("in less time than a connection may take: %v", err)
		}
		return s.Update(t.Context(), put(1))
	})
	if idpool.KindOf(err) != idpool.Unavailable {
		t.Errorf("got %v, want Unavailable", err)
	}
}
