package sqlite

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"idpool/internal/idpool"
)

// BenchmarkReturning is the one read that a returning person costs.
func BenchmarkReturning(b *testing.B) {
	s, err := Open(b.Context(), filepath.Join(b.TempDir(), "idpool.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	const pool = idpool.PoolID("us-east-1:12345678-dead-beef-cafe-123456790abc")
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	login := func(n int) idpool.Login {
		return idpool.Login{Provider: "login.example.com", Subject: fmt.Sprint("person ", n)}
	}
	const people = 2000
	err = s.Update(b.Context(), func(w idpool.Writer) error {
		for n := range people {
			i := idpool.Identity{ID: idpool.NewIdentityID("us-east-1", at), Pool: pool, Created: at, Modified: at, Logins: []idpool.Login{login(n)}}
			if err := w.CreateIdentity(b.Context(), i); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		err := s.View(b.Context(), func(r idpool.Reader) error {
			_, err := r.IdentityByLogin(b.Context(), pool, login(n%people))
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
