package idpool_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"idpool/internal/idpool"
)

// reads counts the views of a store.
type reads struct {
	idpool.Store
	views atomic.Int64
}

func (r *reads) View(ctx context.Context, fn func(idpool.Reader) error) error {
	r.views.Add(1)
	return r.Store.View(ctx, fn)
}

// TestChangesOfAnotherNode: what another node did is seen after MaxAge at the
// latest, and not asked for at every request.
func TestChangesOfAnotherNode(t *testing.T) {
	store := &reads{Store: openStore(t)}
	var now atomic.Int64 // milliseconds after start
	d := idpool.NewDirectory(store)
	d.MaxAge, d.Now = time.Second, func() time.Time { return start.Add(time.Duration(now.Load()) * time.Millisecond) }
	provider := idpool.OIDCProvider{Account: account, Name: "login.example.com", URL: "https://login.example.com", Created: start}
	kept := createPool(t, store, func(p *idpool.Pool) { p.OIDCProviderARNs = []string{provider.ARN()} })
	gone := createPool(t, store, func(p *idpool.Pool) { p.Created = start.Add(time.Second) })
	look := func() (name string, providers int, listed []string, goneErr error) {
		config, err := d.Pool(t.Context(), kept.ID)
		if err != nil {
			t.Fatal(err)
		}
		_, goneErr = d.Pool(t.Context(), gone.ID)
		for _, s := range listAll(t, d, 60) {
			listed = append(listed, s.Name)
		}
		return config.Name, len(config.OIDCProviders), listed, goneErr
	}
	look()
	kept.Name, kept.Version = "other", 2
	update(t, store, func(ctx context.Context, w idpool.Writer) error { // by another node: nobody tells
		if err := w.UpdatePool(ctx, kept); err != nil {
			return err
		}
		if err := w.PutOIDCProvider(ctx, provider); err != nil {
			return err
		}
		return w.DeletePool(ctx, gone.ID)
	})
	before := store.views.Load()
	now.Store(499)
	for range 10 {
		if name, providers, listed, err := look(); name != "pool" || providers != 0 || err != nil || len(listed) != 2 {
			t.Errorf("in the first half: %s, %d, %v, %q", name, providers, err, listed)
		}
	}
	if views := store.views.Load() - before; views != 0 {
		t.Errorf("%d reads in the first half", views)
	}
	now.Store(1000)
	if name, providers, listed, err := look(); name != "other" || providers != 1 || !idpool.IsNotFound(err) || !slices.Equal(listed, []string{"other"}) {
		t.Errorf("after MaxAge: %s, %d, %v, %q", name, providers, err, listed)
	}
	if pools, lists := d.Held(); pools != 1 || lists != 1 {
		t.Errorf("%d pools and %d listings are kept", pools, lists)
	}
	update(t, store, func(ctx context.Context, w idpool.Writer) error { return w.DeletePool(ctx, kept.ID) })
	now.Store(2000)
	if listed := listAll(t, d, 60); len(listed) != 0 {
		t.Errorf("listed: %v", listed)
	}
}

// TestOneRenews: in the second half of its life one of all who ask reads a
// pool again, and the others go on with what is held.
func TestOneRenews(t *testing.T) {
	store := &reads{Store: openStore(t)}
	var now atomic.Int64
	d := idpool.NewDirectory(store)
	d.MaxAge, d.Now = time.Second, func() time.Time { return start.Add(time.Duration(now.Load()) * time.Millisecond) }
	pool := createPool(t, store, nil)
	for round := range 5 {
		before := store.views.Load()
		var readers sync.WaitGroup
		for range 64 {
			readers.Go(func() {
				if _, err := d.Pool(t.Context(), pool.ID); err != nil {
					t.Error(err)
				}
			})
			if round == 0 {
				readers.Wait()
			}
		}
		readers.Wait()
		if views := store.views.Load() - before; views != 1 {
			t.Errorf("round %d: %d reads", round, views)
		}
		now.Add(600)
	}
}
