package idpool

import (
	"context"
	"slices"
	"time"
)

// DeveloperUser is the login of a user whom the pool's own back end vouches
// for. The error is of kind Invalid if the pool has no developer provider of
// that name.
func (p Pool) DeveloperUser(provider, user string) (Login, error) {
	if provider == "" || provider != p.DeveloperProviderName {
		return Login{}, Errorf(Invalid, "This identity pool does not support the specified developer provider")
	}
	return Login{Provider: provider, Subject: user}, nil
}

// DeveloperUsers are the developer users of an identity, in order.
func (i Identity) DeveloperUsers(pool Pool) []string {
	users := []string{}
	for _, l := range i.Logins {
		if l.Provider == pool.DeveloperProviderName && l.Provider != "" {
			users = append(users, l.Subject)
		}
	}
	return users
}

// LookUpDeveloper finds an identity by its ID, by one of its developer users,
// or by both, which must then agree (behaviour 2.15). An empty id or user is one
// that is not given.
//
// The error is of kind Invalid if neither is given, NotFound for an unknown one,
// Conflict if they do not belong together.
func LookUpDeveloper(ctx context.Context, r Reader, pool Pool, id IdentityID, user string) (named Identity, err error) {
	if id == "" && user == "" {
		return Identity{}, Errorf(Invalid, "Please provide an identity ID or a developer user identifier.")
	}
	if id != "" {
		if named, err = identityIn(ctx, r, pool, id); err != nil || user == "" {
			return named, err
		}
	}
	owner, err := ownerOf(ctx, r, pool, Login{Provider: pool.DeveloperProviderName, Subject: user})
	if err == nil && id != "" && owner.ID != named.ID {
		err = Errorf(Conflict, "The identity ID and the developer user identifier do not belong together.")
	}
	return owner, err
}

// MergeDevelopers folds the identity of one developer user into that of
// another: all its logins move, and it is disabled (behaviour 2.16). If the two
// are one identity already nothing changes.
//
// The error is of kind NotFound for an unknown user, Conflict if the result
// would have two people of one public provider, or too many logins.
func MergeDevelopers(ctx context.Context, store Store, pool Pool, source, destination Login, now time.Time) (Identity, Outcome, error) {
	return settle(ctx, store, pool, now, true, func(r Reader, pool Pool) (plan, error) {
		from, err := ownerOf(ctx, r, pool, source)
		if err != nil {
			return plan{}, err
		}
		to, err := ownerOf(ctx, r, pool, destination)
		if err != nil || from.ID == to.ID {
			return plan{parent: to}, err
		}
		p := plan{parent: to, absorb: []Identity{from}}
		return p, p.check(pool)
	})
}

// UnlinkDeveloper removes a developer user from an identity (behaviour 2.21).
// An identity that loses its last login is disabled.
//
// The error is of kind NotFound for an unknown identity or user, Conflict for a
// user who belongs to another identity.
func UnlinkDeveloper(ctx context.Context, store Store, pool Pool, id IdentityID, user Login, now time.Time) (Identity, error) {
	var result Identity
	err := store.Update(ctx, func(w Writer) error {
		pool, err := currentPool(ctx, w, pool)
		if err != nil {
			return err
		}
		named, err := identityIn(ctx, w, pool, id)
		if err != nil {
			return err
		}
		owner, err := ownerOf(ctx, w, pool, user)
		switch {
		case err != nil:
			return err
		case owner.ID != named.ID:
			return Errorf(Conflict, "The developer user identifier belongs to another identity.")
		}
		result = named.without(func(l Login) bool { return l == user }, now)
		return w.UpdateIdentity(ctx, result)
	})
	return result, err
}

// identityIn reads an identity of the pool.
func identityIn(ctx context.Context, r Reader, pool Pool, id IdentityID) (Identity, error) {
	identity, err := r.Identity(ctx, id)
	if IsNotFound(err) || err == nil && identity.Pool != pool.ID {
		return Identity{}, IdentityNotFound(id)
	}
	return identity, err
}

// ownerOf reads the identity of a developer user.
func ownerOf(ctx context.Context, r Reader, pool Pool, user Login) (Identity, error) {
	owner, err := r.IdentityByLogin(ctx, pool.ID, user)
	if IsNotFound(err) {
		err = Errorf(NotFound, "Developer user identifier '%s' not found.", user.Subject)
	}
	return owner, err
}

// without is the identity without some of its logins. If none is left it is
// disabled: it never becomes a guest again.
func (i Identity) without(gone func(Login) bool, now time.Time) Identity {
	i.Logins = slices.DeleteFunc(slices.Clone(i.Logins), gone)
	i.Disabled, i.Modified = len(i.Logins) == 0, now
	return i
}
