package bench

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"idpool/internal/idpool"
	"idpool/internal/store/sqlite"
)

// rawInserts is how fast the store takes new identities with a login each,
// from as many clients, with nothing around it.
func (b *bench) rawInserts(ctx context.Context, count int) (Measure, error) {
	s, err := b.openAside(ctx)
	if err != nil {
		return Measure{}, err
	}
	defer s.Close()
	now := time.Now().UTC().Truncate(time.Millisecond)
	pool := idpool.Pool{ID: idpool.NewPoolID(region), Account: account, Name: "raw", Version: 1, Created: now, Modified: now}
	if err := s.Update(ctx, func(w idpool.Writer) error { return w.CreatePool(ctx, pool) }); err != nil {
		return Measure{}, err
	}
	begun, cpu := time.Now(), ownCPU()
	err = each(ctx, b.Clients, count, func(i int) error {
		identity := newIdentity(pool.ID, subject(i))
		return s.Update(ctx, func(w idpool.Writer) error { return w.CreateIdentity(ctx, identity) })
	})
	return Measure{PerSecond: float64(count) / time.Since(begun).Seconds(), Requests: count, CPU: (ownCPU() - cpu) / float64(count)}, err
}

// openAside opens a store beside the server's: a new embedded one, or the
// database that the server works on.
func (b *bench) openAside(ctx context.Context) (idpool.Store, error) {
	if b.db != nil {
		return b.open(ctx)
	}
	b.aside++
	return sqlite.Open(ctx, filepath.Join(b.Data, fmt.Sprintf("raw%d.db", b.aside)))
}
