package compat

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"

	"idpool/internal/login/logintest"
)

var identityIDForm = regexp.MustCompile(`^us-east-1:[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// The texts of behaviour 2.7 and 2.8.
const (
	guestsOff     = "Unauthenticated access is not supported for this identity pool."
	dontMatch     = "Logins don't match. Please include at least one valid login for this identity or identity pool."
	notSupported  = "Token is not from a supported provider of this identity pool."
	linkedAlready = "Logins are already linked to another account."
	notPublic     = "Please provide a valid public provider"
	noRole        = "Invalid identity pool configuration. Check assigned IAM roles for this pool."
)

// ours is the key of tokens of our own in a Logins map.
const ours = "cognito-identity.amazonaws.com"

func identityMissing(id string) string { return fmt.Sprintf("Identity '%s' not found.", id) }
func forbidden(id string) string       { return fmt.Sprintf("Access to Identity '%s' is forbidden.", id) }

var expiredForm = regexp.MustCompile(`^Invalid login token\. Token expired: (\d+) >= (\d+)$`)

// younger waits until an identity made from now on is younger than those made
// before: times are kept in milliseconds.
func younger() { time.Sleep(2 * time.Millisecond) }

// takesLogins tries what every call with a Logins map refuses (behaviour 4.3).
// Nothing may change. The call is for the pool, or for an identity of ann's at
// the first issuer.
func (s *site) takesLogins(t *testing.T, pool string, call func(logins map[string]string) error) {
	t.Helper()
	before := s.everybody(t, pool)
	for name, test := range map[string]struct {
		logins map[string]string
		text   string
	}{
		"not a JWT":            {map[string]string{s.one.name: "opaque"}, "Invalid login token. Not a valid OpenId Connect identity token."},
		"alg none":             {s.one.login("ann", logintest.Header("alg", "none")), "Invalid login token. Not a valid OpenId Connect identity token."},
		"no audience":          {s.one.login("ann", logintest.Without("aud")), "Invalid login token. Missing a required claim: aud"},
		"no subject":           {s.one.login("ann", logintest.Without("sub")), "Invalid login token. Missing a required claim: sub"},
		"another issuer":       {map[string]string{s.one.name: s.two.Token("ann")}, "Invalid login token. Issuer doesn't match providerName"},
		"another key":          {s.one.login("ann", logintest.SignedWith(logintest.NewKey(t, "ES256"))), "Invalid login token. Couldn't verify signed token."},
		"another application":  {both(s.one.login("ann"), s.two.login("ann", logintest.Audience("another"))), notSupported},
		"another provider":     {both(s.one.login("ann"), map[string]string{"login.elsewhere.example": s.one.Token("ann")}), notSupported},
		"an address":           {map[string]string{s.one.url: s.one.Token("ann")}, notSupported},
		"a Cognito key":        {both(s.one.login("ann"), map[string]string{ours: s.one.Token("ann")}), "Invalid login token. Can't pass in a Cognito token."},
		"one good and one bad": {both(s.one.login("ann"), s.two.login("ann", logintest.Without("aud"))), "Invalid login token. Missing a required claim: aud"},
	} {
		t.Run(name, func(t *testing.T) { refused[*types.NotAuthorizedException](t, call(test.logins), test.text) })
	}
	t.Run("expired", func(t *testing.T) {
		err := call(s.one.login("ann", logintest.ExpiresIn(-2*time.Minute)))
		e, ok := errors.AsType[*types.NotAuthorizedException](err)
		if !ok || !expiredForm.MatchString(e.ErrorMessage()) {
			t.Fatalf("got %v", err)
		}
		m := expiredForm.FindStringSubmatch(e.ErrorMessage())
		now, _ := strconv.ParseInt(m[1], 10, 64)
		exp, _ := strconv.ParseInt(m[2], 10, 64)
		if d := now - exp; d < 120 || d > 240 {
			t.Errorf("%v: %d seconds apart", err, d)
		}
	})
	t.Run("the constraints", func(t *testing.T) {
		const bounds = "Member must have length less than or equal to 50000, Member must have length greater than or equal to 1"
		invalid(t, call(map[string]string{"prov": letters(50001)}), "Value '{prov=}' at 'logins' failed to satisfy constraint: Map value must satisfy constraint: ["+bounds+"]")
		many := map[string]string{}
		for i := range 11 {
			many[fmt.Sprintf("%c", 'a'+i)] = "secret"
		}
		invalid(t, call(many), "Value '{a=, b=, c=, d=, e=, f=, g=, h=, i=, j=, k=}' at 'logins' failed to satisfy constraint: Member must have length less than or equal to 10")
	})
	if after := s.everybody(t, pool); !slices.Equal(before, after) {
		t.Errorf("refused logins changed the pool from\n%s\nto\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
}

// getID follows the table of behaviour 3.1.
func getID(t *testing.T, s *site) {
	ctx := t.Context()
	get := func(pool string, logins map[string]string) error {
		_, err := s.cognito.GetId(ctx, &ci.GetIdInput{IdentityPoolId: &pool, Logins: logins})
		return err
	}
	ann, anna := s.one.login("ann"), s.two.login("anna")

	t.Run("1 a guest is new each time", func(t *testing.T) {
		pool := s.pool(t)
		a, b := s.id(t, pool, nil), s.id(t, pool, map[string]string{})
		if a == b || !identityIDForm.MatchString(a) || !identityIDForm.MatchString(b) {
			t.Errorf("two guests are %s and %s", a, b)
		}
		s.wantLogins(t, a)
	})
	t.Run("2 guests are off", func(t *testing.T) {
		pool := s.pool(t, noGuests)
		refused[*types.NotAuthorizedException](t, get(pool, nil), guestsOff)
		refused[*types.NotAuthorizedException](t, get(pool, map[string]string{}), guestsOff)
		s.wantLogins(t, s.id(t, pool, ann), s.one.name)
	})
	t.Run("3 a bad token fails all", func(t *testing.T) {
		pool := s.pool(t)
		s.takesLogins(t, pool, func(logins map[string]string) error { return get(pool, logins) })
		s.id(t, pool, ann)
		s.takesLogins(t, pool, func(logins map[string]string) error { return get(pool, logins) })
	})
	t.Run("4 nobody's logins make one identity", func(t *testing.T) {
		pool := s.pool(t)
		id := s.id(t, pool, both(ann, anna))
		s.wantLogins(t, id, s.one.name, s.two.name)
		for _, logins := range []map[string]string{ann, anna, both(ann, anna), s.one.login("ann", logintest.Claim("more", 1))} {
			if got := s.id(t, pool, logins); got != id {
				t.Errorf("%s is %s the next time", id, got)
			}
		}
		if all := s.everybody(t, pool); len(all) != 1 {
			t.Errorf("there are %d identities: %q", len(all), all)
		}
	})
	t.Run("5 a new login is linked to the identity of the others", func(t *testing.T) {
		pool := s.pool(t)
		id := s.id(t, pool, ann)
		s.wantLogins(t, id, s.one.name)
		if got := s.id(t, pool, both(ann, anna)); got != id {
			t.Errorf("%s became %s", id, got)
		}
		s.wantLogins(t, id, s.one.name, s.two.name)
		if got := s.id(t, pool, anna); got != id {
			t.Errorf("the linked login leads to %s, want %s", got, id)
		}
	})
	t.Run("6 logins of two identities merge them into the older", func(t *testing.T) {
		for _, order := range [][2]map[string]string{{ann, anna}, {anna, ann}} {
			pool := s.pool(t)
			older := s.id(t, pool, order[0])
			younger()
			loser := s.id(t, pool, order[1])
			if got := s.id(t, pool, both(ann, anna)); got != older {
				t.Errorf("merged into %s, want %s", got, older)
			}
			s.wantLogins(t, older, s.one.name, s.two.name)
			s.wantDisabled(t, pool, loser)
			if got := s.id(t, pool, order[1]); got != older {
				t.Errorf("the login that moved leads to %s, want %s", got, older)
			}
		}
	})
	t.Run("7 two people of one provider are not one", func(t *testing.T) {
		pool := s.pool(t)
		s.id(t, pool, both(ann, anna))
		s.id(t, pool, s.one.login("bob"))
		before := s.everybody(t, pool)
		refused[*types.ResourceConflictException](t, get(pool, both(ann, s.two.login("new"))), linkedAlready)
		refused[*types.ResourceConflictException](t, get(pool, both(anna, s.one.login("bob"))), linkedAlready)
		if after := s.everybody(t, pool); !slices.Equal(before, after) {
			t.Errorf("a conflict changed %q to %q", before, after)
		}
	})
	t.Run("8 an unlinked or deleted login is new", func(t *testing.T) {
		pool := s.pool(t)
		id := s.id(t, pool, both(ann, anna))
		s.unlink(t, id, ann, s.two.name)
		again := s.id(t, pool, anna)
		if again == id {
			t.Error("an unlinked login leads to its old identity")
		}
		out, err := s.cognito.DeleteIdentities(ctx, &ci.DeleteIdentitiesInput{IdentityIdsToDelete: []string{id}})
		if err != nil || len(out.UnprocessedIdentityIds) > 0 {
			t.Fatal(out, err)
		}
		if got := s.id(t, pool, ann); got == id || got == again {
			t.Errorf("a deleted login leads to %s", got)
		}
	})
	t.Run("a person is a pool, a provider and a subject, to the byte", func(t *testing.T) {
		pool, other := s.pool(t), s.pool(t)
		seen := map[string]string{}
		for who, id := range map[string]string{
			"ann": s.id(t, pool, ann), "ann of the other pool": s.id(t, other, ann), "ann of the other issuer": s.id(t, pool, s.two.login("ann")),
			"ANN": s.id(t, pool, s.one.login("ANN")), "ann with a blank": s.id(t, pool, s.one.login("ann ")),
			"composed": s.id(t, pool, s.one.login("\u00e4")), "decomposed": s.id(t, pool, s.one.login("a\u0308")),
		} {
			if before, twice := seen[id]; twice {
				t.Errorf("%s and %s are both %s", before, who, id)
			}
			seen[id] = who
		}
	})
	t.Run("an account ID is not looked at", func(t *testing.T) {
		pool := s.pool(t)
		_, err := s.cognito.GetId(ctx, &ci.GetIdInput{IdentityPoolId: &pool, AccountId: aws.String("123456789012"), Logins: ann})
		if err != nil {
			t.Error(err)
		}
		_, err = s.cognito.GetId(ctx, &ci.GetIdInput{IdentityPoolId: &pool, AccountId: aws.String("mine")})
		invalid(t, err, `Value 'mine' at 'accountId' failed to satisfy constraint: Member must satisfy regular expression pattern: \d+`)
	})
	t.Run("pools without the provider", func(t *testing.T) {
		refused[*types.ResourceNotFoundException](t, get(nowhere, ann), poolMissing(nowhere))
		bare := s.bare(t)
		refused[*types.NotAuthorizedException](t, get(bare, ann), "Identity pool - "+bare+" does not have identity providers configured.")
		foreign := s.pool(t, func(in *ci.CreateIdentityPoolInput) {
			in.OpenIdConnectProviderARNs = []string{strings.Replace(s.one.arn, s.account, "123456789012", 1), s.two.arn}
		})
		refused[*types.NotAuthorizedException](t, get(foreign, ann), notSupported)
		developers := s.pool(t, func(in *ci.CreateIdentityPoolInput) { in.DeveloperProviderName = aws.String("login.shop") })
		refused[*types.InvalidParameterException](t, get(developers, map[string]string{"login.shop": "ann"}), notPublic)
		invalid(t, get("", nil), `Value '' at 'identityPoolId' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w-]+:[0-9a-f-]+`,
			"Value '' at 'identityPoolId' failed to satisfy constraint: Member must have length greater than or equal to 1")
	})
}

// wantDisabled holds that an identity is still listed, and good for nothing.
func (s *site) wantDisabled(t *testing.T, pool, id string) {
	t.Helper()
	s.wantLogins(t, id)
	listed := func(hide bool) bool {
		page, err := s.cognito.ListIdentities(t.Context(), &ci.ListIdentitiesInput{IdentityPoolId: &pool, MaxResults: aws.Int32(60), HideDisabled: hide})
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(page.Identities, func(i types.IdentityDescription) bool { return *i.IdentityId == id })
	}
	if !listed(false) || listed(true) {
		t.Errorf("%s is listed %t, and with HideDisabled %t", id, listed(false), listed(true))
	}
	for _, logins := range []map[string]string{nil, s.one.login("ann"), s.two.login("anna"), s.one.login("somebody else")} {
		_, err := s.cognito.GetCredentialsForIdentity(t.Context(), &ci.GetCredentialsForIdentityInput{IdentityId: &id, Logins: logins})
		refused[*types.NotAuthorizedException](t, err, forbidden(id))
		_, err = s.cognito.GetOpenIdToken(t.Context(), &ci.GetOpenIdTokenInput{IdentityId: &id, Logins: logins})
		refused[*types.NotAuthorizedException](t, err, forbidden(id))
	}
}

// resumes follows the table of behaviour 3.2 for a call that carries an
// IdentityId and answers one.
func (s *site) resumes(t *testing.T, call func(id string, logins map[string]string) (*string, error)) {
	t.Helper()
	ann, anna := s.one.login("ann"), s.two.login("anna")
	becomes := func(t *testing.T, id string, logins map[string]string, want string) {
		t.Helper()
		switch got, err := call(id, logins); {
		case err != nil:
			t.Error(err)
		case aws.ToString(got) != want:
			t.Errorf("%s became %s, want %s", id, aws.ToString(got), want)
		}
	}
	fails := func(t *testing.T, id string, logins map[string]string, text string) {
		t.Helper()
		_, err := call(id, logins)
		refused[*types.NotAuthorizedException](t, err, text)
	}
	t.Run("1 unknown", func(t *testing.T) {
		_, err := call(nowhere, nil)
		refused[*types.ResourceNotFoundException](t, err, identityMissing(nowhere))
		_, err = call(nowhere, ann)
		refused[*types.ResourceNotFoundException](t, err, identityMissing(nowhere))
	})
	t.Run("2 a guest", func(t *testing.T) {
		pool := s.pool(t)
		id := s.id(t, pool, nil)
		becomes(t, id, nil, id)
		becomes(t, id, map[string]string{}, id)
		s.closePool(t, pool)
		fails(t, id, nil, guestsOff)
	})
	t.Run("3 a guest becomes a person", func(t *testing.T) {
		pool := s.pool(t)
		id := s.id(t, pool, nil)
		becomes(t, id, both(ann, anna), id)
		s.wantLogins(t, id, s.one.name, s.two.name)
		becomes(t, id, anna, id)
		fails(t, id, nil, forbidden(id)) // and never a guest again
		if got := s.id(t, pool, ann); got != id {
			t.Errorf("GetId says %s, want %s", got, id)
		}
	})
	t.Run("4 a guest is somebody known", func(t *testing.T) {
		pool := s.pool(t)
		guest := s.id(t, pool, nil) // older, and goes nevertheless
		younger()
		known := s.id(t, pool, ann)
		becomes(t, guest, ann, known)
		s.wantDisabled(t, pool, guest)
		becomes(t, known, ann, known)
		// Two known: the older one stays.
		other := s.id(t, pool, nil)
		younger()
		second := s.id(t, pool, anna)
		becomes(t, other, both(ann, anna), known)
		s.wantDisabled(t, pool, other)
		s.wantDisabled(t, pool, second)
		s.wantLogins(t, known, s.one.name, s.two.name)
	})
	t.Run("5 a person without proof", func(t *testing.T) {
		id := s.id(t, s.pool(t), ann)
		fails(t, id, nil, forbidden(id))
		fails(t, id, map[string]string{}, forbidden(id))
	})
	t.Run("6 another login is linked", func(t *testing.T) {
		pool := s.pool(t)
		id := s.id(t, pool, ann)
		becomes(t, id, both(ann, anna), id)
		s.wantLogins(t, id, s.one.name, s.two.name)
		becomes(t, id, anna, id)
	})
	t.Run("7 the one named absorbs the other", func(t *testing.T) {
		pool := s.pool(t)
		older := s.id(t, pool, anna)
		younger()
		id := s.id(t, pool, ann)
		becomes(t, id, both(ann, anna), id)
		s.wantLogins(t, id, s.one.name, s.two.name)
		s.wantDisabled(t, pool, older)
		becomes(t, id, anna, id)
	})
	t.Run("8 none of the logins is its own", func(t *testing.T) {
		pool := s.pool(t)
		id := s.id(t, pool, ann)
		before := s.everybody(t, pool)
		fails(t, id, anna, dontMatch)               // linked nowhere
		fails(t, id, s.one.login("bob"), dontMatch) // the same provider
		if after := s.everybody(t, pool); !slices.Equal(before, after) {
			t.Errorf("strangers changed %q to %q", before, after)
		}
		s.id(t, pool, anna)
		fails(t, id, anna, dontMatch) // linked elsewhere
	})
	t.Run("9 two people of one provider are not one", func(t *testing.T) {
		pool := s.pool(t)
		id := s.id(t, pool, both(ann, anna))
		bob := s.id(t, pool, s.two.login("bob"))
		before := s.everybody(t, pool)
		_, err := call(id, both(ann, s.two.login("new")))
		refused[*types.ResourceConflictException](t, err, linkedAlready)
		_, err = call(id, both(ann, s.two.login("bob")))
		refused[*types.ResourceConflictException](t, err, linkedAlready)
		if after := s.everybody(t, pool); !slices.Equal(before, after) {
			t.Errorf("a conflict changed %q to %q", before, after)
		}
		becomes(t, bob, s.two.login("bob"), bob)
	})
	t.Run("10 a disabled identity", func(t *testing.T) {
		pool := s.pool(t)
		older := s.id(t, pool, ann)
		younger()
		merged := s.id(t, pool, anna)
		s.id(t, pool, both(ann, anna))
		stripped := s.id(t, pool, s.one.login("eve"))
		s.unlink(t, stripped, s.one.login("eve"), s.one.name)
		for _, id := range []string{merged, stripped} {
			for _, logins := range []map[string]string{nil, ann, anna, s.one.login("eve"), s.one.login("new")} {
				fails(t, id, logins, forbidden(id))
			}
		}
		becomes(t, older, anna, older)
	})
	t.Run("bad logins", func(t *testing.T) {
		pool := s.pool(t)
		id := s.id(t, pool, ann)
		s.takesLogins(t, pool, func(logins map[string]string) error { _, err := call(id, logins); return err })
		guest := s.id(t, pool, nil)
		s.takesLogins(t, pool, func(logins map[string]string) error { _, err := call(guest, logins); return err })
		bare := s.bareWithGuests(t)
		_, err := call(s.id(t, bare, nil), ann)
		refused[*types.NotAuthorizedException](t, err, "Identity pool - "+bare+" does not have identity providers configured.")
	})
	t.Run("the developer provider", func(t *testing.T) {
		pool := s.pool(t, func(in *ci.CreateIdentityPoolInput) { in.DeveloperProviderName = aws.String("login.shop") })
		_, err := call(s.id(t, pool, ann), both(ann, map[string]string{"login.shop": "ann"}))
		refused[*types.InvalidParameterException](t, err, notPublic)
	})
	t.Run("the constraints", func(t *testing.T) {
		_, err := call("me", nil)
		invalid(t, err, `Value 'me' at 'identityId' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w-]+:[0-9a-f-]+`)
	})
}

func (s *site) bareWithGuests(t *testing.T) string {
	t.Helper()
	return s.pool(t, func(in *ci.CreateIdentityPoolInput) { in.OpenIdConnectProviderARNs = nil })
}

func getCredentialsForIdentity(t *testing.T, s *site) {
	ctx := t.Context()
	get := func(in ci.GetCredentialsForIdentityInput) (*ci.GetCredentialsForIdentityOutput, error) {
		return s.cognito.GetCredentialsForIdentity(ctx, &in)
	}
	s.resumes(t, func(id string, logins map[string]string) (*string, error) {
		out, err := get(ci.GetCredentialsForIdentityInput{IdentityId: &id, Logins: logins})
		if err != nil {
			return nil, err
		}
		return out.IdentityId, nil
	})
	t.Run("the role", s.chosenRoles)
	t.Run("the credentials", func(t *testing.T) {
		pool := s.pool(t)
		seen := map[string]bool{}
		for _, test := range []struct {
			logins map[string]string
			role   string
		}{{nil, "guests"}, {s.one.login("ann"), "people"}, {s.two.login("anna"), "people"}} {
			id := s.id(t, pool, test.logins)
			for range 2 {
				before := time.Now()
				out, err := get(ci.GetCredentialsForIdentityInput{IdentityId: &id, Logins: test.logins})
				if err != nil {
					t.Fatal(err)
				}
				c := fromCognito(out.Credentials)
				checkCredentials(t, c, before, time.Hour)
				s.isSession(t, c, test.role, "CognitoIdentityCredentials")
				if seen[c.AccessKeyID] {
					t.Errorf("access key %s is handed out twice", c.AccessKeyID)
				}
				seen[c.AccessKeyID] = true
			}
		}
	})
	t.Run("a custom role means nothing without a mapping", func(t *testing.T) {
		pool := s.pool(t)
		for _, logins := range []map[string]string{nil, s.one.login("ann")} {
			id := s.id(t, pool, logins)
			out, err := get(ci.GetCredentialsForIdentityInput{IdentityId: &id, Logins: logins, CustomRoleArn: aws.String(s.role("admin"))})
			if err != nil {
				t.Fatal(err)
			}
			s.isSession(t, fromCognito(out.Credentials), map[bool]string{true: "guests", false: "people"}[logins == nil], "CognitoIdentityCredentials")
		}
		id := s.id(t, pool, nil)
		_, err := get(ci.GetCredentialsForIdentityInput{IdentityId: &id, CustomRoleArn: aws.String("admin")})
		invalid(t, err, "Value 'admin' at 'customRoleArn' failed to satisfy constraint: Member must have length greater than or equal to 20")
	})
	t.Run("a pool without the role", func(t *testing.T) {
		pool := s.pool(t)
		ann := s.one.login("ann")
		guest, person := s.id(t, pool, nil), s.id(t, pool, ann)
		for _, roles := range []map[string]string{{}, {"authenticated": s.role("people")}, {"unauthenticated": s.role("guests")}} {
			if _, err := s.cognito.SetIdentityPoolRoles(ctx, &ci.SetIdentityPoolRolesInput{IdentityPoolId: &pool, Roles: roles}); err != nil {
				t.Fatal(err)
			}
			for kind, in := range map[string]ci.GetCredentialsForIdentityInput{
				"unauthenticated": {IdentityId: &guest}, "authenticated": {IdentityId: &person, Logins: ann}} {
				_, err := get(in)
				if roles[kind] == "" {
					refused[*types.InvalidIdentityPoolConfigurationException](t, err, noRole)
				} else if err != nil {
					t.Error(err)
				}
			}
		}
	})
}

func getOpenIDToken(t *testing.T, s *site) {
	ctx := t.Context()
	get := func(id string, logins map[string]string) (*ci.GetOpenIdTokenOutput, error) {
		return s.cognito.GetOpenIdToken(ctx, &ci.GetOpenIdTokenInput{IdentityId: &id, Logins: logins})
	}
	s.resumes(t, func(id string, logins map[string]string) (*string, error) {
		out, err := get(id, logins)
		if err != nil {
			return nil, err
		}
		return out.IdentityId, nil
	})
	t.Run("the token", func(t *testing.T) {
		pool := s.pool(t)
		ann, anna := s.one.login("ann"), s.two.login("anna")
		person := s.id(t, pool, both(ann, anna))
		byName := [][]string{{s.one.name, s.one.arn + ":OIDC:ann"}, {s.two.name, s.two.arn + ":OIDC:anna"}}
		amr := func(of ...[]string) []string { return append([]string{"authenticated"}, slices.Concat(of...)...) }
		annsOnly, annasOnly := amr(byName[0]), amr(byName[1])
		slices.SortFunc(byName, slices.Compare)
		for _, test := range []struct {
			id     string
			logins map[string]string
			amr    []string
		}{
			{s.id(t, pool, nil), nil, []string{"unauthenticated"}},
			{person, ann, annsOnly}, // the providers of this call, not all that are linked
			{person, anna, annasOnly},
			{person, both(ann, anna), amr(byName...)},
		} {
			before := time.Now().Unix()
			out, err := get(test.id, test.logins)
			if err != nil {
				t.Fatal(err)
			}
			c := s.believe(t, *out.Token)
			if want := (claims{Sub: test.id, Aud: pool, AMR: test.amr, Iss: s.URL, PoolARN: *s.arn(pool), Iat: c.Iat, Exp: c.Iat + 600}); !reflect.DeepEqual(c, want) {
				t.Errorf("the token says %+v, want %+v", c, want)
			}
			if c.Iat < before || c.Iat > time.Now().Unix() {
				t.Errorf("issued at %d, asked for at %d", c.Iat, before)
			}
		}
	})
	t.Run("the classic flow has three states", func(t *testing.T) {
		for _, state := range []*bool{nil, aws.Bool(true), aws.Bool(false)} {
			pool := s.pool(t, func(in *ci.CreateIdentityPoolInput) { in.AllowClassicFlow = state })
			for _, logins := range []map[string]string{nil, s.one.login("ann")} {
				id := s.id(t, pool, logins)
				_, err := get(id, logins)
				if state != nil && !*state {
					refused[*types.InvalidParameterException](t, err, "Basic (classic) flow is not enabled, please use enhanced flow.")
				} else if err != nil {
					t.Error(err)
				}
				if _, err := s.cognito.GetCredentialsForIdentity(ctx, &ci.GetCredentialsForIdentityInput{IdentityId: &id, Logins: logins}); err != nil {
					t.Errorf("enhanced flow: %v", err)
				}
			}
		}
	})
	t.Run("our own token is no login", func(t *testing.T) {
		pool := s.pool(t)
		id := s.id(t, pool, nil)
		out, err := get(id, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{s.one.name, s.two.name, ours, "cognito-identity.cn-north-1.amazonaws.com.cn"} {
			_, err := get(id, map[string]string{name: *out.Token})
			refused[*types.NotAuthorizedException](t, err, "Invalid login token. Can't pass in a Cognito token.")
			_, err = s.cognito.GetId(ctx, &ci.GetIdInput{IdentityPoolId: &pool, Logins: map[string]string{name: *out.Token}})
			refused[*types.NotAuthorizedException](t, err, "Invalid login token. Can't pass in a Cognito token.")
		}
	})
}

// unlinkIdentity follows behaviour 2.21, and the rows of 3.2 that are about who
// may.
func unlinkIdentity(t *testing.T, s *site) {
	ctx := t.Context()
	ann, anna := s.one.login("ann"), s.two.login("anna")
	unlink := func(id string, logins map[string]string, providers ...string) error {
		if logins == nil {
			logins = map[string]string{}
		}
		_, err := s.cognito.UnlinkIdentity(ctx, &ci.UnlinkIdentityInput{IdentityId: &id, Logins: logins, LoginsToRemove: append([]string{}, providers...)})
		return err
	}
	t.Run("any login of the identity will do", func(t *testing.T) {
		for _, proof := range []map[string]string{ann, anna, both(ann, anna)} {
			pool := s.pool(t)
			id := s.id(t, pool, both(ann, anna))
			if err := unlink(id, proof, s.two.name); err != nil {
				t.Fatal(err)
			}
			s.wantLogins(t, id, s.one.name)
			if got := s.id(t, pool, ann); got != id {
				t.Errorf("the login that stayed leads to %s, want %s", got, id)
			}
			if got := s.id(t, pool, anna); got == id {
				t.Errorf("the login that went leads back to %s", got)
			}
		}
	})
	t.Run("the last login takes the identity with it", func(t *testing.T) {
		pool := s.pool(t)
		id := s.id(t, pool, both(ann, anna))
		if err := unlink(id, ann, s.one.name, s.two.name, s.one.name); err != nil {
			t.Fatal(err)
		}
		s.wantDisabled(t, pool, id)
		refused[*types.NotAuthorizedException](t, unlink(id, ann, s.one.name), forbidden(id))
		if a, b := s.id(t, pool, ann), s.id(t, pool, anna); a == id || b == id || a == b {
			t.Errorf("the logins lead to %s and %s", a, b)
		}
	})
	t.Run("what is not linked is passed over", func(t *testing.T) {
		pool := s.pool(t)
		id := s.id(t, pool, ann)
		before := s.everybody(t, pool)
		for _, providers := range [][]string{{}, {s.two.name}, {"login.elsewhere.example", s.two.name}} {
			if err := unlink(id, ann, providers...); err != nil {
				t.Error(err)
			}
		}
		// Logins that prove something are not linked by this call.
		if err := unlink(id, both(ann, anna), s.two.name); err != nil {
			t.Error(err)
		}
		if after := s.everybody(t, pool); !slices.Equal(before, after) {
			t.Errorf("the pool changed from %q to %q", before, after)
		}
	})
	t.Run("who may not", func(t *testing.T) {
		pool := s.pool(t)
		id, guest := s.id(t, pool, ann), s.id(t, pool, nil)
		s.id(t, pool, s.two.login("bob"))
		before := s.everybody(t, pool)
		refused[*types.ResourceNotFoundException](t, unlink(nowhere, ann, s.one.name), identityMissing(nowhere))
		refused[*types.NotAuthorizedException](t, unlink(id, nil, s.one.name), forbidden(id))
		refused[*types.NotAuthorizedException](t, unlink(id, anna, s.one.name), dontMatch)
		refused[*types.NotAuthorizedException](t, unlink(id, s.two.login("bob"), s.one.name), dontMatch)
		refused[*types.NotAuthorizedException](t, unlink(guest, nil, s.one.name), dontMatch)
		refused[*types.NotAuthorizedException](t, unlink(guest, ann, s.one.name), dontMatch)
		s.takesLogins(t, pool, func(logins map[string]string) error { return unlink(id, logins, s.one.name) })
		if after := s.everybody(t, pool); !slices.Equal(before, after) {
			t.Errorf("the pool changed from %q to %q", before, after)
		}
	})
	t.Run("the developer provider", func(t *testing.T) {
		pool := s.pool(t, func(in *ci.CreateIdentityPoolInput) { in.DeveloperProviderName = aws.String("login.shop") })
		id := s.id(t, pool, ann)
		refused[*types.InvalidParameterException](t, unlink(id, ann, "login.shop"), notPublic)
		refused[*types.InvalidParameterException](t, unlink(id, both(ann, map[string]string{"login.shop": "ann"}), s.one.name), notPublic)
		s.wantLogins(t, id, s.one.name)
	})
	t.Run("the constraints", func(t *testing.T) {
		_, err := s.cognito.UnlinkIdentity(ctx, &ci.UnlinkIdentityInput{}, unchecked)
		const null = "failed to satisfy constraint: Member must not be null"
		invalid(t, err, "Value null at 'identityId' "+null, "Value null at 'logins' "+null, "Value null at 'loginsToRemove' "+null)
		invalid(t, unlink(nowhere, ann, letters(129)), "Value '["+letters(129)+"]' at 'loginsToRemove' failed to satisfy constraint: "+
			"Member must satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater than or equal to 1]")
	})
}

func describeIdentity(t *testing.T, s *site) {
	ctx := t.Context()
	pool := s.pool(t)
	describe := func(id string) (*ci.DescribeIdentityOutput, error) {
		return s.cognito.DescribeIdentity(ctx, &ci.DescribeIdentityInput{IdentityId: &id})
	}
	before := time.Now().Truncate(time.Millisecond)
	guest := s.id(t, pool, nil)
	out, err := describe(guest)
	if err != nil {
		t.Fatal(err)
	}
	if *out.IdentityId != guest || out.Logins != nil { // a guest has no list, not an empty one
		t.Errorf("a guest is described as %s with logins %#v", *out.IdentityId, out.Logins)
	}
	if !out.CreationDate.Equal(*out.LastModifiedDate) || out.CreationDate.Before(before) || out.CreationDate.After(time.Now()) {
		t.Errorf("a fresh identity was created %s and modified %s", out.CreationDate, out.LastModifiedDate)
	}
	// A guest who becomes a person is modified, and stays as old as it is.
	younger()
	ann, anna := s.one.login("ann"), s.two.login("anna")
	if _, err := s.cognito.GetOpenIdToken(ctx, &ci.GetOpenIdTokenInput{IdentityId: &guest, Logins: both(ann, anna)}); err != nil {
		t.Fatal(err)
	}
	now, err := describe(guest)
	if err != nil {
		t.Fatal(err)
	}
	if !now.CreationDate.Equal(*out.CreationDate) || !now.LastModifiedDate.After(*out.LastModifiedDate) {
		t.Errorf("created %s, modified %s; before %s, %s", now.CreationDate, now.LastModifiedDate, out.CreationDate, out.LastModifiedDate)
	}
	s.wantLogins(t, guest, s.one.name, s.two.name)
	// To sign in again changes nothing.
	younger()
	s.id(t, pool, ann)
	if again, err := describe(guest); err != nil || !again.LastModifiedDate.Equal(*now.LastModifiedDate) {
		t.Errorf("modified by signing in: %v %v", again, err)
	}
	_, err = describe(nowhere)
	refused[*types.ResourceNotFoundException](t, err, identityMissing(nowhere))
	_, err = describe(pool)
	refused[*types.ResourceNotFoundException](t, err, identityMissing(pool))
	_, err = describe("UPPER:ABC")
	invalid(t, err, `Value 'UPPER:ABC' at 'identityId' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w-]+:[0-9a-f-]+`)
}

func deleteIdentities(t *testing.T, s *site) {
	ctx := t.Context()
	del := func(ids ...string) (map[string]types.ErrorCode, error) {
		out, err := s.cognito.DeleteIdentities(ctx, &ci.DeleteIdentitiesInput{IdentityIdsToDelete: append([]string{}, ids...)})
		if err != nil {
			return nil, err
		}
		if out.UnprocessedIdentityIds == nil {
			t.Error("there is no list of UnprocessedIdentityIds at all")
		}
		left := map[string]types.ErrorCode{}
		for _, u := range out.UnprocessedIdentityIds {
			left[*u.IdentityId] = u.ErrorCode
		}
		return left, nil
	}
	pool, second := s.pool(t), s.pool(t)
	ann := s.one.login("ann")
	person, guest, keep := s.id(t, pool, ann), s.id(t, pool, nil), s.id(t, second, s.one.login("kim"))
	// In one call: two pools, one twice, one that does not exist.
	other := s.id(t, second, ann)
	if left, err := del(person, guest, other, person, nowhere); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v; want none", left, err)
	}
	for _, id := range []string{person, guest, other} {
		_, err := s.cognito.DescribeIdentity(ctx, &ci.DescribeIdentityInput{IdentityId: &id})
		refused[*types.ResourceNotFoundException](t, err, identityMissing(id))
		_, err = s.cognito.GetCredentialsForIdentity(ctx, &ci.GetCredentialsForIdentityInput{IdentityId: &id, Logins: ann})
		refused[*types.ResourceNotFoundException](t, err, identityMissing(id))
	}
	if got := s.id(t, pool, ann); got == person {
		t.Errorf("ann is %s again after it was deleted", got)
	}
	// Those of others stay.
	stranger := s.host.site(t)
	theirs := stranger.id(t, stranger.pool(t), stranger.one.login("ann"))
	mine := s.id(t, pool, nil)
	left, err := del(theirs, mine)
	if want := map[string]types.ErrorCode{theirs: types.ErrorCodeAccessDenied}; err != nil || !maps.Equal(left, want) {
		t.Errorf("left %v, %v; want %v", left, err, want)
	}
	stranger.wantLogins(t, theirs, stranger.one.name)
	// So do those of another region of the account.
	out, err := s.in("eu-west-1").cognito.DeleteIdentities(ctx, &ci.DeleteIdentitiesInput{IdentityIdsToDelete: []string{keep}})
	if err != nil || len(out.UnprocessedIdentityIds) > 0 {
		t.Errorf("from another region: %v %v", out, err)
	}
	s.wantLogins(t, keep, s.one.name)
	// Sixty at once, and no more.
	many := []string{s.id(t, second, nil), s.id(t, second, nil)}
	for i := range 58 {
		many = append(many, fmt.Sprintf("us-east-1:00000000-0000-7000-8000-%012d", i))
	}
	_, err = del(append(many, nowhere)...)
	invalid(t, err, "Value '["+strings.Join(append(many, nowhere), ", ")[:2047]+"...' at 'identityIdsToDelete' failed to satisfy constraint: Member must have length less than or equal to 60")
	if left, err := del(many...); err != nil || len(left) > 0 {
		t.Errorf("sixty: left %v, %v", left, err)
	}
	if all := s.everybody(t, second); len(all) != 1 || !strings.HasPrefix(all[0], keep) {
		t.Errorf("in the pool are %q, want %s", all, keep)
	}
	_, err = del()
	invalid(t, err, "Value '[]' at 'identityIdsToDelete' failed to satisfy constraint: Member must have length greater than or equal to 1")
	_, err = del("me")
	invalid(t, err, "Value '[me]' at 'identityIdsToDelete' failed to satisfy constraint: Member must satisfy constraint: "+
		`[Member must have length less than or equal to 55, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [\w-]+:[0-9a-f-]+]`)
}

func listIdentities(t *testing.T, s *site) {
	ctx := t.Context()
	pool := s.pool(t)
	list := func(in ci.ListIdentitiesInput) (*ci.ListIdentitiesOutput, error) {
		if in.IdentityPoolId == nil {
			in.IdentityPoolId = &pool
		}
		return s.cognito.ListIdentities(ctx, &in)
	}
	none, err := list(ci.ListIdentitiesInput{MaxResults: aws.Int32(1)})
	if err != nil || none.Identities == nil || len(none.Identities) != 0 || none.NextToken != nil || aws.ToString(none.IdentityPoolId) != pool {
		t.Errorf("nobody: %+v %v, want an empty list", none, err)
	}
	ann := s.one.login("ann")
	guest, person := s.id(t, pool, nil), s.id(t, pool, both(ann, s.two.login("anna")))
	s.id(t, s.pool(t), ann) // of another pool
	page, err := list(ci.ListIdentitiesInput{MaxResults: aws.Int32(60)})
	if err != nil || len(page.Identities) != 2 || page.NextToken != nil {
		t.Fatalf("got %+v %v, want two", page, err)
	}
	for _, got := range page.Identities {
		if id := *got.IdentityId; id != guest && id != person || id == guest && got.Logins != nil {
			t.Errorf("listed %s with logins %#v", id, got.Logins)
		}
		out, err := s.cognito.DescribeIdentity(ctx, &ci.DescribeIdentityInput{IdentityId: got.IdentityId})
		if err != nil || !slices.Equal(out.Logins, got.Logins) || !out.CreationDate.Equal(*got.CreationDate) || !out.LastModifiedDate.Equal(*got.LastModifiedDate) {
			t.Errorf("listed as %+v, described as %+v (%v)", got, out, err)
		}
	}
	_, err = list(ci.ListIdentitiesInput{IdentityPoolId: aws.String(nowhere), MaxResults: aws.Int32(1)})
	refused[*types.ResourceNotFoundException](t, err, poolMissing(nowhere))
	_, err = list(ci.ListIdentitiesInput{MaxResults: aws.Int32(1), NextToken: aws.String("garbage")})
	refused[*types.InvalidParameterException](t, err, "The NextToken is not valid.")
	_, err = list(ci.ListIdentitiesInput{IdentityPoolId: aws.String("p"), MaxResults: aws.Int32(61)})
	invalid(t, err, `Value 'p' at 'identityPoolId' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w-]+:[0-9a-f-]+`,
		"Value '61' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 60")
}
