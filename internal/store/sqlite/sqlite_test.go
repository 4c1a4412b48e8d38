package sqlite

import (
	"path/filepath"
	"testing"

	"idpool/internal/idpool"
	"idpool/internal/store/storetest"
)

// open opens a database of the test's own.
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

func fresh(t testing.TB) string { return filepath.Join(t.TempDir(), "idpool.db") }

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) idpool.Store { return open(t, fresh(t)) })
}
