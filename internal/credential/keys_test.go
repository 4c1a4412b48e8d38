package credential

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"idpool/internal/idpool"
	"idpool/internal/policy"
)

// TestConditionKeys is what conditions can ask about a request of a user, of a
// session of a role, and of a session of a user.
func TestConditionKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.role(t, func(r *idpool.Role) {
		r.Tags = map[string]string{"team": "green", "cost": "low"}
		r.Trust = strings.Replace(trustPool, `"sts:TagSession"`, `"sts:TagSession","sts:SetSourceIdentity"`, 1)
	})
	w.put(t, func(ctx context.Context, wr idpool.Writer) error {
		return wr.PutUser(ctx, idpool.User{Account: account, Name: "ann", Path: "/staff/", ID: "AIDAANN", Tags: map[string]string{"team": "blue"}, Created: testNow})
	})
	user, err := w.userCaller(t.Context(), account, "ann", "eu-west-1", "AKIAANN")
	if err != nil {
		t.Fatal(err)
	}
	wish := ByOpenID(appRole, "web", person(map[string]string{"team": "red"}, "authenticated"), time.Hour)
	wish.SourceIdentity = "ann@example.com"
	s, _, err := w.Assume(t.Context(), wish)
	if err != nil {
		t.Fatal(err)
	}
	session, err := w.sessionCaller(t.Context(), s, "eu-west-1")
	if err != nil {
		t.Fatal(err)
	}
	own := user
	own.Session = &Session{Account: account, User: "ann", OwnerID: "AIDAANN", Issued: testNow, Expires: testNow.Add(time.Hour)}
	assumed := s
	assumed.Provider, assumed.SourceIdentity, assumed.Keys, assumed.Tags = "", "", nil, nil
	bare := session
	bare.Session = &assumed

	always := map[string]string{
		"aws:CurrentTime": "2015-08-30T12:36:00Z", "aws:EpochTime": "1440938160", "aws:SecureTransport": "true", "aws:SourceIp": "192.0.2.1",
		"aws:PrincipalAccount": account, "aws:RequestedRegion": "eu-west-1", "aws:PrincipalIsAWSService": "false", "aws:ViaAWSService": "false",
	}
	asUser := map[string]string{
		"aws:userid": "AIDAANN", "aws:username": "ann", "aws:PrincipalType": "User", "aws:PrincipalArn": "arn:aws:iam::111122223333:user/staff/ann", "aws:PrincipalTag/team": "blue",
	}
	asRole := map[string]string{
		"aws:userid": "AROAAPPAPPAPPAPPAPPAP:web", "aws:PrincipalType": "AssumedRole", "aws:PrincipalArn": appRole,
		"aws:PrincipalTag/cost": "low", "aws:PrincipalTag/team": "green",
	}
	temporary := map[string]string{"aws:TokenIssueTime": testNow.UTC().Format(time.RFC3339), "aws:MultiFactorAuthPresent": "false"}
	vouched := map[string]string{
		"aws:PrincipalTag/team": "red", "aws:FederatedProvider": "cognito-identity.amazonaws.com", "aws:SourceIdentity": "ann@example.com",
		"cognito-identity.amazonaws.com:sub": string(person(nil).Identity), "cognito-identity.amazonaws.com:aud": pool, "cognito-identity.amazonaws.com:amr": "authenticated",
	}
	for name, c := range map[string]struct {
		caller idpool.Caller
		want   []map[string]string // the last that has a key counts
	}{
		"user":                {user, []map[string]string{always, asUser}},
		"session of a user":   {own, []map[string]string{always, asUser, temporary}},
		"session of a role":   {bare, []map[string]string{always, asRole, temporary}},
		"session of a person": {session, []map[string]string{always, asRole, temporary, vouched}},
	} {
		want := map[string]string{}
		for _, keys := range c.want {
			for key, value := range keys {
				want[key] = value
			}
		}
		r := Request{Caller: c.caller, SourceIP: "192.0.2.1", Secure: true}
		p, _, err := w.grantsOf(t.Context(), c.caller)
		if err != nil {
			t.Fatal(err)
		}
		w.global(&r.Context, r.SourceIP, r.Secure)
		describe(&r.Context, c.caller, p)
		for _, keys := range []map[string]string{always, asUser, asRole, temporary, vouched} {
			for key := range keys {
				got, ok := r.Context.Get(key)
				if value, wanted := want[key]; ok != wanted || ok && !slices.Equal(got, []string{value}) {
					t.Errorf("%s: %s is %q, want %q", name, key, got, value)
				}
			}
		}
	}
	var r Request // of somebody without an address, in clear
	w.global(&r.Context, r.SourceIP, r.Secure)
	if _, ok := r.Context.Get("aws:SourceIp"); ok {
		t.Error("nobody has an address")
	}
	if secure, _ := r.Context.Get("aws:SecureTransport"); !slices.Equal(secure, []string{"false"}) {
		t.Errorf("aws:SecureTransport is %q", secure)
	}
}

// TestTagKeys is what conditions can ask about the tags of a request and of its
// resource.
func TestTagKeys(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		set     map[string]string
		removed []string
		want    []string // aws:TagKeys; nil: it is absent
	}{
		"none":    {nil, nil, nil},
		"set":     {map[string]string{"team": "red", "cost": "low"}, nil, []string{"cost", "team"}},
		"one":     {map[string]string{"team": "red"}, nil, []string{"team"}},
		"removed": {nil, []string{"team"}, []string{"team"}},
		"both":    {map[string]string{"team": "red"}, []string{"cost"}, []string{"team", "cost"}},
	} {
		var r Request
		r.RequestTags(c.set, c.removed...)
		r.ResourceTags(map[string]string{"owner": "ann"})
		if got, ok := r.Context.Get("aws:TagKeys"); ok != (c.want != nil) || !slices.Equal(got, c.want) {
			t.Errorf("%s: aws:TagKeys is %q, want %q", name, got, c.want)
		}
		team, ok := r.Context.Get("aws:RequestTag/team")
		if value, wanted := c.set["team"]; ok != wanted || ok && !slices.Equal(team, []string{value}) {
			t.Errorf("%s: aws:RequestTag/team is %q", name, team)
		}
		if owner, _ := r.Context.Get("aws:ResourceTag/owner"); !slices.Equal(owner, []string{"ann"}) {
			t.Errorf("%s: aws:ResourceTag/owner is %q", name, owner)
		}
	}
}

// TestNobodyIsDeniedForAFault holds that a store which cannot be read is our
// fault, and nobody's lack of permission. A role that is gone has none.
func TestNobodyIsDeniedForAFault(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.role(t, nil)
	s, _, err := w.Assume(t.Context(), ByOpenID(appRole, "web", person(nil, "authenticated"), time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	caller, err := w.sessionCaller(t.Context(), s, "us-east-1")
	if err != nil {
		t.Fatal(err)
	}
	w.PrincipalsChanged(account)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Authorize(gone, Request{Caller: caller, Action: "iam:ListRoles", Resource: "*"}); err == nil || idpool.KindOf(err) != idpool.Internal {
		t.Errorf("got %v, want a fault of ours", err)
	}
	w.put(t, func(ctx context.Context, wr idpool.Writer) error { return wr.DeleteRole(ctx, account, "app") })
	err = w.Authorize(t.Context(), Request{Caller: caller, Action: "iam:ListRoles", Resource: "*"})
	if want := "User: " + caller.ARN + " is not authorized to perform: iam:ListRoles on resource: *"; err == nil || err.(*idpool.Error).Msg != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestRolesByNameMayDoEverything holds that only a role which does not exist may
// do everything, and only where roles are taken by their names.
func TestRolesByNameMayDoEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config) { c.RolesByName = true })
	w.role(t, nil) // without permissions
	for role, may := range map[string]bool{appRole: false, "arn:aws:iam::111122223333:role/nosuch": true} {
		s, _, err := w.Assume(t.Context(), ByOpenID(role, "web", person(nil, "authenticated"), time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		caller, err := w.sessionCaller(t.Context(), s, "us-east-1")
		if err != nil {
			t.Fatal(err)
		}
		asked := Request{Caller: caller, Action: "iam:ListRoles", Resource: "*"}
		if err := w.Authorize(t.Context(), asked); may != (err == nil) {
			t.Errorf("%s: %v", role, err)
		}
		strict := NewBroker(w.Config)
		strict.RolesByName = false
		if err := strict.Authorize(t.Context(), asked); idpool.KindOf(err) != idpool.AccessDenied {
			t.Errorf("%s on a strict server: %v", role, err)
		}
	}
}

// TestNamedByAPolicyOfTheResource holds that whom a policy of the resource names
// needs no policy of their own, and is limited by a deny and by session policies
// all the same.
func TestNamedByAPolicyOfTheResource(t *testing.T) {
	t.Parallel()
	const action = "sts:AssumeRole"
	for name, c := range map[string]struct {
		own, session string // policies; empty: none
		tail         string // of the refusal; empty: allowed
	}{
		"nothing else":                  {"", "", ""},
		"own policy denies":             {document("Deny", action, "*", ""), "", " with an explicit deny"},
		"session policy allows":         {"", document("Allow", action, "*", ""), ""},
		"session policy does not allow": {"", document("Allow", "iam:*", "*", ""), " because no session policy allows the " + action + " action"},
		"session policy denies":         {"", document("Deny", action, "*", ""), " with an explicit deny"},
	} {
		w := newWorld(t, nil)
		w.role(t, func(r *idpool.Role) {
			if c.own != "" {
				r.Inline = map[string]string{"own": c.own}
			}
		})
		wish := ByOpenID(appRole, "web", person(nil, "authenticated"), time.Hour)
		if c.session != "" {
			wish.Policies = []string{c.session}
		}
		s, _, err := w.Assume(t.Context(), wish)
		if err != nil {
			t.Fatal(err)
		}
		caller, err := w.sessionCaller(t.Context(), s, "us-east-1")
		if err != nil {
			t.Fatal(err)
		}
		r := Request{Caller: caller, Action: action, Resource: "*", Named: true}
		text, want := "", ""
		if err := w.Authorize(t.Context(), r); err != nil {
			text = err.(*idpool.Error).Msg
		}
		if c.tail != "" {
			want = "User: " + caller.ARN + " is not authorized to perform: " + action + " on resource: *" + c.tail
		}
		if text != want {
			t.Errorf("%s: %q, want %q", name, text, want)
		}
		r.Named = false
		if err := w.Authorize(t.Context(), r); idpool.KindOf(err) != idpool.AccessDenied {
			t.Errorf("%s, not named: %v", name, err)
		}
	}
}

// TestDenial is what the operator reads: a line, and not without end.
func TestDenial(t *testing.T) {
	t.Parallel()
	if text := (&Denial{}).Error(); text != "there is no policy" {
		t.Errorf("without a policy: %s", text)
	}
	parse := func(effect, action, condition string) policy.Policy {
		d, err := policy.Parse(document(effect, action, "*", condition), policy.Identity)
		if err != nil {
			t.Fatal(err)
		}
		return policy.Policy{Name: "own", Document: d}
	}
	asked := policy.Request{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k"}
	asked.Context.Set("aws:username", "ann")
	d := policy.Evaluate(asked, parse("Allow", "s3:GetObject", ""), parse("Deny", "s3:PutObject", ""), parse("Allow", "s3:*", `{"StringLike":{"aws:username":"b*"}}`),
		parse("Allow", "s3:*", `{"StringEquals":{"aws:username":"${aws:PrincipalTag/name}"}}`))
	want := `own, statement 1 (Allow) matched; own, statement 1 (Deny): action does not match; own, statement 1 (Allow): StringLike of aws:username wants ["b*"], found ["ann"]`
	if text := explain(d).Error(); !strings.HasPrefix(text, want+"; own, statement 1 (Allow): StringEquals of aws:username") || !strings.HasSuffix(text, " (aws:PrincipalTag/name has no value)") {
		t.Errorf("the line is\n%s, want\n%s", text, want)
	}
	for n, more := range map[int]string{20: "", 21: "; and 1 more", 50: "; and 30 more"} {
		var many []policy.Policy
		for range n {
			many = append(many, parse("Allow", "s3:PutObject", ""))
		}
		text := explain(policy.Evaluate(asked, many...)).Error()
		if lines := strings.Count(text, "own, statement"); lines != 20 || !strings.HasSuffix(text, fmt.Sprint("action does not match", more)) {
			t.Errorf("%d statements, %d told: %s", n, lines, text)
		}
	}
}
