// Package token is our own OpenID issuer.
//
//	idpool.OpenID ─► Issuer.Sign ─► RS512 token ─► Issuer.Verify ─► idpool.OpenID
//	                 Keys (sealed in the store) ─► key set, discovery document
//
// The form of the tokens is that of the hosted service (behaviour 5): RS512,
// typ JWS, kid of region and number. The keys are made at the first start and
// shared by all nodes through the store.
package token

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"idpool/internal/idpool"
)

// How long a token is valid: one of GetOpenIdToken, one for a developer user whose
// back end does not say, and any at most (behaviour 5.4).
const (
	Lifetime          = 10 * time.Minute
	DeveloperLifetime = 15 * time.Minute
	// MaxLifetime is the longest that a developer's back end can ask for.
	MaxLifetime = 24 * time.Hour
)

// Issuer signs OpenID tokens and verifies its own.
type Issuer struct {
	URL  string // the iss claim; where the discovery document is reached
	Keys *Keys
	Now  func() time.Time
}

// claims are the members of a token, in the order of the hosted service.
type claims struct {
	Subject  string   `json:"sub"`
	Audience string   `json:"aud"`
	AMR      []string `json:"amr"`
	Issuer   string   `json:"iss"`
	PoolARN  string   `json:"https://cognito-identity.amazonaws.com/identity-pool-arn"`
	Tags     *tags    `json:"https://aws.amazon.com/tags,omitempty"`
	Expiry   int64    `json:"exp"`
	IssuedAt int64    `json:"iat"`
}

// tags are the principal tags in the form that the STS takes: each value is a
// list of one (behaviour 5.2).
type tags struct {
	PrincipalTags map[string][]string `json:"principal_tags"`
}

func newTags(plain map[string]string) *tags {
	if len(plain) == 0 {
		return nil
	}
	t := &tags{PrincipalTags: map[string][]string{}}
	for key, value := range plain {
		t.PrincipalTags[key] = []string{value}
	}
	return t
}

func (t *tags) plain() map[string]string {
	if t == nil {
		return nil
	}
	plain := map[string]string{}
	for key, values := range t.PrincipalTags {
		plain[key] = values[0] // we wrote them
	}
	return plain
}

// Sign makes a token that is valid for ttl. It costs more than a millisecond
// of a core: sign only what leaves the server.
func (i *Issuer) Sign(ctx context.Context, o idpool.OpenID, ttl time.Duration) (string, error) {
	key, err := i.Keys.signer(ctx, i.Now())
	if err != nil {
		return "", err
	}
	now := i.Now()
	payload, err := json.Marshal(claims{
		Subject: string(o.Identity), Audience: string(o.Pool), AMR: o.AMR, Issuer: i.URL,
		PoolARN: idpool.PoolARN(o.Account, o.Pool), Tags: newTags(o.Tags),
		Expiry: now.Add(ttl).Unix(), IssuedAt: now.Unix(),
	})
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.RS512, Key: jose.JSONWebKey{Key: key.private, KeyID: key.id}},
		(&jose.SignerOptions{}).WithType("JWS"))
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return signed.CompactSerialize()
}

// Expired is behind the error of Verify for a token past its time. Both are in
// seconds since 1970.
type Expired struct{ Now, Expiry int64 }

func (e Expired) Error() string { return fmt.Sprintf("expired: %d >= %d", e.Now, e.Expiry) }

// ErrMalformed is behind the error of Verify for what is no token at all.
var ErrMalformed = errors.New("not a JWT")

// Foreign is behind the error of Verify for a token of another issuer. It is an
// [ErrForeign].
type Foreign struct{ Issuer string }

func (f Foreign) Error() string { return fmt.Sprintf("the token names issuer %.256q", f.Issuer) }

// Is makes it an ErrForeign.
func (Foreign) Is(target error) bool { return target == ErrForeign }

// ErrForeign is the error of Verify for a token that names another issuer.
var ErrForeign = errors.New("the token names another issuer")

// Verify reads a token of our own. The error is of kind InvalidToken for one
// that is not ours or altered, ExpiredToken for one past its time; its texts
// are those of the STS (behaviour 8.2). A token of another issuer fails with
// [ErrForeign] behind it and names that issuer.
func (i *Issuer) Verify(ctx context.Context, text string) (idpool.OpenID, error) {
	invalid := idpool.Errorf(idpool.InvalidToken, "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
	if !strict(text) {
		return idpool.OpenID{}, invalid.Because(fmt.Errorf("%w: a part is not base64url", ErrMalformed))
	}
	parsed, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{
		jose.RS256, jose.RS384, jose.RS512, jose.ES256, jose.ES384, jose.ES512})
	if err != nil || len(parsed.Headers) != 1 {
		return idpool.OpenID{}, invalid.Because(fmt.Errorf("%w: %v", ErrMalformed, err))
	}
	var peek jwt.Claims // whose token it says it is, to word the refusal
	if err := parsed.UnsafeClaimsWithoutVerification(&peek); err != nil {
		return idpool.OpenID{}, invalid.Because(fmt.Errorf("%w: %v", ErrMalformed, err))
	}
	if peek.Issuer != i.URL {
		return idpool.OpenID{}, idpool.Errorf(idpool.InvalidToken, "No OpenIDConnect provider found in your account for %.256s", peek.Issuer).Because(Foreign{peek.Issuer})
	}
	key, err := i.Keys.public(ctx, parsed.Headers[0].KeyID, i.Now())
	if err != nil {
		return idpool.OpenID{}, err
	}
	unverified := idpool.Errorf(idpool.InvalidToken, "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements")
	if key == nil || parsed.Headers[0].Algorithm != string(jose.RS512) {
		return idpool.OpenID{}, unverified.Because(fmt.Errorf("no key %.64q for algorithm %.16q", parsed.Headers[0].KeyID, parsed.Headers[0].Algorithm))
	}
	var c claims
	if err := parsed.Claims(key, &c); err != nil {
		return idpool.OpenID{}, unverified.Because(err)
	}
	if now := i.Now().Unix(); now >= c.Expiry {
		return idpool.OpenID{}, idpool.Errorf(idpool.ExpiredToken, "Token expired: current date/time %d must be before the expiration date/time %d", now, c.Expiry).
			Because(Expired{now, c.Expiry})
	}
	account, pool, ok := idpool.ParsePoolARN(c.PoolARN)
	if !ok || string(pool) != c.Audience {
		return idpool.OpenID{}, invalid.Because(errors.New("pool ARN and audience do not agree"))
	}
	return idpool.OpenID{Identity: idpool.IdentityID(c.Subject), Pool: pool, Account: account, AMR: c.AMR, Tags: c.Tags.plain()}, nil
}

// strict reports whether each part of a token is base64url in the one way that it
// can be written: the standard library, and go-jose with it, would pass over line
// breaks, and over stray bits at the end.
func strict(text string) bool {
	for part := range strings.SplitSeq(text, ".") {
		if _, err := base64.RawURLEncoding.Strict().DecodeString(part); err != nil {
			return false
		}
	}
	return !strings.ContainsAny(text, "\r\n")
}
