package credential

import (
	"context"
	"strings"
	"testing"
	"time"

	"idpool/internal/idpool"
	"idpool/internal/policy"
)

const (
	pool      = "us-east-1:12345678-dead-beef-cafe-123456790abc"
	appRole   = "arn:aws:iam::111122223333:role/team/app"
	trustPool = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"cognito-identity.amazonaws.com"},"Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"],
		"Condition":{"StringEquals":{"cognito-identity.amazonaws.com:aud":"us-east-1:12345678-dead-beef-cafe-123456790abc"},"ForAnyValue:StringLike":{"cognito-identity.amazonaws.com:amr":"authenticated"}}}]}`
)

// world is a broker with entities of IAM in its store.
type world struct {
	*Broker
	store idpool.Store
}

func newWorld(t testing.TB, change func(*Config)) *world {
	store, _ := openStore(t)
	return &world{newBroker(t, store, change), store}
}

func (w *world) put(t testing.TB, fn func(context.Context, idpool.Writer) error) {
	t.Helper()
	if err := w.store.Update(t.Context(), func(wr idpool.Writer) error { return fn(t.Context(), wr) }); err != nil {
		t.Fatal(err)
	}
	w.PrincipalsChanged(account)
}

func (w *world) role(t testing.TB, change func(*idpool.Role)) {
	t.Helper()
	r := idpool.Role{Account: account, Name: "app", Path: "/team/", ID: "AROAAPPAPPAPPAPPAPPAP", Trust: trustPool, MaxSession: 2 * time.Hour, Created: testNow}
	if change != nil {
		change(&r)
	}
	w.put(t, func(ctx context.Context, wr idpool.Writer) error { return wr.PutRole(ctx, r) })
}

func document(effect, action, resource, condition string) string {
	if condition != "" {
		condition = `,"Condition":` + condition
	}
	return `{"Version":"2012-10-17","Statement":[{"Effect":"` + effect + `","Action":"` + action + `","Resource":"` + resource + `"` + condition + `}]}`
}

func person(tags map[string]string, amr ...string) idpool.OpenID {
	return idpool.OpenID{Identity: "us-east-1:0a0a0a0a-1111-7222-8333-444444444444", Pool: pool, Account: account, AMR: amr, Tags: tags}
}

// TestTrust is who becomes a role and who does not, and that the operator reads
// why.
func TestTrust(t *testing.T) {
	t.Parallel()
	const refused = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
	narrow := strings.Replace(trustPool, `,"sts:TagSession"`, "", 1)
	unpinned := strings.Replace(trustPool, `,"ForAnyValue:StringLike":{"cognito-identity.amazonaws.com:amr":"authenticated"}`, "", 1)
	other := person(nil, "authenticated")
	other.Pool = "us-east-1:00000000-dead-beef-cafe-123456790abc"
	elsewhere := person(nil, "authenticated")
	elsewhere.Account = "444455556666"
	for name, c := range map[string]struct {
		role  string
		trust string
		who   idpool.OpenID
		d     time.Duration
		text  string // of the refusal; empty: a session
		cause string
	}{
		"trusted":                 {appRole, trustPool, person(nil, "authenticated", "x"), time.Hour, "", ""},
		"trusted, with tags":      {appRole, trustPool, person(map[string]string{"team": "red"}, "authenticated"), time.Hour, "", ""},
		"tags without TagSession": {appRole, narrow, person(map[string]string{"team": "red"}, "authenticated"), time.Hour, refused, "sts:TagSession"},
		"no tags, no TagSession":  {appRole, narrow, person(nil, "authenticated"), time.Hour, "", ""},
		"a guest":                 {appRole, trustPool, person(nil, "unauthenticated"), time.Hour, refused, `cognito-identity.amazonaws.com:amr wants ["authenticated"], found ["unauthenticated"]`},
		"another pool":            {appRole, trustPool, other, time.Hour, refused, `cognito-identity.amazonaws.com:aud wants ["us-east-1:12345678`},
		"another account's pool":  {appRole, trustPool, elsewhere, time.Hour, "", ""},
		"… unpinned":              {appRole, unpinned, elsewhere, time.Hour, refused, "does not pin both"},
		"another path":            {"arn:aws:iam::111122223333:role/app", trustPool, person(nil, "authenticated"), time.Hour, refused, "does not exist"},
		"another case":            {"arn:aws:iam::111122223333:role/team/App", trustPool, person(nil, "authenticated"), time.Hour, refused, "does not exist"},
		"another account":         {"arn:aws:iam::444455556666:role/team/app", trustPool, person(nil, "authenticated"), time.Hour, refused, "does not exist"},
		"longest session":         {appRole, trustPool, person(nil, "authenticated"), 2 * time.Hour, "", ""},
		"longer session":          {appRole, trustPool, person(nil, "authenticated"), 2*time.Hour + time.Second, "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.", ""},
	} {
		for _, dev := range []bool{false, true} {
			w := newWorld(t, func(c *Config) { c.RolesByName = dev })
			w.role(t, func(r *idpool.Role) { r.Trust = c.trust })
			_, _, err := w.Assume(t.Context(), ByOpenID(c.role, "web", c.who, c.d))
			if dev && c.cause == "does not exist" {
				c.text, c.cause = "", "" // it is taken by its name
			}
			text := ""
			if err != nil {
				text = err.(*idpool.Error).Msg
			}
			if text != c.text || err != nil && !strings.Contains(err.Error(), c.cause) {
				t.Errorf("%s, development %t: %v", name, dev, err)
			}
		}
	}
}

// TestPermissions is what a session, a user and root may do.
func TestPermissions(t *testing.T) {
	t.Parallel()
	const list, describe = "cognito-identity:ListIdentityPools", "cognito-identity:DescribeIdentityPool"
	red := "arn:aws:cognito-identity:us-east-1:111122223333:identitypool/us-east-1:aaaa"
	w := newWorld(t, func(c *Config) { c.GuestPolicies = []policy.Policy{guestPolicy(t)} })
	grants := idpool.Grants{
		Inline: map[string]string{
			"own":     document("Allow", "cognito-identity:Describe*", "*", `{"StringEquals":{"aws:ResourceTag/team":"${aws:PrincipalTag/team}"}}`),
			"pools":   document("Allow", list, "*", ""),
			"nothing": document("Deny", "cognito-identity:DeleteIdentityPool", "*", ""),
		},
		Attached: []string{"arn:aws:iam::111122223333:policy/more", "arn:aws:iam::aws:policy/IAMReadOnlyAccess"},
	}
	w.put(t, func(ctx context.Context, wr idpool.Writer) error {
		return wr.PutManagedPolicy(ctx, idpool.ManagedPolicy{Account: account, Name: "more", Path: "/", Default: "v2", Created: testNow, Updated: testNow, Versions: []idpool.PolicyVersion{
			{ID: "v1", Document: document("Allow", "*", "*", ""), Created: testNow}, {ID: "v2", Document: document("Allow", "cognito-identity:DeleteIdentityPool", "*", ""), Created: testNow},
		}})
	})
	w.role(t, func(r *idpool.Role) { r.Grants, r.Tags = grants, map[string]string{"team": "green"} })
	w.put(t, func(ctx context.Context, wr idpool.Writer) error {
		return wr.PutUser(ctx, idpool.User{Account: account, Name: "ann", Path: "/", ID: "AIDAANN", Grants: grants, Tags: map[string]string{"team": "red"}, Created: testNow})
	})
	user, err := w.userCaller(t.Context(), account, "ann", "us-east-1", "AKIAANN")
	if err != nil {
		t.Fatal(err)
	}
	session := func(change func(*Assumption)) idpool.Caller {
		wish := ByOpenID(appRole, "web", person(map[string]string{"team": "red"}, "authenticated"), time.Hour)
		if change != nil {
			change(&wish)
		}
		s, _, err := w.Assume(t.Context(), wish)
		if err != nil {
			t.Fatal(err)
		}
		c, err := w.sessionCaller(t.Context(), s, "us-east-1")
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	plain := session(nil)
	limited := session(func(a *Assumption) { a.Policies = []string{document("Allow", list, "*", "")} })
	byARN := session(func(a *Assumption) { a.PolicyARNs = []string{"arn:aws:iam::aws:policy/AdministratorAccess"} })
	guest := session(func(a *Assumption) { a.Guest = true })
	for name, c := range map[string]struct {
		caller   idpool.Caller
		action   string
		resource string
		team     string // of the resource
		tail     string // of the refusal; empty: allowed
	}{
		"root":                     {idpool.RootCaller(account, "us-east-1", "AKIA"), "anything:AtAll", "*", "", ""},
		"session, allowed":         {plain, list, "*", "", ""},
		"session, tag":             {plain, describe, red, "red", ""},
		"session, other tag":       {plain, describe, red, "green", " because no identity-based policy allows the " + describe + " action"},
		"session, AWS policy":      {plain, "iam:ListRoles", "*", "", ""},
		"session, explicit deny":   {plain, "cognito-identity:DeleteIdentityPool", red, "", " with an explicit deny"},
		"session, nothing allows":  {plain, "cognito-identity:TagResource", red, "", " because no identity-based policy allows the cognito-identity:TagResource action"},
		"session policy allows":    {limited, list, "*", "", ""},
		"session policy limits":    {limited, "iam:ListRoles", "*", "", " because no session policy allows the iam:ListRoles action"},
		"session policy by ARN":    {byARN, "iam:ListRoles", "*", "", ""},
		"session policy adds none": {byARN, "iam:CreateRole", "*", "", " because no identity-based policy allows the iam:CreateRole action"},
		"guest, in scope":          {guest, list, "*", "", ""},
		"guest, out of scope":      {guest, "iam:ListRoles", "*", "", " because no session policy allows the iam:ListRoles action"},
		"user, allowed":            {user, describe, red, "red", ""},
		"user, other tag":          {user, describe, red, "blue", " because no identity-based policy allows the " + describe + " action"},
	} {
		r := Request{Caller: c.caller, Action: c.action, Resource: c.resource, SourceIP: "192.0.2.1"}
		if c.team != "" {
			r.ResourceTags(map[string]string{"team": c.team})
		}
		err := w.Authorize(t.Context(), r)
		want := "User: " + c.caller.ARN + " is not authorized to perform: " + c.action + " on resource: " + c.resource + c.tail
		if c.tail == "" && err != nil || c.tail != "" && (idpool.KindOf(err) != idpool.AccessDenied || err.(*idpool.Error).Msg != want || err.(*idpool.Error).Cause == nil) {
			t.Errorf("%s: %v", name, err)
		}
	}

	may := func() error {
		return w.Authorize(t.Context(), Request{Caller: plain, Action: list, Resource: "*"})
	}
	w.role(t, func(r *idpool.Role) {
		r.Grants.Attached = []string{"arn:aws:iam::111122223333:policy/gone"}
		r.Grants.Inline = grants.Inline
	})
	if err := may(); idpool.KindOf(err) != idpool.AccessDenied {
		t.Errorf("a policy that is gone: %v", err)
	}
	w.role(t, func(r *idpool.Role) { r.Grants, r.ID = grants, "AROANEWNEWNEWNEWNEWNE" })
	if err := may(); idpool.KindOf(err) != idpool.AccessDenied {
		t.Errorf("another role of the same name: %v", err)
	}
	w.put(t, func(ctx context.Context, wr idpool.Writer) error { return wr.DeleteRole(ctx, account, "app") })
	if err := may(); idpool.KindOf(err) != idpool.AccessDenied {
		t.Errorf("a role that is deleted: %v", err)
	}
}

func guestPolicy(t testing.TB) policy.Policy {
	d, err := policy.Parse(policy.GuestScope, policy.Identity)
	if err != nil {
		t.Fatal(err)
	}
	return policy.Policy{Name: "guests", Document: d}
}

// TestPassRole is who may give a role to a pool.
func TestPassRole(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.role(t, nil)
	for name, g := range map[string]idpool.Grants{
		"":     {},
		"all":  {Attached: []string{"arn:aws:iam::aws:policy/AdministratorAccess"}},
		"pass": {Inline: map[string]string{"p": document("Allow", "iam:PassRole", appRole, `{"StringEquals":{"iam:PassedToService":"cognito-identity.amazonaws.com"}}`)}},
		"ec2":  {Inline: map[string]string{"p": document("Allow", "iam:PassRole", "*", `{"StringEquals":{"iam:PassedToService":"ec2.amazonaws.com"}}`)}},
	} {
		w.put(t, func(ctx context.Context, wr idpool.Writer) error {
			return wr.PutUser(ctx, idpool.User{Account: account, Name: "ann", Path: "/", ID: "AIDAANN", Grants: g, Created: testNow})
		})
		user, err := w.userCaller(t.Context(), account, "ann", "us-east-1", "AKIAANN")
		if err != nil {
			t.Fatal(err)
		}
		err = w.CheckRole(t.Context(), user, appRole)
		if want := name == "all" || name == "pass"; want != (err == nil) || err != nil && (idpool.KindOf(err) != idpool.NotAuthorized || err.(*idpool.Error).Msg != "Access to Role '"+appRole+"' is forbidden.") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestAssumeRole is who may go from one role or user to another role.
func TestAssumeRole(t *testing.T) {
	t.Parallel()
	const target = "arn:aws:iam::111122223333:role/target"
	trust := func(principal string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]}]}`
	}
	const byUser, byAccount = "arn:aws:iam::111122223333:user/ann", "111122223333"
	allow := document("Allow", "sts:AssumeRole", "*", "")
	for name, c := range map[string]struct {
		trusts string
		own    string // the user's policy
		wish   func(*Assumption)
		ok     bool
	}{
		"named":                        {byUser, "", nil, true},
		"named, denied":                {byUser, document("Deny", "sts:*", "*", ""), nil, false},
		"named, denied by name":        {byUser, document("Deny", "sts:AssumeRole", "*", `{"StringEquals":{"sts:RoleSessionName":"web"}}`), nil, false},
		"named, denied by tag of role": {byUser, document("Deny", "sts:AssumeRole", "*", `{"StringEquals":{"aws:ResourceTag/secret":"yes"}}`), nil, false},
		"account, not allowed":         {byAccount, "", nil, false},
		"account, allowed":             {byAccount, allow, nil, true},
		"account, allowed by name":     {byAccount, document("Allow", "sts:AssumeRole", "*", `{"StringEquals":{"sts:RoleSessionName":"web"}}`), nil, true},
		"account, other name":          {byAccount, document("Allow", "sts:AssumeRole", "*", `{"StringEquals":{"sts:RoleSessionName":"app"}}`), nil, false},
		"account, tags":                {byAccount, allow, func(a *Assumption) { a.Tags = map[string]string{"team": "red"} }, false},
		"account, tags allowed":        {byAccount, document("Allow", "sts:*", "*", ""), func(a *Assumption) { a.Tags = map[string]string{"team": "red"} }, true},
		"account, source identity":     {byAccount, allow, func(a *Assumption) { a.SourceIdentity = "root" }, false},
		"somebody else":                {"arn:aws:iam::111122223333:user/bea", allow, nil, false},
	} {
		w := newWorld(t, nil)
		w.role(t, func(r *idpool.Role) {
			r.Name, r.Path, r.Trust, r.Tags = "target", "/", trust(c.trusts), map[string]string{"secret": "yes"}
		})
		w.put(t, func(ctx context.Context, wr idpool.Writer) error {
			u := idpool.User{Account: account, Name: "ann", Path: "/", ID: "AIDAANN", Created: testNow}
			if c.own != "" {
				u.Inline = map[string]string{"own": c.own}
			}
			return wr.PutUser(ctx, u)
		})
		user, err := w.userCaller(t.Context(), account, "ann", "us-east-1", "AKIAANN")
		if err != nil {
			t.Fatal(err)
		}
		wish := Assumption{Role: target, Name: "web", Action: "sts:AssumeRole", Duration: time.Hour}
		if c.wish != nil {
			c.wish(&wish)
		}
		err = w.MayAssume(t.Context(), user, &wish, "")
		if err == nil {
			_, _, err = w.Assume(t.Context(), wish)
		}
		if c.ok != (err == nil) || err != nil && idpool.KindOf(err) != idpool.AccessDenied {
			t.Errorf("%s: %v", name, err)
		}
	}

	// A session policy, and the scope of guests, count although the trust
	// policy names the role.
	w := newWorld(t, func(c *Config) { c.GuestPolicies = []policy.Policy{guestPolicy(t)} })
	w.role(t, nil)
	w.role(t, func(r *idpool.Role) { r.Name, r.Path, r.Trust = "target", "/", trust(appRole) })
	for name, c := range map[string]struct {
		limit func(*Assumption)
		ok    bool
	}{
		"no limit":         {func(*Assumption) {}, true},
		"session policy":   {func(a *Assumption) { a.Policies = []string{document("Allow", "sts:GetCallerIdentity", "*", "")} }, false},
		"… that allows it": {func(a *Assumption) { a.Policies = []string{document("Allow", "sts:AssumeRole", "*", "")} }, true},
		"guest":            {func(a *Assumption) { a.Guest = true }, false},
	} {
		first := ByOpenID(appRole, "web", person(nil, "authenticated"), time.Hour)
		c.limit(&first)
		s, _, err := w.Assume(t.Context(), first)
		if err != nil {
			t.Fatal(err)
		}
		caller, err := w.sessionCaller(t.Context(), s, "us-east-1")
		if err != nil {
			t.Fatal(err)
		}
		wish := Assumption{Role: target, Name: "web", Action: "sts:AssumeRole", Duration: time.Hour, Keys: s.Keys}
		if err := w.MayAssume(t.Context(), caller, &wish, ""); c.ok != (err == nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTrustSeesWhoAsks holds that the trust policy can test what is known of the
// caller: a deny on a tag of a user must not be overlooked.
func TestTrustSeesWhoAsks(t *testing.T) {
	t.Parallel()
	const target = "arn:aws:iam::111122223333:role/target"
	w := newWorld(t, nil)
	w.role(t, func(r *idpool.Role) { r.Tags = map[string]string{"team": "green", "cost": "low"} })
	w.put(t, func(ctx context.Context, wr idpool.Writer) error {
		return wr.PutUser(ctx, idpool.User{Account: account, Name: "ann", Path: "/", ID: "AIDAANN", Tags: map[string]string{"team": "blue"}, Created: testNow})
	})
	user, err := w.userCaller(t.Context(), account, "ann", "eu-west-1", "AKIAANN")
	if err != nil {
		t.Fatal(err)
	}
	s, _, err := w.Assume(t.Context(), ByOpenID(appRole, "web", person(map[string]string{"team": "red"}, "authenticated"), time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	session, err := w.sessionCaller(t.Context(), s, "eu-west-1")
	if err != nil {
		t.Fatal(err)
	}
	for key, is := range map[string]struct{ user, session string }{
		"aws:PrincipalTag/team":              {"blue", "red"}, // the tag of the session before that of the role
		"aws:PrincipalTag/cost":              {"", "low"},
		"aws:username":                       {"ann", ""},
		"aws:PrincipalType":                  {"User", "AssumedRole"},
		"aws:PrincipalArn":                   {user.ARN, appRole},
		"aws:RequestedRegion":                {"eu-west-1", "eu-west-1"},
		"aws:TokenIssueTime":                 {"", testNow.UTC().Format(time.RFC3339)},
		"aws:FederatedProvider":              {"", policy.Provider},
		"cognito-identity.amazonaws.com:aud": {"", pool},
	} {
		for _, value := range []string{is.user, is.session, "another"} {
			w.role(t, func(r *idpool.Role) {
				r.Name, r.Path, r.Trust = "target", "/", `{"Version":"2012-10-17","Statement":[
					{"Effect":"Allow","Principal":{"AWS":["`+user.ARN+`","`+appRole+`"]},"Action":"sts:AssumeRole"},
					{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringEquals":{"`+key+`":"`+value+`"}}}]}`
			})
			w.PrincipalsChanged(account)
			for caller, has := range map[*idpool.Caller]string{&user: is.user, &session: is.session} {
				wish := Assumption{Role: target, Name: "web", Action: "sts:AssumeRole", Duration: time.Hour}
				err := w.MayAssume(t.Context(), *caller, &wish, "")
				if err == nil {
					_, _, err = w.Assume(t.Context(), wish)
				}
				if denied := has != "" && has == value; denied != (idpool.KindOf(err) == idpool.AccessDenied) || !denied && err != nil {
					t.Errorf("%s is %q, %q denied: %v", key, has, value, err)
				}
			}
		}
	}
}

// TestStrangersLearnNothingOfRoles holds that only whom a role trusts learns how
// long its sessions may be.
func TestStrangersLearnNothingOfRoles(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.role(t, nil)
	var texts []string
	for _, role := range []string{appRole, "arn:aws:iam::111122223333:role/nosuch"} {
		_, _, err := w.Assume(t.Context(), ByOpenID(role, "web", person(nil, "unauthenticated"), 12*time.Hour))
		texts = append(texts, err.(*idpool.Error).Msg)
	}
	if texts[0] != texts[1] {
		t.Errorf("a role that exists: %q, one that does not: %q", texts[0], texts[1])
	}
}

// TestSessionOfADeletedUser holds that a user of the same name is somebody else.
func TestSessionOfADeletedUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	put := func(id string) {
		w.put(t, func(ctx context.Context, wr idpool.Writer) error {
			return wr.PutUser(ctx, idpool.User{Account: account, Name: "ann", Path: "/", ID: id, Created: testNow})
		})
	}
	put("AIDAFIRST")
	user, err := w.userCaller(t.Context(), account, "ann", "us-east-1", "AKIAANN")
	if err != nil {
		t.Fatal(err)
	}
	c, err := w.SessionToken(user, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	s, _, err := openSession(w.Sessions, c.AccessKeyID, c.SessionToken)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := w.sessionCaller(t.Context(), s, "us-east-1"); err != nil || got.UserID != "AIDAFIRST" {
		t.Errorf("%+v %v", got, err)
	}
	put("AIDASECOND")
	if got, err := w.sessionCaller(t.Context(), s, "us-east-1"); idpool.KindOf(err) != idpool.UnknownSession {
		t.Errorf("%+v %v", got, err)
	}
}
