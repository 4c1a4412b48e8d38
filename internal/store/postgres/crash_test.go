package postgres

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"idpool/internal/idpool"
	"idpool/internal/store/postgres/pgtest"
)

// TestDatabaseCrash kills the database again and again while people sign in, each
// until it is answered, as clients do. What was answered is there afterwards,
// nobody has two identities, and all come in.
func TestDatabaseCrash(t *testing.T) {
	t.Parallel()
	const crashes, clients, answers = 3, 16, 40 // answers between two crashes, at least
	server := pgtest.New(t)
	s := open(t, server.Schema(t))
	pool := idpool.Pool{ID: "eu-west-1:00000000-0000-4000-8000-000000000000", Account: account, Version: 1}
	if err := s.Update(t.Context(), func(w idpool.Writer) error { return w.CreatePool(t.Context(), pool) }); err != nil {
		t.Fatal(err)
	}
	var answered, refused atomic.Int64
	var over atomic.Bool
	ids := make([]map[string]idpool.IdentityID, clients)
	now := time.UnixMilli(1_800_000_000_000)
	person := func(who string) []idpool.Login { return []idpool.Login{{Provider: "a.example", Subject: who}} }
	var all sync.WaitGroup
	for client := range clients {
		ids[client] = map[string]idpool.IdentityID{}
		all.Go(func() {
			for n := 0; !over.Load() && !t.Failed(); n++ {
				who := fmt.Sprintf("%d-%d", client/2, n) // two clients for each person
				for ids[client][who] == "" && !t.Failed() {
					i, _, err := idpool.SignIn(context.Background(), s, pool, person(who), idpool.NewIdentityID("eu-west-1", now), now)
					switch {
					case err == nil:
						ids[client][who] = i.ID
						answered.Add(1)
					case idpool.KindOf(err) == idpool.Unavailable:
						refused.Add(1)
						time.Sleep(5 * time.Millisecond)
					default:
						t.Errorf("%s: %v", who, err)
					}
				}
			}
		})
	}
	for range crashes {
		for target := answered.Load() + answers; answered.Load() < target && !t.Failed(); {
			time.Sleep(time.Millisecond)
		}
		server.Stop(t)
		for target := refused.Load() + clients; refused.Load() < target && !t.Failed(); {
			time.Sleep(time.Millisecond)
		}
		server.Start(t)
	}
	over.Store(true)
	all.Wait()
	people := map[string]idpool.IdentityID{}
	for _, told := range ids {
		for who, id := range told {
			if other, ok := people[who]; ok && other != id {
				t.Errorf("%s was told %s and %s", who, other, id)
			}
			people[who] = id
		}
	}
	err := s.View(t.Context(), func(r idpool.Reader) error {
		for who, id := range people {
			i, err := r.IdentityByLogin(t.Context(), pool.ID, person(who)[0])
			if err != nil || i.ID != id {
				t.Errorf("%s was told %s, and is %s, %v", who, id, i.ID, err)
			}
		}
		list, err := r.Identities(t.Context(), pool.ID, "", 1_000_000)
		if len(list) != len(people) {
			t.Errorf("%d identities of %d people", len(list), len(people))
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	t.Logf("%d people answered, %d times refused", len(people), refused.Load())
}
