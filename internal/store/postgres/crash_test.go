package postgres

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"idpool/internal/idpool"
	"idpool/internal/store/postgres/pgtest"
)

// crowd are people who sign in, each until it is answered, as clients do, and
// what they were told.
type crowd struct {
	*testing.T
	store             *Store
	pool              idpool.Pool
	answered, refused atomic.Int64
	over              atomic.Bool
	all               sync.WaitGroup
	ids               [16]map[string]idpool.IdentityID // by client
}

func newCrowd(t *testing.T, s *Store) *crowd {
	t.Helper()
	c := &crowd{T: t, store: s, pool: idpool.Pool{ID: "eu-west-1:00000000-0000-4000-8000-000000000000", Account: account, Version: 1}}
	if err := s.Update(t.Context(), func(w idpool.Writer) error { return w.CreatePool(t.Context(), c.pool) }); err != nil {
		t.Fatal(err)
	}
	for client := range c.ids {
		c.ids[client] = map[string]idpool.IdentityID{}
		c.all.Go(func() {
			for n := 0; !c.over.Load() && !t.Failed(); n++ {
				who := fmt.Sprintf("%d-%d", client/2, n) // two clients for each person
				for c.ids[client][who] == "" && !t.Failed() {
					c.signIn(client, who)
				}
			}
		})
	}
	return c
}

func person(who string) []idpool.Login { return []idpool.Login{{Provider: "a.example", Subject: who}} }

func (c *crowd) signIn(client int, who string) {
	now := time.UnixMilli(1_800_000_000_000)
	i, _, err := idpool.SignIn(context.Background(), c.store, c.pool, person(who), idpool.NewIdentityID("eu-west-1", now), now)
	switch {
	case err == nil:
		c.ids[client][who] = i.ID
		c.answered.Add(1)
	case idpool.KindOf(err) == idpool.Unavailable:
		c.refused.Add(1)
		time.Sleep(5 * time.Millisecond)
	default:
		c.Errorf("%s: %v", who, err)
	}
}

// await waits until so many more were answered, or refused.
func (c *crowd) await(count *atomic.Int64, more int64) {
	for target := count.Load() + more; count.Load() < target && !c.Failed(); {
		time.Sleep(time.Millisecond)
	}
}

// check ends the storm and compares what is there with what was told: nothing is
// lost, and nobody has two identities.
func (c *crowd) check() {
	c.Helper()
	c.over.Store(true)
	c.all.Wait()
	people := map[string]idpool.IdentityID{}
	for _, told := range c.ids {
		for who, id := range told {
			if other, ok := people[who]; ok && other != id {
				c.Errorf("%s was told %s and %s", who, other, id)
			}
			people[who] = id
		}
	}
	err := c.store.View(c.Context(), func(r idpool.Reader) error {
		for who, id := range people {
			i, err := r.IdentityByLogin(c.Context(), c.pool.ID, person(who)[0])
			if err != nil {
				return fmt.Errorf("%s was told %s: %w", who, id, err)
			}
			if i.ID != id {
				c.Errorf("%s was told %s, and is %s", who, id, i.ID)
			}
		}
		list, err := r.Identities(c.Context(), c.pool.ID, "", 1_000_000)
		if err == nil && len(list) != len(people) {
			c.Errorf("%d identities of %d people", len(list), len(people))
		}
		return err
	})
	if err != nil {
		c.Error(err)
	}
	c.Logf("%d people answered, %d times refused", len(people), c.refused.Load())
}

// TestDatabaseCrash kills the database again and again while people sign in.
func TestDatabaseCrash(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t)
	c := newCrowd(t, open(t, server.Schema(t)))
	for range 3 {
		c.await(&c.answered, 40)
		server.Stop(t)
		c.await(&c.refused, 16)
		server.Start(t)
	}
	c.check()
}

// TestFailover kills the primary while people sign in, and promotes its standby:
// what was answered is there, too, and the connections find it by themselves.
func TestFailover(t *testing.T) {
	t.Parallel()
	primary := pgtest.New(t)
	address := primary.Schema(t)
	standby := primary.Standby(t)
	one := fmt.Sprintf("127.0.0.1:%d", primary.Port)
	both := strings.Replace(address, one, fmt.Sprintf("%s,127.0.0.1:%d", one, standby.Port), 1)
	c := newCrowd(t, open(t, both+"&target_session_attrs=read-write"))
	c.await(&c.answered, 100)
	primary.Stop(t)
	c.await(&c.refused, 16)
	standby.Promote(t)
	c.await(&c.answered, 100)
	c.check()
}
