package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"idpool/internal/idpool"
)

var transactions = []testCase{
	{"a missing row is NotFound", missingRows},
	{"an update sees its own changes and others see them afterwards", seesChanges},
	{"the error of a function comes back", errorsComeBack},
	{"nothing of a failed update is kept", rollback},
	{"a failed update does not hurt its neighbours", neighbours},
	{"what is not committed is not seen", uncommitted},
	{"a view is one moment, whatever is written meanwhile", snapshot},
	{"no update is lost, and what a function saw last is what was committed", lostUpdates},
	{"updates that read what the other writes exclude each other", writeSkew},
	{"a context that has ended changes nothing", cancelled},
	{"an update under way when its context ends is there or not, as it was answered", cancelledMidway},
	{"after Close everything is Unavailable", afterClose},
}

var errOnPurpose = errors.New("on purpose")

func missingRows(s *suite) {
	pool, id := idpool.NewPoolID(region), idpool.NewIdentityID(region, epoch)
	reads := map[string]func(idpool.Reader) error{
		"Pool":            func(r idpool.Reader) error { _, err := r.Pool(s.ctx, pool); return err },
		"PoolVersion":     func(r idpool.Reader) error { _, err := r.PoolVersion(s.ctx, pool); return err },
		"Identity":        func(r idpool.Reader) error { _, err := r.Identity(s.ctx, id); return err },
		"LoginOwner":      func(r idpool.Reader) error { _, err := r.LoginOwner(s.ctx, pool, login("ann")); return err },
		"IdentityByLogin": func(r idpool.Reader) error { _, err := r.IdentityByLogin(s.ctx, pool, login("ann")); return err },
		"OIDCProvider":    func(r idpool.Reader) error { _, err := r.OIDCProvider(s.ctx, account, "none"); return err },
		"Role":            func(r idpool.Reader) error { _, err := r.Role(s.ctx, account, "none"); return err },
		"User":            func(r idpool.Reader) error { _, err := r.User(s.ctx, account, "none"); return err },
		"ManagedPolicy":   func(r idpool.Reader) error { _, err := r.ManagedPolicy(s.ctx, account, "none"); return err },
		"SAMLProvider":    func(r idpool.Reader) error { _, err := r.SAMLProvider(s.ctx, account, "none"); return err },
		"AccessKey":       func(r idpool.Reader) error { _, err := r.AccessKey(s.ctx, "none"); return err },
	}
	writes := map[string]func(idpool.Writer) error{
		"UpdatePool":          func(w idpool.Writer) error { return w.UpdatePool(s.ctx, newPool()) },
		"DeletePool":          func(w idpool.Writer) error { return w.DeletePool(s.ctx, pool) },
		"UpdateIdentity":      func(w idpool.Writer) error { return w.UpdateIdentity(s.ctx, newIdentity(pool, login("ann"))) },
		"DeleteIdentity":      func(w idpool.Writer) error { return w.DeleteIdentity(s.ctx, id) },
		"DeleteOIDCProvider":  func(w idpool.Writer) error { return w.DeleteOIDCProvider(s.ctx, account, "none") },
		"DeleteRole":          func(w idpool.Writer) error { return w.DeleteRole(s.ctx, account, "none") },
		"DeleteUser":          func(w idpool.Writer) error { return w.DeleteUser(s.ctx, account, "none") },
		"DeleteManagedPolicy": func(w idpool.Writer) error { return w.DeleteManagedPolicy(s.ctx, account, "none") },
		"DeleteSAMLProvider":  func(w idpool.Writer) error { return w.DeleteSAMLProvider(s.ctx, account, "none") },
		"DeleteAccessKey":     func(w idpool.Writer) error { return w.DeleteAccessKey(s.ctx, "none") },
	}
	s.covers("reads of one row", reads, func(m reflect.Method) bool { return isRead(m) && m.Type.Out(0).Kind() != reflect.Slice })
	s.covers("changes of one row", writes, func(m reflect.Method) bool { return isUpdate.MatchString(m.Name) })
	check := func(s *suite) {
		for name, read := range reads {
			if err := s.store.View(s.ctx, read); !idpool.IsNotFound(err) {
				s.Errorf("%s: got %v, want NotFound", name, err)
			}
			if err := s.store.Update(s.ctx, func(w idpool.Writer) error { return read(w) }); !idpool.IsNotFound(err) {
				s.Errorf("%s in an update: got %v, want NotFound", name, err)
			}
		}
		for name, write := range writes {
			if err := s.store.Update(s.ctx, write); !idpool.IsNotFound(err) {
				s.Errorf("%s: got %v, want NotFound", name, err)
			}
		}
	}
	check(s)
	s.same("everything in an empty store", s.everything(), contents{
		Pools: map[idpool.PoolID]idpool.Pool{}, Identities: map[idpool.IdentityID]idpool.Identity{}, Owners: map[string]idpool.IdentityID{}})
	s.populate()
	check(s) // also beside rows of others
}

// isUpdate matches the names of what changes or removes a row.
var isUpdate = regexp.MustCompile("^(Update|Delete)[A-Z]")

// isRead reports whether a method of idpool.Writer is one of idpool.Reader.
func isRead(m reflect.Method) bool {
	_, ok := reflect.TypeFor[idpool.Reader]().MethodByName(m.Name)
	return ok
}

// covers checks that a test tries every method of the contract that it should.
func (s *suite) covers(what string, tried any, should func(reflect.Method) bool) {
	s.Helper()
	var want, got []string
	writer := reflect.TypeFor[idpool.Writer]()
	for i := range writer.NumMethod() {
		if m := writer.Method(i); should(m) {
			want = append(want, m.Name)
		}
	}
	for _, key := range reflect.ValueOf(tried).MapKeys() {
		got = append(got, key.String())
	}
	slices.Sort(got)
	s.same(what+" that this test tries", got, want)
}

// populate puts something of each kind into the store.
func (s *suite) populate() (pool, deleted idpool.Pool) {
	s.Helper()
	pool, deleted = s.pool(), s.pool()
	s.identity(pool.ID, login("bob"), idpool.Login{Provider: "other.example", Subject: "bob"})
	s.identity(pool.ID)
	s.identity(deleted.ID, login("bob"))
	s.update(func(w idpool.Writer) error {
		return errors.Join(
			w.DeletePool(s.ctx, deleted.ID),
			w.PutOIDCProvider(s.ctx, idpool.OIDCProvider{Account: account, Name: "one", URL: "https://one", Created: epoch}),
			w.PutRole(s.ctx, idpool.Role{Account: account, Name: "one", Path: "/", Trust: "{}", Created: epoch}),
			w.PutUser(s.ctx, idpool.User{Account: account, Name: "one", Path: "/", Created: epoch}),
			w.PutManagedPolicy(s.ctx, idpool.ManagedPolicy{Account: account, Name: "one", Path: "/", Created: epoch, Updated: epoch}),
			w.PutSAMLProvider(s.ctx, idpool.SAMLProvider{Account: account, Name: "one", Created: epoch, ValidUntil: epoch}),
			w.PutAccessKey(s.ctx, idpool.AccessKey{ID: "one", Account: account, Secret: []byte{1}, Created: epoch}),
			w.PutSigningKey(s.ctx, idpool.SigningKey{ID: "one", Private: []byte{1}, Certificate: []byte{2}, Created: epoch, UseFrom: epoch}))
	})
	return pool, deleted
}

func seesChanges(s *suite) {
	pool := newPool()
	i := newIdentity(pool.ID, login("ann"))
	s.update(func(w idpool.Writer) error {
		if err := errors.Join(w.CreatePool(s.ctx, pool), w.CreateIdentity(s.ctx, i)); err != nil {
			return err
		}
		got, err := w.IdentityByLogin(s.ctx, pool.ID, login("ann"))
		if err == nil {
			s.same("the identity, in the update", got, i)
		}
		return err
	})
	// Whichever connection answers: a client that was answered once may be
	// answered by any of them next.
	together(16, func(int) {
		err := s.store.View(s.ctx, func(r idpool.Reader) error {
			_, err := r.Identity(s.ctx, i.ID)
			return err
		})
		if err != nil {
			s.Errorf("after the update: %v", err)
		}
	})
}

func errorsComeBack(s *suite) {
	for name, err := range map[string]error{
		"View":   s.store.View(s.ctx, func(idpool.Reader) error { return errOnPurpose }),
		"Update": s.store.Update(s.ctx, func(idpool.Writer) error { return errOnPurpose }),
	} {
		if !errors.Is(err, errOnPurpose) {
			s.Errorf("%s: got %v, want what the function returned", name, err)
		}
	}
	if err := s.store.Ping(s.ctx); err != nil {
		s.Errorf("Ping: %v", err)
	}
}

// rollback tries every write of the contract, each alone and all together.
func rollback(s *suite) {
	pool, deleted := s.populate()
	var held idpool.Identity
	s.view(func(r idpool.Reader) (err error) {
		held, err = r.IdentityByLogin(s.ctx, pool.ID, login("bob"))
		return err
	})
	changed, fewer := pool, held
	changed.Version, changed.Name = 2, "other"
	fewer.Logins = []idpool.Login{login("rob")}
	writes := map[string]func(idpool.Writer) error{
		"CreatePool":      func(w idpool.Writer) error { return w.CreatePool(s.ctx, newPool()) },
		"UpdatePool":      func(w idpool.Writer) error { return w.UpdatePool(s.ctx, changed) },
		"DeletePool":      func(w idpool.Writer) error { return w.DeletePool(s.ctx, pool.ID) },
		"PurgeIdentities": func(w idpool.Writer) error { _, err := w.PurgeIdentities(s.ctx, deleted.ID, 10); return err },
		"CreateIdentity":  func(w idpool.Writer) error { return w.CreateIdentity(s.ctx, newIdentity(pool.ID, login("ann"))) },
		"UpdateIdentity":  func(w idpool.Writer) error { return w.UpdateIdentity(s.ctx, fewer) },
		"DeleteIdentity":  func(w idpool.Writer) error { return w.DeleteIdentity(s.ctx, held.ID) },
		"PutOIDCProvider": func(w idpool.Writer) error {
			return w.PutOIDCProvider(s.ctx, idpool.OIDCProvider{Account: account, Name: "two"})
		},
		"DeleteOIDCProvider": func(w idpool.Writer) error { return w.DeleteOIDCProvider(s.ctx, account, "one") },
		"PutRole":            func(w idpool.Writer) error { return w.PutRole(s.ctx, idpool.Role{Account: account, Name: "two"}) },
		"DeleteRole":         func(w idpool.Writer) error { return w.DeleteRole(s.ctx, account, "one") },
		"PutUser":            func(w idpool.Writer) error { return w.PutUser(s.ctx, idpool.User{Account: account, Name: "two"}) },
		"DeleteUser":         func(w idpool.Writer) error { return w.DeleteUser(s.ctx, account, "one") },
		"PutManagedPolicy": func(w idpool.Writer) error {
			return w.PutManagedPolicy(s.ctx, idpool.ManagedPolicy{Account: account, Name: "two"})
		},
		"DeleteManagedPolicy": func(w idpool.Writer) error { return w.DeleteManagedPolicy(s.ctx, account, "one") },
		"PutSAMLProvider": func(w idpool.Writer) error {
			return w.PutSAMLProvider(s.ctx, idpool.SAMLProvider{Account: account, Name: "two"})
		},
		"DeleteSAMLProvider": func(w idpool.Writer) error { return w.DeleteSAMLProvider(s.ctx, account, "one") },
		"PutAccessKey": func(w idpool.Writer) error {
			return w.PutAccessKey(s.ctx, idpool.AccessKey{ID: "two", Account: account, Secret: []byte{2}})
		},
		"DeleteAccessKey": func(w idpool.Writer) error { return w.DeleteAccessKey(s.ctx, "one") },
		"PutSigningKey": func(w idpool.Writer) error {
			return w.PutSigningKey(s.ctx, idpool.SigningKey{ID: "two", Private: []byte{3}, Certificate: []byte{4}})
		},
		"UseOnce": func(w idpool.Writer) error { return w.UseOnce(s.ctx, "two", epoch, epoch.Add(time.Hour)) },
	}
	s.covers("writes", writes, func(m reflect.Method) bool { return !isRead(m) })
	delete(writes, "UseOnce") // nobody reads what it wrote: its own case tries it
	writes["all"] = func(w idpool.Writer) error {
		for name, write := range writes { // in any order, but what needs the pool before it is deleted
			if name == "all" || strings.HasSuffix(name, "Identity") || strings.HasSuffix(name, "Pool") {
				continue
			}
			if err := write(w); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		return errors.Join(writes["CreatePool"](w), writes["UpdatePool"](w), writes["CreateIdentity"](w), writes["UpdateIdentity"](w), writes["DeleteIdentity"](w), writes["DeletePool"](w))
	}
	for name, write := range writes {
		before := s.everything()
		err := s.store.Update(s.ctx, func(w idpool.Writer) error {
			if err := write(w); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if now, err := readAll(s.ctx, w); err != nil || reflect.DeepEqual(now, before) {
				return fmt.Errorf("%s changed nothing, or cannot be read: %w", name, err)
			}
			return errOnPurpose
		})
		if !errors.Is(err, errOnPurpose) {
			s.Errorf("got %v", err)
		}
		s.same("everything, after "+name+" was rolled back", s.everything(), before)
	}
}

func neighbours(s *suite) {
	pool := s.pool()
	ids := make([]idpool.IdentityID, 96)
	together(len(ids), func(n int) {
		i := newIdentity(pool.ID, login(fmt.Sprint(n)))
		ids[n] = i.ID
		err := s.store.Update(s.ctx, func(w idpool.Writer) error {
			if err := w.CreateIdentity(s.ctx, i); err != nil {
				return err
			}
			if n%3 == 0 {
				return errOnPurpose
			}
			return nil
		})
		if wrong := n%3 == 0; wrong != errors.Is(err, errOnPurpose) || !wrong && err != nil {
			s.Errorf("update %d: %v", n, err)
		}
	})
	for n, id := range ids {
		owner := s.owner(pool.ID, login(fmt.Sprint(n)))
		switch {
		case n%3 == 0 && owner != "":
			s.Errorf("update %d failed and left %s", n, owner)
		case n%3 != 0 && owner != id:
			s.Errorf("update %d succeeded and left %q, want %s", n, owner, id)
		}
	}
}

func uncommitted(s *suite) {
	pool := s.pool()
	i := newIdentity(pool.ID, login("ann"))
	inside, done := make(chan struct{}), make(chan struct{})
	var release sync.Once
	open := func() { release.Do(func() { close(done) }) }
	defer open()
	finished := make(chan error, 1)
	go func() {
		var once sync.Once
		finished <- s.store.Update(s.ctx, func(w idpool.Writer) error {
			if err := w.CreateIdentity(s.ctx, i); err != nil {
				return err
			}
			once.Do(func() { close(inside) })
			<-done
			return nil
		})
	}()
	<-inside
	if owner := s.owner(pool.ID, login("ann")); owner != "" {
		s.Errorf("%s is seen before it is committed", owner)
	}
	open()
	if err := <-finished; err != nil {
		s.Fatal(err)
	}
	if owner := s.owner(pool.ID, login("ann")); owner != i.ID {
		s.Errorf("after the commit the login leads to %q", owner)
	}
}

// snapshot keeps two pools at one version and hands one login to and fro, so
// that any mixture of two moments shows.
func snapshot(s *suite) {
	pools := []idpool.Pool{s.pool(), s.pool()}
	owners := []idpool.Identity{s.identity(pools[0].ID, login("ann")), s.identity(pools[0].ID)}
	var writers sync.WaitGroup
	defer writers.Wait()
	ctx, stop := context.WithCancel(s.ctx)
	defer stop()
	var moves atomic.Int64
	writers.Go(func() {
		for n := int64(2); ctx.Err() == nil; n++ {
			err := s.store.Update(s.ctx, func(w idpool.Writer) error {
				for _, p := range pools {
					p.Version, p.Name = n, fmt.Sprint(n)
					if err := w.UpdatePool(s.ctx, p); err != nil {
						return err
					}
				}
				from, to := owners[n%2], owners[(n+1)%2]
				from.Logins, to.Logins = nil, []idpool.Login{login("ann")}
				return errors.Join(w.UpdateIdentity(s.ctx, from), w.UpdateIdentity(s.ctx, to))
			})
			if err != nil {
				s.Error(err)
				return
			}
			moves.Add(1)
		}
	})
	for views := 0; (views < 100 || moves.Load() < 20) && !s.Failed(); views++ {
		s.view(func(r idpool.Reader) error {
			first, err := r.Pool(s.ctx, pools[0].ID)
			if err != nil {
				return err
			}
			before, err := r.IdentityByLogin(s.ctx, pools[0].ID, login("ann"))
			if err != nil {
				return err
			}
			for start := moves.Load(); views%10 == 0 && moves.Load() < start+2 && !s.Failed(); { // let the writer commit meanwhile
				time.Sleep(100 * time.Microsecond)
			}
			second, err := r.Pool(s.ctx, pools[1].ID)
			if err != nil {
				return err
			}
			after, err := r.IdentityByLogin(s.ctx, pools[0].ID, login("ann"))
			if err != nil {
				return err
			}
			if first.Version != second.Version || first.Name != second.Name || before.ID != after.ID {
				s.Errorf("a view saw versions %d and %d, and owners %s and %s", first.Version, second.Version, before.ID, after.ID)
			}
			return nil
		})
	}
}

func lostUpdates(s *suite) {
	pool := s.pool()
	const workers, rounds = 16, 8
	seen := make([][]int64, workers)
	together(workers, func(worker int) {
		for range rounds {
			var version int64
			err := s.store.Update(s.ctx, func(w idpool.Writer) error {
				p, err := w.Pool(s.ctx, pool.ID)
				if err != nil {
					return err
				}
				version = p.Version
				p.Version++
				return w.UpdatePool(s.ctx, p)
			})
			if err != nil {
				s.Errorf("worker %d: %v", worker, err)
				return
			}
			seen[worker] = append(seen[worker], version)
		}
	})
	once := map[int64]bool{}
	for worker, versions := range seen {
		for n, v := range versions {
			if once[v] || n > 0 && v <= versions[n-1] {
				s.Errorf("worker %d built on version %d, which another built on too, or after a later one", worker, v)
			}
			once[v] = true
		}
	}
	s.view(func(r idpool.Reader) error {
		version, err := r.PoolVersion(s.ctx, pool.ID)
		if version != 1+workers*rounds {
			s.Errorf("version %d after %d updates", version, workers*rounds)
		}
		return err
	})
}

// writeSkew lets two updates at a time disable one of two identities, if the
// other is not disabled. One must see what the other did.
func writeSkew(s *suite) {
	pool := s.pool()
	for round := range 10 {
		pair := []idpool.Identity{s.identity(pool.ID), s.identity(pool.ID)}
		together(2, func(n int) {
			err := s.store.Update(s.ctx, func(w idpool.Writer) error {
				mine, err := w.Identity(s.ctx, pair[n].ID)
				if err != nil {
					return err
				}
				other, err := w.Identity(s.ctx, pair[1-n].ID)
				if err != nil || other.Disabled {
					return err
				}
				mine.Disabled = true
				return w.UpdateIdentity(s.ctx, mine)
			})
			if err != nil {
				s.Error(err)
			}
		})
		if a, b := s.stored(pair[0].ID), s.stored(pair[1].ID); a.Disabled == b.Disabled {
			s.Errorf("round %d: both disabled: %t; want one", round, a.Disabled)
		}
	}
}

func cancelled(s *suite) {
	pool := s.pool()
	before := s.everything()
	ended, cancel := context.WithCancel(s.ctx)
	cancel()
	late, cancelLate := context.WithDeadline(s.ctx, epoch.AddDate(-10, 0, 0))
	defer cancelLate()
	for want, ctx := range map[error]context.Context{context.Canceled: ended, context.DeadlineExceeded: late} {
		if err := s.store.Update(ctx, func(w idpool.Writer) error { return w.CreateIdentity(ctx, newIdentity(pool.ID, login("ann"))) }); !errors.Is(err, want) {
			s.Errorf("update: got %v, want %v", err, want)
		}
		if err := s.store.View(ctx, func(r idpool.Reader) error { _, err := r.Pool(ctx, pool.ID); return err }); !errors.Is(err, want) {
			s.Errorf("view: got %v, want %v", err, want)
		}
	}
	inside, cancelInside := context.WithCancel(s.ctx)
	err := s.store.Update(inside, func(w idpool.Writer) error {
		if err := w.CreateIdentity(inside, newIdentity(pool.ID, login("ann"))); err != nil {
			return err
		}
		cancelInside()
		_, err := w.Pool(inside, pool.ID)
		return err
	})
	if !errors.Is(err, context.Canceled) {
		s.Errorf("cancelled inside: got %v", err)
	}
	s.same("everything", s.everything(), before)
}

func cancelledMidway(s *suite) {
	pool := s.pool()
	outcome := make([]error, 64)
	together(len(outcome), func(n int) {
		ctx, cancel := context.WithTimeout(s.ctx, time.Duration(n)*50*time.Microsecond)
		defer cancel()
		outcome[n] = s.store.Update(ctx, func(w idpool.Writer) error { return w.CreateIdentity(ctx, newIdentity(pool.ID, login(fmt.Sprint(n)))) })
	})
	for n, err := range outcome {
		owner := s.owner(pool.ID, login(fmt.Sprint(n)))
		switch {
		case err == nil && owner == "":
			s.Errorf("update %d was answered and is not there", n)
		case errors.Is(err, context.DeadlineExceeded) && owner != "":
			s.Errorf("update %d ran out of time and is there", n)
		case err != nil && !errors.Is(err, context.DeadlineExceeded) && idpool.KindOf(err) != idpool.Unavailable:
			s.Errorf("update %d: %v", n, err)
		}
	}
}

func afterClose(s *suite) {
	if err := s.store.Close(); err != nil {
		s.Fatal(err)
	}
	ran := false
	for name, err := range map[string]error{
		"View":   s.store.View(s.ctx, func(idpool.Reader) error { ran = true; return nil }),
		"Update": s.store.Update(s.ctx, func(idpool.Writer) error { ran = true; return nil }),
		"Ping":   s.store.Ping(s.ctx),
	} {
		if idpool.KindOf(err) != idpool.Unavailable {
			s.Errorf("%s: got %v, want Unavailable", name, err)
		}
	}
	if ran {
		s.Error("a closed store ran a function")
	}
	if err := s.store.Close(); err != nil {
		s.Errorf("closed again: %v", err)
	}
}
