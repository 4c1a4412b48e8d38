package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"idpool/internal/idpool"
	"idpool/internal/login"
	"idpool/internal/login/logintest"
)

// until waits for something that goes on in the background.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// settle waits until no fetch is under way.
func (w *world) settle(t *testing.T) {
	t.Helper()
	until(t, "the fetch ends", func() bool {
		s := w.v.keys.of(place{issuer: w.URL})
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.asking == nil
	})
}

// wantFetches wants the key set to have been fetched so often in all.
func (w *world) wantFetches(t *testing.T, want int) {
	t.Helper()
	w.settle(t)
	if n := w.Fetches(logintest.KeySet); n != want {
		t.Errorf("%d fetches of the key set, want %d", n, want)
	}
}

// TestColdStart has 256 people sign in at once at an issuer that nobody asked
// before (K-4).
func TestColdStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Answer(logintest.Discovery, logintest.Late(100*time.Millisecond, w.Usual(logintest.Discovery)))
	var wg sync.WaitGroup
	for i := range 256 {
		token := w.Token(fmt.Sprint("person ", i))
		wg.Go(func() {
			if _, err := w.present(t, token); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	w.wantFetches(t, 1)
}

// TestPrefetch has the keys there before the first token comes, and asks for them
// once.
func TestPrefetch(t *testing.T) {
	t.Parallel()
	w, silent := newWorld(t), newWorld(t)
	silent.Answer(logintest.Discovery, logintest.Status(http.StatusInternalServerError))
	w.pool = trusting(w.Issuer, silent.Issuer)
	w.v.Prefetch(w.pool)
	w.v.Prefetch(w.pool)
	w.wantFetches(t, 1)
	w.Answer(logintest.KeySet, logintest.Status(http.StatusInternalServerError))
	w.accept(t, w.Token("ann"))
	w.v.Prefetch(w.pool)
	w.wantFetches(t, 1)
}

// TestUnknownKeyStorm has strangers name keys that nobody knows, 2,500 at a time
// and 10,000 in all, and people sign in beside them (K-4).
func TestUnknownKeyStorm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.accept(t, w.Token("ann"))
	storm := func() {
		var wg sync.WaitGroup
		for worker := range 50 {
			wg.Go(func() {
				w.accept(t, w.Token(fmt.Sprint("person ", worker)))
				for i := range 50 {
					token := w.Token("ann", logintest.Header("kid", fmt.Sprint("k", worker, "-", i)), logintest.Signature(zeros(64)))
					if _, err := w.present(t, token); err == nil {
						t.Error("accepted")
					}
				}
			})
		}
		wg.Wait()
	}
	storm()
	w.wantFetches(t, 2) // the first, and one for all of them
	w.advance(9 * time.Second)
	storm()
	w.wantFetches(t, 2)
	w.advance(time.Second)
	storm()
	w.wantFetches(t, 3)
	w.Answer(logintest.KeySet, logintest.Status(http.StatusInternalServerError))
	w.advance(10 * time.Second)
	storm()
	w.advance(9 * time.Second)
	storm()
	w.wantFetches(t, 4)
	w.accept(t, w.Token("bob"))
}

// TestKnownKeysDoNotWait holds that a slow issuer delays only those whose key
// is not known, and no other issuer's people (K-3, K-4).
func TestKnownKeysDoNotWait(t *testing.T) {
	t.Parallel()
	w, other := newWorld(t), newWorld(t)
	w.pool = trusting(w.Issuer, other.Issuer)
	w.accept(t, w.Token("ann"))
	release := make(chan struct{})
	usual := w.Usual(logintest.KeySet)
	w.Answer(logintest.KeySet, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		<-release
		usual.ServeHTTP(rw, r)
	}))
	fresh := w.Rotate("ES256")
	waiting := make(chan error)
	token := w.Token("bob", logintest.SignedWith(fresh))
	go func() {
		_, err := w.present(t, token)
		waiting <- err
	}()
	until(t, "the issuer is asked", func() bool { return w.Fetches(logintest.KeySet) == 2 })
	began := time.Now()
	for i := range 20 {
		w.accept(t, w.Token(fmt.Sprint("known ", i), logintest.SignedWith(w.v.known(t, w))))
	}
	if _, err := present(t, w.v, w.pool, other.Name(), other.Token("ann")); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("people with known keys waited %s", took)
	}
	select {
	case err := <-waiting:
		t.Errorf("the login with an unknown key did not wait: %v", err)
	default:
	}
	close(release)
	if err := <-waiting; err != nil {
		t.Errorf("with the answer its key is known: %v", err)
	}
}

// known is the first key of the issuer that the verifier knows.
func (v *Verifier) known(t *testing.T, w *world) *logintest.Key {
	held := v.keys.of(place{issuer: w.URL}).held.Load()
	for _, k := range w.Keys() {
		if k.ID == held.keys[0].id {
			return k
		}
	}
	t.Fatal("no known key")
	return nil
}

// TestRotation goes from an old key over both to a new one (K-5).
func TestRotation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := w.Key()
	ann := w.Token("ann", logintest.ExpiresIn(24*time.Hour))
	w.accept(t, ann)
	fresh := w.Rotate("ES256")
	w.accept(t, w.Token("bob", logintest.SignedWith(fresh))) // seen at once: the issuer was not asked in vain lately
	w.accept(t, ann)
	w.accept(t, w.Token("cid", logintest.SignedWith(old)))
	w.wantFetches(t, 2)
	w.Withdraw(old)
	w.advance(31 * time.Minute) // the set is to be refreshed, and everybody is served meanwhile
	w.accept(t, ann)
	w.settle(t)
	w.wantFetches(t, 3)
	w.refuse(t, ann, unverified) // remembered, but its key is gone
	w.refuse(t, w.Token("dan", logintest.SignedWith(old)), unverified)
	w.accept(t, w.Token("eve", logintest.SignedWith(fresh)))
}

// TestRemovedKeyDies removes a key while nobody signs in: it is dead when its
// time is over, not before, and not because somebody asks (K-5).
func TestRemovedKeyDies(t *testing.T) {
	t.Parallel()
	for _, ttl := range []time.Duration{10 * time.Second, 3 * time.Minute, time.Hour, 24 * time.Hour, 100 * time.Hour} {
		w := newWorld(t)
		c := w.config()
		c.KeySetTTL = ttl
		w.v = New(c)
		old, long := w.Key(), logintest.ExpiresIn(200*time.Hour)
		ann, bob := w.Token("ann", long), w.Token("bob", long)
		w.accept(t, ann)
		fresh := w.Rotate("ES256")
		w.Withdraw(old)
		w.advance(min(ttl, 24*time.Hour))
		w.refuse(t, ann, unverified)
		w.refuse(t, bob, unverified)
		w.accept(t, w.Token("cid", logintest.SignedWith(fresh), long))
		w.wantFetches(t, 3) // cold, over, and for the key that bob's token names
	}
}

// TestOutage has the issuer down (K-6): who is known to have signed goes on
// being believed until the key set's time is over, and nobody after that.
func TestOutage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.accept(t, w.Token("ann"))
	w.Answer(logintest.Discovery, logintest.Status(http.StatusServiceUnavailable))
	for minute := 3; minute < 60; minute += 3 {
		w.advance(3 * time.Minute)
		w.accept(t, w.Token(fmt.Sprint("at minute ", minute)))
		w.settle(t)
	}
	w.advance(3 * time.Minute)
	w.refuse(t, w.Token("ann"), unverified)
	w.Answer(logintest.Discovery, nil)
	w.advance(askEvery)
	w.accept(t, w.Token("ann"))
}

// TestIssuerNotUpYet holds that an issuer that is down is asked again soon, but
// not for each login.
func TestIssuerNotUpYet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Answer(logintest.KeySet, logintest.Status(http.StatusNotFound))
	asked := []int{}
	for second := range 40 {
		for range 3 {
			w.refuse(t, w.Token("ann"), unverified)
		}
		if n := w.Fetches(logintest.KeySet); n > len(asked) {
			asked = append(asked, second)
		}
		w.advance(time.Second)
	}
	if got, want := fmt.Sprint(asked), "[0 1 3 7 15 25 35]"; got != want {
		t.Errorf("asked at the seconds %s, want %s", got, want)
	}
	w.Answer(logintest.KeySet, nil)
	w.advance(5 * time.Second)
	w.accept(t, w.Token("ann"))
}

// TestSameIDNewKey has an issuer start again with a fresh key under the old ID,
// as home-made ones do.
func TestSameIDNewKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.Token("ann")
	w.accept(t, ann)
	old := w.Key()
	fresh := w.Rotate("ES256")
	fresh.ID = old.ID
	w.Publish(fresh)
	w.accept(t, w.Token("bob", logintest.SignedWith(fresh)))
	w.refuse(t, ann, unverified)
	for range 100 {
		w.refuse(t, w.Token("ann", logintest.Signature(zeros(64))), unverified)
	}
	w.wantFetches(t, 2)
}

// TestNoKeyID has tokens that name no key.
func TestNoKeyID(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anonymous := logintest.WithoutHeader("kid")
	w.Key().ID = "" // nor does the key set
	w.accept(t, w.Token("ann", anonymous))
	w.Rotate("ES384") // of another kind: still no choice
	w.advance(askEvery)
	w.accept(t, w.Token("ann", anonymous))
	w.accept(t, w.Token("bob", anonymous, logintest.SignedWith(w.Keys()[0])))
	twin := w.Rotate("ES384")
	w.advance(time.Hour)
	w.refuse(t, w.Token("ann", logintest.SignedWith(twin), anonymous), unverified)
	w.accept(t, w.Token("ann", logintest.SignedWith(twin)))
	w.refuse(t, w.Token("ann", logintest.SignedWith(w.Keys()[0]), logintest.Header("kid", "x")), unverified) // a key without ID is not called x
}

// TestSharedKeyID has a key set that uses one ID for several keys.
func TestSharedKeyID(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var keys []*logintest.Key
	for _, alg := range []string{"ES256", "ES256", "ES384", "ES256", "ES256", "ES256"} {
		k := logintest.NewKey(t, alg)
		k.ID = "one"
		keys = append(keys, k)
	}
	w.Publish(append(keys, keys[0])...)
	for i, k := range keys {
		token := w.Token("ann", logintest.SignedWith(k))
		if i < 5 { // the fourth ES256 key is the last that is tried
			w.accept(t, token)
		} else {
			w.refuse(t, token, unverified)
		}
	}
}

// TestCallerGoes holds that a fetch belongs to nobody: who started it may go.
func TestCallerGoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	release := make(chan struct{})
	usual := w.Usual(logintest.KeySet)
	w.Answer(logintest.KeySet, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		<-release
		usual.ServeHTTP(rw, r)
	}))
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error)
	token := w.Token("ann")
	go func() {
		_, err := w.v.Verify(ctx, w.pool, login.Presented{Provider: w.Name(), Token: login.Token(token)})
		gone <- err
	}()
	until(t, "the issuer is asked", func() bool { return w.Fetches(logintest.KeySet) == 1 })
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that the caller has gone", err)
	}
	close(release)
	w.settle(t)
	w.Answer(logintest.KeySet, logintest.Status(http.StatusNotFound))
	w.accept(t, token)
}

// TestLifetimes looks at when a key set is refreshed, by its Cache-Control.
func TestLifetimes(t *testing.T) {
	t.Parallel()
	for control, want := range map[string]time.Duration{
		"": 30 * time.Minute, "max-age=0": 5 * time.Minute, "no-store": 5 * time.Minute, "no-cache, max-age=7200": 5 * time.Minute, "max-age=600": 10 * time.Minute, "public, Max-Age=900": 15 * time.Minute,
		`max-age="1200"`: 20 * time.Minute, "max-age=86400": 30 * time.Minute, "max-age=-1": 30 * time.Minute, "max-age=99999999999999999999": 30 * time.Minute, "max-age": 30 * time.Minute, "s-maxage=1": 30 * time.Minute, ",,=": 30 * time.Minute,
	} {
		w := newWorld(t)
		w.Answer(logintest.KeySet, logintest.Cached(control, w.Usual(logintest.KeySet)))
		w.accept(t, w.Token("ann"))
		w.advance(want - time.Second)
		w.accept(t, w.Token("ann"))
		w.wantFetches(t, 1)
		w.advance(time.Second)
		w.accept(t, w.Token("ann"))
		until(t, "refresh with Cache-Control "+control, func() bool { return w.Fetches(logintest.KeySet) == 2 })
		w.settle(t)
	}
}

// TestManyIssuers bounds how many key sets are kept.
func TestManyIssuers(t *testing.T) {
	t.Parallel()
	v := New(Config{Now: time.Now})
	for i := range 4 * maxIssuers {
		v.keys.of(place{issuer: fmt.Sprint("https://", i, ".example")})
	}
	v.keys.sets.CleanUp()
	if n := v.keys.sets.EstimatedSize(); n > maxIssuers {
		t.Errorf("%d key sets are kept, at most %d", n, maxIssuers)
	}
}

// TestNoWayInside tries to make the server connect to an address of its own
// network: by the address that is registered, by redirects, by discovery
// documents (K-1).
func TestNoWayInside(t *testing.T) {
	t.Parallel()
	address, visits := canary(t)
	_, port, _ := strings.Cut(address, ":")
	inside := []string{address, "localhost:" + port, "[::ffff:127.0.0.1]:" + port, "[::127.0.0.1]:" + port, "[64:ff9b::7f00:1]:" + port, "127.1:" + port, "2130706433:" + port, "0x7f000001:" + port, "0:" + port, "0.0.0.0:" + port, "[::]:" + port, "user@" + address, "127.0.0.1:" + port + "#"}
	try := func(v *Verifier, i *logintest.Issuer, url string) {
		pool := trusting(i)
		p := pool.OIDCProviders[i.Name()]
		p.URL = url
		pool.OIDCProviders[i.Name()] = p
		token := i.Token("ann", logintest.Claim("iss", url))
		_, err := present(t, v, pool, i.Name(), token)
		wantRefusal(t, err, token, unverified)
	}
	any := newWorld(t)
	for _, host := range inside {
		try(New(Config{Now: any.now}), any.Issuer, "https://"+host)
		try(New(Config{Now: any.now, AllowHTTP: true}), any.Issuer, "http://"+host)
		try(New(Config{Now: any.now}), any.Issuer, "http://"+host)
	}
	outside := newWorld(t, logintest.WithHost("127.0.0.2")) // an allowed issuer that sends us elsewhere
	c := outside.config()
	c.AllowCIDRs = loopback[:0:0]
	for _, p := range loopback {
		prefix, _ := p.Addr().Next().Next().Prefix(32)
		c.AllowCIDRs = append(c.AllowCIDRs, prefix)
	}
	outside.v = New(c)
	outside.accept(t, outside.Token("ann"))
	for _, host := range inside {
		for _, scheme := range []string{"http://", "https://", "//", "file://", "gopher://"} {
			url := scheme + host + "/keys"
			doc, _ := json.Marshal(map[string]string{"issuer": outside.URL, "jwks_uri": url})
			for d, h := range map[logintest.Document]http.Handler{logintest.KeySet: logintest.Redirect(url), logintest.Discovery: logintest.Redirect(url)} {
				outside.Answer(d, h)
				try(New(c), outside.Issuer, outside.URL)
				outside.Answer(d, nil)
			}
			outside.Answer(logintest.Discovery, logintest.Text(string(doc)))
			try(New(c), outside.Issuer, outside.URL)
			outside.Answer(logintest.Discovery, nil)
		}
	}
	for _, code := range []int{301, 303, 307, 308} { // not even to itself
		outside.Answer(logintest.KeySet, http.RedirectHandler(outside.URL+"/keys", code))
		try(New(c), outside.Issuer, outside.URL)
	}
	if n := visits(); n != 0 {
		t.Errorf("%d connections to an address inside", n)
	}
}

// TestHostileIssuers has issuers answer as badly as they can (K-2, K-3, K-8).
func TestHostileIssuers(t *testing.T) {
	t.Parallel()
	var answered atomic.Int64
	for d, answers := range map[logintest.Document]map[string]http.Handler{
		logintest.Discovery: {
			"another issuer": logintest.Text(`{"issuer":"https://evil.example","jwks_uri":"https://evil.example/keys"}`), "no document": logintest.Status(404), "no content": logintest.Status(204), "empty": logintest.Text(""),
			"HTML": logintest.Text("<html>"), "endless": logintest.Endless(), "gzip": logintest.Gzip(`{"issuer":"x"}`), "redirect": logintest.Redirect("/elsewhere"),
		},
		logintest.KeySet: {
			"no keys": logintest.Text(`{"keys":[]}`), "null": logintest.Text(`{"keys":null}`), "a map": logintest.Text(`{"keys":{}}`), "nothing": logintest.Text(`{}`), "a list": logintest.Text(`[]`), "error": logintest.Status(500),
			"cut off": logintest.Text(`{"keys":[`), "endless": logintest.Endless(), "gzip": logintest.Gzip(`{"keys":[]}`), "many": logintest.Text(`{"keys":[` + strings.Repeat(`{},`, 5000) + `{}]}`), "deep": logintest.Text(strings.Repeat("[", 500_000)),
			"twice": logintest.Text(`{"keys":[],"keys":[]}`), "1 MiB and more": logintest.Text(`{"keys":[` + strings.Repeat(" ", 1<<20) + `]}`), "a foreign key": logintest.Text(fmt.Sprintf(`{"keys":[%s]}`, must(json.Marshal(logintest.NewKey(t, "ES256").JWK())))),
		},
	} {
		for name, h := range answers {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.Answer(d, h)
				w.refuse(t, w.Token("ann"), unverified)
				answered.Add(1)
			})
		}
	}
	for name, change := range map[string]func(*world) http.Handler{
		"slash":           func(w *world) http.Handler { return discovery(w.URL+"/", w.URL+"/keys") },
		"upper case":      func(w *world) http.Handler { return discovery(strings.ToUpper(w.URL), w.URL+"/keys") },
		"no issuer":       func(w *world) http.Handler { return discovery(nil, w.URL+"/keys") },
		"a list":          func(w *world) http.Handler { return discovery([]string{w.URL}, w.URL+"/keys") },
		"no jwks_uri":     func(w *world) http.Handler { return discovery(w.URL, nil) },
		"jwks_uri number": func(w *world) http.Handler { return discovery(w.URL, 1) },
		"jwks_uri path":   func(w *world) http.Handler { return discovery(w.URL, "/keys") },
		"jwks_uri file":   func(w *world) http.Handler { return discovery(w.URL, "file:///etc/passwd") },
		"jwks_uri user": func(w *world) http.Handler {
			return discovery(w.URL, strings.Replace(w.URL, "://", "://user:pw@", 1)+"/keys")
		},
		"jwks_uri data": func(w *world) http.Handler { return discovery(w.URL, `data:application/json,{"keys":[]}`) },
		"jwks_uri bad":  func(w *world) http.Handler { return discovery(w.URL, "http://%zz/keys") },
		"jwks_uri long": func(w *world) http.Handler { return discovery(w.URL, w.URL+"/"+strings.Repeat("k", 3000)) },
		"issuer twice": func(w *world) http.Handler {
			return logintest.Text(`{"issuer":"x",` + string(must(discoveryText(w.URL, w.URL+"/keys"))[1:]))
		},
		"Issuer too": func(w *world) http.Handler {
			return logintest.Text(fmt.Sprintf(`{"Issuer":%q,"jwks_uri":%q}`, w.URL, w.URL+"/keys"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.Answer(logintest.Discovery, change(w))
			w.refuse(t, w.Token("ann"), unverified)
		})
	}
}

func discoveryText(issuer, jwksURI any) ([]byte, error) {
	return json.Marshal(map[string]any{"issuer": issuer, "jwks_uri": jwksURI})
}

func discovery(issuer, jwksURI any) http.Handler {
	return logintest.Text(string(must(discoveryText(issuer, jwksURI))))
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

// TestTLS has an https issuer, which cannot send us to plain http.
func TestTLS(t *testing.T) {
	t.Parallel()
	w, plain := newWorld(t, logintest.WithTLS()), newWorld(t)
	w.accept(t, w.Token("ann"))
	plain.Publish(w.Key())
	w.Answer(logintest.Discovery, discovery(w.URL, plain.URL+"/keys"))
	w.v = New(w.config())
	w.refuse(t, w.Token("ann"), unverified)
	if plain.Fetches(logintest.KeySet) != 0 {
		t.Error("an https issuer sent us to plain http")
	}
	w.Answer(logintest.Discovery, nil)
	c := w.config()
	c.RootCAs = nil
	w.v = New(c)
	w.refuse(t, w.Token("ann"), unverified) // a certificate that nobody vouches for
}

// TestKeysElsewhere holds that an issuer's keys may live on another host that
// may be reached, as those of Google do.
func TestKeysElsewhere(t *testing.T) {
	t.Parallel()
	w, elsewhere := newWorld(t), newWorld(t, logintest.WithHost("127.0.0.3"))
	elsewhere.Publish(w.Key())
	w.Answer(logintest.Discovery, discovery(w.URL, elsewhere.URL+"/keys"))
	w.accept(t, w.Token("ann"))
	w.refuse(t, w.Token("ann", logintest.SignedWith(elsewhere.Key())), unverified)
}

// TestIssuerWithSlash has an issuer whose name ends with a slash, as Auth0's.
func TestIssuerWithSlash(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	name := w.Name()
	w.pool.OIDCProviders[name] = idpool.OIDCProvider{Account: account, Name: name, URL: w.URL + "/", ClientIDs: []string{"app"}}
	w.Answer(logintest.Discovery, discovery(w.URL+"/", w.URL+"/keys"))
	w.accept(t, w.Token("ann", logintest.Claim("iss", w.URL+"/")))
	w.refuse(t, w.Token("ann"), wrongIssuer)
}
