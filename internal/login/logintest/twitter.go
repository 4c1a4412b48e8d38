package logintest

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Twitter is the API that knows whose an OAuth 1.0 token is. It checks
// signatures, times and nonces as RFC 5849 says.
type Twitter struct {
	*API
	secrets map[string]string // by consumer key
	tokens  map[string]twitterToken
	nonces  map[string]bool
}

type twitterToken struct {
	consumer, secret, user string
	suspended              bool
}

// NewTwitter starts an API that knows some consumer keys and their secrets.
func NewTwitter(t testing.TB, now func() time.Time, secrets map[string]string) *Twitter {
	t.Helper()
	x := &Twitter{secrets: maps.Clone(secrets), tokens: map[string]twitterToken{}, nonces: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /1.1/account/verify_credentials.json", x.verifyCredentials)
	x.API = newAPI(t, now, mux)
	return x
}

// Token hands out a token and its secret, with a semicolon between, for a user
// of a consumer.
func (x *Twitter) Token(consumer, user string) string {
	x.mu.Lock()
	defer x.mu.Unlock()
	token, secret := "7-"+rand.Text(), rand.Text()+"+/=" // characters that must be encoded
	x.tokens[token] = twitterToken{consumer: consumer, secret: secret, user: user}
	return token + ";" + secret
}

// Revoke takes a token back.
func (x *Twitter) Revoke(pair string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	token, _, _ := strings.Cut(pair, ";")
	delete(x.tokens, token)
}

// Suspend locks out the person of a token.
func (x *Twitter) Suspend(pair string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	token, _, _ := strings.Cut(pair, ";")
	held := x.tokens[token]
	held.suspended = true
	x.tokens[token] = held
}

func (x *Twitter) verifyCredentials(w http.ResponseWriter, r *http.Request) {
	refuse := func(status, code int) {
		answer(w, status, map[string]any{"errors": []any{map[string]any{"code": code, "message": "no: " + r.Header.Get("Authorization")}}})
	}
	said := map[string]string{}
	text, ok := strings.CutPrefix(r.Header.Get("Authorization"), "OAuth ")
	for part := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		plain, err := url.PathUnescape(strings.Trim(value, `"`))
		ok = ok && err == nil
		said[name] = plain
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	held, known := x.tokens[said["oauth_token"]]
	secret, isConsumer := x.secrets[said["oauth_consumer_key"]]
	seconds, err := strconv.ParseInt(said["oauth_timestamp"], 10, 64)
	used := x.nonces[said["oauth_nonce"]]
	x.nonces[said["oauth_nonce"]] = true
	switch age := x.now().Sub(time.Unix(seconds, 0)).Abs(); {
	case !ok || said["oauth_signature_method"] != "HMAC-SHA1" || said["oauth_version"] != "1.0":
		refuse(http.StatusBadRequest, 215)
	case err != nil || age > 5*time.Minute:
		refuse(http.StatusUnauthorized, 135)
	case used || said["oauth_nonce"] == "" || !isConsumer:
		refuse(http.StatusUnauthorized, 32)
	case !known || held.consumer != said["oauth_consumer_key"]:
		refuse(http.StatusUnauthorized, 89)
	case !hmac.Equal([]byte(said["oauth_signature"]), []byte(oauthSignature(r, said, secret, held.secret))):
		refuse(http.StatusUnauthorized, 32)
	case held.suspended:
		refuse(http.StatusForbidden, 64)
	default:
		answer(w, http.StatusOK, map[string]any{"id": 7, "id_str": held.user, "screen_name": "somebody"})
	}
}

// oauthSignature is the signature that a request should have (RFC 5849, 3.4).
func oauthSignature(r *http.Request, said map[string]string, consumerSecret, tokenSecret string) string {
	escape := func(s string) string {
		var b strings.Builder
		for _, c := range []byte(s) {
			if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
				b.WriteByte(c)
			} else {
				fmt.Fprintf(&b, "%%%02X", c)
			}
		}
		return b.String()
	}
	var parameters []string
	for name, values := range r.URL.Query() {
		for _, value := range values {
			parameters = append(parameters, escape(name)+"="+escape(value))
		}
	}
	for name, value := range said {
		if name != "oauth_signature" {
			parameters = append(parameters, escape(name)+"="+escape(value))
		}
	}
	sort.Strings(parameters)
	base := r.Method + "&" + escape("http://"+r.Host+r.URL.Path) + "&" + escape(strings.Join(parameters, "&"))
	mac := hmac.New(sha1.New, []byte(escape(consumerSecret)+"&"+escape(tokenSecret)))
	mac.Write([]byte(base))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
