package storetest

import (
	"context"
	"errors"
	"fmt"
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
	{"entities of IAM are listed by name without regard to case, and kinds and accounts do not mix", listEntities},
	{"policy documents and metadata are kept byte for byte", documents},
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

func listEntities(s *suite) {
	names := []string{"+", "0", "_", "A", "a-b", "a.b", "AB", "b", "C", "z"} // in the order of their lower-case bytes
	s.update(func(w idpool.Writer) (err error) {
		for _, n := range []int{4, 9, 0, 7, 2, 5, 8, 1, 3, 6} {
			for _, owner := range []string{account, "111111111111"} {
				err = errors.Join(err,
					w.PutRole(s.ctx, idpool.Role{Account: owner, Name: names[n], ID: "role", Created: epoch}),
					w.PutUser(s.ctx, idpool.User{Account: owner, Name: names[n], ID: "user", Created: epoch}),
					w.PutManagedPolicy(s.ctx, idpool.ManagedPolicy{Account: owner, Name: names[n], ID: "policy", Created: epoch}),
					w.PutSAMLProvider(s.ctx, idpool.SAMLProvider{Account: owner, Name: names[n], ID: "saml", Created: epoch}))
			}
		}
		return err
	})
	s.view(func(r idpool.Reader) error {
		var got [4][]string
		add := func(kind int, account, name, id string) {
			got[kind] = append(got[kind], account+" "+name+" "+id)
		}
		roles, err1 := r.Roles(s.ctx, account)
		for _, e := range roles {
			add(0, e.Account, e.Name, e.ID)
		}
		users, err2 := r.Users(s.ctx, account)
		for _, e := range users {
			add(1, e.Account, e.Name, e.ID)
		}
		policies, err3 := r.ManagedPolicies(s.ctx, account)
		for _, e := range policies {
			add(2, e.Account, e.Name, e.ID)
		}
		saml, err4 := r.SAMLProviders(s.ctx, account)
		for _, e := range saml {
			add(3, e.Account, e.Name, e.ID)
		}
		for kind, id := range []string{"role", "user", "policy", "saml"} {
			var want []string
			for _, name := range names {
				want = append(want, account+" "+name+" "+id)
			}
			s.same(id, got[kind], want)
		}
		return errors.Join(err1, err2, err3, err4)
	})
	s.update(func(w idpool.Writer) error { return w.DeleteRole(s.ctx, account, "a") })
	s.view(func(r idpool.Reader) error { // the others of that name are still there
		_, err1 := r.User(s.ctx, account, "a")
		_, err2 := r.ManagedPolicy(s.ctx, account, "a")
		_, err3 := r.SAMLProvider(s.ctx, account, "a")
		_, err4 := r.Role(s.ctx, "111111111111", "a")
		return errors.Join(err1, err2, err3, err4)
	})
}

func documents(s *suite) {
	for n, text := range exact {
		name := fmt.Sprint(n)
		role := idpool.Role{Account: account, Name: name, Description: text, Trust: text, Tags: map[string]string{text: text}, Created: epoch,
			Grants: idpool.Grants{Inline: map[string]string{text: text}, Attached: []string{text}}}
		policy := idpool.ManagedPolicy{Account: account, Name: name, Versions: []idpool.PolicyVersion{{ID: text, Document: text, Created: epoch}}, Created: epoch, Updated: epoch}
		provider := idpool.SAMLProvider{Account: account, Name: name, Metadata: text, ValidUntil: epoch, Created: epoch}
		s.update(func(w idpool.Writer) error {
			return errors.Join(w.PutRole(s.ctx, role), w.PutManagedPolicy(s.ctx, policy), w.PutSAMLProvider(s.ctx, provider))
		})
		s.view(func(r idpool.Reader) error {
			gotRole, err1 := r.Role(s.ctx, account, name)
			gotPolicy, err2 := r.ManagedPolicy(s.ctx, account, name)
			gotProvider, err3 := r.SAMLProvider(s.ctx, account, name)
			s.same("role", gotRole, role)
			s.same("policy", gotPolicy, policy)
			s.same("provider", gotProvider, provider)
			return errors.Join(err1, err2, err3)
		})
	}
}
