package oidc

import (
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"idpool/internal/idpool"
	"idpool/internal/login/logintest"
)

// TestWellKnown holds that the issuers which a pool names by an application are
// verified like any other, each under its own iss.
func TestWellKnown(t *testing.T) {
	t.Parallel()
	for name, issuers := range map[string][]string{
		"accounts.google.com": {"https://accounts.google.com", "accounts.google.com"},
		"appleid.apple.com":   {"https://appleid.apple.com"},
		"graph.facebook.com":  {"https://www.facebook.com"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.pool = &idpool.PoolConfig{Pool: idpool.Pool{Account: account, SupportedLoginProviders: map[string]string{name: "app"}}}
			c := w.config()
			c.Overrides = map[string]Override{name: {JWKSURI: w.URL + "/keys"}}
			v := New(c)
			for _, iss := range issuers {
				got, err := present(t, v, w.pool, name, w.Token("ann", logintest.Claim("iss", iss), logintest.Claim("email", "a@example.com")))
				if err != nil || got.Login != (idpool.Login{Provider: name, Subject: "ann"}) || got.Detail != name+":app:ann" ||
					got.MappingKey != name || got.TagsKey != name || got.Client != "app" || got.Claims["email"] != "a@example.com" || got.OfferedRoles != nil {
					t.Errorf("%s: %+v %v", iss, got, err)
				}
			}
			if w.Fetches(logintest.KeySet) != 1 {
				t.Errorf("the key set was fetched %d times", w.Fetches(logintest.KeySet))
			}
			iss := logintest.Claim("iss", issuers[0])
			for _, row := range []struct{ token, text string }{
				{w.Token("ann"), wrongIssuer},
				{w.Token("ann", logintest.Claim("iss", name)), map[bool]string{true: wrongIssuer}[name != "accounts.google.com"]},
				{w.Token("ann", logintest.Claim("iss", issuers[0]+"/")), wrongIssuer},
				{w.Token("ann", iss, logintest.Audience("other")), unsupported},
				{w.Token("ann", iss, logintest.Claim("azp", "other")), unsupported}, // it decides, if it is there
				{w.Token("ann", iss, logintest.Audience("other"), logintest.Claim("azp", "app")), ""},
				{w.Token("ann", iss, logintest.Signature(zeros(64))), unverified},
				{w.Token("ann", iss, logintest.SignedWith(logintest.NewKey(t, "ES256"))), unverified},
			} {
				_, err := present(t, v, w.pool, name, row.token)
				if row.text != "" {
					wantRefusal(t, err, row.token, row.text)
				} else if err != nil {
					t.Error(err)
				}
			}
			if v.Serves(&idpool.PoolConfig{Pool: idpool.Pool{SupportedLoginProviders: map[string]string{"www.amazon.com": "app"}}}, "www.amazon.com") {
				t.Error("serves a provider that issues no ID tokens")
			}
			lab := w.config()
			lab.Overrides = map[string]Override{name: {Issuer: w.URL}} // it lives in a laboratory, with discovery
			if _, err := present(t, New(lab), w.pool, name, w.Token("ann")); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestRegisteredGoogle holds that Google, where it is registered with IAM for
// the sake of several applications, still writes its iss in two ways.
func TestRegisteredGoogle(t *testing.T) {
	t.Parallel()
	const name = "accounts.google.com"
	w := newWorld(t)
	w.pool = &idpool.PoolConfig{
		Pool:          idpool.Pool{Account: account, OIDCProviderARNs: []string{idpool.ProviderARN(account, name)}},
		OIDCProviders: map[string]idpool.OIDCProvider{name: {URL: "https://" + name, ClientIDs: []string{"app", "shop"}}},
	}
	c := w.config()
	c.Overrides = map[string]Override{name: {JWKSURI: w.URL + "/keys"}}
	v := New(c)
	for _, iss := range []string{"https://" + name, name} {
		got, err := present(t, v, w.pool, name, w.Token("ann", logintest.Audience("shop"), logintest.Claim("iss", iss)))
		if err != nil || got.Client != "shop" || got.MappingKey != idpool.ProviderARN(account, name) {
			t.Errorf("%s: %+v %v", iss, got, err)
		}
	}
}

// TestDifference: the issuer that is most like the one that came is compared.
func TestDifference(t *testing.T) {
	t.Parallel()
	two := []string{"https://" + userPoolName, "https://issuer-" + userPoolName}
	for _, row := range []struct {
		expected  []string
		got, want string
	}{
		{two, "https://issuer-" + userPoolName + "/", "they differ in the slash at the end"},
		{two, "https://cognito-idp.us-west-2.amazonaws.com/us-east-1_Ab12Cd34E", "they differ from character 24 on"},
		{two, "https://issuer-cognito-idp.us-west-2.amazonaws.com/us-east-1_Ab12Cd34E", "they differ from character 31 on"},
		{two[:1], "http://" + userPoolName, "they differ in the scheme"},
		{two[:1], "https://COGNITO-idp.us-east-1.amazonaws.com/us-east-1_Ab12Cd34E", "they differ in upper and lower case"},
		{[]string{"https://login.example.com"}, "", "they differ from character 1 on"},
	} {
		if got := difference(row.expected, row.got).Error(); got != row.want {
			t.Errorf("%q: %s, want %s", row.got, got, row.want)
		}
	}
}

// TestReadOnce draws pools: what is kept of one is what its configuration says,
// of every name that it could say something about.
func TestReadOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		names := []string{"", "accounts.google.com", "appleid.apple.com", "www.amazon.com", "a.example", "b.example/x", userPoolName, updatedIssuer + userPoolName, updatedIssuer + updatedIssuer + userPoolName}
		name := rapid.SampledFrom(names)
		pool := &idpool.PoolConfig{Pool: idpool.Pool{Account: account}, OIDCProviders: map[string]idpool.OIDCProvider{}}
		for _, n := range rapid.SliceOfN(name, 0, 3).Draw(t, "user pools") {
			pool.UserPools = append(pool.UserPools, idpool.UserPoolClient{ProviderName: n, ClientID: rapid.StringMatching("[ab]").Draw(t, "client"), ServerSideTokenCheck: rapid.Bool().Draw(t, "checked")})
		}
		pool.SupportedLoginProviders = rapid.MapOfN(name, rapid.SampledFrom([]string{"", "app"}), 0, 3).Draw(t, "supported")
		for _, n := range rapid.SliceOfN(name, 0, 3).Draw(t, "registered") {
			pool.OIDCProviderARNs = append(pool.OIDCProviderARNs, idpool.ProviderARN(rapid.SampledFrom([]string{account, "444455556666", ""}).Draw(t, "account"), n))
			if rapid.Bool().Draw(t, "known") {
				pool.OIDCProviders[n] = idpool.OIDCProvider{Account: account, Name: n, URL: "https://" + n, ClientIDs: []string{"app"}}
			}
		}
		v := New(Config{Now: time.Now, Dev: rapid.Bool().Draw(t, "dev"), Overrides: map[string]Override{"a.example": {Issuer: "https://elsewhere.example", Algorithms: []string{"ES256"}}}})
		for _, n := range names {
			want, serves := v.find(pool, n)
			got, served := v.provider(pool, n)
			if served != serves || served && !reflect.DeepEqual(*got, want) {
				t.Errorf("%q: %t, %+v; the configuration says %t, %+v", n, served, got, serves, want)
			}
		}
	})
}
