package devissuer_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"idpool/internal/devissuer"
)

var now = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// start serves a development issuer as the server does.
func start(t *testing.T) (issuer *devissuer.Issuer, url string) {
	t.Helper()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	issuer, err := devissuer.New(server.URL+"/dev", func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	issuer.Mount(mux)
	return issuer, server.URL
}

// fetch reads a JSON document.
func fetch(t *testing.T, url string, into any) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if kind := resp.Header.Get("Content-Type"); resp.StatusCode != 200 || kind != "application/json" {
		t.Fatalf("%s: status %d, %s", url, resp.StatusCode, kind)
	}
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		t.Fatal(err)
	}
}

// ask posts a wish and returns the answer.
func ask(t *testing.T, url, wish string) (status int, answer map[string]string) {
	t.Helper()
	resp, err := http.Post(url+"/dev/token", "application/json", strings.NewReader(wish))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatalf("%.100s: %s: %v", wish, body, err)
	}
	return resp.StatusCode, answer
}

// TestTokens reads what the issuer signs as a relying party does: through its
// discovery document and key set.
func TestTokens(t *testing.T) {
	issuer, url := start(t)
	var discovery struct {
		Issuer     string
		JWKSURI    string   `json:"jwks_uri"`
		Algorithms []string `json:"id_token_signing_alg_values_supported"`
	}
	fetch(t, url+"/dev/.well-known/openid-configuration", &discovery)
	if discovery.Issuer != url+"/dev" || discovery.Issuer != "http://"+issuer.Name() || !reflect.DeepEqual(discovery.Algorithms, []string{"ES256"}) {
		t.Errorf("discovery: %+v, name %s", discovery, issuer.Name())
	}
	var raw struct{ Keys []map[string]any }
	fetch(t, discovery.JWKSURI, &raw)
	if len(raw.Keys) != 1 || raw.Keys[0]["d"] != nil || raw.Keys[0]["kid"] == "" || raw.Keys[0]["use"] != "sig" || raw.Keys[0]["alg"] != "ES256" {
		t.Errorf("key set: %v", raw)
	}
	var set jose.JSONWebKeySet
	fetch(t, discovery.JWKSURI, &set)

	for wish, want := range map[string]string{
		`{"sub":"alice","aud":"web"}`:                  `{"iss":"ISS","sub":"alice","aud":"web","iat":1772600767,"exp":1772604367}`,
		`{"sub":"alice"}`:                              `{"iss":"ISS","sub":"alice","iat":1772600767,"exp":1772604367}`,
		`{"sub":"alice","aud":"web","expires_in":1}`:   `{"iss":"ISS","sub":"alice","aud":"web","iat":1772600767,"exp":1772600768}`,
		`{"sub":"alice","aud":"web","expires_in":0}`:   `{"iss":"ISS","sub":"alice","aud":"web","iat":1772600767,"exp":1772600767}`,
		`{"sub":"alice","aud":"web","expires_in":-60}`: `{"iss":"ISS","sub":"alice","aud":"web","iat":1772600767,"exp":1772600707}`,
		`{"sub":"alice","claims":{"groups":["a","b"],"level":3,"ratio":0.25,"big":12345678901234567890,"admin":true,"none":null,"deep":{"x":[{}]}}}`: `{"iss":"ISS","sub":"alice","iat":1772600767,"exp":1772604367,
			"groups":["a","b"],"level":3,"ratio":0.25,"big":12345678901234567890,"admin":true,"none":null,"deep":{"x":[{}]}}`,
		// The wish wins, so that any token can be forged.
		`{"sub":"alice","aud":"web","claims":{"iss":"https://evil.example","sub":"bob","aud":["a","b"],"exp":1,"iat":"x"}}`: `{"iss":"https://evil.example","sub":"bob","aud":["a","b"],"exp":1,"iat":"x"}`,
		`{"sub":"a\u0000\u00e9<&>"}`: `{"iss":"ISS","sub":"a\u0000é<&>","iat":1772600767,"exp":1772604367}`,
	} {
		status, answer := ask(t, url, wish)
		if status != 200 || len(answer) != 1 {
			t.Errorf("%s: status %d, %v", wish, status, answer)
			continue
		}
		parsed, err := jwt.ParseSigned(answer["id_token"], []jose.SignatureAlgorithm{jose.ES256})
		if err != nil {
			t.Fatal(err)
		}
		if header := parsed.Headers[0]; header.ExtraHeaders["typ"] != "JWT" || len(set.Key(header.KeyID)) != 1 {
			t.Errorf("%s: header %+v", wish, header)
		}
		var claims json.RawMessage
		if err := parsed.Claims(set, &claims); err != nil {
			t.Errorf("%s: does not verify: %v", wish, err)
		}
		if want = strings.ReplaceAll(want, "ISS", url+"/dev"); !sameJSON(t, string(claims), want) {
			t.Errorf("%s: claims\n got %s\nwant %s", wish, claims, want)
		}
	}
}

// sameJSON compares two texts; numbers by their spelling.
func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	read := func(text string) (v any) {
		dec := json.NewDecoder(strings.NewReader(text))
		dec.UseNumber()
		if err := dec.Decode(&v); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return v
	}
	return reflect.DeepEqual(read(a), read(b))
}

func TestBadWishes(t *testing.T) {
	_, url := start(t)
	for wish, why := range map[string]string{
		``: "EOF", `{`: "EOF", `null`: "sub is missing", `{}`: "sub is missing", `[]`: "array", `"alice"`: "string", `sub=alice`: "invalid character",
		`{"sub":""}`: "sub is missing", `{"sub":null}`: "sub is missing", `{"aud":"web"}`: "sub is missing",
		`{"sub":7}`: "number", `{"sub":["alice"]}`: "array", `{"sub":"alice","aud":["web"]}`: "array",
		`{"sub":"alice","expires_in":"3600"}`: "string", `{"sub":"alice","expires_in":1.5}`: "1.5", `{"sub":"alice","expires_in":1e400}`: "1e400",
		`{"sub":"alice","claims":[]}`: "array", `{"sub":"alice","claims":"x"}`: "string",
		`{"sub":"alice","audience":"web"}`: "audience",
		`{"sub":"alice"} {"sub":"bob"}`:    "after",
		`{"sub":"alice"}x`:                 "after",
		`{"sub":"alice","claims":{"x":"` + strings.Repeat("x", 64<<10) + `"}}`: "too large",
	} {
		status, answer := ask(t, url, wish)
		if status != 400 || answer["error"] != "invalid_request" || !strings.Contains(answer["error_description"], why) || answer["id_token"] != "" {
			t.Errorf("%.100s: status %d, %v; want 400 and %q", wish, status, answer, why)
		}
	}
	for method, want := range map[string]int{"GET": 405, "PUT": 405, "DELETE": 405} {
		r, err := http.NewRequest(method, url+"/dev/token", strings.NewReader(`{"sub":"alice"}`))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: status %d", method, resp.StatusCode)
		}
	}
}

// Each issuer has a key of its own: what one signs means nothing to another.
func TestKeysAreFresh(t *testing.T) {
	one, _ := start(t)
	_, url := start(t)
	token, err := one.Token(devissuer.Wish{Subject: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	var set jose.JSONWebKeySet
	fetch(t, url+"/dev/jwks", &set)
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	if err := parsed.Claims(set); err == nil || len(set.Key(parsed.Headers[0].KeyID)) != 0 {
		t.Errorf("another issuer's key has the ID %s (%v)", parsed.Headers[0].KeyID, err)
	}
}
