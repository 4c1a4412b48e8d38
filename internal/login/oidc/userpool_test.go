package oidc

import (
	"slices"
	"testing"

	"idpool/internal/idpool"
	"idpool/internal/login/logintest"
)

const userPoolName = "cognito-idp.us-east-1.amazonaws.com/us-east-1_Ab12Cd34E"

// userPoolWorld is an issuer that stands for a user pool, with two clients that
// the pool trusts.
func userPoolWorld(t *testing.T) *world {
	w := newWorld(t)
	c := w.config()
	c.Overrides = map[string]Override{userPoolName: {Issuer: w.URL}}
	w.v = New(c)
	w.pool = &idpool.PoolConfig{Pool: idpool.Pool{Account: account, UserPools: []idpool.UserPoolClient{
		{ProviderName: userPoolName, ClientID: "app"}, {ProviderName: userPoolName, ClientID: "shop"},
	}}}
	return w
}

// TestUserPool holds that a person is the same whichever client the token is
// for, that only the ID token counts, and that a user pool may offer roles.
func TestUserPool(t *testing.T) {
	t.Parallel()
	w := userPoolWorld(t)
	id := logintest.Claim("token_use", "id")
	token := w.Token("ann", id, logintest.Audience("shop"), logintest.Claim("cognito:preferred_role", "role-a"), logintest.Claim("cognito:roles", []any{"role-a", "role-b", 7}))
	got, err := present(t, w.v, w.pool, userPoolName, token)
	if err != nil {
		t.Fatal(err)
	}
	if got.Login != (idpool.Login{Provider: userPoolName, Subject: "ann"}) || got.Detail != userPoolName+":CognitoSignIn:ann" ||
		got.MappingKey != userPoolName+":shop" || got.TagsKey != userPoolName || got.Client != "shop" ||
		got.PreferredRole != "role-a" || !slices.Equal(got.OfferedRoles, []string{"role-a", "role-b"}) {
		t.Errorf("got %+v", got)
	}
	other, err := present(t, w.v, w.pool, userPoolName, w.Token("ann", id, logintest.Audience("app")))
	if err != nil || other.Login != got.Login || other.MappingKey != userPoolName+":app" {
		t.Errorf("the other client: %+v %v", other, err)
	}
	for name, row := range map[string]struct{ token, text string }{
		"access token":   {w.Token("ann", logintest.Claim("token_use", "access"), logintest.Without("aud")), noClaim + "aud"},
		"with aud":       {w.Token("ann", logintest.Claim("token_use", "access")), notAToken},
		"no token_use":   {w.Token("ann"), notAToken},
		"token_use list": {w.Token("ann", logintest.Claim("token_use", []string{"id"})), notAToken},
		"other client":   {w.Token("ann", id, logintest.Audience("other")), unsupported},
	} {
		_, err := present(t, w.v, w.pool, userPoolName, row.token)
		t.Run(name, func(t *testing.T) { wantRefusal(t, err, row.token, row.text) })
	}
	w.pool.UserPools[1].ServerSideTokenCheck = true
	_, err = present(t, w.v, w.pool, userPoolName, token)
	wantRefusal(t, err, token, unsupported)
}

// TestOtherIssuersOfferNoRoles holds that what only a user pool may say counts
// for nothing in the token of another issuer.
func TestOtherIssuersOfferNoRoles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.accept(t, w.Token("ann", logintest.Claim("cognito:preferred_role", "role-a"), logintest.Claim("cognito:roles", []any{"role-a"})))
	if got.PreferredRole != "" || got.OfferedRoles != nil {
		t.Errorf("offers %q and %q", got.PreferredRole, got.OfferedRoles)
	}
}
