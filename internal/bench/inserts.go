package bench

import (
	"context"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"time"

	"idpool/internal/idpool"
	"idpool/internal/store/sqlite"
)

// rawInserts is how fast the store takes new identities with a login each,
// from as many clients, with nothing around it.
func (b *bench) rawInserts(ctx context.Context, round, count int) (Measure, error) {
	store, err := sqlite.Open(ctx, filepath.Join(b.Data, fmt.Sprintf("raw%d.db", round)))
	if err != nil {
		return Measure{}, err
	}
	defer store.Close()
	now := time.Now().UTC().Truncate(time.Millisecond)
	pool := idpool.Pool{ID: idpool.NewPoolID(region), Account: account, Name: "raw", Version: 1, Created: now, Modified: now}
	if err := store.Update(ctx, func(w idpool.Writer) error { return w.CreatePool(ctx, pool) }); err != nil {
		return Measure{}, err
	}
	begun, cpu := time.Now(), ownCPU()
	err = each(ctx, b.Clients, count, func(i int) error {
		identity := newIdentity(pool.ID, subject(i))
		return store.Update(ctx, func(w idpool.Writer) error { return w.CreateIdentity(ctx, identity) })
	})
	return Measure{PerSecond: float64(count) / time.Since(begun).Seconds(), Requests: count, CPU: (ownCPU() - cpu) / float64(count)}, err
}

func newIdentity(pool idpool.PoolID, subject string) idpool.Identity {
	at := time.Now().UTC().Truncate(time.Millisecond)
	return idpool.Identity{ID: idpool.NewIdentityID(region, at), Pool: pool, Created: at, Modified: at,
		Logins: []idpool.Login{{Provider: Provider, Subject: subject}}}
}

// fill puts identities of the bench's pool into the store, while no server
// works on it.
func (b *bench) fill(ctx context.Context) error {
	store, err := sqlite.Open(ctx, filepath.Join(b.folder(), StoreFile))
	if err != nil {
		return err
	}
	const batch = 1000
	var made atomic.Int64
	err = each(ctx, 4, (b.Identities+batch-1)/batch, func(i int) error {
		identities := make([]idpool.Identity, min(batch, b.Identities-i*batch))
		for j := range identities {
			identities[j] = newIdentity(idpool.PoolID(b.world.pool), subject(-1-i*batch-j))
		}
		b.Progress("fill the store", int(made.Add(int64(len(identities)))), b.Identities)
		return store.Update(ctx, func(w idpool.Writer) error {
			for _, identity := range identities {
				if err := w.CreateIdentity(ctx, identity); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if closed := store.Close(); err == nil {
		err = closed
	}
	return err
}
