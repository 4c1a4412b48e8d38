package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"idpool/internal/idpool"
	"idpool/internal/store"
	"idpool/internal/store/postgres/pgtest"
	"idpool/internal/store/storetest"
)

// open opens a database and closes it when the test ends.
func open(t testing.TB, address string) *Store {
	t.Helper()
	s, err := Open(t.Context(), address)
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
	storetest.Run(t, func(t *testing.T) idpool.Store { return open(t, pgtest.Database(t)) })
}

const account = "000000000000"

// put makes an update that puts one row.
func put(n int) func(idpool.Writer) error {
	return func(w idpool.Writer) error {
		return w.PutOIDCProvider(context.Background(), idpool.OIDCProvider{Account: account, Name: fmt.Sprintf("%06d.example", n)})
	}
}

// held tells which rows are there.
func held(ctx context.Context, s *Store) (map[int]bool, error) {
	rows := map[int]bool{}
	err := s.View(ctx, func(r idpool.Reader) error {
		list, err := r.OIDCProviders(ctx, account)
		for _, p := range list {
			var n int
			if _, err := fmt.Sscanf(p.Name, "%06d.example", &n); err != nil {
				return fmt.Errorf("row %q: %w", p.Name, err)
			}
			rows[n] = true
		}
		return err
	})
	return rows, err
}

// TestNeighbours: people whose names stand side by side in the index are in each
// other's way, because PostgreSQL notes reads by the page. On two nodes at once
// all of them get in, and each has one identity.
func TestNeighbours(t *testing.T) {
	t.Parallel()
	address := pgtest.Database(t)
	nodes := []*Store{open(t, address), open(t, address)}
	pool := idpool.Pool{ID: "eu-west-1:00000000-0000-4000-8000-000000000000", Account: account, Version: 1}
	if err := nodes[0].Update(t.Context(), func(w idpool.Writer) error { return w.CreatePool(t.Context(), pool) }); err != nil {
		t.Fatal(err)
	}
	const clients, each = 64, 3
	now := time.UnixMilli(1_800_000_000_000)
	var all sync.WaitGroup
	for client := range clients {
		all.Go(func() {
			for n := range each {
				person := []idpool.Login{{Provider: "a.example", Subject: fmt.Sprintf("person-%03d", n*clients+client)}}
				_, outcome, err := idpool.SignIn(t.Context(), nodes[client%2], pool, person, idpool.NewIdentityID("eu-west-1", now), now)
				if err != nil || outcome != idpool.Created {
					t.Errorf("%v: %s, %v", person, outcome, err)
				}
			}
		})
	}
	all.Wait()
	err := nodes[0].View(t.Context(), func(r idpool.Reader) error {
		list, err := r.Identities(t.Context(), pool.ID, "", 1000)
		if len(list) != clients*each {
			t.Errorf("%d identities of %d people", len(list), clients*each)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestViewCannotWrite: not even by going around its type.
func TestViewCannotWrite(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.Database(t))
	if err := s.View(t.Context(), func(r idpool.Reader) error { return put(1)(r.(store.Tx)) }); err == nil {
		t.Error("a view wrote")
	}
	if rows, err := held(t.Context(), s); len(rows) != 0 || err != nil {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

// TestPanic: the connection that a function had is free again, and nothing of
// what it did is kept.
func TestPanic(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.Database(t)+"&pool_max_conns=2")
	for n := range 6 {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic did not come through")
				}
			}()
			if n%2 == 0 {
				s.View(t.Context(), func(idpool.Reader) error { panic("on purpose") })
			} else {
				s.Update(t.Context(), func(w idpool.Writer) error { put(n)(w); panic("on purpose") })
			}
		}()
	}
	if rows, err := held(t.Context(), s); len(rows) != 0 || err != nil {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

// TestSwallowedFailure: an update whose function overlooks the failure of a
// statement is not reported as done.
func TestSwallowedFailure(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.Database(t))
	i := idpool.Identity{ID: "one", Pool: "p", Logins: []idpool.Login{{Provider: "a", Subject: "ann"}}}
	twice := func(read bool) error {
		return s.Update(t.Context(), func(w idpool.Writer) error {
			for range 2 {
				w.CreateIdentity(t.Context(), i)
				if read {
					w.Identity(t.Context(), i.ID)
				}
			}
			return nil
		})
	}
	for _, read := range []bool{false, true} {
		if err := twice(read); !errors.Is(err, store.ErrUnique) {
			t.Errorf("got %v", err)
		}
	}
	err := s.View(t.Context(), func(r idpool.Reader) error { _, err := r.Identity(t.Context(), i.ID); return err })
	if !idpool.IsNotFound(err) {
		t.Errorf("got %v", err)
	}
}
