package logintest_test

import (
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"idpool/internal/login/logintest"
)

// The fakes lie on demand. These tests hold that they tell the truth
// otherwise, to somebody who knows nothing of how they are made.

var algorithms = []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.ES256, jose.ES384, jose.ES512}

// client trusts the issuer and gives up soon.
func client(i *logintest.Issuer) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig.RootCAs = i.RootCAs()
	t.DisableKeepAlives, t.DisableCompression = true, true
	return &http.Client{Transport: t, Timeout: 10 * time.Second}
}

func get(t *testing.T, i *logintest.Issuer, address string) (*http.Response, []byte) {
	t.Helper()
	resp, err := client(i).Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, body
}

// keySet finds the issuer's keys over its discovery document.
func keySet(t *testing.T, i *logintest.Issuer) (set jose.JSONWebKeySet) {
	t.Helper()
	_, body := get(t, i, i.URL+"/.well-known/openid-configuration")
	var discovery struct {
		Issuer  string
		JWKSURI string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(body, &discovery); err != nil || discovery.Issuer != i.URL {
		t.Fatalf("%s: %v", body, err)
	}
	if _, body = get(t, i, discovery.JWKSURI); json.Unmarshal(body, &set) != nil {
		t.Fatalf("key set %s", body)
	}
	return set
}

// read verifies a token with a key set and returns its claims.
func read(set jose.JSONWebKeySet, token string) (claims map[string]any, err error) {
	parsed, err := jwt.ParseSigned(token, algorithms)
	if err != nil {
		return nil, err
	}
	return claims, parsed.Claims(set, &claims)
}

func TestEveryAlgorithm(t *testing.T) {
	for _, alg := range algorithms {
		t.Run(string(alg), func(t *testing.T) {
			i := logintest.NewIssuer(t, logintest.WithAlg(string(alg)), logintest.WithPath("/realms/one"))
			before := time.Now().Unix()
			claims, err := read(keySet(t, i), i.Token("ann"))
			if err != nil {
				t.Fatal(err)
			}
			if claims["iss"] != i.URL || claims["sub"] != "ann" || claims["aud"] != logintest.DefaultAudience || claims["exp"].(float64)-claims["iat"].(float64) != 3600 || claims["iat"].(float64) < float64(before) {
				t.Errorf("claims %v", claims)
			}
			if u, err := url.Parse(i.URL); err != nil || i.Name() != u.Host+"/realms/one" || u.Hostname() != "127.0.0.1" {
				t.Errorf("URL %s, name %s", i.URL, i.Name())
			}
		})
	}
}

func TestIssuersOfAllSorts(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for name, i := range map[string]*logintest.Issuer{
		"another host": logintest.NewIssuer(t, logintest.WithHost("127.0.0.2"), logintest.WithClock(func() time.Time { return at })),
		"https":        logintest.NewIssuer(t, logintest.WithTLS(), logintest.WithClock(func() time.Time { return at })),
	} {
		claims, err := read(keySet(t, i), i.Token("ann"))
		if err != nil || claims["iat"] != float64(at.Unix()) {
			t.Errorf("%s: %v, %v", name, claims, err)
		}
		if name == "https" != strings.HasPrefix(i.URL, "https://127.0.0.1:") || name == "another host" != strings.HasPrefix(i.URL, "http://127.0.0.2:") {
			t.Errorf("%s: URL %s", name, i.URL)
		}
	}
	secure := logintest.NewIssuer(t, logintest.WithTLS())
	if _, err := http.Get(secure.URL + "/keys"); err == nil {
		t.Error("a certificate of nobody is trusted")
	}
}

func TestRotation(t *testing.T) {
	i := logintest.NewIssuer(t)
	first := i.Key()
	old := i.Token("ann")
	second := i.Rotate("ES384")
	fresh := i.Token("ann")
	verify := func(when string, want ...bool) {
		t.Helper()
		set := keySet(t, i)
		for n, token := range []string{old, fresh} {
			if _, err := read(set, token); (err == nil) != want[n] {
				t.Errorf("%s: token %d: %v", when, n, err)
			}
		}
	}
	if keys := i.Keys(); len(keys) != 2 || keys[0] != first || keys[1] != second || i.Key() != second || first.ID == second.ID {
		t.Errorf("keys %v", keys)
	}
	verify("both are published", true, true)
	i.Withdraw(first)
	verify("the old one is withdrawn", false, true)
	i.Publish(first)
	verify("only the old one is published", true, false)
	i.Publish()
	verify("none is published", false, false)
	if i.Key() != second {
		t.Error("publishing changed who signs")
	}
}

// Two RSA keys in use are never one, although they are used again later.
func TestRSAKeysInUseDiffer(t *testing.T) {
	var mu sync.Mutex
	used := map[string]int{}
	for round := range 2 {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			seen := map[string]bool{}
			var all sync.WaitGroup
			for range 2 {
				all.Go(func() {
					k := logintest.NewKey(t, "RS256").Private.(*rsa.PrivateKey)
					mu.Lock()
					defer mu.Unlock()
					if n := k.N.String(); seen[n] {
						t.Error("two keys are the same")
					} else {
						seen[n] = true
						used[n]++
					}
				})
			}
			all.Wait()
		})
	}
	if len(used) > 3 {
		t.Errorf("%d keys were made for two rounds of two: none was used again", len(used))
	}
}

func TestDrafts(t *testing.T) {
	i := logintest.NewIssuer(t)
	set := keySet(t, i)
	stranger := logintest.NewKey(t, "ES256")
	nameless := logintest.NewKey(t, "ES256")
	nameless.ID = ""
	for name, c := range map[string]struct {
		token string
		ok    bool
		check func(header, claims map[string]any) bool
	}{
		"one audience":     {i.Token("ann", logintest.Audience("shop")), true, func(_, c map[string]any) bool { return c["aud"] == "shop" }},
		"several":          {i.Token("ann", logintest.Audience("a", "b")), true, func(_, c map[string]any) bool { return len(c["aud"].([]any)) == 2 }},
		"a claim":          {i.Token("ann", logintest.Claim("level", 3)), true, func(_, c map[string]any) bool { return c["level"] == 3.0 }},
		"without":          {i.Token("ann", logintest.Without("aud", "exp")), true, func(_, c map[string]any) bool { return c["aud"] == nil && c["exp"] == nil && c["sub"] == "ann" }},
		"expired":          {i.Token("ann", logintest.ExpiresIn(-time.Minute)), true, func(_, c map[string]any) bool { return c["exp"].(float64) == c["iat"].(float64)-60 }},
		"a header":         {i.Token("ann", logintest.Header("typ", "at+jwt")), true, func(h, _ map[string]any) bool { return h["typ"] == "at+jwt" && h["kid"] == i.Key().ID }},
		"without kid":      {i.Token("ann", logintest.WithoutHeader("kid")), true, func(h, _ map[string]any) bool { return h["kid"] == nil && h["alg"] == "ES256" }},
		"a stranger's key": {i.Token("ann", logintest.SignedWith(stranger)), false, func(h, _ map[string]any) bool { return h["kid"] == stranger.ID }},
		"a nameless key":   {i.Token("ann", logintest.SignedWith(nameless)), false, func(h, _ map[string]any) bool { return h["kid"] == nil }},
		"its kid":          {i.Token("ann", logintest.SignedWith(stranger), logintest.Header("kid", i.Key().ID)), false, func(h, _ map[string]any) bool { return h["kid"] == i.Key().ID }},
		"raw header":       {i.Token("ann", logintest.RawHeader(`{"alg":"none"}`)), false, func(h, _ map[string]any) bool { return len(h) == 1 && h["alg"] == "none" }},
		"raw claims":       {i.Token("ann", logintest.RawClaims(`{"sub":"bob"}`)), true, func(_, c map[string]any) bool { return len(c) == 1 && c["sub"] == "bob" }},
		"raw signature":    {i.Token("ann", logintest.Signature(func([]byte) []byte { return []byte("x") })), false, func(_, c map[string]any) bool { return c["sub"] == "ann" }},
	} {
		header, claims := map[string]any{}, map[string]any{}
		parts := strings.Split(c.token, ".")
		for n, into := range []*map[string]any{&header, &claims} {
			if err := json.Unmarshal(decode(t, parts[n]), into); err != nil {
				t.Fatal(err)
			}
		}
		if !c.check(header, claims) {
			t.Errorf("%s: header %v, claims %v", name, header, claims)
		}
		if header["kid"] == nil && c.ok {
			continue // it can be verified with every key only
		}
		if _, err := read(set, c.token); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func decode(t *testing.T, text string) []byte {
	t.Helper()
	parsed, err := jose.ParseSignedCompact("eyJhbGciOiJFUzI1NiJ9."+text+".AA", algorithms)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.UnsafePayloadWithoutVerification()
}

func TestAnswers(t *testing.T) {
	i := logintest.NewIssuer(t)
	address := i.URL + "/keys"
	for name, c := range map[string]struct {
		answer http.Handler
		check  func(*http.Response, []byte) bool
	}{
		"text":   {logintest.Text(`{"keys":[]}`), func(r *http.Response, b []byte) bool { return r.StatusCode == 200 && string(b) == `{"keys":[]}` }},
		"status": {logintest.Status(503), func(r *http.Response, b []byte) bool { return r.StatusCode == 503 && len(b) == 0 }},
		"gzip": {logintest.Gzip("x"), func(r *http.Response, b []byte) bool {
			return r.Header.Get("Content-Encoding") == "gzip" && b[0] == 0x1f
		}},
		"cached": {logintest.Cached("max-age=5", i.Usual(logintest.KeySet)), func(r *http.Response, b []byte) bool {
			return r.Header.Get("Cache-Control") == "max-age=5" && strings.Contains(string(b), i.Key().ID)
		}},
		"late": {logintest.Late(time.Millisecond, logintest.Text("x")), func(r *http.Response, b []byte) bool { return string(b) == "x" }},
		"redirect": {logintest.Redirect(i.URL + "/.well-known/openid-configuration"), func(r *http.Response, b []byte) bool {
			return r.StatusCode == 200 && strings.Contains(string(b), "jwks_uri")
		}},
		"as usual": {nil, func(r *http.Response, b []byte) bool { return strings.Contains(string(b), i.Key().ID) }},
	} {
		i.Answer(logintest.KeySet, c.answer)
		before := i.Fetches(logintest.KeySet)
		if resp, body := get(t, i, address); !c.check(resp, body) {
			t.Errorf("%s: %v, %s", name, resp, body)
		}
		if n := i.Fetches(logintest.KeySet) - before; n != 1 {
			t.Errorf("%s: counted %d fetches", name, n)
		}
	}
}

// Those that never end do not, and do not keep the test from ending either.
func TestEndlessAnswers(t *testing.T) {
	i := logintest.NewIssuer(t)
	for name, c := range map[string]struct {
		answer http.Handler
		atMost int
	}{
		"hang": {logintest.Hang(), 0}, "drip": {logintest.Drip(time.Millisecond), 10_000}, "endless": {logintest.Endless(), 1 << 40},
	} {
		i.Answer(logintest.KeySet, c.answer)
		soon := client(i)
		soon.Timeout = 100 * time.Millisecond
		resp, err := soon.Get(i.URL + "/keys")
		n := int64(0)
		if err == nil {
			n, err = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		if !isTimeout(err) || n > int64(c.atMost) {
			t.Errorf("%s: %d bytes, then %v", name, n, err)
		}
	}
	i.Close()
	if _, err := client(i).Get(i.URL + "/keys"); err == nil {
		t.Error("an issuer that was closed answers")
	}
}

// isTimeout reports whether an error says that the time was over.
func isTimeout(err error) bool {
	timeout, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ok && timeout.Timeout()
}
