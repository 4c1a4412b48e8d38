package idpool_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"idpool/internal/idpool"
)

// listAll reads a listing page by page.
func listAll(t testing.TB, d *idpool.Directory, limit int) []idpool.PoolSummary {
	t.Helper()
	var all []idpool.PoolSummary
	var at idpool.PoolCursor
	for {
		page, more, err := d.Pools(context.Background(), account, "us-east-1", at, limit)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) > limit || more && len(page) == 0 {
			t.Fatalf("a page of %d has %d pools, more = %t", limit, len(page), more)
		}
		all = append(all, page...)
		if !more {
			return all
		}
		at = page[len(page)-1].Cursor()
	}
}

func TestPagesOfAllSizes(t *testing.T) {
	store := openStore(t)
	var want []idpool.PoolSummary
	for i := range 30 { // three in each millisecond, so that IDs decide too
		p := createPool(t, store, func(p *idpool.Pool) {
			p.Name, p.Created = fmt.Sprint(i), start.Add(time.Duration(i/3)*time.Millisecond)
		})
		want = append(want, idpool.PoolSummary{ID: p.ID, Name: p.Name, Created: p.Created})
	}
	for _, other := range []idpool.Pool{{Account: "444455556666", ID: idpool.NewPoolID("us-east-1")}, {Account: account, ID: idpool.NewPoolID("us-west-2")}} {
		createPool(t, store, func(p *idpool.Pool) { p.Account, p.ID = other.Account, other.ID })
	}
	slices.SortFunc(want, func(a, b idpool.PoolSummary) int { return a.Cursor().Compare(b.Cursor()) })
	d := idpool.NewDirectory(store)
	for limit := 1; limit <= 31; limit++ {
		if got := listAll(t, d, limit); !reflect.DeepEqual(got, want) {
			t.Errorf("pages of %d: got %v, want %v", limit, got, want)
		}
	}
	if n, err := d.CountPools(t.Context(), account, "us-east-1"); n != 30 || err != nil {
		t.Errorf("CountPools = %d, %v", n, err)
	}
	// A place whose pool is gone is still a place.
	page, _, err := d.Pools(t.Context(), account, "us-east-1", idpool.PoolCursor{Created: want[10].Created.UnixMilli(), ID: want[10].ID + "x"}, 1)
	if err != nil || page[0] != want[11] {
		t.Errorf("after a place in between: %v, %v", page, err)
	}
}

// TestDirectoryUnderChanges has many change pools while others read. Whoever
// changed one sees it at once, and only as it is. Pools that stay are in every
// listing.
func TestDirectoryUnderChanges(t *testing.T) {
	t.Parallel()
	store := openStore(t)
	d := idpool.NewDirectory(store)
	stay := map[idpool.PoolID]bool{}
	for i := range 25 {
		p := createPool(t, store, func(p *idpool.Pool) { p.Created = start.Add(time.Duration(i) * time.Second) })
		stay[p.ID] = true
	}
	ctx, stop := context.WithCancel(t.Context())
	var readers, writers sync.WaitGroup
	for limit := range 4 {
		readers.Go(func() {
			for ctx.Err() == nil {
				all := listAll(t, d, 1+limit*7)
				seen := 0
				for i, s := range all {
					if i > 0 && all[i-1].Cursor().Compare(s.Cursor()) >= 0 {
						t.Errorf("%v stands before %v", all[i-1], s)
					}
					if stay[s.ID] {
						seen++
					}
					if c, err := d.Pool(ctx, s.ID); err == nil && c.ID != s.ID || err != nil && !idpool.IsNotFound(err) && ctx.Err() == nil {
						t.Errorf("pool %s: %v, %v", s.ID, c, err)
					}
				}
				if seen != len(stay) {
					t.Errorf("%d of %d pools that stay are listed", seen, len(stay))
				}
			}
		})
	}
	for range 8 {
		writers.Go(func() {
			p := idpool.Pool{ID: idpool.NewPoolID("us-east-1"), Account: account, Created: start.Add(time.Duration(rand.IntN(25)) * time.Second)}
			exists := false
			for range 15 {
				var change func(context.Context, idpool.Writer) error
				switch {
				case !exists:
					p.ID, p.Version = idpool.NewPoolID("us-east-1"), 1
					change = func(ctx context.Context, w idpool.Writer) error { return w.CreatePool(ctx, p) }
					exists = true
				case rand.IntN(3) > 0:
					p.Version++
					change = func(ctx context.Context, w idpool.Writer) error { return w.UpdatePool(ctx, p) }
				default:
					change = func(ctx context.Context, w idpool.Writer) error { return w.DeletePool(ctx, p.ID) }
					exists = false
				}
				p.Name = fmt.Sprint(p.Version)
				update(t, store, change)
				d.PoolChanged(context.Background(), account, p.ID)
				config, err := d.Pool(context.Background(), p.ID)
				if exists && (err != nil || config.Version != p.Version || config.Name != p.Name) || !exists && !idpool.IsNotFound(err) {
					t.Errorf("exists %t, version %d: the directory has %v, %v", exists, p.Version, config, err)
				}
				all := listAll(t, d, 60)
				at := slices.IndexFunc(all, func(s idpool.PoolSummary) bool { return s.ID == p.ID })
				if exists != (at >= 0) || exists && all[at].Name != p.Name {
					t.Errorf("exists %t, name %s: place %d of the listing", exists, p.Name, at)
				}
			}
		})
	}
	writers.Wait()
	stop()
	readers.Wait()
	if got, want := listAll(t, d, 60), listAll(t, idpool.NewDirectory(store), 60); !reflect.DeepEqual(got, want) {
		t.Errorf("in the end the directory lists %v, and the store %v", got, want)
	}
}

func TestWhatAReaderHoldsStaysAsItIs(t *testing.T) {
	store := openStore(t)
	d := idpool.NewDirectory(store)
	var pools []idpool.Pool
	for i := range 5 {
		pools = append(pools, createPool(t, store, func(p *idpool.Pool) { p.Created = start.Add(time.Duration(i) * time.Second) }))
	}
	page, _, err := d.Pools(t.Context(), account, "us-east-1", idpool.PoolCursor{}, 60)
	if err != nil {
		t.Fatal(err)
	}
	before := slices.Clone(page)
	config, err := d.Pool(t.Context(), pools[1].ID)
	if err != nil {
		t.Fatal(err)
	}
	update(t, store, func(ctx context.Context, w idpool.Writer) error {
		changed := pools[1].Clone()
		changed.Name, changed.Version = "other", 2
		if err := w.UpdatePool(ctx, changed); err != nil {
			return err
		}
		return w.DeletePool(ctx, pools[3].ID)
	})
	d.PoolChanged(t.Context(), account, pools[1].ID)
	d.PoolChanged(t.Context(), account, pools[3].ID)
	if !slices.Equal(page, before) || config.Name != "pool" {
		t.Errorf("the page became %v, the pool %q", page, config.Name)
	}
	if now := listAll(t, d, 60); len(now) != 4 || now[1].Name != "other" {
		t.Errorf("now listed: %v", now)
	}
}

// TestProvidersOfAPool follows one provider through its life while others read.
func TestProvidersOfAPool(t *testing.T) {
	t.Parallel()
	store := openStore(t)
	d := idpool.NewDirectory(store)
	const name = "login.example.com"
	foreign := idpool.OIDCProvider{Account: "444455556666", Name: "foreign.example.com", URL: "https://foreign.example.com", Created: start}
	update(t, store, func(ctx context.Context, w idpool.Writer) error { return w.PutOIDCProvider(ctx, foreign) })
	pool := createPool(t, store, func(p *idpool.Pool) {
		p.OIDCProviderARNs = []string{idpool.ProviderARN(account, name), foreign.ARN(), "no ARN at all"}
	})
	ctx, stop := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for ctx.Err() == nil {
				if _, err := d.Pool(context.Background(), pool.ID); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range 40 {
		want := map[string]idpool.OIDCProvider{}
		update(t, store, func(ctx context.Context, w idpool.Writer) error {
			if i%3 == 2 {
				return w.DeleteOIDCProvider(ctx, account, name)
			}
			p := idpool.OIDCProvider{Account: account, Name: name, URL: "https://" + name, ClientIDs: []string{fmt.Sprint(i)}, Created: start}
			want[name] = p
			return w.PutOIDCProvider(ctx, p)
		})
		d.ProvidersChanged(account)
		config, err := d.Pool(t.Context(), pool.ID)
		if err != nil || !reflect.DeepEqual(config.OIDCProviders, want) {
			t.Errorf("change %d: providers %v (%v), want %v", i, config, err, want)
		}
	}
	stop()
	readers.Wait()
	before, _ := d.Pool(t.Context(), pool.ID)
	d.ProvidersChanged("444455556666")
	if after, _ := d.Pool(t.Context(), pool.ID); after != before {
		t.Error("a provider of another account made the directory forget a pool of this one")
	}
}

// TestDirectoryWithoutAStore: what is in memory is served; what changed while
// the store could not be read is not served as it was.
func TestDirectoryWithoutAStore(t *testing.T) {
	store := openStore(t)
	d := idpool.NewDirectory(store)
	kept, changed, never := createPool(t, store, nil), createPool(t, store, nil), createPool(t, store, nil)
	for _, p := range []idpool.Pool{kept, changed} {
		if _, err := d.Pool(t.Context(), p.ID); err != nil {
			t.Fatal(err)
		}
	}
	if all := listAll(t, d, 60); len(all) != 3 {
		t.Fatalf("listed: %v", all)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if all := listAll(t, d, 60); len(all) != 3 {
		t.Errorf("listed without the store: %v", all)
	}
	d.PoolChanged(t.Context(), account, changed.ID)
	if _, err := d.Pool(t.Context(), kept.ID); err != nil {
		t.Errorf("a pool that did not change: %v", err)
	}
	for _, id := range []idpool.PoolID{changed.ID, never.ID} {
		_, err := d.Pool(t.Context(), id)
		wantError(t, err, idpool.Unavailable, "")
	}
	_, _, err := d.Pools(t.Context(), account, "us-east-1", idpool.PoolCursor{}, 60)
	wantError(t, err, idpool.Unavailable, "")
	_, err = d.CountPools(t.Context(), account, "us-east-1")
	wantError(t, err, idpool.Unavailable, "")
}

// A change whose client went away is not forgotten.
func TestChangeWithoutAClient(t *testing.T) {
	store := openStore(t)
	d := idpool.NewDirectory(store)
	pool := createPool(t, store, nil)
	if _, err := d.Pool(t.Context(), pool.ID); err != nil {
		t.Fatal(err)
	}
	listAll(t, d, 60)
	pool.Name, pool.Version = "other", 2
	update(t, store, func(ctx context.Context, w idpool.Writer) error { return w.UpdatePool(ctx, pool) })
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	d.PoolChanged(gone, account, pool.ID)
	if config, err := d.Pool(t.Context(), pool.ID); err != nil || config.Name != "other" {
		t.Errorf("got %v, %v", config, err)
	}
	if all := listAll(t, d, 60); len(all) != 1 || all[0].Name != "other" {
		t.Errorf("listed: %v", all)
	}
}

// Asking for what does not exist leaves nothing behind.
func TestDirectoryHoldsWhatExistsOnly(t *testing.T) {
	store := openStore(t)
	d := idpool.NewDirectory(store)
	pool := createPool(t, store, nil)
	for i := range 100 {
		region := fmt.Sprintf("us-east-%d", i)
		if _, err := d.Pool(t.Context(), idpool.NewPoolID(region)); !idpool.IsNotFound(err) {
			t.Fatal(err)
		}
		if _, _, err := d.Pools(t.Context(), account, region, idpool.PoolCursor{}, 60); err != nil {
			t.Fatal(err)
		}
	}
	if pools, lists := d.Held(); pools != 0 || lists != 1 {
		t.Errorf("%d pools and %d listings are kept", pools, lists)
	}
	if _, err := d.Pool(t.Context(), pool.ID); err != nil {
		t.Fatal(err)
	}
	update(t, store, func(ctx context.Context, w idpool.Writer) error { return w.DeletePool(ctx, pool.ID) })
	d.PoolChanged(t.Context(), account, pool.ID)
	if pools, lists := d.Held(); pools != 0 || lists != 0 {
		t.Errorf("after the last pool is deleted %d pools and %d listings are kept", pools, lists)
	}
}
