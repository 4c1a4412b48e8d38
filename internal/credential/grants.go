package credential

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"idpool/internal/idpool"
	"idpool/internal/policy"
)

// principal is a role or a user as IAM knows it, with its policies compiled.
type principal struct {
	role   idpool.Role
	user   idpool.User
	trust  policy.Policy // of a role
	grants []policy.Policy
	// unusable is why the grants cannot be evaluated. Then nothing is
	// granted.
	unusable error
}

// principalKey names a principal in the cache.
type principalKey struct{ account, kind, name string }

// PrincipalsChanged forgets what is remembered of an account's roles, users,
// policies and access keys. Whoever changes one of them calls it after the
// transaction and before it answers, so that a key that is gone is refused at
// once on this node.
func (b *Broker) PrincipalsChanged(account string) {
	b.reading.Lock() // what was read before the change is not remembered after it
	defer b.reading.Unlock()
	for key := range b.principals.Keys() {
		if key.account == account {
			b.principals.Invalidate(key)
		}
	}
	for id, key := range b.keys.All() {
		if key.account == account {
			b.keys.Invalidate(id)
		}
	}
}

// role finds a role by its ARN. A role that does not exist is NotFound, and so
// is one whose path is another.
func (b *Broker) role(ctx context.Context, arn idpool.RoleARN) (*principal, error) {
	p, err := b.principal(ctx, principalKey{arn.Account, "role", idpool.FoldName(arn.Name)}, func(r idpool.Reader) (p principal, err error) {
		if p.role, err = r.Role(ctx, arn.Account, arn.Name); err != nil {
			return p, err
		}
		trust, err := policy.Parse(p.role.Trust, policy.Trust)
		if err != nil {
			return p, fmt.Errorf("trust policy of role %s: %w", p.role.Name, err)
		}
		p.trust = policy.Policy{Name: "trust policy of " + p.role.Name, Document: trust}
		p.grants, p.unusable, err = b.compile(ctx, r, arn.Account, p.role.Grants)
		return p, err
	})
	if err == nil && (p.role.Path != arn.Path || p.role.Name != arn.Name) {
		err = idpool.Errorf(idpool.NotFound, "no such role")
	}
	return p, err
}

// user finds a user by name.
func (b *Broker) user(ctx context.Context, account, name string) (*principal, error) {
	return b.principal(ctx, principalKey{account, "user", idpool.FoldName(name)}, func(r idpool.Reader) (p principal, err error) {
		if p.user, err = r.User(ctx, account, name); err != nil {
			return p, err
		}
		p.grants, p.unusable, err = b.compile(ctx, r, account, p.user.Grants)
		return p, err
	})
}

func (b *Broker) principal(ctx context.Context, key principalKey, read func(idpool.Reader) (principal, error)) (*principal, error) {
	if p, ok := b.principals.GetIfPresent(key); ok {
		return p, nil
	}
	b.reading.RLock()
	defer b.reading.RUnlock()
	var p principal
	err := b.Store.View(ctx, func(r idpool.Reader) (err error) {
		p, err = read(r)
		return err
	})
	if err != nil {
		return nil, err
	}
	b.principals.Set(key, &p)
	return &p, nil
}

// compile parses the policies of a principal. One that is gone or cannot be
// parsed makes all unusable: what it denied would be lost.
func (b *Broker) compile(ctx context.Context, r idpool.Reader, account string, g idpool.Grants) (grants []policy.Policy, unusable, err error) {
	add := func(name, text string) {
		document, err := policy.Parse(text, policy.Identity)
		if err != nil && unusable == nil {
			unusable = fmt.Errorf("policy %s: %w", name, err)
		}
		grants = append(grants, policy.Policy{Name: name, Document: document})
	}
	for _, name := range slices.Sorted(maps.Keys(g.Inline)) {
		add(name, g.Inline[name])
	}
	for _, arn := range g.Attached {
		text, err := managedPolicy(ctx, r, account, arn)
		if idpool.IsNotFound(err) {
			unusable = err
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		add(arn, text)
	}
	return grants, unusable, nil
}

// managedPolicy is the document of a managed policy: one of AWS, or one of the
// account. A missing one is NotFound.
func managedPolicy(ctx context.Context, r idpool.Reader, account, arn string) (string, error) {
	if text, ok := policy.AWSManaged(arn); ok {
		return text, nil
	}
	owner, _, name, ok := idpool.ParseEntityARN(arn, "policy")
	if !ok || owner != account {
		return "", idpool.Errorf(idpool.NotFound, "no policy %s", arn)
	}
	p, err := r.ManagedPolicy(ctx, account, name)
	if err == nil && p.ARN() != arn {
		err = idpool.Errorf(idpool.NotFound, "no policy %s", arn)
	}
	return p.Document(), err
}
