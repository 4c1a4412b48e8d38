package social

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"idpool/internal/fetch"
	"idpool/internal/idpool"
	"idpool/internal/login"
	"idpool/internal/login/logintest"
	"idpool/internal/login/oidc"
)

// clock is a clock that tests move by hand.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// The applications that the pool of the tests names, and a stranger's.
const (
	facebookApp    = "1234567890"
	facebookSecret = "facebook-secret"
	amazonApp      = "amzn1.application.188a"
	amazonClient   = "amzn1.application-oa2-client.29b3"
	consumer       = "consumer-key"
	consumerSecret = "consumer/secret+="
	stranger       = "stranger"
)

// world is every provider, a pool that trusts them, and a verifier that asks
// them.
type world struct {
	*clock
	graph     *logintest.Graph
	tokenInfo *logintest.TokenInfo
	twitter   *logintest.Twitter
	overrides map[string]Override
	pool      *idpool.PoolConfig
	v         *Verifier
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{clock: &clock{at: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)}}
	w.graph = logintest.NewGraph(t, w.now, map[string]string{facebookApp: facebookSecret, stranger: "s"})
	w.tokenInfo = logintest.NewTokenInfo(t, w.now)
	w.twitter = logintest.NewTwitter(t, w.now, map[string]string{consumer: consumerSecret, stranger: "s"})
	w.overrides = map[string]Override{
		"graph.facebook.com": {Endpoint: w.graph.URL + "/", AppSecrets: map[string]string{"": facebookSecret}},
		"www.amazon.com":     {Endpoint: w.tokenInfo.URL},
		"api.twitter.com":    {Endpoint: w.twitter.URL},
		"www.digits.com":     {Endpoint: w.twitter.URL},
	}
	w.pool = &idpool.PoolConfig{Pool: idpool.Pool{SupportedLoginProviders: map[string]string{
		"graph.facebook.com": facebookApp, "www.amazon.com": amazonApp,
		"api.twitter.com": consumer + ";" + consumerSecret, "www.digits.com": consumer + ";" + consumerSecret,
	}}}
	w.v = New(w.config())
	return w
}

func (w *world) config() Config {
	return Config{Now: w.now, Policy: fetch.Policy{AllowHTTP: true, AllowCIDRs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}, Overrides: w.overrides}
}

// withoutSecret is a verifier that asks Facebook without the application's
// secret.
func (w *world) withoutSecret() *Verifier {
	c := w.config()
	c.Overrides = map[string]Override{"graph.facebook.com": {Endpoint: w.graph.URL}}
	return New(c)
}

func (w *world) present(t *testing.T, v *Verifier, provider, token string) (idpool.VerifiedLogin, error) {
	t.Helper()
	if !v.Serves(w.pool, provider) {
		t.Fatalf("%s is not served", provider)
	}
	got, err := v.Verify(t.Context(), w.pool, login.Presented{Provider: provider, Token: login.Token(token)})
	if err != nil {
		for _, secret := range append(strings.Split(token, ";"), facebookSecret, consumerSecret) {
			if len(secret) > 8 && strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error says a secret: %v", provider, err)
			}
		}
	}
	return got, err
}

func (w *world) accept(t *testing.T, v *Verifier, provider, app, token string) {
	t.Helper()
	got, err := w.present(t, v, provider, token)
	if err != nil {
		t.Errorf("%s: %v", provider, err)
		return
	}
	if got.Login != (idpool.Login{Provider: provider, Subject: "ann"}) || got.Detail != provider+":"+app+":ann" || got.MappingKey != provider ||
		got.TagsKey != provider || got.Client != app || got.Claims["iss"] != provider || got.Claims["aud"] != app || got.Claims["sub"] != "ann" {
		t.Errorf("%s: %+v", provider, got)
	}
}

// The texts of a refusal.
const (
	unsupported = "Token is not from a supported provider of this identity pool."
	notAccepted = "Invalid login token. The provider does not accept it."
)

func (w *world) refuse(t *testing.T, v *Verifier, provider, token, text, check string) {
	t.Helper()
	_, err := w.present(t, v, provider, token)
	fault, _ := errors.AsType[*idpool.Error](err)
	why, _ := errors.AsType[*login.Refusal](err)
	if fault == nil || fault.Kind != idpool.NotAuthorized || !strings.HasPrefix(fault.Msg, text) {
		t.Errorf("%s: %v, want %q", provider, err, text)
	}
	if why == nil || why.Provider != provider || why.Check != check || why.Got == "" || why.Expected == "" {
		t.Errorf("%s: the operator does not learn why: %v", provider, err)
	}
}

func (w *world) unavailable(t *testing.T, v *Verifier, provider, token string) {
	t.Helper()
	if _, err := w.present(t, v, provider, token); idpool.KindOf(err) != idpool.Upstream {
		t.Errorf("%s: %v, want that it could not be asked", provider, err)
	}
}

// TestFacebook is the Graph API, asked with the secret of the application and
// without it.
func TestFacebook(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const name = "graph.facebook.com"
	for how, v := range map[string]*Verifier{"secret": w.v, "no secret": w.withoutSecret()} {
		t.Log(how)
		token := w.graph.Token(facebookApp, "ann", time.Hour)
		w.accept(t, v, name, facebookApp, token)
		w.refuse(t, v, name, w.graph.Token(stranger, "ann", time.Hour), unsupported, "audience")
		w.refuse(t, v, name, w.graph.Token(facebookApp, "ann", -time.Second), notAccepted, "token")
		w.refuse(t, v, name, "EAAforged", notAccepted, "token")
		w.refuse(t, v, name, "", notAccepted, "token")
		w.refuse(t, v, name, strings.Repeat("x", 4097), notAccepted, "parse")
		w.refuse(t, v, name, "eyJhbGciOiJub25lIn0.e30.x", notAccepted, "parse")
		w.graph.Revoke(token)
		w.advance(remembered)
		w.refuse(t, v, name, token, notAccepted, "token")
	}
	c := w.config()
	c.Overrides = map[string]Override{name: {Endpoint: w.graph.URL, AppSecrets: map[string]string{"": "of-another-one", facebookApp: facebookSecret}}}
	w.accept(t, New(c), name, facebookApp, w.graph.Token(facebookApp, "ann", time.Hour))
	w.refuse(t, w.v, name, w.graph.PageToken(facebookApp, "page"), notAccepted, "token")

	good := w.graph.Token(facebookApp, "ann", time.Hour)
	c.Overrides = map[string]Override{name: {Endpoint: w.graph.URL, AppSecrets: map[string]string{"": "wrong-secret"}}}
	w.unavailable(t, New(c), name, good)
	for what, h := range map[string]http.Handler{
		"throttled":      answering(http.StatusForbidden, `{"error":{"code":4}}`),
		"secret wanted":  answering(http.StatusBadRequest, `{"error":{"code":100}}`),
		"throttled tool": answering(http.StatusOK, `{"data":{"is_valid":false,"error":{"code":17}}}`),
		"down inside":    answering(http.StatusBadRequest, `{"error":{"code":190,"is_transient":true}}`),
		"another status": answering(http.StatusInternalServerError, `{"error":{"code":190}}`),
		"nobody":         answering(http.StatusOK, `{"id":"`+facebookApp+`","data":{"is_valid":true,"app_id":"`+facebookApp+`"}}`),
	} {
		w.graph.Answer(h)
		t.Log(what)
		w.unavailable(t, w.v, name, good)
		if what != "nobody" && what != "throttled tool" {
			w.unavailable(t, w.withoutSecret(), name, good)
		}
	}
	w.graph.Answer(answering(http.StatusOK, `{"data":{"is_valid":true,"app_id":`+facebookApp+`,"user_id":7,"expires_at":0}}`)) // as numbers, and for ever
	if got, err := w.present(t, w.v, name, good); err != nil || got.Subject != "7" {
		t.Errorf("numbers: %+v %v", got, err)
	}
	w.graph.Answer(answering(http.StatusOK, `{"data":{"is_valid":true,"app_id":"`+facebookApp+`","user_id":"ann","expires_at":1}}`))
	w.refuse(t, w.v, name, good+"x", "Invalid login token. Token expired: ", "expiry")
}

// TestAmazon: the pool may name the application by either of its IDs.
func TestAmazon(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const name = "www.amazon.com"
	token := w.tokenInfo.Token(amazonApp, amazonClient, "ann", time.Hour)
	w.accept(t, w.v, name, amazonApp, token)
	w.refuse(t, w.v, name, w.tokenInfo.Token(stranger, stranger, "ann", time.Hour), unsupported, "audience")
	w.refuse(t, w.v, name, w.tokenInfo.Token(amazonApp, amazonClient, "ann", -time.Hour), notAccepted, "token")
	w.refuse(t, w.v, name, "Atza|forged&access_token=x", notAccepted, "token")
	w.pool.SupportedLoginProviders[name] = amazonClient
	w.accept(t, w.v, name, amazonClient, token)
	w.tokenInfo.Revoke(token)
	w.advance(remembered)
	w.refuse(t, w.v, name, token, notAccepted, "token")
	for what, body := range map[string]string{
		"no exp":       `{"aud":"` + amazonClient + `","user_id":"ann"}`,
		"no user":      `{"aud":"` + amazonClient + `","exp":9}`,
		"long user":    `{"aud":"` + amazonClient + `","exp":9,"user_id":"` + strings.Repeat("x", 256) + `"}`,
		"exp a string": `{"aud":"` + amazonClient + `","exp":"9","user_id":"ann"}`,
		"twice":        `{"aud":"` + amazonClient + `","exp":9,"user_id":"ann","user_id":"eve"}`,
	} {
		w.tokenInfo.Answer(answering(http.StatusOK, body))
		t.Log(what)
		w.unavailable(t, w.v, name, token)
	}
	w.tokenInfo.Answer(answering(http.StatusOK, `{"AUD":"`+amazonClient+`","exp":9,"user_id":"ann"}`))
	w.refuse(t, w.v, name, token, unsupported, "audience")
	w.tokenInfo.Answer(answering(http.StatusOK, `{"aud":"`+amazonClient+`","exp":0,"user_id":"ann"}`))
	w.refuse(t, w.v, name, token, "Invalid login token. Token expired: ", "expiry")
	w.tokenInfo.Answer(answering(http.StatusOK, `{"aud":"`+amazonClient+`","exp":9223372036854775807,"user_id":"ann"}`))
	w.accept(t, w.v, name, amazonClient, token)
}

// TestTwitter: the signature proves for whose application the token is.
func TestTwitter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, name := range []string{"api.twitter.com", "www.digits.com"} {
		pair := w.twitter.Token(consumer, "ann")
		w.accept(t, w.v, name, consumer, pair)
		token, secret, _ := strings.Cut(pair, ";")
		w.refuse(t, w.v, name, w.twitter.Token(stranger, "ann"), notAccepted, "token")
		w.refuse(t, w.v, name, token+";"+secret+"x", notAccepted, "token")
		w.refuse(t, w.v, name, "7-forged;forged", notAccepted, "token")
		for _, odd := range []string{token, token + ";", ";" + secret, ""} {
			w.refuse(t, w.v, name, odd, notAccepted, "parse")
		}
		w.advance(remembered)
		w.twitter.Suspend(pair)
		w.refuse(t, w.v, name, pair, notAccepted, "token")
		w.twitter.Revoke(pair)
		w.refuse(t, w.v, name, pair, notAccepted, "token")
	}
	const name = "api.twitter.com"
	pair := w.twitter.Token(consumer, "ann")
	early := w.config() // whose clock is wrong is told so, not that the token is bad
	early.Now = func() time.Time { return w.now().Add(-time.Hour) }
	w.unavailable(t, New(early), name, pair)
	w.twitter.Answer(answering(http.StatusTooManyRequests, `{"errors":[{"code":88}]}`))
	w.unavailable(t, w.v, name, pair)
	w.pool.SupportedLoginProviders[name] = consumer
	w.unavailable(t, w.v, name, pair)
}

// TestProviderDown holds that nobody passes because a provider cannot be asked,
// and that what it says instead of an answer is not repeated.
func TestProviderDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	apis := map[string]*logintest.API{"graph.facebook.com": w.graph.API, "www.amazon.com": w.tokenInfo.API, "api.twitter.com": w.twitter.API}
	tokens := map[string]string{
		"graph.facebook.com": w.graph.Token(facebookApp, "ann", time.Hour),
		"www.amazon.com":     w.tokenInfo.Token(amazonApp, amazonClient, "ann", time.Hour),
		"api.twitter.com":    w.twitter.Token(consumer, "ann"),
	}
	echo := func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte(r.URL.String() + r.Header.Get("Authorization")))
	}
	for name, api := range apis {
		for what, h := range map[string]http.Handler{
			"not JSON": logintest.Text("hello"), "echo": http.HandlerFunc(echo), "a list": logintest.Text("[]"), "null": logintest.Text("null"),
			"no answer": logintest.Status(http.StatusServiceUnavailable), "redirect": http.RedirectHandler("/", http.StatusFound),
			"endless": logintest.Text(`{"x":"` + strings.Repeat("x", fetch.MaxBody) + `"}`), "deep": logintest.Text(strings.Repeat(`{"x":`, 100_000)),
		} {
			api.Answer(h)
			for _, v := range []*Verifier{w.v, w.withoutSecret()} {
				if _, has := v.config.Overrides[name]; has {
					if _, err := w.present(t, v, name, tokens[name]); err == nil || what != "null" && idpool.KindOf(err) != idpool.Upstream {
						t.Errorf("%s, %s: %v", name, what, err)
					}
				}
			}
		}
		api.Close()
		w.unavailable(t, w.v, name, tokens[name])
	}
}

// TestRemembered holds that the calls of one sign-in cost one question, and
// that an answer counts no longer than the token, nor for another pool's
// application.
func TestRemembered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const name = "www.amazon.com"
	token := w.tokenInfo.Token(amazonApp, amazonClient, "ann", 90*time.Second)
	asks := func(want int, after time.Duration) {
		t.Helper()
		w.advance(after)
		before := w.tokenInfo.Asked()
		w.accept(t, w.v, name, amazonApp, token)
		if got := w.tokenInfo.Asked() - before; got != want {
			t.Errorf("asked %d times, want %d", got, want)
		}
	}
	asks(1, 0)
	asks(0, 59*time.Second)
	asks(1, time.Second)       // a minute
	asks(0, 29*time.Second)    // until its end
	w.advance(1 * time.Second) // and no longer
	w.refuse(t, w.v, name, token, notAccepted, "token")

	token = w.tokenInfo.Token(amazonApp, amazonClient, "ann", time.Hour)
	asks(1, 0)
	w.pool.SupportedLoginProviders[name] = stranger
	w.refuse(t, w.v, name, token, unsupported, "audience")
}

// TestServes looks at whom a pool trusts.
func TestServes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, name := range []string{"", "accounts.google.com", "appleid.apple.com", "graph.facebook.com.evil.example", "WWW.AMAZON.COM"} {
		w.pool.SupportedLoginProviders[name] = "app"
		if w.v.Serves(w.pool, name) {
			t.Errorf("serves %q", name)
		}
	}
	none := &idpool.PoolConfig{}
	_, err := w.v.Verify(t.Context(), none, login.Presented{Provider: "www.amazon.com", Token: "Atza|x"})
	if idpool.KindOf(err) != idpool.NotAuthorized || w.v.Serves(none, "www.amazon.com") || w.tokenInfo.Asked() != 0 {
		t.Errorf("a pool that trusts nobody: %v", err)
	}
}

// TestGuarded holds that a private address is refused unless it is allowed.
func TestGuarded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.config()
	c.Policy = fetch.Policy{AllowHTTP: true}
	w.unavailable(t, New(c), "www.amazon.com", "Atza|x")
	c.Policy = fetch.Policy{AllowCIDRs: w.config().Policy.AllowCIDRs}
	w.unavailable(t, New(c), "www.amazon.com", "Atza|x")
	if w.tokenInfo.Asked() != 0 {
		t.Error("it was asked")
	}
}

// TestAtOnce holds that a provider which does not answer holds no more than so
// many questions, and lets them go when those who asked do.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	held := make(chan struct{}, 2*fetch.MaxAsked)
	w.tokenInfo.Answer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		held <- struct{}{}
		<-r.Context().Done()
	}))
	var asking sync.WaitGroup
	for range fetch.MaxAsked {
		asking.Go(func() { w.v.Verify(t.Context(), w.pool, login.Presented{Provider: "www.amazon.com", Token: "Atza|x"}) })
	}
	for range fetch.MaxAsked {
		<-held
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := w.v.Verify(ctx, w.pool, login.Presented{Provider: "www.amazon.com", Token: "Atza|y"})
	if idpool.KindOf(err) != idpool.Upstream || !strings.Contains(err.Error(), "no answer in time") || w.tokenInfo.Asked() != fetch.MaxAsked {
		t.Errorf("one too many: %v, asked %d times", err, w.tokenInfo.Asked())
	}
	w.tokenInfo.Close()
	asking.Wait()
}

// TestLimitedLogin holds that Facebook's ID tokens go to those who verify ID
// tokens, and that Facebook is not asked about them.
func TestLimitedLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const name = "graph.facebook.com"
	issuer := logintest.NewIssuer(t, logintest.WithClock(w.now))
	c := w.config()
	c.IDTokens = oidc.New(oidc.Config{Now: w.now, AllowHTTP: true, AllowCIDRs: c.Policy.AllowCIDRs, Overrides: map[string]oidc.Override{name: {JWKSURI: issuer.URL + "/keys"}}})
	v := New(c)
	limited := []logintest.TokenOption{logintest.Claim("iss", "https://www.facebook.com"), logintest.Audience(facebookApp)}
	w.accept(t, v, name, facebookApp, w.graph.Token(facebookApp, "ann", time.Hour))
	asked := w.graph.Asked()
	got, err := w.present(t, v, name, issuer.Token("ann", limited...))
	if err != nil || got.Login != (idpool.Login{Provider: name, Subject: "ann"}) || got.Detail != name+":"+facebookApp+":ann" || got.Client != facebookApp {
		t.Errorf("got %+v %v", got, err)
	}
	w.refuse(t, v, name, issuer.Token("ann", limited[0]), unsupported, "audience")
	w.refuse(t, v, name, issuer.Token("ann", append(limited, logintest.SignedWith(logintest.NewKey(t, "ES256")))...), "Invalid login token. Couldn't verify", "key")
	w.refuse(t, v, "www.amazon.com", "eyJ.b.c", notAccepted, "parse")
	if w.graph.Asked() != asked || w.tokenInfo.Asked() != 0 {
		t.Error("a provider was asked about an ID token")
	}
}

// answering is a provider that gives one answer.
func answering(status int, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		w.Write([]byte(body))
	})
}
