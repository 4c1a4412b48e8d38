package node_test

import (
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"idpool/internal/idpool"
	"idpool/internal/login/logintest"
	"idpool/internal/login/oidc"
	"idpool/internal/login/social"
	"idpool/internal/node"
	"idpool/internal/saml"
	"idpool/internal/saml/samltest"
)

var update = flag.Bool("update", false, "write docs/providers.md anew")

const providersPage = "../../docs/providers.md"

// conditions are what a token can be, in the order of the page.
var conditions = []string{"valid", "expired", "too early", "for another application", "of another issuer", "with an unknown key", "forged", "taken back", "of the wrong sort", down}

// down is the one condition that is not the token's.
const down = "provider down"

// providerKind is a row of the page: the tokens of one kind of provider.
type providerKind struct {
	title, about string
	key          string                   // of the Logins map
	tokens       map[string]func() string // by condition
	// identity is whose credentials are asked for; without it the call is GetId.
	identity string
	// stillKeys is that the keys of its tokens are at hand when it is down.
	stillKeys bool
}

// hand is a clock that tests set by hand.
type hand struct{ at atomic.Pointer[time.Time] }

func (h *hand) set(t time.Time) { h.at.Store(&t) }
func (h *hand) now() time.Time  { return *h.at.Load() }

// noon is the time of the page.
var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// The names of the page.
const (
	userPoolKey    = "cognito-idp.us-east-1.amazonaws.com/us-east-1_Ab12Cd34E"
	checkedPoolKey = "cognito-idp.us-east-1.amazonaws.com/us-east-1_Ch3ck3d00"
	samlKey        = "arn:aws:iam::" + account + ":saml-provider/corp"
)

// TestProviders holds that every kind of provider answers every kind of token as
// docs/providers.md says, text and cause.
func TestProviders(t *testing.T) {
	t.Parallel()
	clock := &hand{}
	clock.set(noon.Add(-time.Hour))
	p := newProviders(t, clock)
	w := p.world
	rows := p.kinds()
	clock.set(noon)
	answers := make([]map[string]outcome, len(rows))
	for i, kind := range rows {
		answers[i] = map[string]outcome{}
		for _, c := range conditions {
			if token := kind.tokens[c]; token != nil && (c != down || kind.stillKeys) {
				answers[i][c] = p.present(kind, c, token())
			}
		}
	}
	p.down()
	clock.set(noon.Add(2 * time.Hour)) // no key set and no answer is remembered any more
	for i, kind := range rows {
		if token := kind.tokens[down]; token != nil && !kind.stillKeys {
			answers[i][down] = p.present(kind, down, token())
		}
	}
	w.wantNoSecret("the log", w.log.String())
	for i, kind := range rows {
		for c, a := range answers[i] {
			good := c == "valid" || c == "taken back" && kind.key == userPoolKey // nobody asks that user pool
			switch {
			case (a.code == "ok") != good:
				t.Errorf("%s, %s: %+v", kind.title, c, a)
			case !good && a.code != "ResourceNotFoundException" && (a.text == "" || a.cause == "" || strings.Contains(a.cause, a.text)):
				t.Errorf("%s, %s: the operator does not learn why: %+v", kind.title, c, a)
			}
		}
	}
	want := p.page(rows, answers)
	if *update {
		if err := os.WriteFile(providersPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(providersPage)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("docs/providers.md is stale: run \"make gen\" and read the difference; it should be\n%s", want)
	}
}

// providers is a server, and everybody whom it takes logins from.
type providers struct {
	t         *testing.T
	world     *world
	issuer    *logintest.Issuer // of all ID tokens
	stranger  *logintest.Key
	users     *logintest.UserPool
	graph     *logintest.Graph
	tokenInfo *logintest.TokenInfo
	twitter   *logintest.Twitter
	corp      *samltest.Provider
	pool      string
}

func newProviders(t *testing.T, clock *hand) *providers {
	t.Helper()
	p := &providers{t: t, stranger: logintest.NewKey(t, "ES256"), corp: samltest.New("https://idp.example.com")}
	key := aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "user-pool-secret"}
	p.issuer = logintest.NewIssuer(t, logintest.WithClock(clock.now))
	known := p.issuer.Key()
	known.ID, p.stranger.ID = "key-1", "key-2"
	p.users = logintest.NewUserPool(t, clock.now, "us-east-1_Ch3ck3d00", key)
	p.users.Put("ann", "ann")
	p.graph = logintest.NewGraph(t, clock.now, map[string]string{"1234567890": "facebook-secret", "9876543210": "another"})
	p.tokenInfo = logintest.NewTokenInfo(t, clock.now)
	p.twitter = logintest.NewTwitter(t, clock.now, map[string]string{"consumer": "twitter-secret", "another": "another"})

	keys := oidc.Override{JWKSURI: p.issuer.URL + "/keys"}
	checked := keys
	checked.UserPool = oidc.UserPool{Endpoint: p.users.URL, AccessKey: key}
	store := openStore(t, filepath.Join(t.TempDir(), "idpool.db"))
	t.Cleanup(func() { store.Close() })
	w, stop := start(t, store, func(c *node.Config) {
		c.Now, c.Issuer, c.RolesByName = clock.now, "https://idpool.example.com", true
		c.OIDC.Overrides = map[string]oidc.Override{
			"login.example.com": keys, userPoolKey: keys, checkedPoolKey: checked,
			"accounts.google.com": keys, "appleid.apple.com": keys, "graph.facebook.com": keys,
		}
		c.Social = map[string]social.Override{
			"graph.facebook.com": {Endpoint: p.graph.URL, AppSecrets: map[string]string{"": "facebook-secret"}},
			"www.amazon.com":     {Endpoint: p.tokenInfo.URL}, "api.twitter.com": {Endpoint: p.twitter.URL},
		}
	})
	t.Cleanup(stop)
	p.world = w
	w.secret("the user pool's key", key.SecretAccessKey)
	w.secret("the secret of Facebook's application", "facebook-secret")
	err := store.Update(t.Context(), func(out idpool.Writer) error {
		err := out.PutOIDCProvider(t.Context(), idpool.OIDCProvider{Account: account, Name: "login.example.com", URL: "https://login.example.com", ClientIDs: []string{"app"}, Created: noon})
		if err == nil {
			err = out.PutSAMLProvider(t.Context(), idpool.SAMLProvider{Account: account, Name: "corp", ID: "ASPAAAAAAAAAAAAAAAAAA", Metadata: p.corp.Metadata(), ValidUntil: noon.AddDate(9, 0, 0), Created: noon})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	p.pool = p.newPool(map[string]any{
		"OpenIdConnectProviderARNs": []string{"arn:aws:iam::" + account + ":oidc-provider/login.example.com"},
		"CognitoIdentityProviders": []any{
			map[string]any{"ProviderName": userPoolKey, "ClientId": "app"},
			map[string]any{"ProviderName": checkedPoolKey, "ClientId": "app", "ServerSideTokenCheck": true},
		},
		"SupportedLoginProviders": map[string]string{
			"accounts.google.com": "app", "appleid.apple.com": "app", "graph.facebook.com": "1234567890",
			"www.amazon.com": "amzn1.application.188a", "api.twitter.com": "consumer;twitter-secret",
		},
		"SamlProviderARNs": []string{samlKey},
	})
	return p
}

// newPool makes a pool with a developer provider and roles.
func (p *providers) newPool(settings map[string]any) string {
	settings["IdentityPoolName"], settings["AllowUnauthenticatedIdentities"], settings["DeveloperProviderName"] = "p", false, "back.end"
	root := credentials{id: p.world.root.ID, secret: p.world.root.Secret}
	var pool struct {
		IdentityPoolID string `json:"IdentityPoolId"`
	}
	p.world.cognito("CreateIdentityPool", root, http.StatusOK, settings, &pool)
	p.world.cognito("SetIdentityPoolRoles", root, http.StatusOK, map[string]any{"IdentityPoolId": pool.IdentityPoolID,
		"Roles": map[string]string{"authenticated": "arn:aws:iam::" + account + ":role/Member"}}, nil)
	return pool.IdentityPoolID
}

// developer makes a token of the server's own for a user of the back end.
func (p *providers) developer(pool, user string) (identity, token string) {
	root := credentials{id: p.world.root.ID, secret: p.world.root.Secret}
	var out struct {
		IdentityID string `json:"IdentityId"`
		Token      string
	}
	p.world.cognito("GetOpenIdTokenForDeveloperIdentity", root, http.StatusOK, map[string]any{"IdentityPoolId": pool, "Logins": map[string]string{"back.end": user}}, &out)
	return out.IdentityID, out.Token
}

// down stops every provider.
func (p *providers) down() {
	p.issuer.Close()
	for _, api := range []*logintest.API{p.users.API, p.graph.API, p.tokenInfo.API, p.twitter.API} {
		api.Close()
	}
}

// kinds are the rows of the page.
func (p *providers) kinds() []providerKind {
	google := p.idTokens("https://accounts.google.com", "app")
	facebook := p.idTokens("https://www.facebook.com", "1234567890")
	plain, checked := p.idTokens("https://"+userPoolKey, "app", "token_use"), p.idTokens("https://"+checkedPoolKey, "app", "token_use")
	plain["taken back"] = plain["valid"] // the user is deleted, and nobody asks
	checked["taken back"] = func() string { p.users.Delete("ann"); return checked["valid"]() }
	checked[down] = func() string { p.users.Close(); return checked["valid"]() }
	return []providerKind{
		{title: "OpenID Connect", key: "login.example.com", tokens: p.idTokens("https://login.example.com", "app"),
			about: "The issuer is registered with IAM. Its keys are fetched and kept; what it takes back it cannot tell."},
		{title: "user pool", key: userPoolKey, tokens: plain, about: "A Cognito user pool, under either of its issuers. A user who was deleted keeps what the token allows until it expires."},
		{title: "user pool, ServerSideTokenCheck", key: checkedPoolKey, tokens: checked, stillKeys: true, about: "The user pool is asked each time whether its user is there and enabled (AdminGetUser). It does not tell who was signed out."},
		{title: "Google", key: "accounts.google.com", tokens: google, about: "Both spellings of its issuer; `azp` decides if it is there."},
		{title: "Apple", key: "appleid.apple.com", tokens: p.idTokens("https://appleid.apple.com", "app"), about: "An identity token."},
		p.facebook(),
		{title: "Facebook Limited Login", key: "graph.facebook.com", tokens: facebook, about: "An ID token, which the hosted service does not take."},
		p.amazon(), p.twitterKind(), p.samlKind(), p.ownTokens(),
	}
}

// idTokens are ID tokens of an issuer for an application. Those of a user pool
// say what they are for.
func (p *providers) idTokens(iss, app string, more ...string) map[string]func() string {
	token := func(opts ...logintest.TokenOption) func() string {
		return func() string {
			all := []logintest.TokenOption{logintest.Claim("iss", iss), logintest.Audience(app)}
			if len(more) > 0 {
				all = append(all, logintest.Claim("token_use", "id"))
			}
			return p.issuer.Token("ann", append(all, opts...)...)
		}
	}
	wrong := func() string { return "ya29-opaque" }
	if len(more) > 0 {
		wrong = token(logintest.Claim("token_use", "access"), logintest.Without("aud"))
	}
	return map[string]func() string{
		"of the wrong sort":       wrong,
		"valid":                   token(),
		"expired":                 token(logintest.ExpiresIn(-time.Hour)),
		"too early":               token(logintest.Claim("nbf", noon.Add(time.Hour).Unix())),
		"for another application": token(logintest.Audience("another")),
		"of another issuer":       token(logintest.Claim("iss", iss+"/")),
		"with an unknown key":     token(logintest.SignedWith(p.stranger)),
		"forged":                  token(logintest.SignedWith(p.stranger), logintest.Header("kid", "key-1")),
		down:                      token(),
	}
}

func (p *providers) facebook() providerKind {
	token := func(app string, lifetime time.Duration) func() string {
		return func() string { return p.graph.Token(app, "ann", lifetime) }
	}
	return providerKind{title: "Facebook", key: "graph.facebook.com", about: "An access token. The Graph API is asked: `/debug_token` where `app_secret_file` is configured, else `/app` and `/me`.",
		tokens: map[string]func() string{
			"valid": token("1234567890", time.Hour), "expired": token("1234567890", -time.Hour), "for another application": token("9876543210", time.Hour),
			"forged": func() string { return "EAAforged" },
			"taken back": func() string {
				text := p.graph.Token("1234567890", "ann", time.Hour)
				p.graph.Revoke(text)
				return text
			},
			down: token("1234567890", time.Hour),
		}}
}

func (p *providers) amazon() providerKind {
	token := func(app string, lifetime time.Duration) func() string {
		return func() string { return p.tokenInfo.Token(app, "amzn1.application-oa2-client.29b3", "ann", lifetime) }
	}
	const app = "amzn1.application.188a"
	return providerKind{title: "Amazon", key: "www.amazon.com", about: "An access token. Login with Amazon is asked (`/auth/o2/tokeninfo`); the pool may name the application by its ID or its client ID.",
		tokens: map[string]func() string{
			"valid": token(app, time.Hour), "expired": token(app, -time.Hour), "for another application": token("amzn1.application.other", time.Hour),
			"forged": func() string { return "Atza-forged" }, "of the wrong sort": func() string { return p.issuer.Token("ann") },
			"taken back": func() string {
				text := p.tokenInfo.Token(app, "", "ann", time.Hour)
				p.tokenInfo.Revoke(text)
				return text
			},
			down: token(app, time.Hour),
		}}
}

func (p *providers) twitterKind() providerKind {
	return providerKind{title: "Twitter", key: "api.twitter.com", about: "`TOKEN;SECRET` of OAuth 1.0. Twitter is asked (`/1.1/account/verify_credentials.json`) with the consumer key and secret that the pool names. `www.digits.com` is the same.",
		tokens: map[string]func() string{
			"valid":                   func() string { return p.twitter.Token("consumer", "ann") },
			"for another application": func() string { return p.twitter.Token("another", "ann") },
			"with an unknown key":     func() string { return p.twitter.Token("consumer", "ann") + "x" },
			"forged":                  func() string { return "7-forged;forged" },
			"taken back": func() string {
				pair := p.twitter.Token("consumer", "ann")
				p.twitter.Revoke(pair)
				return pair
			},
			down: func() string { return p.twitter.Token("consumer", "ann") },
		}}
}

func (p *providers) samlKind() providerKind {
	response := func(by *samltest.Provider, change func(*samltest.Wish)) func() string {
		return func() string {
			wish := samltest.Wish{At: noon, ID: "_assertion", Attributes: [][]string{{saml.SessionNameAttribute, "ann"}, {saml.RoleAttribute, "arn:aws:iam::" + account + ":role/Staff," + samlKey}}}
			change(&wish)
			return by.Signed(wish)
		}
	}
	as := func(*samltest.Wish) {}
	return providerKind{title: "SAML", key: samlKey, about: "A response in base64. The provider's metadata is at hand; nobody is asked.",
		tokens: map[string]func() string{
			"valid":                   response(p.corp, as),
			"expired":                 response(p.corp, func(w *samltest.Wish) { w.At = noon.Add(-time.Hour) }),
			"too early":               response(p.corp, func(w *samltest.Wish) { w.At = noon.Add(time.Hour) }),
			"for another application": response(p.corp, func(w *samltest.Wish) { w.Audience = "urn:another" }),
			"of another issuer":       response(samltest.WithKey("https://idp.example.com/", p.corp.Key), as),
			"with an unknown key":     response(samltest.New(p.corp.EntityID), as),
			"forged": func() string {
				text, _ := base64.StdEncoding.DecodeString(response(p.corp, as)())
				return samltest.Post(strings.Replace(string(text), ">ann<", ">eve<", 1))
			},
		}}
}

// ownTokens are the tokens of the server itself, which a back end fetches for
// its users.
func (p *providers) ownTokens() providerKind {
	identity, old := p.developer(p.pool, "ann") // an hour before
	other := p.newPool(map[string]any{})
	fresh := func(pool string) func() string {
		return func() string {
			_, token := p.developer(pool, "ann")
			return token
		}
	}
	forged := func(iss string, opts ...logintest.TokenOption) func() string {
		return func() string {
			all := []logintest.TokenOption{logintest.Claim("iss", iss), logintest.Audience(p.pool), logintest.Claim("amr", []string{"authenticated"})}
			return p.issuer.Token(identity, append(all, opts...)...)
		}
	}
	return providerKind{title: "developer", key: "cognito-identity.amazonaws.com", identity: identity,
		about: "A token of this server, from GetOpenIdTokenForDeveloperIdentity, in GetCredentialsForIdentity. For the other application: another pool.",
		tokens: map[string]func() string{
			"valid":                   fresh(p.pool),
			"expired":                 func() string { return old },
			"for another application": fresh(other),
			"of another issuer":       forged("https://login.example.com"),
			"with an unknown key":     forged("https://idpool.example.com"),
			"forged": func() string {
				parts := strings.Split(fresh(p.pool)(), ".")
				claims, _ := base64.RawURLEncoding.DecodeString(parts[1])
				parts[1] = base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(claims), `"sub":"us-east-1:`, `"sub":"eu-west-1:`, 1)))
				return strings.Join(parts, ".")
			},
			"taken back": func() string {
				token := fresh(p.pool)()
				root := credentials{id: p.world.root.ID, secret: p.world.root.Secret}
				p.world.cognito("DeleteIdentities", root, http.StatusOK, map[string]any{"IdentityIdsToDelete": []string{identity}}, nil)
				return token
			},
		}}
}

// outcome is what a client and the operator read.
type outcome struct{ code, text, cause string }

// present shows a token and reads the answer, and the event of it.
func (p *providers) present(kind providerKind, condition, token string) outcome {
	p.t.Helper()
	w := p.world
	for part := range strings.FieldsFuncSeq(token, func(r rune) bool { return r == '.' || r == ';' }) {
		if len(part) > 12 && !strings.HasPrefix(part, "eyJ") {
			w.secret(kind.title+", "+condition, part)
		}
	}
	op, in := "GetId", map[string]any{"IdentityPoolId": p.pool, "Logins": map[string]string{kind.key: token}}
	if kind.identity != "" {
		op, in = "GetCredentialsForIdentity", map[string]any{"IdentityId": kind.identity, "Logins": map[string]string{kind.key: token}}
	}
	body, err := json.Marshal(in)
	if err != nil {
		p.t.Fatal(err)
	}
	status, answer := w.send("POST", "", "application/x-amz-json-1.1", op, string(body), credentials{})
	if status == http.StatusOK {
		return outcome{code: "ok"}
	}
	var fault struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal([]byte(answer), &fault); err != nil {
		p.t.Fatalf("%s, %s: %s: %v", kind.title, condition, answer, err)
	}
	events := w.events()
	cause, _ := events[len(events)-1]["cause"].(string)
	return outcome{fault.Type, fault.Message, cause}
}

// changing are the parts of a text that differ from run to run.
var changing = []struct {
	form *regexp.Regexp
	as   string
}{
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "127.0.0.1"},
	{regexp.MustCompile(`us-east-1:[0-9a-f-]{36}`), "us-east-1:ID"},
}

// configure is the part of the page that no test can write.
const configure = `
In the configuration file, each key where it is needed:

    providers:
      "cognito-idp.us-east-1.amazonaws.com/us-east-1_Ab12Cd34E":
        issuer: "http://127.0.0.1:9229/us-east-1_Ab12Cd34E"         # iss of its tokens, and the base of discovery
        jwks_uri: "http://127.0.0.1:9229/us-east-1_Ab12Cd34E/.well-known/jwks.json"   # the keys, without discovery
        algorithms: [RS256]                                         # that sign its tokens; without it RS256 to RS512, ES256 to ES512
        user_info_endpoint: "http://127.0.0.1:9229/"                # API that ServerSideTokenCheck asks; AWS's without it
        user_info_credentials_file: /run/secrets/user-pool          # key that may cognito-idp:AdminGetUser, in the form that AWS tools read
      graph.facebook.com:
        endpoint: "https://graph.facebook.com"                      # base address of the API that is asked; also of www.amazon.com, api.twitter.com
        app_secret_file: /run/secrets/facebook                      # of the application, or a line APPLICATION|SECRET for each;
                                                                    # without it Facebook is asked with the token alone
    network:
      allow_cidrs: [10.20.0.0/16]                                   # private or special ranges that providers may live in
      allow_http: true                                              # plain http, for the addresses above
      ca_file: /etc/idpool/ca.pem                                   # authorities that vouch for providers, beside the system's
      key_set_ttl: 1h                                               # how long a key is believed that its issuer withdrew; at most 24h
    tokens:
      clock_skew: 60s                                               # grace for exp, nbf and iat; 0s to 10m
    saml:
      audiences: ["urn:example:app"]                                # for whom assertions may be, beside AWS
      recipients: ["https://app.example.com/saml"]                  # where they may be sent, beside AWS and our issuer's /saml

IAM takes the address of an issuer as AWS does: https, and without a port. An issuer that lives elsewhere is registered under such a name, and its ` + "`issuer`" + `
stands here: its people come as people of the name.

A provider is asked at addresses that the network section allows, within 10 seconds, and is never followed elsewhere. With the secret, Facebook says more of a
token: whether it is a person's, and when it ends.
`

// page is docs/providers.md.
func (p *providers) page(rows []providerKind, answers []map[string]outcome) string {
	cell := func(text string) string {
		for _, c := range changing {
			text = c.form.ReplaceAllString(text, c.as)
		}
		return strings.NewReplacer("|", `\|`, "\n", "; ", "*", `\*`).Replace(text)
	}
	var b strings.Builder
	b.WriteString("# Whose tokens are taken, and how one that is not is refused\n\n" +
		"Written by `make gen` from a test that shows each of these tokens to a server at " + noon.Format(time.RFC3339) + "; do not edit.\n\n" +
		"`ok`: the person is signed in. **N**: NotAuthorizedException. **E**: ExternalServiceException, worth another try. **R**: ResourceNotFoundException.\n" +
		"Empty: there is no such thing. Nobody is let in because a provider cannot be asked.\n\n| |")
	for _, c := range conditions {
		b.WriteString(" " + c + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(conditions)) + "\n")
	for i, kind := range rows {
		fmt.Fprintf(&b, "| [%s](#%s) |", kind.title, anchor(kind.title))
		for _, c := range conditions {
			short := answers[i][c].code
			if short != "ok" && short != "" {
				short = "**" + short[:1] + "**"
			}
			b.WriteString(" " + short + " |")
		}
		b.WriteString("\n")
	}
	b.WriteString(configure + "\nWhat follows says for each token what the client reads, and what the operator finds in the log under the ID of the request.\n")
	for i, kind := range rows {
		fmt.Fprintf(&b, "\n## %s\n\n`%s`. %s\n\n| token | the client reads | the log says |\n|---|---|---|\n", kind.title, kind.key, kind.about)
		for _, c := range conditions {
			if a, shown := answers[i][c]; shown {
				fmt.Fprintf(&b, "| %s | %s | %s |\n", c, cell(strings.TrimSpace(a.code+" "+quoted(a.text))), cell(a.cause))
			}
		}
	}
	return b.String()
}

func quoted(text string) string {
	if text == "" {
		return ""
	}
	return "`" + text + "`"
}

// anchor is the address of a headline, as those who show Markdown make it.
func anchor(title string) string {
	return strings.ReplaceAll(strings.ReplaceAll(strings.ToLower(title), ",", ""), " ", "-")
}
