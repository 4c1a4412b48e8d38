package idpool_test

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"idpool/internal/idpool"
)

const (
	roleAuth  = "arn:aws:iam::111122223333:role/auth"
	roleGuest = "arn:aws:iam::111122223333:role/guest"
	roleRed   = "arn:aws:iam::111122223333:role/red"
	roleBlue  = "arn:aws:iam::111122223333:role/blue"
	provider  = "arn:aws:iam::111122223333:oidc-provider/login.example.com"
	userPool  = "cognito-idp.us-east-1.amazonaws.com/us-east-1_Ab12Cd34E"
)

// mapped is a pool with both default roles and one role mapping.
func mapped(key string, m idpool.RoleMapping) idpool.Pool {
	return idpool.Pool{
		Roles:        map[idpool.RoleType]string{idpool.Authenticated: roleAuth, idpool.Unauthenticated: roleGuest},
		RoleMappings: map[string]idpool.RoleMapping{key: m},
	}
}

// from is a login of the OIDC provider with these claims.
func from(claims idpool.Claims) idpool.VerifiedLogin {
	return idpool.VerifiedLogin{Login: idpool.Login{Provider: "login.example.com", Subject: "ann"}, MappingKey: provider, TagsKey: provider, Client: "web", Claims: claims}
}

// TestRuleMatching is every match type against every kind of claim.
func TestRuleMatching(t *testing.T) {
	const e, c, s, n = idpool.Equals, idpool.Contains, idpool.StartsWith, idpool.NotEqual
	for _, row := range []struct {
		claim any
		value string
		match []idpool.MatchType // those that match
	}{
		{"red", "red", []idpool.MatchType{e, c, s}},
		{"redder", "red", []idpool.MatchType{c, s, n}},
		{"infrared", "red", []idpool.MatchType{c, n}},
		{"blue", "red", []idpool.MatchType{n}},
		{"Red", "red", []idpool.MatchType{n}},
		{" red", "red", []idpool.MatchType{c, n}},
		{"", "red", []idpool.MatchType{n}},
		{"re\u0301d", "r\u00e9d", []idpool.MatchType{n}},
		{[]any{"red"}, "red", []idpool.MatchType{e, c, s}},
		{[]any{"blue", "red"}, "red", []idpool.MatchType{e, c, s}},
		{[]any{"blue", "redder"}, "red", []idpool.MatchType{c, s, n}},
		{[]any{"re", "d"}, "red", []idpool.MatchType{n}}, // never across elements
		{[]any{`a","red`}, `","`, []idpool.MatchType{c, n}},
		{[]any{"a", "b"}, `","`, []idpool.MatchType{n}}, // never on the JSON text
		{[]any{"a", nil}, "red", nil},                   // an element that is nothing
		{[]any{"red", map[string]any{"red": "red"}}, "red", []idpool.MatchType{e, c, s}},
		{[]any{[]any{"red"}}, "red", nil},
		{[]any{}, "red", nil},
		{json.Number("7"), "7", []idpool.MatchType{e}},
		{json.Number("77"), "7", []idpool.MatchType{n}},
		{json.Number("7.0"), "7", []idpool.MatchType{n}},
		{[]any{json.Number("1"), json.Number("7")}, "7", []idpool.MatchType{e}},
		{true, "true", []idpool.MatchType{e}},
		{false, "true", []idpool.MatchType{n}},
		{true, "tr", []idpool.MatchType{n}},
		{nil, "red", nil},
		{nil, "null", nil},
		{map[string]any{"red": "red"}, "red", nil},
	} {
		for _, match := range []idpool.MatchType{e, c, s, n} {
			pool := mapped(provider, idpool.RoleMapping{Type: idpool.RulesMapping, Ambiguous: idpool.DenyAmbiguous,
				Rules: []idpool.MappingRule{{Claim: "team", Match: match, Value: row.value, Role: roleRed}}})
			choice, err := idpool.ChooseRole(pool, []idpool.VerifiedLogin{from(idpool.Claims{"team": row.claim})}, "")
			want := strings.Contains(strings.Join(texts(row.match), " "), string(match))
			if got := err == nil; got != want || got && choice.Role != roleRed {
				t.Errorf("claim %v %s %q: role %q, %v", row.claim, match, row.value, choice.Role, err)
			}
			if len(choice.Steps) == 0 || choice.Steps[0].Matched != want || choice.Steps[0].Why == "" || choice.Steps[0].Role != roleRed {
				t.Errorf("claim %v %s %q: steps %+v", row.claim, match, row.value, choice.Steps)
			}
		}
	}
	for _, match := range []idpool.MatchType{e, c, s, n} { // absent is not "different"
		pool := mapped(provider, idpool.RoleMapping{Type: idpool.RulesMapping, Ambiguous: idpool.UseAuthenticatedRole,
			Rules: []idpool.MappingRule{{Claim: "team", Match: match, Value: "x", Role: roleRed}}})
		if choice, err := idpool.ChooseRole(pool, []idpool.VerifiedLogin{from(idpool.Claims{"Team": "y"})}, ""); err != nil || choice.Role != roleAuth {
			t.Errorf("%s of an absent claim: %+v %v", match, choice, err)
		}
	}
}

func texts(list []idpool.MatchType) (out []string) {
	for _, m := range list {
		out = append(out, string(m))
	}
	return out
}

// TestRoleChoice is behaviour 6.3, step by step.
func TestRoleChoice(t *testing.T) {
	rules := func(ambiguous idpool.AmbiguousRole) idpool.RoleMapping {
		return idpool.RoleMapping{Type: idpool.RulesMapping, Ambiguous: ambiguous, Rules: []idpool.MappingRule{
			{Claim: "team", Match: idpool.Equals, Value: "red", Role: roleRed},
			{Claim: "team", Match: idpool.Contains, Value: "e", Role: roleBlue},
		}}
	}
	byToken := func(ambiguous idpool.AmbiguousRole) idpool.Pool {
		return mapped(userPool+":web", idpool.RoleMapping{Type: idpool.TokenMapping, Ambiguous: ambiguous})
	}
	person := func(preferred string, offered ...string) idpool.VerifiedLogin {
		return idpool.VerifiedLogin{Login: idpool.Login{Provider: userPool, Subject: "ann"}, MappingKey: userPool + ":web", OfferedRoles: offered, PreferredRole: preferred}
	}
	const deny, auth = idpool.DenyAmbiguous, idpool.UseAuthenticatedRole
	denied := "The ambiguous role mapping rules for: %s denied this request."
	noRole := "Invalid identity pool configuration. Check assigned IAM roles for this pool."
	offers := func(arn string) string {
		return "The role " + arn + " is not among those that the login token offers."
	}
	withoutDefaults := func(p idpool.Pool) idpool.Pool { p.Roles = nil; return p }
	red, green := from(idpool.Claims{"team": "red"}), from(idpool.Claims{"team": "grn"})
	for name, row := range map[string]struct {
		pool   idpool.Pool
		logins []idpool.VerifiedLogin
		custom string
		want   string // the role, or the text of the error
	}{
		"1 guest":                             {mapped(provider, rules(deny)), nil, "", roleGuest},
		"1 guest, custom role":                {mapped(provider, rules(deny)), nil, roleRed, roleGuest},
		"1 guest, no role":                    {idpool.Pool{}, nil, "", noRole},
		"3 no mapping":                        {mapped("other", rules(deny)), []idpool.VerifiedLogin{red}, "", roleAuth},
		"3 no mapping, custom role":           {mapped("other", rules(deny)), []idpool.VerifiedLogin{red}, roleRed, roleAuth},
		"3 no mapping, no role":               {idpool.Pool{}, []idpool.VerifiedLogin{red}, "", noRole},
		"4a custom role offered":              {byToken(deny), []idpool.VerifiedLogin{person(roleRed, roleRed, roleBlue)}, roleBlue, roleBlue},
		"4a custom role not offered":          {byToken(auth), []idpool.VerifiedLogin{person(roleRed, roleRed)}, roleBlue, offers(roleBlue)},
		"4a only the preferred one":           {byToken(auth), []idpool.VerifiedLogin{person(roleRed)}, roleRed, offers(roleRed)},
		"4b preferred":                        {byToken(deny), []idpool.VerifiedLogin{person(roleRed, roleBlue, roleRed)}, "", roleRed},
		"4c several, deny":                    {byToken(deny), []idpool.VerifiedLogin{person("", roleBlue, roleRed)}, "", strings.Replace(denied, "%s", userPool, 1)},
		"4c several, default":                 {byToken(auth), []idpool.VerifiedLogin{person("", roleBlue, roleRed)}, "", roleAuth},
		"4d none, deny":                       {byToken(deny), []idpool.VerifiedLogin{person("")}, "", strings.Replace(denied, "%s", userPool, 1)},
		"4d none, default":                    {byToken(auth), []idpool.VerifiedLogin{person("")}, "", roleAuth},
		"4e exactly one":                      {byToken(deny), []idpool.VerifiedLogin{person("", roleBlue)}, "", roleBlue},
		"4 other client":                      {mapped(userPool+":app", idpool.RoleMapping{Type: idpool.TokenMapping, Ambiguous: deny}), []idpool.VerifiedLogin{person(roleRed)}, "", roleAuth},
		"5a custom role of a matching rule":   {mapped(provider, rules(deny)), []idpool.VerifiedLogin{red}, roleBlue, roleBlue},
		"5a custom role of a rule that fails": {mapped(provider, rules(auth)), []idpool.VerifiedLogin{from(idpool.Claims{"team": "blue"})}, roleRed, offers(roleRed)},
		"5a custom role of no rule":           {mapped(provider, rules(auth)), []idpool.VerifiedLogin{red}, roleAuth, offers(roleAuth)},
		"5b first match":                      {mapped(provider, rules(deny)), []idpool.VerifiedLogin{red}, "", roleRed},
		"5b second":                           {mapped(provider, rules(deny)), []idpool.VerifiedLogin{from(idpool.Claims{"team": "blue"})}, "", roleBlue},
		"5c none, deny":                       {mapped(provider, rules(deny)), []idpool.VerifiedLogin{green}, "", strings.Replace(denied, "%s", "login.example.com", 1)},
		"5c none, default":                    {mapped(provider, rules(auth)), []idpool.VerifiedLogin{green}, "", roleAuth},
		"6 default, no role":                  {withoutDefaults(mapped(provider, rules(auth))), []idpool.VerifiedLogin{green}, "", noRole},
		"8 the first with a mapping":          {mapped(provider, rules(deny)), []idpool.VerifiedLogin{person(roleBlue, roleBlue), red}, "", roleRed},
		"developer user":                      {mapped(provider, rules(deny)), []idpool.VerifiedLogin{{Login: idpool.Login{Provider: "devs", Subject: "ann"}}}, "", roleAuth},
	} {
		t.Run(name, func(t *testing.T) {
			choice, err := idpool.ChooseRole(row.pool, row.logins, row.custom)
			got := choice.Role
			if err != nil {
				got = err.(*idpool.Error).Msg
				if choice.Role != "" {
					t.Errorf("a role in spite of an error: %s", choice.Role)
				}
			}
			if got != row.want {
				t.Errorf("got %s, want %s", got, row.want)
			}
			if len(choice.Steps) == 0 {
				t.Fatal("no step tells how")
			}
			if last := choice.Steps[len(choice.Steps)-1]; err == nil && (!last.Matched || last.Role != choice.Role) {
				t.Errorf("the last step is %+v", last)
			}
		})
	}
}

// TestRoleIsAlwaysOneThatWasGiven holds for any rules and claims: the role is a
// default one, or that of a rule, and the same question gets the same answer.
func TestRoleIsAlwaysOneThatWasGiven(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.SampledFrom([]string{"", "a", "b", "ab", "ba", "aa"})
		m := idpool.RoleMapping{Type: idpool.RulesMapping, Ambiguous: rapid.SampledFrom([]idpool.AmbiguousRole{idpool.DenyAmbiguous, idpool.UseAuthenticatedRole}).Draw(t, "ambiguous")}
		given := map[string]bool{roleAuth: true}
		for range rapid.IntRange(1, 6).Draw(t, "rules") {
			r := idpool.MappingRule{Claim: word.Draw(t, "claim"), Value: word.Draw(t, "value"), Role: rapid.SampledFrom([]string{roleRed, roleBlue}).Draw(t, "role"),
				Match: rapid.SampledFrom([]idpool.MatchType{idpool.Equals, idpool.Contains, idpool.StartsWith, idpool.NotEqual}).Draw(t, "match")}
			given[r.Role] = true
			m.Rules = append(m.Rules, r)
		}
		claims := idpool.Claims{}
		for name, value := range rapid.MapOf(word, word).Draw(t, "claims") {
			claims[name] = value
		}
		pool := mapped(provider, m)
		choice, err := idpool.ChooseRole(pool, []idpool.VerifiedLogin{from(claims)}, "")
		if err == nil && !given[choice.Role] || err != nil && (idpool.KindOf(err) != idpool.NotAuthorized || m.Ambiguous != idpool.DenyAmbiguous) {
			t.Fatalf("%+v %v", choice, err)
		}
		again, _ := idpool.ChooseRole(pool, []idpool.VerifiedLogin{from(claims)}, "")
		if len(again.Steps) != len(choice.Steps) || again.Role != choice.Role {
			t.Fatalf("%+v, then %+v", choice, again)
		}
		custom, err := idpool.ChooseRole(pool, []idpool.VerifiedLogin{from(claims)}, roleBlue)
		if err == nil && custom.Role != roleBlue {
			t.Fatalf("asked for %s, got %+v", roleBlue, custom)
		}
	})
}

func TestCheckRoleMappings(t *testing.T) {
	pool := idpool.Pool{
		SupportedLoginProviders: map[string]string{"graph.facebook.com": "7"}, OIDCProviderARNs: []string{provider},
		SAMLProviderARNs: []string{"arn:aws:iam::111122223333:saml-provider/corp"}, UserPools: []idpool.UserPoolClient{{ProviderName: userPool, ClientID: "web"}},
	}
	rule := []idpool.MappingRule{{Claim: "c", Match: idpool.Equals, Value: "v", Role: roleRed}}
	good := idpool.RoleMapping{Type: idpool.RulesMapping, Ambiguous: idpool.DenyAmbiguous, Rules: rule}
	for _, key := range []string{"graph.facebook.com", provider, "arn:aws:iam::111122223333:saml-provider/corp", userPool + ":web"} {
		if err := idpool.CheckRoleMappings(pool, map[string]idpool.RoleMapping{key: good}, 1); err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
	for _, key := range []string{userPool, userPool + ":app", "https://login.example.com", "login.example.com", "accounts.google.com", "cognito-identity.amazonaws.com"} {
		err := idpool.CheckRoleMappings(pool, map[string]idpool.RoleMapping{key: good}, 0)
		wantError(t, err, idpool.Invalid, "("+key+") is not a valid RoleMapping ProviderName or is not a configured provider.")
	}
	for name, m := range map[string]idpool.RoleMapping{
		"no resolution": {Type: idpool.RulesMapping, Rules: rule},
		"no rules":      {Type: idpool.RulesMapping, Ambiguous: idpool.DenyAmbiguous},
		"token, rules":  {Type: idpool.TokenMapping, Ambiguous: idpool.DenyAmbiguous, Rules: rule},
		"too many":      {Type: idpool.RulesMapping, Ambiguous: idpool.DenyAmbiguous, Rules: append(rule, rule...)},
	} {
		if err := idpool.CheckRoleMappings(pool, map[string]idpool.RoleMapping{provider: m}, 1); idpool.KindOf(err) != idpool.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestProviderChooses: roles of a SAML assertion count without a role mapping
// (behaviour 4.4, 6.3).
func TestProviderChooses(t *testing.T) {
	const corp = "arn:aws:iam::111122223333:saml-provider/corp"
	login := func(roles ...string) idpool.VerifiedLogin {
		return idpool.VerifiedLogin{Login: idpool.Login{Provider: corp, Subject: "ann"}, MappingKey: corp, TagsKey: corp, OfferedRoles: roles, ProviderChooses: true,
			Claims: idpool.Claims{"team": []any{"red"}}}
	}
	rules := idpool.RoleMapping{Type: idpool.RulesMapping, Ambiguous: idpool.DenyAmbiguous, Rules: []idpool.MappingRule{{Claim: "team", Match: idpool.Equals, Value: "red", Role: roleGuest}}}
	token := func(a idpool.AmbiguousRole) idpool.RoleMapping {
		return idpool.RoleMapping{Type: idpool.TokenMapping, Ambiguous: a}
	}
	for name, row := range map[string]struct {
		pool   idpool.Pool
		logins []idpool.VerifiedLogin
		custom string
		role   string
		kind   idpool.Kind // if there is no role
	}{
		"one":                            {mapped(userPool, rules), []idpool.VerifiedLogin{login(roleRed)}, "", roleRed, 0},
		"one, and it is asked for":       {mapped(userPool, rules), []idpool.VerifiedLogin{login(roleRed)}, roleRed, roleRed, 0},
		"one, and another is asked for":  {mapped(userPool, rules), []idpool.VerifiedLogin{login(roleRed)}, roleBlue, "", idpool.NotAuthorized},
		"one of two":                     {mapped(userPool, rules), []idpool.VerifiedLogin{login(roleRed, roleBlue)}, roleBlue, roleBlue, 0},
		"two":                            {mapped(userPool, rules), []idpool.VerifiedLogin{login(roleRed, roleBlue)}, "", "", idpool.Invalid},
		"two, and a mapping denies":      {mapped(corp, token(idpool.DenyAmbiguous)), []idpool.VerifiedLogin{login(roleRed, roleBlue)}, "", "", idpool.NotAuthorized},
		"two, and a mapping has another": {mapped(corp, token(idpool.UseAuthenticatedRole)), []idpool.VerifiedLogin{login(roleRed, roleBlue)}, "", roleAuth, 0},
		"rules come first":               {mapped(corp, rules), []idpool.VerifiedLogin{login(roleRed)}, "", roleGuest, 0},
		"no roles of the pool":           {idpool.Pool{}, []idpool.VerifiedLogin{login(roleRed)}, "", roleRed, 0},
		"after somebody without mapping": {idpool.Pool{}, []idpool.VerifiedLogin{from(nil), login(roleRed)}, "", roleRed, 0},
	} {
		t.Run(name, func(t *testing.T) {
			choice, err := idpool.ChooseRole(row.pool, row.logins, row.custom)
			if choice.Role != row.role || (err != nil) != (row.role == "") || err != nil && idpool.KindOf(err) != row.kind || len(choice.Steps) == 0 {
				t.Errorf("got %+v, %v", choice, err)
			}
		})
	}
}
