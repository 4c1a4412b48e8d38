package idpool_test

import (
	"sync"
	"testing"

	"idpool/internal/idpool"
)

// What is made of a pool's configuration is the same for all who ask with one
// key, and is made anew once the pool has changed.
func TestDerive(t *testing.T) {
	store := openStore(t)
	p := createPool(t, store, func(p *idpool.Pool) { p.Name = "old" })
	d := idpool.NewDirectory(store)
	derive := func(key any) *string {
		config, err := d.Pool(t.Context(), p.ID)
		if err != nil {
			t.Error(err)
			return nil
		}
		return config.Derive(key, func() any { name := config.Name; return &name }).(*string)
	}
	first := derive("a")
	var asking sync.WaitGroup
	for range 8 {
		asking.Go(func() {
			if b := derive("b"); derive("a") != first || b == first || derive("b") != b {
				t.Error("keys do not tell apart what is made of a pool")
			}
		})
	}
	asking.Wait()
	err := store.Update(t.Context(), func(w idpool.Writer) error {
		changed := p.Clone()
		changed.Name, changed.Version = "new", p.Version+1
		return w.UpdatePool(t.Context(), changed)
	})
	if err != nil {
		t.Fatal(err)
	}
	if d.PoolChanged(t.Context(), p.Account, p.ID); *derive("a") != "new" || *first != "old" {
		t.Errorf("of the pool before and after its change: %s, %s", *first, *derive("a"))
	}
}
