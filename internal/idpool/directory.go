package idpool

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// PoolConfig is a pool with what its ARNs stand for. It is shared between
// requests: read only.
type PoolConfig struct {
	Pool
	// OIDCProviders are the IAM OIDC providers of the pool's own account that
	// the pool names, by provider name. One that does not exist is absent.
	OIDCProviders map[string]OIDCProvider

	age     age
	derived sync.Map // as in Derive
}

// Derive returns what derive makes of the configuration. It is made when it is
// first asked for, and kept with this version of the pool under the key, which
// is of whoever asks.
func (c *PoolConfig) Derive(key any, derive func() any) any {
	made, ok := c.derived.Load(key)
	if !ok {
		made, _ = c.derived.LoadOrStore(key, derive())
	}
	return made
}

// Directory keeps the configuration of pools in memory, so that a request
// reads it without asking the store, and a listing does not read 60 rows.
//
// Whoever changes a pool or a provider calls PoolChanged or ProvidersChanged
// after the transaction and before it answers. The directory then reads the
// store again, one change at a time, so what it holds is never older than the
// last change that was answered.
//
// Where other nodes work on the store too, nobody tells of their changes: what
// is held is then read again before it is older than MaxAge.
type Directory struct {
	MaxAge time.Duration    // zero: the store is this node's alone
	Now    func() time.Time // needed with MaxAge only

	store Store

	hits, misses atomic.Uint64

	mu      sync.RWMutex // read-locked from when the store is read until that is held; locked by who changed it
	configs sync.Map     // PoolID → *PoolConfig
	lists   sync.Map     // listKey → *listing
}

type listKey struct{ account, region string }

// listing is what is held of one account and region. Readers hold pages of it,
// so it is never changed.
type listing struct {
	pools []PoolSummary
	age   age
}

// age is when something was read, and whether somebody reads it again.
type age struct {
	read     time.Time
	renewing atomic.Bool
}

// good reports whether what is held may be served. Of those who ask in the second
// half of its life one is told no, and reads it again while the others go on
// with it.
func (d *Directory) good(a *age) bool {
	if d.MaxAge == 0 {
		return true
	}
	old := d.Now().Sub(a.read)
	return old < d.MaxAge/2 || old < d.MaxAge && !a.renewing.CompareAndSwap(false, true)
}

func (d *Directory) now() (t time.Time) {
	if d.MaxAge > 0 {
		t = d.Now()
	}
	return t
}

// NewDirectory returns an empty directory over the store.
func NewDirectory(store Store) *Directory { return &Directory{store: store} }

// Pool returns a pool's configuration. A missing pool is NotFound.
func (d *Directory) Pool(ctx context.Context, id PoolID) (*PoolConfig, error) {
	if c, ok := d.configs.Load(id); ok && d.good(&c.(*PoolConfig).age) {
		d.hits.Add(1)
		return c.(*PoolConfig), nil
	}
	d.misses.Add(1)
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.load(ctx, id)
}

// Lookups counts the pools that were held when they were asked for, and those
// that were not.
func (d *Directory) Lookups() (hits, misses uint64) { return d.hits.Load(), d.misses.Load() }

// Pools returns up to limit pools of the account and region that follow the
// place, and whether there are more.
func (d *Directory) Pools(ctx context.Context, account, region string, after PoolCursor, limit int) (page []PoolSummary, more bool, err error) {
	list, err := d.list(ctx, listKey{account, region})
	if err != nil {
		return nil, false, err
	}
	start, found := slices.BinarySearchFunc(list, after, func(s PoolSummary, c PoolCursor) int { return s.Cursor().Compare(c) })
	if found {
		start++
	}
	rest := list[start:]
	if len(rest) > limit {
		return rest[:limit], true, nil
	}
	return rest, false, nil
}

// CountPools returns how many pools the account has in the region.
func (d *Directory) CountPools(ctx context.Context, account, region string) (int, error) {
	list, err := d.list(ctx, listKey{account, region})
	return len(list), err
}

// PoolChanged brings one pool up to date after it was created, changed or
// deleted. If the store cannot be read the pool is forgotten, and the next
// reader asks the store.
func (d *Directory) PoolChanged(ctx context.Context, account string, id PoolID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.configs.Delete(id)
	held, ok := d.lists.Load(listKey{account, id.Region()})
	config, err := d.load(ctx, id)
	if !ok {
		return
	}
	if err != nil && !IsNotFound(err) {
		d.lists.Delete(listKey{account, id.Region()})
		return
	}
	old := held.(*listing)
	at := slices.IndexFunc(old.pools, func(s PoolSummary) bool { return s.ID == id })
	fresh := slices.Clone(old.pools)
	if at >= 0 {
		fresh = slices.Delete(fresh, at, at+1)
	}
	if err == nil {
		s := PoolSummary{ID: id, Name: config.Name, Created: config.Created}
		to, _ := slices.BinarySearchFunc(fresh, s.Cursor(), func(s PoolSummary, c PoolCursor) int { return s.Cursor().Compare(c) })
		fresh = slices.Insert(fresh, to, s)
	}
	if len(fresh) == 0 {
		d.lists.Delete(listKey{account, id.Region()})
		return
	}
	d.lists.Store(listKey{account, id.Region()}, &listing{pools: fresh, age: age{read: old.age.read}})
}

// ProvidersChanged forgets the pools of an account after one of its IAM
// providers was created, changed or deleted.
func (d *Directory) ProvidersChanged(account string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.configs.Range(func(id, c any) bool {
		if c.(*PoolConfig).Account == account {
			d.configs.Delete(id)
		}
		return true
	})
}

// load reads a pool from the store; d.mu is held.
func (d *Directory) load(ctx context.Context, id PoolID) (*PoolConfig, error) {
	id = PoolID(strings.Clone(string(id))) // it is kept, and may be a part of a request's body
	var config *PoolConfig
	read := d.now()
	err := d.store.View(ctx, func(r Reader) error {
		pool, err := r.Pool(ctx, id)
		if err != nil {
			return err
		}
		config = &PoolConfig{Pool: pool, OIDCProviders: map[string]OIDCProvider{}}
		for _, arn := range pool.OIDCProviderARNs {
			account, name, ok := ParseProviderARN(arn)
			if !ok || account != pool.Account {
				continue // accepted at creation, as at AWS; trusted for nothing
			}
			p, err := r.OIDCProvider(ctx, account, name)
			if IsNotFound(err) {
				continue
			}
			if err != nil {
				return err
			}
			config.OIDCProviders[name] = p
		}
		return nil
	})
	if IsNotFound(err) {
		d.configs.Delete(id) // another node deleted it
	}
	if err != nil {
		return nil, err
	}
	config.age.read = read
	d.configs.Store(id, config)
	return config, nil
}

func (d *Directory) list(ctx context.Context, key listKey) ([]PoolSummary, error) {
	if held, ok := d.lists.Load(key); ok && d.good(&held.(*listing).age) {
		return held.(*listing).pools, nil
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	fresh := &listing{age: age{read: d.now()}}
	err := d.store.View(ctx, func(r Reader) (err error) {
		fresh.pools, err = r.Pools(ctx, key.account, key.region)
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case len(fresh.pools) == 0: // any region can be asked for: nothing is kept of an empty one
		d.lists.Delete(key)
	default:
		d.lists.Store(key, fresh)
	}
	return fresh.pools, nil
}
