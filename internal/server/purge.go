package server

import (
	"context"
	"log/slog"
	"time"

	"idpool/internal/idpool"
)

// Purger removes the rows of deleted pools, and guests whom nobody uses, in
// bounded batches, so that a pool of any size is deleted without holding
// anything up.
type Purger struct {
	Store idpool.Store
	Log   *slog.Logger
	// GuestMaxAge is after how long a guest nobody uses goes. Zero is never.
	GuestMaxAge time.Duration
	Now         func() time.Time // needed with GuestMaxAge only
	wake        chan struct{}
}

// NewPurger makes a purger. It does nothing until Run.
func NewPurger(store idpool.Store, log *slog.Logger) *Purger {
	return &Purger{Store: store, Log: log, wake: make(chan struct{}, 1)}
}

// Wake tells the purger that a pool was deleted. It never blocks.
func (p *Purger) Wake() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

const (
	purgeBatch = 500                   // identities in one transaction
	purgePause = 20 * time.Millisecond // between transactions, for everybody else
	purgeRetry = 30 * time.Second      // also finds what another node deleted
)

// Run removes rows until ctx ends.
func (p *Purger) Run(ctx context.Context) {
	for {
		if err := p.sweep(ctx); err != nil && ctx.Err() == nil {
			p.Log.Warn("remove what is deleted or expired", "cause", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-p.wake:
		case <-time.After(purgeRetry):
		}
	}
}

func (p *Purger) sweep(ctx context.Context) error {
	var pools []idpool.PoolID
	err := p.Store.View(ctx, func(r idpool.Reader) (err error) {
		pools, err = r.DeletedPools(ctx)
		return err
	})
	for i := 0; err == nil && i < len(pools); i++ {
		err = inBatches(ctx, func() (n int, err error) {
			err = p.Store.Update(ctx, func(w idpool.Writer) (err error) {
				n, err = w.PurgeIdentities(ctx, pools[i], purgeBatch)
				return err
			})
			return n, err
		})
	}
	if err != nil || p.GuestMaxAge <= 0 {
		return err
	}
	before := p.Now().Add(-p.GuestMaxAge)
	return inBatches(ctx, func() (int, error) { return idpool.ExpireGuests(ctx, p.Store, before, purgeBatch) })
}

// inBatches calls remove until it removes less than a batch, and lets everybody
// else at the store in between.
func inBatches(ctx context.Context, remove func() (int, error)) error {
	for {
		n, err := remove()
		if err != nil || n < purgeBatch {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(purgePause):
		}
	}
}
