package oidc

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"idpool/internal/idpool"
	"idpool/internal/login"
)

// The bounds of a token.
const (
	maxToken   = 50_000       // characters, as in a Logins map
	maxKeyID   = 256          // bytes of a kid
	maxSubject = 255          // bytes of a sub (OpenID Connect Core 1.0, 2)
	maxNumber  = 64           // characters of a time
	maxTime    = 253402300799 // the last second of the year 9999: a time in milliseconds is beyond it
)

// token is a token that was read, and of which nothing is verified.
type token struct {
	alg, kid  string
	signed    string // what the signature is of: the first two parts, to the letter
	signature []byte
	claims    *claims // may be kept longer than the token
}

// claims are the statements of a token.
type claims struct {
	iss, sub, azp string // empty if absent
	aud           []string
	exp, nbf, iat *int64 // seconds since 1970; nil if absent
	all           idpool.Claims
}

// otherTypes are typ values of tokens that are no ID tokens, and what they are
// (RFC 8725, 3.11).
var otherTypes = map[string]string{
	"at+jwt":       "an access token",
	"logout+jwt":   "a logout token",
	"dpop+jwt":     "a proof of possession",
	"secevent+jwt": "a security event token",
}

// parse reads a JWS in its compact form (RFC 7515, 7.1). What a token could
// say to be read in another way, or to bring its own key, is refused or never
// looked at: jwk, jku, x5c and x5u mean nothing here.
func parse(text string) (*token, *login.Refusal) {
	if len(text) > maxToken {
		return nil, &login.Refusal{Check: "parse", Expected: fmt.Sprintf("at most %d characters", maxToken), Got: strconv.Itoa(len(text))}
	}
	if dots := strings.Count(text, "."); dots != 2 {
		return nil, &login.Refusal{Check: "parse", Expected: "three parts with dots between", Got: shape(text, dots)}
	}
	parts := strings.Split(text, ".")
	var plain [3][]byte
	for i, part := range parts {
		var err error
		if plain[i], err = decode64(part); err == nil && part == "" {
			err = errors.New("empty")
		}
		if err != nil {
			return nil, &login.Refusal{Check: "parse", Cause: fmt.Errorf("part %d: %w", i+1, err)}
		}
	}
	t := &token{signed: text[:strings.LastIndexByte(text, '.')], signature: plain[2], claims: &claims{}}
	if why := t.readHeader(plain[0]); why != nil {
		return nil, why
	}
	all, err := readObject(plain[1])
	if err == nil {
		err = t.claims.read(all)
	}
	if err != nil {
		return nil, &login.Refusal{Check: "claims", Cause: err}
	}
	return t, nil
}

// shape says what a text is that is no JWS, as far as that can be guessed.
func shape(text string, dots int) string {
	switch {
	case strings.HasPrefix(strings.TrimSpace(text), "{"):
		return "JSON serialization"
	case dots == 4:
		return "five parts: an encrypted token"
	case dots == 0:
		return "no dot: perhaps an opaque access token; send the ID token"
	}
	return fmt.Sprintf("%d dots", dots)
}

// readHeader reads the members that matter (RFC 7515, 4.1).
func (t *token) readHeader(text []byte) *login.Refusal {
	refuse := func(expected, got string, cause error) *login.Refusal {
		return &login.Refusal{Check: "header", Expected: expected, Got: got, Cause: cause}
	}
	h, err := readObject(text)
	if err != nil {
		return refuse("", "", err)
	}
	for _, name := range []string{"crit", "zip", "enc"} {
		if _, has := h[name]; has {
			return refuse("no "+name, name, nil)
		}
	}
	if b64, has := h["b64"]; has && b64 != true { // RFC 7797
		return refuse("b64 true or absent", "another b64", nil)
	}
	alg, err1 := h.text("alg")
	kid, err2 := h.text("kid")
	typ, err3 := h.text("typ")
	cty, err4 := h.text("cty")
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return refuse("", "", err)
	}
	switch typ = mediaType(typ); {
	case !KnowsAlgorithm(alg):
		return refuse(fmt.Sprintf("an alg of %v", algorithms), quote(alg), nil)
	case len(kid) > maxKeyID:
		return refuse(fmt.Sprintf("a kid of at most %d bytes", maxKeyID), strconv.Itoa(len(kid)), nil)
	case mediaType(cty) == "jwt":
		return refuse("claims", "a token in the token", nil)
	case otherTypes[typ] != "":
		return refuse("an ID token", "typ "+typ+": this is "+otherTypes[typ]+", send the ID token", nil)
	}
	t.alg, t.kid = alg, kid
	return nil
}

// mediaType is a typ or cty in its short form (RFC 7515, 4.1.9).
func mediaType(s string) string { return strings.TrimPrefix(strings.ToLower(s), "application/") }

// read takes from the claims what is checked. A claim that is null counts as
// absent; one of another type than its own is an error (RFC 7519, 4.1).
func (c *claims) read(all object) error {
	c.all = idpool.Claims(all)
	var errs []error
	text := func(name string) string {
		if all[name] == nil {
			return ""
		}
		s, err := all.text(name)
		if err != nil {
			errs = append(errs, err)
		}
		return s
	}
	instant := func(name string) *int64 {
		if all[name] == nil {
			return nil
		}
		seconds, err := numericDate(all[name])
		if err != nil {
			errs = append(errs, fmt.Errorf("%s is %w", name, err))
		}
		return &seconds
	}
	c.iss, c.sub, c.azp = text("iss"), text("sub"), text("azp")
	c.exp, c.nbf, c.iat = instant("exp"), instant("nbf"), instant("iat")
	switch aud := all["aud"].(type) {
	case nil:
	case string:
		if aud != "" {
			c.aud = []string{aud}
		}
	case []any:
		for _, one := range aud {
			s, ok := one.(string)
			if !ok {
				errs = append(errs, errors.New("aud is not a list of strings"))
				break
			}
			c.aud = append(c.aud, s)
		}
	default:
		errs = append(errs, errors.New("aud is neither a string nor a list"))
	}
	if len(c.sub) > maxSubject {
		errs = append(errs, fmt.Errorf("sub has %d bytes, at most %d", len(c.sub), maxSubject))
	}
	return errors.Join(errs...)
}

// numericDate reads a time (RFC 7519, 2), which may have a fraction: rounded
// down to a second.
func numericDate(v any) (int64, error) {
	n, ok := v.(json.Number)
	if !ok || len(n) > maxNumber {
		return 0, errors.New("not a number of seconds")
	}
	f, err := strconv.ParseFloat(string(n), 64)
	if err != nil || math.Abs(f) > maxTime {
		return 0, errors.New("not a time before the year 10000, in seconds")
	}
	return int64(math.Floor(f)), nil
}

// missing names the first required claim that is not there.
func (c *claims) missing() string {
	switch {
	case c.iss == "":
		return "iss"
	case len(c.aud) == 0:
		return "aud"
	case c.sub == "":
		return "sub"
	case c.exp == nil:
		return "exp"
	}
	return ""
}

// parties are the applications that a token was made for: azp decides if it is
// there, else aud (behaviour 4.2).
func (c *claims) parties() []string {
	if c.azp != "" {
		return []string{c.azp}
	}
	return c.aud
}

// hint guesses what was sent instead of an ID token.
func (c *claims) hint() error {
	_, scoped := c.all["scope"]
	_, scopes := c.all["scp"]
	if c.all["token_use"] == "access" || scoped || scopes {
		return errors.New("this is an access token, send the ID token")
	}
	return nil
}
