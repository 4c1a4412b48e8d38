package postgres

import (
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
