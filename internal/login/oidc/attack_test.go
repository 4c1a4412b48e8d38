package oidc

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"idpool/internal/login/logintest"
)

// vector is a token that must be refused.
type vector struct {
	name  string
	token string
	want  string
}

// canary listens on loopback and counts who comes.
func canary(t *testing.T) (address string, visits func() int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	var n atomic.Int64
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			n.Add(1)
			c.Close()
		}
	}()
	return l.Addr().String(), n.Load
}

// TestAttacks presents what strangers could try (threats T-1 to T-17). Each
// token is presented twice, so that a first refusal cannot make a second one
// pass, and nothing of them is remembered.
func TestAttacks(t *testing.T) {
	t.Parallel()
	ec, rs := newWorld(t), newWorld(t, logintest.WithAlg("RS256"))
	address, visits := canary(t)
	count := 0
	for _, group := range []struct {
		name string
		w    *world
		make func(*testing.T, *world, string) []vector
	}{
		{"T-1 algorithm, EC issuer", ec, algorithmAttacks},
		{"T-1 algorithm, RSA issuer", rs, algorithmAttacks},
		{"T-2 secret from public material", rs, hmacAttacks},
		{"T-3 key in the token", ec, embeddedKeyAttacks},
		{"T-4 key ID", ec, keyIDAttacks},
		{"T-5 issuer", ec, issuerAttacks},
		{"T-6 audience", ec, audienceAttacks},
		{"T-7 times", ec, timeAttacks},
		{"T-8 subject", ec, subjectAttacks},
		{"T-9 ECDSA signature", ec, ecdsaAttacks},
		{"T-10 RSA signature", rs, rsaAttacks},
		{"T-12 two readings", ec, ambiguityAttacks},
		{"T-13 crit and b64", ec, critAttacks},
		{"T-14 other forms", ec, formAttacks},
		{"T-15 size and depth", ec, sizeAttacks},
		{"T-16 tampering, EC issuer", ec, tamperAttacks},
		{"T-16 tampering, RSA issuer", rs, tamperAttacks},
		{"T-17 other tokens", ec, typeAttacks},
	} {
		t.Run(group.name, func(t *testing.T) {
			vectors := group.make(t, group.w, address)
			count += len(vectors)
			t.Logf("%d refused", len(vectors))
			for _, v := range vectors {
				t.Run(v.name, func(t *testing.T) {
					group.w.refuse(t, v.token, v.want)
					group.w.refuse(t, v.token, v.want)
				})
			}
			if n := group.w.v.seen.EstimatedSize(); n != 0 {
				t.Errorf("%d refused tokens are remembered", n)
			}
			group.w.accept(t, group.w.Token("ann")) // the issuer itself is fine
			group.w.v.seen.InvalidateAll()
		})
	}
	if n := visits(); n != 0 {
		t.Errorf("%d connections to an address that only tokens name", n)
	}
	t.Logf("%d vectors", count)
	if count < 300 {
		t.Errorf("only %d vectors", count)
	}
}

func algorithmAttacks(_ *testing.T, w *world, _ string) (vs []vector) {
	algs := []any{
		"none", "None", "NONE", "nOnE", " none", "", "rs256", "Rs256", "RS256 ", "RS256\x00", "RS1", "RS257", "PS256", "PS384", "PS512",
		"EdDSA", "Ed25519", "ES256K", "es256", "ES521", "HS256", "HS384", "HS512", "A128KW", "dir", "RSA-OAEP", nil, 0, 256, true, []string{"RS256"}, map[string]string{"alg": "RS256"},
	}
	for _, alg := range algs {
		vs = append(vs,
			vector{fmt.Sprintf("%q signed", alg), w.Token("ann", logintest.Header("alg", alg)), notAToken},
			vector{fmt.Sprintf("%q unsigned", alg), w.Token("ann", logintest.Header("alg", alg), logintest.Signature(nothing)), notAToken})
	}
	return append(vs,
		vector{"absent", w.Token("ann", logintest.WithoutHeader("alg")), notAToken},
		vector{"ALG instead", w.Token("ann", logintest.WithoutHeader("alg"), logintest.Header("ALG", w.Key().Alg)), notAToken},
		vector{"good alg, no signature", w.Token("ann", logintest.Signature(nothing)), notAToken},
		vector{"of the other family", w.Token("ann", logintest.Header("alg", map[byte]string{'E': "RS256", 'R': "ES256"}[w.Key().Alg[0]])), unverified},
		vector{"of another size", w.Token("ann", logintest.Header("alg", w.Key().Alg[:2]+"384")), unverified},
	)
}

func nothing([]byte) []byte { return nil }

func hmacAttacks(t *testing.T, w *world, _ string) (vs []vector) {
	public := w.Key().Private.Public().(*rsa.PublicKey)
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	jwk, _ := json.Marshal(w.Key().JWK())
	secrets := map[string][]byte{
		"PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), "DER": der, "PKCS1": x509.MarshalPKCS1PublicKey(public),
		"JWK": jwk, "JWKS": []byte(`{"keys":[` + string(jwk) + `]}`), "modulus": public.N.Bytes(), "n": []byte(w.Key().JWK()["n"].(string)),
		"kid": []byte(w.Key().ID), "empty": {},
	}
	for name, secret := range secrets {
		for alg, hash := range map[string]crypto.Hash{"HS256": crypto.SHA256, "HS384": crypto.SHA384, "HS512": crypto.SHA512, "RS256": crypto.SHA256} {
			want := notAToken
			if alg == "RS256" { // the key decides what the signature is, not the header
				want = unverified
			}
			sign := func(input []byte) []byte {
				h := hmac.New(hash.New, secret)
				h.Write(input)
				return h.Sum(nil)
			}
			vs = append(vs, vector{alg + " with " + name, w.Token("ann", logintest.Header("alg", alg), logintest.Signature(sign)), want})
		}
	}
	return vs
}

func embeddedKeyAttacks(t *testing.T, w *world, canary string) (vs []vector) {
	mine := logintest.NewKey(t, "ES256")
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: w.now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, mine.Private.Public(), mine.Private)
	if err != nil {
		t.Fatal(err)
	}
	members := map[string]any{
		"jwk": mine.JWK(), "x5c": []string{base64.StdEncoding.EncodeToString(der)},
		"jku": "http://" + canary + "/keys", "x5u": "http://" + canary + "/cert",
	}
	kids := map[string]logintest.TokenOption{
		"known": logintest.Header("kid", w.Key().ID), "unknown": logintest.Header("kid", mine.ID), "no": logintest.WithoutHeader("kid"),
	}
	for name, value := range members {
		for which, kid := range kids {
			vs = append(vs, vector{name + ", " + which + " kid", w.Token("ann", logintest.SignedWith(mine), kid, logintest.Header(name, value)), unverified})
		}
	}
	return vs
}

func keyIDAttacks(_ *testing.T, w *world, canary string) (vs []vector) {
	kid := w.Key().ID
	for _, unknown := range []string{
		"../../../../dev/null", "/etc/passwd", "' OR 1=1 --", "x\" UNION SELECT 'k", "http://" + canary + "/kid", "file:///dev/zero", "$(id)", "`id`", "%s%n", "a\x00b",
		"line\nbreak", "\x1b[31m", "\u202e", strings.Repeat("k", 256), strings.ToLower(kid), kid + " ", " " + kid, kid[1:], kid + kid, kid + "\x00",
	} {
		vs = append(vs, vector{fmt.Sprintf("%.30q", unknown), w.Token("ann", logintest.Header("kid", unknown)), unverified})
	}
	for _, wrong := range []any{strings.Repeat("k", 257), strings.Repeat("k", 20_000), 1, nil, true, []string{kid}, map[string]string{"kid": kid}} {
		vs = append(vs, vector{fmt.Sprintf("%.30q", fmt.Sprint(wrong)), w.Token("ann", logintest.Header("kid", wrong)), notAToken})
	}
	return vs
}

func issuerAttacks(t *testing.T, w *world, canary string) (vs []vector) {
	_, host, _ := strings.Cut(w.URL, "://")
	for _, iss := range []string{
		w.URL + "/", w.URL + "//", w.URL + "/.", w.URL + "/x", w.URL + "?", w.URL + "?a=b", w.URL + "#", w.URL + "#f", " " + w.URL, w.URL + " ", w.URL + "\x00", w.URL + "\n",
		"HTTP://" + host, strings.ToUpper(w.URL), "https://" + host, "//" + host, host, "http://user@" + host, "http://user:pw@" + host, "http://" + host + ".evil.example",
		"http://evil.example/" + w.URL, "http://evil.example#" + w.URL, "http://evil.example\\@" + host, strings.Replace(w.URL, "127.0.0.1", "localhost", 1), strings.Replace(w.URL, "127.0.0.1", "127.1", 1),
		strings.Replace(w.URL, "127.0.0.1", "[::ffff:127.0.0.1]", 1), w.URL + "0", w.URL[:len(w.URL)-1], "http://" + canary, "*", ".*", "http://127.0.0.1", "null",
	} {
		vs = append(vs, vector{fmt.Sprintf("%q", iss), w.Token("ann", logintest.Claim("iss", iss)), wrongIssuer})
	}
	for _, iss := range []any{[]string{w.URL}, []any{w.URL, w.URL}, 1, true, map[string]string{"iss": w.URL}} {
		vs = append(vs, vector{fmt.Sprintf("%q", fmt.Sprint(iss)), w.Token("ann", logintest.Claim("iss", iss)), notAToken})
	}
	other := logintest.NewIssuer(t, logintest.WithClock(w.now))
	other.Key().ID = w.Key().ID // the same key ID elsewhere
	w.pool = trusting(w.Issuer, other)
	if _, err := present(t, w.v, w.pool, other.Name(), other.Token("ann")); err != nil {
		t.Fatal(err)
	}
	w.v.seen.InvalidateAll()
	return append(vs,
		vector{"null", w.Token("ann", logintest.Claim("iss", nil)), noClaim + "iss"},
		vector{"empty", w.Token("ann", logintest.Claim("iss", "")), noClaim + "iss"},
		vector{"absent", w.Token("ann", logintest.Without("iss")), noClaim + "iss"},
		vector{"ISS instead", w.Token("ann", logintest.Without("iss"), logintest.Claim("ISS", w.URL)), noClaim + "iss"},
		vector{"key of another trusted issuer, same kid", w.Token("ann", logintest.SignedWith(other.Key())), unverified},
		vector{"token of another trusted issuer", other.Token("ann"), wrongIssuer},
	)
}

func audienceAttacks(_ *testing.T, w *world, _ string) (vs []vector) {
	for _, aud := range []any{
		"other", "ap", "appp", "app ", " app", "App", "APP", "app\x00", "app,shop", "app shop", "a*", "*", "[\"app\"]", "ａｐｐ", "app\u200b",
		[]string{"other"}, []string{"other", "another"}, []string{"app,shop"}, []string{""}, w.URL,
	} {
		vs = append(vs, vector{fmt.Sprintf("%q", aud), w.Token("ann", logintest.Claim("aud", aud)), unsupported})
	}
	for _, aud := range []any{1, true, map[string]string{"app": "app"}, map[string]bool{"app": true}, []any{"app", 1}, []any{nil, "app"}, []any{[]string{"app"}}, []any{map[string]string{}}} {
		vs = append(vs, vector{fmt.Sprintf("%q", fmt.Sprint(aud)), w.Token("ann", logintest.Claim("aud", aud)), notAToken})
	}
	for _, aud := range []any{nil, "", []string{}} {
		vs = append(vs, vector{fmt.Sprintf("empty %q", aud), w.Token("ann", logintest.Claim("aud", aud)), noClaim + "aud"})
	}
	return append(vs,
		vector{"absent", w.Token("ann", logintest.Without("aud")), noClaim + "aud"},
		vector{"AUD instead", w.Token("ann", logintest.Without("aud"), logintest.Claim("AUD", "app")), noClaim + "aud"},
		vector{"wrong aud, right AUD", w.Token("ann", logintest.Claim("aud", "other"), logintest.Claim("AUD", "app")), unsupported},
		vector{"wrong aud, right client_id", w.Token("ann", logintest.Claim("aud", "other"), logintest.Claim("client_id", "app")), unsupported},
		vector{"azp of another", w.Token("ann", logintest.Claim("azp", "other")), unsupported},
		vector{"azp of another, several aud", w.Token("ann", logintest.Audience("app", "shop"), logintest.Claim("azp", "other")), unsupported},
		vector{"azp list", w.Token("ann", logintest.Claim("azp", []string{"app"})), notAToken},
		vector{"azp number", w.Token("ann", logintest.Claim("azp", 7)), notAToken},
	)
}

func timeAttacks(_ *testing.T, w *world, _ string) (vs []vector) {
	now := w.now().Unix()
	for _, exp := range []int64{now - 60, now - 61, now - 3600, 1, 0, -1, -253402300799} {
		vs = append(vs, vector{fmt.Sprint("exp ", exp-now), w.Token("ann", logintest.Claim("exp", exp)), fmt.Sprintf("%s%d >= %d", expired, now, exp)})
	}
	for _, name := range []string{"exp", "nbf", "iat"} {
		for _, raw := range []string{
			`"123"`, `true`, `[]`, `{}`, `[1]`, `""`, `1e400`, `-1e400`, `1e99`, `9223372036854775807`, `9223372036854775808`, `-9223372036854775809`, `253402300800`, `1772600767000`,
			strings.Repeat("9", 65), "1." + strings.Repeat("0", 63), `"1772600767"`, `"9999999999"`,
		} {
			vs = append(vs, vector{name + " " + raw, w.Token("ann", logintest.Claim(name, json.RawMessage(raw))), notAToken})
		}
	}
	for _, name := range []string{"nbf", "iat"} {
		for _, ahead := range []int64{61, 3600, 86400 * 365} {
			vs = append(vs, vector{fmt.Sprintf("%s %d s ahead", name, ahead), w.Token("ann", logintest.Claim(name, now+ahead)), fmt.Sprintf("%s%d < %d", tooEarly, now, now+ahead)})
		}
	}
	return append(vs,
		vector{"exp absent", w.Token("ann", logintest.Without("exp")), noClaim + "exp"},
		vector{"exp null", w.Token("ann", logintest.Claim("exp", nil)), noClaim + "exp"},
		vector{"EXP instead", w.Token("ann", logintest.Without("exp"), logintest.Claim("EXP", now+60)), noClaim + "exp"},
		vector{"exp over, EXP not", w.Token("ann", logintest.Claim("exp", now-100), logintest.Claim("EXP", now+60)), expired},
		vector{"over with a fraction", w.Token("ann", logintest.Claim("exp", json.Number(fmt.Sprintf("%d.999", now-61)))), expired},
		vector{"over and signed by nobody", w.Token("ann", logintest.ExpiresIn(-time.Hour), logintest.Signature(zeros(64))), unverified},
	)
}

func zeros(n int) func([]byte) []byte { return func([]byte) []byte { return make([]byte, n) } }

func subjectAttacks(_ *testing.T, w *world, _ string) []vector {
	return []vector{
		{"absent", w.Token("", logintest.Without("sub")), noClaim + "sub"},
		{"empty", w.Token(""), noClaim + "sub"},
		{"null", w.Token("", logintest.Claim("sub", nil)), noClaim + "sub"},
		{"SUB instead", w.Token("", logintest.Without("sub"), logintest.Claim("SUB", "ann")), noClaim + "sub"},
		{"long s instead", w.Token("", logintest.Without("sub"), logintest.Claim("ſub", "ann")), noClaim + "sub"},
		{"number", w.Token("", logintest.Claim("sub", 7)), notAToken},
		{"true", w.Token("", logintest.Claim("sub", true)), notAToken},
		{"list", w.Token("", logintest.Claim("sub", []string{"ann"})), notAToken},
		{"object", w.Token("", logintest.Claim("sub", map[string]string{"id": "ann"})), notAToken},
		{"256 bytes", w.Token(strings.Repeat("s", 256)), notAToken},
		{"128 characters of two bytes", w.Token(strings.Repeat("ß", 128)), notAToken},
		{"invalid UTF-8", w.Token("", logintest.RawClaims(`{"iss":"`+w.URL+`","aud":"app","exp":9999999999,"sub":"a`+"\xff"+`"}`)), notAToken},
		{"lone surrogate", w.Token("", logintest.RawClaims(`{"iss":"`+w.URL+`","aud":"app","exp":9999999999,"sub":"a\ud800"}`)), notAToken},
		{"lone low surrogate", w.Token("", logintest.RawClaims(`{"iss":"`+w.URL+`","aud":"app","exp":9999999999,"sub":"\udc00a"}`)), notAToken},
	}
}

func ecdsaAttacks(t *testing.T, w *world, _ string) (vs []vector) {
	k := w.Key()
	public := k.Private.Public().(*ecdsa.PublicKey)
	order, field := public.Curve.Params().N.Bytes(), public.Curve.Params().P.Bytes()
	pair := func(r, s []byte) []byte { return append(append([]byte{}, r...), s...) }
	zero, one, ff := make([]byte, 32), append(make([]byte, 31), 1), bytes.Repeat([]byte{255}, 32)
	for name, sig := range map[string][]byte{
		"0,0": pair(zero, zero), "0,1": pair(zero, one), "1,0": pair(one, zero), "1,1": pair(one, one), "n,n": pair(order, order), "n,1": pair(order, one), "1,n": pair(one, order),
		"p,p": pair(field, field), "ff,ff": pair(ff, ff), "x,1": pair(point(public)[1:33], one), "one byte": {1}, "32 bytes": ff, "96 bytes": make([]byte, 96), "512 bytes": make([]byte, 512),
	} {
		vs = append(vs, vector{name, w.Token("ann", logintest.Signature(func([]byte) []byte { return sig })), unverified})
	}
	for name, change := range map[string]func([]byte) []byte{
		"DER": func(sig []byte) []byte {
			der, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])})
			if err != nil {
				t.Fatal(err)
			}
			return der
		},
		"one byte short":     func(sig []byte) []byte { return sig[:63] },
		"one byte long":      func(sig []byte) []byte { return append(sig, 0) },
		"zero in front":      func(sig []byte) []byte { return append([]byte{0}, sig...) },
		"padded to 66 bytes": func(sig []byte) []byte { return pair(append([]byte{0}, sig[:32]...), append([]byte{0}, sig[32:]...)) },
		"halves swapped":     func(sig []byte) []byte { return pair(sig[32:], sig[:32]) },
		"r + n": func(sig []byte) []byte {
			return pair(new(big.Int).Add(new(big.Int).SetBytes(sig[:32]), public.Curve.Params().N).Bytes(), sig[32:])
		},
		"bit of r": func(sig []byte) []byte { sig[5] ^= 1; return sig },
		"bit of s": func(sig []byte) []byte { sig[40] ^= 0x80; return sig },
		"doubled":  func(sig []byte) []byte { return append(sig, sig...) },
	} {
		vs = append(vs, vector{name, w.Token("ann", logintest.Signature(func(input []byte) []byte { return change(k.Sign(input)) })), unverified})
	}
	for _, alg := range []string{"ES256", "ES384", "ES512"} { // a stranger's key of the same and other curves, under a known kid
		vs = append(vs, vector{"stranger's " + alg, w.Token("ann", logintest.SignedWith(logintest.NewKey(t, alg)), logintest.Header("kid", k.ID)), unverified})
	}
	return vs
}

func point(k *ecdsa.PublicKey) []byte {
	b, err := k.Bytes()
	if err != nil {
		panic(err)
	}
	return b
}

func rsaAttacks(t *testing.T, w *world, _ string) (vs []vector) {
	k := w.Key()
	private := k.Private.(*rsa.PrivateKey)
	must := func(b []byte, err error) []byte {
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	sum := func(b []byte) []byte { s := sha256.Sum256(b); return s[:] }
	raw := func(block []byte) []byte { // RSA without any padding of its own
		return new(big.Int).Exp(new(big.Int).SetBytes(block), private.D, private.N).FillBytes(make([]byte, 256))
	}
	digestInfo, _ := base64.StdEncoding.DecodeString("MDEwDQYJYIZIAWUDBAIBBQAEIA==")
	padded := func(ff int, rest ...byte) []byte { // 00 01 ff… 00 rest
		b := append([]byte{0, 1}, bytes.Repeat([]byte{255}, ff)...)
		return append(append(b, 0), rest...)
	}
	for name, sign := range map[string]func([]byte) []byte{
		"zeros": zeros(256), "one": func([]byte) []byte { return append(make([]byte, 255), 1) }, "modulus": func([]byte) []byte { return private.N.Bytes() },
		"modulus - 1": func([]byte) []byte { return new(big.Int).Sub(private.N, big.NewInt(1)).Bytes() }, "ff": func([]byte) []byte { return bytes.Repeat([]byte{255}, 256) },
		"one byte": zeros(1), "255 bytes": func(b []byte) []byte { return k.Sign(b)[:255] }, "257 bytes": func(b []byte) []byte { return append(k.Sign(b), 0) },
		"zero in front": func(b []byte) []byte { return append([]byte{0}, k.Sign(b)...) }, "bit": func(b []byte) []byte { s := k.Sign(b); s[100] ^= 4; return s },
		"of something else": func(b []byte) []byte { return k.Sign(append(b, '.')) },
		"PSS":               func(b []byte) []byte { return must(rsa.SignPSS(rand.Reader, private, crypto.SHA256, sum(b), nil)) },
		"SHA-512":           func(b []byte) []byte { return (&logintest.Key{Alg: "RS512", Private: private}).Sign(b) },
		"without the hash's name": func(b []byte) []byte {
			return must(rsa.SignPKCS1v15(rand.Reader, private, 0, sum(b)))
		},
		"short padding, garbage behind": func(b []byte) []byte {
			block := padded(8, append(append([]byte{}, digestInfo...), sum(b)...)...)
			return raw(append(block, make([]byte, 256-len(block))...))
		},
		"garbage in the padding": func(b []byte) []byte {
			block := padded(202, append(append([]byte{}, digestInfo...), sum(b)...)...)
			block[50] = 0xfe
			return raw(block)
		},
		"block type 2": func(b []byte) []byte {
			block := padded(202, append(append([]byte{}, digestInfo...), sum(b)...)...)
			block[1] = 2
			return raw(block)
		},
		"bare digest":         func(b []byte) []byte { return raw(sum(b)) },
		"signature + modulus": func(b []byte) []byte { return new(big.Int).Add(new(big.Int).SetBytes(k.Sign(b)), private.N).Bytes() },
	} {
		vs = append(vs, vector{name, w.Token("ann", logintest.Signature(sign)), unverified})
	}
	stranger := logintest.NewKey(t, "RS256")
	return append(vs,
		vector{"stranger's, known kid", w.Token("ann", logintest.SignedWith(stranger), logintest.Header("kid", k.ID)), unverified},
		vector{"stranger's, own kid", w.Token("ann", logintest.SignedWith(stranger)), unverified},
		vector{"stranger's, no kid", w.Token("ann", logintest.SignedWith(stranger), logintest.WithoutHeader("kid")), unverified},
		vector{"RS512 with a key for RS256", w.Token("ann", logintest.SignedWith(&logintest.Key{ID: k.ID, Alg: "RS512", Private: private})), unverified},
	)
}

func ambiguityAttacks(_ *testing.T, w *world, _ string) (vs []vector) {
	kid, good := w.Key().ID, `"iss":"`+w.URL+`","aud":"app","exp":9999999999`
	for _, header := range []string{
		`{"alg":"none","alg":"ES256","kid":"` + kid + `"}`, `{"alg":"ES256","alg":"none","kid":"` + kid + `"}`, `{"alg":"ES256","alg":"ES256","kid":"` + kid + `"}`,
		`{"alg":"ES256","kid":"a","kid":"` + kid + `"}`, `{"alg":"ES256","kid":"` + kid + `","kid":"a"}`, `{"alg":"ES256","a\u006cg":"ES256","kid":"` + kid + `"}`,
		`{"alg":"ES256","kid":"` + kid + `","x":{"a":1,"a":2}}`, `{"alg":"ES256","kid":"` + kid + `"} ` + "\x00", `{"alg":"ES256","kid":"` + kid + `"}{}`, `[{"alg":"ES256","kid":"` + kid + `"}]`,
		`"ES256"`, `null`, ` `, `{`, `{}`, `{'alg':'ES256'}`, `{"alg":"ES256",}`, `{"alg":"ES256"/**/}`, "\ufeff" + `{"alg":"ES256","kid":"` + kid + `"}`, `{"alg":"ES256","kid":"` + kid + "\xff" + `"}`,
		`{"alg":"ES256","kid":"` + kid + `","typ":"\ud800"}`, `{"alg":"ES256","kid":"` + kid + `","typ":1}`, `{"alg":"ES256","kid":"` + kid + `","cty":[]}`,
	} {
		vs = append(vs, vector{"header " + header, w.Token("ann", logintest.RawHeader(header)), notAToken})
	}
	for _, claims := range []string{
		`{"sub":"ann","sub":"bob",` + good + `}`, `{"sub":"ann","\u0073ub":"bob",` + good + `}`, `{"sub":"ann",` + good + `,"sub":"ann"}`, `{"sub":"ann",` + good + `,"aud":"shop"}`,
		`{"sub":"ann",` + good + `,"iss":"x"}`, `{"sub":"ann",` + good + `,"exp":1}`, `{"sub":"ann",` + good + `,"x":{"y":[{"a":1,"a":1}]}}`, `{"sub":"ann",` + good + `} {}`, `{"sub":"ann",` + good + `}x`,
		`{"sub":"ann",` + good + `,"n":01}`, `{"sub":"ann",` + good + `,"n":NaN}`, `{"sub":"ann",` + good + `,"n":+1}`, `{"sub":"ann",` + good + `,"n":.5}`, `{"sub":"ann",` + good + `,"n":0x10}`, `{"sub":"ann",` + good + `,"n":1e}`,
		`{"sub":"ann",` + good + `,}`, `{"sub":"ann",` + good, `{sub:"ann",` + good + `}`, `{"sub":'ann',` + good + `}`, `{"sub":"a` + "\n" + `nn",` + good + `}`, `{"sub":"a\x41",` + good + `}`, `{"sub":"ann",` + good + `}//`,
		`["sub","ann"]`, `"ann"`, `1`, `null`, `true`, ` `, "\ufeff" + `{"sub":"ann",` + good + `}`, `{"sub":"ann",` + good + `,"` + "\xc3\x28" + `":1}`, `{"sub":"ann",` + good + `,"x":"\udead"}`, "\xff\xfe{\x00}\x00",
	} {
		vs = append(vs, vector{"claims " + claims, w.Token("ann", logintest.RawClaims(claims)), notAToken})
	}
	return vs
}

func critAttacks(_ *testing.T, w *world, _ string) (vs []vector) {
	for _, crit := range []any{[]string{"exp"}, []string{"b64"}, []string{}, []string{"alg"}, []string{"urn:x"}, "b64", nil, true, 1, map[string]bool{"b64": true}} {
		vs = append(vs,
			vector{fmt.Sprintf("crit %v", crit), w.Token("ann", logintest.Header("crit", crit)), notAToken},
			vector{fmt.Sprintf("crit %v with b64", crit), w.Token("ann", logintest.Header("crit", crit), logintest.Header("b64", true)), notAToken})
	}
	for _, b64 := range []any{false, nil, "false", "true", 0, []bool{true}, map[string]bool{}} {
		vs = append(vs, vector{fmt.Sprintf("b64 %#v", b64), w.Token("ann", logintest.Header("b64", b64)), notAToken})
	}
	unencoded := w.Token("ann", logintest.Header("b64", false), logintest.Header("crit", []string{"b64"}))
	header, rest, _ := strings.Cut(unencoded, ".")
	_, signature, _ := strings.Cut(rest, ".")
	return append(vs, vector{"payload not encoded", header + `.{"sub":"ann"}.` + signature, notAToken})
}

func formAttacks(_ *testing.T, w *world, _ string) (vs []vector) {
	good := w.Token("ann")
	p := strings.Split(good, ".")
	flat := fmt.Sprintf(`{"payload":"%s","protected":"%s","signature":"%s"}`, p[1], p[0], p[2])
	general := fmt.Sprintf(`{"payload":"%s","signatures":[{"protected":"%s","signature":"%s"}]}`, p[1], p[0], p[2])
	for name, text := range map[string]string{
		"empty": "", "a word": "token", "a dot": ".", "two dots": "..", "three dots": "...", "flattened JSON": flat, "general JSON": general, "JSON after a space": " " + flat,
		"two parts": p[0] + "." + p[1], "no signature": p[0] + "." + p[1] + ".", "no payload": p[0] + ".." + p[2], "no header": "." + p[1] + "." + p[2], "four parts": good + "." + p[2], "dot behind": good + ".", "dot before": "." + good,
		"five parts": strings.Join([]string{p[0], p[1], p[2], p[0], p[1]}, "."), "twice": good + good, "twice with a comma": good + "," + good,
		"space before": " " + good, "space behind": good + " ", "line break behind": good + "\n", "line break in the payload": p[0] + "." + p[1][:8] + "\r\n" + p[1][8:] + "." + p[2], "tab": p[0] + ".\t" + p[1] + "." + p[2],
		"padding": p[0] + "=." + p[1] + "." + p[2], "padded payload": p[0] + "." + p[1] + "=." + p[2], "padded signature": good + "==", "plus and slash": p[0] + "." + p[1] + ".++//" + p[2][4:], "percent": strings.ReplaceAll(good, ".", "%2E"),
		"NUL behind": good + "\x00", "full-width dot": p[0] + "．" + p[1] + "．" + p[2], "bearer": "Bearer " + good, "quoted": `"` + good + `"`, "letters of no alphabet": strings.Replace(good, p[0][:1], "é", 1),
		"an opaque token": "ya29.a0AfB_byC", "a facebook token": "EAACEdEose0cBA", "SAML": base64.StdEncoding.EncodeToString([]byte("<samlp:Response/>")),
		"stray bits in the header": p[0][:len(p[0])-1] + stray(p[0]) + "." + p[1] + "." + p[2], "stray bits in the signature": good[:len(good)-1] + stray(p[2]),
		"one character in a quantum": p[0] + "." + p[1] + "." + p[2] + "AAA",
	} {
		vs = append(vs, vector{name, text, notAToken})
	}
	for name, header := range map[string]string{
		"zip": `{"alg":"ES256","zip":"DEF"}`, "zip null": `{"alg":"ES256","zip":null}`, "enc": `{"alg":"ES256","enc":"A128GCM"}`, "JWE": `{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":2147483647,"p2s":"AAAA"}`, "dir": `{"alg":"dir","enc":"A256GCM"}`,
		"cty JWT": `{"alg":"ES256","cty":"JWT"}`, "cty jwt": `{"alg":"ES256","cty":"jwt"}`, "cty application/jwt": `{"alg":"ES256","cty":"application/jwt"}`,
	} {
		vs = append(vs, vector{name, w.Token("ann", logintest.RawHeader(header)), notAToken})
	}
	inner := w.Token("ann", logintest.Header("cty", "JWT"), logintest.RawClaims(good))
	bomb := w.Token("ann", logintest.Header("zip", "DEF"), logintest.RawClaims(strings.Repeat("A", 30_000)))
	return append(vs, vector{"nested", inner, notAToken}, vector{"a token as claims", w.Token("ann", logintest.RawClaims(good)), notAToken}, vector{"bomb", bomb, notAToken})
}

// stray is the last character of a part with a bit set that stands for nothing;
// a character that breaks the part if all its bits do.
func stray(part string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	if len(part)%4 == 0 {
		return part[len(part)-1:] + "A"
	}
	return string(alphabet[strings.IndexByte(alphabet, part[len(part)-1])|1])
}

func sizeAttacks(_ *testing.T, w *world, _ string) []vector {
	deep := func(n int) json.RawMessage { return json.RawMessage(strings.Repeat("[", n) + strings.Repeat("]", n)) }
	return []vector{
		{"50,001 characters", exactly(w, 50_001), notAToken},
		{"1 MiB", exactly(w, 1<<20), notAToken},
		{"49,000 dots", strings.Repeat(".", 49_000), notAToken},
		{"49,000 dots behind", w.Token("ann") + strings.Repeat(".", 49_000), notAToken},
		{"49,000 letters", strings.Repeat("A", 49_000), notAToken},
		{"claims 65 deep", w.Token("ann", logintest.Claim("x", deep(64))), notAToken},
		{"claims 18,000 deep", w.Token("ann", logintest.RawClaims(`{"x":`+string(deep(18_000))+`}`)), notAToken},
		{"header 65 deep", w.Token("ann", logintest.Header("x", deep(64))), notAToken},
		{"header 10,000 deep", w.Token("ann", logintest.RawHeader(`{"alg":"ES256","x":`+string(deep(10_000))+`}`)), notAToken},
		{"18,000 deep and never closed", w.Token("ann", logintest.RawClaims(strings.Repeat(`{"a":`, 7000))), notAToken},
	}
}

// exactly is a good token of a length.
func exactly(w *world, length int) string {
	for head := 0; ; head++ { // base64 has no text of 4n+1 characters, so both parts are padded
		make := func(pad int) string {
			return w.Token("ann", logintest.Header("x", strings.Repeat("x", head)), logintest.Claim("pad", strings.Repeat("x", pad)))
		}
		pad := (length - len(make(0))) / 4 * 3
		for ; len(make(pad)) < length; pad++ {
		}
		if token := make(pad); len(token) == length {
			return token
		}
	}
}

func tamperAttacks(_ *testing.T, w *world, _ string) (vs []vector) {
	ann, bob := strings.Split(w.Token("ann"), "."), strings.Split(w.Token("bob"), ".")
	other := strings.Split(w.Token("ann", logintest.Header("typ", "at")), ".")
	vs = append(vs,
		vector{"claims of another", ann[0] + "." + bob[1] + "." + ann[2], unverified},
		vector{"signature of another", ann[0] + "." + ann[1] + "." + bob[2], unverified},
		vector{"header of another", other[0] + "." + ann[1] + "." + ann[2], unverified},
		vector{"signature reversed", ann[0] + "." + ann[1] + "." + reversed(ann[2]), unverified},
	)
	raw, _ := base64.RawURLEncoding.DecodeString(ann[1])
	for old, fresh := range map[string]string{`"ann"`: `"bob"`, `"sub"`: ` "sub"`, `{`: `{ `, `"iat"`: `"x":0,"iat"`} {
		changed := base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(raw), old, fresh, 1)))
		vs = append(vs, vector{old + " to " + fresh, ann[0] + "." + changed + "." + ann[2], unverified})
	}
	for at := 0; at < len(ann[2]); at += 11 { // a bit of the signature
		c := byte('A')
		if ann[2][at] == 'A' {
			c = 'Q'
		}
		if at == len(ann[2])-1 {
			continue // its last bits may mean nothing
		}
		vs = append(vs, vector{fmt.Sprint("signature changed at ", at), ann[0] + "." + ann[1] + "." + ann[2][:at] + string(c) + ann[2][at+1:], unverified})
	}
	return vs
}

func reversed(s string) string { // without the last character, whose bits do not all count
	b := []byte(s)
	for i, j := 0, len(b)-2; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}

func typeAttacks(_ *testing.T, w *world, _ string) (vs []vector) {
	for _, typ := range []string{
		"at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+jwt", "logout+jwt", "application/logout+jwt", "dpop+jwt", "DPoP+jwt", "secevent+jwt", "application/secevent+jwt",
	} {
		vs = append(vs, vector{typ, w.Token("ann", logintest.Header("typ", typ)), notAToken})
	}
	access := []logintest.TokenOption{logintest.Without("aud"), logintest.Claim("token_use", "access"), logintest.Claim("client_id", "app"), logintest.Claim("scope", "openid")}
	return append(vs, vector{"access token of a user pool", w.Token("ann", access...), noClaim + "aud"})
}

// TestWeakKeys wants tokens refused that are signed, properly, with keys that
// nobody should use (T-11).
func TestWeakKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := w.Key()
	bits := func(n int) *big.Int { // some odd number of so many bits
		b := make([]byte, (n+7)/8)
		rand.Read(b)
		x := new(big.Int).SetBytes(b)
		x.SetBit(x, 0, 1)
		for i := x.BitLen(); i > n; i-- {
			x.SetBit(x, i-1, 0)
		}
		return x.SetBit(x, n-1, 1)
	}
	number := func(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }
	p256, p384 := logintest.NewKey(t, "ES256"), logintest.NewKey(t, "ES384")
	change := func(k *logintest.Key, members map[string]any) map[string]any {
		jwk := k.JWK()
		for name, value := range members {
			jwk[name] = value
		}
		return jwk
	}
	rsaJWK := func(n, e any) map[string]any { return map[string]any{"kty": "RSA", "n": n, "e": e} }
	bad := map[string]map[string]any{
		"512 bits":           rsaJWK(number(bits(512)), "AQAB"),
		"1024 bits":          rsaJWK(number(bits(1024)), "AQAB"),
		"2047 bits":          rsaJWK(number(bits(2047)), "AQAB"),
		"8193 bits":          rsaJWK(number(bits(8193)), "AQAB"),
		"32768 bits":         rsaJWK(number(bits(32768)), "AQAB"),
		"even modulus":       rsaJWK(number(new(big.Int).Sub(bits(2048), big.NewInt(1))), "AQAB"),
		"e = 1":              rsaJWK(number(bits(2048)), "AQ"),
		"e = 2":              rsaJWK(number(bits(2048)), "Ag"),
		"e = 65536":          rsaJWK(number(bits(2048)), "AQAA"),
		"e = 2^31+1":         rsaJWK(number(bits(2048)), "gAAAAQ"),
		"e = 2^64+65537":     rsaJWK(number(bits(2048)), "AQAAAAAAAQAB"),
		"no e":               rsaJWK(number(bits(2048)), ""),
		"e a number":         rsaJWK(number(bits(2048)), 65537),
		"n not base64":       rsaJWK("!!!", "AQAB"),
		"no modulus":         {"kty": "RSA", "e": "AQAB"},
		"point off curve":    change(p256, map[string]any{"y": p256.JWK()["x"]}),
		"point at zero":      change(p256, map[string]any{"x": strings.Repeat("A", 43), "y": strings.Repeat("A", 43)}),
		"short coordinate":   change(p256, map[string]any{"x": "AAAA"}),
		"curve of another":   change(p384, map[string]any{"crv": "P-256"}),
		"P-224":              change(p256, map[string]any{"crv": "P-224"}),
		"secp256k1":          change(p256, map[string]any{"crv": "secp256k1"}),
		"no curve":           {"kty": "EC", "x": "AA", "y": "AA"},
		"alg of another":     change(p256, map[string]any{"alg": "ES384"}),
		"alg HS256":          change(p256, map[string]any{"alg": "HS256"}),
		"alg none":           change(p256, map[string]any{"alg": "none"}),
		"alg a list":         change(p256, map[string]any{"alg": []string{"ES256"}}),
		"for encryption":     change(p256, map[string]any{"use": "enc"}),
		"to sign":            change(p256, map[string]any{"key_ops": []string{"sign"}}),
		"private too":        change(p256, map[string]any{"d": "AAAA"}),
		"long kid":           change(p256, map[string]any{"kid": strings.Repeat("k", 257)}),
		"kid a number":       change(p256, map[string]any{"kid": 1}),
		"oct":                {"kty": "oct", "k": "AAAA"},
		"OKP":                {"kty": "OKP", "crv": "Ed25519", "x": strings.Repeat("A", 43)},
		"unknown type":       {"kty": "XYZ"},
		"kty of another":     change(p256, map[string]any{"kty": "RSA"}),
		"no type":            {"x": 1},
		"kty a number":       {"kty": 1},
		"an empty object":    {},
		"x a number":         change(p256, map[string]any{"x": 1}),
		"an uncompressed pt": change(p256, map[string]any{"x": base64.RawURLEncoding.EncodeToString(point(p256.Private.Public().(*ecdsa.PublicKey)))}),
	}
	var set []any
	for name, jwk := range bad {
		if _, held := jwk["kid"]; !held {
			jwk["kid"] = name
		}
		alone, _ := json.Marshal(map[string]any{"keys": []any{jwk}})
		if _, err := readKeySet(alone); err == nil {
			t.Errorf("%s: the key is taken", name)
		}
		set = append(set, jwk)
	}
	set = append(set, good.JWK(), nil, 1, "key", []any{}, logintest.NewKey(t, "RS256").JWK())
	body, err := json.Marshal(map[string]any{"keys": set})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	keys, err := readKeySet(body)
	if err != nil || len(keys) != 2 {
		t.Fatalf("%d keys of %d are usable, want 2 (%v)", len(keys), len(set), err)
	}
	if took := time.Since(began); took > 50*time.Millisecond {
		t.Errorf("reading the set took %s", took)
	}
	w.Answer(logintest.KeySet, logintest.Text(string(body)))
	w.accept(t, w.Token("ann"))
	for _, alg := range []string{"ES256", "ES384"} {
		for kid := range bad {
			k := map[string]*logintest.Key{"ES256": p256, "ES384": p384}[alg]
			w.refuse(t, w.Token("ann", logintest.SignedWith(k), logintest.Header("kid", kid)), unverified)
		}
	}
}

// TestShortRSAKey signs with a key of 1,024 bits, which the standard library
// still verifies with.
func TestShortRSAKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var n, d *big.Int
	for one := big.NewInt(1); d == nil || n.BitLen() != 1024; {
		p, _ := rand.Prime(rand.Reader, 512)
		q, _ := rand.Prime(rand.Reader, 512)
		n = new(big.Int).Mul(p, q)
		d = new(big.Int).ModInverse(big.NewInt(65537), new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one)))
	}
	encode := base64.RawURLEncoding.EncodeToString
	w.Answer(logintest.KeySet, logintest.Text(fmt.Sprintf(`{"keys":[{"kty":"RSA","kid":"short","n":%q,"e":"AQAB"}]}`, encode(n.Bytes()))))
	digestInfo, _ := base64.StdEncoding.DecodeString("MDEwDQYJYIZIAWUDBAIBBQAEIA==")
	sign := func(input []byte) []byte {
		sum := sha256.Sum256(input)
		block := append([]byte{0, 1}, bytes.Repeat([]byte{255}, n.BitLen()/8-3-len(digestInfo)-32)...)
		block = append(append(append(block, 0), digestInfo...), sum[:]...)
		return new(big.Int).Exp(new(big.Int).SetBytes(block), d, n).FillBytes(make([]byte, len(n.Bytes())))
	}
	sum := sha256.Sum256([]byte("x"))
	if err := rsa.VerifyPKCS1v15(&rsa.PublicKey{N: n, E: 65537}, crypto.SHA256, sum[:], sign([]byte("x"))); err != nil {
		t.Fatalf("the signature itself is bad: %v", err)
	}
	w.refuse(t, w.Token("ann", logintest.Header("alg", "RS256"), logintest.Header("kid", "short"), logintest.Signature(sign)), unverified)
}
