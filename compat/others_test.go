package compat

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"idpool/internal/wire"
)

// estate is what an account has, and inputs that name it.
type estate struct {
	*site
	pool, person, key, policy string
	inputs                    map[string]any
}

func newEstate(t *testing.T, h *host) *estate {
	t.Helper()
	s := h.site(t)
	e := &estate{site: s, policy: s.policy("p")}
	e.pool = s.pool(t, developers, func(in *ci.CreateIdentityPoolInput) { in.IdentityPoolTags = map[string]string{"kept": "1"} })
	e.person, _ = s.vouch(t, e.pool, both(developer("u1"), s.one.login("ann")))
	s.vouch(t, e.pool, developer("u2"))
	e.inputs = map[string]any{
		"IdentityPoolId": e.pool, "IdentityId": e.person, "IdentityIdsToDelete": []string{e.person},
		"ResourceArn": *s.arn(e.pool), "Tags": map[string]string{"stolen": "1"}, "TagKeys": []string{"kept"},
		"IdentityPoolName": "stolen", "Roles": map[string]string{}, "IdentityProviderName": s.one.arn, "MaxResults": 60,
		"DeveloperProviderName": shop, "DeveloperUserIdentifier": "u1", "SourceUserIdentifier": "u1", "DestinationUserIdentifier": "u2", "Logins": developer("u1"),

		"OpenIDConnectProviderArn": s.two.arn, "ClientID": "stolen", "ThumbprintList": thumbprints(3), "SAMLProviderArn": s.makeSAML(t),
		"RoleName": "worker", "UserName": "clerk", "PolicyName": "p", "PolicyArn": e.policy, "VersionId": "v1",
		"PolicyDocument": denyAll, "AssumeRolePolicyDocument": trusting(e.pool), "Description": "stolen", "MaxSessionDuration": 7200, "NewUserName": "stolen", "Status": "Inactive",
	}
	for _, op := range []string{"CreatePolicy", "CreateRole", "PutRolePolicy", "AttachRolePolicy", "CreateUser", "PutUserPolicy", "AttachUserPolicy"} {
		s.do(t, op, e.inputs)
	}
	e.key = *s.do(t, "CreateAccessKey", e.inputs).FieldByName("AccessKey").Interface().(*iamtypes.AccessKey).AccessKeyId
	e.inputs["AccessKeyId"] = e.key
	e.inputs["PolicyDocument"] = allowing("*")
	return e
}

// state is all of it, as text.
func (e *estate) state(t *testing.T) string {
	t.Helper()
	all := []any{e.everybody(t, e.pool)}
	for _, op := range []string{
		"cognito-identity:DescribeIdentityPool", "cognito-identity:GetIdentityPoolRoles", "cognito-identity:GetPrincipalTagAttributeMap", "cognito-identity:LookupDeveloperIdentity",
		"iam:GetOpenIDConnectProvider", "iam:GetSAMLProvider", "iam:GetPolicy", "iam:ListPolicyVersions", "iam:ListAccessKeys",
		"iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:GetUser", "iam:GetUserPolicy", "iam:ListAttachedUserPolicies",
	} {
		out, err := e.byName(t, op, e.inputs)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, out)
	}
	return toJSON(t, all)
}

// name is a member that names something, and how what it names is missed.
type name struct {
	member  string
	missing func(t *testing.T, err error)
}

// TestOthersSeeNothing tries every operation that names something, on what
// belongs to another account or another region: it is as unknown as what does
// not exist, and nothing changes.
func TestOthersSeeNothing(t *testing.T) {
	t.Parallel()
	h := newHost(t, true)
	e := newEstate(t, h)
	before := e.state(t)
	another, abroad := h.site(t).clients, e.in("eu-west-1")
	// What an input names, the first of these, and how it is missed.
	names := []name{
		{"IdentityPoolId", e.misses(poolMissing(e.pool))}, {"ResourceArn", e.misses(poolMissing(e.pool))}, {"IdentityId", e.misses(identityMissing(e.person))}, {"IdentityIdsToDelete", nil},
		{"OpenIDConnectProviderArn", e.lacks(providerMissing(e.two.arn))}, {"SAMLProviderArn", e.lacks(fmt.Sprintf("SAMLProvider %s not found", e.inputs["SAMLProviderArn"]))},
		{"RoleName", e.lacks(roleMissing("worker"))}, {"UserName", e.lacks(userOfIAMMissing("clerk"))}, {"PolicyArn", e.lacks(policyMissing(e.policy))}, {"AccessKeyId", e.lacks(keyMissing(e.key))},
	}
	tried := 0
	for _, op := range slices.Sorted(maps.Keys(registered)) {
		at := slices.IndexFunc(names, func(n name) bool {
			return slices.ContainsFunc(registered[op].Shape, func(m wire.Member) bool { return m.Name == n.member })
		})
		switch {
		case at < 0 || registered[op].Public:
			continue
		case op == "iam:CreateRole" || op == "iam:CreateUser" || strings.HasPrefix(op, "sts:"): // these name what is to be, or what everybody may know
			continue
		}
		tried++
		check := func(c clients, who string) {
			t.Run(strings.TrimPrefix(op, "cognito-identity:")+"/"+who, func(t *testing.T) {
				inputs := maps.Clone(e.inputs)
				if op == "iam:UpdateAssumeRolePolicy" { // its document is of another kind
					inputs["PolicyDocument"] = inputs["AssumeRolePolicyDocument"]
				}
				out, err := c.byName(t, op, inputs)
				switch {
				case names[at].missing == nil:
					e.leaves(t, who, out, err)
				case op == "iam:DeleteOpenIDConnectProvider": // which takes the missing for deleted
					if err != nil {
						t.Error(err)
					}
				default:
					names[at].missing(t, err)
				}
			})
		}
		check(another, "another account")
		if !strings.HasPrefix(op, "iam:") { // which has no regions
			check(abroad, "another region")
		}
	}
	if after := e.state(t); after != before {
		t.Errorf("others changed\n%s to\n%s", before, after)
	}
	if tried < 20 {
		t.Errorf("only %d operations were tried", tried)
	}
}

func (e *estate) misses(text string) func(*testing.T, error) {
	return func(t *testing.T, err error) { t.Helper(); refused[*types.ResourceNotFoundException](t, err, text) }
}

func (e *estate) lacks(text string) func(*testing.T, error) {
	return func(t *testing.T, err error) { t.Helper(); refused[*iamtypes.NoSuchEntityException](t, err, text) }
}

// leaves holds that DeleteIdentities lists what it may not delete. What is in
// another region is unknown to it, and not listed.
func (e *estate) leaves(t *testing.T, who string, out any, err error) {
	t.Helper()
	want := []types.UnprocessedIdentityId{}
	if who == "another account" {
		want = append(want, types.UnprocessedIdentityId{IdentityId: &e.person, ErrorCode: types.ErrorCodeAccessDenied})
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := toJSON(t, out.(*ci.DeleteIdentitiesOutput).UnprocessedIdentityIds); got != toJSON(t, want) {
		t.Errorf("left %s, want %s", got, toJSON(t, want))
	}
}

func toJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestListsAreOnesOwn holds that the listings, which name nothing, show what
// belongs to the caller's account and region.
func TestListsAreOnesOwn(t *testing.T) {
	modes(t, func(t *testing.T, h *host) {
		s, other := h.site(t), h.site(t)
		here := s.bare(t)
		abroad, err := s.in("eu-west-1").cognito.CreateIdentityPool(t.Context(), &ci.CreateIdentityPoolInput{IdentityPoolName: aws.String("abroad")})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(*abroad.IdentityPoolId, "eu-west-1:") {
			t.Errorf("a pool of eu-west-1 is %s", *abroad.IdentityPoolId)
		}
		for _, test := range []struct {
			c    clients
			want []string
		}{
			{s.clients, []string{here}}, {s.in("eu-west-1"), []string{*abroad.IdentityPoolId}}, {s.in("ap-southeast-2"), nil}, {other.clients, nil}, {other.in("eu-west-1"), nil},
		} {
			out, err := test.c.cognito.ListIdentityPools(t.Context(), &ci.ListIdentityPoolsInput{MaxResults: aws.Int32(60)})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range out.IdentityPools {
				got = append(got, *p.IdentityPoolId)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("listed %q, want %q", got, test.want)
			}
		}
		providers, err := other.iam.ListOpenIDConnectProviders(t.Context(), &iam.ListOpenIDConnectProvidersInput{})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range providers.OpenIDConnectProviderList {
			if !strings.Contains(*p.Arn, other.account) {
				t.Errorf("listed %s", *p.Arn)
			}
		}
		// The public operations find the pool's region in its ID: their callers
		// need not know it.
		id, err := s.in("eu-west-1").cognito.GetId(t.Context(), &ci.GetIdInput{IdentityPoolId: aws.String(s.pool(t))})
		if err != nil || !strings.HasPrefix(*id.IdentityId, "us-east-1:") {
			t.Errorf("GetId from another region: %v %v", id, err)
		}
	})
}

// TestFirstSignInsAtOnce holds that somebody new who comes many times at once
// is one person, whichever call comes first.
func TestFirstSignInsAtOnce(t *testing.T) {
	t.Parallel()
	s := newHost(t, true).site(t)
	pool := s.pool(t)
	for round := range 4 {
		logins := both(s.one.login(fmt.Sprint("ann", round)), s.two.login(fmt.Sprint("anna", round)))
		guests := []string{s.id(t, pool, nil), s.id(t, pool, nil)}
		ids := make([]string, 24)
		var all sync.WaitGroup
		for i := range ids {
			all.Go(func() {
				var id *string
				var err error
				if i%4 == 0 { // a guest who logs in
					var out *ci.GetCredentialsForIdentityOutput
					if out, err = s.cognito.GetCredentialsForIdentity(t.Context(), &ci.GetCredentialsForIdentityInput{IdentityId: &guests[i/4%2], Logins: logins}); err == nil {
						id = out.IdentityId
					}
				} else {
					var out *ci.GetIdOutput
					if out, err = s.cognito.GetId(t.Context(), &ci.GetIdInput{IdentityPoolId: &pool, Logins: logins}); err == nil {
						id = out.IdentityId
					}
				}
				// A guest who was merged away meanwhile is told so.
				if err != nil && i%4 == 0 && strings.Contains(err.Error(), forbidden(guests[i/4%2])) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				ids[i] = *id
			})
		}
		all.Wait()
		now := s.id(t, pool, logins)
		s.wantLogins(t, now, s.one.name, s.two.name)
		alive := 0
		for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
			if id != "" && len(s.loginsOf(t, id)) > 0 {
				alive++
			}
		}
		if alive != 1 {
			t.Errorf("round %d: %d identities of one person: %q", round, alive, ids)
		}
	}
}
