package oidc

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"idpool/internal/idpool"
	"idpool/internal/login"
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
}

// TestUserPoolIssuers holds that both issuers of a user pool are one provider,
// under whichever of their names a token comes.
func TestUserPoolIssuers(t *testing.T) {
	t.Parallel()
	w := userPoolWorld(t)
	c := w.config()
	c.Overrides = map[string]Override{userPoolName: {JWKSURI: w.URL + "/keys"}}
	v := New(c)
	id := logintest.Claim("token_use", "id")
	for _, iss := range []string{"https://" + userPoolName, "https://issuer-" + userPoolName} {
		for _, name := range []string{userPoolName, "issuer-" + userPoolName} {
			got, err := present(t, v, w.pool, name, w.Token("ann", id, logintest.Claim("iss", iss)))
			if err != nil || got.Login != (idpool.Login{Provider: userPoolName, Subject: "ann"}) || got.MappingKey != userPoolName+":app" {
				t.Errorf("%s under %s: %+v %v", iss, name, got, err)
			}
		}
	}
	if w.Fetches(logintest.KeySet) != 1 {
		t.Errorf("the key set was fetched %d times", w.Fetches(logintest.KeySet))
	}
	for _, iss := range []string{"https://issuer-issuer-" + userPoolName, "https://issuer-cognito-idp.us-east-1.amazonaws.com/us-east-1_other", "issuer-" + userPoolName} {
		token := w.Token("ann", id, logintest.Claim("iss", iss))
		_, err := present(t, v, w.pool, userPoolName, token)
		wantRefusal(t, err, token, wrongIssuer)
	}
	if v.Serves(w.pool, "issuer-issuer-"+userPoolName) || v.Serves(w.pool, "issuer-") || v.Serves(&idpool.PoolConfig{}, "") {
		t.Error("a name is served that nobody configured")
	}
}

const signedOut = "Invalid login token. User is signed out or deleted."

// TestServerSideTokenCheck holds that a token counts only while the user pool
// knows its user, and that nobody passes whom it could not be asked about.
func TestServerSideTokenCheck(t *testing.T) {
	t.Parallel()
	key := aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "hush"}
	w := userPoolWorld(t)
	w.pool.UserPools[1].ServerSideTokenCheck = true // of the client shop
	api := logintest.NewUserPool(t, w.now, "us-east-1_Ab12Cd34E", key)
	asking := func(u UserPool) *Verifier {
		c := w.config()
		c.Overrides = map[string]Override{userPoolName: {Issuer: w.URL, UserPool: u}}
		return New(c)
	}
	v := asking(UserPool{Endpoint: api.URL + "/", AccessKey: key})
	id, shop := logintest.Claim("token_use", "id"), logintest.Audience("shop")
	token := w.Token("5d9b", id, shop, logintest.Claim("cognito:username", "ann"))
	gone := func(why string) {
		t.Helper()
		_, err := present(t, v, w.pool, userPoolName, token)
		wantRefusal(t, err, token, signedOut)
		if refusal, ok := errors.AsType[*login.Refusal](err); !ok || refusal.Got != why {
			t.Errorf("refused because of %v, want %s", err, why)
		}
	}
	gone("no such user")
	api.Put("ann", "5d9b")
	for range 2 { // the answer is not remembered
		if _, err := present(t, v, w.pool, userPoolName, token); err != nil {
			t.Error(err)
		}
	}
	if api.Asked() != 3 {
		t.Errorf("asked %d times", api.Asked())
	}
	api.Disable("ann")
	gone("a disabled user")
	api.Put("ann", "another")
	gone(`a user with sub "another"`)
	api.Delete("ann")
	gone("no such user")
	asked := api.Asked()
	late := w.Token("5d9b", id, shop, logintest.ExpiresIn(-time.Hour))
	_, err := present(t, v, w.pool, userPoolName, late)
	wantRefusal(t, err, late, expired)
	other := w.Token("5d9b", id) // of the client whose tokens are not checked
	if _, err := present(t, v, w.pool, userPoolName, other); err != nil || api.Asked() != asked {
		t.Errorf("the other client: %v, asked %d times more", err, api.Asked()-asked)
	}

	api.Put("5d9b", "5d9b")
	unnamed := w.Token("5d9b", id, shop) // its user is found by sub
	if _, err := present(t, v, w.pool, userPoolName, unnamed); err != nil {
		t.Error(err)
	}
	wantUnavailable := func(name string, v *Verifier) {
		t.Helper()
		_, err := present(t, v, w.pool, userPoolName, unnamed)
		if idpool.KindOf(err) != idpool.Upstream || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", name, err)
		}
	}
	wantUnavailable("no signature", asking(UserPool{Endpoint: api.URL}))
	wantUnavailable("another key", asking(UserPool{Endpoint: api.URL, AccessKey: aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "hush!"}}))
	wantUnavailable("no address", asking(UserPool{Endpoint: "http://127.0.0.1:x/"}))
	for name, h := range map[string]http.Handler{
		"not JSON":  logintest.Text("hello"),
		"no sub":    logintest.Text(`{"Enabled":true,"UserAttributes":[7,{"Name":"sub","Value":7}]}`),
		"duplicate": logintest.Text(`{"Enabled":false,"Enabled":true,"UserAttributes":[{"Name":"sub","Value":"5d9b"}]}`),
		"throttled": logintest.Status(http.StatusBadRequest),
		"redirect":  http.RedirectHandler("/elsewhere", http.StatusFound),
	} {
		api.Answer(h)
		wantUnavailable(name, v)
	}
	api.Answer(nil)
	if _, err := present(t, v, w.pool, userPoolName, unnamed); err != nil {
		t.Error(err)
	}
	api.Answer(logintest.Text(`{"enabled":true,"UserAttributes":[{"Name":"sub","Value":"5d9b"}]}`))
	_, err = present(t, v, w.pool, userPoolName, unnamed)
	wantRefusal(t, err, unnamed, signedOut)
	api.Close()
	wantUnavailable("down", v)
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
