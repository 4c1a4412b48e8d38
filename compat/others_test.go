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
)

// estate is what an account has, and inputs that name it.
type estate struct {
	*site
	pool, person, provider string
	inputs                 map[string]any
}

func newEstate(t *testing.T, h *host) *estate {
	t.Helper()
	s := h.site(t)
	e := &estate{site: s, provider: s.two.arn}
	e.pool = s.pool(t, developers, func(in *ci.CreateIdentityPoolInput) { in.IdentityPoolTags = map[string]string{"kept": "1"} })
	e.person, _ = s.vouch(t, e.pool, both(developer("u1"), s.one.login("ann")))
	s.vouch(t, e.pool, developer("u2"))
	e.inputs = map[string]any{
		"IdentityPoolId": e.pool, "IdentityId": e.person, "IdentityIdsToDelete": []string{e.person},
		"ResourceArn": *s.arn(e.pool), "Tags": map[string]string{"stolen": "1"}, "TagKeys": []string{"kept"},
		"IdentityPoolName": "stolen", "Roles": map[string]string{}, "IdentityProviderName": s.one.arn, "MaxResults": 60,
		"DeveloperProviderName": shop, "DeveloperUserIdentifier": "u1", "SourceUserIdentifier": "u1", "DestinationUserIdentifier": "u2", "Logins": developer("u1"),
		"OpenIDConnectProviderArn": e.provider, "ClientID": "stolen", "ThumbprintList": thumbprints(3),
	}
	return e
}

// state is all of it, as text.
func (e *estate) state(t *testing.T) string {
	t.Helper()
	ctx := t.Context()
	roles, err1 := e.cognito.GetIdentityPoolRoles(ctx, &ci.GetIdentityPoolRolesInput{IdentityPoolId: &e.pool})
	tags, err2 := e.cognito.GetPrincipalTagAttributeMap(ctx, &ci.GetPrincipalTagAttributeMapInput{IdentityPoolId: &e.pool, IdentityProviderName: &e.one.arn})
	provider, err3 := e.iam.GetOpenIDConnectProvider(ctx, &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: &e.provider})
	text, err4 := json.Marshal([]any{e.describe(t, e.pool), roles, tags, provider, e.usersOf(t, e.pool, e.person), e.everybody(t, e.pool)})
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return string(text)
}

// TestOthersSeeNothing tries every operation that names something, on what
// belongs to another account or another region: it is as unknown as what does
// not exist, and nothing changes. The owner's same call works.
func TestOthersSeeNothing(t *testing.T) {
	t.Parallel()
	h := newHost(t, true)
	tried := 0
	for _, op := range slices.Sorted(maps.Keys(registered)) {
		named := ""
		for _, m := range registered[op].Shape {
			if slices.Contains([]string{"IdentityPoolId", "ResourceArn", "OpenIDConnectProviderArn"}, m.Name) || named == "" && strings.HasPrefix(m.Name, "IdentityId") {
				named = m.Name
			}
		}
		if named == "" || registered[op].Public {
			continue
		}
		tried++
		t.Run(strings.TrimPrefix(op, "cognito-identity:"), func(t *testing.T) {
			e := newEstate(t, h)
			before := e.state(t)
			callers := map[string]clients{"another account": h.site(t).clients}
			if !strings.HasPrefix(op, "iam:") { // which has no regions
				callers["another region"] = e.in("eu-west-1")
			}
			for who, c := range callers {
				t.Run(who, func(t *testing.T) { e.isUnknown(t, who, c, op, named) })
			}
			if after := e.state(t); after != before {
				t.Errorf("others changed\n%s to\n%s", before, after)
			}
			if _, err := e.byName(t, op, e.inputs); err != nil {
				t.Errorf("the owner: %v", err)
			}
		})
	}
	if tried < 20 {
		t.Errorf("only %d operations were tried", tried)
	}
}

// isUnknown holds that an operation finds nothing for somebody else.
func (e *estate) isUnknown(t *testing.T, who string, c clients, op, named string) {
	t.Helper()
	out, err := c.byName(t, op, e.inputs)
	switch {
	case op == "cognito-identity:DeleteIdentities": // which lists what it may not delete
		var want []types.UnprocessedIdentityId
		if who == "another account" {
			want = []types.UnprocessedIdentityId{{IdentityId: &e.person, ErrorCode: types.ErrorCodeAccessDenied}}
		}
		if got := fmt.Sprint(toJSON(t, out.(*ci.DeleteIdentitiesOutput).UnprocessedIdentityIds)); err != nil || len(want) > 0 && got != toJSON(t, want) || len(want) == 0 && got != "[]" {
			t.Errorf("left %s (%v), want %s", got, err, toJSON(t, want))
		}
	case op == "iam:DeleteOpenIDConnectProvider": // which takes the missing for deleted
		if err != nil {
			t.Error(err)
		}
	case named == "OpenIDConnectProviderArn":
		refused[*iamtypes.NoSuchEntityException](t, err, providerMissing(e.provider))
	case named == "IdentityId":
		refused[*types.ResourceNotFoundException](t, err, identityMissing(e.person))
	default:
		refused[*types.ResourceNotFoundException](t, err, poolMissing(e.pool))
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
	modes(t, func(t *testing.T, h *host) {
		s := h.site(t)
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
	})
}
