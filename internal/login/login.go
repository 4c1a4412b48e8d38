// Package login verifies the tokens in a request's Logins map.
//
//	Logins map ─► Verifiers.Verify ─► the kind that serves the provider ─► []idpool.VerifiedLogin
//
// Kinds live in subfolders and know nothing of each other, of HTTP requests or
// of AWS error codes. Nothing past this package sees a token again.
package login

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"idpool/internal/idpool"
)

// Token is what a person's provider handed out. It cannot be printed.
type Token string

// String hides the token.
func (Token) String() string { return "[token]" }

// GoString hides the token.
func (Token) GoString() string { return "[token]" }

// LogValue hides the token.
func (Token) LogValue() slog.Value { return slog.StringValue("[token]") }

// Reveal returns the token itself, for the code that verifies it.
func (t Token) Reveal() string { return string(t) }

// Presented is one entry of a request's Logins map: a claim nobody has checked.
type Presented struct {
	Provider string
	Token    Token
}

// Verifier is a kind of provider: it turns a presented token into a verified
// login.
type Verifier interface {
	// Serves reports whether this kind verifies the named provider for the
	// pool. It looks at the pool's configuration only.
	Serves(pool *idpool.PoolConfig, provider string) bool
	// Verify checks a token of a provider that it serves. The error is of
	// kind NotAuthorized if the token is bad and Upstream if the provider
	// had to be asked and could not be; its cause is a *Refusal where there
	// is more to say.
	Verify(ctx context.Context, pool *idpool.PoolConfig, p Presented) (idpool.VerifiedLogin, error)
}

// Prefetcher is a kind that can fetch what it needs to verify the tokens of a
// pool's providers before the first one comes.
type Prefetcher interface {
	// Prefetch returns at once, and what comes of it is nobody's concern:
	// whoever needs it later fetches it then.
	Prefetch(pool *idpool.PoolConfig)
}

// Refusal says why a token was refused, as data for the operator: never for
// the client, and without the token.
type Refusal struct {
	Provider string
	Check    string // parse, header, claims, issuer, audience, key, signature, expiry …
	Expected string
	Got      string
	Cause    error // what a library or the network said, if anything

	// Of the checks of expiry and start: now, and what the claim says, in
	// seconds since 1970.
	Now, Claim int64
}

func (r *Refusal) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", r.Provider, r.Check)
	if r.Expected != "" || r.Got != "" {
		fmt.Fprintf(&b, ": expected %s, got %s", r.Expected, r.Got)
	}
	if r.Cause != nil {
		fmt.Fprintf(&b, ": %v", r.Cause)
	}
	return b.String()
}

func (r *Refusal) Unwrap() error { return r.Cause }

// cognitoProviders are the keys under which a token of our own is passed
// (behaviour 4.1).
var cognitoProviders = []string{"cognito-identity.amazonaws.com", "cognito-identity.cn-north-1.amazonaws.com.cn"}

// IsCognitoProvider reports whether a key of a Logins map is that of our own
// tokens, which no kind of provider verifies.
func IsCognitoProvider(name string) bool { return slices.Contains(cognitoProviders, name) }

// KeptAs is the name under which a login is kept that came under a key of a
// Logins map. It is another one for user pools with the "updated" issuer, whose
// clients make the key from iss (Amazon Cognito API Reference,
// IssuerConfigurationType).
func KeptAs(key string) string {
	if name, ok := strings.CutPrefix(key, "issuer-"); ok && strings.HasPrefix(name, "cognito-idp.") {
		return name
	}
	return key
}

// Verifiers are the kinds of provider that the server knows.
type Verifiers []Verifier

// Serves reports whether some kind verifies the named provider for the pool.
func (vs Verifiers) Serves(pool *idpool.PoolConfig, provider string) bool {
	return vs.of(pool, provider) >= 0
}

// Prefetch lets the kinds get ready for a pool that is new, or has changed.
func (vs Verifiers) Prefetch(pool *idpool.PoolConfig) {
	for _, v := range vs {
		if p, ok := v.(Prefetcher); ok {
			p.Prefetch(pool)
		}
	}
}

func (vs Verifiers) of(pool *idpool.PoolConfig, provider string) int {
	return slices.IndexFunc(vs, func(v Verifier) bool { return v.Serves(pool, provider) })
}

// Verify checks every presented login; one that fails fails them all. The
// result is sorted by provider, so that the same request fails the same way.
// The texts are those of behaviour 2.8 and 4.3.
func (vs Verifiers) Verify(ctx context.Context, pool *idpool.PoolConfig, presented []Presented) ([]idpool.VerifiedLogin, error) {
	if len(presented) == 0 {
		return nil, nil
	}
	if !pool.HasProviders() {
		return nil, idpool.Errorf(idpool.NotAuthorized, "Identity pool - %s does not have identity providers configured.", pool.ID)
	}
	presented = slices.Clone(presented)
	slices.SortFunc(presented, func(a, b Presented) int { return strings.Compare(a.Provider, b.Provider) })
	kinds := make([]Verifier, len(presented))
	for i, p := range presented { // all names before any token: a refusal here costs nothing
		switch {
		case IsCognitoProvider(p.Provider):
			return nil, CognitoToken()
		case p.Provider == pool.DeveloperProviderName:
			return nil, idpool.Errorf(idpool.Invalid, "Please provide a valid public provider")
		}
		at := vs.of(pool, p.Provider)
		if at < 0 {
			return nil, Unsupported(&Refusal{Provider: p.Provider, Check: "provider", Expected: "a provider of the pool", Got: p.Provider})
		}
		kinds[i] = vs[at]
	}
	verified := make([]idpool.VerifiedLogin, len(presented))
	for i, p := range presented {
		login, err := kinds[i].Verify(ctx, pool, p)
		if err != nil {
			return nil, err
		}
		verified[i] = login
	}
	return verified, nil
}

// Unsupported is the refusal of a provider or application that the pool does
// not trust.
func Unsupported(cause error) error {
	return idpool.Errorf(idpool.NotAuthorized, "Token is not from a supported provider of this identity pool.").Because(cause)
}

// Unavailable is the failure to ask a provider that has to be asked about a
// token: the client should try again.
func Unavailable(provider string, cause error) error {
	return idpool.Errorf(idpool.Upstream, "%s could not be asked about the login token.", provider).Because(fmt.Errorf("%s: %w", provider, cause))
}

// CognitoToken is the refusal of a token of our own where a provider's token
// belongs.
func CognitoToken() error {
	return idpool.Errorf(idpool.NotAuthorized, "Invalid login token. Can't pass in a Cognito token.")
}

// Invalid is the refusal of a bad token: the sentence follows "Invalid login
// token. " and is exactly the hosted service's (behaviour 4.3).
func Invalid(cause error, format string, args ...any) error {
	return idpool.Errorf(idpool.NotAuthorized, "Invalid login token. "+format, args...).Because(cause)
}
