package oidc

import (
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"idpool/internal/idpool"
)

// The bounds of a token. Its length is bounded by the Logins map.
const (
	maxDepth   = 64
	maxKeyID   = 256
	maxSubject = 1024
)

// algorithms are those that are accepted: no symmetric one, and never none.
var algorithms = []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.ES256, jose.ES384, jose.ES512}

// token is a token that was read and not verified.
type token struct {
	alg    string
	kid    string
	typ    string
	jws    *jose.JSONWebSignature
	claims claims
}

// claims are the statements of a token.
type claims struct {
	iss, sub string
	aud      []string
	azp      string
	exp      int64
	iat, nbf int64 // zero if absent
	hasExp   bool
	all      idpool.Claims
}

// header is what is read of a token's header. A member that would change how a
// token is read, or bring its own key, is a refusal.
type header struct {
	Alg  string         `json:"alg"`
	Kid  string         `json:"kid"`
	Typ  string         `json:"typ"`
	Cty  string         `json:"cty"`
	Crit jsontext.Value `json:"crit"`
	Zip  jsontext.Value `json:"zip"`
	B64  jsontext.Value `json:"b64"`
}

// otherTypes are typ values of tokens that are no ID tokens (RFC 8725, 3.11).
var otherTypes = []string{"at+jwt", "logout+jwt", "dpop+jwt", "secevent+jwt"}

// parse reads a compact JWS (RFC 7515, 7.1) strictly.
func parse(text string) (*token, error) {
	if strings.Count(text, ".") != 2 {
		return nil, errors.New("not three parts")
	}
	for i := range len(text) {
		c := text[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.') {
			return nil, errors.New("not base64url")
		}
	}
	jws, err := jose.ParseSignedCompact(text, algorithms)
	if err != nil {
		return nil, err
	}
	raw, _, _ := strings.Cut(text, ".")
	var h header
	if err := decode(raw, &h); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	switch {
	case h.Crit != nil, h.Zip != nil, h.B64 != nil && string(h.B64) != "true":
		return nil, errors.New("header: crit, zip or b64")
	case strings.EqualFold(h.Cty, "JWT"):
		return nil, errors.New("header: a token in a token")
	case len(h.Kid) > maxKeyID:
		return nil, errors.New("header: kid is too long")
	}
	typ := strings.TrimPrefix(strings.ToLower(h.Typ), "application/")
	for _, other := range otherTypes {
		if typ == other {
			return nil, fmt.Errorf("typ is %s: this is not an ID token", other)
		}
	}
	t := &token{alg: h.Alg, kid: h.Kid, typ: typ, jws: jws}
	t.claims, err = readClaims(jws.UnsafePayloadWithoutVerification())
	return t, err
}

// decode reads base64url JSON: exact names, no duplicates, no invalid UTF-8.
func decode(raw string, into any) error {
	plain, err := decodeBase64(raw)
	if err != nil {
		return err
	}
	return json.Unmarshal(plain, into)
}

// readClaims reads the payload.
func readClaims(payload []byte) (claims, error) {
	if tooDeep(payload) {
		return claims{}, fmt.Errorf("claims nest deeper than %d", maxDepth)
	}
	var c claims
	if err := json.Unmarshal(payload, (*map[string]any)(&c.all), numbers); err != nil {
		return claims{}, fmt.Errorf("claims: %w", err)
	}
	if c.all == nil {
		return claims{}, errors.New("claims are not an object")
	}
	var err error
	text := func(name string) string {
		value, ok := c.all[name]
		if !ok || value == nil {
			return ""
		}
		s, isText := value.(string)
		if !isText {
			err = errors.Join(err, fmt.Errorf("claim %s is not a string", name))
		}
		return s
	}
	number := func(name string) (int64, bool) {
		value, ok := c.all[name]
		if !ok || value == nil {
			return 0, false
		}
		n, isNumber := value.(jsontext.Value)
		seconds, fits := wholeSeconds(string(n))
		if !isNumber || !fits {
			err = errors.Join(err, fmt.Errorf("claim %s is not a time", name))
		}
		return seconds, true
	}
	c.iss, c.sub, c.azp = text("iss"), text("sub"), text("azp")
	c.exp, c.hasExp = number("exp")
	c.iat, _ = number("iat")
	c.nbf, _ = number("nbf")
	switch aud := c.all["aud"].(type) {
	case nil:
	case string:
		c.aud = []string{aud}
	case []any:
		for _, one := range aud {
			s, ok := one.(string)
			if !ok {
				err = errors.Join(err, errors.New("claim aud is not a list of strings"))
			}
			c.aud = append(c.aud, s)
		}
	default:
		err = errors.Join(err, errors.New("claim aud is neither a string nor a list"))
	}
	if len(c.sub) > maxSubject {
		err = errors.Join(err, fmt.Errorf("claim sub is longer than %d bytes", maxSubject))
	}
	return c, err
}

// numbers keeps numbers as they are written: a rule may compare their text.
var numbers = json.WithUnmarshalers(json.UnmarshalFromFunc(func(dec *jsontext.Decoder, v *any) error {
	if dec.PeekKind() != '0' {
		return errors.ErrUnsupported
	}
	n, err := dec.ReadValue()
	*v = n.Clone()
	return err
}))

// wholeSeconds reads a NumericDate (RFC 7519, 2), rounded down.
func wholeSeconds(literal string) (int64, bool) {
	if len(literal) == 0 || len(literal) > 64 {
		return 0, false
	}
	if _, exponent, has := strings.Cut(strings.ToLower(literal), "e"); has && len(exponent) > 3 {
		return 0, false
	}
	r, ok := new(big.Rat).SetString(literal)
	if !ok {
		return 0, false
	}
	n := new(big.Int).Div(r.Num(), r.Denom())
	const limit = 1 << 53 // far beyond any date, and far from overflow
	return n.Int64(), n.IsInt64() && n.Int64() < limit && n.Int64() > -limit
}

// tooDeep counts brackets outside of strings: cheap, before anything recurses.
func tooDeep(text []byte) bool {
	depth, inString := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// missing names the first required claim that is not there.
func (c claims) missing() string {
	switch {
	case c.iss == "":
		return "iss"
	case len(c.aud) == 0:
		return "aud"
	case c.sub == "":
		return "sub"
	case !c.hasExp:
		return "exp"
	}
	return ""
}

// parties are those that a token was made for.
func (c claims) parties() []string {
	if c.azp != "" {
		return []string{c.azp}
	}
	return c.aud
}

// hint guesses what was sent instead of an ID token.
func (t *token) hint() error {
	if use, _ := t.claims.all["token_use"].(string); use == "access" {
		return errors.New("this is an access token, send the ID token")
	}
	if _, has := t.claims.all["scope"]; has {
		return errors.New("this looks like an access token, send the ID token")
	}
	return nil
}
