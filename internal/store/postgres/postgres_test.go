package postgres

import (
	"context"
	"fmt"
	"testing"

	"idpool/internal/idpool"
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
