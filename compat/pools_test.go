package compat

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	"github.com/aws/smithy-go/middleware"
)

var poolIDForm = regexp.MustCompile(`^us-east-1:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// nowhere is the ID of a pool or an identity that does not exist.
const nowhere = "us-east-1:00000000-0000-4000-8000-000000000000"

const userPool = "cognito-idp.us-east-1.amazonaws.com/us-east-1_Ab12Cd34E"

func poolMissing(id string) string { return fmt.Sprintf("IdentityPool '%s' not found.", id) }

// unchecked lets the server see what the SDK would refuse to send.
func unchecked(o *ci.Options) {
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		_, err := stack.Initialize.Remove("OperationInputValidation")
		return err
	})
}

// letters is a text of n letters.
func letters(n int) string { return strings.Repeat("a", n) }

// tagsOf makes n tags.
func tagsOf(n int) map[string]string {
	tags := map[string]string{}
	for i := range n {
		tags[fmt.Sprint("key", i)] = fmt.Sprint(i)
	}
	return tags
}

// settings are what creating and updating a pool have in common.
func full(s *site) *ci.CreateIdentityPoolInput {
	return &ci.CreateIdentityPoolInput{
		IdentityPoolName: aws.String("The shop, 1+1=2 @home."), AllowUnauthenticatedIdentities: true, AllowClassicFlow: aws.Bool(true),
		SupportedLoginProviders:   map[string]string{"graph.facebook.com": "7346241598935552", "api.twitter.com": "key;secret/x"},
		DeveloperProviderName:     aws.String("login.shop"),
		OpenIdConnectProviderARNs: []string{s.two.arn, s.one.arn, "arn:aws:iam::123456789012:oidc-provider/server.example.com"},
		CognitoIdentityProviders: []types.CognitoIdentityProvider{
			{ProviderName: aws.String(userPool), ClientId: aws.String("6jk8"), ServerSideTokenCheck: aws.Bool(true)},
			{ProviderName: aws.String(userPool), ClientId: aws.String("1ab2")},
		},
		IdentityPoolTags: map[string]string{"stage": "", "Löve": "a/b+c=d"},
	}
}

func createIdentityPool(t *testing.T, s *site) {
	ctx := t.Context()
	// Nothing but what must be: absent members are absent, tags are there.
	least, err := s.cognito.CreateIdentityPool(ctx, &ci.CreateIdentityPoolInput{IdentityPoolName: aws.String("p")})
	if err != nil {
		t.Fatal(err)
	}
	if !poolIDForm.MatchString(*least.IdentityPoolId) {
		t.Errorf("pool ID %s", *least.IdentityPoolId)
	}
	want := &ci.CreateIdentityPoolOutput{IdentityPoolId: least.IdentityPoolId, IdentityPoolName: aws.String("p"),
		IdentityPoolTags: map[string]string{}, ResultMetadata: least.ResultMetadata}
	if !reflect.DeepEqual(least, want) {
		t.Errorf("got %+v, want %+v", least, want)
	}
	// Everything: as given, in the order given.
	in := full(s)
	made, err := s.cognito.CreateIdentityPool(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	in.CognitoIdentityProviders[1].ServerSideTokenCheck = aws.Bool(false)
	want = &ci.CreateIdentityPoolOutput{IdentityPoolId: made.IdentityPoolId, IdentityPoolName: in.IdentityPoolName,
		AllowUnauthenticatedIdentities: true, AllowClassicFlow: aws.Bool(true), SupportedLoginProviders: in.SupportedLoginProviders,
		DeveloperProviderName: in.DeveloperProviderName, OpenIdConnectProviderARNs: in.OpenIdConnectProviderARNs,
		CognitoIdentityProviders: in.CognitoIdentityProviders, IdentityPoolTags: in.IdentityPoolTags, ResultMetadata: made.ResultMetadata}
	if !reflect.DeepEqual(made, want) {
		t.Errorf("got %+v, want %+v", made, want)
	}
	// A name can have white space of every kind, and is listed as it is.
	const odd = "a\t\n\v\f\r +=,.@-_9"
	if _, err := s.cognito.CreateIdentityPool(ctx, &ci.CreateIdentityPoolInput{IdentityPoolName: aws.String(odd)}); err != nil {
		t.Error(err)
	}
	list, err := s.cognito.ListIdentityPools(ctx, &ci.ListIdentityPoolsInput{MaxResults: aws.Int32(60)})
	if err != nil || !slices.ContainsFunc(list.IdentityPools, func(p types.IdentityPoolShortDescription) bool { return *p.IdentityPoolName == odd }) {
		t.Errorf("%q is not listed: %v", odd, err)
	}
	// Names repeat.
	if again, err := s.cognito.CreateIdentityPool(ctx, in); err != nil || *again.IdentityPoolId == *made.IdentityPoolId {
		t.Errorf("the same name again: %v", err)
	}
	// The hosted service asks whether a SAML provider exists. In development
	// mode one of the own account does.
	saml := "arn:aws:iam::" + s.account + ":saml-provider/Corp"
	_, err = s.cognito.CreateIdentityPool(ctx, &ci.CreateIdentityPoolInput{IdentityPoolName: aws.String("p"), SamlProviderARNs: []string{saml}})
	if s.strict {
		refused[*types.NotAuthorizedException](t, err, "Identity provider "+saml+" is not valid for account "+s.account)
	} else if err != nil {
		t.Error(err)
	}

	for name, bad := range badSettings {
		t.Run(name, func(t *testing.T) {
			in := &ci.CreateIdentityPoolInput{IdentityPoolName: aws.String("p")}
			text := bad(s, in)
			_, err := s.cognito.CreateIdentityPool(ctx, in)
			refused[*types.InvalidParameterException](t, err, text)
		})
	}
	for _, arn := range []string{
		"arn:us-east-1:iam::" + s.account + ":saml-provider/x", "arn:aws:iam::123456789012:saml-provider/x", "arn:aws:iam::" + s.account + ":saml-provider/", letters(20),
	} {
		_, err := s.cognito.CreateIdentityPool(ctx, &ci.CreateIdentityPoolInput{IdentityPoolName: aws.String("p"), SamlProviderARNs: []string{arn}})
		refused[*types.NotAuthorizedException](t, err, "Identity provider "+arn+" is not valid for account "+s.account)
	}
	for _, test := range []struct {
		in         ci.CreateIdentityPoolInput
		violations []string
	}{
		{ci.CreateIdentityPoolInput{}, []string{"Value null at 'identityPoolName' failed to satisfy constraint: Member must not be null"}},
		{ci.CreateIdentityPoolInput{IdentityPoolName: aws.String("")}, []string{
			`Value '' at 'identityPoolName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w\s+=,.@-]+`,
			"Value '' at 'identityPoolName' failed to satisfy constraint: Member must have length greater than or equal to 1"}},
		{ci.CreateIdentityPoolInput{IdentityPoolName: aws.String(letters(129))}, []string{
			"Value '" + letters(129) + "' at 'identityPoolName' failed to satisfy constraint: Member must have length less than or equal to 128"}},
		{ci.CreateIdentityPoolInput{IdentityPoolName: aws.String("p"), DeveloperProviderName: aws.String("no blanks"), SamlProviderARNs: []string{"short"}}, []string{
			`Value 'no blanks' at 'developerProviderName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w._-]+`,
			"Value '[short]' at 'samlProviderARNs' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 2048, Member must have length greater than or equal to 20]"}},
		{ci.CreateIdentityPoolInput{IdentityPoolName: aws.String("p"), SupportedLoginProviders: map[string]string{"graph.facebook.com": "a b"}}, []string{
			`Value '{graph.facebook.com=a b}' at 'supportedLoginProviders' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [\w.;_/-]+]`}},
		{ci.CreateIdentityPoolInput{IdentityPoolName: aws.String("p"), CognitoIdentityProviders: []types.CognitoIdentityProvider{{ProviderName: aws.String(userPool), ClientId: aws.String("a-b")}}}, []string{
			`Value 'a-b' at 'cognitoIdentityProviders.1.member.clientId' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w_]+`}},
		{ci.CreateIdentityPoolInput{IdentityPoolName: aws.String("p"), IdentityPoolTags: map[string]string{"": ""}}, []string{
			"Value '{=}' at 'identityPoolTags' failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater than or equal to 1]"}},
	} {
		_, err := s.cognito.CreateIdentityPool(ctx, &test.in, unchecked)
		invalid(t, err, test.violations...)
	}
}

// badSettings are what makes no sense in a pool. Each changes an input and says
// how it is refused.
var badSettings = map[string]func(*site, *ci.CreateIdentityPoolInput) string{
	"a user pool without a name": func(_ *site, in *ci.CreateIdentityPoolInput) string {
		in.CognitoIdentityProviders = []types.CognitoIdentityProvider{{ClientId: aws.String("6jk8")}}
		return "Invalid Cognito Identity Provider"
	},
	"a user pool without a client": func(_ *site, in *ci.CreateIdentityPoolInput) string {
		in.CognitoIdentityProviders = []types.CognitoIdentityProvider{{ProviderName: aws.String(userPool)}}
		return "Invalid Cognito Identity Provider"
	},
	"a user pool that is none": func(_ *site, in *ci.CreateIdentityPoolInput) string {
		in.CognitoIdentityProviders = []types.CognitoIdentityProvider{{ProviderName: aws.String("login.example.com"), ClientId: aws.String("6jk8")}}
		return "Invalid Cognito Identity Provider"
	},
	"a user pool client twice": func(_ *site, in *ci.CreateIdentityPoolInput) string {
		one := types.CognitoIdentityProvider{ProviderName: aws.String(userPool), ClientId: aws.String("6jk8")}
		in.CognitoIdentityProviders = []types.CognitoIdentityProvider{one, one}
		return "Duplicate Cognito Identity Provider"
	},
	"a login provider that nobody knows": func(_ *site, in *ci.CreateIdentityPoolInput) string {
		in.SupportedLoginProviders = map[string]string{"login.example.com": "app"}
		return "(login.example.com) is not a supported login provider."
	},
	"an OIDC provider that is none": func(_ *site, in *ci.CreateIdentityPoolInput) string {
		in.OpenIdConnectProviderARNs = []string{"https://login.example.com"}
		return "Invalid OpenIdConnect provider ARN: https://login.example.com"
	},
	"too many tags": func(_ *site, in *ci.CreateIdentityPoolInput) string {
		in.IdentityPoolTags = tagsOf(51)
		return "An identity pool can have at most 50 tags, not 51."
	},
	"a reserved tag": func(_ *site, in *ci.CreateIdentityPoolInput) string {
		in.IdentityPoolTags = map[string]string{"AWS:x": "y"}
		return "Tag keys that begin with aws: are reserved."
	},
	"a tag with other characters": func(_ *site, in *ci.CreateIdentityPoolInput) string {
		in.IdentityPoolTags = map[string]string{"x": "y!"}
		return "Tag keys and values can hold letters, digits, white space and _ . : / = + - @ only."
	},
}

// describe is a pool as DescribeIdentityPool shows it.
func (s *site) describe(t *testing.T, pool string) *ci.DescribeIdentityPoolOutput {
	t.Helper()
	out, err := s.cognito.DescribeIdentityPool(t.Context(), &ci.DescribeIdentityPoolInput{IdentityPoolId: &pool})
	if err != nil {
		t.Fatal(err)
	}
	out.ResultMetadata = middleware.Metadata{}
	return out
}

func describeIdentityPool(t *testing.T, s *site) {
	ctx := t.Context()
	made, err := s.cognito.CreateIdentityPool(ctx, full(s))
	if err != nil {
		t.Fatal(err)
	}
	made.ResultMetadata = middleware.Metadata{}
	if got := s.describe(t, *made.IdentityPoolId); !reflect.DeepEqual(*got, ci.DescribeIdentityPoolOutput(*made)) {
		t.Errorf("got %+v, want %+v", *got, *made)
	}
	_, err = s.cognito.DescribeIdentityPool(ctx, &ci.DescribeIdentityPoolInput{IdentityPoolId: aws.String(nowhere)})
	refused[*types.ResourceNotFoundException](t, err, poolMissing(nowhere))
	// A well-formed ID of another shape is unknown, too.
	_, err = s.cognito.DescribeIdentityPool(ctx, &ci.DescribeIdentityPoolInput{IdentityPoolId: aws.String("a:0")})
	refused[*types.ResourceNotFoundException](t, err, poolMissing("a:0"))
	_, err = s.cognito.DescribeIdentityPool(ctx, &ci.DescribeIdentityPoolInput{IdentityPoolId: aws.String("us-east-2:mock")})
	invalid(t, err, `Value 'us-east-2:mock' at 'identityPoolId' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w-]+:[0-9a-f-]+`)
	long := "us-east-1:" + letters(46)
	_, err = s.cognito.DescribeIdentityPool(ctx, &ci.DescribeIdentityPoolInput{IdentityPoolId: &long})
	invalid(t, err, "Value '"+long+"' at 'identityPoolId' failed to satisfy constraint: Member must have length less than or equal to 55")
}

func updateIdentityPool(t *testing.T, s *site) {
	ctx := t.Context()
	made, err := s.cognito.CreateIdentityPool(ctx, full(s))
	if err != nil {
		t.Fatal(err)
	}
	id := made.IdentityPoolId
	before := s.describe(t, *id)
	update := func(in ci.UpdateIdentityPoolInput) *ci.DescribeIdentityPoolOutput {
		t.Helper()
		in.IdentityPoolId = id
		out, err := s.cognito.UpdateIdentityPool(ctx, &in)
		if err != nil {
			t.Fatal(err)
		}
		out.ResultMetadata = middleware.Metadata{}
		got := s.describe(t, *id)
		if !reflect.DeepEqual(*got, ci.DescribeIdentityPoolOutput(*out)) {
			t.Errorf("UpdateIdentityPool answers %+v, DescribeIdentityPool %+v", *out, *got)
		}
		return got
	}
	// What was described can be sent back.
	if got := update(asUpdate(before)); !reflect.DeepEqual(got, before) {
		t.Errorf("sent back as described: %+v, want %+v", got, before)
	}
	// What is left out goes, but for the developer provider's name and the
	// tags; the name changes.
	want := &ci.DescribeIdentityPoolOutput{IdentityPoolId: id, IdentityPoolName: aws.String("renamed"),
		DeveloperProviderName: before.DeveloperProviderName, IdentityPoolTags: before.IdentityPoolTags}
	if got := update(ci.UpdateIdentityPoolInput{IdentityPoolName: aws.String("renamed")}); !reflect.DeepEqual(got, want) {
		t.Errorf("with the least members: %+v, want %+v", got, want)
	}
	// Empty lists clear as well, and tags replace the tags.
	update(asUpdate(before))
	want.AllowClassicFlow, want.IdentityPoolTags = aws.Bool(false), map[string]string{"only": "one"}
	got := update(ci.UpdateIdentityPoolInput{IdentityPoolName: aws.String("renamed"), AllowClassicFlow: aws.Bool(false),
		SupportedLoginProviders: map[string]string{}, OpenIdConnectProviderARNs: []string{}, CognitoIdentityProviders: []types.CognitoIdentityProvider{},
		SamlProviderARNs: []string{}, DeveloperProviderName: before.DeveloperProviderName, IdentityPoolTags: want.IdentityPoolTags})
	if !reflect.DeepEqual(got, want) {
		t.Errorf("with empty members: %+v, want %+v", got, want)
	}
	// A developer provider's name can come later, once.
	late := s.pool(t)
	_, err = s.cognito.UpdateIdentityPool(ctx, &ci.UpdateIdentityPoolInput{IdentityPoolId: &late, IdentityPoolName: aws.String("p"), DeveloperProviderName: aws.String("late")})
	if got := s.describe(t, late); err != nil || aws.ToString(got.DeveloperProviderName) != "late" {
		t.Errorf("a developer provider that comes later: %v %v", got.DeveloperProviderName, err)
	}
	// Roles are none of its business.
	if got := s.rolesOf(t, late); len(got) != 2 {
		t.Errorf("the pool's roles after an update: %v", got)
	}

	now := s.describe(t, *id)
	in := ci.UpdateIdentityPoolInput{IdentityPoolId: id, IdentityPoolName: aws.String("p"), DeveloperProviderName: aws.String("another")}
	_, err = s.cognito.UpdateIdentityPool(ctx, &in)
	refused[*types.InvalidParameterException](t, err, "The DeveloperProviderName of an identity pool cannot be changed once it is set.")
	for name, bad := range badSettings {
		t.Run(name, func(t *testing.T) {
			settings := &ci.CreateIdentityPoolInput{IdentityPoolName: aws.String("p")}
			text := bad(s, settings)
			_, err := s.cognito.UpdateIdentityPool(ctx, &ci.UpdateIdentityPoolInput{IdentityPoolId: id, IdentityPoolName: settings.IdentityPoolName,
				CognitoIdentityProviders: settings.CognitoIdentityProviders, SupportedLoginProviders: settings.SupportedLoginProviders,
				OpenIdConnectProviderARNs: settings.OpenIdConnectProviderARNs, IdentityPoolTags: settings.IdentityPoolTags})
			refused[*types.InvalidParameterException](t, err, text)
		})
	}
	_, err = s.cognito.UpdateIdentityPool(ctx, &ci.UpdateIdentityPoolInput{}, unchecked)
	invalid(t, err, "Value null at 'identityPoolId' failed to satisfy constraint: Member must not be null",
		"Value null at 'identityPoolName' failed to satisfy constraint: Member must not be null")
	if got := s.describe(t, *id); !reflect.DeepEqual(got, now) {
		t.Errorf("refused updates changed the pool to %+v", got)
	}
	_, err = s.cognito.UpdateIdentityPool(ctx, &ci.UpdateIdentityPoolInput{IdentityPoolId: aws.String(nowhere), IdentityPoolName: aws.String("p")})
	refused[*types.ResourceNotFoundException](t, err, poolMissing(nowhere))
}

// asUpdate sends a description back.
func asUpdate(d *ci.DescribeIdentityPoolOutput) ci.UpdateIdentityPoolInput {
	return ci.UpdateIdentityPoolInput{IdentityPoolId: d.IdentityPoolId, IdentityPoolName: d.IdentityPoolName,
		AllowUnauthenticatedIdentities: d.AllowUnauthenticatedIdentities, AllowClassicFlow: d.AllowClassicFlow,
		SupportedLoginProviders: d.SupportedLoginProviders, DeveloperProviderName: d.DeveloperProviderName,
		OpenIdConnectProviderARNs: d.OpenIdConnectProviderARNs, CognitoIdentityProviders: d.CognitoIdentityProviders,
		SamlProviderARNs: d.SamlProviderARNs, IdentityPoolTags: d.IdentityPoolTags}
}

func deleteIdentityPool(t *testing.T, s *site) {
	ctx := t.Context()
	pool, other := s.pool(t), s.pool(t)
	ann := s.one.login("ann")
	guest, person := s.id(t, pool, nil), s.id(t, pool, ann)
	elsewhere := s.id(t, other, ann)
	del := func(id string) error {
		_, err := s.cognito.DeleteIdentityPool(ctx, &ci.DeleteIdentityPoolInput{IdentityPoolId: &id})
		return err
	}
	if err := del(pool); err != nil {
		t.Fatal(err)
	}
	refused[*types.ResourceNotFoundException](t, del(pool), poolMissing(pool))
	refused[*types.ResourceNotFoundException](t, del(nowhere), poolMissing(nowhere))
	invalid(t, del("pool"), `Value 'pool' at 'identityPoolId' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w-]+:[0-9a-f-]+`)
	// The pool is gone, and everybody in it.
	_, err := s.cognito.GetId(ctx, &ci.GetIdInput{IdentityPoolId: &pool, Logins: ann})
	refused[*types.ResourceNotFoundException](t, err, poolMissing(pool))
	for _, id := range []string{guest, person} {
		_, err := s.cognito.DescribeIdentity(ctx, &ci.DescribeIdentityInput{IdentityId: &id})
		refused[*types.ResourceNotFoundException](t, err, identityMissing(id))
		_, err = s.cognito.GetCredentialsForIdentity(ctx, &ci.GetCredentialsForIdentityInput{IdentityId: &id, Logins: ann})
		refused[*types.ResourceNotFoundException](t, err, identityMissing(id))
		_, err = s.cognito.GetOpenIdToken(ctx, &ci.GetOpenIdTokenInput{IdentityId: &id, Logins: ann})
		refused[*types.ResourceNotFoundException](t, err, identityMissing(id))
		_, err = s.cognito.UnlinkIdentity(ctx, &ci.UnlinkIdentityInput{IdentityId: &id, Logins: ann, LoginsToRemove: []string{s.one.name}})
		refused[*types.ResourceNotFoundException](t, err, identityMissing(id))
	}
	// Its neighbour is not.
	list, err := s.cognito.ListIdentityPools(ctx, &ci.ListIdentityPoolsInput{MaxResults: aws.Int32(60)})
	if err != nil || len(list.IdentityPools) != 1 || *list.IdentityPools[0].IdentityPoolId != other {
		t.Errorf("the pools are %v (%v), want %s", list.IdentityPools, err, other)
	}
	if got := s.id(t, other, ann); got != elsewhere {
		t.Errorf("in the other pool ann was %s and is %s", elsewhere, got)
	}
}

// rolesOf are the default roles of a pool; nil if they were never set.
func (s *site) rolesOf(t *testing.T, pool string) map[string]string {
	t.Helper()
	out, err := s.cognito.GetIdentityPoolRoles(t.Context(), &ci.GetIdentityPoolRolesInput{IdentityPoolId: &pool})
	if err != nil {
		t.Fatal(err)
	}
	if aws.ToString(out.IdentityPoolId) != pool {
		t.Errorf("the roles of %s come as those of %v", pool, out.IdentityPoolId)
	}
	return out.Roles
}

func (s *site) bare(t *testing.T) string {
	t.Helper()
	out, err := s.cognito.CreateIdentityPool(t.Context(), &ci.CreateIdentityPoolInput{IdentityPoolName: aws.String("bare")})
	if err != nil {
		t.Fatal(err)
	}
	return *out.IdentityPoolId
}

func getIdentityPoolRoles(t *testing.T, s *site) {
	ctx := t.Context()
	pool := s.bare(t)
	if got := s.rolesOf(t, pool); got != nil {
		t.Errorf("roles that were never set: %v, want none at all", got)
	}
	want := map[string]string{"authenticated": s.role("a/path/people"), "unauthenticated": s.role("guests")}
	for _, roles := range []map[string]string{want, {}} {
		if _, err := s.cognito.SetIdentityPoolRoles(ctx, &ci.SetIdentityPoolRolesInput{IdentityPoolId: &pool, Roles: roles}); err != nil {
			t.Fatal(err)
		}
		if got := s.rolesOf(t, pool); got == nil || !maps.Equal(got, roles) {
			t.Errorf("got roles %v, want %v", got, roles)
		}
	}
	_, err := s.cognito.GetIdentityPoolRoles(ctx, &ci.GetIdentityPoolRolesInput{IdentityPoolId: aws.String(nowhere)})
	refused[*types.ResourceNotFoundException](t, err, poolMissing(nowhere))
	_, err = s.cognito.GetIdentityPoolRoles(ctx, &ci.GetIdentityPoolRolesInput{}, unchecked)
	invalid(t, err, "Value null at 'identityPoolId' failed to satisfy constraint: Member must not be null")
}

func setIdentityPoolRoles(t *testing.T, s *site) {
	t.Run("role mappings", s.roleMappings)
	ctx := t.Context()
	pool := s.bare(t)
	set := func(id string, roles map[string]string) error {
		_, err := s.cognito.SetIdentityPoolRoles(ctx, &ci.SetIdentityPoolRolesInput{IdentityPoolId: &id, Roles: roles})
		return err
	}
	both := map[string]string{"authenticated": s.role("people"), "unauthenticated": s.role("guests")}
	one := map[string]string{"authenticated": s.role("others")}
	for _, roles := range []map[string]string{both, one, {}, one, both} { // what is not named is gone
		if err := set(pool, roles); err != nil {
			t.Fatal(err)
		}
		if got := s.rolesOf(t, pool); !maps.Equal(got, roles) {
			t.Errorf("got roles %v, want %v", got, roles)
		}
	}
	for _, arn := range []string{
		"arn:aws:iam::123456789012:role/people", "arn:aws:iam::" + s.account + ":user/people", "arn:aws:sts::" + s.account + ":assumed-role/people/x", letters(20),
	} {
		err := set(pool, map[string]string{"authenticated": arn, "unauthenticated": s.role("guests")})
		refused[*types.NotAuthorizedException](t, err, "Access to Role '"+arn+"' is forbidden.")
	}
	refused[*types.ResourceNotFoundException](t, set(nowhere, both), poolMissing(nowhere))
	unknown := map[string]string{"admin": s.role("people"), "authenticated": s.role("people")}
	invalid(t, set(pool, unknown), "Value '{admin="+s.role("people")+", authenticated="+s.role("people")+"}' at 'roles' failed to satisfy constraint: "+
		"Map keys must satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: (un)?authenticated]")
	invalid(t, set(pool, map[string]string{"authenticated": "short"}), "Value '{authenticated=short}' at 'roles' failed to satisfy constraint: "+
		"Map value must satisfy constraint: [Member must have length less than or equal to 2048, Member must have length greater than or equal to 20]")
	_, err := s.cognito.SetIdentityPoolRoles(ctx, &ci.SetIdentityPoolRolesInput{IdentityPoolId: &pool}, unchecked)
	invalid(t, err, "Value null at 'roles' failed to satisfy constraint: Member must not be null")
	if got := s.rolesOf(t, pool); !maps.Equal(got, both) {
		t.Errorf("refused calls changed the roles to %v", got)
	}
}

func (s *site) arn(pool string) *string {
	return aws.String("arn:aws:cognito-identity:us-east-1:" + s.account + ":identitypool/" + pool)
}

// tagsNow are the tags of a pool, by ARN.
func (s *site) tagsNow(t *testing.T, pool string) map[string]string {
	t.Helper()
	out, err := s.cognito.ListTagsForResource(t.Context(), &ci.ListTagsForResourceInput{ResourceArn: s.arn(pool)})
	if err != nil {
		t.Fatal(err)
	}
	if out.Tags == nil {
		t.Errorf("the pool has no map of tags at all")
	}
	return out.Tags
}

// badARN tries the ARNs that a tag operation refuses.
func (s *site) badARN(t *testing.T, op string, call func(arn *string) error) {
	t.Helper()
	pool := s.pool(t)
	// What is no ARN of a pool is a resource that nobody has permissions for.
	for _, arn := range []string{pool, s.role("people"), *s.arn("eu-west-1" + strings.TrimPrefix(pool, "us-east-1"))} {
		unmodelled(t, call(&arn), "AccessDeniedException",
			"User: arn:aws:iam::"+s.account+":root is not authorized to perform: cognito-identity:"+op+" on resource: "+arn)
	}
	missing := s.arn(nowhere)
	refused[*types.ResourceNotFoundException](t, call(missing), poolMissing(nowhere))
	foreign := strings.Replace(*s.arn(pool), s.account, "123456789012", 1)
	refused[*types.ResourceNotFoundException](t, call(&foreign), poolMissing(pool))
	invalid(t, call(aws.String("short")), "Value 'short' at 'resourceArn' failed to satisfy constraint: Member must have length greater than or equal to 20")
}

func listTagsForResource(t *testing.T, s *site) {
	pool := s.pool(t)
	if got := s.tagsNow(t, pool); len(got) != 0 {
		t.Errorf("a pool without tags has %v", got)
	}
	s.badARN(t, "ListTagsForResource", func(arn *string) error {
		_, err := s.cognito.ListTagsForResource(t.Context(), &ci.ListTagsForResourceInput{ResourceArn: arn})
		return err
	})
}

func tagResource(t *testing.T, s *site) {
	pool := s.pool(t, func(in *ci.CreateIdentityPoolInput) { in.IdentityPoolTags = map[string]string{"a": "1", "b": "2"} })
	tag := func(tags map[string]string) error {
		_, err := s.cognito.TagResource(t.Context(), &ci.TagResourceInput{ResourceArn: s.arn(pool), Tags: tags})
		return err
	}
	if err := tag(map[string]string{"b": "two", "B": "", "größe": "a/b:c_d.e+f-g@h =i"}); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"a": "1", "b": "two", "B": "", "größe": "a/b:c_d.e+f-g@h =i"}
	check := func() {
		t.Helper()
		if got := s.tagsNow(t, pool); !maps.Equal(got, want) {
			t.Errorf("got tags %v, want %v", got, want)
		}
		if got := s.describe(t, pool).IdentityPoolTags; !maps.Equal(got, want) {
			t.Errorf("the pool has tags %v, want %v", got, want)
		}
	}
	check()
	refused[*types.InvalidParameterException](t, tag(tagsOf(47)), "An identity pool can have at most 50 tags, not 51.")
	refused[*types.InvalidParameterException](t, tag(map[string]string{"aws:a": ""}), "Tag keys that begin with aws: are reserved.")
	refused[*types.InvalidParameterException](t, tag(map[string]string{"a?": ""}), "Tag keys and values can hold letters, digits, white space and _ . : / = + - @ only.")
	invalid(t, tag(map[string]string{"a": letters(257)}), "Value '{a="+letters(257)+"}' at 'tags' failed to satisfy constraint: "+
		"Map value must satisfy constraint: [Member must have length less than or equal to 256, Member must have length greater than or equal to 0]")
	check()
	if err := tag(tagsOf(46)); err != nil {
		t.Errorf("50 tags: %v", err)
	}
	s.badARN(t, "TagResource", func(arn *string) error {
		_, err := s.cognito.TagResource(t.Context(), &ci.TagResourceInput{ResourceArn: arn, Tags: map[string]string{"a": "b"}})
		return err
	})
}

func untagResource(t *testing.T, s *site) {
	pool := s.pool(t, func(in *ci.CreateIdentityPoolInput) {
		in.IdentityPoolTags = map[string]string{"a": "1", "b": "2", "A": "3"}
	})
	for _, test := range []struct {
		keys []string
		want map[string]string
	}{
		{[]string{}, map[string]string{"a": "1", "b": "2", "A": "3"}},
		{[]string{"a", "unknown", "a"}, map[string]string{"b": "2", "A": "3"}},
		{[]string{"b", "A"}, map[string]string{}},
	} {
		if _, err := s.cognito.UntagResource(t.Context(), &ci.UntagResourceInput{ResourceArn: s.arn(pool), TagKeys: test.keys}); err != nil {
			t.Fatal(err)
		}
		if got := s.tagsNow(t, pool); !maps.Equal(got, test.want) {
			t.Errorf("without %q: got tags %v, want %v", test.keys, got, test.want)
		}
	}
	_, err := s.cognito.UntagResource(t.Context(), &ci.UntagResourceInput{ResourceArn: s.arn(pool), TagKeys: []string{""}})
	invalid(t, err, "Value '[]' at 'tagKeys' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater than or equal to 1]")
	s.badARN(t, "UntagResource", func(arn *string) error {
		_, err := s.cognito.UntagResource(t.Context(), &ci.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"a"}})
		return err
	})
}

func listIdentityPools(t *testing.T, s *site) {
	ctx := t.Context()
	list := func(max int32, token *string) (*ci.ListIdentityPoolsOutput, error) {
		return s.cognito.ListIdentityPools(ctx, &ci.ListIdentityPoolsInput{MaxResults: &max, NextToken: token})
	}
	none, err := list(60, nil)
	if err != nil || none.IdentityPools == nil || len(none.IdentityPools) != 0 || none.NextToken != nil {
		t.Errorf("no pools: %+v %v, want an empty list", none, err)
	}
	var want []string
	for range 3 {
		want = append(want, s.bare(t))
	}
	page, err := list(3, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range page.IdentityPools {
		if aws.ToString(p.IdentityPoolName) != "bare" {
			t.Errorf("pool name %v", p.IdentityPoolName)
		}
		got = append(got, *p.IdentityPoolId)
	}
	if slices.Sort(got); !slices.Equal(got, slices.Sorted(slices.Values(want))) || page.NextToken != nil {
		t.Errorf("got %v and NextToken %v, want %v and none", got, page.NextToken, want)
	}
	_, err = list(0, nil)
	invalid(t, err, "Value '0' at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 1")
	_, err = list(61, nil)
	invalid(t, err, "Value '61' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 60")
	_, err = s.cognito.ListIdentityPools(ctx, &ci.ListIdentityPoolsInput{NextToken: aws.String("a b")}, unchecked)
	invalid(t, err, "Value null at 'maxResults' failed to satisfy constraint: Member must not be null",
		`Value 'a b' at 'nextToken' failed to satisfy constraint: Member must satisfy regular expression pattern: [\S]+`)
	_, err = list(60, aws.String("garbage"))
	refused[*types.InvalidParameterException](t, err, "The NextToken is not valid.")
}
