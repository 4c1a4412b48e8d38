package credential

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"idpool/internal/idpool"
)

// Signature is a Signature Version 4 as it came with a request: parsed, not
// yet verified. A request is authentic only if both Check and Verify pass.
// (AWS IAM User Guide, "Create a signed AWS API request"; the elements are in
// "Elements of an AWS API request signature".)
type Signature struct {
	AccessKeyID     string
	Date            time.Time // of the request
	Region, Service string    // of the scope
	SessionToken    string    // X-Amz-Security-Token; empty for a long-lived key
	Presigned       bool      // it came in the query string

	day, terminator string        // of the scope
	stamp           string        // Date as it is signed
	expires         time.Duration // of a presigned request; 0: it does not say
	headers         []string      // signed: lower case, sorted, each once
	unsigned        string        // a header that had to be signed and is not
	payload         string        // what the client says is the hash of its body
	sum             string        // hexadecimal, as it came
}

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
	stampForm  = "20060102T150405Z"

	// maxAuthorization and maxQuery bound what is read of a stranger. A long
	// Authorization header has some 600 bytes. The longest useful query holds
	// a session token and a policy.
	maxAuthorization = 8 << 10
	maxQuery         = 64 << 10
	// maxAccessKeyID is the bound of the service model.
	maxAccessKeyID = 128
	// maxExpires is the longest life of a presigned request.
	maxExpires = 7 * 24 * time.Hour
)

// The parameters of a presigned request ("Add the signature to the request",
// query string).
const (
	paramAlgorithm     = "X-Amz-Algorithm"
	paramCredential    = "X-Amz-Credential"
	paramSignature     = "X-Amz-Signature"
	paramSignedHeaders = "X-Amz-SignedHeaders"
	paramDate          = "X-Amz-Date"
	paramExpires       = "X-Amz-Expires"
	paramToken         = "X-Amz-Security-Token"
	paramPayload       = "X-Amz-Content-Sha256"
)

var (
	// headerFields are the parts of the Authorization header, in the order in
	// which the services miss them.
	headerFields = []string{"Credential", "Signature", "SignedHeaders"}
	// authParams make a request presigned.
	authParams = []string{paramAlgorithm, paramCredential, paramSignature, paramSignedHeaders}
	// neededParams are what a presigned request cannot do without.
	neededParams = []string{paramAlgorithm, paramCredential, paramSignature, paramSignedHeaders, paramDate}
	// foreignParams have no place beside an Authorization header.
	foreignParams = []string{paramAlgorithm, paramCredential, paramSignature, paramSignedHeaders, paramDate, paramExpires, paramToken}
	// spelling is the one way to write a parameter that decides something.
	spelling = map[string]string{
		"x-amz-algorithm":      paramAlgorithm,
		"x-amz-credential":     paramCredential,
		"x-amz-signature":      paramSignature,
		"x-amz-signedheaders":  paramSignedHeaders,
		"x-amz-date":           paramDate,
		"x-amz-expires":        paramExpires,
		"x-amz-security-token": paramToken,
		"x-amz-content-sha256": paramPayload,
		"action":               "Action",
		"version":              "Version",
	}
)

func invalid(format string, args ...any) *idpool.Error {
	return idpool.Errorf(idpool.InvalidSignature, format, args...)
}

func incomplete(format string, args ...any) *idpool.Error {
	return idpool.Errorf(idpool.IncompleteSignature, format, args...)
}

// ParseSignature reads the signature of a request, from the Authorization
// header or from the query string ("Add the signature to the request"). The
// error is of kind MissingAuthentication, IncompleteSignature or
// InvalidSignature. It is InvalidSignature for whatever two readers could read
// in two ways: something given twice, or spelled in another case.
func ParseSignature(r *http.Request) (*Signature, error) {
	params, err := parseParams(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	authorization := r.Header["Authorization"]
	var s *Signature
	switch {
	case len(authorization) > 1:
		return nil, invalid("The header 'authorization' stands more than once.")
	case len(authorization) == 1:
		if name := firstOf(params, foreignParams); name != "" {
			return nil, invalid("Found both '%s' as a query-string param and 'Authorization' as HTTP header.", name)
		}
		s, err = parseHeader(r.Header, authorization[0])
	case firstOf(params, authParams) != "":
		s, err = parseQuery(r.Header, params)
	default:
		return nil, errMissing()
	}
	if err != nil {
		return nil, err
	}
	if err := s.readHeaders(r.Header, params); err != nil {
		return nil, err
	}
	return s, nil
}

func errMissing() error {
	return idpool.Errorf(idpool.MissingAuthentication, "Missing Authentication Token")
}

// firstOf returns the first of the names that is among the parameters.
func firstOf(params map[string]string, names []string) string {
	for _, name := range names {
		if _, ok := params[name]; ok {
			return name
		}
	}
	return ""
}

// parseParams reads those parameters of a query string that decide something:
// who signed, and what is asked for.
func parseParams(query string) (map[string]string, error) {
	if query == "" {
		return nil, nil
	}
	if len(query) > maxQuery {
		return nil, invalid("The query string is longer than %d bytes.", maxQuery)
	}
	params, seen := map[string]string{}, map[string]bool{}
	for pair := range strings.SplitSeq(query, "&") {
		name, value, err := unescapePair(pair)
		if err != nil {
			return nil, err
		}
		lower := strings.ToLower(name)
		right, known := spelling[lower]
		if !known && !strings.HasPrefix(lower, "x-amz-") {
			continue
		}
		if seen[lower] || known && name != right {
			return nil, invalid("The query-string parameter '%.64s' is ambiguous.", name)
		}
		seen[lower] = true
		params[name] = value
	}
	return params, nil
}

// unescapePair reads one "name=value" of a query string.
func unescapePair(pair string) (name, value string, err error) {
	k, v, _ := strings.Cut(pair, "=")
	name, err1 := url.QueryUnescape(k)
	value, err2 := url.QueryUnescape(v)
	if err1 != nil || err2 != nil || strings.Contains(pair, ";") { // some read ";" as "&"
		return "", "", invalid("The query string cannot be read.")
	}
	return name, value, nil
}

// parseHeader reads the Authorization header:
//
//	AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…
//
// Clients differ in the blanks around the commas and in nothing else.
func parseHeader(header http.Header, text string) (*Signature, error) {
	scheme, rest, _ := strings.Cut(text, " ")
	switch {
	case !strings.HasPrefix(scheme, "AWS4-"): // another scheme; its secrets are not echoed
		return nil, errMissing()
	case len(text) > maxAuthorization:
		return nil, incomplete("The Authorization header is longer than %d bytes.", maxAuthorization)
	case !printable(text):
		return nil, incomplete("The Authorization header has characters other than printable ASCII.")
	case scheme != algorithm:
		return nil, errAlgorithm(scheme)
	}
	fields := map[string]string{}
	if rest = strings.Trim(rest, " "); rest != "" {
		for part := range strings.SplitSeq(rest, ",") {
			part = strings.Trim(part, " ")
			name, value, ok := strings.Cut(part, "=")
			if !ok {
				return nil, incomplete("'%.64s' not a valid key=value pair (missing equal-sign) in Authorization header: '%s'.", part, text)
			}
			_, twice := fields[name]
			if twice || !slices.Contains(headerFields, name) || strings.Contains(value, " ") {
				return nil, incomplete("The Authorization header must have 'Credential', 'SignedHeaders' and 'Signature', each once. Authorization=%s", text)
			}
			fields[name] = value
		}
	}
	var missing strings.Builder
	for _, name := range headerFields {
		if fields[name] == "" {
			fmt.Fprintf(&missing, "Authorization header requires '%s' parameter. ", name)
		}
	}
	stamp := stampOf(header)
	if stamp == "" {
		missing.WriteString("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ")
	}
	if missing.Len() > 0 {
		return nil, incomplete("%sAuthorization=%s", missing.String(), text)
	}
	s := &Signature{SessionToken: header.Get(paramToken), sum: fields["Signature"]}
	return s, s.fill(fields["Credential"], fields["SignedHeaders"], stamp)
}

// stampOf is the date of a header-signed request as it is signed. Older
// clients send the Date of HTTP instead of X-Amz-Date.
func stampOf(header http.Header) string {
	if stamp := header.Get(paramDate); stamp != "" {
		return stamp
	}
	date := header.Get("Date")
	if at, err := http.ParseTime(date); err == nil {
		return at.UTC().Format(stampForm)
	}
	return date
}

// parseQuery reads the parameters of a presigned request.
func parseQuery(header http.Header, params map[string]string) (*Signature, error) {
	var missing strings.Builder
	for _, name := range neededParams {
		if params[name] == "" {
			fmt.Fprintf(&missing, "AWS query-string parameters must include '%s'. ", name)
		}
	}
	if missing.Len() > 0 {
		return nil, incomplete("%sRe-examine the query-string parameters.", missing.String())
	}
	if params[paramAlgorithm] != algorithm {
		return nil, errAlgorithm(params[paramAlgorithm])
	}
	s := &Signature{Presigned: true, SessionToken: params[paramToken], sum: params[paramSignature]}
	if token := header.Get(paramToken); token != "" {
		if s.SessionToken != "" {
			return nil, invalid("Found '%s' both as a query-string param and as HTTP header.", paramToken)
		}
		s.SessionToken = token
	}
	if text, ok := params[paramExpires]; ok {
		seconds, err := strconv.ParseUint(text, 10, 32)
		if err != nil || seconds < 1 || time.Duration(seconds)*time.Second > maxExpires {
			return nil, invalid("X-Amz-Expires must be a number of seconds from 1 to %d.", int(maxExpires.Seconds()))
		}
		s.expires = time.Duration(seconds) * time.Second
	}
	return s, s.fill(params[paramCredential], params[paramSignedHeaders], params[paramDate])
}

func errAlgorithm(got string) error {
	return incomplete("Unsupported AWS 'algorithm': '%.64s' (only AWS4-HMAC-SHA256 for now). ", got)
}

// fill reads what both forms have in common.
func (s *Signature) fill(credential, headers, stamp string) error {
	at, err := time.Parse(stampForm, stamp)
	if err != nil || len(stamp) != len(stampForm) { // Parse lets fractions of a second through
		return incomplete("Date must be in ISO-8601 'basic format'. Got '%.64s'. See http://en.wikipedia.org/wiki/ISO_8601", stamp)
	}
	s.Date, s.stamp = at, stamp
	scope := strings.Split(credential, "/")
	if len(scope) != 5 || len(scope[0]) == 0 || len(scope[0]) > maxAccessKeyID || !printable(credential) || strings.Contains(credential, " ") {
		return incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '%.256s'", credential)
	}
	s.AccessKeyID, s.day, s.Region, s.Service, s.terminator = scope[0], scope[1], scope[2], scope[3], scope[4]
	s.headers = strings.Split(headers, ";")
	for i, name := range s.headers {
		if !headerName(name) || i > 0 && name <= s.headers[i-1] {
			return invalid("SignedHeaders must be header names in lower case, sorted and without repetitions.")
		}
	}
	return nil
}

// readHeaders looks for what must be signed and is not, and for headers that
// stand twice.
func (s *Signature) readHeaders(header http.Header, params map[string]string) error {
	twice := ""
	for name, values := range header {
		amz := len(name) >= 6 && strings.EqualFold(name[:6], "x-amz-")
		if !amz && name != "Content-Type" && name != "Date" {
			continue
		}
		lower := strings.ToLower(name)
		if len(values) > 1 && (twice == "" || lower < twice) {
			twice = lower
		}
		if amz && !s.signs(lower) && (s.unsigned == "" || lower < s.unsigned) {
			s.unsigned = lower
		}
	}
	if twice != "" {
		return invalid("The header '%.64s' stands more than once.", twice)
	}
	s.payload = header.Get(paramPayload)
	if hoisted := params[paramPayload]; hoisted != "" {
		if s.payload != "" {
			return invalid("Found '%s' both as a query-string param and as HTTP header.", paramPayload)
		}
		s.payload = hoisted
	}
	return nil
}

func (s *Signature) signs(header string) bool {
	_, found := slices.BinarySearch(s.headers, header)
	return found
}

// printable reports whether a text is ASCII without control characters.
func printable(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}

// headerName reports whether a text is a header name in lower case (RFC 9110,
// "token").
func headerName(text string) bool {
	for i := range len(text) {
		c := text[i]
		if ('a' > c || c > 'z') && ('0' > c || c > '9') && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return text != ""
}

// Check checks what needs no secret: that the request is of now, that all is
// signed that must be, and that the signature is scoped to the service and to
// a region. window is how far the clocks may differ; a presigned request that
// says how long it lasts may be older. The error is of kind InvalidSignature;
// its texts, and their order, are those of the AWS services (behaviour 1.6).
func (s *Signature) Check(service string, now time.Time, window time.Duration) error {
	now = now.UTC().Truncate(time.Second) // as fine as the dates compared
	age := window
	if s.expires > 0 {
		age = s.expires
	}
	switch earliest, latest := now.Add(-age), now.Add(window); {
	case s.Date.Before(earliest):
		return invalid("Signature expired: %s is now earlier than %s (%s - %s)", s.stamp, earliest.Format(stampForm), now.Format(stampForm), spell(age))
	case s.Date.After(latest):
		return invalid("Signature not yet current: %s is still later than %s (%s + %s)", s.stamp, latest.Format(stampForm), now.Format(stampForm), spell(window))
	case !s.signs("host"):
		return invalid("'Host' must be a 'SignedHeader' in the AWS Authorization.")
	case s.unsigned != "":
		return invalid("'%.64s' must be a 'SignedHeader' in the AWS Authorization.", s.unsigned)
	}
	var wrong strings.Builder // the services list all that is wrong with a scope
	if !idpool.ValidRegion(s.Region) {
		fmt.Fprintf(&wrong, "Credential should be scoped to a valid region, not '%.64s'. ", s.Region)
	}
	if s.Service != service {
		fmt.Fprintf(&wrong, "Credential should be scoped to correct service: '%s'. ", service)
	}
	if s.terminator != terminator {
		fmt.Fprintf(&wrong, "Credential should be scoped with a valid terminator: 'aws4_request', not '%.64s'. ", s.terminator)
	}
	if s.day != s.stamp[:8] {
		fmt.Fprintf(&wrong, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%.64s' != '%s', from '%s'.", s.day, s.stamp[:8], s.stamp)
	}
	if wrong.Len() > 0 {
		return invalid("%s", wrong.String())
	}
	return nil
}

// spell writes a span of time as the texts of the services do.
func spell(d time.Duration) string {
	if d%time.Minute != 0 {
		return fmt.Sprintf("%d sec.", d/time.Second)
	}
	return fmt.Sprintf("%d min.", d/time.Minute)
}

// Verify computes the signature again with the secret of the access key, over
// the body as it was received, and compares ("Create a string to sign",
// "Calculate the signature"). The error is of kind InvalidSignature. Whatever
// the secret, the work is the same: for an access key that does not exist,
// call it with any text and throw the result away.
func (s *Signature) Verify(r *http.Request, body []byte, secret string) error {
	return s.verify(r, body, s.scope(secret).signingKey())
}

// verify is Verify with a signing key of the signature's scope.
func (s *Signature) verify(r *http.Request, body, signingKey []byte) error {
	digest := sha256.Sum256(body)
	hash := hex.EncodeToString(digest[:])
	if s.payload == "UNSIGNED-PAYLOAD" || strings.HasPrefix(s.payload, "STREAMING-") {
		return invalid("The payload must be signed: 'x-amz-content-sha256' cannot be '%.64s'.", s.payload)
	}
	if s.payload != "" && s.payload != hash {
		return invalid("The provided 'x-amz-content-sha256' header does not match what was computed.")
	}
	canonical, err := s.appendCanonical(make([]byte, 0, 2048), r, hash) // a session token alone takes half of it
	if err != nil {
		return err
	}
	want := hex.AppendEncode(make([]byte, 0, 2*sha256.Size), mac(signingKey, s.stringToSign(canonical)))
	if subtle.ConstantTimeCompare(want, []byte(s.sum)) != 1 {
		return invalid("The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	}
	return nil
}

// stringToSign binds a canonical request to its date and scope.
func (s *Signature) stringToSign(canonical []byte) string {
	digest := sha256.Sum256(canonical)
	return algorithm + "\n" + s.stamp + "\n" + s.day + "/" + s.Region + "/" + s.Service + "/" + s.terminator + "\n" + hex.EncodeToString(digest[:])
}

// scope is what a signing key is good for, and the secret that it is made of.
type scope struct{ secret, day, region, service string }

func (s *Signature) scope(secret string) scope {
	return scope{secret, s.day, s.Region, s.Service}
}

// signingKey derives the key of a scope ("Derive a signing key").
func (s scope) signingKey() []byte {
	return mac(mac(mac(mac([]byte("AWS4"+s.secret), s.day), s.region), s.service), terminator)
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// signer remembers the signing key of the scope that an access key signed for
// last: most sign for one all day.
type signer struct{ last atomic.Pointer[scopedKey] }

type scopedKey struct {
	scope
	key []byte
}

func (s *signer) signingKey(of scope) []byte {
	if last := s.last.Load(); last != nil && last.scope == of {
		return last.key
	}
	key := of.signingKey()
	of.day, of.region, of.service = strings.Clone(of.day), strings.Clone(of.region), strings.Clone(of.service) // not the whole header
	s.last.Store(&scopedKey{of, key})
	return key
}
