package compat

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

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
		"Name": "Corp", "SAMLMetadataDocument": metadataOf(t, "keycloak.xml"), "Url": "https://stolen.example.com",
		"RoleName": "worker", "UserName": "clerk", "PolicyName": "p", "PolicyArn": e.policy, "VersionId": "v2",
		"PolicyDocument": denyAll, "AssumeRolePolicyDocument": trusting(e.pool), "Description": "stolen", "MaxSessionDuration": 7200, "NewUserName": "stolen", "Status": "Inactive",
	}
	e.does(t, "CreatePolicy CreatePolicyVersion CreateRole PutRolePolicy AttachRolePolicy CreateUser PutUserPolicy AttachUserPolicy")
	e.key = *s.do(t, "CreateAccessKey", e.inputs).FieldByName("AccessKey").Interface().(*iamtypes.AccessKey).AccessKeyId
	e.inputs["AccessKeyId"] = e.key
	e.inputs["PolicyDocument"] = allowing("*")
	return e
}

// does has the owner call operations of IAM, separated by white space.
func (e *estate) does(t *testing.T, ops string) {
	t.Helper()
	for op := range strings.FieldsSeq(ops) {
		e.do(t, op, e.inputs)
	}
}

// asked calls an operation with what names this estate, as whoever it may be.
func (e *estate) asked(t *testing.T, c clients, op string) (any, error) {
	t.Helper()
	inputs := e.inputs
	if op == "iam:UpdateAssumeRolePolicy" { // its document is of another kind
		inputs = maps.Clone(inputs)
		inputs["PolicyDocument"] = inputs["AssumeRolePolicyDocument"]
	}
	return c.byName(t, op, inputs)
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

// elsewhere are the operations of which TestOthersSeeNothing has nothing to try,
// and why. Public ones ask nobody for an account.
var elsewhere = map[string]string{
	"iam:CreateOpenIDConnectProvider": "every account of these tests makes the same",
	"iam:ListVirtualMFADevices":       "there are none",
	"sts:AssumeRole":                  "TestOthersSessions",
	"sts:GetAccessKeyInfo":            "everybody may know whose a key is",
	"sts:GetCallerIdentity":           "it tells of nobody but the caller",
	"sts:GetSessionToken":             "it tells of nobody but the caller",
}

// makers are the operations that make something by its name, or without one.
var makers = []string{"cognito-identity:CreateIdentityPool", "iam:CreatePolicy", "iam:CreateRole", "iam:CreateSAMLProvider", "iam:CreateUser"}

// first are the operations with which the owner makes room for another.
var first = map[string]string{
	"iam:DeletePolicy": "DetachRolePolicy DetachUserPolicy DeletePolicyVersion",
	"iam:DeleteRole":   "DetachRolePolicy DeleteRolePolicy",
	"iam:DeleteUser":   "DetachUserPolicy DeleteUserPolicy DeleteAccessKey",
}

// reading are the operations that change nothing.
var reading = regexp.MustCompile(`:(Describe|Get|List|Lookup)`)

// TestOthersSeeNothing tries every operation that needs a signature on what
// belongs to another account or another region. What it names is as unknown as
// what does not exist, what it lists is not there, and what it makes may have the
// same name. Nothing changes. Then the owner's same call works: it was for the
// account that the others were refused.
func TestOthersSeeNothing(t *testing.T) {
	t.Parallel()
	h := newHost(t, true)
	e := newEstate(t, h)
	before := e.state(t)
	another, abroad := h.site(t).clients, e.in("eu-west-1")
	var tried []string
	for _, op := range slices.Sorted(maps.Keys(registered)) {
		if !registered[op].Public && elsewhere[op] == "" {
			tried = append(tried, op)
		}
	}
	for _, op := range tried {
		caller := another
		if slices.Contains(makers, op) {
			caller = h.site(t).clients // the names stay unknown to another
		}
		t.Run(op+"/another account", func(t *testing.T) { e.isOutOfReach(t, caller, op, true) })
		if !strings.HasPrefix(op, "iam:") { // which has no regions
			t.Run(op+"/another region", func(t *testing.T) { e.isOutOfReach(t, abroad, op, false) })
		}
	}
	if after := e.state(t); after != before {
		t.Errorf("others changed\n%s to\n%s", before, after)
	}
	for _, op := range tried {
		if neverDone[op] != "" || slices.Contains(makers, op) {
			continue
		}
		t.Run(op+"/the owner", func(t *testing.T) {
			mine := e
			if !reading.MatchString(op) {
				mine = newEstate(t, h)
				mine.does(t, first[op])
			}
			out, err := mine.asked(t, mine.clients, op)
			if err != nil {
				t.Fatal(err)
			}
			if mine.named(op) == nil && !mine.isIn(t, out) {
				t.Errorf("lists %s", toJSON(t, out))
			}
			if left, ok := out.(*ci.DeleteIdentitiesOutput); ok && len(left.UnprocessedIdentityIds) > 0 {
				t.Errorf("left %s", toJSON(t, left))
			}
		})
	}
	for op := range elsewhere {
		if _, ok := registered[op]; !ok {
			t.Errorf("%s is not an operation of the server", op)
		}
	}
}

// isOutOfReach holds that a call of an operation with what names this estate
// finds nothing of it, whether the caller is of another account or calls from
// another region.
func (e *estate) isOutOfReach(t *testing.T, c clients, op string, foreign bool) {
	out, err := e.asked(t, c, op)
	missed := e.named(op)
	switch {
	case op == "cognito-identity:DeleteIdentities":
		e.leaves(t, out, err, foreign)
	case slices.Contains(makers, op), op == "iam:DeleteOpenIDConnectProvider": // which takes the missing for deleted
		if err != nil {
			t.Error(err)
		}
	case missed != nil:
		missed(t, err)
	case err != nil || e.isIn(t, out):
		t.Errorf("lists %s (%v)", toJSON(t, out), err)
	}
}

// named says how what the operation's input names, of the estate, is missed; nil
// if it names nothing.
func (e *estate) named(op string) (missed func(t *testing.T, err error)) {
	cognito := func(text string) func(*testing.T, error) {
		return func(t *testing.T, err error) { t.Helper(); refused[*types.ResourceNotFoundException](t, err, text) }
	}
	ofIAM := func(text string) func(*testing.T, error) {
		return func(t *testing.T, err error) { t.Helper(); refused[*iamtypes.NoSuchEntityException](t, err, text) }
	}
	for _, n := range []struct {
		member string // the first of these counts
		missed func(t *testing.T, err error)
	}{
		{"IdentityPoolId", cognito(poolMissing(e.pool))}, {"ResourceArn", cognito(poolMissing(e.pool))},
		{"IdentityId", cognito(identityMissing(e.person))}, {"IdentityIdsToDelete", cognito(identityMissing(e.person))},
		{"OpenIDConnectProviderArn", ofIAM(providerMissing(e.two.arn))}, {"SAMLProviderArn", ofIAM(fmt.Sprintf("SAMLProvider %s not found", e.inputs["SAMLProviderArn"]))},
		{"RoleName", ofIAM(roleMissing("worker"))}, {"UserName", ofIAM(userOfIAMMissing("clerk"))}, {"PolicyArn", ofIAM(policyMissing(e.policy))}, {"AccessKeyId", ofIAM(keyMissing(e.key))},
	} {
		if slices.ContainsFunc(registered[op].Shape, func(m wire.Member) bool { return m.Name == n.member }) {
			return n.missed
		}
	}
	return nil
}

// isIn reports whether an answer shows anything of the account.
func (e *estate) isIn(t *testing.T, answer any) bool {
	t.Helper()
	text := toJSON(t, answer)
	return strings.Contains(text, e.account) || strings.Contains(text, e.pool)
}

// leaves holds that DeleteIdentities lists what it may not delete. What is in
// another region is unknown to it, and not listed.
func (e *estate) leaves(t *testing.T, out any, err error, foreign bool) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	want := []types.UnprocessedIdentityId{}
	if foreign {
		want = append(want, types.UnprocessedIdentityId{IdentityId: &e.person, ErrorCode: types.ErrorCodeAccessDenied})
	}
	if got := toJSON(t, out.(*ci.DeleteIdentitiesOutput).UnprocessedIdentityIds); got != toJSON(t, want) {
		t.Errorf("left %s, want %s", got, toJSON(t, want))
	}
}

// endless are the operations whose lists have no second page here, and why.
var endless = map[string]string{
	"iam:ListGroupsForUser":              "there are none",
	"iam:ListInstanceProfilesForRole":    "there are none",
	"iam:ListMFADevices":                 "there are none",
	"iam:ListSSHPublicKeys":              "there are none",
	"iam:ListServiceSpecificCredentials": "there are none",
	"iam:ListSigningCertificates":        "there are none",
	"iam:ListVirtualMFADevices":          "there are none",
}

// TestOthersPages holds for every list that a paging token works for the account
// that it was made for and for no other, which has the same things by the same
// names.
func TestOthersPages(t *testing.T) {
	t.Parallel()
	h := newHost(t, true)
	mine, theirs := newEstate(t, h), newEstate(t, h)
	for _, e := range []*estate{mine, theirs} {
		e.doubles(t)
	}
	for _, op := range slices.Sorted(maps.Keys(registered)) {
		at := slices.IndexFunc(registered[op].Shape, func(m wire.Member) bool { return m.Name == "Marker" || m.Name == "NextToken" })
		if at < 0 {
			continue
		}
		t.Run(op, func(t *testing.T) {
			token := registered[op].Shape[at].Name
			page := func(e *estate, given any) (next *string, err error) {
				inputs := maps.Clone(e.inputs)
				inputs["MaxItems"], inputs["MaxResults"], inputs["Scope"], inputs[token] = 1, 1, "Local", given
				delete(inputs, "DeveloperUserIdentifier") // of all that are the identity's
				out, err := e.byName(t, op, inputs)
				if err != nil {
					return nil, err
				}
				return reflect.ValueOf(out).Elem().FieldByName(token).Interface().(*string), nil
			}
			next, err := page(mine, nil)
			if err != nil {
				t.Fatal(err)
			}
			if (next == nil) != (endless[op] != "") {
				t.Fatalf("a page of one is followed by another: %t", next != nil)
			}
			if next == nil {
				return
			}
			if _, err := page(theirs, *next); err == nil || !strings.Contains(err.Error(), "The "+token+" is not valid.") {
				t.Errorf("another account's: %v", err)
			}
			if _, err := page(mine, *next); err != nil {
				t.Error(err)
			}
		})
	}
}

// doubles makes a second one of everything that is listed.
func (e *estate) doubles(t *testing.T) {
	t.Helper()
	more := maps.Clone(e.inputs)
	does := func(ops string) {
		t.Helper()
		for op := range strings.FieldsSeq(ops) {
			e.do(t, op, more)
		}
	}
	more["RoleName"], more["UserName"], more["PolicyName"] = "worker2", "clerk2", "p2"
	does("CreateRole CreateUser CreatePolicy")
	more["RoleName"], more["UserName"], more["PolicyArn"] = "worker", "clerk", e.site.policy("p2")
	does("PutRolePolicy AttachRolePolicy PutUserPolicy AttachUserPolicy CreateAccessKey")
	more["PolicyArn"], more["Tags"] = e.policy, []iamtypes.Tag{{Key: aws.String("a"), Value: aws.String("1")}, {Key: aws.String("b"), Value: aws.String("2")}}
	does("TagRole TagUser TagPolicy TagOpenIDConnectProvider TagSAMLProvider")
	e.site.pool(t)
	_, err := e.cognito.GetOpenIdTokenForDeveloperIdentity(t.Context(), &ci.GetOpenIdTokenForDeveloperIdentityInput{IdentityPoolId: &e.pool, IdentityId: &e.person,
		Logins: both(developer("u3"), e.one.login("ann"))})
	if err != nil {
		t.Fatal(err)
	}
}

// TestOthersSessions holds that nobody becomes the role of another account that
// does not trust them, neither with a key nor with a token; the owner's own do.
func TestOthersSessions(t *testing.T) {
	t.Parallel()
	h := newHost(t, true)
	mine, theirs := newEstate(t, h), newEstate(t, h)
	mine.do(t, "CreateRole", map[string]any{"RoleName": "own", "AssumeRolePolicyDocument": `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + mine.account + `"},"Action":"sts:AssumeRole"}}`})
	role := mine.role("own")
	asks := func(e *estate) error {
		e.do(t, "CreateUser", map[string]any{"UserName": "asks"})
		e.do(t, "PutUserPolicy", map[string]any{"UserName": "asks", "PolicyName": "all", "PolicyDocument": allowing("*")})
		k := e.do(t, "CreateAccessKey", map[string]any{"UserName": "asks"}).FieldByName("AccessKey").Interface().(*iamtypes.AccessKey)
		asker := h.clients(region, credentials.NewStaticCredentialsProvider(*k.AccessKeyId, *k.SecretAccessKey, ""), e.calls)
		_, err := asker.sts.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("app")})
		return err
	}
	unmodelled(t, asks(theirs), "AccessDenied", "User: arn:aws:iam::"+theirs.account+":user/asks is not authorized to perform: sts:AssumeRole on resource: "+role)
	if err := asks(mine); err != nil {
		t.Error(err)
	}

	_, err := theirs.sts.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("app")})
	unmodelled(t, err, "AccessDenied", "Roles may not be assumed by root accounts.")

	// The role trusts a pool: a token of another account's pool says nothing of it.
	worker := mine.role("worker")
	bring := func(e *estate) error {
		_, token := e.vouch(t, e.pool, developer("u1"))
		_, err := e.sts.AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{RoleArn: &worker, RoleSessionName: aws.String("app"), WebIdentityToken: &token})
		return err
	}
	unmodelled(t, bring(theirs), "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
	if err := bring(mine); err != nil {
		t.Error(err)
	}

	// Such a token as login is good for its own identity only.
	enter := func(e *estate) error {
		_, token := e.vouch(t, e.pool, developer("u1"))
		_, err := e.cognito.GetCredentialsForIdentity(t.Context(), &ci.GetCredentialsForIdentityInput{IdentityId: &mine.person, Logins: map[string]string{"cognito-identity.amazonaws.com": token}})
		return err
	}
	refused[*types.NotAuthorizedException](t, enter(theirs), "Logins don't match. Please include at least one valid login for this identity or identity pool.")
	if err := enter(mine); err != nil {
		t.Error(err)
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
