package vectors

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

const hostName = "idpool.example.com"

// signer signs requests with Signature Version 4. It is one of our own, because
// it must do what no client does.
type signer struct {
	key, secret, session          string
	day, region, service, closing string // the scope
	at                            time.Time
	headers                       string // signed; empty: all that must be
	payload                       string // what is hashed instead of the body
	presign                       bool   // in the query string
	expires                       string // of a presigned request
}

// odd changes one thing by a vector's wish, such as "service=sts".
func (s *signer) odd(wish string) error {
	name, value, _ := strings.Cut(wish, "=")
	switch name {
	case "key":
		s.key = value
	case "secret":
		s.secret = value
	case "session":
		s.session = value
	case "day":
		s.day = value
	case "region":
		s.region = value
	case "service":
		s.service = value
	case "closing":
		s.closing = value
	case "headers":
		s.headers = value
	case "payload":
		s.payload = value
	case "expires":
		s.expires = value
	case "presign":
		s.presign = true
	case "at":
		by, err := time.ParseDuration(value)
		s.at = s.at.Add(by)
		return err
	default:
		return fmt.Errorf("sign: %q means nothing", wish)
	}
	return nil
}

// sign adds the signature to a request.
func (s signer) sign(m *message) {
	stamp := s.at.UTC().Format("20060102T150405Z")
	if s.day == "" {
		s.day = stamp[:8]
	}
	path, query, _ := strings.Cut(m.target, "?")
	params, _ := url.ParseQuery(query) // a vector that cannot be parsed signs nothing
	scope := strings.Join([]string{s.day, s.region, s.service, s.closing}, "/")
	if m.get("Host") == "" {
		m.header = append([][2]string{{"Host", hostName}}, m.header...)
	}
	put := m.set
	if s.presign {
		put = params.Set
	}
	put("X-Amz-Date", stamp)
	if s.session != "" {
		put("X-Amz-Security-Token", s.session)
	}
	if s.headers == "" {
		s.headers = strings.Join(m.mustBeSigned(), ";")
	}
	if s.presign {
		params.Set("X-Amz-Algorithm", "AWS4-HMAC-SHA256")
		params.Set("X-Amz-Credential", s.key+"/"+scope)
		params.Set("X-Amz-SignedHeaders", s.headers)
		if s.expires != "" {
			params.Set("X-Amz-Expires", s.expires)
		}
	}
	var headers strings.Builder
	for name := range strings.SplitSeq(s.headers, ";") {
		fmt.Fprintf(&headers, "%s:%s\n", name, strings.TrimSpace(m.get(name)))
	}
	body := m.body
	if s.payload != "" {
		body = s.payload
	}
	canonicalQuery := strings.ReplaceAll(params.Encode(), "+", "%20")
	canonical := strings.Join([]string{m.method, path, canonicalQuery, headers.String(), s.headers, hash(body)}, "\n")
	text := "AWS4-HMAC-SHA256\n" + stamp + "\n" + scope + "\n" + hash(canonical)
	derived := []byte("AWS4" + s.secret)
	for _, part := range []string{s.day, s.region, s.service, s.closing} {
		derived = mac(derived, part)
	}
	signature := hex.EncodeToString(mac(derived, text))
	if s.presign {
		m.target = path + "?" + canonicalQuery + "&X-Amz-Signature=" + signature
		return
	}
	m.set("Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s", s.key, scope, s.headers, signature))
}

// mustBeSigned are the names of the headers that a client signs.
func (m *message) mustBeSigned() []string {
	var names []string
	for _, h := range m.header {
		name := strings.ToLower(h[0])
		if name == "host" || name == "content-type" || strings.HasPrefix(name, "x-amz-") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
