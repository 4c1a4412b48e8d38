package token

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"pgregory.net/rapid"

	"idpool/internal/idpool"
)

func decode(t testing.TB, text string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestClaims holds the form of a token to the letter (behaviour 5.1 to 5.3).
func TestClaims(t *testing.T) {
	t.Parallel()
	issuer, _ := newIssuer(t)
	const (
		head  = `{"sub":"` + identity + `","aud":"` + pool + `","amr":`
		tail  = `,"iss":"https://pool.example.com","https://cognito-identity.amazonaws.com/identity-pool-arn":"arn:aws:cognito-identity:us-east-1:111122223333:identitypool/` + pool + `"`
		times = `,"exp":1772601367,"iat":1772600767}`
	)
	login := func(provider, subject, detail string) idpool.VerifiedLogin {
		return idpool.VerifiedLogin{Login: idpool.Login{Provider: provider, Subject: subject}, Detail: detail}
	}
	for name, c := range map[string]struct {
		logins []idpool.VerifiedLogin
		tags   map[string]string
		want   string
	}{
		"guest": {nil, nil, head + `["unauthenticated"]` + tail + times},
		"OIDC": {[]idpool.VerifiedLogin{login("login.example.com/x", "ann", "arn:aws:iam::111122223333:oidc-provider/login.example.com/x:OIDC:ann")}, nil,
			head + `["authenticated","login.example.com/x","arn:aws:iam::111122223333:oidc-provider/login.example.com/x:OIDC:ann"]` + tail + times},
		"several": {[]idpool.VerifiedLogin{login("accounts.google.com", "1", "accounts.google.com:app:1"), login("login.example.com", "ann", "d")}, nil,
			head + `["authenticated","accounts.google.com","accounts.google.com:app:1","login.example.com","d"]` + tail + times},
		"tags": {nil, map[string]string{"username": "ann", "client": "app"},
			head + `["unauthenticated"]` + tail + `,"https://aws.amazon.com/tags":{"principal_tags":{"client":["app"],"username":["ann"]}}` + times},
		"no tags": {nil, map[string]string{}, head + `["unauthenticated"]` + tail + times},
	} {
		o := idpool.NewOpenID(idpool.Pool{ID: pool, Account: account}, identity, c.logins)
		o.Tags = c.tags
		text, err := issuer.Sign(t.Context(), o, Lifetime)
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(text, ".")
		if len(parts) != 3 {
			t.Fatalf("%s: %s", name, text)
		}
		if got := string(decode(t, parts[0])); got != `{"alg":"RS512","kid":"us-east-11","typ":"JWS"}` {
			t.Errorf("%s: header %s", name, got)
		}
		if got := string(decode(t, parts[1])); got != c.want {
			t.Errorf("%s: claims\n got %s\nwant %s", name, got, c.want)
		}
		key, err := issuer.Keys.public(t.Context(), "us-east-11", now)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha512.Sum512([]byte(parts[0] + "." + parts[1]))
		if signature := decode(t, parts[2]); len(signature) != 256 || rsa.VerifyPKCS1v15(key, crypto.SHA512, sum[:], signature) != nil {
			t.Errorf("%s: the signature of %d bytes does not verify", name, len(signature))
		}
	}
	if Lifetime != 600*time.Second || DeveloperLifetime != 900*time.Second {
		t.Errorf("lifetimes %s and %s", Lifetime, DeveloperLifetime) // behaviour 5.4
	}
}

func TestVerifyReadsWhatWasSigned(t *testing.T) {
	t.Parallel()
	issuer, at := newIssuer(t)
	rapid.Check(t, func(t *rapid.T) {
		*at = now
		texts := rapid.SliceOfN(rapid.StringN(0, 20, -1), 1, 5)
		o := idpool.OpenID{
			Identity: idpool.NewIdentityID("us-east-1", now), Pool: idpool.NewPoolID("us-east-1"), Account: account,
			AMR: texts.Draw(t, "amr"),
		}
		for _, key := range rapid.SliceOfN(rapid.StringN(1, 10, -1), 0, 3).Draw(t, "tags") {
			if o.Tags == nil {
				o.Tags = map[string]string{}
			}
			o.Tags[key] = rapid.String().Draw(t, "value")
		}
		ttl := rapid.Int64Range(1, 86400).Draw(t, "ttl")
		text, err := issuer.Sign(t.Context(), o, time.Duration(ttl)*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		*at = now.Add(time.Duration(rapid.Int64Range(0, ttl-1).Draw(t, "age")) * time.Second)
		got, err := issuer.Verify(t.Context(), text)
		if err != nil || !reflect.DeepEqual(got, o) {
			t.Fatalf("signed %+v, read %+v, %v", o, got, err)
		}
	})
}

// The texts of behaviour 8.2.
const (
	noJWT      = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
	noKey      = "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements"
	noProvider = "No OpenIDConnect provider found in your account for "
)

// forger makes tokens that are nearly right.
type forger struct {
	t              *testing.T
	header, claims map[string]any
	key            *rsa.PrivateKey
}

// with is a copy with other header members and claims; nil takes one away.
func (f forger) with(header, claims map[string]any) forger {
	f.header, f.claims = maps.Clone(f.header), maps.Clone(f.claims)
	for name, value := range header {
		if f.header[name] = value; value == nil {
			delete(f.header, name)
		}
	}
	for name, value := range claims {
		if f.claims[name] = value; value == nil {
			delete(f.claims, name)
		}
	}
	return f
}

func (f forger) by(key *rsa.PrivateKey) forger { f.key = key; return f }

func (f forger) input() string {
	part := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			f.t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	return part(f.header) + "." + part(f.claims)
}

// rsa signs with a hash of the name's length.
func (f forger) rsa(hash crypto.Hash) string {
	input := f.input()
	h := hash.New()
	h.Write([]byte(input))
	sum, err := rsa.SignPKCS1v15(rand.Reader, f.key, hash, h.Sum(nil))
	if err != nil {
		f.t.Fatal(err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(sum)
}

func (f forger) pss() string {
	input := f.input()
	sum := sha512.Sum512([]byte(input))
	signature, err := rsa.SignPSS(rand.Reader, f.key, crypto.SHA512, sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	if err != nil {
		f.t.Fatal(err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func (f forger) hmac(newHash func() hash.Hash, key []byte) string {
	input := f.input()
	m := hmac.New(newHash, key)
	m.Write([]byte(input))
	return input + "." + base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// TestForgeries: of all these tokens one is ours.
func TestForgeries(t *testing.T) {
	t.Parallel()
	issuer, _ := newIssuer(t)
	own, err := issuer.Keys.signer(t.Context(), now)
	if err != nil {
		t.Fatal(err)
	}
	_, second := stored(t)
	other, err := newKeys(t, nil).unseal(second)
	if err != nil {
		t.Fatal(err)
	}
	ours := forger{t: t, key: own.private,
		header: map[string]any{"alg": "RS512", "kid": "us-east-11", "typ": "JWS"},
		claims: map[string]any{"iss": url, "sub": identity, "aud": pool, "amr": []string{"unauthenticated"}, "iat": now.Unix(), "exp": now.Unix() + 600,
			"https://cognito-identity.amazonaws.com/identity-pool-arn": idpool.PoolARN(account, pool)},
	}
	type m = map[string]any
	good := ours.rsa(crypto.SHA512)
	if _, err := issuer.Verify(t.Context(), good); err != nil {
		t.Fatalf("the control: %v", err)
	}
	head, rest, _ := strings.Cut(good, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	otherJWK := jose.JSONWebKey{Key: other.private.Public(), KeyID: "us-east-11"}
	embedded, err := json.Marshal(otherJWK)
	if err != nil {
		t.Fatal(err)
	}
	x5c := []string{base64.StdEncoding.EncodeToString(other.cert.Raw)}

	type forgery struct {
		token string
		kind  idpool.Kind
		text  string
	}
	table := map[string]forgery{
		"nothing":                        {"", idpool.InvalidToken, noJWT},
		"no token":                       {"not a token", idpool.InvalidToken, noJWT},
		"one dot":                        {head + "." + payload, idpool.InvalidToken, noJWT},
		"two dots":                       {"..", idpool.InvalidToken, noJWT},
		"five parts":                     {good + ".x.y", idpool.InvalidToken, noJWT},
		"no signature":                   {head + "." + payload + ".", idpool.InvalidToken, noKey},
		"no header":                      {"." + payload + "." + signature, idpool.InvalidToken, noJWT},
		"no claims":                      {head + ".." + signature, idpool.InvalidToken, noJWT},
		"as a JSON object":               {`{"payload":"` + payload + `","protected":"` + head + `","signature":"` + signature + `"}`, idpool.InvalidToken, noJWT},
		"as JSON, signatures":            {`{"payload":"` + payload + `","signatures":[{"protected":"` + head + `","signature":"` + signature + `"}]}`, idpool.InvalidToken, noJWT},
		"a signature of zeros":           {head + "." + payload + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 256)), idpool.InvalidToken, noKey},
		"the signature of another token": {ours.with(nil, m{"sub": "us-east-1:0-0"}).input() + "." + signature, idpool.InvalidToken, noKey},
		"another header":                 {ours.with(m{"typ": "JWT"}, nil).input() + "." + signature, idpool.InvalidToken, noKey},
		"a million dots":                 {strings.Repeat(".", 1_000_000), idpool.InvalidToken, noJWT},

		"RS256 of our key":     {ours.with(m{"alg": "RS256"}, nil).rsa(crypto.SHA256), idpool.InvalidToken, noKey},
		"RS384 of our key":     {ours.with(m{"alg": "RS384"}, nil).rsa(crypto.SHA384), idpool.InvalidToken, noKey},
		"PS512 of our key":     {ours.with(m{"alg": "PS512"}, nil).pss(), idpool.InvalidToken, noJWT},
		"PSS called RS512":     {ours.pss(), idpool.InvalidToken, noKey},
		"SHA-256 called RS512": {ours.rsa(crypto.SHA256), idpool.InvalidToken, noKey},
		"ES512":                {ours.with(m{"alg": "ES512"}, nil).rsa(crypto.SHA512), idpool.InvalidToken, noKey},
		"no alg":               {ours.with(m{"alg": nil}, nil).rsa(crypto.SHA512), idpool.InvalidToken, noJWT},
		"alg in lower case":    {ours.with(m{"alg": "rs512"}, nil).rsa(crypto.SHA512), idpool.InvalidToken, noJWT},

		"another key":                {ours.by(other.private).rsa(crypto.SHA512), idpool.InvalidToken, noKey},
		"another key, its own kid":   {ours.by(other.private).with(m{"kid": "us-east-12"}, nil).rsa(crypto.SHA512), idpool.InvalidToken, noKey},
		"another key, no kid":        {ours.by(other.private).with(m{"kid": nil}, nil).rsa(crypto.SHA512), idpool.InvalidToken, noKey},
		"our key, unknown kid":       {ours.with(m{"kid": "us-east-1"}, nil).rsa(crypto.SHA512), idpool.InvalidToken, noKey},
		"our key, no kid":            {ours.with(m{"kid": nil}, nil).rsa(crypto.SHA512), idpool.InvalidToken, noKey},
		"kid is a path":              {ours.with(m{"kid": "../us-east-11"}, nil).rsa(crypto.SHA512), idpool.InvalidToken, noKey},
		"kid is a number":            {ours.with(m{"kid": 11}, nil).rsa(crypto.SHA512), idpool.InvalidToken, noJWT},
		"a key in the token":         {ours.by(other.private).with(m{"jwk": json.RawMessage(embedded)}, nil).rsa(crypto.SHA512), idpool.InvalidToken, noKey},
		"a key in the token, no kid": {ours.by(other.private).with(m{"jwk": json.RawMessage(embedded), "kid": nil}, nil).rsa(crypto.SHA512), idpool.InvalidToken, noKey},
		"a certificate in the token": {ours.by(other.private).with(m{"x5c": x5c}, nil).rsa(crypto.SHA512), idpool.InvalidToken, noKey},
		"the address of a key":       {ours.by(other.private).with(m{"jku": "https://evil.example/keys", "x5u": "https://evil.example/cert"}, nil).rsa(crypto.SHA512), idpool.InvalidToken, noKey},
		"crit":                       {ours.with(m{"crit": []string{"x"}, "x": 1}, nil).rsa(crypto.SHA512), idpool.InvalidToken, noKey},

		"another issuer":              {ours.with(nil, m{"iss": "https://evil.example"}).rsa(crypto.SHA512), idpool.InvalidToken, noProvider + "https://evil.example"},
		"another issuer, another key": {ours.by(other.private).with(nil, m{"iss": "https://evil.example"}).rsa(crypto.SHA512), idpool.InvalidToken, noProvider + "https://evil.example"},
		"the issuer with a slash":     {ours.with(nil, m{"iss": url + "/"}).rsa(crypto.SHA512), idpool.InvalidToken, noProvider + url + "/"},
		"the issuer in capitals":      {ours.with(nil, m{"iss": "https://POOL.example.com"}).rsa(crypto.SHA512), idpool.InvalidToken, noProvider + "https://POOL.example.com"},
		"the issuer over http":        {ours.with(nil, m{"iss": "http://pool.example.com"}).rsa(crypto.SHA512), idpool.InvalidToken, noProvider + "http://pool.example.com"},
		"no issuer":                   {ours.with(nil, m{"iss": nil}).rsa(crypto.SHA512), idpool.InvalidToken, noProvider},
		"a list of issuers":           {ours.with(nil, m{"iss": []string{url}}).rsa(crypto.SHA512), idpool.InvalidToken, noJWT},
		"a long issuer":               {ours.with(nil, m{"iss": strings.Repeat("x", 1000)}).rsa(crypto.SHA512), idpool.InvalidToken, noProvider + strings.Repeat("x", 256)},

		"expired now":      {ours.with(nil, m{"exp": now.Unix()}).rsa(crypto.SHA512), idpool.ExpiredToken, fmt.Sprintf("Token expired: current date/time %d must be before the expiration date/time %d", now.Unix(), now.Unix())},
		"expired":          {ours.with(nil, m{"exp": now.Unix() - 1}).rsa(crypto.SHA512), idpool.ExpiredToken, fmt.Sprintf("Token expired: current date/time %d must be before the expiration date/time %d", now.Unix(), now.Unix()-1)},
		"no exp":           {ours.with(nil, m{"exp": nil}).rsa(crypto.SHA512), idpool.ExpiredToken, fmt.Sprintf("Token expired: current date/time %d must be before the expiration date/time 0", now.Unix())},
		"expired, forged":  {ours.by(other.private).with(nil, m{"exp": 1}).rsa(crypto.SHA512), idpool.InvalidToken, noKey},
		"another audience": {ours.with(nil, m{"aud": "us-east-1:0-0"}).rsa(crypto.SHA512), idpool.InvalidToken, noJWT},
		"no pool ARN":      {ours.with(nil, m{"https://cognito-identity.amazonaws.com/identity-pool-arn": nil}).rsa(crypto.SHA512), idpool.InvalidToken, noJWT},
		"ARN of no pool":   {ours.with(nil, m{"https://cognito-identity.amazonaws.com/identity-pool-arn": "arn:aws:iam::111122223333:role/app"}).rsa(crypto.SHA512), idpool.InvalidToken, noJWT},
	}
	for _, alg := range []string{"none", "None", "NONE", "nOnE", ""} {
		table["alg "+alg+", no signature"] = forgery{ours.with(m{"alg": alg}, nil).input() + ".", idpool.InvalidToken, noJWT}
		table["alg "+alg+", our signature"] = forgery{ours.with(m{"alg": alg}, nil).rsa(crypto.SHA512), idpool.InvalidToken, noJWT}
	}
	spki, err := x509.MarshalPKIXPublicKey(own.private.Public())
	if err != nil {
		t.Fatal(err)
	}
	set, err := issuer.Keys.Set(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	setJSON, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string][]byte{
		"the empty key": nil, "the kid": []byte("us-east-11"), "the public key": spki, "the modulus": own.private.N.Bytes(), "the key set": setJSON, "the certificate": own.cert.Raw,
		"the public key, PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}), "PKCS #1": x509.MarshalPKCS1PublicKey(&own.private.PublicKey),
		"the certificate, PEM": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: own.cert.Raw}),
	} {
		table["HS256 with "+name] = forgery{ours.with(m{"alg": "HS256"}, nil).hmac(sha256.New, key), idpool.InvalidToken, noJWT}
		table["HS384 with "+name] = forgery{ours.with(m{"alg": "HS384"}, nil).hmac(sha512.New384, key), idpool.InvalidToken, noJWT}
		table["HS512 with "+name] = forgery{ours.with(m{"alg": "HS512"}, nil).hmac(sha512.New, key), idpool.InvalidToken, noJWT}
		table["HMAC called RS512 with "+name] = forgery{ours.hmac(sha512.New, key), idpool.InvalidToken, noKey}
	}
	for name, f := range table {
		got, err := issuer.Verify(t.Context(), f.token)
		fault, ok := errors.AsType[*idpool.Error](err)
		if !ok || fault.Kind != f.kind || fault.Msg != f.text || !reflect.DeepEqual(got, idpool.OpenID{}) {
			t.Errorf("%s: got %+v, kind %d, %v; want kind %d, %q", name, got, idpool.KindOf(err), err, f.kind, f.text)
			continue
		}
		if len(f.token) > 100 && strings.Contains(err.Error(), f.token[len(f.token)-40:]) || len(err.Error()) > 2000 {
			t.Errorf("%s: the reason shows the token: %v", name, err)
		}
		if errors.Is(err, ErrForeign) != strings.HasPrefix(f.text, noProvider) {
			t.Errorf("%s: ErrForeign is behind it: %t", name, errors.Is(err, ErrForeign))
		}
		if _, expired := errors.AsType[Expired](err); expired != (f.kind == idpool.ExpiredToken) {
			t.Errorf("%s: Expired is behind it: %t", name, expired)
		}
	}
}

// Every altered character makes a token worthless, also the last one, of which
// no byte of the signature needs every bit, and so does every added one.
func TestAlteredTokens(t *testing.T) {
	t.Parallel()
	issuer, _ := newIssuer(t)
	text, err := issuer.Sign(t.Context(), ann(), Lifetime)
	if err != nil {
		t.Fatal(err)
	}
	for i := range text {
		for at, c := range []byte("AB.=\n\r ") {
			if text[i] == c || at > 1 && i%25 > 0 && i < len(text)-1 {
				continue
			}
			altered := []string{text[:i] + string(c) + text[i+1:]}
			if i%25 == 0 || i == len(text)-1 {
				altered = append(altered, text[:i]+string(c)+text[i:], text[:i+1]+string(c)+text[i+1:])
			}
			for _, bad := range altered {
				if got, err := issuer.Verify(t.Context(), bad); err == nil {
					t.Errorf("%q at character %d of %d: %+v", c, i, len(text), got)
				}
			}
		}
	}
	for _, cut := range []int{1, 10, 100, len(text) - 1} {
		for _, bad := range []string{text[cut:], text[:len(text)-cut]} {
			if got, err := issuer.Verify(t.Context(), bad); err == nil {
				t.Errorf("%d characters were cut off: %+v", cut, got)
			}
		}
	}
}

// Two deployments do not take each other's tokens, even with keys of one ID.
func TestDeploymentsDoNotShare(t *testing.T) {
	t.Parallel()
	here, _ := newIssuer(t)
	store, _ := openStore(t)
	_, second := stored(t)
	opened, err := newKeys(t, nil).unseal(second)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(opened.private)
	if err != nil {
		t.Fatal(err)
	}
	second.ID, second.Private = "us-east-11", box(t, 1).Seal(der, "signing-key", "us-east-11")
	put(t, store, second)
	there := &Issuer{URL: "https://other.example.com", Keys: newKeys(t, store), Now: here.Now}
	sameURL := &Issuer{URL: url, Keys: there.Keys, Now: here.Now}
	for name, issuer := range map[string]*Issuer{"another address": there, "another key": sameURL} {
		text, err := issuer.Sign(t.Context(), ann(), Lifetime)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := issuer.Verify(t.Context(), text); err != nil {
			t.Errorf("%s: its own token: %v", name, err)
		}
		if _, err := here.Verify(t.Context(), text); idpool.KindOf(err) != idpool.InvalidToken {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Without the store a token is not refused, but cannot be judged.
func TestVerifyWithoutAStore(t *testing.T) {
	t.Parallel()
	issuer, _ := newIssuer(t)
	text, err := issuer.Sign(t.Context(), ann(), Lifetime)
	if err != nil {
		t.Fatal(err)
	}
	store, _ := openStore(t)
	store.Close()
	down := &Issuer{URL: url, Keys: newKeys(t, store), Now: issuer.Now}
	if _, err := down.Verify(t.Context(), text); idpool.KindOf(err) != idpool.Unavailable {
		t.Errorf("got %v", err)
	}
}

func FuzzVerify(f *testing.F) {
	issuer, _ := newIssuer(f)
	text, err := issuer.Sign(f.Context(), ann(), Lifetime)
	if err != nil {
		f.Fatal(err)
	}
	head, rest, _ := strings.Cut(text, ".")
	f.Add(text)
	f.Add("")
	f.Add(head + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"`+url+`"}`)) + ".")
	f.Add(base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + rest)
	f.Fuzz(func(t *testing.T, token string) {
		got, err := issuer.Verify(t.Context(), token)
		if err == nil && !reflect.DeepEqual(got, ann()) {
			t.Errorf("%q says %+v", token, got)
		}
		if err != nil && idpool.KindOf(err) != idpool.InvalidToken {
			t.Errorf("%q: %v", token, err)
		}
	})
}
