package storetest

import (
	"context"
	"errors"
	"strings"
	"time"

	"idpool/internal/idpool"
)

var iam = []testCase{
	{"a role comes back with every field, by its name in any case, and is replaced and deleted", func(s *suite) {
		role := filled[idpool.Role]()
		role.MaxSession = 90 * time.Minute
		bare := idpool.Role{Name: strings.ToUpper(role.Name), Path: "/", Trust: "{}", Created: epoch}
		role.Account, bare.Account = account, account
		checkEntity(s, entity[idpool.Role]{role, bare, role.Name, idpool.Reader.Role, idpool.Reader.Roles, idpool.Writer.PutRole, idpool.Writer.DeleteRole})
	}},
	{"so does a user", func(s *suite) {
		user := filled[idpool.User]()
		bare := idpool.User{Name: strings.ToUpper(user.Name), Path: "/", Created: epoch}
		user.Account, bare.Account = account, account
		checkEntity(s, entity[idpool.User]{user, bare, user.Name, idpool.Reader.User, idpool.Reader.Users, idpool.Writer.PutUser, idpool.Writer.DeleteUser})
	}},
	{"so does a managed policy", func(s *suite) {
		policy := filled[idpool.ManagedPolicy]()
		bare := idpool.ManagedPolicy{Name: strings.ToUpper(policy.Name), Path: "/", Default: "v1", Versions: []idpool.PolicyVersion{{ID: "v1", Document: "{}", Created: epoch}}, Created: epoch, Updated: epoch}
		policy.Account, bare.Account = account, account
		checkEntity(s, entity[idpool.ManagedPolicy]{policy, bare, policy.Name, idpool.Reader.ManagedPolicy, idpool.Reader.ManagedPolicies, idpool.Writer.PutManagedPolicy, idpool.Writer.DeleteManagedPolicy})
	}},
	{"so does a SAML provider", func(s *suite) {
		provider := filled[idpool.SAMLProvider]()
		bare := idpool.SAMLProvider{Name: strings.ToUpper(provider.Name), Metadata: "<x/>", ValidUntil: epoch, Created: epoch}
		provider.Account, bare.Account = account, account
		checkEntity(s, entity[idpool.SAMLProvider]{provider, bare, provider.Name, idpool.Reader.SAMLProvider, idpool.Reader.SAMLProviders, idpool.Writer.PutSAMLProvider, idpool.Writer.DeleteSAMLProvider})
	}},
	{"an access key is deleted", func(s *suite) {
		k := filled[idpool.AccessKey]()
		k.Account = account
		s.update(func(w idpool.Writer) error { return w.PutAccessKey(s.ctx, k) })
		s.refuse(idpool.NotFound, func(w idpool.Writer) error { return w.DeleteAccessKey(s.ctx, strings.ToLower(k.ID)+"x") })
		s.update(func(w idpool.Writer) error { return w.DeleteAccessKey(s.ctx, k.ID) })
		s.refuse(idpool.NotFound, func(w idpool.Writer) error { return w.DeleteAccessKey(s.ctx, k.ID) })
	}},
}

// entity is one kind of entity of IAM: two values whose names differ in case
// only, and what the store does with them.
type entity[E any] struct {
	full, bare E
	name       string
	get        func(idpool.Reader, context.Context, string, string) (E, error)
	list       func(idpool.Reader, context.Context, string) ([]E, error)
	put        func(idpool.Writer, context.Context, E) error
	delete     func(idpool.Writer, context.Context, string, string) error
}

func checkEntity[E any](s *suite, e entity[E]) {
	for _, v := range []E{e.full, e.bare, e.full} { // added, then replaced
		s.update(func(w idpool.Writer) error { return e.put(w, s.ctx, v) })
		s.view(func(r idpool.Reader) error {
			got, err := e.get(r, s.ctx, account, strings.ToUpper(e.name))
			s.same("entity", got, v)
			list, err2 := e.list(r, s.ctx, account)
			s.same("list", list, []E{v})
			none, err3 := e.list(r, s.ctx, "111111111111")
			s.same("list of another account", len(none), 0)
			return errors.Join(err, err2, err3)
		})
	}
	s.refuse(idpool.NotFound, func(w idpool.Writer) error { return e.delete(w, s.ctx, "111111111111", e.name) })
	s.update(func(w idpool.Writer) error { return e.delete(w, s.ctx, account, strings.ToUpper(e.name)) })
	s.refuse(idpool.NotFound, func(w idpool.Writer) error { _, err := e.get(w, s.ctx, account, e.name); return err })
	s.refuse(idpool.NotFound, func(w idpool.Writer) error { return e.delete(w, s.ctx, account, e.name) })
}
