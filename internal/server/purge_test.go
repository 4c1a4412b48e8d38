package server

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"idpool/internal/idpool"
	"idpool/internal/store/sqlite"
)

var start = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// fillPool makes a pool with guests, and with people who have a login each.
func fillPool(t *testing.T, store idpool.Store, guests, people int) idpool.PoolID {
	t.Helper()
	id := idpool.NewPoolID("us-east-1")
	err := store.Update(context.Background(), func(w idpool.Writer) error {
		ctx := context.Background()
		if err := w.CreatePool(ctx, idpool.Pool{ID: id, Account: "111122223333", Name: "pool", Version: 1, Created: start, Modified: start}); err != nil {
			return err
		}
		for n := range guests + people {
			i := idpool.Identity{ID: idpool.NewIdentityID("us-east-1", start), Pool: id, Created: start, Modified: start, Seen: start}
			if n >= guests {
				i.Logins = []idpool.Login{{Provider: "login.example.com", Subject: fmt.Sprint(n)}}
			}
			if err := w.CreateIdentity(ctx, i); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func deletePool(t *testing.T, store idpool.Store, id idpool.PoolID) {
	t.Helper()
	if err := store.Update(context.Background(), func(w idpool.Writer) error { return w.DeletePool(context.Background(), id) }); err != nil {
		t.Fatal(err)
	}
}

// count is how many identities a pool has left, and how many deleted pools
// there are.
func count(t *testing.T, store idpool.Store, id idpool.PoolID) (identities, deleted int) {
	t.Helper()
	err := store.View(context.Background(), func(r idpool.Reader) error {
		all, err := r.Identities(context.Background(), id, "", 1_000_000)
		if err != nil {
			return err
		}
		pools, err := r.DeletedPools(context.Background())
		identities, deleted = len(all), len(pools)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return identities, deleted
}

// watched is a store that looks at what each transaction did.
type watched struct {
	idpool.Store
	after func()
}

func (w watched) Update(ctx context.Context, fn func(idpool.Writer) error) error {
	defer w.after()
	return w.Store.Update(ctx, fn)
}

// TestPurge: the rows of deleted pools go, in batches, and no others.
func TestPurge(t *testing.T) {
	t.Parallel()
	store := openStore(t)
	big, small, empty, stays := fillPool(t, store, 480, 60), fillPool(t, store, 0, 3), fillPool(t, store, 0, 0), fillPool(t, store, 2, 2)
	for _, id := range []idpool.PoolID{big, small, empty} {
		deletePool(t, store, id)
	}
	left, transactions := 540, 0
	look := watched{store, func() {
		transactions++
		now, _ := count(t, store, big)
		if left-now > 500 || now > left {
			t.Errorf("one transaction removed %d identities", left-now)
		}
		left = now
	}}
	log := &lines{}
	if err := NewPurger(look, slog.New(slog.NewJSONHandler(log, nil))).sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if transactions != 4 { // 500, 40, 3, none
		t.Errorf("%d transactions", transactions)
	}
	for id, want := range map[idpool.PoolID]int{big: 0, small: 0, empty: 0, stays: 4} {
		if n, deleted := count(t, store, id); n != want || deleted != 0 {
			t.Errorf("%d identities are left, want %d; %d deleted pools", n, want, deleted)
		}
	}
	err := store.View(t.Context(), func(r idpool.Reader) error {
		_, err := r.IdentityByLogin(t.Context(), big, idpool.Login{Provider: "login.example.com", Subject: "530"})
		return err
	})
	if !idpool.IsNotFound(err) {
		t.Errorf("a login of a deleted pool: %v", err)
	}
	if log.String() != "" {
		t.Errorf("logged %s", log)
	}
}

// TestPurgeStops between two batches, and goes on where it was.
func TestPurgeStops(t *testing.T) {
	t.Parallel()
	store := openStore(t)
	id := fillPool(t, store, 510, 0)
	deletePool(t, store, id)
	ctx, stop := context.WithCancel(t.Context())
	NewPurger(watched{store, stop}, slog.New(slog.DiscardHandler)).Run(ctx)
	if n, deleted := count(t, store, id); n != 10 || deleted != 1 {
		t.Errorf("%d identities and %d deleted pools are left", n, deleted)
	}
	if err := NewPurger(store, slog.New(slog.DiscardHandler)).sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, deleted := count(t, store, id); n != 0 || deleted != 0 {
		t.Errorf("%d identities and %d deleted pools are left", n, deleted)
	}
}

// TestPurgeWakes: at once when it is told to, and now and then by itself, for
// what another node deleted.
func TestPurgeWakes(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		store, err := sqlite.Open(context.Background(), filepath.Join(dir, "idpool.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		told, untold := fillPool(t, store, 3, 0), fillPool(t, store, 3, 0)
		p := NewPurger(store, slog.New(slog.DiscardHandler))
		for range 1000 { // it blocks nobody, also before it runs
			p.Wake()
		}
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { p.Run(ctx); close(done) }()
		defer func() { stop(); <-done }()
		time.Sleep(time.Second)
		deletePool(t, store, told)
		p.Wake()
		time.Sleep(time.Second)
		if n, _ := count(t, store, told); n != 0 {
			t.Errorf("%d identities are left a second after it was told", n)
		}
		deletePool(t, store, untold)
		time.Sleep(purgeRetry + time.Second)
		if n, deleted := count(t, store, untold); n != 0 || deleted != 0 {
			t.Errorf("%d identities and %d deleted pools are left after a while", n, deleted)
		}
	})
}

// TestPurgeOutlivesFailures: a store that does not answer is a warning, and
// tried again.
func TestPurgeOutlivesFailures(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		store, err := sqlite.Open(context.Background(), filepath.Join(dir, "idpool.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		id := fillPool(t, store, 3, 0)
		deletePool(t, store, id)
		var down atomic.Bool
		down.Store(true)
		log := &lines{}
		p := NewPurger(flaky{store, &down}, slog.New(slog.NewJSONHandler(log, nil)))
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { p.Run(ctx); close(done) }()
		time.Sleep(2*purgeRetry + time.Second)
		if n := strings.Count(log.String(), `"level":"WARN","msg":"remove what is deleted or expired","cause":"The store does not answer."`); n != 3 {
			t.Errorf("%d warnings: %s", n, log)
		}
		down.Store(false)
		time.Sleep(purgeRetry)
		if n, deleted := count(t, store, id); n != 0 || deleted != 0 {
			t.Errorf("%d identities and %d deleted pools are left", n, deleted)
		}
		stop()
		<-done
		if n := strings.Count(log.String(), "\n"); n != 3 {
			t.Errorf("stopping is no failure: %s", log)
		}
	})
}

// flaky is a store that can be cut off.
type flaky struct {
	idpool.Store
	down *atomic.Bool
}

func (f flaky) View(ctx context.Context, fn func(idpool.Reader) error) error {
	if f.down.Load() {
		return idpool.Errorf(idpool.Unavailable, "The store does not answer.")
	}
	return f.Store.View(ctx, fn)
}

// TestPurgeGuests: guests whom nobody uses go, if that is wanted; people stay.
func TestPurgeGuests(t *testing.T) {
	t.Parallel()
	store := openStore(t)
	old := fillPool(t, store, 510, 3)
	purge := func(maxAge, after time.Duration) {
		t.Helper()
		p := NewPurger(store, slog.New(slog.DiscardHandler))
		p.GuestMaxAge, p.Now = maxAge, func() time.Time { return start.Add(after) }
		if err := p.sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		maxAge, after time.Duration
		left          int
	}{
		{0, 1000 * time.Hour, 513}, {time.Hour, time.Minute, 513}, {time.Hour, time.Hour, 513}, {time.Hour, 100 * time.Hour, 3},
	} {
		purge(c.maxAge, c.after)
		if n, _ := count(t, store, old); n != c.left {
			t.Errorf("at most %s old, after %s: %d are left, want %d", c.maxAge, c.after, n, c.left)
		}
	}
}
