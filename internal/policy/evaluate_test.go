package policy_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"idpool/internal/policy"
)

const (
	allowed  = policy.Allowed
	denied   = policy.ExplicitDeny
	nothing  = policy.ImplicitDeny
	appRole  = "arn:aws:iam::111122223333:role/team/app"
	session  = "arn:aws:sts::111122223333:assumed-role/app/ann"
	user     = "arn:aws:iam::111122223333:user/ann"
	root     = "arn:aws:iam::111122223333:root"
	oidcARN  = "arn:aws:iam::111122223333:oidc-provider/login.example.com"
	poolArn  = "arn:aws:cognito-identity:us-east-1:111122223333:identitypool/us-east-1:1"
	stranger = "arn:aws:iam::444455556666:user/ann"
)

// TestPrincipals is who is meant by the element Principal of an Allow and of a
// Deny.
func TestPrincipals(t *testing.T) {
	who := map[string]policy.Principal{
		"root":      {ARN: root},
		"user":      {ARN: user},
		"session":   {ARN: session, Role: appRole},
		"other":     {ARN: "arn:aws:sts::111122223333:assumed-role/app/bob", Role: appRole},
		"stranger":  {ARN: stranger},
		"china":     {ARN: "arn:aws-cn:iam::111122223333:user/ann"},
		"pool":      {Federated: policy.Provider},
		"google":    {Federated: "accounts.google.com"},
		"oidc":      {Federated: oidcARN},
		"ec2":       {Service: "ec2.amazonaws.com"},
		"anonymous": {},
	}
	names := func(s string) []string { return strings.Fields(s) }
	for _, row := range []struct {
		principal string
		allow     []string // who is allowed
		more      []string // who is denied besides these, if it is a Deny
	}{
		{`"*"`, names("root user session other stranger china"), names("pool google oidc ec2 anonymous")},
		{`{"AWS":"*"}`, names("root user session other stranger china"), names("pool google oidc ec2 anonymous")},
		{`{"AWS":"111122223333"}`, names("root user session other china"), nil},
		{`{"AWS":"arn:aws:iam::111122223333:root"}`, names("root user session other china"), nil},
		{`{"AWS":["444455556666","arn:aws:iam::111122223333:root"]}`, names("root user session other china stranger"), nil},
		{`{"AWS":"444455556666"}`, names("stranger"), nil},
		{`{"AWS":"arn:aws:iam::111122223333:user/ann"}`, names("user"), nil},
		{`{"AWS":"arn:aws:iam::111122223333:user/Ann"}`, nil, nil},
		{`{"AWS":"arn:aws:iam::111122223333:role/team/app"}`, names("session other"), nil},
		{`{"AWS":"arn:aws:iam::111122223333:role/app"}`, nil, nil}, // the path is part of the name
		{`{"AWS":"arn:aws:sts::111122223333:assumed-role/app/ann"}`, names("session"), nil},
		{`{"AWS":["arn:aws:iam::111122223333:user/ann","arn:aws:sts::111122223333:assumed-role/app/bob"]}`, names("user other"), nil},
		{`{"Federated":"accounts.google.com"}`, names("google"), nil},
		{`{"Federated":["accounts.google.com","` + oidcARN + `"]}`, names("google oidc"), nil},
		{`{"Service":"ec2.amazonaws.com"}`, names("ec2"), nil},
		{`{"Service":"lambda.amazonaws.com"}`, nil, nil},
		{`{"Service":"accounts.google.com"}`, nil, nil}, // a service is no provider
		{`{"Federated":"ec2.amazonaws.com"}`, nil, nil}, // nor the other way round
		{`{"AWS":"444455556666","Federated":"accounts.google.com","Service":"ec2.amazonaws.com"}`, names("stranger google ec2"), nil},
	} {
		allow := parse(t, in(`{"Effect":"Allow","Principal":`+row.principal+`,"Action":"sts:AssumeRole"}`), policy.Trust)
		deny := parse(t, in(`{"Effect":"Deny","Principal":`+row.principal+`,"Action":"sts:AssumeRole"}`), policy.Trust)
		for name, p := range who {
			r := policy.Request{Principal: p, Action: "sts:AssumeRole"}
			want := nothing
			if slices.Contains(row.allow, name) {
				want = allowed
			}
			if got := policy.Evaluate(r, policy.Policy{Document: allow}); got.Verdict != want {
				t.Errorf("allow %s, %s: %+v", row.principal, name, got)
			}
			want = nothing
			if slices.Contains(slices.Concat(row.allow, row.more), name) {
				want = denied
			}
			if got := policy.Evaluate(r, policy.Policy{Document: deny}); got.Verdict != want {
				t.Errorf("deny %s, %s: %+v", row.principal, name, got)
			}
		}
	}
}

// TestActionsAndResources is what a statement covers.
func TestActionsAndResources(t *testing.T) {
	for _, row := range []struct {
		elements         string
		action, resource string
		want             bool
	}{
		{`"Action":"*","Resource":"*"`, "s3:GetObject", "arn:aws:s3:::b/k", true},
		{`"Action":"*:*","Resource":"*"`, "s3:GetObject", "*", true},
		{`"Action":"s3:GetObject","Resource":"*"`, "s3:GetObject", "*", true},
		{`"Action":"S3:getobject","Resource":"*"`, "s3:GetObject", "*", true},
		{`"Action":"s3:GetObject","Resource":"*"`, "S3:GETOBJECT", "*", true},
		{`"Action":"s3:GetObject","Resource":"*"`, "s3:GetObjectAcl", "*", false},
		{`"Action":"s3:Get*","Resource":"*"`, "s3:GetObjectAcl", "*", true},
		{`"Action":"s3:Get*","Resource":"*"`, "s3:PutObject", "*", false},
		{`"Action":"s3:*Object","Resource":"*"`, "s3:PutObject", "*", true},
		{`"Action":"s3:?etObject","Resource":"*"`, "s3:GetObject", "*", true},
		{`"Action":"iam:*AccessKey*","Resource":"*"`, "iam:UpdateAccessKey", "*", true},
		{`"Action":"iam:*AccessKey*","Resource":"*"`, "iam:CreateUser", "*", false},
		{`"Action":"s3:*","Resource":"*"`, "s3express:GetObject", "*", false},
		{`"Action":["s3:PutObject","s3:GetObject"],"Resource":"*"`, "s3:GetObject", "*", true},
		{`"Action":["s3:PutObject","s3:ListBucket"],"Resource":"*"`, "s3:GetObject", "*", false},
		{`"Action":"s3:${*}","Resource":"*"`, "s3:*", "*", false}, // no variables in actions
		{`"NotAction":"s3:GetObject","Resource":"*"`, "s3:GetObject", "*", false},
		{`"NotAction":"s3:GetObject","Resource":"*"`, "s3:PutObject", "*", true},
		{`"NotAction":["s3:Get*","iam:*"],"Resource":"*"`, "s3:GetObject", "*", false},
		{`"NotAction":["s3:Get*","iam:*"],"Resource":"*"`, "iam:CreateUser", "*", false},
		{`"NotAction":["s3:Get*","iam:*"],"Resource":"*"`, "sqs:SendMessage", "*", true},
		{`"NotAction":"*","Resource":"*"`, "s3:GetObject", "*", false},

		{`"Action":"*","Resource":"arn:aws:s3:::b"`, "s3:GetObject", "arn:aws:s3:::b", true},
		{`"Action":"*","Resource":"arn:aws:s3:::b"`, "s3:GetObject", "arn:aws:s3:::b/k", false},
		{`"Action":"*","Resource":"arn:aws:s3:::b"`, "s3:GetObject", "arn:aws:s3:::B", false},
		{`"Action":"*","Resource":"arn:aws:s3:::b"`, "s3:GetObject", "*", false}, // an action without resource needs "*"
		{`"Action":"*","Resource":"arn:aws:s3:::b/*"`, "s3:GetObject", "arn:aws:s3:::b/k/l", true},
		{`"Action":"*","Resource":"arn:aws:s3:::b/*"`, "s3:GetObject", "arn:aws:s3:::b/", true},
		{`"Action":"*","Resource":"arn:aws:s3:::b/*"`, "s3:GetObject", "arn:aws:s3:::b", false},
		{`"Action":"*","Resource":["arn:aws:s3:::a","arn:aws:s3:::b"]`, "s3:GetObject", "arn:aws:s3:::b", true},
		{`"Action":"*","Resource":["arn:aws:s3:::a","arn:aws:s3:::${no}","arn:aws:s3:::b"]`, "s3:GetObject", "arn:aws:s3:::b", true},
		{`"Action":"*","Resource":"arn:aws:cognito-identity:*:111122223333:identitypool/*"`, "cognito-identity:DeleteIdentityPool", poolArn, true},
		{`"Action":"*","Resource":"arn:aws:cognito-identity:*:444455556666:identitypool/*"`, "cognito-identity:DeleteIdentityPool", poolArn, false},
		{`"Action":"*","Resource":"arn:aws:cognito-identity:us-east-?:111122223333:identitypool/us-east-1:?"`, "cognito-identity:DeleteIdentityPool", poolArn, true},
		{`"Action":"*","Resource":"arn:aws:sqs"`, "sqs:SendMessage", "arn:aws:sqs:us-east-1:111122223333:q", true},
		{`"Action":"*","Resource":"arn:aws:sqs:us-east-1"`, "sqs:SendMessage", "arn:aws:sqs:us-east-1:111122223333:q", true},
		{`"Action":"*","Resource":"arn:aws:sqs:us-east-1:444455556666"`, "sqs:SendMessage", "arn:aws:sqs:us-east-1:111122223333:q", false},
		{`"Action":"*","NotResource":"arn:aws:s3:::b"`, "s3:GetObject", "arn:aws:s3:::b", false},
		{`"Action":"*","NotResource":"arn:aws:s3:::b"`, "s3:GetObject", "arn:aws:s3:::c", true},
		{`"Action":"*","NotResource":["arn:aws:s3:::b","arn:aws:s3:::c*"]`, "s3:GetObject", "arn:aws:s3:::cd", false},
		{`"Action":"*","NotResource":"*"`, "s3:GetObject", "arn:aws:s3:::b", false},
		{`"NotAction":"iam:*","NotResource":"arn:aws:s3:::b"`, "s3:GetObject", "arn:aws:s3:::c", true},
	} {
		d := parse(t, in(`{"Effect":"Allow",`+row.elements+`}`), policy.Identity)
		got := policy.Evaluate(policy.Request{Action: row.action, Resource: row.resource}, policy.Policy{Document: d})
		if (got.Verdict == allowed) != row.want {
			t.Errorf("%s: %s on %s: %+v", row.elements, row.action, row.resource, got)
		}
	}
}

// named are policies of identities under names, from statements.
func named(t testing.TB, statements ...string) (out []policy.Policy) {
	for i, s := range statements {
		out = append(out, policy.Policy{Name: string(rune('a' + i)), Document: parse(t, in(s), policy.Identity)})
	}
	return out
}

// TestVerdicts is the truth table of deny, allow and neither, in one policy and
// in several, and with session policies.
func TestVerdicts(t *testing.T) {
	const (
		allow = `{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`
		deny  = `{"Effect":"Deny","Action":"s3:*","Resource":"*"}`
		other = `{"Effect":"Allow","Action":"sqs:*","Resource":"*"}`
		never = `{"Effect":"Deny","Action":"sqs:*","Resource":"*"}`
	)
	list := func(s ...string) []string { return s }
	for _, row := range []struct {
		identity, session []string
		want              policy.Verdict
		limited           bool
	}{
		{nil, nil, nothing, false},
		{list(allow), nil, allowed, false},
		{list(deny), nil, denied, false},
		{list(other), nil, nothing, false},
		{list(never), nil, nothing, false},
		{list(other, allow), nil, allowed, false},
		{list(allow, deny), nil, denied, false},
		{list(deny, allow), nil, denied, false},
		{list(allow + "," + deny), nil, denied, false},
		{list(deny+","+allow, allow), nil, denied, false},
		{list(allow, never, other), nil, allowed, false},

		{list(allow), list(allow), allowed, false},
		{list(allow), list(other), nothing, true},
		{list(allow), list(deny), denied, false},
		{list(allow), list(other, allow), allowed, false}, // session policies allow together
		{list(allow), list(allow, deny), denied, false},
		{list(allow), list(never), nothing, true},
		{list(other), list(allow), nothing, false}, // and give nothing
		{nil, list(allow), nothing, false},
		{list(deny), list(allow), denied, false},
		{list(allow, deny), list(allow), denied, false},
		{list(other), list(deny), denied, false},
		{list(other), list(other), nothing, false},
	} {
		r := policy.Request{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k"}
		got := policy.EvaluateSession(r, named(t, row.identity...), named(t, row.session...))
		if got.Verdict != row.want || got.Limited != row.limited {
			t.Errorf("identity %q, session %q: %+v", row.identity, row.session, got)
		}
		if row.session == nil {
			if got := policy.Evaluate(r, named(t, row.identity...)...); got.Verdict != row.want {
				t.Errorf("identity %q: %+v", row.identity, got)
			}
		}
	}
}

// TestGuests is the scope-down of guests: a role that may do anything, and two
// session policies.
func TestGuests(t *testing.T) {
	role := named(t, `{"Effect":"Allow","Action":"*","Resource":"*"}`)
	scope := named(t,
		`{"Effect":"Allow","Action":["s3:*","dynamodb:*","cognito-identity:*","sagemaker:InvokeEndpoint","textract:DetectDocumentText"],"Resource":"*"}`,
		`{"Sid":"CognitoUnAuthedIdentitiesSessionPolicy","Effect":"Allow","Action":["rum:PutRumEvents","geo:GetMap*","geo:*Geofence","kms:Decrypt"],"Resource":"*"}`)
	for action, want := range map[string]policy.Verdict{
		"s3:GetObject": allowed, "rum:PutRumEvents": allowed, "geo:GetMapTile": allowed, "geo:PutGeofence": allowed, "sagemaker:InvokeEndpoint": allowed,
		"iam:CreateUser": nothing, "sts:AssumeRole": nothing, "sagemaker:CreateModel": nothing, "kms:CreateKey": nothing, "geo:PutGeofences": nothing, "s3express:GetObject": nothing,
	} {
		got := policy.EvaluateSession(policy.Request{Action: action, Resource: "*"}, role, scope)
		if got.Verdict != want || got.Limited != (want == nothing) || len(got.Findings) != 3 {
			t.Errorf("%s: %+v", action, got)
		}
	}
}

// TestTrust is the trust policy of the documentation, against tokens.
func TestTrust(t *testing.T) {
	const pool, aud, amr = "us-east-1:7f2c9a54-0c2f-4a55-8c1e-0a2f6f0c9b11", policy.Provider + ":aud", policy.Provider + ":amr"
	trust := []policy.Policy{{Name: "trust", Document: parse(t, trustPool, policy.Trust)}}
	person := []string{"authenticated", "login.example.com", "login.example.com:OIDC:ann"}
	for name, row := range map[string]struct {
		principal policy.Principal
		action    string
		context   keys
		want      policy.Verdict
	}{
		"person":                     {policy.Principal{Federated: policy.Provider}, "sts:AssumeRoleWithWebIdentity", keys{aud: pool, amr: person}, allowed},
		"tags":                       {policy.Principal{Federated: policy.Provider}, "sts:TagSession", keys{aud: pool, amr: person}, allowed},
		"guest":                      {policy.Principal{Federated: policy.Provider}, "sts:AssumeRoleWithWebIdentity", keys{aud: pool, amr: []string{"unauthenticated"}}, nothing},
		"another pool":               {policy.Principal{Federated: policy.Provider}, "sts:AssumeRoleWithWebIdentity", keys{aud: pool + "2", amr: person}, nothing},
		"no amr":                     {policy.Principal{Federated: policy.Provider}, "sts:AssumeRoleWithWebIdentity", keys{aud: pool}, nothing},
		"nothing":                    {policy.Principal{Federated: policy.Provider}, "sts:AssumeRoleWithWebIdentity", nil, nothing},
		"another provider":           {policy.Principal{Federated: "accounts.google.com"}, "sts:AssumeRoleWithWebIdentity", keys{aud: pool, amr: person}, nothing},
		"a caller":                   {policy.Principal{ARN: user}, "sts:AssumeRole", keys{aud: pool, amr: person}, nothing},
		"a caller as a web identity": {policy.Principal{ARN: user}, "sts:AssumeRoleWithWebIdentity", keys{aud: pool, amr: person}, nothing},
		"another action":             {policy.Principal{Federated: policy.Provider}, "sts:AssumeRoleWithSAML", keys{aud: pool, amr: person}, nothing},
	} {
		r := policy.Request{Principal: row.principal, Action: row.action, Context: row.context.context()}
		if got := policy.Evaluate(r, trust...); got.Verdict != row.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestFindings holds that the reasons are all there, as data.
func TestFindings(t *testing.T) {
	mixed := parse(t, in(
		`{"Sid":"who","Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"sts:AssumeRole"}`,
		`{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:TagSession"}`,
		`{"Sid":"when","Effect":"Deny","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringEquals":{"a":"1"},"NumericLessThan":{"B":[5,"6"]}}}`,
		`{"Sid":"ids","Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"x"}}}`,
		`{"Sid":"tag","Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringEquals":{"a":"${aws:PrincipalTag/Team}"}}}`,
		`{"Sid":"yes","Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}`,
	), policy.Trust)
	r := policy.Request{Principal: policy.Principal{ARN: user}, Action: "sts:AssumeRole"}
	r.Context.Set("A", "1")
	r.Context.Set("b", "7", "8")
	got := policy.Evaluate(r, policy.Policy{Name: "trust", Document: mixed})
	want := policy.Decision{Verdict: allowed, Findings: []policy.Finding{
		{Policy: "trust", Statement: 1, Sid: "who", Effect: policy.Allow, Failed: policy.PrincipalPart},
		{Policy: "trust", Statement: 2, Effect: policy.Allow, Failed: policy.ActionPart},
		{Policy: "trust", Statement: 3, Sid: "when", Effect: policy.Deny, Failed: policy.ConditionPart,
			Condition: policy.Condition{Operator: "NumericLessThan", Key: "B", Wanted: []string{"5", "6"}, Present: true, Found: []string{"7", "8"}}},
		{Policy: "trust", Statement: 4, Sid: "ids", Effect: policy.Allow, Failed: policy.ConditionPart,
			Condition: policy.Condition{Operator: "StringEquals", Key: "sts:ExternalId", Wanted: []string{"x"}}},
		{Policy: "trust", Statement: 5, Sid: "tag", Effect: policy.Allow, Failed: policy.ConditionPart, Missing: "aws:PrincipalTag/Team",
			Condition: policy.Condition{Operator: "StringEquals", Key: "a", Wanted: []string{"${aws:PrincipalTag/Team}"}, Present: true, Found: []string{"1"}}},
		{Policy: "trust", Statement: 6, Sid: "yes", Effect: policy.Allow, Matched: true},
	}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(policy.Finding{})); diff != "" {
		t.Error(diff)
	}

	identity := append(named(t, `{"Effect":"Allow","Action":"*","Resource":["arn:aws:s3:::x","arn:aws:s3:::${aws:username}"]}`), named(t, `{"Effect":"Allow","Action":"*","Resource":"*"}`)...)
	limit := []policy.Policy{{Name: "guest", Document: parse(t, in(`{"Effect":"Allow","Action":"*","NotResource":"*"}`), policy.Identity)}}
	got = policy.EvaluateSession(policy.Request{Action: "s3:GetObject", Resource: "arn:aws:s3:::b"}, identity, limit)
	want = policy.Decision{Verdict: nothing, Limited: true, Findings: []policy.Finding{
		{Policy: "a", Statement: 1, Effect: policy.Allow, Failed: policy.ResourcePart, Missing: "aws:username"},
		{Policy: "a", Statement: 1, Effect: policy.Allow, Matched: true},
		{Policy: "guest", Statement: 1, Effect: policy.Allow, Failed: policy.ResourcePart},
	}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(policy.Finding{})); diff != "" {
		t.Error(diff)
	}
}

// TestDecisionJSON is how a decision stands in an event.
func TestDecisionJSON(t *testing.T) {
	d := parse(t, in(`{"Sid":"a","Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{"Bool":{"k:k":"true"}}}`,
		`{"Effect":"Deny","Principal":"*","Action":"sts:TagSession"}`), policy.Trust)
	got, err := json.Marshal(policy.Evaluate(policy.Request{Principal: policy.Principal{ARN: user}, Action: "sts:AssumeRole"}, policy.Policy{Name: "trust", Document: d}))
	const want = `{"verdict":"implicitDeny","findings":[` +
		`{"policy":"trust","statement":1,"sid":"a","effect":"Allow","matched":false,"failed":"condition","condition":{"operator":"Bool","key":"k:k","wanted":["true"],"present":false,"found":null}},` +
		`{"policy":"trust","statement":2,"effect":"Deny","matched":false,"failed":"action"}]}`
	if err != nil || string(got) != want {
		t.Errorf("%v\n got %s\nwant %s", err, got, want)
	}
}

// TestPins is which keys a decision rests on.
func TestPins(t *testing.T) {
	const aud, amr = policy.Provider + ":aud", policy.Provider + ":amr"
	both := `{"StringEquals":{"` + aud + `":"1"},"ForAnyValue:StringLike":{"` + amr + `":"authenticated"}}`
	only := `{"StringEquals":{"` + aud + `":"1"}}`
	loose := `{"StringEquals":{"` + aud + `":"1"},"ForAnyValue:StringLike":{"` + amr + `":"*"}}`
	not := `{"StringEquals":{"` + aud + `":"1"},"ForAnyValue:StringNotLike":{"` + amr + `":"x"}}`
	other := `{"StringEquals":{"` + aud + `":"2"},"ForAnyValue:StringLike":{"` + amr + `":"authenticated"}}`
	for _, row := range []struct {
		conditions []string
		want       bool
	}{
		{[]string{both}, true},
		{[]string{only}, false},
		{[]string{loose}, false},
		{[]string{not}, false},
		{[]string{only, both}, true},
		{[]string{only, other}, false}, // the one that pins both did not match
		{[]string{other}, false},
	} {
		var statements []string
		for _, c := range row.conditions {
			statements = append(statements, `{"Effect":"Allow","Principal":{"Federated":"`+policy.Provider+`"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":`+c+`}`)
		}
		d := policy.Policy{Document: parse(t, in(statements...), policy.Trust)}
		r := policy.Request{Principal: policy.Principal{Federated: policy.Provider}, Action: "sts:AssumeRoleWithWebIdentity"}
		r.Context.Set(aud, "1")
		r.Context.Set(amr, "authenticated")
		got := policy.Evaluate(r, d)
		if got.Pins(aud, strings.ToUpper(amr)) != row.want {
			t.Errorf("%q: %v", row.conditions, got)
		}
		if got.Pins() != (got.Verdict == allowed) || got.Pins("no:such") {
			t.Errorf("%q: no keys, or a key that nobody tests: %v", row.conditions, got)
		}
		deny := policy.Policy{Document: parse(t, in(`{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRoleWithWebIdentity","Condition":`+both+`}`), policy.Trust)}
		if policy.Evaluate(r, d, deny).Pins(aud) {
			t.Errorf("%q: what is denied rests on nothing", row.conditions)
		}
	}
}

// TestContext holds that the case of keys does not matter, and that absent is
// something else than empty.
func TestContext(t *testing.T) {
	var c policy.Context
	if v, ok := c.Get("a"); ok || v != nil {
		t.Errorf("a new context has %q", v)
	}
	c.Set("AWS:TagKeys", "a", "b")
	if v, ok := c.Get("aws:tagkeys"); !ok || !slices.Equal(v, []string{"a", "b"}) {
		t.Errorf("found %q %v", v, ok)
	}
	c.Set("aws:tagKEYS")
	if v, ok := c.Get("aws:TagKeys"); !ok || len(v) != 0 {
		t.Errorf("found %q %v", v, ok)
	}
}

// TestTimeOfTheContext: a context that has a time has the two keys of it, one
// that has none has neither, and what is set counts before the time.
func TestTimeOfTheContext(t *testing.T) {
	at := time.Date(2015, 8, 30, 14, 36, 0, 5, time.FixedZone("CEST", 2*3600))
	var c policy.Context
	for _, key := range []string{"aws:CurrentTime", "aws:EpochTime"} {
		if values, ok := c.Get(key); ok {
			t.Errorf("no time, and %s is %q", key, values)
		}
	}
	c.SetTime(at)
	for key, want := range map[string]string{"aws:CurrentTime": "2015-08-30T12:36:00Z", "AWS:EPOCHTIME": "1440938160"} {
		if values, ok := c.Get(key); !ok || !slices.Equal(values, []string{want}) {
			t.Errorf("%s is %q, want %s", key, values, want)
		}
	}
	c.Set("aws:CurrentTime", "2020-01-01T00:00:00Z")
	if values, _ := c.Get("aws:CurrentTime"); !slices.Equal(values, []string{"2020-01-01T00:00:00Z"}) {
		t.Errorf("aws:CurrentTime was set and is %q", values)
	}
}
