package idpool

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
)

// PoolConfig is a pool with what its ARNs stand for. It is shared between
// requests: read only.
type PoolConfig struct {
	Pool
	// OIDCProviders are the IAM OIDC providers of the pool's own account that
	// the pool names, by provider name. One that does not exist is absent.
	OIDCProviders map[string]OIDCProvider
	// SAMLProviders are its SAML providers, by the ARN that the pool has.
	SAMLProviders map[string]SAMLProvider
}

// Directory keeps the configuration of pools in memory, so that a request
// reads it without asking the store, and a listing does not read 60 rows.
//
// Whoever changes a pool or a provider calls PoolChanged or ProvidersChanged
// after the transaction and before it answers. The directory then reads the
// store again, one change at a time, so what it holds is never older than the
// last change that was answered.
type Directory struct {
	store Store

	mu      sync.Mutex // held while the store is read, so that the last read wins
	configs sync.Map   // PoolID → *PoolConfig
	lists   sync.Map   // listKey → *atomic.Pointer[[]PoolSummary]
}

type listKey struct{ account, region string }

// NewDirectory returns an empty directory over the store.
func NewDirectory(store Store) *Directory { return &Directory{store: store} }

// Pool returns a pool's configuration. A missing pool is NotFound.
func (d *Directory) Pool(ctx context.Context, id PoolID) (*PoolConfig, error) {
	if c, ok := d.configs.Load(id); ok {
		return c.(*PoolConfig), nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.load(ctx, id)
}

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
	list := held.(*atomic.Pointer[[]PoolSummary])
	if err != nil && !IsNotFound(err) {
		d.lists.Delete(listKey{account, id.Region()})
		return
	}
	old := *list.Load()
	at := slices.IndexFunc(old, func(s PoolSummary) bool { return s.ID == id })
	fresh := slices.Clone(old) // readers hold pages of the old one
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
	list.Store(&fresh)
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
	if c, ok := d.configs.Load(id); ok { // somebody else was first
		return c.(*PoolConfig), nil
	}
	var config *PoolConfig
	err := d.store.View(ctx, func(r Reader) error {
		pool, err := r.Pool(ctx, id)
		if err != nil {
			return err
		}
		config = &PoolConfig{Pool: pool, OIDCProviders: map[string]OIDCProvider{}, SAMLProviders: map[string]SAMLProvider{}}
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
		for _, arn := range pool.SAMLProviderARNs {
			p, err := SAMLProviderByARN(ctx, r, pool.Account, arn)
			if IsNotFound(err) {
				continue // it was deleted
			}
			if err != nil {
				return err
			}
			config.SAMLProviders[arn] = p
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	d.configs.Store(id, config)
	return config, nil
}

func (d *Directory) list(ctx context.Context, key listKey) ([]PoolSummary, error) {
	if held, ok := d.lists.Load(key); ok {
		return *held.(*atomic.Pointer[[]PoolSummary]).Load(), nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if held, ok := d.lists.Load(key); ok {
		return *held.(*atomic.Pointer[[]PoolSummary]).Load(), nil
	}
	var list []PoolSummary
	err := d.store.View(ctx, func(r Reader) (err error) {
		list, err = r.Pools(ctx, key.account, key.region)
		return err
	})
	if err != nil || len(list) == 0 { // any region can be asked for: nothing is kept of an empty one
		return nil, err
	}
	held := &atomic.Pointer[[]PoolSummary]{}
	held.Store(&list)
	d.lists.Store(key, held)
	return list, nil
}
