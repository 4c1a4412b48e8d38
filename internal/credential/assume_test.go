package credential

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"idpool/internal/idpool"
)

func TestAssumeByName(t *testing.T) {
	t.Parallel()
	at := testNow.Add(789 * time.Millisecond)
	store, _ := openStore(t)
	b := newBroker(t, store, func(c *Config) { c.RolesByName, c.Now = true, func() time.Time { return at } })
	openID := idpool.OpenID{Identity: "us-east-1:0-1", Pool: "us-east-1:0-0", Account: account, AMR: []string{"authenticated", "a", "b"}, Tags: map[string]string{"team": "blue"}}
	seen := map[string]bool{}
	for role, arn := range map[string]string{
		"arn:aws:iam::111122223333:role/app":         "arn:aws:sts::111122223333:assumed-role/app/web",
		"arn:aws-cn:iam::111122223333:role/team/app": "arn:aws-cn:sts::111122223333:assumed-role/app/web",
	} {
		for _, duration := range []time.Duration{15 * time.Minute, 12 * time.Hour} {
			s, c, err := b.Assume(t.Context(), ByOpenID(role, "web", openID, duration))
			if err != nil {
				t.Fatal(err)
			}
			if s.ARN() != arn || !roleIDForm.MatchString(s.RoleID) || s.UserID() != s.RoleID+":web" || seen[s.ID] || seen[s.AccessKeyID] {
				t.Errorf("session %+v", s)
			}
			seen[s.ID], seen[s.AccessKeyID] = true, true
			if !s.Issued.Equal(testNow) || !s.Expires.Equal(testNow.Add(duration)) || !c.Expiration.Equal(s.Expires) { // whole seconds
				t.Errorf("from %s to %s, said %s", s.Issued, s.Expires, c.Expiration)
			}
			want := Session{ID: s.ID, AccessKeyID: s.AccessKeyID, Account: account, Role: role, RoleID: s.RoleID, Name: "web", Provider: "cognito-identity.amazonaws.com",
				Keys: map[string][]string{
					"cognito-identity.amazonaws.com:sub": {"us-east-1:0-1"}, "cognito-identity.amazonaws.com:aud": {"us-east-1:0-0"}, "cognito-identity.amazonaws.com:amr": openID.AMR,
				}, Tags: openID.Tags, Issued: s.Issued, Expires: s.Expires}
			if !reflect.DeepEqual(s, want) {
				t.Errorf("got %+v, want %+v", s, want)
			}
			if got, _, err := openSession(b.Sessions, c.AccessKeyID, c.SessionToken); err != nil || !reflect.DeepEqual(got, s) {
				t.Errorf("sealed %+v, opened %+v, %v", s, got, err)
			}
		}
	}
}

// A client learns nothing of why a role cannot be assumed; the operator does.
func TestRefusedRoles(t *testing.T) {
	t.Parallel()
	store, _ := openStore(t)
	const refused = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
	for role, why := range map[string]string{
		"arn:aws:iam::111122223333:role/missing": "",
		"arn:aws:iam::111122223333:user/app":     "not the ARN of a role",
		"app":                                    "not the ARN of a role",
		"":                                       "not the ARN of a role",
	} {
		for _, byName := range []bool{false, true} {
			b := newBroker(t, store, func(c *Config) { c.RolesByName = byName })
			if byName && why == "" {
				continue // it is taken by its name
			}
			_, c, err := b.Assume(t.Context(), ByOpenID(role, "web", idpool.OpenID{}, time.Hour))
			fault, ok := errors.AsType[*idpool.Error](err)
			if !ok || fault.Kind != idpool.AccessDenied || fault.Msg != refused || fault.Cause == nil || !strings.Contains(fault.Cause.Error(), why) || c != (Credentials{}) {
				t.Errorf("%q, by name %t: %v", role, byName, err)
			}
			err = b.CheckRole(t.Context(), idpool.RootCaller(account, "us-east-1", "AKIAX"), role)
			if fault, ok := errors.AsType[*idpool.Error](err); !ok || fault.Kind != idpool.NotAuthorized || fault.Msg != "Access to Role '"+role+"' is forbidden." || fault.Cause == nil {
				t.Errorf("%q, by name %t: %v", role, byName, err)
			}
		}
	}
	b := newBroker(t, store, func(c *Config) { c.RolesByName = true })
	if err := b.CheckRole(t.Context(), idpool.RootCaller(account, "us-east-1", "AKIAX"), "arn:aws:iam::111122223333:role/app"); err != nil {
		t.Error(err)
	}
	if err := b.CheckRole(t.Context(), idpool.RootCaller(account, "us-east-1", "AKIAX"), "arn:aws:iam::444455556666:role/app"); idpool.KindOf(err) != idpool.NotAuthorized {
		t.Errorf("a role of another account: %v", err)
	}
}

// TestSessionTags are the bounds of behaviour 6.6.
func TestSessionTags(t *testing.T) {
	t.Parallel()
	long := func(n int) string { return strings.Repeat("x", n) }
	many := func(n int) map[string]string {
		tags := map[string]string{}
		for i := range n {
			tags[string(rune('a'+i/26))+string(rune('a'+i%26))] = ""
		}
		return tags
	}
	store, _ := openStore(t)
	b := newBroker(t, store, func(c *Config) { c.RolesByName = true })
	for name, c := range map[string]struct {
		tags map[string]string
		kind idpool.Kind // Internal for none
	}{
		"none":                     {nil, 0},
		"ordinary":                 {map[string]string{"username": "ann@example.com", "client": "app", "a b": "é _.:/=+-@1"}, 0},
		"an empty value":           {map[string]string{"team": ""}, 0},
		"an empty key":             {map[string]string{"": "x"}, idpool.Malformed},
		"longest key":              {map[string]string{long(128): "x"}, 0},
		"longer key":               {map[string]string{long(129): "x"}, idpool.Malformed},
		"longest value":            {map[string]string{"k": long(256)}, 0},
		"longer value":             {map[string]string{"k": long(257)}, idpool.Malformed},
		"characters are not bytes": {map[string]string{"k": strings.Repeat("é", 200)}, 0},
		"reserved":                 {map[string]string{"aws:team": "x"}, idpool.Malformed},
		"reserved in capitals":     {map[string]string{"AWS:team": "x"}, idpool.Malformed},
		"only beginning like it":   {map[string]string{"awsome": "x"}, 0},
		"a variable":               {map[string]string{"k": "${aws:username}"}, idpool.Malformed},
		"a star":                   {map[string]string{"k": "*"}, idpool.Malformed},
		"a line break":             {map[string]string{"k": "a\nb"}, idpool.Malformed},
		"a line break behind":      {map[string]string{"k": "a\n"}, idpool.Malformed},
		"a NUL":                    {map[string]string{"k": "a\x00"}, idpool.Malformed},
		"no UTF-8":                 {map[string]string{"k": "a\xff"}, idpool.Malformed},
		"keys that differ in case": {map[string]string{"team": "x", "Team": "y"}, idpool.Malformed},
		"fifty":                    {many(50), 0},
		"fifty-one":                {many(51), idpool.TooLarge},
		"as much as fits":          {map[string]string{"a": long(256), "b": long(202)}, 0},
		"one byte more than fits":  {map[string]string{"a": long(256), "b": long(203)}, idpool.TooLarge},
	} {
		s, _, err := b.Assume(t.Context(), ByOpenID("arn:aws:iam::111122223333:role/app", "web", idpool.OpenID{Account: account, Tags: c.tags}, time.Hour))
		if idpool.KindOf(err) != c.kind || err == nil != (c.kind == idpool.Internal) || err == nil && !reflect.DeepEqual(s.Tags, c.tags) {
			t.Errorf("%s: %v, %v", name, s.Tags, err)
		}
	}
}
