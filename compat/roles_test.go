package compat

import (
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"

	"idpool/internal/login/logintest"
)

// userPools makes a pool trust two clients of the user pool.
func userPools(in *ci.CreateIdentityPoolInput) {
	in.CognitoIdentityProviders = []types.CognitoIdentityProvider{
		{ProviderName: aws.String(userPool), ClientId: aws.String("web")}, {ProviderName: aws.String(userPool), ClientId: aws.String("phone")}}
}

// member is the Logins map of somebody of the user pool, who signed in with a
// client.
func (s *site) member(subject, client string, opts ...logintest.TokenOption) map[string]string {
	return s.user.login(subject, append([]logintest.TokenOption{logintest.Audience(client), logintest.Claim("token_use", "id")}, opts...)...)
}

// mapRoles sets a pool's default roles together with role mappings.
func (s *site) mapRoles(t *testing.T, pool string, mappings map[string]types.RoleMapping) {
	t.Helper()
	_, err := s.cognito.SetIdentityPoolRoles(t.Context(), &ci.SetIdentityPoolRolesInput{IdentityPoolId: &pool, RoleMappings: mappings,
		Roles: map[string]string{"authenticated": s.role("people"), "unauthenticated": s.role("guests")}})
	if err != nil {
		t.Fatal(err)
	}
}

func (s *site) rule(claim string, match types.MappingRuleMatchType, value, role string) types.MappingRule {
	return types.MappingRule{Claim: &claim, MatchType: match, Value: &value, RoleARN: aws.String(s.role(role))}
}

func rules(ambiguous types.AmbiguousRoleResolutionType, list ...types.MappingRule) types.RoleMapping {
	return types.RoleMapping{Type: types.RoleMappingTypeRules, AmbiguousRoleResolution: ambiguous, RulesConfiguration: &types.RulesConfigurationType{Rules: list}}
}

func byToken(ambiguous types.AmbiguousRoleResolutionType) types.RoleMapping {
	return types.RoleMapping{Type: types.RoleMappingTypeToken, AmbiguousRoleResolution: ambiguous}
}

const (
	deny  = types.AmbiguousRoleResolutionTypeDeny
	other = types.AmbiguousRoleResolutionTypeAuthenticatedRole
)

// roleMappings are set, shown, replaced and refused (behaviour 2.19).
func (s *site) roleMappings(t *testing.T) {
	ctx := t.Context()
	pool := s.pool(t, userPools, func(in *ci.CreateIdentityPoolInput) {
		in.SupportedLoginProviders = map[string]string{"graph.facebook.com": "7346241598935552"}
	})
	now := func() map[string]types.RoleMapping {
		t.Helper()
		out, err := s.cognito.GetIdentityPoolRoles(ctx, &ci.GetIdentityPoolRolesInput{IdentityPoolId: &pool})
		if err != nil {
			t.Fatal(err)
		}
		return out.RoleMappings
	}
	if got := now(); got != nil {
		t.Errorf("mappings that were never set: %v", got)
	}
	all := map[string]types.RoleMapping{
		userPool + ":web": byToken(other),
		s.one.arn: rules(deny, s.rule("isAdmin", types.MappingRuleMatchTypeEquals, "paid", "b"), s.rule("a:1/ü", types.MappingRuleMatchTypeContains, "x y", "a"),
			s.rule("a:1/ü", types.MappingRuleMatchTypeStartsWith, "x", "a"), s.rule("x", types.MappingRuleMatchTypeNotEqual, "", "a")),
		"graph.facebook.com": byToken(deny),
	}
	all[s.one.arn].RulesConfiguration.Rules[3].Value = aws.String("-")
	s.mapRoles(t, pool, all)
	if got := now(); !reflect.DeepEqual(got, all) {
		t.Errorf("got %+v, want %+v", got, all)
	}
	s.mapRoles(t, pool, nil) // left out, they are gone
	if got := now(); got != nil {
		t.Errorf("mappings that were left out: %v", got)
	}
	s.mapRoles(t, pool, all)

	set := func(mappings map[string]types.RoleMapping) error {
		_, err := s.cognito.SetIdentityPoolRoles(ctx, &ci.SetIdentityPoolRolesInput{IdentityPoolId: &pool, Roles: map[string]string{}, RoleMappings: mappings})
		return err
	}
	for _, key := range []string{userPool, userPool + ":tablet", s.one.name, "https://" + s.one.name, "accounts.google.com", "arn:aws:iam::" + s.account + ":saml-provider/x"} {
		refused[*types.InvalidParameterException](t, set(map[string]types.RoleMapping{key: byToken(deny)}),
			"("+key+") is not a valid RoleMapping ProviderName or is not a configured provider.")
	}
	one := s.rule("a", types.MappingRuleMatchTypeEquals, "b", "a")
	withRules := rules(deny, one)
	withRules.Type = types.RoleMappingTypeToken
	for text, m := range map[string]types.RoleMapping{
		"AmbiguousRoleResolution is required in the role mapping of (%s).":                    {Type: types.RoleMappingTypeToken},
		"RulesConfiguration is required in the role mapping of (%s), whose Type is Rules.":    {Type: types.RoleMappingTypeRules, AmbiguousRoleResolution: deny},
		"RulesConfiguration is not allowed in the role mapping of (%s), whose Type is Token.": withRules,
	} {
		refused[*types.InvalidParameterException](t, set(map[string]types.RoleMapping{s.one.arn: m}), fmt.Sprintf(text, s.one.arn))
	}
	foreign := one
	foreign.RoleARN = aws.String("arn:aws:iam::123456789012:role/people")
	refused[*types.NotAuthorizedException](t, set(map[string]types.RoleMapping{s.one.arn: rules(deny, one, foreign)}), "Access to Role '"+*foreign.RoleARN+"' is forbidden.")
	bad := types.MappingRule{Claim: aws.String("a b"), MatchType: "Matches", Value: aws.String(""), RoleARN: aws.String(letters(20))}
	at := "'roleMappings." + s.one.arn + ".member.rulesConfiguration.rules.1.member."
	invalid(t, set(map[string]types.RoleMapping{s.one.arn: rules(deny, bad)}),
		"Value 'a b' at "+at+`claim' failed to satisfy constraint: Member must satisfy regular expression pattern: [\p{L}\p{M}\p{S}\p{N}\p{P}]+`,
		"Value 'Matches' at "+at+"matchType' failed to satisfy constraint: Member must satisfy enum value set: [Equals, Contains, StartsWith, NotEqual]",
		"Value '' at "+at+"value' failed to satisfy constraint: Member must have length greater than or equal to 1")
	invalid(t, set(map[string]types.RoleMapping{"k": {Type: "Some", AmbiguousRoleResolution: "Maybe"}}),
		"Value 'Some' at 'roleMappings.k.member.type' failed to satisfy constraint: Member must satisfy enum value set: [Token, Rules]",
		"Value 'Maybe' at 'roleMappings.k.member.ambiguousRoleResolution' failed to satisfy constraint: Member must satisfy enum value set: [AuthenticatedRole, Deny]")
	if got := now(); !reflect.DeepEqual(got, all) {
		t.Errorf("refused calls changed the mappings to %+v", got)
	}
	// With a mapping there is no classic flow, for guests neither.
	const noClassic = "Basic (classic) flow is not supported with RoleMappings, please use enhanced flow."
	for _, logins := range []map[string]string{nil, s.two.login("ann")} {
		id := s.id(t, pool, logins)
		_, err := s.cognito.GetOpenIdToken(ctx, &ci.GetOpenIdTokenInput{IdentityId: &id, Logins: logins})
		refused[*types.InvalidParameterException](t, err, noClassic)
	}
}

// chosenRoles follows the table of behaviour 6.3.
func (s *site) chosenRoles(t *testing.T) {
	pool := s.pool(t, userPools)
	role := s.role
	list := func(values ...any) []any { return values }
	claim, roles := logintest.Claim, func(names ...string) logintest.TokenOption {
		arns := []string{}
		for _, name := range names {
			arns = append(arns, role(name))
		}
		return logintest.Claim("cognito:roles", arns)
	}
	preferred := func(name string) logintest.TokenOption { return claim("cognito:preferred_role", role(name)) }
	equals, contains, starts, differs := types.MappingRuleMatchTypeEquals, types.MappingRuleMatchTypeContains, types.MappingRuleMatchTypeStartsWith, types.MappingRuleMatchTypeNotEqual
	denied := func(provider string) string {
		return "The ambiguous role mapping rules for: " + provider + " denied this request."
	}
	notOffered := func(name string) string {
		return "The role " + role(name) + " is not among those that the login token offers."
	}
	byRules := rules(deny,
		s.rule("admin", equals, "true", "admin"),
		s.rule("group", contains, "ops", "ops"),
		s.rule("mail", starts, "root@", "root"),
		s.rule("plan", differs, "free", "paid"),
		s.rule("group", equals, "last", "last"))
	for _, test := range []struct {
		name     string
		mappings map[string]types.RoleMapping
		logins   map[string]string
		custom   string
		want     string // a role, or the text of a refusal
	}{
		{"no mapping", nil, s.one.login("ann"), "", "people"},
		{"a mapping of another provider", map[string]types.RoleMapping{s.two.arn: byToken(deny)}, s.one.login("ann"), "", "people"},
		{"a mapping of another client", map[string]types.RoleMapping{userPool + ":phone": byToken(deny)}, s.member("ann", "web"), "", "people"},
		{"a guest, whatever the mapping", map[string]types.RoleMapping{s.one.arn: byToken(deny)}, nil, "", "guests"},

		{"Token: the preferred role", map[string]types.RoleMapping{userPool + ":web": byToken(deny)}, s.member("ann", "web", roles("a", "b"), preferred("b")), "", "b"},
		{"Token: the only role", map[string]types.RoleMapping{userPool + ":web": byToken(deny)}, s.member("ann", "web", roles("a")), "", "a"},
		{"Token: two roles, denied", map[string]types.RoleMapping{userPool + ":web": byToken(deny)}, s.member("ann", "web", roles("a", "b")), "", denied(userPool)},
		{"Token: two roles, the default", map[string]types.RoleMapping{userPool + ":web": byToken(other)}, s.member("ann", "web", roles("a", "b")), "", "people"},
		{"Token: no role, denied", map[string]types.RoleMapping{userPool + ":web": byToken(deny)}, s.member("ann", "web"), "", denied(userPool)},
		{"Token: one of two was asked for", map[string]types.RoleMapping{userPool + ":web": byToken(deny)}, s.member("ann", "web", roles("a", "b"), preferred("b")), "a", "a"},
		{"Token: another was asked for", map[string]types.RoleMapping{userPool + ":web": byToken(other)}, s.member("ann", "web", roles("a", "b")), "c", notOffered("c")},
		{"Token: only a user pool offers roles", map[string]types.RoleMapping{s.one.arn: byToken(deny)}, s.one.login("ann", roles("admin"), preferred("admin")), "", denied(s.one.name)},

		{"Rules: the first that matches", map[string]types.RoleMapping{s.one.arn: byRules}, s.one.login("ann", claim("admin", "true"), claim("group", "ops")), "", "admin"},
		{"Rules: a boolean", map[string]types.RoleMapping{s.one.arn: byRules}, s.one.login("ann", claim("admin", true)), "", "admin"},
		{"Rules: case counts", map[string]types.RoleMapping{s.one.arn: byRules}, s.one.login("ann", claim("admin", "TRUE")), "", denied(s.one.name)},
		{"Rules: Contains", map[string]types.RoleMapping{s.one.arn: byRules}, s.one.login("ann", claim("group", "devops!")), "", "ops"},
		{"Rules: any element of a list", map[string]types.RoleMapping{s.one.arn: byRules}, s.one.login("ann", claim("group", list("dev", "ops"))), "", "ops"},
		{"Rules: not across the elements", map[string]types.RoleMapping{s.one.arn: byRules}, s.one.login("ann", claim("group", list("o", "ps"))), "", denied(s.one.name)},
		{"Rules: StartsWith", map[string]types.RoleMapping{s.one.arn: byRules}, s.one.login("ann", claim("mail", "root@example.com")), "", "root"},
		{"Rules: NotEqual", map[string]types.RoleMapping{s.one.arn: byRules}, s.one.login("ann", claim("plan", "gold")), "", "paid"},
		{"Rules: NotEqual wants every element to differ", map[string]types.RoleMapping{s.one.arn: byRules}, s.one.login("ann", claim("plan", list("gold", "free"))), "", denied(s.one.name)},
		{"Rules: an absent claim is not unequal", map[string]types.RoleMapping{s.one.arn: byRules}, s.one.login("ann"), "", denied(s.one.name)},
		{"Rules: none matches, the default", map[string]types.RoleMapping{s.one.arn: rules(other, s.rule("a", equals, "b", "a"))}, s.one.login("ann"), "", "people"},
		{"Rules: a later one was asked for", map[string]types.RoleMapping{s.one.arn: byRules}, s.one.login("ann", claim("admin", "true"), claim("group", "ops")), "ops", "ops"},
		{"Rules: one that does not match was asked for", map[string]types.RoleMapping{s.one.arn: byRules}, s.one.login("ann", claim("admin", "true")), "ops", notOffered("ops")},
	} {
		t.Run(test.name, func(t *testing.T) {
			s.mapRoles(t, pool, test.mappings)
			id := s.id(t, pool, test.logins)
			in := &ci.GetCredentialsForIdentityInput{IdentityId: &id, Logins: test.logins}
			if test.custom != "" {
				in.CustomRoleArn = aws.String(role(test.custom))
			}
			out, err := s.cognito.GetCredentialsForIdentity(t.Context(), in)
			switch {
			case strings.Contains(test.want, " "):
				refused[*types.NotAuthorizedException](t, err, test.want)
			case err != nil:
				t.Error(err)
			default:
				s.isSession(t, fromCognito(out.Credentials), test.want, "CognitoIdentityCredentials")
			}
		})
	}
	t.Run("a user pool's access token is no ID token", func(t *testing.T) {
		_, err := s.cognito.GetId(t.Context(), &ci.GetIdInput{IdentityPoolId: &pool, Logins: s.member("ann", "web", claim("token_use", "access"))})
		refused[*types.NotAuthorizedException](t, err, "Invalid login token. Not a valid OpenId Connect identity token.")
	})
	t.Run("two clients of one user pool are one provider", func(t *testing.T) {
		if a, b := s.id(t, pool, s.member("kim", "web")), s.id(t, pool, s.member("kim", "phone")); a != b {
			t.Errorf("kim is %s and %s", a, b)
		}
	})
}

func setPrincipalTagAttributeMap(t *testing.T, s *site) {
	ctx := t.Context()
	pool := s.pool(t, userPools, developers)
	set := func(in ci.SetPrincipalTagAttributeMapInput) error {
		if in.IdentityPoolId == nil {
			in.IdentityPoolId = &pool
		}
		out, err := s.cognito.SetPrincipalTagAttributeMap(ctx, &in)
		if err != nil {
			return err
		}
		if *out.IdentityPoolId != pool || *out.IdentityProviderName != *in.IdentityProviderName || aws.ToBool(out.UseDefaults) != aws.ToBool(in.UseDefaults) || !maps.Equal(out.PrincipalTags, in.PrincipalTags) {
			t.Errorf("set %+v, answered %+v", in, *out)
		}
		return nil
	}
	tagsOf := func(logins map[string]string) map[string][]string {
		t.Helper()
		id := s.id(t, pool, logins)
		out, err := s.cognito.GetOpenIdToken(ctx, &ci.GetOpenIdTokenInput{IdentityId: &id, Logins: logins})
		if err != nil {
			t.Fatal(err)
		}
		return s.believe(t, *out.Token).Tags.PrincipalTags
	}
	want := func(logins map[string]string, tags map[string]string) {
		t.Helper()
		got := tagsOf(logins)
		if len(got) != len(tags) {
			t.Errorf("tags %v, want %v", got, tags)
		}
		for key, value := range tags {
			if !reflect.DeepEqual(got[key], []string{value}) {
				t.Errorf("tags %v, want %v", got, tags)
			}
		}
	}
	ann := s.one.login("ann", logintest.Claim("dept", "legal"), logintest.Claim("level", 7), logintest.Claim("admin", true),
		logintest.Claim("one", []string{"x"}), logintest.Claim("two", []string{"x", "y"}), logintest.Claim("object", map[string]any{"a": 1}))
	want(ann, nil)
	if err := set(ci.SetPrincipalTagAttributeMapInput{IdentityProviderName: &s.one.arn, UseDefaults: aws.Bool(true), PrincipalTags: map[string]string{}}); err != nil {
		t.Fatal(err)
	}
	want(ann, map[string]string{"username": "ann", "client": "app"})
	claims := map[string]string{"department": "dept", "level": "level", "admin": "admin", "one": "one", "two": "two", "object": "object", "absent": "absent"}
	if err := set(ci.SetPrincipalTagAttributeMapInput{IdentityProviderName: &s.one.arn, UseDefaults: aws.Bool(false), PrincipalTags: claims}); err != nil {
		t.Fatal(err)
	}
	want(ann, map[string]string{"department": "legal", "level": "7", "admin": "true", "one": "x"})
	want(nil, nil) // guests have none
	want(s.two.login("anna", logintest.Claim("dept", "legal")), nil)
	if err := set(ci.SetPrincipalTagAttributeMapInput{IdentityProviderName: aws.String(userPool), UseDefaults: aws.Bool(true)}); err != nil {
		t.Fatal(err)
	}
	want(s.member("kim", "phone"), map[string]string{"username": "kim", "client": "phone"})
	// The back end's word counts more than a claim.
	out, err := s.cognito.GetOpenIdTokenForDeveloperIdentity(ctx, &ci.GetOpenIdTokenForDeveloperIdentityInput{IdentityPoolId: &pool,
		Logins: both(developer("u1"), ann), PrincipalTags: map[string]string{"department": "sales", "shop": "7"}})
	if err != nil {
		t.Fatal(err)
	}
	got := s.believe(t, *out.Token).Tags.PrincipalTags
	if !reflect.DeepEqual(got, map[string][]string{"department": {"sales"}, "shop": {"7"}, "level": {"7"}, "admin": {"true"}, "one": {"x"}}) {
		t.Errorf("a developer's tags are %v", got)
	}
	// Tags that no session can have: the pool is at fault.
	big := s.two.login("big", logintest.Claim("long", letters(250)), logintest.Claim("longer", letters(250)))
	if err := set(ci.SetPrincipalTagAttributeMapInput{IdentityProviderName: &s.two.arn, PrincipalTags: map[string]string{"a": "long", "b": "longer"}}); err != nil {
		t.Fatal(err)
	}
	id := s.id(t, pool, big)
	_, err = s.cognito.GetCredentialsForIdentity(ctx, &ci.GetCredentialsForIdentityInput{IdentityId: &id, Logins: big})
	refused[*types.InvalidIdentityPoolConfigurationException](t, err, noRole)
	token, err := s.cognito.GetOpenIdToken(ctx, &ci.GetOpenIdTokenInput{IdentityId: &id, Logins: big})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.sts.AssumeRoleWithWebIdentity(ctx, &sts.AssumeRoleWithWebIdentityInput{RoleArn: aws.String(s.role("people")), RoleSessionName: aws.String("big"), WebIdentityToken: token.Token})
	refused[*ststypes.PackedPolicyTooLargeException](t, err, "Packed size of session tags consumes 109% of allotted space.")

	for _, name := range []string{userPool + ":web", s.one.name, "graph.facebook.com", shop} {
		refused[*types.InvalidParameterException](t, set(ci.SetPrincipalTagAttributeMapInput{IdentityProviderName: &name}), "("+name+") is not a configured provider.")
	}
	refused[*types.ResourceNotFoundException](t, set(ci.SetPrincipalTagAttributeMapInput{IdentityPoolId: aws.String(nowhere), IdentityProviderName: &s.one.arn}), poolMissing(nowhere))
	many := map[string]string{}
	for i := range 51 {
		many[fmt.Sprintf("k%02d", i)] = "c"
	}
	err = set(ci.SetPrincipalTagAttributeMapInput{IdentityProviderName: aws.String(""), PrincipalTags: many})
	var printed []string
	for i := range 51 {
		printed = append(printed, fmt.Sprintf("k%02d=c", i))
	}
	invalid(t, err, "Value '' at 'identityProviderName' failed to satisfy constraint: Member must have length greater than or equal to 1",
		"Value '{"+strings.Join(printed, ", ")+"}' at 'principalTags' failed to satisfy constraint: Member must have length less than or equal to 50")
}

func getPrincipalTagAttributeMap(t *testing.T, s *site) {
	ctx := t.Context()
	pool := s.pool(t, userPools)
	get := func(pool, name string) (*ci.GetPrincipalTagAttributeMapOutput, error) {
		return s.cognito.GetPrincipalTagAttributeMap(ctx, &ci.GetPrincipalTagAttributeMapInput{IdentityPoolId: &pool, IdentityProviderName: &name})
	}
	want := func(name string, defaults bool, tags map[string]string) {
		t.Helper()
		out, err := get(pool, name)
		if err != nil {
			t.Error(err)
			return
		}
		if *out.IdentityPoolId != pool || *out.IdentityProviderName != name || out.UseDefaults == nil || *out.UseDefaults != defaults || out.PrincipalTags == nil || !maps.Equal(out.PrincipalTags, tags) {
			t.Errorf("got %+v, want %t, %v", *out, defaults, tags)
		}
	}
	want(s.one.arn, false, map[string]string{}) // never set
	want(userPool, false, map[string]string{})
	for _, m := range []ci.SetPrincipalTagAttributeMapInput{
		{UseDefaults: aws.Bool(false), PrincipalTags: map[string]string{"a": "b", "Löve": "c:d"}}, {UseDefaults: aws.Bool(true), PrincipalTags: map[string]string{"a": "b"}},
		{PrincipalTags: map[string]string{"x": "y"}}, {UseDefaults: aws.Bool(true), PrincipalTags: map[string]string{}}, {},
	} {
		m.IdentityPoolId, m.IdentityProviderName = &pool, aws.String(userPool)
		if _, err := s.cognito.SetPrincipalTagAttributeMap(ctx, &m); err != nil {
			t.Fatal(err)
		}
		want(userPool, aws.ToBool(m.UseDefaults), m.PrincipalTags)
		want(s.one.arn, false, map[string]string{})
	}
	for _, name := range []string{userPool + ":web", "graph.facebook.com"} {
		_, err := get(pool, name)
		refused[*types.ResourceNotFoundException](t, err, "("+name+") is not a configured provider.")
	}
	_, err := get(nowhere, userPool)
	refused[*types.ResourceNotFoundException](t, err, poolMissing(nowhere))
	if _, err := s.cognito.DeleteIdentityPool(ctx, &ci.DeleteIdentityPoolInput{IdentityPoolId: &pool}); err != nil {
		t.Fatal(err)
	}
	_, err = get(pool, userPool)
	refused[*types.ResourceNotFoundException](t, err, poolMissing(pool))
	_, err = get(pool, letters(129))
	invalid(t, err, "Value '"+letters(129)+"' at 'identityProviderName' failed to satisfy constraint: Member must have length less than or equal to 128")
}
