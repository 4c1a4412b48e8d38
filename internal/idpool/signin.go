package idpool

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// Outcome says what a rule did, for the event of the request.
type Outcome string

// The outcomes.
const (
	Found    Outcome = "found"    // nothing changed
	Created  Outcome = "created"  // a new identity
	Linked   Outcome = "linked"   // logins were added
	Merged   Outcome = "merged"   // other identities were folded into this one
	Unlinked Outcome = "unlinked" // logins were removed
)

// SignIn finds or makes the identity of somebody who proved some logins, or of
// a guest who proved none: the rule of GetId (behaviour 3.1). fresh is the ID
// to use if a new identity is needed.
//
// A login nobody has is linked; logins of several identities merge them, and
// the oldest stays. Of somebody who comes back with nothing to link or to merge,
// the result has the ID and these logins only. The error is of kind NotAuthorized for a guest where
// guests are off, Conflict where one identity would have two people of one
// public provider, NotFound if the pool is gone.
func SignIn(ctx context.Context, store Store, pool Pool, logins []Login, fresh IdentityID, now time.Time) (Identity, Outcome, error) {
	return settle(ctx, store, pool, now, len(logins) > 0, func(r Reader, pool Pool) (plan, error) {
		return planSignIn(ctx, r, pool, logins, fresh, now)
	})
}

// Resume lets somebody go on as the identity named, and links or merges what
// the logins say: the rule of the calls that carry an IdentityId (behaviour
// 3.2). The identity that results may be another one; the client must take
// its ID.
//
// The error is of kind NotAuthorized if the logins do not open this identity,
// Conflict and NotFound as for [SignIn].
func Resume(ctx context.Context, store Store, pool Pool, id IdentityID, logins []Login, now time.Time) (Identity, Outcome, error) {
	return settle(ctx, store, pool, now, true, func(r Reader, pool Pool) (plan, error) {
		return planResume(ctx, r, pool, id, logins)
	})
}

// SignInDeveloper is [SignIn] for a developer user, whom the pool's own back end
// vouches for, perhaps together with logins at public providers: the rule of
// GetOpenIdTokenForDeveloperIdentity (behaviour 2.11). logins holds them all.
// With an id it is [Resume], except that a developer user who belongs to another
// identity is never moved: the error is then of kind Registered.
func SignInDeveloper(ctx context.Context, store Store, pool Pool, id IdentityID, user Login, logins []Login, fresh IdentityID, now time.Time) (Identity, Outcome, error) {
	return settle(ctx, store, pool, now, true, func(r Reader, pool Pool) (plan, error) {
		if id == "" {
			return planSignIn(ctx, r, pool, logins, fresh, now)
		}
		if _, err := identityIn(ctx, r, pool, id); err != nil {
			return plan{}, err
		}
		owner, err := r.IdentityByLogin(ctx, pool.ID, user)
		switch {
		case err == nil && owner.ID != id:
			return plan{}, Errorf(Registered, "The provided developer user identifier is already registered under a different identity.").
				Because(fmt.Errorf("it belongs to %s", owner.ID))
		case err != nil && !IsNotFound(err):
			return plan{}, err
		}
		return planResume(ctx, r, pool, id, logins)
	})
}

// plan is what a rule decided and has not done yet.
type plan struct {
	parent Identity   // the identity that results, as it is stored now
	create bool       // it is new
	add    []Login    // to link to it
	absorb []Identity // to merge into it
}

func (p plan) outcome() Outcome {
	switch {
	case p.create:
		return Created
	case len(p.absorb) > 0:
		return Merged
	case len(p.add) > 0:
		return Linked
	}
	return Found
}

// settle decides on a snapshot first: a returning person costs one read. Only
// if something must change it decides again inside a transaction, on the pool
// as it is then, and does it.
func settle(ctx context.Context, store Store, pool Pool, now time.Time, lookFirst bool, decide func(Reader, Pool) (plan, error)) (Identity, Outcome, error) {
	var p plan
	if lookFirst {
		err := store.View(ctx, func(r Reader) (err error) {
			p, err = decide(r, pool)
			return err
		})
		if err != nil || p.outcome() == Found {
			return p.parent, Found, err
		}
	}
	err := store.Update(ctx, func(w Writer) error {
		current, err := currentPool(ctx, w, pool)
		if err != nil {
			return err
		}
		if p, err = decide(w, current); err != nil {
			return err
		}
		return p.apply(ctx, w, now)
	})
	return p.parent, p.outcome(), err
}

// currentPool makes sure that the pool is still there, and reads it again if
// it changed since it was cached.
func currentPool(ctx context.Context, r Reader, pool Pool) (Pool, error) {
	version, err := r.PoolVersion(ctx, pool.ID)
	switch {
	case IsNotFound(err):
		return Pool{}, PoolNotFound(pool.ID)
	case err != nil || version == pool.Version:
		return pool, err
	}
	return r.Pool(ctx, pool.ID)
}

func planSignIn(ctx context.Context, r Reader, pool Pool, logins []Login, fresh IdentityID, now time.Time) (plan, error) {
	if len(logins) == 0 && !pool.AllowUnauthenticated {
		return plan{}, guestsOff()
	}
	ids, free, err := ownerIDs(ctx, r, pool.ID, logins)
	if err != nil {
		return plan{}, err
	}
	if len(ids) == 1 && len(free) == 0 { // they come back: the rest of them need not be read
		known := slices.Clone(logins)
		SortLogins(known)
		return plan{parent: Identity{ID: ids[0], Pool: pool.ID, Logins: known}}, nil
	}
	owners, err := oldestFirst(ctx, r, ids)
	if err != nil {
		return plan{}, err
	}
	if len(owners) == 0 {
		p := plan{create: true, parent: Identity{ID: fresh, Pool: pool.ID, Created: now, Modified: now, Seen: now}, add: free}
		return p, p.check(pool)
	}
	p := plan{parent: owners[0], absorb: owners[1:], add: free}
	return p, p.check(pool)
}

func planResume(ctx context.Context, r Reader, pool Pool, id IdentityID, logins []Login) (plan, error) {
	named, err := identityIn(ctx, r, pool, id)
	switch {
	case err != nil:
		return plan{}, err
	case named.Disabled:
		return plan{}, Forbidden(id)
	case len(logins) == 0 && !named.Guest():
		return plan{}, Forbidden(id)
	case len(logins) == 0 && !pool.AllowUnauthenticated:
		return plan{}, guestsOff()
	case len(logins) == 0:
		return plan{parent: named}, nil
	case !named.Guest() && !slices.ContainsFunc(logins, named.Has):
		return plan{}, loginsDoNotMatch("none of the %d verified logins is linked to the identity", len(logins))
	}
	if named.OpenedBy(logins) {
		return plan{parent: named}, nil
	}
	ids, free, err := ownerIDs(ctx, r, pool.ID, logins)
	if err != nil {
		return plan{}, err
	}
	owners, err := oldestFirst(ctx, r, ids)
	if err != nil {
		return plan{}, err
	}
	p := plan{parent: named, add: free}
	if named.Guest() && len(owners) > 0 { // whoever has logins stays; a guest does not
		p.parent = owners[0]
		p.absorb = append(owners[1:], named)
	} else {
		p.absorb = slices.DeleteFunc(owners, func(o Identity) bool { return o.ID == named.ID })
	}
	return p, p.check(pool)
}

// ownerIDs finds the identities that the logins lead to, and the logins that lead
// nowhere yet.
func ownerIDs(ctx context.Context, r Reader, pool PoolID, logins []Login) (ids []IdentityID, free []Login, err error) {
	for _, l := range logins {
		id, err := r.LoginOwner(ctx, pool, l)
		switch {
		case IsNotFound(err):
			free = append(free, l)
		case err != nil:
			return nil, nil, err
		case !slices.Contains(ids, id):
			ids = append(ids, id)
		}
	}
	return ids, free, nil
}

// oldestFirst reads identities.
func oldestFirst(ctx context.Context, r Reader, ids []IdentityID) (list []Identity, err error) {
	for _, id := range ids {
		i, err := r.Identity(ctx, id)
		if err != nil {
			return nil, err
		}
		list = append(list, i)
	}
	slices.SortFunc(list, func(a, b Identity) int {
		if c := a.Created.Compare(b.Created); c != 0 {
			return c
		}
		return cmp.Compare(a.ID, b.ID)
	})
	return list, nil
}

// OpenedBy reports whether whoever proved the logins is this identity, with
// nothing to link or to merge: what [Resume] would find out by another read.
func (i Identity) OpenedBy(logins []Login) bool {
	return !i.Disabled && len(logins) > 0 && !slices.ContainsFunc(logins, func(l Login) bool { return !i.Has(l) })
}

// maxLogins is how many logins an identity can have (behaviour 3.3).
const maxLogins = 20

// check refuses a plan by which one identity would have two people of one
// public provider, or too many logins. Several developer users are allowed.
func (p plan) check(pool Pool) error {
	subject, logins := map[string]string{}, p.logins()
	if len(logins) > maxLogins && p.outcome() != Found {
		return Errorf(Conflict, "An identity can have at most %d logins, not %d.", maxLogins, len(logins))
	}
	for _, l := range logins {
		before, seen := subject[l.Provider]
		if seen && before != l.Subject && l.Provider != pool.DeveloperProviderName {
			return Errorf(Conflict, "Logins are already linked to another account.")
		}
		subject[l.Provider] = l.Subject
	}
	return nil
}

// logins are those of the identity after the plan is applied.
func (p plan) logins() []Login {
	all := slices.Clone(p.parent.Logins)
	for _, a := range p.absorb {
		all = append(all, a.Logins...)
	}
	all = append(all, p.add...)
	SortLogins(all)
	return slices.Compact(all)
}

// apply does what was planned and leaves the result in p.parent.
func (p *plan) apply(ctx context.Context, w Writer, now time.Time) error {
	logins := p.logins()
	if p.create {
		p.parent.Logins = logins
		return w.CreateIdentity(ctx, p.parent)
	}
	if p.outcome() == Found {
		return nil
	}
	for _, a := range p.absorb { // first: a login belongs to one identity at any time
		a.Logins, a.Disabled, a.MergedInto, a.Modified = nil, true, p.parent.ID, now
		if err := w.UpdateIdentity(ctx, a); err != nil {
			return err
		}
	}
	p.parent.Logins, p.parent.Modified = logins, now
	return w.UpdateIdentity(ctx, p.parent)
}

// Unlink removes the logins of some providers from an identity, for somebody
// who proved at least one login of it (behaviour 2.21). Providers that are not
// linked are passed over. An identity that loses its last login is disabled:
// it never becomes a guest again.
//
// The error is of kind NotAuthorized if the logins do not open this identity,
// Invalid for the developer provider, NotFound if there is no such identity.
func Unlink(ctx context.Context, store Store, pool Pool, id IdentityID, logins []Login, providers []string, now time.Time) (Identity, Outcome, error) {
	var result Identity
	outcome := Found
	err := store.Update(ctx, func(w Writer) error {
		outcome = Found
		pool, err := currentPool(ctx, w, pool)
		if err != nil {
			return err
		}
		named, err := identityIn(ctx, w, pool, id)
		switch {
		case err != nil:
			return err
		case named.Disabled:
			return Forbidden(id)
		case len(logins) == 0 && !named.Guest():
			return Forbidden(id)
		case !slices.ContainsFunc(logins, named.Has):
			return loginsDoNotMatch("none of the %d verified logins is linked to the identity", len(logins))
		case pool.DeveloperProviderName != "" && slices.Contains(providers, pool.DeveloperProviderName):
			return Errorf(Invalid, "Please provide a valid public provider")
		}
		result = named
		gone := func(l Login) bool { return slices.Contains(providers, l.Provider) }
		if !slices.ContainsFunc(named.Logins, gone) {
			return nil
		}
		result, outcome = named.without(gone, now), Unlinked
		return w.UpdateIdentity(ctx, result)
	})
	return result, outcome, err
}

func guestsOff() error {
	return Errorf(NotAuthorized, "Unauthenticated access is not supported for this identity pool.")
}

func loginsDoNotMatch(why string, args ...any) error {
	return Errorf(NotAuthorized, "Logins don't match. Please include at least one valid login for this identity or identity pool.").
		Because(fmt.Errorf(why, args...))
}
