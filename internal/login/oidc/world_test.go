package oidc

import (
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"idpool/internal/idpool"
	"idpool/internal/login"
	"idpool/internal/login/logintest"
)

// The texts of behaviour 4.3, and ours for a token whose time has not come.
const (
	notAToken   = "Invalid login token. Not a valid OpenId Connect identity token."
	noClaim     = "Invalid login token. Missing a required claim: "
	wrongIssuer = "Invalid login token. Issuer doesn't match providerName"
	unsupported = "Token is not from a supported provider of this identity pool."
	unverified  = "Invalid login token. Couldn't verify signed token."
	ownToken    = "Invalid login token. Can't pass in a Cognito token."
	expired     = "Invalid login token. Token expired: "
	tooEarly    = "Invalid login token. Token is not yet valid: "
)

const account = "111122223333"

// clock is a clock that tests move by hand.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)} }

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

// world is an issuer, a pool that trusts it for the applications "app" and
// "shop", and a verifier that may reach it.
type world struct {
	*logintest.Issuer
	*clock
	v    *Verifier
	pool *idpool.PoolConfig
}

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

func newWorld(t testing.TB, opts ...logintest.Option) *world {
	t.Helper()
	c := newClock()
	w := &world{clock: c, Issuer: logintest.NewIssuer(t, append(opts, logintest.WithClock(c.now))...)}
	w.v = New(w.config())
	w.pool = trusting(w.Issuer)
	return w
}

func (w *world) config() Config {
	return Config{Now: w.now, AllowHTTP: true, AllowCIDRs: loopback, RootCAs: w.RootCAs()}
}

// trusting is a pool that trusts issuers for the applications "app" and "shop".
func trusting(issuers ...*logintest.Issuer) *idpool.PoolConfig {
	p := &idpool.PoolConfig{Pool: idpool.Pool{ID: "us-east-1:00000000-0000-4000-8000-000000000000", Account: account}, OIDCProviders: map[string]idpool.OIDCProvider{}}
	for _, i := range issuers {
		name := i.Name()
		p.OIDCProviderARNs = append(p.OIDCProviderARNs, idpool.ProviderARN(account, name))
		p.OIDCProviders[name] = idpool.OIDCProvider{Account: account, Name: name, URL: i.URL, ClientIDs: []string{"app", "shop"}}
	}
	return p
}

// present shows a token under the issuer's name.
func (w *world) present(t testing.TB, token string) (idpool.VerifiedLogin, error) {
	t.Helper()
	return present(t, w.v, w.pool, w.Name(), token)
}

func present(t testing.TB, v *Verifier, pool *idpool.PoolConfig, provider, token string) (idpool.VerifiedLogin, error) {
	t.Helper()
	if !v.Serves(pool, provider) {
		t.Fatalf("provider %s is not served", provider)
	}
	return v.Verify(t.Context(), pool, login.Presented{Provider: provider, Token: login.Token(token)})
}

// accept wants a token to be accepted.
func (w *world) accept(t testing.TB, token string) idpool.VerifiedLogin {
	t.Helper()
	verified, err := w.present(t, token)
	if err != nil {
		t.Fatalf("refused: %v", err)
	}
	return verified
}

// refuse wants a token to be refused with a text: the whole of it, or its
// beginning if that ends with a space.
func (w *world) refuse(t testing.TB, token, text string) {
	t.Helper()
	_, err := w.present(t, token)
	wantRefusal(t, err, token, text)
}

func wantRefusal(t testing.TB, err error, token, text string) {
	t.Helper()
	fault, ok := errors.AsType[*idpool.Error](err)
	if !ok {
		t.Fatalf("got %v, want the refusal %q", err, text)
	}
	if fault.Kind != idpool.NotAuthorized || fault.Msg != text && !(strings.HasSuffix(text, " ") && strings.HasPrefix(fault.Msg, text)) {
		t.Errorf("kind %d, text %q, want NotAuthorized and %q (cause: %v)", fault.Kind, fault.Msg, text, fault.Cause)
	}
	whole := err.Error()
	if why, ok := errors.AsType[*login.Refusal](err); text != ownToken && (!ok || why.Check == "" || why.Provider == "") {
		t.Errorf("the operator does not learn why: %#v", why)
	}
	if len(whole) > 2500 {
		t.Errorf("the reason has %d bytes", len(whole))
	}
	if i := strings.IndexFunc(whole, func(r rune) bool { return r < ' ' && r != '\n' || r == 0x7f || r == '\uFFFD' }); i >= 0 {
		t.Errorf("the reason has unescaped text of a stranger: %q", whole)
	}
	for part := range strings.SplitSeq(token, ".") {
		if len(part) > 40 && strings.Contains(whole, part) {
			t.Errorf("the reason shows the token: %s", whole)
		}
	}
}
