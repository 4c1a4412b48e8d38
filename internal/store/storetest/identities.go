package storetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"time"

	"pgregory.net/rapid"

	"idpool/internal/idpool"
)

var identities = []testCase{
	{"an identity comes back with every field and its logins in order", identityRoundTrip},
	{"UpdateIdentity replaces the row and the logins", updateIdentity},
	{"DeleteIdentity removes the logins too", deleteIdentity},
	{"a login of another identity is a Conflict and nothing changes", conflict},
	{"the same login in two pools, or at two providers, is two logins", separateLogins},
	{"a login moves to another identity in one update", moveLogin},
	{"an identity that is there cannot be made again", identityTwice},
	{"strings are kept and compared byte for byte", exactStrings},
	{"times come back in UTC with milliseconds", times},
	{"identities are listed by ID, page by page", paging},
	{"pages have no gap and no repeat while identities come and go", pagingUnderChange},
	{"guests are listed as idle while they are guests, those away longest first", idleGuests},
	{"any sequence of updates gives what a map would hold", likeAMap},
}

func identityRoundTrip(s *suite) {
	pool := s.pool()
	for n, logins := range [][]idpool.Login{
		nil,
		{login("ann")},
		{{Provider: "b", Subject: "1"}, {Provider: "a", Subject: "2"}, {Provider: "a", Subject: "1"}, {Provider: "B", Subject: "1"}, {Provider: "a.b", Subject: "1"}, {Provider: "a-b", Subject: "1"}},
		many(50),
	} {
		i := filled[idpool.Identity]()
		i.ID, i.Pool, i.Logins, i.Disabled = idpool.NewIdentityID(region, epoch), pool.ID, logins, n == 1
		s.update(func(w idpool.Writer) error { return w.CreateIdentity(s.ctx, i) })
		i = sound(i)
		s.same(fmt.Sprint("identity ", n), s.stored(i.ID), i)
		for _, l := range i.Logins {
			s.view(func(r idpool.Reader) error {
				got, err := r.IdentityByLogin(s.ctx, pool.ID, l)
				s.same(fmt.Sprintf("identity %d by login %v", n, l), got, i)
				return err
			})
		}
	}
}

func many(n int) (logins []idpool.Login) {
	for i := range n {
		logins = append(logins, idpool.Login{Provider: "many.example", Subject: fmt.Sprint(i)})
	}
	return logins
}

func updateIdentity(s *suite) {
	pool := s.pool()
	i, bystander := s.identity(pool.ID, login("ann")), s.identity(pool.ID, login("bob"))
	a, b, c := idpool.Login{Provider: "a", Subject: "1"}, idpool.Login{Provider: "b", Subject: "1"}, idpool.Login{Provider: "c", Subject: "1"}
	for n, change := range []idpool.Identity{
		{Logins: []idpool.Login{a, b}},
		{Logins: []idpool.Login{a, b, c}},
		{Logins: []idpool.Login{b, c}, MergedInto: bystander.ID},
		{Logins: nil, Disabled: true},
		{Logins: []idpool.Login{a}, Disabled: false}, // whether that may be is for the rules to say
		{Logins: []idpool.Login{{Provider: "a", Subject: "2"}}},
	} {
		change.ID, change.Pool, change.Created, change.Modified = i.ID, i.Pool, i.Created, epoch.Add(time.Duration(n)*time.Second)
		gone := slices.DeleteFunc(s.stored(i.ID).Logins, change.Has)
		s.update(func(w idpool.Writer) error { return w.UpdateIdentity(s.ctx, change) })
		s.same(fmt.Sprint("after change ", n), s.stored(i.ID), change)
		for _, l := range gone {
			if owner := s.owner(pool.ID, l); owner != "" {
				s.Errorf("after change %d: %v still leads to %s", n, l, owner)
			}
		}
	}
	s.same("another identity", s.stored(bystander.ID), bystander)
}

func deleteIdentity(s *suite) {
	pool := s.pool()
	i, guest, bystander := s.identity(pool.ID, many(3)...), s.identity(pool.ID), s.identity(pool.ID, login("bob"))
	for _, id := range []idpool.IdentityID{i.ID, guest.ID} {
		s.update(func(w idpool.Writer) error { return w.DeleteIdentity(s.ctx, id) })
		s.refuse(idpool.NotFound, func(w idpool.Writer) error { _, err := w.Identity(s.ctx, id); return err })
		s.refuse(idpool.NotFound, func(w idpool.Writer) error { return w.DeleteIdentity(s.ctx, id) })
	}
	if got := s.everything().Identities; len(got) != 1 || !reflect.DeepEqual(got[bystander.ID], bystander) {
		s.Errorf("what is left: %v", got)
	}
	again := s.identity(pool.ID, many(3)...) // the logins are free
	s.same("who has the login now", s.owner(pool.ID, again.Logins[0]), again.ID)
}

func conflict(s *suite) {
	pool := s.pool()
	ann, bob, guest := s.identity(pool.ID, many(3)...), s.identity(pool.ID, login("bob")), s.identity(pool.ID)
	for _, l := range ann.Logins {
		s.refuse(idpool.Conflict, func(w idpool.Writer) error { return w.CreateIdentity(s.ctx, newIdentity(pool.ID, login("new"), l)) })
		for _, i := range []idpool.Identity{bob, guest} {
			i.Logins = []idpool.Login{login("new"), l}
			i.Disabled, i.Modified = true, epoch.Add(time.Hour)
			s.refuse(idpool.Conflict, func(w idpool.Writer) error { return w.UpdateIdentity(s.ctx, i) })
		}
	}
	disabled := bob // a disabled identity holds on to a login like any other
	disabled.Disabled = true
	s.update(func(w idpool.Writer) error { return w.UpdateIdentity(s.ctx, disabled) })
	s.refuse(idpool.Conflict, func(w idpool.Writer) error { return w.CreateIdentity(s.ctx, newIdentity(pool.ID, login("bob"))) })
	first := newIdentity(pool.ID, login("twins"))
	s.refuse(idpool.Conflict, func(w idpool.Writer) error { // both in one update
		if err := w.CreateIdentity(s.ctx, first); err != nil {
			return err
		}
		return w.CreateIdentity(s.ctx, newIdentity(pool.ID, login("twins")))
	})
}

func separateLogins(s *suite) {
	one, two := s.pool(), s.pool()
	want := map[idpool.PoolID]map[idpool.Login]idpool.IdentityID{one.ID: {}, two.ID: {}}
	for id, owners := range want {
		for _, l := range []idpool.Login{login("ann"), login("bob"), {Provider: "other.example", Subject: "ann"}} {
			owners[l] = s.identity(id, l).ID
		}
	}
	for id, owners := range want {
		for l, owner := range owners {
			s.same(fmt.Sprintf("owner of %v in %s", l, id), s.owner(id, l), owner)
		}
	}
	// Provider and subject are not one string cut in two.
	s.identity(one.ID, idpool.Login{Provider: "x", Subject: "yz"})
	if owner := s.owner(one.ID, idpool.Login{Provider: "xy", Subject: "z"}); owner != "" {
		s.Errorf("xy z leads to %s", owner)
	}
}

func moveLogin(s *suite) {
	pool := s.pool()
	from, to := s.identity(pool.ID, many(3)...), s.identity(pool.ID, login("ann"))
	all := append(slices.Clone(from.Logins), to.Logins...)
	idpool.SortLogins(all)
	s.update(func(w idpool.Writer) error { // a merge
		from.Logins, from.Disabled, from.MergedInto = nil, true, to.ID
		if err := w.UpdateIdentity(s.ctx, from); err != nil {
			return err
		}
		to.Logins = all
		return w.UpdateIdentity(s.ctx, to)
	})
	s.same("the one merged away", s.stored(from.ID), from)
	s.same("the one that stays", s.stored(to.ID), to)
	for _, l := range all {
		s.same(fmt.Sprint("owner of ", l), s.owner(pool.ID, l), to.ID)
	}
	other := s.identity(pool.ID, login("bob"))
	s.update(func(w idpool.Writer) error { // two change places
		mine, theirs := to, other
		mine.Logins, theirs.Logins = nil, nil
		if err := errors.Join(w.UpdateIdentity(s.ctx, mine), w.UpdateIdentity(s.ctx, theirs)); err != nil {
			return err
		}
		mine.Logins, theirs.Logins = other.Logins, to.Logins
		return errors.Join(w.UpdateIdentity(s.ctx, mine), w.UpdateIdentity(s.ctx, theirs))
	})
	s.same("owner of bob", s.owner(pool.ID, login("bob")), to.ID)
	s.same("owner of ann", s.owner(pool.ID, login("ann")), other.ID)
}

func identityTwice(s *suite) {
	pool := s.pool()
	first := s.identity(pool.ID, login("ann"))
	before := s.everything()
	second := newIdentity(pool.ID, login("bob"))
	second.ID = first.ID
	if err := s.store.Update(s.ctx, func(w idpool.Writer) error { return w.CreateIdentity(s.ctx, second) }); err == nil {
		s.Error("made twice")
	}
	s.same("everything", s.everything(), before)
}

func exactStrings(s *suite) {
	pool := s.pool()
	subjects, providers := map[string]idpool.IdentityID{}, map[string]idpool.IdentityID{}
	named := map[string]idpool.PoolID{}
	s.update(func(w idpool.Writer) error {
		for _, text := range exact {
			a, b := newIdentity(pool.ID, login(text)), newIdentity(pool.ID, idpool.Login{Provider: "_" + text, Subject: "x"})
			subjects[text], providers[text] = a.ID, b.ID
			p := newPool()
			p.Name, p.DeveloperProviderName, p.Tags, p.OIDCProviderARNs = text, text, map[string]string{text: text}, []string{text}
			named[text] = p.ID
			err := errors.Join(w.CreateIdentity(s.ctx, a), w.CreateIdentity(s.ctx, b), w.CreatePool(s.ctx, p),
				w.PutOIDCProvider(s.ctx, idpool.OIDCProvider{Account: account, Name: text, URL: text, ClientIDs: []string{text}, Tags: map[string]string{text: text}, Created: epoch}))
			if err != nil {
				return fmt.Errorf("%q: %w", text, err)
			}
		}
		return nil
	})
	for _, text := range exact {
		s.same(fmt.Sprintf("owner of subject %q", text), s.owner(pool.ID, login(text)), subjects[text])
		s.same(fmt.Sprintf("logins of subject %q", text), s.stored(subjects[text]).Logins, []idpool.Login{login(text)})
		s.same(fmt.Sprintf("owner at provider %q", text), s.owner(pool.ID, idpool.Login{Provider: "_" + text, Subject: "x"}), providers[text])
		p := s.storedPool(named[text])
		s.same("pool", []any{p.Name, p.DeveloperProviderName, p.Tags, p.OIDCProviderARNs}, []any{text, text, map[string]string{text: text}, []string{text}})
		s.view(func(r idpool.Reader) error {
			got, err := r.OIDCProvider(s.ctx, account, text)
			s.same("provider", got, idpool.OIDCProvider{Account: account, Name: text, URL: text, ClientIDs: []string{text}, Tags: map[string]string{text: text}, Created: epoch})
			return err
		})
		for _, unknown := range []string{text + "z", "z" + text} {
			if owner := s.owner(pool.ID, login(unknown)); owner != "" {
				s.Errorf("%q leads to %s, who is %q", unknown, owner, text)
			}
		}
	}
	s.view(func(r idpool.Reader) error {
		list, err := r.OIDCProviders(s.ctx, account)
		names := []string{}
		for _, p := range list {
			names = append(names, p.Name)
		}
		want := slices.Sorted(slices.Values(exact))
		s.same("providers, in the order of their bytes", names, want)
		return err
	})
}

func times(s *suite) {
	pool := s.pool()
	for _, given := range []time.Time{
		epoch,
		epoch.Add(999_999), // not rounded up
		epoch.Add(time.Millisecond),
		epoch.In(time.FixedZone("", 5*3600+1800)),
		time.Date(2026, 3, 29, 1, 30, 0, 1, time.FixedZone("", 3600)),
		time.Unix(0, 0),
		time.Date(1969, 12, 31, 23, 59, 59, 999e6, time.UTC),
		time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC),
		{},
	} {
		want := given.UTC().Truncate(time.Millisecond)
		i, p := newIdentity(pool.ID), newPool()
		i.Created, i.Modified, i.Seen, p.Created, p.Modified = given, given, given, given, given
		provider := idpool.OIDCProvider{Account: account, Name: string(i.ID), Created: given}
		access := idpool.AccessKey{ID: string(i.ID), Account: account, Secret: []byte{1}, Created: given}
		signing := idpool.SigningKey{ID: string(i.ID), Private: []byte{1}, Certificate: []byte{1}, Created: given, UseFrom: given}
		s.update(func(w idpool.Writer) error {
			return errors.Join(w.CreateIdentity(s.ctx, i), w.CreatePool(s.ctx, p), w.PutOIDCProvider(s.ctx, provider), w.PutAccessKey(s.ctx, access), w.PutSigningKey(s.ctx, signing))
		})
		got, gotPool := s.stored(i.ID), s.storedPool(p.ID)
		all := []time.Time{got.Created, got.Modified, got.Seen, gotPool.Created, gotPool.Modified}
		s.view(func(r idpool.Reader) error {
			provider, err := r.OIDCProvider(s.ctx, account, string(i.ID))
			access, err2 := r.AccessKey(s.ctx, string(i.ID))
			keys, err3 := r.SigningKeys(s.ctx)
			for _, k := range keys {
				if k.ID == string(i.ID) {
					all = append(all, provider.Created, access.Created, k.Created, k.UseFrom)
				}
			}
			return errors.Join(err, err2, err3)
		})
		s.same(given.String(), all, slices.Repeat([]time.Time{want}, 9))
	}
}

// pages reads a pool page by page. between, if there is one, is called after
// each.
func (s *suite) pages(pool idpool.PoolID, limit int, between func()) (all []idpool.Identity) {
	s.Helper()
	var after idpool.IdentityID
	for {
		var page []idpool.Identity
		s.view(func(r idpool.Reader) (err error) {
			page, err = r.Identities(s.ctx, pool, after, limit)
			return err
		})
		if len(page) > limit || len(page) > 0 && page[0].ID <= after {
			s.Fatalf("a page of %d after %s has %d: %v", limit, after, len(page), page)
		}
		all = append(all, page...)
		if len(page) < limit {
			return all
		}
		after = page[len(page)-1].ID
		if between != nil {
			between()
		}
	}
}

func byID(a, b idpool.Identity) int { return cmp.Compare(a.ID, b.ID) }

func paging(s *suite) {
	pool, other := s.pool(), s.pool()
	var want []idpool.Identity
	s.update(func(w idpool.Writer) error {
		want = nil
		for n := range 23 {
			i := newIdentity(pool.ID, many(n)[n/2:]...) // several logins make several rows, and count once
			for j := range i.Logins {
				i.Logins[j].Provider = fmt.Sprint(n)
			}
			i.ID = idpool.NewIdentityID(region, epoch.Add(time.Duration(n*7%23)*time.Hour))
			i.Disabled = n%5 == 0
			want = append(want, sound(i))
			if err := errors.Join(w.CreateIdentity(s.ctx, i), w.CreateIdentity(s.ctx, newIdentity(other.ID, i.Logins...))); err != nil {
				return err
			}
		}
		return nil
	})
	slices.SortFunc(want, byID)
	for _, limit := range []int{1, 2, 3, 5, 22, 23, 24, 100} {
		s.same(fmt.Sprint("all, by ", limit), s.pages(pool.ID, limit, nil), want)
	}
	s.view(func(r idpool.Reader) error {
		for n, i := range want {
			got, err := r.Identities(s.ctx, pool.ID, i.ID+"!", 2) // after one that does not exist
			if err != nil {
				return err
			}
			s.same(fmt.Sprint("two after ", n), append([]idpool.Identity{}, got...), append([]idpool.Identity{}, want[n+1:min(n+3, len(want))]...))
		}
		for _, c := range []struct {
			pool  idpool.PoolID
			after idpool.IdentityID
		}{{pool.ID, "zz"}, {idpool.NewPoolID(region), ""}} {
			if got, err := r.Identities(s.ctx, c.pool, c.after, 5); err != nil || len(got) != 0 {
				s.Errorf("pool %s after %q: %d identities, %v", c.pool, c.after, len(got), err)
			}
		}
		return nil
	})
}

// pagingUnderChange reads page by page while others make and delete. Those who
// were there all the time are there once each.
func pagingUnderChange(s *suite) {
	pool := s.pool()
	var stay []idpool.IdentityID
	s.update(func(w idpool.Writer) error {
		stay = nil
		for n := range 60 {
			i := newIdentity(pool.ID, login(fmt.Sprint(n)))
			i.ID = idpool.NewIdentityID(region, epoch.Add(time.Duration(n)*time.Hour))
			stay = append(stay, i.ID)
			if err := w.CreateIdentity(s.ctx, i); err != nil {
				return err
			}
		}
		return nil
	})
	var passing []idpool.IdentityID
	come := func() { // anywhere between those who stay
		i := newIdentity(pool.ID)
		i.ID = idpool.NewIdentityID(region, epoch.Add(time.Duration(rand.IntN(60*60))*time.Minute))
		passing = append(passing, i.ID)
		s.update(func(w idpool.Writer) error { return w.CreateIdentity(s.ctx, i) })
	}
	for _, limit := range []int{1, 7, 25} {
		got := s.pages(pool.ID, limit, func() {
			come()
			come()
			s.update(func(w idpool.Writer) error { return w.DeleteIdentity(s.ctx, passing[0]) })
			passing = passing[1:]
		})
		if !slices.IsSortedFunc(got, byID) {
			s.Errorf("by %d: not in order", limit)
		}
		seen := map[idpool.IdentityID]int{}
		for _, i := range got {
			if seen[i.ID]++; seen[i.ID] > 1 {
				s.Errorf("by %d: %s twice", limit, i.ID)
			}
		}
		for n, id := range stay {
			if seen[id] != 1 {
				s.Errorf("by %d: number %d is missing", limit, n)
			}
		}
	}
}

func idleGuests(s *suite) {
	pool := s.pool()
	away := func(d time.Duration) idpool.Identity { // a guest last seen d before the epoch
		i := newIdentity(pool.ID)
		i.Seen = epoch.Add(-d)
		s.update(func(w idpool.Writer) error { return w.CreateIdentity(s.ctx, i) })
		return i
	}
	hours := []idpool.Identity{}
	for _, n := range []int{3, 1, 4, 2, 0} {
		hours = append(hours, away(time.Duration(n)*time.Hour))
	}
	idle := func(d time.Duration, limit int, want ...int) {
		s.Helper()
		ids := []idpool.IdentityID{}
		for _, n := range want {
			ids = append(ids, hours[n].ID)
		}
		s.view(func(r idpool.Reader) error {
			got, err := r.IdleGuests(s.ctx, epoch.Add(-d), limit)
			s.same(fmt.Sprintf("up to %d away for more than %s", limit, d), append([]idpool.IdentityID{}, got...), ids)
			return err
		})
	}
	change := func(n int, fn func(*idpool.Identity)) {
		i := hours[n]
		fn(&i)
		s.update(func(w idpool.Writer) error { return w.UpdateIdentity(s.ctx, i) })
		s.same("changed", s.stored(i.ID), sound(i))
	}
	s.identity(pool.ID, login("ann")) // no guest
	idle(-time.Hour, 10, 2, 0, 3, 1, 4)
	idle(-time.Hour, 2, 2, 0)
	idle(2*time.Hour, 10, 2, 0) // not one who was seen just then
	idle(4*time.Hour, 10)
	change(2, func(i *idpool.Identity) { i.Seen = epoch.Add(-90 * time.Minute) }) // came back
	idle(time.Hour, 10, 0, 3, 2)
	change(0, func(i *idpool.Identity) { i.Logins = []idpool.Login{login("bob")} }) // has become a person
	change(3, func(i *idpool.Identity) { i.Disabled = true })                       // was merged away
	idle(0, 10, 2, 1)
	s.update(func(w idpool.Writer) error { return w.DeleteIdentity(s.ctx, hours[2].ID) })
	idle(0, 10, 1)
}

// likeAMap runs random updates of a few identities that fight for a few logins
// beside a model of two maps, and compares outcomes and contents.
func likeAMap(s *suite) {
	logins := []idpool.Login{login("a"), login("b"), login("c"), {Provider: "other.example", Subject: "a"}}
	subset := rapid.SliceOfNDistinct(rapid.SampledFrom(logins), 0, 3, func(l idpool.Login) idpool.Login { return l })
	rapid.Check(s.T, func(t *rapid.T) {
		s := &suite{T: s.T, ctx: s.ctx, store: s.store}
		pool := s.pool()
		ids := []idpool.IdentityID{}
		for range 3 {
			ids = append(ids, idpool.NewIdentityID(region, epoch))
		}
		model := map[idpool.IdentityID]idpool.Identity{}
		for range rapid.IntRange(1, 6).Draw(t, "updates") {
			var steps []step
			for range rapid.IntRange(1, 3).Draw(t, "steps") {
				i := newIdentity(pool.ID, subset.Draw(t, "logins")...)
				i.ID = rapid.SampledFrom(ids).Draw(t, "id")
				i.Disabled = rapid.Bool().Draw(t, "disabled")
				steps = append(steps, step{rapid.SampledFrom([]string{"create", "update", "delete"}).Draw(t, "what"), sound(i)})
			}
			after, want := apply(model, steps)
			err := s.store.Update(s.ctx, func(w idpool.Writer) error {
				for _, step := range steps {
					if err := step.do(s.ctx, w); err != nil {
						return err
					}
				}
				return nil
			})
			if want == nil {
				model = after
			}
			if (err == nil) != (want == nil) || want != nil && want != errExists && idpool.KindOf(err) != idpool.KindOf(want) {
				t.Fatalf("got %v, want %v", err, want)
			}
			got := s.pages(pool.ID, 2, nil)
			if len(got) != len(model) {
				t.Fatalf("%d identities, want %d", len(got), len(model))
			}
			for _, i := range got {
				if !reflect.DeepEqual(i, model[i.ID]) {
					t.Fatalf("got %+v, want %+v", i, model[i.ID])
				}
			}
			for _, l := range logins {
				if got, want := s.owner(pool.ID, l), ownerIn(model, l); got != want {
					t.Fatalf("%v leads to %q, want %q", l, got, want)
				}
			}
		}
	})
}

// step is one write of an update.
type step struct {
	what     string
	identity idpool.Identity
}

func (a step) do(ctx context.Context, w idpool.Writer) error {
	switch a.what {
	case "create":
		return w.CreateIdentity(ctx, a.identity)
	case "update":
		return w.UpdateIdentity(ctx, a.identity)
	}
	return w.DeleteIdentity(ctx, a.identity.ID)
}

var (
	errExists   = errors.New("made twice") // of what kind is open
	errGone     = idpool.Errorf(idpool.NotFound, "gone")
	errConflict = idpool.Errorf(idpool.Conflict, "conflict")
)

// apply does the steps on a copy of the model, or says which error is due.
func apply(model map[idpool.IdentityID]idpool.Identity, steps []step) (map[idpool.IdentityID]idpool.Identity, error) {
	after := map[idpool.IdentityID]idpool.Identity{}
	for id, i := range model {
		after[id] = i
	}
	for _, a := range steps {
		id := a.identity.ID
		_, there := after[id]
		switch {
		case a.what == "create" && there:
			return nil, errExists
		case a.what != "create" && !there:
			return nil, errGone
		case a.what == "delete":
			delete(after, id)
			continue
		}
		for _, l := range a.identity.Logins {
			if owner := ownerIn(after, l); owner != "" && owner != id {
				return nil, errConflict
			}
		}
		after[id] = a.identity
	}
	return after, nil
}

func ownerIn(model map[idpool.IdentityID]idpool.Identity, l idpool.Login) idpool.IdentityID {
	for id, i := range model {
		if i.Has(l) {
			return id
		}
	}
	return ""
}
