package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"idpool/internal/idpool"
)

// What the rules promise rests on what a store promises. These cases drive the
// rules, many at once.
var rules = []testCase{
	{"64 first sign-ins at once make one identity", firstSignIn},
	{"64 guests who prove one new login become one person", oneOfManyGuests},
	{"64 sign-ins that prove logins of several people leave one of them", mergeAtOnce},
	{"a guest who signs in while guests expire is a person or gone, not half of each", expireAtOnce},
	{"in a storm of sign-ins and merges no login is lost or leads to two identities", func(s *suite) { storm(s, false) }},
	{"in a storm with unlinking no login leads to two identities and nobody comes back to life", func(s *suite) { storm(s, true) }},
}

const (
	crowd     = 64
	developer = "dev.example" // the one provider of which an identity may have several people
)

// answers collects what a crowd is answered.
type answers struct {
	mu  sync.Mutex
	ids map[idpool.IdentityID]int
}

func (a *answers) add(id idpool.IdentityID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ids == nil {
		a.ids = map[idpool.IdentityID]int{}
	}
	a.ids[id]++
}

// only checks that everybody was answered one ID, and returns it.
func (a *answers) only(s *suite, what string) (id idpool.IdentityID) {
	s.Helper()
	n := 0
	for each, count := range a.ids {
		id, n = each, n+count
	}
	if len(a.ids) != 1 || n != crowd {
		s.Fatalf("%s: %d answers of %d; identities: %v", what, n, crowd, a.ids)
	}
	return id
}

func firstSignIn(s *suite) {
	pool := s.pool()
	const rounds = 12
	for round := range rounds {
		var got answers
		var created atomic.Int64
		together(crowd, func(int) {
			i, outcome, err := idpool.SignIn(s.ctx, s.store, pool, []idpool.Login{login(fmt.Sprint(round))}, idpool.NewIdentityID(region, epoch), epoch)
			if err != nil {
				s.Errorf("round %d: %v", round, err)
				return
			}
			if outcome == idpool.Created {
				created.Add(1)
			}
			got.add(i.ID)
		})
		id := got.only(s, fmt.Sprint("round ", round))
		s.same(fmt.Sprint("created in round ", round), created.Load(), int64(1))
		s.same(fmt.Sprint("owner after round ", round), s.owner(pool.ID, login(fmt.Sprint(round))), id)
	}
	s.same("identities", len(s.everything().Identities), rounds)
}

// oneOfManyGuests is a crowd of which half has an identity already, as guests.
func oneOfManyGuests(s *suite) {
	pool := s.pool()
	const rounds = 5
	for round := range rounds {
		logins := []idpool.Login{login(fmt.Sprint(round))}
		guests := make([]idpool.Identity, crowd/2)
		s.update(func(w idpool.Writer) (err error) {
			for n := range guests {
				guests[n] = newIdentity(pool.ID)
				err = errors.Join(err, w.CreateIdentity(s.ctx, guests[n]))
			}
			return err
		})
		var got answers
		together(crowd, func(n int) {
			var i idpool.Identity
			var err error
			if n < len(guests) {
				i, _, err = idpool.Resume(s.ctx, s.store, pool, guests[n].ID, logins, epoch)
			} else {
				i, _, err = idpool.SignIn(s.ctx, s.store, pool, logins, idpool.NewIdentityID(region, epoch), epoch)
			}
			if err != nil {
				s.Errorf("round %d: %v", round, err)
				return
			}
			got.add(i.ID)
		})
		id := got.only(s, fmt.Sprint("round ", round))
		for _, g := range guests {
			if i := s.stored(g.ID); i.ID != id && (!i.Disabled || i.MergedInto != id) {
				s.Errorf("round %d: the guest was not merged: %+v", round, i)
			}
		}
	}
	s.audit(pool.ID, nil)
}

func mergeAtOnce(s *suite) {
	pool := s.pool()
	const people = 4
	for round := range 6 {
		var all []idpool.Login
		var oldest idpool.IdentityID
		for n := range people {
			l := idpool.Login{Provider: fmt.Sprintf("p%d.example", n), Subject: fmt.Sprint(round)}
			all = append(all, l)
			i := newIdentity(pool.ID, l)
			i.Created = epoch.Add(time.Duration((n+round)%people) * time.Hour)
			if i.Created.Equal(epoch) {
				oldest = i.ID
			}
			s.update(func(w idpool.Writer) error { return w.CreateIdentity(s.ctx, i) })
		}
		var got answers
		together(crowd, func(int) {
			i, _, err := idpool.SignIn(s.ctx, s.store, pool, all, idpool.NewIdentityID(region, epoch), epoch)
			if err != nil {
				s.Errorf("round %d: %v", round, err)
				return
			}
			got.add(i.ID)
		})
		s.same(fmt.Sprint("who stays in round ", round), got.only(s, fmt.Sprint("round ", round)), oldest)
		s.same("logins", s.stored(oldest).Logins, all)
	}
	s.audit(pool.ID, nil)
}

func expireAtOnce(s *suite) {
	pool := s.pool()
	guests := make([]idpool.Identity, crowd)
	s.update(func(w idpool.Writer) (err error) {
		for n := range guests {
			guests[n] = newIdentity(pool.ID)
			err = errors.Join(err, w.CreateIdentity(s.ctx, guests[n]))
		}
		return err
	})
	outcomes := make([]error, crowd)
	var expired atomic.Int64
	together(crowd, func(n int) {
		if n%8 == 0 { // eight who expire up to four each
			gone, err := idpool.ExpireGuests(s.ctx, s.store, epoch.Add(time.Hour), 4)
			expired.Add(int64(gone))
			outcomes[n] = err
			return
		}
		_, _, outcomes[n] = idpool.Resume(s.ctx, s.store, pool, guests[n].ID, []idpool.Login{login(fmt.Sprint(n))}, epoch)
	})
	now := s.audit(pool.ID, nil)
	for n, g := range guests {
		_, there := now.identities[g.ID]
		owner := now.logins[login(fmt.Sprint(n))]
		switch {
		case n%8 == 0 && outcomes[n] != nil:
			s.Errorf("expire: %v", outcomes[n])
		case n%8 == 0:
		case outcomes[n] == nil && owner != g.ID:
			s.Errorf("guest %d was linked; the login leads to %q", n, owner)
		case outcomes[n] != nil && (!idpool.IsNotFound(outcomes[n]) || there || owner != ""):
			s.Errorf("guest %d was refused with %v; there: %t, the login leads to %q", n, outcomes[n], there, owner)
		}
	}
	s.same("how many are left", len(now.identities), crowd-int(expired.Load()))
}

// moment is what an audit saw of a pool.
type moment struct {
	identities map[idpool.IdentityID]idpool.Identity
	logins     map[idpool.Login]idpool.IdentityID
}

// audit reads a pool in one view and holds it to the invariants. before is an
// earlier moment of the same pool, or nil.
func (s *suite) audit(pool idpool.PoolID, before *moment) *moment {
	s.Helper()
	now := &moment{identities: map[idpool.IdentityID]idpool.Identity{}, logins: map[idpool.Login]idpool.IdentityID{}}
	var wrong []error
	say := func(bad bool, text string, args ...any) {
		if bad {
			wrong = append(wrong, fmt.Errorf(text, args...))
		}
	}
	s.view(func(r idpool.Reader) error {
		for after := idpool.IdentityID(""); ; {
			page, err := r.Identities(s.ctx, pool, after, 100)
			if err != nil {
				return err
			}
			for _, i := range page {
				now.identities[i.ID] = i
				for _, l := range i.Logins {
					say(now.logins[l] != "", "%v leads to %s and %s", l, now.logins[l], i.ID)
					now.logins[l] = i.ID
				}
			}
			if len(page) < 100 {
				break
			}
			after = page[len(page)-1].ID
		}
		for l, id := range now.logins {
			i, err := r.IdentityByLogin(s.ctx, pool, l)
			if err != nil {
				return err
			}
			say(!reflect.DeepEqual(i, now.identities[id]), "%v leads to %+v, and the listing has %+v", l, i, now.identities[id])
		}
		return nil
	})
	for id, i := range now.identities {
		say(i.Disabled && len(i.Logins) > 0, "disabled, with logins: %+v", i)
		say(i.MergedInto != "" && !i.Disabled, "merged away, and not disabled: %+v", i)
		if i.MergedInto != "" {
			_, there := now.identities[i.MergedInto]
			say(!there, "merged into one who is not there: %+v", i)
		}
		seen := map[string]bool{}
		for _, l := range i.Logins {
			say(seen[l.Provider] && l.Provider != developer, "two people of one provider: %+v", i)
			seen[l.Provider] = true
		}
		if before != nil {
			old, known := before.identities[id]
			say(known && old.Disabled && !reflect.DeepEqual(old, i), "disabled, and changed from %+v to %+v", old, i)
			say(known && len(old.Logins) > 0 && i.Guest(), "a guest again: from %+v to %+v", old, i)
		}
	}
	if before != nil {
		for id, i := range before.identities {
			_, there := now.identities[id]
			say(!there, "vanished: %+v", i)
		}
	}
	if err := errors.Join(wrong...); err != nil {
		s.Fatal(err)
	}
	return now
}

// storm lets a crowd do whatever the rules allow to people who share logins,
// and looks at every moment whether the invariants hold.
func storm(s *suite, unlinking bool) {
	pool := newPool()
	pool.DeveloperProviderName = developer
	s.update(func(w idpool.Writer) error { return w.CreatePool(s.ctx, pool) })
	seed := rand.Uint64()
	defer func() {
		if s.Failed() {
			s.Logf("seed %d", seed)
		}
	}()
	st := &stormy{pool: pool, unlinking: unlinking, outcomes: map[idpool.Outcome]int{}}
	done := make(chan struct{})
	var wg sync.WaitGroup
	defer wg.Wait() // also when an audit ends the test
	wg.Go(func() {
		defer close(done)
		together(crowd, func(n int) {
			random := rand.New(rand.NewPCG(seed, uint64(n)))
			for act := 0; act < 15 && !s.Failed(); act++ {
				if err := st.act(s.ctx, s.store, random); err != nil {
					s.Errorf("worker %d, act %d: %v", n, act, err)
				}
			}
		})
	})
	before, audits := &moment{}, 0
	for running := true; running; audits++ {
		select {
		case <-done:
			running = false // and look for the last time
		default:
		}
		now := s.audit(pool.ID, before)
		if !unlinking {
			for l, id := range before.logins {
				if now.logins[l] == "" {
					s.Fatalf("the login %v of %s is lost", l, id)
				}
			}
		}
		before = now
	}
	for _, id := range st.known {
		if _, there := before.identities[id]; !there {
			s.Errorf("%s was answered and is not there", id)
		}
	}
	for _, o := range []idpool.Outcome{idpool.Found, idpool.Created, idpool.Linked, idpool.Merged} {
		if st.outcomes[o] < 10 {
			s.Errorf("the storm was too calm: %v", st.outcomes)
		}
	}
	if unlinking && st.outcomes[idpool.Unlinked] < 10 || st.refused < 10 || audits < 3 {
		s.Errorf("the storm was too calm: %v, %d refused, %d audits", st.outcomes, st.refused, audits)
	}
}

type stormy struct {
	pool      idpool.Pool
	unlinking bool

	mu       sync.Mutex
	known    []idpool.IdentityID // every identity that was answered
	outcomes map[idpool.Outcome]int
	refused  int
	clock    time.Duration
}

// act does one thing, and checks the answer by itself.
func (st *stormy) act(ctx context.Context, store idpool.Store, random *rand.Rand) error {
	st.mu.Lock()
	st.clock += time.Millisecond
	now := epoch.Add(st.clock)
	var named idpool.IdentityID
	if len(st.known) > 0 {
		named = st.known[random.IntN(len(st.known))]
	}
	st.mu.Unlock()

	fresh := idpool.NewIdentityID(region, now)
	somebody := func(provider string) idpool.Login {
		return idpool.Login{Provider: provider, Subject: fmt.Sprint(random.IntN(100))}
	}
	logins := []idpool.Login{somebody(developer), somebody("p1.example"), somebody("p2.example")}
	random.Shuffle(len(logins), func(a, b int) { logins[a], logins[b] = logins[b], logins[a] })
	logins = logins[:1+random.IntN(2)]

	var i idpool.Identity
	var outcome idpool.Outcome
	var err error
	switch dice := random.IntN(100); {
	case dice < 10:
		logins = nil // a guest
		i, outcome, err = idpool.SignIn(ctx, store, st.pool, nil, fresh, now)
	case dice < 50 || named == "":
		i, outcome, err = idpool.SignIn(ctx, store, st.pool, logins, fresh, now)
	case dice < 75 || !st.unlinking && dice >= 85:
		i, outcome, err = idpool.Resume(ctx, store, st.pool, named, logins, now)
	case dice < 80:
		logins = []idpool.Login{somebody(developer)}
		i, outcome, err = idpool.SignInDeveloper(ctx, store, st.pool, named, logins[0], logins, fresh, now)
	case dice < 85:
		logins = []idpool.Login{somebody(developer), somebody(developer)}
		i, outcome, err = idpool.MergeDevelopers(ctx, store, st.pool, logins[0], logins[1], now)
	default:
		i, outcome, err = st.unlink(ctx, store, random, named, now)
		logins = nil
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	switch kind := idpool.KindOf(err); {
	case err == nil:
		st.outcomes[outcome]++
		st.known = append(st.known, i.ID)
		if i.Disabled && outcome != idpool.Unlinked || slices.ContainsFunc(logins, func(l idpool.Login) bool { return !i.Has(l) }) {
			return fmt.Errorf("with %v: got %+v (%s)", logins, i, outcome)
		}
	case kind == idpool.Conflict || kind == idpool.NotAuthorized || kind == idpool.NotFound || kind == idpool.Registered:
		st.refused++ // NotFound: a developer user nobody has met
	default:
		return err
	}
	return nil
}

// unlink takes one login from an identity, if it still has it when it comes to
// that.
func (st *stormy) unlink(ctx context.Context, store idpool.Store, random *rand.Rand, named idpool.IdentityID, now time.Time) (i idpool.Identity, outcome idpool.Outcome, err error) {
	err = store.View(ctx, func(r idpool.Reader) (err error) { i, err = r.Identity(ctx, named); return err })
	if err != nil || len(i.Logins) == 0 {
		return i, idpool.Unlinked, err
	}
	gone, proof := i.Logins[random.IntN(len(i.Logins))], i.Logins[0]
	if gone.Provider == developer {
		i, err = idpool.UnlinkDeveloper(ctx, store, st.pool, named, gone, now)
		outcome = idpool.Unlinked
	} else {
		i, outcome, err = idpool.Unlink(ctx, store, st.pool, named, []idpool.Login{proof}, []string{gone.Provider}, now)
	}
	if err == nil && i.Has(gone) {
		err = fmt.Errorf("unlinked %v, and got %+v", gone, i)
	}
	return i, outcome, err
}
