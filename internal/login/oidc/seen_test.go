package oidc

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"idpool/internal/idpool"
	"idpool/internal/login/logintest"
)

func same(a, b idpool.Claims) bool {
	return reflect.ValueOf(a).Pointer() == reflect.ValueOf(b).Pointer()
}

// TestSeen presents a token again, under changed circumstances.
func TestSeen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.Token("ann", logintest.ExpiresIn(40*time.Minute))
	first := w.accept(t, ann)
	if again := w.accept(t, ann); !same(first.Claims, again.Claims) {
		t.Error("the token was read again")
	}
	if got := w.accept(t, w.Token("ann", logintest.ExpiresIn(39*time.Minute))); same(first.Claims, got.Claims) {
		t.Error("another token was taken for it")
	}
	w.refuse(t, ann+"A", unverified)
	w.refuse(t, ann[:len(ann)-4]+"AAAA", unverified)

	change := func(change func(*idpool.OIDCProvider)) *idpool.PoolConfig {
		pool := trusting(w.Issuer)
		p := pool.OIDCProviders[w.Name()]
		p.ClientIDs = slices.Clone(p.ClientIDs)
		change(&p)
		pool.OIDCProviders[w.Name()] = p
		return pool
	}
	for name, row := range map[string]struct {
		pool *idpool.PoolConfig
		text string
	}{
		"another audience":    {change(func(p *idpool.OIDCProvider) { p.ClientIDs = []string{"shop"} }), unsupported},
		"no audience":         {change(func(p *idpool.OIDCProvider) { p.ClientIDs = nil }), unsupported},
		"another issuer":      {change(func(p *idpool.OIDCProvider) { p.URL += "/" }), wrongIssuer},
		"https instead":       {change(func(p *idpool.OIDCProvider) { p.URL = strings.Replace(p.URL, "http", "https", 1) }), wrongIssuer},
		"nothing has changed": {change(func(p *idpool.OIDCProvider) {}), ""},
	} {
		_, err := present(t, w.v, row.pool, w.Name(), ann)
		if row.text == "" && err != nil {
			t.Errorf("%s: %v", name, err)
		} else if row.text != "" {
			wantRefusal(t, err, ann, row.text)
		}
	}

	now := w.now().Unix()
	w.advance(41*time.Minute - time.Second)
	w.accept(t, ann)
	w.settle(t)
	w.advance(time.Second)
	w.refuse(t, ann, fmt.Sprintf("%s%d >= %d", expired, now+41*60, now+40*60))
}

// TestSeenElsewhere has a token verified with the keys of one place presented
// under a name whose keys are in another.
func TestSeenElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	empty := newWorld(t)
	c := w.config()
	c.Overrides = map[string]Override{
		"one.example": {Issuer: w.URL, JWKSURI: w.URL + "/keys"},
		"two.example": {Issuer: w.URL, JWKSURI: empty.URL + "/keys"}, // same issuer, other keys
	}
	pool := trusting()
	for name := range c.Overrides {
		pool.OIDCProviderARNs = append(pool.OIDCProviderARNs, idpool.ProviderARN(account, name))
		pool.OIDCProviders[name] = idpool.OIDCProvider{Account: account, Name: name, URL: "https://" + name, ClientIDs: []string{"app"}}
	}
	v := New(c)
	ann := w.Token("ann")
	for range 2 {
		if _, err := present(t, v, pool, "one.example", ann); err != nil {
			t.Fatal(err)
		}
		_, err := present(t, v, pool, "two.example", ann)
		wantRefusal(t, err, ann, unverified)
	}
}

// TestSeenBound bounds how many tokens are remembered; large ones count for
// several.
func TestSeenBound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.config()
	c.MaxTokens = 50
	w.v = New(c)
	for i := range 200 {
		w.accept(t, w.Token(fmt.Sprint("person ", i), logintest.Claim("pad", strings.Repeat("x", i%20*1000))))
	}
	w.v.seen.CleanUp()
	if n := w.v.seen.WeightedSize(); n > 50 {
		t.Errorf("tokens of weight %d are remembered, at most 50", n)
	}
	if n := w.v.seen.EstimatedSize(); n < 5 || n > 50 {
		t.Errorf("%d tokens are remembered", n)
	}
	w.accept(t, w.Token("person 0"))
}
