package storetest

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"idpool/internal/idpool"
)

var pools = []testCase{
	{"a pool comes back with every field", poolRoundTrip},
	{"what was never set is not what was set to nothing", neverSet},
	{"UpdatePool replaces everything", updatePool},
	{"UpdatePool with another version than the next is Changed", wrongVersion},
	{"of updates to one version one wins", oneWins},
	{"a pool that is there cannot be made again", poolTwice},
	{"pools are listed by creation time, then ID, for one account and region", listPools},
	{"DeletePool hides a pool at once and keeps its identities for later", deletePool},
	{"PurgeIdentities removes in batches and then lets go of the pool", purge},
}

func (s *suite) storedPool(id idpool.PoolID) (p idpool.Pool) {
	s.Helper()
	s.view(func(r idpool.Reader) (err error) {
		p, err = r.Pool(s.ctx, id)
		return err
	})
	return p
}

// poolRoundTrip stores a pool with everything, one with nothing, and one with
// each field alone.
func poolRoundTrip(s *suite) {
	key := func(p idpool.Pool) idpool.Pool {
		p.ID, p.Account, p.Version = idpool.NewPoolID(region), account, 1
		return p
	}
	full := filled[idpool.Pool]()
	samples := map[string]idpool.Pool{
		"all":  key(full),
		"none": key(idpool.Pool{Created: time.Time{}.UTC(), Modified: time.Time{}.UTC()}),
	}
	for i := range reflect.TypeFor[idpool.Pool]().NumField() {
		p := idpool.Pool{Created: epoch, Modified: epoch}
		reflect.ValueOf(&p).Elem().Field(i).Set(reflect.ValueOf(full).Field(i))
		samples[reflect.TypeFor[idpool.Pool]().Field(i).Name] = key(p)
	}
	s.update(func(w idpool.Writer) error {
		for name, p := range samples {
			if err := w.CreatePool(s.ctx, p); err != nil {
				return fmt.Errorf("create pool with %s: %w", name, err)
			}
		}
		return nil
	})
	for name, p := range samples {
		s.same("pool with "+name, s.storedPool(p.ID), p)
	}
}

func neverSet(s *suite) {
	yes, no := true, false
	for _, classic := range []*bool{nil, &yes, &no} {
		for _, roles := range []map[idpool.RoleType]string{nil, {}, {idpool.Authenticated: "arn"}} {
			p := newPool()
			p.AllowClassicFlow, p.Roles = classic, roles
			s.update(func(w idpool.Writer) error { return w.CreatePool(s.ctx, p) })
			s.same("created pool", s.storedPool(p.ID), p)

			other := s.pool() // was never set, and is changed to this
			other.AllowClassicFlow, other.Roles, other.Version = classic, roles, 2
			s.update(func(w idpool.Writer) error { return w.UpdatePool(s.ctx, other) })
			s.same("changed pool", s.storedPool(other.ID), other)
		}
	}
}

func updatePool(s *suite) {
	small, full := newPool(), filled[idpool.Pool]()
	full.ID, full.Account, full.Version, full.Created = small.ID, small.Account, 2, small.Created
	bystander := s.pool()
	s.update(func(w idpool.Writer) error { return w.CreatePool(s.ctx, small) })
	for version, p := range []idpool.Pool{full, small, full} {
		p.Version, p.Modified = int64(version+2), epoch.Add(time.Duration(version)*time.Hour)
		s.update(func(w idpool.Writer) error { return w.UpdatePool(s.ctx, p) })
		s.same("changed pool", s.storedPool(p.ID), p)
		s.view(func(r idpool.Reader) error {
			got, err := r.PoolVersion(s.ctx, p.ID)
			s.same("version", got, p.Version)
			list, err2 := r.Pools(s.ctx, p.Account, region)
			if !slices.Contains(list, idpool.PoolSummary{ID: p.ID, Name: p.Name, Created: p.Created}) {
				s.Errorf("the listing does not show %q: %v", p.Name, list)
			}
			if err == nil {
				err = err2
			}
			return err
		})
	}
	s.same("another pool", s.storedPool(bystander.ID), bystander)
}

func wrongVersion(s *suite) {
	p := s.pool()
	p.Version = 2
	s.update(func(w idpool.Writer) error { return w.UpdatePool(s.ctx, p) })
	for _, version := range []int64{-1, 0, 1, 2, 4, 1 << 40} {
		p := p
		p.Version, p.Name = version, "stale"
		s.refuse(idpool.Changed, func(w idpool.Writer) error { return w.UpdatePool(s.ctx, p) })
	}
	s.update(func(w idpool.Writer) error { return w.DeletePool(s.ctx, p.ID) })
	p.Version = 3
	s.refuse(idpool.NotFound, func(w idpool.Writer) error { return w.UpdatePool(s.ctx, p) })
}

func oneWins(s *suite) {
	pool := s.pool()
	for version := int64(2); version < 10; version++ {
		won := make(chan string, 16)
		together(16, func(n int) {
			p := pool
			p.Version, p.Name = version, fmt.Sprintf("%d by %d", version, n)
			switch err := s.store.Update(s.ctx, func(w idpool.Writer) error { return w.UpdatePool(s.ctx, p) }); {
			case err == nil:
				won <- p.Name
			case idpool.KindOf(err) != idpool.Changed:
				s.Errorf("got %v, want Changed", err)
			}
		})
		if len(won) != 1 {
			s.Fatalf("%d updates to version %d won", len(won), version)
		}
		s.same("name", s.storedPool(pool.ID).Name, <-won)
	}
}

func poolTwice(s *suite) {
	first := s.pool()
	before := s.everything()
	second := newPool()
	second.ID, second.Name = first.ID, "second"
	if err := s.store.Update(s.ctx, func(w idpool.Writer) error { return w.CreatePool(s.ctx, second) }); err == nil {
		s.Error("made twice")
	}
	s.same("everything", s.everything(), before)
}

func listPools(s *suite) {
	var want []idpool.PoolSummary
	for n := range 20 {
		p := newPool()
		p.Name = fmt.Sprint("pool ", n)
		p.Created = epoch.Add(time.Duration(n*7%5) * time.Millisecond) // four at a time
		s.update(func(w idpool.Writer) error { return w.CreatePool(s.ctx, p) })
		want = append(want, idpool.PoolSummary{ID: p.ID, Name: p.Name, Created: p.Created})
	}
	slices.SortFunc(want, func(a, b idpool.PoolSummary) int { return a.Cursor().Compare(b.Cursor()) })
	other, abroad := newPool(), newPool()
	other.Account, abroad.ID = "111111111111", idpool.NewPoolID("eu-west-2")
	s.update(func(w idpool.Writer) error {
		if err := w.CreatePool(s.ctx, other); err != nil {
			return err
		}
		return w.CreatePool(s.ctx, abroad)
	})
	for _, c := range []struct {
		account, region string
		want            []idpool.PoolSummary
	}{
		{account, region, want},
		{other.Account, region, []idpool.PoolSummary{{ID: other.ID, Name: other.Name, Created: epoch}}},
		{account, "eu-west-2", []idpool.PoolSummary{{ID: abroad.ID, Name: abroad.Name, Created: epoch}}},
		{other.Account, "eu-west-2", nil},
		{account, "eu-west-", nil},
		{"", "", nil},
	} {
		s.view(func(r idpool.Reader) error {
			got, err := r.Pools(s.ctx, c.account, c.region)
			s.same("pools of "+c.account+" in "+c.region, got, c.want)
			return err
		})
	}
}

func deletePool(s *suite) {
	pool, other := s.pool(), s.pool()
	i := s.identity(pool.ID, login("ann"))
	s.identity(other.ID, login("ann"))
	before := s.everything()
	s.update(func(w idpool.Writer) error {
		if err := w.DeletePool(s.ctx, pool.ID); err != nil {
			return err
		}
		if _, err := w.Pool(s.ctx, pool.ID); !idpool.IsNotFound(err) {
			s.Errorf("in the update that deletes it: %v", err)
		}
		return nil
	})
	s.view(func(r idpool.Reader) error {
		if _, err := r.Pool(s.ctx, pool.ID); !idpool.IsNotFound(err) {
			s.Errorf("Pool: got %v, want NotFound", err)
		}
		if _, err := r.PoolVersion(s.ctx, pool.ID); !idpool.IsNotFound(err) {
			s.Errorf("PoolVersion: got %v, want NotFound", err)
		}
		return nil
	})
	s.same("the identity", s.stored(i.ID), i)
	want := before // all but the pool
	delete(want.Pools, pool.ID)
	want.Deleted = []idpool.PoolID{pool.ID}
	s.same("everything", s.everything(), want)
	s.refuse(idpool.NotFound, func(w idpool.Writer) error { return w.DeletePool(s.ctx, pool.ID) })
}

func purge(s *suite) {
	for _, c := range []struct {
		identities, limit int
		batches           []int
	}{
		{0, 3, []int{0}},
		{2, 3, []int{2}},
		{6, 3, []int{3, 3, 0}},
		{7, 3, []int{3, 3, 1}},
		{7, 500, []int{7}},
	} {
		pool, other := s.pool(), s.pool()
		for n := range c.identities {
			s.identity(pool.ID, login(fmt.Sprint(n)), idpool.Login{Provider: "other.example", Subject: fmt.Sprint(n)})
			s.identity(other.ID, login(fmt.Sprint(n)))
		}
		if c.identities > 0 { // one without logins, too
			i := s.everything().Identities[s.owner(pool.ID, login("0"))]
			i.Logins, i.Disabled = nil, true
			s.update(func(w idpool.Writer) error { return w.UpdateIdentity(s.ctx, i) })
		}
		want := s.everything()
		s.update(func(w idpool.Writer) error { return w.DeletePool(s.ctx, pool.ID) })
		for n, batch := range c.batches {
			s.view(func(r idpool.Reader) error {
				left, err := r.DeletedPools(s.ctx)
				s.same("deleted pools", left, []idpool.PoolID{pool.ID})
				return err
			})
			s.update(func(w idpool.Writer) error {
				removed, err := w.PurgeIdentities(s.ctx, pool.ID, c.limit)
				s.same(fmt.Sprintf("%d by %d, batch %d", c.identities, c.limit, n), removed, batch)
				return err
			})
		}
		delete(want.Pools, pool.ID)
		for id, i := range want.Identities {
			if i.Pool == pool.ID {
				delete(want.Identities, id)
			}
		}
		for login, owner := range want.Owners {
			if _, stays := want.Identities[owner]; !stays {
				delete(want.Owners, login)
			}
		}
		s.same("everything", s.everything(), want)
		if owner := s.owner(pool.ID, login("1")); owner != "" {
			s.Errorf("a login of the pool still leads to %s", owner)
		}
	}
}
