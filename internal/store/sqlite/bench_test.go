package sqlite

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
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
			_, err := r.LoginOwner(b.Context(), pool, login(n%people))
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkNew makes identities with a login, durably, alone and from 64 clients
// that share commits: bare, and as the rule by which a new person signs in.
func BenchmarkNew(b *testing.B) {
	ctx := context.Background()
	pool := idpool.Pool{ID: "eu-west-1:00000000-0000-4000-8000-000000000000", Account: account, Version: 1}
	ways := map[string]func(s *Store, fresh idpool.IdentityID, l idpool.Login, now time.Time) error{
		"bare": func(s *Store, fresh idpool.IdentityID, l idpool.Login, now time.Time) error {
			i := idpool.Identity{ID: fresh, Pool: pool.ID, Logins: []idpool.Login{l}, Created: now, Modified: now}
			return s.Update(ctx, func(w idpool.Writer) error { return w.CreateIdentity(ctx, i) })
		},
		"sign-in": func(s *Store, fresh idpool.IdentityID, l idpool.Login, now time.Time) error {
			_, _, err := idpool.SignIn(ctx, s, pool, []idpool.Login{l}, fresh, now)
			return err
		},
	}
	for _, clients := range []int{1, 64} {
		for _, way := range []string{"bare", "sign-in"} {
			b.Run(fmt.Sprintf("%s/clients=%d", way, clients), func(b *testing.B) {
				s := open(b, fresh(b))
				if err := s.Update(ctx, func(w idpool.Writer) error { return w.CreatePool(ctx, pool) }); err != nil {
					b.Fatal(err)
				}
				var left atomic.Int64
				left.Store(int64(b.N))
				var all sync.WaitGroup
				commits, cpu := s.commits.Load(), processorTime(b)
				b.ReportAllocs()
				b.ResetTimer()
				for range clients {
					all.Go(func() {
						for n := left.Add(-1); n >= 0; n = left.Add(-1) {
							now := time.Now()
							l := idpool.Login{Provider: "accounts.example", Subject: fmt.Sprint("subject-", n)}
							if err := ways[way](s, idpool.NewIdentityID("eu-west-1", now), l, now); err != nil {
								b.Error(err)
							}
						}
					})
				}
				all.Wait()
				b.StopTimer()
				b.ReportMetric(float64((processorTime(b)-cpu).Nanoseconds())/1e3/float64(b.N), "cpu-µs/op")
				b.ReportMetric(float64(b.N)/float64(s.commits.Load()-commits), "op/commit")
			})
		}
	}
}

// processorTime is what this process has used.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
