package credential

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"idpool/internal/idpool"
)

// Signature is a Signature Version 4 as it came with a request: parsed, not
// yet verified. ("Create a signed AWS API request", AWS IAM user guide.)
type Signature struct {
	AccessKeyID  string
	Date         time.Time // of the request
	Day          string    // of the scope, YYYYMMDD
	Region       string
	Service      string
	Terminator   string
	SessionToken string // empty for a long-lived key
	Presigned    bool

	stamp   string // the date as it was written
	expires time.Duration
	headers []string // signed, as listed
	sum     []byte
}

const (
	algorithm = "AWS4-HMAC-SHA256"
	stampForm = "20060102T150405Z"

	// maxSignature bounds the Authorization header and what is read of it.
	maxSignature = 8 << 10
	// maxExpires is the longest life of a presigned request.
	maxExpires = 7 * 24 * time.Hour
)

func invalid(format string, args ...any) *idpool.Error {
	return idpool.Errorf(idpool.InvalidSignature, format, args...)
}

// ParseSignature reads the signature of a request, from the Authorization
// header or the query string. The error is of kind MissingAuthentication,
// IncompleteSignature or InvalidSignature.
func ParseSignature(r *http.Request) (*Signature, error) {
	query, err := queryOf(r)
	if err != nil {
		return nil, err
	}
	header := r.Header.Values("Authorization")
	presigned := query.Has("X-Amz-Algorithm") || query.Has("X-Amz-Signature") || query.Has("X-Amz-Credential")
	switch {
	case len(header) > 0 && presigned:
		return nil, invalid("Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.")
	case len(header) > 1:
		return nil, invalid("Found more than one Authorization header.")
	case presigned:
		return parsePresigned(query)
	case len(header) == 0 || header[0] == "":
		return nil, idpool.Errorf(idpool.MissingAuthentication, "Missing Authentication Token")
	}
	return parseHeader(r, header[0])
}

// queryOf reads the query string and refuses a signature parameter that stands
// twice or in another case: two readers could take different ones.
func queryOf(r *http.Request) (url.Values, error) {
	if r.URL.RawQuery == "" {
		return nil, nil
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, invalid("The query string cannot be read.")
	}
	for name, values := range query {
		if canonical := http.CanonicalHeaderKey(name); strings.HasPrefix(strings.ToLower(name), "x-amz-") &&
			(len(values) > 1 || name != canonical && name != "X-Amz-SignedHeaders") {
			return nil, invalid("The query-string parameter '%.64s' is ambiguous.", name)
		}
	}
	return query, nil
}

func parseHeader(r *http.Request, text string) (*Signature, error) {
	if len(text) > maxSignature {
		return nil, invalid("The Authorization header is longer than %d bytes.", maxSignature)
	}
	for name, values := range r.Header {
		if len(values) > 1 && strings.HasPrefix(name, "X-Amz-") {
			return nil, invalid("The header '%.64s' stands more than once.", name)
		}
	}
	kind, rest, _ := strings.Cut(text, " ")
	fields := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if _, twice := fields[name]; twice {
			return nil, invalid("The Authorization header has '%.64s' twice.", name)
		}
		if ok {
			fields[name] = value
		}
	}
	stamp := r.Header.Get("X-Amz-Date")
	if stamp == "" {
		if at, err := http.ParseTime(r.Header.Get("Date")); err == nil {
			stamp = at.UTC().Format(stampForm)
		} else {
			stamp = r.Header.Get("Date")
		}
	}
	var missing strings.Builder
	for _, name := range []string{"Credential", "Signature", "SignedHeaders"} {
		if fields[name] == "" {
			fmt.Fprintf(&missing, "Authorization header requires '%s' parameter. ", name)
		}
	}
	if stamp == "" {
		missing.WriteString("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ")
	}
	if kind != algorithm || missing.Len() > 0 {
		return nil, idpool.Errorf(idpool.IncompleteSignature, "%sAuthorization=%s", missing.String(), text)
	}
	s := &Signature{SessionToken: r.Header.Get("X-Amz-Security-Token")}
	return s, s.fill(fields["Credential"], fields["SignedHeaders"], fields["Signature"], stamp)
}

func parsePresigned(query url.Values) (*Signature, error) {
	var missing strings.Builder
	for _, name := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"} {
		if query.Get(name) == "" {
			fmt.Fprintf(&missing, "AWS query-string parameters must include '%s'. ", name)
		}
	}
	if missing.Len() > 0 {
		return nil, idpool.Errorf(idpool.IncompleteSignature, "%sRe-examine the query-string parameters.", missing.String())
	}
	if got := query.Get("X-Amz-Algorithm"); got != algorithm {
		return nil, idpool.Errorf(idpool.IncompleteSignature, "Unsupported AWS 'algorithm': '%.64s'.", got)
	}
	s := &Signature{Presigned: true, SessionToken: query.Get("X-Amz-Security-Token"), expires: 15 * time.Minute}
	if text := query.Get("X-Amz-Expires"); text != "" {
		seconds, err := strconv.ParseInt(text, 10, 32)
		if err != nil || seconds < 1 || time.Duration(seconds)*time.Second > maxExpires {
			return nil, invalid("X-Amz-Expires must be a number of seconds from 1 to %d.", int(maxExpires.Seconds()))
		}
		s.expires = time.Duration(seconds) * time.Second
	}
	return s, s.fill(query.Get("X-Amz-Credential"), query.Get("X-Amz-SignedHeaders"), query.Get("X-Amz-Signature"), query.Get("X-Amz-Date"))
}

// fill takes the parts of a signature apart.
func (s *Signature) fill(credential, headers, sum, stamp string) error {
	parts := strings.Split(credential, "/")
	if len(parts) != 5 || parts[0] == "" {
		return idpool.Errorf(idpool.IncompleteSignature, "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '%.256s'", credential)
	}
	s.AccessKeyID, s.Day, s.Region, s.Service, s.Terminator = parts[0], parts[1], parts[2], parts[3], parts[4]
	at, err := time.Parse(stampForm, stamp)
	if err != nil {
		return idpool.Errorf(idpool.IncompleteSignature, "Date must be in ISO-8601 'basic format'. Got '%.64s'. See http://en.wikipedia.org/wiki/ISO_8601", stamp)
	}
	s.Date, s.stamp = at, stamp
	s.headers = strings.Split(headers, ";")
	if !slices.IsSorted(s.headers) || len(slices.Compact(slices.Clone(s.headers))) != len(s.headers) || headers != strings.ToLower(headers) {
		return invalid("SignedHeaders must be in lower case, sorted and without repetitions.")
	}
	if s.sum, err = hex.DecodeString(sum); err != nil || len(s.sum) != sha256.Size || sum != strings.ToLower(sum) {
		return errMismatch()
	}
	return nil
}

func errMismatch() error {
	return invalid("The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
}

// Check checks what needs no secret: the scope, and that the request was made
// within window of now. The error is of kind InvalidSignature; its texts are
// those of behaviour 1.6.
func (s *Signature) Check(service string, now time.Time, window time.Duration) error {
	now = now.UTC()
	minutes := int(window / time.Minute)
	switch {
	case s.Terminator != "aws4_request":
		return invalid("Credential should be scoped with a valid terminator: 'aws4_request', not '%.64s'. ", s.Terminator)
	case !idpool.ValidRegion(s.Region):
		return invalid("Credential should be scoped to a valid region, not '%.64s'. ", s.Region)
	case s.Service != service:
		return invalid("Credential should be scoped to correct service: '%s'. ", service)
	case s.Day != s.stamp[:8]:
		return invalid("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%.64s' != '%s', from '%s'.", s.Day, s.stamp[:8], s.stamp)
	case s.Date.After(now.Add(window)):
		return invalid("Signature not yet current: %s is still later than %s (%s + %d min.)", s.stamp, now.Add(window).Format(stampForm), now.Format(stampForm), minutes)
	case s.Presigned && now.After(s.Date.Add(s.expires)):
		return invalid("Signature expired: %s is now earlier than %s", s.stamp, now.Add(-s.expires).Format(stampForm))
	case !s.Presigned && s.Date.Before(now.Add(-window)):
		return invalid("Signature expired: %s is now earlier than %s (%s - %d min.)", s.stamp, now.Add(-window).Format(stampForm), now.Format(stampForm), minutes)
	}
	return nil
}

// Verify computes the signature again, over the body as it was received, and
// compares. The error is of kind InvalidSignature.
func (s *Signature) Verify(r *http.Request, body []byte, secret string) error {
	canonical, err := s.canonical(r, body)
	if err != nil {
		return err
	}
	digest := sha256.Sum256([]byte(canonical))
	text := algorithm + "\n" + s.stamp + "\n" + s.Day + "/" + s.Region + "/" + s.Service + "/" + s.Terminator + "\n" + hex.EncodeToString(digest[:])
	key := []byte("AWS4" + secret)
	for _, part := range []string{s.Day, s.Region, s.Service, s.Terminator, text} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	if subtle.ConstantTimeCompare(key, s.sum) != 1 {
		return errMismatch()
	}
	return nil
}

// canonical writes the request in the form that is signed.
func (s *Signature) canonical(r *http.Request, body []byte) (string, error) {
	if !slices.Contains(s.headers, "host") {
		return "", invalid("The 'host' header must be signed.")
	}
	for name := range r.Header {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-amz-") && !slices.Contains(s.headers, lower) {
			return "", invalid("The header '%.64s' must be signed.", lower)
		}
	}
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	if said := r.Header.Get("X-Amz-Content-Sha256"); said != "" && said != hash {
		return "", invalid("The provided 'x-amz-content-sha256' header does not match what was computed.")
	}
	var b strings.Builder
	b.WriteString(r.Method + "\n" + canonicalPath(r.URL) + "\n" + s.canonicalQuery(r.URL.RawQuery) + "\n")
	for _, name := range s.headers {
		values, err := headerValues(r, name)
		if err != nil {
			return "", err
		}
		b.WriteString(name + ":" + values + "\n")
	}
	b.WriteString("\n" + strings.Join(s.headers, ";") + "\n" + hash)
	return b.String(), nil
}

// headerValues joins the values of a signed header, with inner blanks folded.
func headerValues(r *http.Request, name string) (string, error) {
	switch name {
	case "host":
		return r.Host, nil
	case "content-length":
		return strconv.FormatInt(r.ContentLength, 10), nil
	}
	values := r.Header.Values(name)
	if len(values) == 0 {
		return "", invalid("The signed header '%.64s' is not in the request.", name)
	}
	folded := make([]string, len(values))
	for i, v := range values {
		folded[i] = strings.Join(strings.FieldsFunc(v, func(r rune) bool { return r == ' ' || r == '\t' }), " ")
	}
	return strings.Join(folded, ","), nil
}

// canonicalPath normalises the path and encodes it a second time, as all
// services but S3 do.
func canonicalPath(u *url.URL) string {
	raw := u.EscapedPath()
	if raw == "" || raw == "/" {
		return "/"
	}
	clean := path.Clean(raw)
	if strings.HasSuffix(raw, "/") && clean != "/" {
		clean += "/"
	}
	return escape(clean, true)
}

// canonicalQuery sorts the parameters and encodes them strictly, without the
// signature itself.
func (s *Signature) canonicalQuery(raw string) string {
	if raw == "" {
		return ""
	}
	var pairs [][2]string
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		k, v, _ := strings.Cut(pair, "=")
		name, err1 := url.QueryUnescape(k)
		value, err2 := url.QueryUnescape(v)
		if errors.Join(err1, err2) != nil || s.Presigned && name == "X-Amz-Signature" {
			continue // queryOf refused what cannot be read
		}
		pairs = append(pairs, [2]string{escape(name, false), escape(value, false)})
	}
	slices.SortFunc(pairs, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	var b strings.Builder
	for i, pair := range pairs {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(pair[0] + "=" + pair[1])
	}
	return b.String()
}

// escape percent-encodes all but the unreserved characters of RFC 3986.
func escape(text string, slash bool) string {
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == '~', slash && c == '/':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
