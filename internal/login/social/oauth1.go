package social

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// oauth1 signs requests by OAuth 1.0 with HMAC-SHA1 (RFC 5849, 3). It is forty
// lines that never change, so no library.
type oauth1 struct{ consumer, consumerSecret, token, tokenSecret string }

// sign puts the signature into the Authorization header (3.5.1). The request
// has no body that counts.
func (o oauth1) sign(r *http.Request, now time.Time) {
	o.signWith(r, strconv.FormatInt(now.Unix(), 10), rand.Text())
}

func (o oauth1) signWith(r *http.Request, timestamp, nonce string) {
	protocol := map[string]string{
		"oauth_consumer_key": o.consumer, "oauth_token": o.token, "oauth_signature_method": "HMAC-SHA1",
		"oauth_timestamp": timestamp, "oauth_nonce": nonce, "oauth_version": "1.0",
	}
	mac := hmac.New(sha1.New, []byte(percent(o.consumerSecret)+"&"+percent(o.tokenSecret)))
	mac.Write([]byte(baseString(r, protocol)))
	protocol["oauth_signature"] = base64.StdEncoding.EncodeToString(mac.Sum(nil))
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(protocol)) {
		parts = append(parts, percent(name)+`="`+percent(protocol[name])+`"`)
	}
	r.Header.Set("Authorization", "OAuth "+strings.Join(parts, ", "))
}

// baseString is what is signed (3.4.1): method, address without the query, and
// all parameters sorted.
func baseString(r *http.Request, protocol map[string]string) string {
	var pairs [][2]string
	add := func(name, value string) { pairs = append(pairs, [2]string{percent(name), percent(value)}) }
	for name, values := range r.URL.Query() {
		for _, value := range values {
			add(name, value)
		}
	}
	for name, value := range protocol {
		add(name, value)
	}
	slices.SortFunc(pairs, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	var parameters []string
	for _, pair := range pairs {
		parameters = append(parameters, pair[0]+"="+pair[1])
	}
	host := strings.ToLower(r.URL.Host)
	if port := r.URL.Port(); r.URL.Scheme == "https" && port == "443" || r.URL.Scheme == "http" && port == "80" {
		host = strings.TrimSuffix(host, ":"+port)
	}
	address := strings.ToLower(r.URL.Scheme) + "://" + host + r.URL.EscapedPath()
	return r.Method + "&" + percent(address) + "&" + percent(strings.Join(parameters, "&"))
}

// percent encodes all but the unreserved characters (3.6), which is what
// url.QueryEscape does but for the space.
func percent(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
