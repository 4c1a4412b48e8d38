package compat

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"idpool/internal/login/logintest"
)

// shop is the developer provider of the pools of these tests.
const shop = "login.shop"

func developers(in *ci.CreateIdentityPoolInput) { in.DeveloperProviderName = aws.String(shop) }

func developer(user string) map[string]string { return map[string]string{shop: user} }

const (
	noDeveloper = "This identity pool does not support the specified developer provider"
	taken       = "The provided developer user identifier is already registered under a different identity."
)

func userMissing(user string) string {
	return fmt.Sprintf("Developer user identifier '%s' not found.", user)
}

// vouch signs a developer user in, and perhaps others with it.
func (s *site) vouch(t *testing.T, pool string, logins map[string]string) (id, token string) {
	t.Helper()
	out, err := s.cognito.GetOpenIdTokenForDeveloperIdentity(t.Context(), &ci.GetOpenIdTokenForDeveloperIdentityInput{IdentityPoolId: &pool, Logins: logins})
	if err != nil {
		t.Fatal(err)
	}
	return *out.IdentityId, *out.Token
}

// usersOf are the developer users of an identity.
func (s *site) usersOf(t *testing.T, pool, id string) []string {
	t.Helper()
	out, err := s.cognito.LookupDeveloperIdentity(t.Context(), &ci.LookupDeveloperIdentityInput{IdentityPoolId: &pool, IdentityId: &id})
	if err != nil {
		t.Fatal(err)
	}
	if *out.IdentityId != id || out.DeveloperUserIdentifierList == nil || out.NextToken != nil {
		t.Errorf("looked up %s, got %s with users %#v", id, *out.IdentityId, out.DeveloperUserIdentifierList)
	}
	return out.DeveloperUserIdentifierList
}

// getOpenIDTokenForDeveloper follows behaviour 2.11.
func getOpenIDTokenForDeveloper(t *testing.T, s *site) {
	ctx := t.Context()
	get := func(in ci.GetOpenIdTokenForDeveloperIdentityInput) (*ci.GetOpenIdTokenForDeveloperIdentityOutput, error) {
		return s.cognito.GetOpenIdTokenForDeveloperIdentity(ctx, &in)
	}
	ann := s.one.login("ann")

	t.Run("a user has one identity", func(t *testing.T) {
		pool := s.pool(t, developers, noGuests)
		id, token := s.vouch(t, pool, developer("u1"))
		if again, _ := s.vouch(t, pool, developer("u1")); again != id {
			t.Errorf("u1 is %s and then %s", id, again)
		}
		if other, _ := s.vouch(t, pool, developer("U1")); other == id {
			t.Error("users who differ in case are one")
		}
		s.wantLogins(t, id, shop)
		c := s.believe(t, token)
		want := claims{Sub: id, Aud: pool, Iss: s.URL, PoolARN: *s.arn(pool), AMR: []string{"authenticated", shop, shop + ":" + pool + ":u1"}, Iat: c.Iat, Exp: c.Iat + 900}
		if !reflect.DeepEqual(c, want) {
			t.Errorf("the token says %+v, want %+v", c, want)
		}
		for _, seconds := range []int64{1, 86400} {
			out, err := get(ci.GetOpenIdTokenForDeveloperIdentityInput{IdentityPoolId: &pool, Logins: developer("u1"), TokenDuration: &seconds})
			if err != nil {
				t.Fatal(err)
			}
			if c := s.believe(t, *out.Token); c.Exp-c.Iat != seconds {
				t.Errorf("a token for %d seconds is good for %d", seconds, c.Exp-c.Iat)
			}
		}
	})
	t.Run("neither classic flow nor role mappings matter", func(t *testing.T) {
		pool := s.pool(t, developers, func(in *ci.CreateIdentityPoolInput) { in.AllowClassicFlow = aws.Bool(false) })
		s.vouch(t, pool, developer("u1"))
		s.mapRoles(t, pool, map[string]types.RoleMapping{s.one.arn: {Type: types.RoleMappingTypeToken, AmbiguousRoleResolution: types.AmbiguousRoleResolutionTypeDeny}})
		s.vouch(t, pool, developer("u1"))
	})
	t.Run("logins that come along are linked", func(t *testing.T) {
		pool := s.pool(t, developers)
		id, token := s.vouch(t, pool, both(developer("u1"), ann))
		s.wantLogins(t, id, shop, s.one.name)
		if got := s.id(t, pool, ann); got != id {
			t.Errorf("ann is %s, want %s", got, id)
		}
		want := []string{"authenticated", s.one.name, s.one.arn + ":OIDC:ann", shop, shop + ":" + pool + ":u1"}
		if c := s.believe(t, token); !slices.Equal(c.AMR, want) {
			t.Errorf("amr %q, want %q", c.AMR, want)
		}
		before := s.everybody(t, pool)
		for _, bad := range []struct {
			logins map[string]string
			text   string
		}{
			{s.two.login("eve", logintest.Without("aud")), "Invalid login token. Missing a required claim: aud"},
			{map[string]string{s.two.name: "eve"}, "Invalid login token. Not a valid OpenId Connect identity token."},
			{map[string]string{"login.elsewhere.example": s.one.Token("eve")}, notSupported},
			{map[string]string{ours: token}, "Invalid login token. Can't pass in a Cognito token."},
		} {
			_, err := get(ci.GetOpenIdTokenForDeveloperIdentityInput{IdentityPoolId: &pool, Logins: both(developer("eve"), bad.logins)})
			refused[*types.NotAuthorizedException](t, err, bad.text)
		}
		if after := s.everybody(t, pool); !slices.Equal(before, after) {
			t.Errorf("refused logins changed %q to %q", before, after)
		}
	})
	t.Run("with an identity", func(t *testing.T) {
		pool := s.pool(t, developers)
		in := func(id string, logins ...map[string]string) ci.GetOpenIdTokenForDeveloperIdentityInput {
			return ci.GetOpenIdTokenForDeveloperIdentityInput{IdentityPoolId: &pool, IdentityId: &id, Logins: both(logins...)}
		}
		becomes := func(id string, logins ...map[string]string) {
			t.Helper()
			if out, err := get(in(id, logins...)); err != nil || *out.IdentityId != id {
				t.Errorf("%s became %v (%v)", id, out, err)
			}
		}
		guest := s.id(t, pool, nil)
		becomes(guest, developer("u1")) // an unknown user: the guest is now that user
		s.wantLogins(t, guest, shop)
		becomes(guest, developer("u1")) // and stays it
		person := s.id(t, pool, ann)
		_, err := get(in(person, developer("u2"))) // somebody else's identity, and no proof
		refused[*types.NotAuthorizedException](t, err, dontMatch)
		becomes(person, developer("u2"), ann)
		becomes(person, developer("u2"))
		becomes(person, developer("u3"), ann) // several users are fine
		if got := s.usersOf(t, pool, person); !slices.Equal(got, []string{"u2", "u3"}) {
			t.Errorf("users %q", got)
		}
		second := s.id(t, pool, nil)
		for _, id := range []string{second, person} {
			_, err := get(in(id, developer("u1"), ann)) // known under another identity
			refused[*types.DeveloperUserAlreadyRegisteredException](t, err, taken)
		}
		_, err = get(in(nowhere, developer("u9")))
		refused[*types.ResourceNotFoundException](t, err, identityMissing(nowhere))
		elsewhere := s.id(t, s.pool(t), nil)
		_, err = get(in(elsewhere, developer("u9"))) // an identity of another pool
		refused[*types.ResourceNotFoundException](t, err, identityMissing(elsewhere))
		s.unlink(t, person, ann, s.one.name)
		for _, user := range []string{"u2", "u3"} {
			if _, err := s.cognito.UnlinkDeveloperIdentity(ctx, &ci.UnlinkDeveloperIdentityInput{IdentityPoolId: &pool, IdentityId: &person,
				DeveloperProviderName: aws.String(shop), DeveloperUserIdentifier: &user}); err != nil {
				t.Fatal(err)
			}
		}
		_, err = get(in(person, developer("u2"))) // disabled
		refused[*types.NotAuthorizedException](t, err, forbidden(person))
	})
	t.Run("merges and conflicts", func(t *testing.T) {
		pool := s.pool(t, developers)
		older := s.id(t, pool, ann)
		younger()
		loser, _ := s.vouch(t, pool, developer("u1"))
		if got, _ := s.vouch(t, pool, both(developer("u1"), ann)); got != older {
			t.Errorf("merged into %s, want %s", got, older)
		}
		s.wantLogins(t, older, shop, s.one.name)
		s.wantDisabled(t, pool, loser)
		_, err := get(ci.GetOpenIdTokenForDeveloperIdentityInput{IdentityPoolId: &pool, Logins: both(developer("u1"), s.one.login("bob"))})
		refused[*types.ResourceConflictException](t, err, linkedAlready)
		for i := range 18 {
			s.vouch(t, pool, both(developer(fmt.Sprint("more", i)), ann))
		}
		_, err = get(ci.GetOpenIdTokenForDeveloperIdentityInput{IdentityPoolId: &pool, Logins: both(developer("one too many"), ann)})
		refused[*types.ResourceConflictException](t, err, "An identity can have at most 20 logins, not 21.")
	})
	t.Run("no developer user", func(t *testing.T) {
		pool, plain := s.pool(t, developers), s.pool(t)
		for _, test := range []struct {
			pool   string
			logins map[string]string
			text   string
		}{
			{pool, map[string]string{"login.other": "u1"}, noDeveloper},
			{plain, developer("u1"), noDeveloper},
			{pool, ann, "Please provide a valid developer provider"},
			{pool, map[string]string{}, "Please provide a valid developer provider"},
			{pool, developer(letters(1025)), "A developer user identifier can have at most 1024 characters, not 1025."},
		} {
			_, err := get(ci.GetOpenIdTokenForDeveloperIdentityInput{IdentityPoolId: &test.pool, Logins: test.logins})
			refused[*types.InvalidParameterException](t, err, test.text)
		}
		_, err := get(ci.GetOpenIdTokenForDeveloperIdentityInput{IdentityPoolId: aws.String(nowhere), Logins: developer("u1")})
		refused[*types.ResourceNotFoundException](t, err, poolMissing(nowhere))
		_, err = get(ci.GetOpenIdTokenForDeveloperIdentityInput{IdentityPoolId: &pool, Logins: developer("u1"), TokenDuration: aws.Int64(86401), PrincipalTags: map[string]string{"a": ""}})
		invalid(t, err, "Value '{a=}' at 'principalTags' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to 256, Member must have length greater than or equal to 1]",
			"Value '86401' at 'tokenDuration' failed to satisfy constraint: Member must have value less than or equal to 86400")
	})
	t.Run("the token opens the enhanced flow", func(t *testing.T) {
		pool := s.pool(t, developers)
		id, token := s.vouch(t, pool, developer("u1"))
		enhanced := func(id string, logins map[string]string) error {
			out, err := s.cognito.GetCredentialsForIdentity(ctx, &ci.GetCredentialsForIdentityInput{IdentityId: &id, Logins: logins})
			if err == nil {
				s.isSession(t, fromCognito(out.Credentials), "people", "CognitoIdentityCredentials")
			}
			return err
		}
		for _, key := range []string{ours, "cognito-identity.cn-north-1.amazonaws.com.cn"} {
			if err := enhanced(id, map[string]string{key: token}); err != nil {
				t.Error(err)
			}
		}
		other, _ := s.vouch(t, pool, developer("u2"))
		for _, test := range []struct {
			id, token, text string
		}{
			{other, token, dontMatch},
			{s.id(t, pool, nil), token, dontMatch},
			{id, "opaque", "Invalid login token. Not a valid OpenId Connect identity token."},
			{id, s.one.Token("ann"), "Invalid login token. Issuer doesn't match providerName"},
			{id, s.one.Token(id, logintest.Claim("iss", s.URL), logintest.Audience(pool)), "Invalid login token. Couldn't verify signed token."},
			{id, token[:len(token)-4] + "AAAA", "Invalid login token. Couldn't verify signed token."},
		} {
			refused[*types.NotAuthorizedException](t, enhanced(test.id, map[string]string{ours: test.token}), test.text)
		}
		refused[*types.InvalidParameterException](t, enhanced(id, developer("u1")), notPublic)
		// A guest's token opens that guest and no more, until the guest logs in.
		guest := s.id(t, pool, nil)
		out, err := s.cognito.GetOpenIdToken(ctx, &ci.GetOpenIdTokenInput{IdentityId: &guest})
		if err != nil {
			t.Fatal(err)
		}
		as, err := s.cognito.GetCredentialsForIdentity(ctx, &ci.GetCredentialsForIdentityInput{IdentityId: &guest, Logins: map[string]string{ours: *out.Token}})
		if err != nil {
			t.Fatal(err)
		}
		s.isSession(t, fromCognito(as.Credentials), "guests", "CognitoIdentityCredentials")
		if _, err := get(ci.GetOpenIdTokenForDeveloperIdentityInput{IdentityPoolId: &pool, IdentityId: &guest, Logins: developer("u3")}); err != nil {
			t.Fatal(err)
		}
		refused[*types.NotAuthorizedException](t, enhanced(guest, map[string]string{ours: *out.Token}), forbidden(guest))
	})
	t.Run("the token opens the classic flow", func(t *testing.T) {
		pool := s.pool(t, developers)
		_, token := s.vouch(t, pool, developer("u1"))
		before := time.Now()
		out, err := s.sts.AssumeRoleWithWebIdentity(ctx, &sts.AssumeRoleWithWebIdentityInput{RoleArn: aws.String(s.role("back-end")), RoleSessionName: aws.String("u1"), WebIdentityToken: &token})
		if err != nil {
			t.Fatal(err)
		}
		checkCredentials(t, fromSTS(out.Credentials), before, time.Hour)
		s.isSession(t, fromSTS(out.Credentials), "back-end", "u1")
	})
}

func lookupDeveloperIdentity(t *testing.T, s *site) {
	ctx := t.Context()
	pool := s.pool(t, developers)
	look := func(in ci.LookupDeveloperIdentityInput) (*ci.LookupDeveloperIdentityOutput, error) {
		if in.IdentityPoolId == nil {
			in.IdentityPoolId = &pool
		}
		return s.cognito.LookupDeveloperIdentity(ctx, &in)
	}
	ann := s.one.login("ann")
	id := s.id(t, pool, ann)
	if got := s.usersOf(t, pool, id); len(got) != 0 {
		t.Errorf("an identity without users has %q", got)
	}
	users := []string{"U2", "u1", "u2", "u3", "ü"}
	for _, user := range users {
		s.vouch(t, pool, both(developer(user), ann))
	}
	other, _ := s.vouch(t, pool, developer("other"))
	if got := s.usersOf(t, pool, id); !slices.Equal(got, users) {
		t.Errorf("users %q, want %q", got, users)
	}
	for _, test := range []struct {
		in   ci.LookupDeveloperIdentityInput
		want []string
	}{
		{ci.LookupDeveloperIdentityInput{DeveloperUserIdentifier: aws.String("u2")}, users},
		{ci.LookupDeveloperIdentityInput{IdentityId: &id, DeveloperUserIdentifier: aws.String("u2")}, []string{"u2"}},
	} {
		out, err := look(test.in)
		if err != nil || *out.IdentityId != id || !slices.Equal(out.DeveloperUserIdentifierList, test.want) || out.NextToken != nil {
			t.Errorf("%+v: got %+v (%v), want %s and %q", test.in, out, err, id, test.want)
		}
	}
	for size := int32(1); size <= 6; size++ {
		for _, in := range []ci.LookupDeveloperIdentityInput{{IdentityId: &id}, {DeveloperUserIdentifier: aws.String("u1")}} {
			in.MaxResults = &size
			var got []string
			for first := true; first || in.NextToken != nil; first = false {
				page, err := look(in)
				if err != nil {
					t.Fatal(err)
				}
				if len(page.DeveloperUserIdentifierList) > int(size) {
					t.Errorf("size %d: a page has %d", size, len(page.DeveloperUserIdentifierList))
				}
				got, in.NextToken = append(got, page.DeveloperUserIdentifierList...), page.NextToken
			}
			if !slices.Equal(got, users) {
				t.Errorf("size %d: got %q, want %q", size, got, users)
			}
		}
	}
	page, err := look(ci.LookupDeveloperIdentityInput{IdentityId: &id, MaxResults: aws.Int32(1)})
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range []ci.LookupDeveloperIdentityInput{{DeveloperUserIdentifier: aws.String("u1")}, {IdentityId: &other}} {
		in.NextToken = page.NextToken
		_, err := look(in)
		refused[*types.InvalidParameterException](t, err, "The NextToken is not valid.")
	}
	_, err = look(ci.LookupDeveloperIdentityInput{})
	refused[*types.InvalidParameterException](t, err, "Please provide an identity ID or a developer user identifier.")
	_, err = look(ci.LookupDeveloperIdentityInput{IdentityId: &other, DeveloperUserIdentifier: aws.String("u1")})
	refused[*types.ResourceConflictException](t, err, "The identity ID and the developer user identifier do not belong together.")
	_, err = look(ci.LookupDeveloperIdentityInput{DeveloperUserIdentifier: aws.String("nobody")})
	refused[*types.ResourceNotFoundException](t, err, userMissing("nobody"))
	_, err = look(ci.LookupDeveloperIdentityInput{IdentityId: aws.String(nowhere)})
	refused[*types.ResourceNotFoundException](t, err, identityMissing(nowhere))
	_, err = look(ci.LookupDeveloperIdentityInput{IdentityPoolId: aws.String(nowhere), IdentityId: &id})
	refused[*types.ResourceNotFoundException](t, err, poolMissing(nowhere))
	_, err = look(ci.LookupDeveloperIdentityInput{DeveloperUserIdentifier: aws.String(letters(1025)), MaxResults: aws.Int32(61)})
	invalid(t, err, "Value '"+letters(1025)+"' at 'developerUserIdentifier' failed to satisfy constraint: Member must have length less than or equal to 1024",
		"Value '61' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 60")
}

func mergeDeveloperIdentities(t *testing.T, s *site) {
	pool := s.pool(t, developers)
	merge := func(pool, provider, source, destination string) (string, error) {
		out, err := s.cognito.MergeDeveloperIdentities(t.Context(), &ci.MergeDeveloperIdentitiesInput{IdentityPoolId: &pool, DeveloperProviderName: &provider,
			SourceUserIdentifier: &source, DestinationUserIdentifier: &destination})
		if err != nil {
			return "", err
		}
		return *out.IdentityId, nil
	}
	ann, anna := s.one.login("ann"), s.two.login("anna")
	source, _ := s.vouch(t, pool, both(developer("old"), ann)) // older, and goes nevertheless
	younger()
	destination, _ := s.vouch(t, pool, both(developer("new"), anna))
	for range 2 { // the second time nothing is left to do
		if got, err := merge(pool, shop, "old", "new"); err != nil || got != destination {
			t.Errorf("merged into %s (%v), want %s", got, err, destination)
		}
	}
	s.wantLogins(t, destination, shop, s.one.name, s.two.name)
	s.wantDisabled(t, pool, source)
	if got := s.usersOf(t, pool, destination); !slices.Equal(got, []string{"new", "old"}) {
		t.Errorf("users %q", got)
	}
	for _, logins := range []map[string]string{developer("old"), developer("new")} {
		if got, _ := s.vouch(t, pool, logins); got != destination {
			t.Errorf("%v is %s, want %s", logins, got, destination)
		}
	}
	if got := s.id(t, pool, ann); got != destination {
		t.Errorf("ann is %s, want %s", got, destination)
	}

	s.vouch(t, pool, both(developer("bob"), s.one.login("bob")))
	for i := range 16 {
		s.vouch(t, pool, both(developer(fmt.Sprintf("many%02d", i)), anna))
	}
	s.vouch(t, pool, developer("last"))
	before := s.everybody(t, pool)
	_, err := merge(pool, shop, "bob", "new")
	refused[*types.ResourceConflictException](t, err, "An identity can have at most 20 logins, not 22.")
	_, err = merge(pool, shop, "last", "new")
	refused[*types.ResourceConflictException](t, err, "An identity can have at most 20 logins, not 21.")
	_, err = merge(pool, shop, "nobody", "new")
	refused[*types.ResourceNotFoundException](t, err, userMissing("nobody"))
	_, err = merge(pool, shop, "new", "nobody")
	refused[*types.ResourceNotFoundException](t, err, userMissing("nobody"))
	_, err = merge(pool, "login.other", "old", "new")
	refused[*types.InvalidParameterException](t, err, noDeveloper)
	_, err = merge(nowhere, shop, "old", "new")
	refused[*types.ResourceNotFoundException](t, err, poolMissing(nowhere))
	_, err = merge(pool, "no blanks", "", "new")
	invalid(t, err, "Value '' at 'sourceUserIdentifier' failed to satisfy constraint: Member must have length greater than or equal to 1",
		`Value 'no blanks' at 'developerProviderName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w._-]+`)
	if after := s.everybody(t, pool); !slices.Equal(before, after) {
		t.Errorf("refused merges changed %q to %q", before, after)
	}
	second := s.pool(t, developers)
	s.vouch(t, second, both(developer("a"), ann))
	s.vouch(t, second, both(developer("b"), s.one.login("bob")))
	_, err = merge(second, shop, "a", "b")
	refused[*types.ResourceConflictException](t, err, linkedAlready)
}

func unlinkDeveloperIdentity(t *testing.T, s *site) {
	pool := s.pool(t, developers)
	unlink := func(pool, id, provider, user string) error {
		_, err := s.cognito.UnlinkDeveloperIdentity(t.Context(), &ci.UnlinkDeveloperIdentityInput{IdentityPoolId: &pool, IdentityId: &id,
			DeveloperProviderName: &provider, DeveloperUserIdentifier: &user})
		return err
	}
	ann := s.one.login("ann")
	id, _ := s.vouch(t, pool, both(developer("u1"), ann))
	s.vouch(t, pool, both(developer("u2"), ann))
	other, _ := s.vouch(t, pool, developer("other"))
	before := s.everybody(t, pool)
	refused[*types.ResourceConflictException](t, unlink(pool, id, shop, "other"), "The developer user identifier belongs to another identity.")
	refused[*types.ResourceNotFoundException](t, unlink(pool, id, shop, "nobody"), userMissing("nobody"))
	refused[*types.ResourceNotFoundException](t, unlink(pool, nowhere, shop, "u1"), identityMissing(nowhere))
	refused[*types.ResourceNotFoundException](t, unlink(nowhere, id, shop, "u1"), poolMissing(nowhere))
	refused[*types.InvalidParameterException](t, unlink(pool, id, "login.other", "u1"), noDeveloper)
	invalid(t, unlink(pool, "me", shop, "u1"), `Value 'me' at 'identityId' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w-]+:[0-9a-f-]+`)
	if after := s.everybody(t, pool); !slices.Equal(before, after) {
		t.Errorf("refused calls changed %q to %q", before, after)
	}
	if err := unlink(pool, id, shop, "u1"); err != nil {
		t.Fatal(err)
	}
	s.wantLogins(t, id, shop, s.one.name)
	if got := s.usersOf(t, pool, id); !slices.Equal(got, []string{"u2"}) {
		t.Errorf("users %q", got)
	}
	refused[*types.ResourceNotFoundException](t, unlink(pool, id, shop, "u1"), userMissing("u1"))
	if again, _ := s.vouch(t, pool, developer("u1")); again == id {
		t.Error("an unlinked user leads to the old identity")
	}
	if err := unlink(pool, other, shop, "other"); err != nil { // the last login
		t.Fatal(err)
	}
	s.wantDisabled(t, pool, other)
}
