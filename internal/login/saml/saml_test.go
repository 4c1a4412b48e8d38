package saml_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"idpool/internal/idpool"
	"idpool/internal/login"
	kind "idpool/internal/login/saml"
	"idpool/internal/saml"
	"idpool/internal/saml/samltest"
	"idpool/internal/store/sqlite"
)

const (
	account = "111122223333"
	corp    = "arn:aws:iam::111122223333:saml-provider/corp"
	role    = "arn:aws:iam::111122223333:role/staff"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// world is a pool that trusts a provider.
func world(t *testing.T) (kind.Verifier, *samltest.Provider, *idpool.PoolConfig) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "idpool.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	provider := samltest.New("https://idp.example.com")
	held := idpool.SAMLProvider{Account: account, Name: "corp", Metadata: provider.Metadata(), Created: now, ValidUntil: now}
	if err := store.Update(t.Context(), func(w idpool.Writer) error { return w.PutSAMLProvider(t.Context(), held) }); err != nil {
		t.Fatal(err)
	}
	pool := &idpool.PoolConfig{Pool: idpool.Pool{Account: account, SAMLProviderARNs: []string{corp, corp + "-gone"}}}
	return kind.Verifier{Store: store, Responses: saml.New(saml.Config{Now: func() time.Time { return now }})}, provider, pool
}

func wish(attributes ...[]string) samltest.Wish {
	return samltest.Wish{At: now, Attributes: attributes}
}

func present(response string) login.Presented {
	return login.Presented{Provider: corp, Token: login.Token(response)}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	v, provider, pool := world(t)
	const identifier, name = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"
	response := provider.Signed(wish([]string{saml.RoleAttribute, role + "," + corp, corp + "," + role + "2", "arn:aws:iam::111122223333:role/no,arn:aws:iam::111122223333:saml-provider/other"},
		[]string{saml.SessionNameAttribute, "ann"}, []string{"team", "red"}, []string{identifier, "a1"}, []string{name, "Ann", "Anna"}))
	for range 2 { // a response is shown more than once
		got, err := v.Verify(t.Context(), pool, present(response))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.OfferedRoles, []string{role, role + "2"}) {
			t.Errorf("roles %q", got.OfferedRoles)
		}
		if team := got.Claims["team"]; !cmp.Equal(team, []any{"red"}) {
			t.Errorf("claim %v", team)
		}
		got.Claims, got.OfferedRoles = nil, nil
		want := idpool.VerifiedLogin{
			Login: idpool.Login{Provider: corp, Subject: "ann"}, Detail: corp + ":SAML:ann", MappingKey: corp, TagsKey: corp,
			Client: "urn:amazon:webservices", DefaultTags: map[string]string{"username": "a1"}, ProviderChooses: true,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestServes(t *testing.T) {
	t.Parallel()
	v, provider, pool := world(t)
	for name, want := range map[string]bool{corp: true, corp + "-gone": true, corp + "2": false, "corp": false, strings.ToUpper(corp): false, "": false} {
		if got := v.Serves(pool, name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
	response := provider.Signed(wish([]string{saml.RoleAttribute, role + "," + corp}, []string{saml.SessionNameAttribute, "ann"}))
	_, err := v.Verify(t.Context(), pool, login.Presented{Provider: corp + "-gone", Token: login.Token(response)})
	wantRefusal(t, err, "provider", "Token is not from a supported provider of this identity pool.")
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	v, provider, pool := world(t)
	roles, session := []string{saml.RoleAttribute, role + "," + corp}, []string{saml.SessionNameAttribute, "ann"}
	for name, row := range map[string]struct{ response, check string }{
		"no response":               {"!", "encoding"},
		"of somebody else":          {samltest.New("https://idp.example.com").Signed(wish(roles, session)), "signature"},
		"unsigned":                  {samltest.Post(provider.Response(wish(roles, session))), "signature"},
		"no role":                   {provider.Signed(wish(session)), "attributes"},
		"a role with another":       {provider.Signed(wish([]string{saml.RoleAttribute, role + "," + corp + "2"}, session)), "attributes"},
		"no name of the session":    {provider.Signed(wish(roles)), "attributes"},
		"a bad name of the session": {provider.Signed(wish(roles, []string{saml.SessionNameAttribute, "a b"})), "attributes"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := v.Verify(t.Context(), pool, present(row.response))
			wantRefusal(t, err, row.check, "Invalid base64 SAMLResponse")
			if strings.Contains(err.Error(), row.response) && len(row.response) > 10 {
				t.Error("the error holds the response")
			}
		})
	}
}

func wantRefusal(t *testing.T, err error, check, text string) {
	t.Helper()
	fault, ok := errors.AsType[*idpool.Error](err)
	if !ok || fault.Kind != idpool.NotAuthorized || fault.Msg != text {
		t.Errorf("got %v, want the text %q", err, text)
	}
	if why, ok := errors.AsType[*login.Refusal](err); !ok || why.Check != check {
		t.Errorf("refused because of %v, want the check %q", err, check)
	}
}
