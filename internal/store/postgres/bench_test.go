package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"idpool/internal/idpool"
	"idpool/internal/store/postgres/pgtest"
)

// BenchmarkSignIn signs people in, durably, from 64 clients: new ones, and then
// the same again.
func BenchmarkSignIn(b *testing.B) {
	server := pgtest.New(b, "fsync=on", "full_page_writes=on", "shared_buffers=512MB")
	s := open(b, server.Schema(b))
	pool := idpool.Pool{ID: "eu-west-1:00000000-0000-4000-8000-000000000000", Account: account, Version: 1}
	if err := s.Update(b.Context(), func(w idpool.Writer) error { return w.CreatePool(b.Context(), pool) }); err != nil {
		b.Fatal(err)
	}
	run := func(b *testing.B, from int) {
		var next atomic.Int64
		var clients sync.WaitGroup
		b.ResetTimer()
		for range 64 {
			clients.Go(func() {
				for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
					now := time.Now()
					who := sha256.Sum256(fmt.Append(nil, from+int(n))) // subjects of providers have no order
					logins := []idpool.Login{{Provider: "accounts.example", Subject: hex.EncodeToString(who[:16])}}
					if _, _, err := idpool.SignIn(context.Background(), s, pool, logins, idpool.NewIdentityID("eu-west-1", now), now); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		clients.Wait()
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sign-ins/s")
	}
	people := 0
	b.Run("new", func(b *testing.B) { run(b, people); people += b.N })
	b.Run("returning", func(b *testing.B) { run(b, 0) })
}
