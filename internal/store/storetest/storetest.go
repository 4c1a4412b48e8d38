// Package storetest is the contract of [idpool.Store] as tests. An engine is
// finished when Run passes:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) idpool.Store { … })
//	}
//
// The cases know the contract only, no engine: what an engine promises beyond
// it, such as which files it refuses, is in its own tests.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"idpool/internal/idpool"
)

// Run holds a store to the contract. open gives every case an empty store of
// its own and closes it in t.Cleanup, also when the case has closed it before.
func Run(t *testing.T, open func(t *testing.T) idpool.Store) {
	for _, cases := range [][]testCase{transactions, pools, identities, keys, iam, rules} {
		for _, c := range cases {
			t.Run(c.holds, func(t *testing.T) {
				c.check(&suite{T: t, ctx: t.Context(), store: open(t)})
			})
		}
	}
}

// testCase is one clause of the contract.
type testCase struct {
	holds string
	check func(*suite)
}

// suite is a fresh store in a test.
type suite struct {
	*testing.T
	ctx   context.Context
	store idpool.Store
}

const (
	account = "000000000000"
	region  = "eu-west-1"
)

// epoch is the time of tests whose times do not matter.
var epoch = time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)

// update runs fn, which must succeed.
func (s *suite) update(fn func(idpool.Writer) error) {
	s.Helper()
	if err := s.store.Update(s.ctx, fn); err != nil {
		s.Fatalf("update: %v", err)
	}
}

// view runs fn, which must succeed, and may judge what it reads: it runs once, as
// an engine that begins a view again for its second statement has done so before.
func (s *suite) view(fn func(idpool.Reader) error) {
	s.Helper()
	err := s.store.View(s.ctx, func(r idpool.Reader) error {
		for range 2 {
			if _, err := r.DeletedPools(s.ctx); err != nil {
				return err
			}
		}
		return fn(r)
	})
	if err != nil {
		s.Fatalf("view: %v", err)
	}
}

// refuse runs fn in an update, which must fail with the kind and change nothing.
func (s *suite) refuse(kind idpool.Kind, fn func(idpool.Writer) error) {
	s.Helper()
	before := s.everything()
	err := s.store.Update(s.ctx, fn)
	if err == nil || idpool.KindOf(err) != kind {
		s.Errorf("got error %v of kind %d, want kind %d", err, idpool.KindOf(err), kind)
	}
	s.same("everything, after a refusal", s.everything(), before)
}

// newPool is a pool that takes guests, not yet stored.
func newPool() idpool.Pool {
	return idpool.Pool{ID: idpool.NewPoolID(region), Account: account, Name: "pool", AllowUnauthenticated: true, Version: 1, Created: epoch, Modified: epoch}
}

// pool adds a pool.
func (s *suite) pool() idpool.Pool {
	s.Helper()
	p := newPool()
	s.update(func(w idpool.Writer) error { return w.CreatePool(s.ctx, p) })
	return p
}

// newIdentity is an identity that is not yet stored: a guest if it has no login.
func newIdentity(pool idpool.PoolID, logins ...idpool.Login) idpool.Identity {
	return sound(idpool.Identity{ID: idpool.NewIdentityID(region, epoch), Pool: pool, Logins: logins, Created: epoch, Modified: epoch, Seen: epoch})
}

// sound is the identity in the one form in which it comes back from a store.
func sound(i idpool.Identity) idpool.Identity {
	i.Logins = slices.Clone(i.Logins)
	idpool.SortLogins(i.Logins)
	if len(i.Logins) == 0 {
		i.Logins = nil
	}
	if !i.Guest() {
		i.Seen = time.Time{}
	}
	return i
}

// identity adds an identity.
func (s *suite) identity(pool idpool.PoolID, logins ...idpool.Login) idpool.Identity {
	s.Helper()
	i := newIdentity(pool, logins...)
	s.update(func(w idpool.Writer) error { return w.CreateIdentity(s.ctx, i) })
	return i
}

// stored reads an identity.
func (s *suite) stored(id idpool.IdentityID) (i idpool.Identity) {
	s.Helper()
	err := s.store.View(s.ctx, func(r idpool.Reader) (err error) { // one statement, as most views are
		i, err = r.Identity(s.ctx, id)
		return err
	})
	if err != nil {
		s.Fatalf("view: %v", err)
	}
	return i
}

// owner is the identity a login leads to; empty for none.
func (s *suite) owner(pool idpool.PoolID, l idpool.Login) (id idpool.IdentityID) {
	s.Helper()
	s.view(func(r idpool.Reader) error {
		i, err := r.IdentityByLogin(s.ctx, pool, l)
		if idpool.IsNotFound(err) {
			err = nil
		}
		if err != nil {
			return err
		}
		if id, err = r.LoginOwner(s.ctx, pool, l); idpool.IsNotFound(err) {
			err = nil
		}
		s.same(fmt.Sprintf("the owner of %v, read in two ways", l), id, i.ID)
		return err
	})
	return id
}

// together calls each with 0 to n-1 at once and waits for all.
func together(n int, each func(n int)) {
	var all sync.WaitGroup
	for n := range n {
		all.Go(func() { each(n) })
	}
	all.Wait()
}

// login is a login of somebody at the provider that most tests use.
func login(subject string) idpool.Login {
	return idpool.Login{Provider: "accounts.example", Subject: subject}
}

// same compares two values, whose times must be UTC.
func (s *suite) same(what string, got, want any) {
	s.Helper()
	if !reflect.DeepEqual(got, want) {
		s.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

// contents is all that a store holds of the accounts and regions of the tests.
type contents struct {
	Pools      map[idpool.PoolID]idpool.Pool
	Deleted    []idpool.PoolID
	Identities map[idpool.IdentityID]idpool.Identity
	Owners     map[string]idpool.IdentityID
	Providers  []idpool.OIDCProvider
	Roles      []idpool.Role
	Users      []idpool.User
	Policies   []idpool.ManagedPolicy
	SAML       []idpool.SAMLProvider
	AccessKeys []idpool.AccessKey
	Signing    []idpool.SigningKey
}

// everything reads all that there is, also what belongs to deleted pools.
func (s *suite) everything() (c contents) {
	s.Helper()
	s.view(func(r idpool.Reader) (err error) {
		c, err = readAll(s.ctx, r)
		return err
	})
	return c
}

// among holds that pools are among those of all accounts, which come in order.
func among(ctx context.Context, r idpool.Reader, pools map[idpool.PoolID]idpool.Pool) error {
	all, err := r.SomePools(ctx, 1_000_000)
	if err == nil && !slices.IsSorted(all) {
		err = fmt.Errorf("pools out of order: %v", all)
	}
	for id := range pools {
		if err == nil && !slices.Contains(all, id) {
			err = fmt.Errorf("pool %s is not among %v", id, all)
		}
	}
	return err
}

func readAll(ctx context.Context, r idpool.Reader) (contents, error) {
	c := contents{Pools: map[idpool.PoolID]idpool.Pool{}, Identities: map[idpool.IdentityID]idpool.Identity{}, Owners: map[string]idpool.IdentityID{}}
	list, err := r.Pools(ctx, account, region)
	for _, p := range list {
		if err == nil {
			c.Pools[p.ID], err = r.Pool(ctx, p.ID)
		}
	}
	var errs [9]error
	errs[8] = among(ctx, r, c.Pools)
	c.Deleted, errs[0] = r.DeletedPools(ctx)
	c.Providers, errs[1] = r.OIDCProviders(ctx, account)
	c.Roles, errs[2] = r.Roles(ctx, account)
	c.Users, errs[3] = r.Users(ctx, account)
	c.Policies, errs[4] = r.ManagedPolicies(ctx, account)
	c.SAML, errs[5] = r.SAMLProviders(ctx, account)
	c.AccessKeys, errs[6] = r.AccessKeys(ctx, account)
	c.Signing, errs[7] = r.SigningKeys(ctx)
	if err = errors.Join(err, errors.Join(errs[:]...)); err != nil {
		return contents{}, err
	}
	for _, id := range slices.Concat(slices.Collect(maps.Keys(c.Pools)), c.Deleted) {
		list, err := r.Identities(ctx, id, "", 1_000_000)
		if err != nil {
			return contents{}, err
		}
		for _, i := range list {
			c.Identities[i.ID] = i
			for _, l := range i.Logins {
				owner, err := r.IdentityByLogin(ctx, id, l)
				if err != nil {
					return contents{}, fmt.Errorf("login %q of %s: %w", l, i.ID, err)
				}
				if named, err := r.LoginOwner(ctx, id, l); err != nil || named != owner.ID {
					return contents{}, fmt.Errorf("login %q is of %s and of %s: %w", l, owner.ID, named, err)
				}
				c.Owners[fmt.Sprintf("%q %q", id, l)] = owner.ID
			}
		}
	}
	return c, nil
}

// fill sets every field below v to something that is not its zero value, and
// different everywhere. What a later version adds is thus tested too.
func fill(v reflect.Value, n *int64) {
	*n++
	if t, ok := v.Addr().Interface().(*time.Time); ok {
		*t = epoch.Add(time.Duration(*n) * 1001 * time.Millisecond)
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(*n)
	case reflect.Uint8:
		v.SetUint(uint64(*n)%255 + 1)
	case reflect.String:
		v.SetString(fmt.Sprintf("value %d", *n))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(v.Index(i), n)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 2 {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(key, n)
			fill(value, n)
			v.SetMapIndex(key, value)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	default:
		panic(fmt.Sprintf("storetest: fill does not know %s", v.Type()))
	}
}

// filled is a value with every field set.
func filled[T any]() (v T) {
	var n int64
	fill(reflect.ValueOf(&v).Elem(), &n)
	return v
}

// exact are strings that something in between could take for one another, or
// could change.
var exact = []string{
	"ann", "Ann", "ANN", " ann", "ann ", "ann\t", "ann\n", "ann\r\n", "an", "annn", "", " ", "  ",
	"ann\x00", "\x00ann", "ann\x00x", "ann\x00y", "\x00",
	"caf\u00e9", "cafe\u0301", "CAF\u00c9", "\ufb01n", "fin", "\uff41\uff4e\uff4e", "a\u200bnn", "\ufeffann", "\u0131nn", "inn", "\u0399", "\u03b9", "stra\u00dfe", "strasse",
	"\U0001f600", "\U0001f601", "\U0010ffff", "\ufffd",
	`'`, `''`, `"`, `\`, `\\`, `\'`, "`", `%`, `_`, `*`, `?`, `$1`, `:a`, `@a`, `--`, `/*`, `;`, `' OR '1'='1`, `'); DROP TABLE login; --`, "NULL", "null", "{}", "<&>", "\u2028",
	"0", "00", "1", "01", "1.0", "1e0", "0x1", "-0", "9223372036854775808",
	long("x", 255), long("x", 254) + "y", long("\u00e9", 255),
}

func long(of string, n int) string {
	var b []byte
	for range n {
		b = append(b, of...)
	}
	return string(b)
}
