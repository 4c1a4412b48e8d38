package storetest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"idpool/internal/idpool"
)

var keys = []testCase{
	{"an OIDC provider comes back with every field, and is replaced and deleted", providers},
	{"OIDC providers are listed by name, for one account", listProviders},
	{"an access key comes back with every field, is replaced, and listed by ID for one account", accessKeys},
	{"signing keys come back with every field, oldest first, ties by ID, and are replaced", signingKeys},
	{"what may be used once is used once, also by 32 at a time, until it is forgotten", useOnce},
}

func providers(s *suite) {
	full := filled[idpool.OIDCProvider]()
	full.Account = account
	bare := idpool.OIDCProvider{Account: account, Name: full.Name, URL: "u", Created: epoch.Add(time.Hour)}
	for _, p := range []idpool.OIDCProvider{full, bare, full} { // added, then replaced
		s.update(func(w idpool.Writer) error { return w.PutOIDCProvider(s.ctx, p) })
		s.view(func(r idpool.Reader) error {
			got, err := r.OIDCProvider(s.ctx, account, p.Name)
			s.same("provider", got, p)
			list, err2 := r.OIDCProviders(s.ctx, account)
			s.same("providers", list, []idpool.OIDCProvider{p})
			return errors.Join(err, err2)
		})
	}
	other := full
	other.Account = "111111111111"
	s.update(func(w idpool.Writer) error { return w.PutOIDCProvider(s.ctx, other) })
	s.refuse(idpool.NotFound, func(w idpool.Writer) error { return w.DeleteOIDCProvider(s.ctx, "222222222222", full.Name) })
	s.update(func(w idpool.Writer) error { return w.DeleteOIDCProvider(s.ctx, account, full.Name) })
	s.refuse(idpool.NotFound, func(w idpool.Writer) error { _, err := w.OIDCProvider(s.ctx, account, full.Name); return err })
	s.refuse(idpool.NotFound, func(w idpool.Writer) error { return w.DeleteOIDCProvider(s.ctx, account, full.Name) })
	s.view(func(r idpool.Reader) error {
		got, err := r.OIDCProvider(s.ctx, other.Account, full.Name)
		s.same("the provider of another account", got, other)
		return err
	})
}

func listProviders(s *suite) {
	// In the order of their bytes, which is no dictionary's.
	names := []string{"A.example", "B.example", "a-b.example", "a.example", "a.example/B", "a.example/a", "a.example:8443", "ab.example", "b.example", "z", "\u00e4.example"}
	for _, n := range []int{3, 0, 10, 7, 1, 9, 2, 8, 5, 6, 4} {
		s.update(func(w idpool.Writer) error {
			return errors.Join(
				w.PutOIDCProvider(s.ctx, idpool.OIDCProvider{Account: account, Name: names[n], Created: epoch}),
				w.PutOIDCProvider(s.ctx, idpool.OIDCProvider{Account: "111111111111", Name: names[n] + "/other", Created: epoch}))
		})
	}
	s.view(func(r idpool.Reader) error {
		list, err := r.OIDCProviders(s.ctx, account)
		got := []string{}
		for _, p := range list {
			got = append(got, p.Name)
		}
		s.same("names", got, names)
		none, err2 := r.OIDCProviders(s.ctx, "222222222222")
		s.same("names of nobody", len(none), 0)
		return errors.Join(err, err2)
	})
}

// anyBytes are all of them: what is sealed is no text.
var anyBytes = func() (b []byte) {
	for i := range 256 {
		b = append(b, byte(i))
	}
	return append(b, b...)
}()

func accessKeys(s *suite) {
	first := filled[idpool.AccessKey]()
	first.ID, first.Account, first.Secret = "AKIA1", account, anyBytes
	second := idpool.AccessKey{ID: "AKIA2", Account: account, Secret: []byte{0}, Created: epoch}
	lower := idpool.AccessKey{ID: "AKIA2a", Account: account, Secret: []byte("x"), Created: epoch.Add(-time.Hour)}
	other := idpool.AccessKey{ID: "AKIA0", Account: "111111111111", Secret: []byte{1}, Created: epoch}
	all := []idpool.AccessKey{first, second, lower}
	for _, k := range []idpool.AccessKey{lower, other, second, first} {
		s.update(func(w idpool.Writer) error { return w.PutAccessKey(s.ctx, k) })
	}
	check := func() {
		s.Helper()
		s.view(func(r idpool.Reader) error {
			for _, k := range append(all, other) {
				got, err := r.AccessKey(s.ctx, k.ID)
				s.same("key", got, k)
				if err != nil {
					return err
				}
			}
			list, err := r.AccessKeys(s.ctx, account)
			s.same("keys", list, all)
			var every []idpool.AccessKey
			for after := ""; ; after = every[len(every)-1].ID {
				page, err := r.EveryAccessKey(s.ctx, after, 2)
				if err != nil {
					return err
				}
				if len(page) == 0 {
					break
				}
				every = append(every, page...)
			}
			s.same("keys of all accounts", every, append([]idpool.AccessKey{other}, all...))
			if _, err := r.AccessKey(s.ctx, "akia1"); !idpool.IsNotFound(err) {
				s.Errorf("a key ID in another case: %v", err)
			}
			return err
		})
	}
	check()
	all[1].Secret, all[1].Created = []byte("sealed again"), epoch.Add(time.Minute)
	s.update(func(w idpool.Writer) error { return w.PutAccessKey(s.ctx, all[1]) })
	check()
}

func signingKeys(s *suite) {
	var all []idpool.SigningKey
	for n, created := range []int{5, 3, 3, 3, 9, 0} {
		k := filled[idpool.SigningKey]()
		k.ID, k.Created, k.UseFrom = fmt.Sprintf("%s-%d", region, 6-n), epoch.Add(time.Duration(created)*time.Millisecond), epoch.Add(-time.Duration(n)*time.Hour)
		k.Private, k.Certificate = append(slices.Clone(anyBytes), byte(n)), append([]byte{byte(n)}, anyBytes...)
		all = append(all, k)
		s.update(func(w idpool.Writer) error { return w.PutSigningKey(s.ctx, k) })
	}
	check := func(order ...int) {
		s.Helper()
		var want []idpool.SigningKey
		for _, n := range order {
			want = append(want, all[n])
		}
		s.view(func(r idpool.Reader) error {
			got, err := r.SigningKeys(s.ctx)
			s.same("keys", got, want)
			return err
		})
	}
	check(5, 3, 2, 1, 0, 4)
	all[3].Private, all[3].Created, all[3].UseFrom = []byte("sealed again"), epoch.Add(time.Hour), epoch
	s.update(func(w idpool.Writer) error { return w.PutSigningKey(s.ctx, all[3]) })
	check(5, 2, 1, 0, 4, 3)
}

func useOnce(s *suite) {
	until := epoch.Add(time.Minute)
	use := func(id string, now time.Time) error {
		return s.store.Update(s.ctx, func(w idpool.Writer) error { return w.UseOnce(s.ctx, id, now, until) })
	}
	errs := make([]error, 32)
	together(len(errs), func(n int) { errs[n] = use("one", epoch) })
	used := 0
	for _, err := range errs {
		switch {
		case err == nil:
			used++
		case idpool.KindOf(err) != idpool.Exists:
			s.Errorf("got error %v, want one of kind Exists", err)
		}
	}
	if used != 1 {
		s.Errorf("used %d times", used)
	}
	failed := errors.New("changed my mind")
	if err := s.store.Update(s.ctx, func(w idpool.Writer) error { return errors.Join(w.UseOnce(s.ctx, "two", epoch, until), failed) }); !errors.Is(err, failed) {
		s.Errorf("got error %v", err)
	}
	for _, step := range []struct {
		id   string
		now  time.Time
		kind idpool.Kind // Internal: it must work
	}{
		{"two", epoch, idpool.Internal}, // the one before was not kept
		{"One", epoch, idpool.Internal},
		{"", epoch, idpool.Internal},
		{"", epoch, idpool.Exists},
		{"one", until.Add(-time.Millisecond), idpool.Exists},
		{"one", until, idpool.Internal}, // forgotten
		{"two", epoch, idpool.Internal}, // and so was every other
	} {
		switch err := use(step.id, step.now); {
		case step.kind == idpool.Internal && err != nil:
			s.Errorf("%q at %s: %v", step.id, step.now, err)
		case step.kind != idpool.Internal && idpool.KindOf(err) != step.kind:
			s.Errorf("%q at %s: got error %v, want kind %d", step.id, step.now, err, step.kind)
		}
	}
}
