package token

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"idpool/internal/idpool"
	"idpool/internal/seal"
)

func storedKeys(t testing.TB, store idpool.Store) (rows []idpool.SigningKey) {
	t.Helper()
	err := store.View(t.Context(), func(r idpool.Reader) (err error) {
		rows, err = r.SigningKeys(t.Context())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// TestFirstKey: several nodes start at once on an empty store, and each is
// asked for the key from many sides. They make one.
func TestFirstKey(t *testing.T) {
	t.Parallel()
	store, _ := openStore(t)
	nodes := []*Keys{newKeys(t, store), newKeys(t, store), newKeys(t, store)}
	for _, k := range nodes {
		if have, err := k.Open(t.Context()); have || err != nil {
			t.Fatalf("an empty store has a key: %t, %v", have, err)
		}
	}
	var all sync.WaitGroup
	for _, k := range nodes {
		for range 4 {
			all.Go(func() {
				if err := k.Load(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	rows := storedKeys(t, store)
	if len(rows) != 1 || rows[0].ID != "us-east-11" || !rows[0].Created.Equal(now) || !rows[0].UseFrom.Equal(now) {
		t.Fatalf("the store has %+v", rows)
	}
	first, err := nodes[0].signer(t.Context(), now)
	if err != nil || first.private.N.BitLen() != 2048 || first.private.E != 65537 {
		t.Fatalf("the key: %v, %v", first, err)
	}
	for i, k := range append(nodes, newKeys(t, store)) { // the last one starts later
		key, err := k.signer(t.Context(), now)
		if err != nil || !key.private.Equal(first.private) {
			t.Errorf("node %d signs with another key (%v)", i, err)
		}
	}
	if have, err := newKeys(t, store).Open(t.Context()); !have || err != nil {
		t.Errorf("the store has a key: %t, %v", have, err)
	}
}

// A client who goes away while the key is made takes nobody with it.
func TestFirstKeyAfterFailure(t *testing.T) {
	t.Parallel()
	store, _ := openStore(t)
	k := newKeys(t, store)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := k.Load(gone); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if rows := storedKeys(t, store); len(rows) != 0 {
		t.Fatalf("stored: %v", rows)
	}
	first, _ := stored(t) // another node is quicker
	put(t, store, first)
	if err := k.Load(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAnotherMasterKey(t *testing.T) {
	t.Parallel()
	store, _ := openStore(t)
	first, _ := stored(t)
	put(t, store, first)
	k := newKeys(t, store)
	k.Box = box(t, 2)
	have, err := k.Open(t.Context())
	if !errors.Is(err, seal.ErrKeyUnknown) || !have {
		t.Errorf("got %t, %v", have, err)
	}
	for _, word := range []string{"us-east-11", "another master key"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("the error does not say %s: %v", word, err)
		}
	}
	if err := k.Load(t.Context()); !errors.Is(err, seal.ErrKeyUnknown) {
		t.Errorf("Load: %v", err)
	}
	issuer := &Issuer{URL: url, Keys: k, Now: k.Now}
	if _, err := issuer.Sign(t.Context(), ann(), Lifetime); !errors.Is(err, seal.ErrKeyUnknown) {
		t.Errorf("Sign: %v", err)
	}
	if rows := storedKeys(t, store); !reflect.DeepEqual(rows, []idpool.SigningKey{first}) {
		t.Errorf("the store has %v", rows)
	}
	k.Box = box(t, 1) // the right one after all
	if err := k.Load(t.Context()); err != nil {
		t.Error(err)
	}
}

// What was sealed for one key is not taken for another, and not everything
// that opens is a key.
func TestDamagedKeys(t *testing.T) {
	t.Parallel()
	first, second := stored(t)
	elliptic, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(elliptic)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*idpool.SigningKey){
		"sealed for another key": func(r *idpool.SigningKey) { r.Private = second.Private },
		"another ID":             func(r *idpool.SigningKey) { r.ID = "us-east-19" },
		"altered":                func(r *idpool.SigningKey) { r.Private = bytes.Clone(r.Private); r.Private[50] ^= 1 },
		"empty":                  func(r *idpool.SigningKey) { r.Private = []byte{} },
		"in clear":               func(r *idpool.SigningKey) { r.Private = der },
		"no RSA key":             func(r *idpool.SigningKey) { r.Private = box(t, 1).Seal(der, "signing-key", r.ID) },
		"no key at all":          func(r *idpool.SigningKey) { r.Private = box(t, 1).Seal([]byte("x"), "signing-key", r.ID) },
		"no certificate":         func(r *idpool.SigningKey) { r.Certificate = []byte("x") },
	} {
		row := first
		change(&row)
		if err := newKeys(t, nil).open([]idpool.SigningKey{row}); err == nil || !strings.Contains(err.Error(), "open signing key "+row.ID) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSealedAtRest looks for the key in the files of the store.
func TestSealedAtRest(t *testing.T) {
	t.Parallel()
	store, path := openStore(t)
	first, _ := stored(t)
	put(t, store, first)
	key, err := newKeys(t, store).unseal(first)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key.private)
	if err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(path + "*") // with its write-ahead log
	if err != nil || len(names) < 2 {
		t.Fatalf("%v, %v", names, err)
	}
	var files []byte
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, content...)
	}
	if !bytes.Contains(files, key.cert.Raw) || !bytes.Contains(files, []byte("us-east-11")) {
		t.Fatal("not even the certificate is found: this looks in the wrong place")
	}
	secrets := map[string][]byte{
		"PEM": []byte("PRIVATE KEY"), "PKCS #8": pkcs8, "PKCS #1": x509.MarshalPKCS1PrivateKey(key.private),
		"exponent": key.private.D.Bytes(), "first prime": key.private.Primes[0].Bytes(), "second prime": key.private.Primes[1].Bytes(),
		"exponent of the first prime": key.private.Precomputed.Dp.Bytes(), "coefficient": key.private.Precomputed.Qinv.Bytes(),
	}
	for name, secret := range secrets {
		for spelling, text := range map[string][]byte{"": secret, "in base64: ": []byte(base64.StdEncoding.EncodeToString(secret)), "in base64url: ": []byte(base64.RawURLEncoding.EncodeToString(secret))} {
			if part := text[:min(len(text), 32)]; bytes.Contains(files, part) {
				t.Errorf("%s%s is in the files", spelling, name)
			}
		}
	}
}

// TestWhichKeySigns: a key is published before it signs, and stays when the
// next one does.
func TestWhichKeySigns(t *testing.T) {
	t.Parallel()
	store, _ := openStore(t)
	first, second := stored(t)
	second.Created, second.UseFrom = now.Add(time.Hour), now.Add(25*time.Hour)
	put(t, store, second, first)
	k := newKeys(t, store)
	for at, want := range map[time.Duration]string{
		0: "us-east-11", 2 * time.Hour: "us-east-11", 25*time.Hour - 1: "us-east-11", 25 * time.Hour: "us-east-12", 1000 * time.Hour: "us-east-12",
		-1000 * time.Hour: "us-east-11", // a clock that went back
	} {
		key, err := k.signer(t.Context(), now.Add(at))
		if err != nil || key.id != want {
			t.Errorf("after %s: %s, %v; want %s", at, key.id, err, want)
		}
	}
	set, err := k.Set(t.Context())
	if err != nil || len(set.Keys) != 2 || set.Keys[0].KeyID != "us-east-11" || set.Keys[1].KeyID != "us-east-12" {
		t.Errorf("published: %v, %v", set, err)
	}
	clock := now
	issuer := &Issuer{URL: url, Keys: k, Now: func() time.Time { return clock }}
	old, err := issuer.Sign(t.Context(), ann(), 48*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	clock = now.Add(26 * time.Hour)
	fresh, err := issuer.Sign(t.Context(), ann(), Lifetime)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"of the old key": old, "of the new key": fresh} {
		if _, err := issuer.Verify(t.Context(), text); err != nil {
			t.Errorf("a token %s: %v", name, err)
		}
	}
}

func get(t *testing.T, h http.Handler, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w
}

func TestDocuments(t *testing.T) {
	t.Parallel()
	issuer, _ := newIssuer(t)
	mux := http.NewServeMux()
	issuer.Mount(mux)
	paths := []string{"/.well-known/openid-configuration", "/.well-known/jwks_uri", "/.well-known/jwks.json"}
	for _, path := range paths {
		w := get(t, mux, "GET", path)
		for name, want := range map[string]string{"Content-Type": "application/json", "Cache-Control": "public, max-age=3600", "Access-Control-Allow-Origin": "*"} {
			if got := w.Header().Get(name); w.Code != 200 || got != want {
				t.Errorf("%s: status %d, %s: %s", path, w.Code, name, got)
			}
		}
		for method, want := range map[string]int{"HEAD": 200, "POST": 405, "PUT": 405, "DELETE": 405} {
			if w := get(t, mux, method, path); w.Code != want {
				t.Errorf("%s %s: status %d", method, path, w.Code)
			}
		}
	}
	const discovery = `{"issuer":"https://pool.example.com","jwks_uri":"https://pool.example.com/.well-known/jwks_uri",` +
		`"authorization_endpoint":"https://pool.example.com/authorize","response_types_supported":["id_token"],"subject_types_supported":["public"],` +
		`"id_token_signing_alg_values_supported":["RS512"],"claims_supported":["sub","aud","amr","iss","exp","iat"]}`
	if got := get(t, mux, "GET", paths[0]).Body.String(); got != discovery {
		t.Errorf("the discovery document is %s", got)
	}
	set := get(t, mux, "GET", paths[1]).Body.String()
	if other := get(t, mux, "GET", paths[2]).Body.String(); other != set {
		t.Errorf("two key sets: %s and %s", set, other)
	}
}

// TestKeySet reads the key set as a relying party does (RFC 7517).
func TestKeySet(t *testing.T) {
	t.Parallel()
	issuer, _ := newIssuer(t)
	mux := http.NewServeMux()
	issuer.Mount(mux)
	var set struct{ Keys []map[string]any }
	if err := json.Unmarshal(get(t, mux, "GET", "/.well-known/jwks_uri").Body.Bytes(), &set); err != nil || len(set.Keys) != 1 {
		t.Fatalf("%v, %v", set, err)
	}
	jwk := set.Keys[0]
	for name, want := range map[string]string{"kty": "RSA", "alg": "RS512", "use": "sig", "kid": "us-east-11", "e": "AQAB"} {
		if jwk[name] != want {
			t.Errorf("%s: %v", name, jwk[name])
		}
	}
	public := []string{"kty", "alg", "use", "kid", "e", "n", "x5c", "x5t", "x5t#S256"}
	for name := range jwk {
		if !slices.Contains(public, name) {
			t.Errorf("the key set has a member %s", name)
		}
	}
	n, err := base64.RawURLEncoding.Strict().DecodeString(jwk["n"].(string))
	if err != nil || len(n) != 256 || n[0] == 0 {
		t.Fatalf("the modulus has %d bytes and begins with %d (%v)", len(n), n[0], err)
	}
	chain, ok := jwk["x5c"].([]any)
	if !ok || len(chain) != 1 {
		t.Fatalf("x5c: %v", jwk["x5c"])
	}
	der, err := base64.StdEncoding.Strict().DecodeString(chain[0].(string))
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	if err := cert.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature); err != nil {
		t.Errorf("the certificate does not verify: %v", err)
	}
	if key, ok := cert.PublicKey.(*rsa.PublicKey); !ok || key.N.Cmp(new(big.Int).SetBytes(n)) != 0 || key.E != 65537 {
		t.Errorf("the certificate is of another key: %v", cert.PublicKey)
	}
	if cert.NotBefore.After(now) || cert.NotAfter.Before(now.AddDate(10, 0, 0)) || cert.KeyUsage != x509.KeyUsageDigitalSignature || cert.IsCA {
		t.Errorf("valid from %s to %s, usage %d, CA %t", cert.NotBefore, cert.NotAfter, cert.KeyUsage, cert.IsCA)
	}
}

// Without the store there are no documents, and no half ones: the status says
// that it is worth another try, and nothing is to be kept.
func TestDocumentsWithoutAStore(t *testing.T) {
	t.Parallel()
	store, _ := openStore(t)
	store.Close()
	issuer := &Issuer{URL: url, Keys: newKeys(t, store), Now: func() time.Time { return now }}
	mux := http.NewServeMux()
	issuer.Mount(mux)
	w := get(t, mux, "GET", "/.well-known/jwks.json")
	if w.Code != 503 || w.Header().Get("Cache-Control") != "" || w.Body.String() != "the keys cannot be read\n" {
		t.Errorf("status %d, %v, %s", w.Code, w.Header(), w.Body)
	}
	if w := get(t, mux, "GET", "/.well-known/openid-configuration"); w.Code != 200 {
		t.Errorf("the discovery document: status %d", w.Code)
	}
	_, err := issuer.Sign(t.Context(), ann(), Lifetime)
	if idpool.KindOf(err) != idpool.Unavailable {
		t.Errorf("Sign: %v", err)
	}
}
