package idpool_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"idpool/internal/idpool"
)

// The forms of behaviour 7.1.
var (
	poolForm     = regexp.MustCompile(`^us-gov-west-1:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	identityForm = regexp.MustCompile(`^us-gov-west-1:[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	requestForm  = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
)

func TestIDsHaveTheirForms(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		pool, request := idpool.NewPoolID("us-gov-west-1"), idpool.NewRequestID()
		identity := idpool.NewIdentityID("us-gov-west-1", start)
		switch {
		case !poolForm.MatchString(string(pool)) || pool.Region() != "us-gov-west-1":
			t.Fatalf("pool ID %s", pool)
		case !identityForm.MatchString(string(identity)) || identity.Region() != "us-gov-west-1":
			t.Fatalf("identity ID %s", identity)
		case !requestForm.MatchString(request):
			t.Fatalf("request ID %s", request)
		case seen[string(pool)] || seen[string(identity)] || seen[request]:
			t.Fatalf("drawn twice: one of %s, %s, %s", pool, identity, request)
		}
		seen[string(pool)], seen[string(identity)], seen[request] = true, true, true
	}
}

func TestIdentityIDsSortByTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		times := rapid.SliceOfNDistinct(rapid.Int64Range(0, 1<<48-1), 2, 50, rapid.ID).Draw(t, "milliseconds")
		slices.Sort(times)
		ids := make([]idpool.IdentityID, len(times))
		for i, ms := range times {
			ids[i] = idpool.NewIdentityID("eu-central-1", time.UnixMilli(ms))
		}
		if !slices.IsSorted(ids) {
			t.Errorf("not in the order of their times: %s", ids)
		}
	})
	// RFC 9562, appendix A.6: the example of version 7.
	at := time.Date(2022, 2, 22, 19, 22, 22, 0, time.UTC)
	if id := idpool.NewIdentityID("us-east-1", at); !strings.HasPrefix(string(id), "us-east-1:017f22e2-79b0-7") {
		t.Errorf("%s does not begin with the time %s", id, at)
	}
}

func TestRegions(t *testing.T) {
	for name, want := range map[string]bool{
		"us-east-1": true, "eu-central-2": true, "us-gov-west-1": true, "cn-north-1": true, "ap-southeast-12": true,
		"us-isob-east-1": true, "eusc-de-east-1": true,
		"": false, "us": false, "us-east": false, "us-east-": false, "us-east-1 ": false, "us-east-1\n": false, "US-EAST-1": false,
		"us-east-100": false, "us-east-1:x": false, "-east-1": false, "us--1": false, "us-éast-1": false, "us-a-b-c-d-1": false,
		"us-" + strings.Repeat("a", 16) + "-" + strings.Repeat("b", 16) + "-1":                                 true,
		"us-" + strings.Repeat("a", 16) + "-" + strings.Repeat("b", 16) + "-" + strings.Repeat("c", 16) + "-1": false,
	} {
		if got := idpool.ValidRegion(name); got != want {
			t.Errorf("ValidRegion(%q) = %t", name, got)
		}
	}
	for region, want := range map[string]string{"us-east-1": "aws", "cn-north-1": "aws-cn", "us-gov-west-1": "aws-us-gov", "cnn-north-1": "aws", "us-gone-1": "aws"} {
		if got := idpool.Partition(region); got != want {
			t.Errorf("Partition(%q) = %s", region, got)
		}
	}
	for id, want := range map[string]string{"us-east-1:0-0": "us-east-1", "us-east-1": "us-east-1", ":x": "", "a:b:c": "a", "": ""} {
		if got := idpool.PoolID(id).Region(); got != want {
			t.Errorf("region of %q = %q", id, got)
		}
	}
}

func TestPoolARNs(t *testing.T) {
	const uuid = "12345678-dead-beef-cafe-123456790abc"
	for arn, want := range map[string]idpool.PoolID{
		"arn:aws:cognito-identity:us-east-1:111122223333:identitypool/us-east-1:" + uuid:                "us-east-1:" + uuid,
		"arn:aws-cn:cognito-identity:cn-north-1:111122223333:identitypool/cn-north-1:" + uuid:           "cn-north-1:" + uuid,
		"arn:aws-us-gov:cognito-identity:us-gov-east-1:111122223333:identitypool/us-gov-east-1:" + uuid: "us-gov-east-1:" + uuid,

		"": "", "arn": "", "arn:aws:cognito-identity": "", ":::::": "", "us-east-1:" + uuid: "",
		"arn:aws:cognito-identity:us-east-1:111122223333:identitypool/":                                   "",
		"arn:aws:cognito-identity::111122223333:identitypool/":                                            "",
		"arn:aws:cognito-identity::111122223333:identitypool/:" + uuid:                                    "",
		"arn:aws:cognito-identity:us-east-1:111122223333:identitypool/us-east-1":                          "",
		"arn:aws:cognito-identity:us-east-1:111122223333:identitypool/" + uuid:                            "",
		"arn:aws:cognito-identity:us-east-1::identitypool/us-east-1:" + uuid:                              "",
		"arn:aws:cognito-identity:us-east-1:11112222333:identitypool/us-east-1:" + uuid:                   "",
		"arn:aws:cognito-identity:us-east-1:1111222233334:identitypool/us-east-1:" + uuid:                 "",
		"arn:aws:cognito-identity:us-east-1:11112222333x:identitypool/us-east-1:" + uuid:                  "",
		"arn:aws:cognito-identity:us-east-1:１１１１:identitypool/us-east-1:" + uuid:                          "",
		"arn:aws:cognito-identity:us-west-2:111122223333:identitypool/us-east-1:" + uuid:                  "",
		"arn:aws-cn:cognito-identity:us-east-1:111122223333:identitypool/us-east-1:" + uuid:               "",
		"arn:aws:cognito-idp:us-east-1:111122223333:identitypool/us-east-1:" + uuid:                       "",
		"arn:aws:cognito-identity:us-east-1:111122223333:userpool/us-east-1:" + uuid:                      "",
		"arn:aws:cognito-identity:us-east-1:111122223333:/identitypool/us-east-1:" + uuid:                 "",
		"ARN:aws:cognito-identity:us-east-1:111122223333:identitypool/us-east-1:" + uuid:                  "",
		"arn:aws:cognito-identity:us-east-1:111122223333:identitypool:us-east-1:" + uuid:                  "",
		" arn:aws:cognito-identity:us-east-1:111122223333:identitypool/us-east-1:" + uuid:                 "",
		"arn:aws:cognito-identity:us-east-1:111122223333:identitypool/us-east-1:" + strings.ToUpper(uuid): "",
		"arn:aws:cognito-identity:us-east-1:111122223333:identitypool/us-east-1:" + uuid + "/identity/x":  "",
		"arn:aws:cognito-identity:us-east-1:111122223333:identitypool/us-east-1:" + uuid + "\n":           "",
		"arn:aws:cognito-identity:us east 1:111122223333:identitypool/us east 1:" + uuid:                  "",
	} {
		account, id, ok := idpool.ParsePoolARN(arn)
		if id != want || ok != (want != "") || ok && (account != "111122223333" || idpool.PoolARN(account, id) != arn) {
			t.Errorf("ParsePoolARN(%q) = %q, %q, %t", arn, account, id, ok)
		}
	}
}

func TestProviderARNs(t *testing.T) {
	type parsed struct{ account, name string }
	for arn, want := range map[string]parsed{
		"arn:aws:iam::111122223333:oidc-provider/login.example.com":            {"111122223333", "login.example.com"},
		"arn:aws:iam::111122223333:oidc-provider/login.example.com/realms/one": {"111122223333", "login.example.com/realms/one"},
		"arn:aws:iam::111122223333:oidc-provider/127.0.0.1:8437/dev":           {"111122223333", "127.0.0.1:8437/dev"},
		"arn:aws-cn:iam::111122223333:oidc-provider/login.example.com":         {"111122223333", "login.example.com"},
		"arn:aws-us-gov:iam::111122223333:oidc-provider/login.example.com":     {"111122223333", "login.example.com"},
		"":                  {},
		"login.example.com": {},
		"arn:aws:iam::111122223333:oidc-provider/":                              {},
		"arn:aws:iam::111122223333:oidc-provider":                               {},
		"arn:aws:iam::111122223333:oidc-provider:login.example.com":             {},
		"arn:aws:iam::111122223333:saml-provider/login.example.com":             {},
		"arn:aws:iam:us-east-1:111122223333:oidc-provider/login.example.com":    {},
		"arn:aws:sts::111122223333:oidc-provider/login.example.com":             {},
		"arn:aws:iam:::oidc-provider/login.example.com":                         {},
		"arn:aws:iam::11112222333:oidc-provider/login.example.com":              {},
		"arn:aws:iam::somebody:oidc-provider/login.example.com":                 {},
		"arn::iam::111122223333:oidc-provider/login.example.com":                {},
		"arn:other:iam::111122223333:oidc-provider/login.example.com":           {},
		"aws:arn:iam::111122223333:oidc-provider/login.example.com":             {},
		"ARN:aws:iam::111122223333:oidc-provider/login.example.com":             {},
		"arn:aws:iam::111122223333:OIDC-provider/login.example.com":             {},
		"https://arn:aws:iam::111122223333:oidc-provider/login.example.com":     {},
		"arn:aws:iam::111122223333:x/arn:aws:iam::111122223333:oidc-provider/y": {},
	} {
		account, name, ok := idpool.ParseProviderARN(arn)
		if ok != (want != parsed{}) || ok && (parsed{account, name}) != want {
			t.Errorf("ParseProviderARN(%q) = %q, %q, %t, want %v", arn, account, name, ok, want)
		}
	}
	if arn := (idpool.OIDCProvider{Account: "111122223333", Name: "login.example.com/x"}).ARN(); arn != "arn:aws:iam::111122223333:oidc-provider/login.example.com/x" {
		t.Error(arn)
	}
}

func TestRoleARNs(t *testing.T) {
	long := strings.Repeat("p", 510)
	for arn, want := range map[string]idpool.RoleARN{
		"arn:aws:iam::111122223333:role/app":                            {"aws", "111122223333", "/", "app"},
		"arn:aws-cn:iam::111122223333:role/app":                         {"aws-cn", "111122223333", "/", "app"},
		"arn:aws:iam::111122223333:role/team/one/app":                   {"aws", "111122223333", "/team/one/", "app"},
		"arn:aws:iam::111122223333:role/aws-service-role/x.y/A_+=,.@-9": {"aws", "111122223333", "/aws-service-role/x.y/", "A_+=,.@-9"},
		"arn:aws:iam::111122223333:role/!/~/app":                        {"aws", "111122223333", "/!/~/", "app"},
		"arn:aws:iam::111122223333:role/" + long + "/app":               {"aws", "111122223333", "/" + long + "/", "app"},
		"arn:aws:iam::111122223333:role/" + strings.Repeat("n", 64):     {"aws", "111122223333", "/", strings.Repeat("n", 64)},
		"arn:aws:iam::111122223333:role/" + long + "p/app":              {},
		"arn:aws:iam::111122223333:role/" + strings.Repeat("n", 65):     {},
		"": {}, "app": {}, "arn:aws:iam::111122223333:role/": {}, "arn:aws:iam::111122223333:role": {},
		"arn:aws:iam::111122223333:role//app":          {},
		"arn:aws:iam::111122223333:role/team/":         {},
		"arn:aws:iam::111122223333:role/a b":           {},
		"arn:aws:iam::111122223333:role/a b/c":         {},
		"arn:aws:iam::111122223333:role/é":             {},
		"arn:aws:iam::111122223333:role/app\n":         {},
		"arn:aws:iam::111122223333:user/app":           {},
		"arn:aws:iam::111122223333:assumed-role/app/x": {},
		"arn:aws:iam:us-east-1:111122223333:role/app":  {},
		"arn:aws:sts::111122223333:role/app":           {},
		"arn:aws-other:iam::111122223333:role/app":     {},
		"arn:aws:iam::1111222233334:role/app":          {},
		"arn:aws:iam::11112222333a:role/app":           {},
		"arn:aws:iam:::role/app":                       {},
		"xarn:aws:iam::111122223333:role/app":          {},
		"arn:aws:iam::111122223333:role/app:role/app":  {"aws", "111122223333", "/app:role/", "app"},
	} {
		got, ok := idpool.ParseRoleARN(arn)
		if ok != (want != idpool.RoleARN{}) || got != want || ok && got.String() != arn {
			t.Errorf("ParseRoleARN(%q) = %+v, %t", arn, got, ok)
		}
	}
	role, _ := idpool.ParseRoleARN("arn:aws-cn:iam::111122223333:role/team/app")
	if got := role.Session("CognitoIdentityCredentials"); got != "arn:aws-cn:sts::111122223333:assumed-role/app/CognitoIdentityCredentials" {
		t.Errorf("the session's ARN keeps the path, or worse: %s", got)
	}
}

func TestRootCaller(t *testing.T) {
	want := idpool.Caller{Account: "111122223333", Region: "cn-north-1", ARN: "arn:aws-cn:iam::111122223333:root", UserID: "111122223333", AccessKeyID: "AKIAX", Root: true}
	if got := idpool.RootCaller("111122223333", "cn-north-1", "AKIAX"); got != want {
		t.Errorf("got %+v", got)
	}
}

// What a parser takes it can write again, and nothing else is taken.

func FuzzParsePoolARN(f *testing.F) {
	for _, seed := range []string{
		"arn:aws:cognito-identity:us-east-1:111122223333:identitypool/us-east-1:12345678-dead-beef-cafe-123456790abc",
		"arn:aws-cn:cognito-identity:cn-north-1:000000000000:identitypool/cn-north-1:0-0", "arn:aws:cognito-identity:::identitypool/", ":::::identitypool/",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, arn string) {
		account, id, ok := idpool.ParsePoolARN(arn)
		if ok && (idpool.PoolARN(account, id) != arn || !twelve.MatchString(account) || !idpool.ValidRegion(id.Region())) {
			t.Errorf("%q is taken for pool %q of account %q", arn, id, account)
		}
	})
}

var twelve = regexp.MustCompile(`^[0-9]{12}$`)

func FuzzParseProviderARN(f *testing.F) {
	for _, seed := range []string{"arn:aws:iam::111122223333:oidc-provider/login.example.com/x", "arn:aws-cn:iam::111122223333:oidc-provider/127.0.0.1:1/dev", "arn:aws:iam:::oidc-provider/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, arn string) {
		account, name, ok := idpool.ParseProviderARN(arn)
		if !ok {
			return
		}
		tail := ":iam::" + account + ":oidc-provider/" + name
		if partition, found := strings.CutSuffix(arn, tail); !found || !strings.HasPrefix(partition, "arn:aws") || name == "" || !twelve.MatchString(account) {
			t.Errorf("%q is taken for provider %q of account %q", arn, name, account)
		}
	})
}

func FuzzParseRoleARN(f *testing.F) {
	for _, seed := range []string{"arn:aws:iam::111122223333:role/app", "arn:aws-us-gov:iam::111122223333:role/a/b/c", "arn:aws:iam::111122223333:role//", "arn:aws:iam::111122223333:role///x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, arn string) {
		role, ok := idpool.ParseRoleARN(arn)
		if ok && (role.String() != arn || !twelve.MatchString(role.Account) || role.Name == "" || strings.Contains(role.Name, "/") ||
			!strings.HasPrefix(role.Path, "/") || !strings.HasSuffix(role.Path, "/")) {
			t.Errorf("%q is taken for %+v", arn, role)
		}
	})
}
