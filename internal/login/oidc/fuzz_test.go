package oidc

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"idpool/internal/login"
	"idpool/internal/login/logintest"
)

// FuzzToken presents whatever comes. What is accepted must be a token that the
// issuer signed, to the letter; what can be read must be what is written.
func FuzzToken(f *testing.F) {
	w := newWorld(f)
	genuine := map[string]bool{}
	stranger := logintest.NewKey(f, "ES256")
	for _, token := range []string{w.Token("ann"), w.Token("bob", logintest.Audience("app", "shop"), logintest.Claim("nested", map[string]any{"a": []int{1}})), w.Token("cid", logintest.WithoutHeader("kid"))} {
		genuine[token] = true
		f.Add(token)
	}
	for _, token := range []string{
		w.Token("ann", logintest.Header("alg", "none"), logintest.Signature(nothing)), w.Token("ann", logintest.Header("crit", []string{"exp"})), w.Token("ann", logintest.RawHeader(`{"alg":"ES256","alg":"none"}`)),
		w.Token("ann", logintest.RawClaims(`{"sub":"ann","\u0073ub":"bob"}`)), w.Token("ann", logintest.ExpiresIn(-time.Hour)), w.Token("ann", logintest.SignedWith(stranger), logintest.Header("jwk", stranger.JWK())), "", "..", "a.b.c", "{}", strings.Repeat(".", 100),
	} {
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, text string) {
		verified, err := w.v.Verify(t.Context(), w.pool, login.Presented{Provider: w.Name(), Token: login.Token(text)})
		if err == nil && !genuine[text] {
			t.Errorf("accepted as %q: %q", verified.Subject, text)
		}
		if err != nil && genuine[text] {
			t.Errorf("refused: %v", err)
		}
		read, why := parse(text)
		if why != nil {
			_ = why.Error()
			return
		}
		header, payload, _ := strings.Cut(text, ".")
		payload, _, _ = strings.Cut(payload, ".")
		for _, part := range []string{header, payload} {
			plain, err := base64.RawURLEncoding.DecodeString(part)
			if err != nil || base64.RawURLEncoding.EncodeToString(plain) != part {
				t.Errorf("%q was read as base64url", part)
			}
		}
		if signed := header + "." + payload; read.signed != signed || signed+"."+base64.RawURLEncoding.EncodeToString(read.signature) != text {
			t.Errorf("what will be verified is %q with %x, of %q", read.signed, read.signature, text)
		}
	})
}

// FuzzObject compares the strict reader with the standard library's: it reads
// the same, or refuses.
func FuzzObject(f *testing.F) {
	for _, text := range []string{`{}`, `{"a":1,"b":[true,false,null,"x",{"y":1.50e-3}]}`, `{"a":1,"a":2}`, `{"a":"\u00e9\ud83d\ude42"}`, `{"a":"\ud800"}`, "{\"a\":\"\xff\"}", `[]`, `{"a":{"a":{"a":[[[]]]}}}`, ` {"A":0,"a":-0} `, `{} {}`, strings.Repeat(`{"a":`, 70)} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		before := bytes.Clone(text)
		got, err := readObject(text)
		if !bytes.Equal(text, before) {
			t.Fatalf("the text was changed: %q", before)
		}
		if err != nil {
			return
		}
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.UseNumber()
		var want map[string]any
		if err := dec.Decode(&want); err != nil {
			t.Fatalf("read %q, which is not JSON: %v", text, err)
		}
		if !reflect.DeepEqual(map[string]any(got), want) {
			t.Errorf("%q was read as %v, not %v", text, got, want)
		}
		if n := size(map[string]any(got)); n < len(got) {
			t.Errorf("%q is said to take %d bytes", text, n)
		}
	})
}

// FuzzKeySet reads key sets. A key that is taken keeps to the bounds.
func FuzzKeySet(f *testing.F) {
	for _, alg := range []string{"RS256", "ES256", "ES512"} {
		f.Add(must(json.Marshal(map[string]any{"keys": []any{logintest.NewKey(f, alg).JWK()}})))
	}
	for _, text := range []string{`{"keys":null}`, `{"keys":[{}]}`, `{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}`, `{"keys":[{"kty":"EC","crv":"P-256","x":"","y":""}]}`, `{"keys":[1,null,"x",[]]}`, `[]`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		keys, err := readKeySet(text)
		if (err == nil) != (len(keys) > 0) {
			t.Errorf("%d keys, error %v", len(keys), err)
		}
		for _, k := range keys {
			if len(k.algs) == 0 || len(k.id) > maxKeyID || !k.same(k) {
				t.Errorf("key %+v", k)
			}
		}
	})
}

// FuzzDiscovery reads discovery documents. One that is taken is the issuer's
// own and does not lower the guard.
func FuzzDiscovery(f *testing.F) {
	const issuer = "https://login.example.com/realms/one"
	for _, text := range []string{`{"issuer":"` + issuer + `","jwks_uri":"https://keys.example.com/"}`, `{"issuer":"` + issuer + `","jwks_uri":"http://keys.example.com/"}`, `{"issuer":"` + issuer + `/","jwks_uri":"https://keys.example.com/"}`, `{"jwks_uri":1}`, `{"Issuer":"` + issuer + `"}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		address, err := readDiscovery(text, issuer)
		if err == nil && !strings.HasPrefix(strings.ToLower(address), "https://") {
			t.Errorf("address %q from %q", address, text)
		}
		if err == nil && !bytes.Contains(text, []byte("issuer")) && !bytes.Contains(text, []byte(`\u`)) {
			t.Errorf("an issuer was read from %q", text)
		}
	})
}
