package oidc

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"idpool/internal/idpool"
	"idpool/internal/login"
	"idpool/internal/login/logintest"
)

// TestTexts is the table of behaviour 4.3, in the order of the checks: each
// token has the faults of all rows below it as well.
func TestTexts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	own := w.config()
	own.OwnIssuer = "https://idpool.example"
	w.v = New(own)
	now := w.now().Unix()
	late := logintest.Claim("exp", now-3600)
	forged := logintest.Signature(zeros(64))
	foreign := logintest.Claim("aud", "other")
	mismatch := logintest.Claim("iss", "https://evil.example")
	for _, row := range []struct {
		text  string
		token string
	}{
		{notAToken, "not a token"},
		{notAToken, w.Token("ann", mismatch, foreign, forged, late, logintest.Header("alg", "none"))},
		{ownToken, w.Token("ann", logintest.Claim("iss", own.OwnIssuer), logintest.Without("aud"), forged, late)},
		{noClaim + "iss", w.Token("", logintest.Without("iss", "aud", "sub", "exp"), forged)},
		{noClaim + "aud", w.Token("", mismatch, logintest.Without("aud", "sub", "exp"), forged)},
		{noClaim + "sub", w.Token("", mismatch, foreign, forged, logintest.Without("exp"))},
		{noClaim + "exp", w.Token("ann", mismatch, foreign, forged, logintest.Without("exp"))},
		{wrongIssuer, w.Token("ann", mismatch, foreign, forged, late)},
		{unsupported, w.Token("ann", foreign, forged, late)},
		{unverified, w.Token("ann", forged, late)},
		{fmt.Sprintf("%s%d >= %d", expired, now, now-3600), w.Token("ann", late, logintest.Claim("nbf", now+3600))},
		{fmt.Sprintf("%s%d < %d", tooEarly, now, now+3600), w.Token("ann", logintest.Claim("nbf", now+3600))},
		{fmt.Sprintf("%s%d < %d", tooEarly, now, now+3601), w.Token("ann", logintest.Claim("iat", now+3601))},
	} {
		w.refuse(t, row.token, row.text)
	}
	w.Answer(logintest.KeySet, logintest.Status(http.StatusServiceUnavailable))
	w.v = New(own)
	w.refuse(t, w.Token("ann", late), unverified)
	w.Close()
	w.v = New(own)
	w.refuse(t, w.Token("ann", late), unverified)
}

// TestServes looks at whom the configuration trusts.
func TestServes(t *testing.T) {
	t.Parallel()
	const name = "login.example.com/realms/one"
	known := map[string]idpool.OIDCProvider{name: {Account: account, Name: name, URL: "https://" + name, ClientIDs: []string{"app"}}}
	for _, row := range []struct {
		arn         string
		known       map[string]idpool.OIDCProvider
		strict, dev bool
	}{
		{"arn:aws:iam::111122223333:oidc-provider/" + name, known, true, true},
		{"arn:aws-cn:iam::111122223333:oidc-provider/" + name, known, true, true},
		{"arn:aws:iam::111122223333:oidc-provider/" + name, nil, false, true},
		{"arn:aws:iam::444455556666:oidc-provider/" + name, known, false, false}, // of another account
		{"arn:aws:iam::444455556666:oidc-provider/" + name, nil, false, false},
		{"arn:aws:iam::111122223333:oidc-provider/" + name + "/", known, false, false},
		{"arn:aws:iam::111122223333:oidc-provider/login.example.com", known, false, false},
		{"arn:aws:iam::111122223333:saml-provider/" + name, known, false, false},
		{"arn:aws:sts::111122223333:oidc-provider/" + name, known, false, false},
		{"arn:aws:iam:us-east-1:111122223333:oidc-provider/" + name, known, false, false},
		{name, known, false, false},
		{"", known, false, false},
	} {
		pool := &idpool.PoolConfig{Pool: idpool.Pool{Account: account, OIDCProviderARNs: []string{row.arn}}, OIDCProviders: row.known}
		for dev, want := range map[bool]bool{false: row.strict, true: row.dev} {
			v := New(Config{Now: time.Now, Dev: dev})
			if got := v.Serves(pool, name); got != want {
				t.Errorf("dev %t, %s, known %t: serves %t", dev, row.arn, row.known != nil, got)
			}
			if !want {
				_, err := v.Verify(t.Context(), pool, login.Presented{Provider: name, Token: "x"})
				wantRefusal(t, err, "x", unsupported)
			}
		}
	}
}

// TestAccepted are the controls beside the attacks: tokens that are right.
func TestAccepted(t *testing.T) {
	t.Parallel()
	for _, alg := range []string{"RS256", "RS384", "RS512", "ES256", "ES384", "ES512"} {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, logintest.WithAlg(alg), logintest.WithPath("/realms/one"))
			want := idpool.VerifiedLogin{
				Login:      idpool.Login{Provider: w.Name(), Subject: "ann"},
				Detail:     "arn:aws:iam::111122223333:oidc-provider/" + w.Name() + ":OIDC:ann",
				MappingKey: "arn:aws:iam::111122223333:oidc-provider/" + w.Name(),
				TagsKey:    "arn:aws:iam::111122223333:oidc-provider/" + w.Name(),
				Client:     "app",
			}
			for _, how := range []string{"first", "again"} {
				got := w.accept(t, w.Token("ann"))
				if got.Claims["sub"] != "ann" || got.Claims["iss"] != w.URL {
					t.Errorf("%s: claims %v", how, got.Claims)
				}
				got.Claims = nil
				if !reflect.DeepEqual(got, want) {
					t.Errorf("%s: got %+v, want %+v", how, got, want)
				}
			}
		})
	}
	w := newWorld(t)
	long := logintest.NewKey(t, "ES384")
	long.ID = strings.Repeat("k", 256)
	w.Publish(w.Key(), long)
	now := w.now().Unix()
	deep := json.RawMessage(strings.Repeat("[", 63) + strings.Repeat("]", 63))
	for name, token := range map[string]string{
		"several audiences":           w.Token("ann", logintest.Audience("other", "shop")),
		"aud a list of one":           w.Token("ann", logintest.Claim("aud", []string{"shop"})),
		"azp":                         w.Token("ann", logintest.Audience("api"), logintest.Claim("azp", "app")),
		"azp and aud":                 w.Token("ann", logintest.Audience("app", "api"), logintest.Claim("azp", "app")),
		"azp null":                    w.Token("ann", logintest.Claim("azp", nil)),
		"nbf and iat null":            w.Token("ann", logintest.Claim("nbf", nil), logintest.Claim("iat", nil)),
		"no iat":                      w.Token("ann", logintest.Without("iat")),
		"no kid, one key":             w.Token("ann", logintest.WithoutHeader("kid")),
		"empty kid, one key":          w.Token("ann", logintest.Header("kid", "")),
		"no typ":                      w.Token("ann", logintest.WithoutHeader("typ")),
		"typ id_token":                w.Token("ann", logintest.Header("typ", "application/id_token+jwt")),
		"cty json":                    w.Token("ann", logintest.Header("cty", "json")),
		"b64 true":                    w.Token("ann", logintest.Header("b64", true)),
		"a member of its own":         w.Token("ann", logintest.Header("x", map[string]any{"y": []int{1}})),
		"its own key in the header":   w.Token("ann", logintest.Header("jwk", w.Key().JWK())),
		"a foreign key in the header": w.Token("ann", logintest.Header("jwk", logintest.NewKey(t, "ES256").JWK())),
		"no key in the header":        w.Token("ann", logintest.Header("jwk", "none"), logintest.Header("x5c", 1)),
		"jku":                         w.Token("ann", logintest.Header("jku", "http://127.0.0.1:1/keys")),
		"expired within the skew":     w.Token("ann", logintest.Claim("exp", now-59)),
		"nbf within the skew":         w.Token("ann", logintest.Claim("nbf", now+60)),
		"iat within the skew":         w.Token("ann", logintest.Claim("iat", now+60)),
		"fractions":                   w.Token("ann", logintest.Claim("exp", json.Number(fmt.Sprintf("%d.75", now+60))), logintest.Claim("iat", json.Number(fmt.Sprintf("%d.5e0", now)))),
		"exponent":                    w.Token("ann", logintest.Claim("exp", json.Number("2.5e9"))),
		"the last second":             w.Token("ann", logintest.Claim("exp", json.Number("253402300799"))),
		"nbf before 1970":             w.Token("ann", logintest.Claim("nbf", json.Number("-1"))),
		"EXP beside exp":              w.Token("ann", logintest.Claim("EXP", 1)),
		"AUD beside aud":              w.Token("ann", logintest.Claim("AUD", "other")),
		"SUB beside sub":              w.Token("ann", logintest.Claim("SUB", "bob")),
		"64 deep":                     w.Token("ann", logintest.Claim("x", deep)),
		"50,000 characters":           exactly(w, 50_000),
		"white space in the claims":   w.Token("ann", logintest.RawClaims(fmt.Sprintf(" {\n\t\"iss\" : %q, \"aud\":\"app\", \"sub\":\"\\u0061nn\", \"exp\": %d } \n", w.URL, now+60))),
		"a number nobody can compute": w.Token("ann", logintest.Claim("x", json.Number("1e99999"))),
		"a kid of 256 bytes":          w.Token("ann", logintest.SignedWith(long)),
	} {
		t.Run(name, func(t *testing.T) {
			for range 2 {
				if got := w.accept(t, token); got.Subject != "ann" {
					t.Errorf("subject %q", got.Subject)
				}
			}
		})
	}
}

// TestSubjects are pairs of people that must not become one (T-8): a subject is
// kept byte for byte.
func TestSubjects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	long := strings.Repeat("s", 254)
	seen := map[string]bool{}
	for _, sub := range []string{
		"ann", "Ann", "ANN", " ann", "ann ", "ann\t", "ann\n", "ann\x00", "\x00ann", "a nn", "a\u200bnn", "\ufeffann", "ａｎｎ", "аnn", "ann\u0301", "café", "cafe\u0301", "İ", "i", "ı", "ß", "ss", "ſ", "K", "\u212a",
		"0", "00", "1", "1.0", "1e0", "true", "null", "'", `"`, `\`, "%", "%00", "../ann", "ann;--", "ann,bob", "🙂", "\u202eann", long + "a", long + "b", "\U0010FFFF",
	} {
		got := w.accept(t, w.Token(sub))
		if got.Subject != sub || seen[got.Subject] || !strings.HasSuffix(got.Detail, ":OIDC:"+sub) {
			t.Errorf("subject %q became %q", sub, got.Subject)
		}
		seen[got.Subject] = true
	}
}

// TestClaims holds what the claims of a verified login are made of.
func TestClaims(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.Token("ann", logintest.RawClaims(fmt.Sprintf(`{"iss":%q,"aud":"app","sub":"ann","exp":9999999999,
		"n":1.50,"big":12345678901234567890,"yes":true,"no":false,"nothing":null,"list":["a",1,[]],"deep":{"a":{"b":"c"}},"ünï":"\ud83d\ude42"}`, w.URL)))
	want := idpool.Claims{
		"iss": w.URL, "aud": "app", "sub": "ann", "exp": json.Number("9999999999"), "n": json.Number("1.50"), "big": json.Number("12345678901234567890"),
		"yes": true, "no": false, "nothing": nil, "list": []any{"a", json.Number("1"), []any{}}, "deep": map[string]any{"a": map[string]any{"b": "c"}}, "ünï": "🙂",
	}
	if got := w.accept(t, token).Claims; !reflect.DeepEqual(got, want) {
		t.Errorf("got  %#v\nwant %#v", got, want)
	}
}

// TestSkew walks over the edges of the grace.
func TestSkew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	now := w.now().Unix()
	for _, row := range []struct {
		skew  time.Duration
		grace int64
	}{{0, 60}, {-1, 0}, {5 * time.Minute, 300}} {
		c := w.config()
		c.ClockSkew = row.skew
		w.v = New(c)
		w.accept(t, w.Token("ann", logintest.Claim("exp", now-row.grace+1)))
		w.refuse(t, w.Token("ann", logintest.Claim("exp", now-row.grace)), fmt.Sprintf("%s%d >= %d", expired, now, now-row.grace))
		for _, name := range []string{"nbf", "iat"} {
			w.accept(t, w.Token("ann", logintest.Claim(name, now+row.grace)))
			w.refuse(t, w.Token("ann", logintest.Claim(name, now+row.grace+1)), tooEarly)
		}
	}
}

// TestAudiences looks at providers with none, and at development mode, which
// takes a provider that IAM does not know with any.
func TestAudiences(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dev := w.config()
	dev.Dev, dev.AllowHTTP, dev.AllowCIDRs = true, false, nil
	name := w.Name()
	without := trusting(w.Issuer)
	without.OIDCProviders[name] = idpool.OIDCProvider{Account: account, Name: name, URL: w.URL}
	for _, c := range []Config{w.config(), dev} { // no client ID: nothing is accepted, in development mode neither
		for _, aud := range []any{"app", "", []string{}, nil} {
			_, err := present(t, New(c), without, name, w.Token("ann", logintest.Claim("aud", aud)))
			if err == nil {
				t.Errorf("dev %t, aud %v: accepted though no client ID is registered", c.Dev, aud)
			}
		}
	}
	byName := trusting(w.Issuer)
	byName.OIDCProviders = nil
	v := New(dev)
	if _, err := present(t, v, byName, name, w.Token("ann", logintest.Audience("anything"), logintest.Claim("azp", "whatever"))); err != nil {
		t.Error(err)
	}
	_, err := present(t, v, byName, name, w.Token("ann", logintest.Without("aud")))
	wantRefusal(t, err, "", noClaim+"aud")
	_, err = present(t, v, byName, name, w.Token("ann", logintest.Claim("iss", "http://evil.example")))
	wantRefusal(t, err, "", wrongIssuer)
	_, err = present(t, v, trusting(w.Issuer), name, w.Token("ann", logintest.Audience("anything"))) // known to IAM: as always
	wantRefusal(t, err, "", unsupported)
}

// TestOverride has a provider whose tokens come from elsewhere.
func TestOverride(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const name = "login.example.com"
	pool := trusting()
	pool.OIDCProviderARNs = []string{idpool.ProviderARN(account, name)}
	pool.OIDCProviders[name] = idpool.OIDCProvider{Account: account, Name: name, URL: "https://" + name, ClientIDs: []string{"app"}}
	elsewhere := logintest.Claim("iss", "https://"+name)
	for label, row := range map[string]struct {
		override  Override
		token     string
		discovery int
	}{
		"issuer":              {Override{Issuer: w.URL}, w.Token("ann"), 1},
		"issuer and jwks_uri": {Override{Issuer: w.URL, JWKSURI: w.URL + "/keys"}, w.Token("ann"), 0},
		"jwks_uri":            {Override{JWKSURI: w.URL + "/keys"}, w.Token("ann", elsewhere), 0},
	} {
		c := w.config()
		c.Overrides = map[string]Override{name: row.override}
		before := w.Fetches(logintest.Discovery)
		got, err := present(t, New(c), pool, name, row.token)
		if err != nil {
			t.Errorf("%s: %v", label, err)
		}
		if want := "arn:aws:iam::111122223333:oidc-provider/login.example.com:OIDC:ann"; got.Detail != want || got.Provider != name {
			t.Errorf("%s: login %+v, want detail %s", label, got.Login, want)
		}
		if n := w.Fetches(logintest.Discovery) - before; n != row.discovery {
			t.Errorf("%s: %d discovery documents fetched, want %d", label, n, row.discovery)
		}
		if row.override.Issuer != "" { // then the name itself is no issuer any more
			_, err = present(t, New(c), pool, name, w.Token("ann", elsewhere))
			wantRefusal(t, err, "", wrongIssuer)
		}
	}
}

// TestAlgorithms has an issuer under two names, one of which takes no token that
// is signed with anything but what it should be, seen before or not.
func TestAlgorithms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const strict = "login.example.com"
	w.pool.OIDCProviderARNs = append(w.pool.OIDCProviderARNs, idpool.ProviderARN(account, strict))
	w.pool.OIDCProviders[strict] = idpool.OIDCProvider{Account: account, Name: strict, URL: "https://" + strict, ClientIDs: []string{"app"}}
	token := w.Token("ann") // ES256
	for _, row := range []struct {
		algorithms []string
		taken      bool
	}{{nil, true}, {[]string{"RS256", "ES256"}, true}, {[]string{"RS256"}, false}, {[]string{"ES384", "es256"}, false}} {
		c := w.config()
		c.Overrides = map[string]Override{strict: {Issuer: w.URL, Algorithms: row.algorithms}}
		w.v = New(c)
		for _, seen := range []bool{false, true} {
			_, err := present(t, w.v, w.pool, strict, token)
			if row.taken && err != nil {
				t.Errorf("%v, seen before %t: %v", row.algorithms, seen, err)
			}
			if !row.taken {
				wantRefusal(t, err, "signature", unverified)
			}
			w.accept(t, token) // under the other name
		}
	}
}

// TestRefusals reads what the operator is told.
func TestRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for token, want := range map[string][]string{
		w.Token("ann", logintest.Claim("iss", w.URL+"/")):                                  {"issuer: ", w.URL, "slash at the end"},
		w.Token("ann", logintest.Claim("iss", strings.Replace(w.URL, "http", "https", 1))): {"issuer: ", "the scheme"},
		w.Token("ann", logintest.Claim("iss", strings.ToUpper(w.URL))):                     {"issuer: ", "upper and lower case"},
		w.Token("ann", logintest.Claim("iss", w.URL+"/realms/one")):                        {"issuer: ", fmt.Sprintf("from character %d on", len(w.URL)+1)},
		w.Token("ann", logintest.Audience("web", "api")):                                   {"audience: ", `one of "app" "shop"`, `got "web" "api"`},
		w.Token("ann", logintest.Claim("azp", "web")):                                      {"audience: ", `got "web"`},
		w.Token("ann", logintest.Without("aud"), logintest.Claim("scope", "openid")):       {"claims: ", "aud", "access token, send the ID token"},
		w.Token("ann", logintest.Header("typ", "at+jwt")):                                  {"header: ", "access token, send the ID token"},
		w.Token("ann", logintest.Header("alg", "HS256")):                                   {"header: ", "RS256", `"HS256"`},
		w.Token("ann", logintest.Header("kid", "an\nother")):                               {"key: ", `"an\nother"`, "key set fetched at 2026-03-04T05:06:07Z"},
		w.Token("ann", logintest.Signature(zeros(64))):                                     {"signature: ", w.Key().ID, "fetched at 2026-03-04T05:06:07Z"},
		w.Token("ann", logintest.ExpiresIn(-time.Hour)):                                    {"expiry: ", "2026-03-04T04:06:07Z", "2026-03-04T05:06:07Z"},
		w.Token("ann", logintest.Claim("nbf", w.now().Unix()+3600)):                        {"start: ", "2026-03-04T06:06:07Z"},
		"ya29.opaque": {"parse: ", "1 dots"}, "opaque": {"parse: ", "opaque access token; send the ID token"}, "a.b.c.d.e": {"parse: ", "encrypted"}, "{}": {"parse: ", "JSON"},
		w.Token("ann", logintest.Claim("exp", "soon")):                    {"claims: ", "exp is not a number of seconds"},
		w.Token("ann", logintest.Claim("iss", strings.Repeat("i", 9000))): {"issuer: ", `iiii": `},
	} {
		_, err := w.present(t, token)
		if err == nil {
			t.Errorf("accepted, want a refusal with %q", want)
			continue
		}
		for _, part := range want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s\ndoes not say %q", err, part)
			}
		}
	}
	w.Answer(logintest.KeySet, logintest.Status(http.StatusBadGateway))
	w.v = New(w.config())
	_, err := w.present(t, w.Token("ann"))
	why, ok := errors.AsType[*login.Refusal](err)
	if !ok || why.Check != "key" || !strings.Contains(why.Error(), "status 502") || !strings.Contains(why.Error(), "/keys") {
		t.Errorf("the refusal does not say that the key set could not be fetched: %v", err)
	}
}
