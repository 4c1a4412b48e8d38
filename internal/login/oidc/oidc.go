// Package oidc verifies ID tokens of OpenID Connect issuers.
//
//	provider of the pool ─► issuer, audiences ─► read the token strictly ─► issuer, audience
//	                     ─► key of that issuer ─► signature ─► times ─► idpool.VerifiedLogin
//
// The configuration says whose token may come; the token never says whom to
// ask. Claims leave this package only after every check. (OpenID Connect Core
// 1.0, 3.1.3.7; RFC 8725.)
package oidc

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/maypok86/otter/v2"

	"idpool/internal/fetch"
	"idpool/internal/idpool"
	"idpool/internal/login"
)

// Config says how tokens are verified.
type Config struct {
	Now       func() time.Time
	Dev       bool   // development mode: a provider that IAM does not know is taken by its name
	OwnIssuer string // whose tokens are never a login: ours
	// Overrides say where a provider really lives, by provider name.
	Overrides map[string]Override

	AllowHTTP  bool
	AllowCIDRs []netip.Prefix
	RootCAs    *x509.CertPool

	// KeySetTTL is after how long at the latest a key that left its issuer's
	// key set is refused. Zero is an hour.
	KeySetTTL time.Duration
	// ClockSkew is the grace for exp, nbf and iat.
	ClockSkew time.Duration
}

// Override is where a provider really lives.
type Override struct {
	Issuer  string // the expected iss, and the base of discovery
	JWKSURI string // where the keys are; empty: where discovery says
}

// Verifier is the kind of provider that issues ID tokens.
type Verifier struct {
	Config
	keys *keySets
	seen *otter.Cache[tokenID, *seenToken]
}

// maxSeen bounds how many verified tokens are remembered.
const maxSeen = 100_000

// New makes a verifier.
func New(c Config) *Verifier {
	if c.KeySetTTL == 0 {
		c.KeySetTTL = time.Hour
	}
	client := fetch.New(fetch.Policy{AllowHTTP: c.AllowHTTP, AllowCIDRs: c.AllowCIDRs, Anywhere: c.Dev, RootCAs: c.RootCAs})
	return &Verifier{
		Config: c,
		keys:   newKeySets(client, c.Now, c.KeySetTTL),
		seen:   otter.Must(&otter.Options[tokenID, *seenToken]{MaximumSize: maxSeen, ExpiryCalculator: otter.ExpiryWriting[tokenID, *seenToken](time.Hour)}),
	}
}

// provider is what the configuration says about a provider: all that the
// verification rests on.
type provider struct {
	name        string
	issuers     []string // any of which iss must equal
	jwksURI     string   // empty: found by discovery
	audiences   []string
	anyAudience bool
	detail      string // what precedes the subject in the amr claim
}

// provider finds what the configuration says about a name.
func (v *Verifier) provider(pool *idpool.PoolConfig, name string) (provider, bool) {
	arn := idpool.ProviderARN(pool.Account, name)
	if !slices.ContainsFunc(pool.OIDCProviderARNs, func(held string) bool {
		account, held, ok := idpool.ParseProviderARN(held)
		return ok && account == pool.Account && held == name
	}) {
		return provider{}, false
	}
	p := provider{name: name, detail: arn + ":OIDC:"}
	iam, known := pool.OIDCProviders[name]
	switch {
	case known:
		p.issuers, p.audiences = []string{iam.URL}, iam.ClientIDs
	case v.Dev:
		p.issuers, p.anyAudience = []string{"https://" + name, "http://" + name}, true
	default:
		return provider{}, false
	}
	if o, ok := v.Overrides[name]; ok {
		if o.Issuer != "" {
			p.issuers = []string{o.Issuer}
		}
		p.jwksURI = o.JWKSURI
	}
	return p, true
}

// Serves implements login.Verifier.
func (v *Verifier) Serves(pool *idpool.PoolConfig, name string) bool {
	_, ok := v.provider(pool, name)
	return ok
}

// tokenID is a token and the issuer in whose name it was verified.
type tokenID [sha256.Size]byte

func idOf(issuer, jwksURI, token string) (id tokenID) {
	h := sha256.New()
	fmt.Fprintf(h, "%d:%s%d:%s", len(issuer), issuer, len(jwksURI), jwksURI)
	h.Write([]byte(token))
	h.Sum(id[:0])
	return id
}

// seenToken is a token whose signature was verified.
type seenToken struct {
	claims claims
	key    *key // that verified it
}

// Verify implements login.Verifier. The order of the checks is that of
// behaviour 4.3.
func (v *Verifier) Verify(ctx context.Context, pool *idpool.PoolConfig, presented login.Presented) (idpool.VerifiedLogin, error) {
	p, ok := v.provider(pool, presented.Provider)
	if !ok {
		return idpool.VerifiedLogin{}, login.Unsupported(&login.Refusal{Provider: presented.Provider, Check: "provider", Expected: "a provider of the pool", Got: "another"})
	}
	text := presented.Token.Reveal()
	refuse := func(check, expected, got string, cause error) *login.Refusal {
		return &login.Refusal{Provider: p.name, Check: check, Expected: expected, Got: got, Cause: cause}
	}
	// A token that was verified before need not be read again.
	for _, issuer := range p.issuers {
		hit, ok := v.seen.GetIfPresent(idOf(issuer, p.jwksURI, text))
		if ok && v.keys.of(issuer, p.jwksURI).holds(hit.key) {
			return v.accept(p, hit.claims, refuse)
		}
	}
	// 1. Is it a token at all, and does it say what it must?
	t, err := parse(text)
	if err != nil {
		return idpool.VerifiedLogin{}, login.Invalid(refuse("parse", "an ID token", "something else", err), "Not a valid OpenId Connect identity token.")
	}
	if t.claims.iss == v.OwnIssuer && v.OwnIssuer != "" {
		return idpool.VerifiedLogin{}, login.CognitoToken()
	}
	if missing := t.claims.missing(); missing != "" {
		return idpool.VerifiedLogin{}, login.Invalid(refuse("claims", "claim "+missing, "a token without it", t.hint()), "Missing a required claim: %s", missing)
	}
	// 2. Whose is it, and for whom? Only to word the refusal: nothing of it is
	// believed yet.
	if !slices.Contains(p.issuers, t.claims.iss) {
		return idpool.VerifiedLogin{}, login.Invalid(refuse("issuer", quote(p.issuers[0]), quote(t.claims.iss), nil), "Issuer doesn't match providerName")
	}
	if err := p.audience(t.claims, refuse); err != nil {
		return idpool.VerifiedLogin{}, err
	}
	// 3. Did the issuer sign it?
	key, err := v.keys.of(t.claims.iss, p.jwksURI).verify(ctx, t)
	if err != nil {
		return idpool.VerifiedLogin{}, login.Invalid(refuse("signature", "", "", err), "Couldn't verify signed token.")
	}
	// 4. Is it in time?
	accepted, err := v.accept(p, t.claims, refuse)
	if err == nil {
		v.seen.Set(idOf(t.claims.iss, p.jwksURI, text), &seenToken{claims: t.claims, key: key})
	}
	return accepted, err
}

// accept makes a login of claims whose signature is verified, if the pool
// trusts their audience and their time has come and is not over.
func (v *Verifier) accept(p provider, c claims, refuse refuser) (idpool.VerifiedLogin, error) {
	if err := p.audience(c, refuse); err != nil {
		return idpool.VerifiedLogin{}, err
	}
	now := v.Now()
	if grace := now.Add(-v.ClockSkew).Unix(); grace >= c.exp {
		return idpool.VerifiedLogin{}, login.Invalid(refuse("expiry", "", "", nil), "Token expired: %d >= %d", now.Unix(), c.exp)
	}
	if latest := now.Add(v.ClockSkew).Unix(); c.nbf > latest || c.iat > latest {
		return idpool.VerifiedLogin{}, login.Invalid(refuse("start", "", "", nil), "Token is not yet valid: %d < %d", now.Unix(), max(c.nbf, c.iat))
	}
	return idpool.VerifiedLogin{
		Login:  idpool.Login{Provider: p.name, Subject: c.sub},
		Detail: p.detail + c.sub,
		Claims: c.all,
	}, nil
}

type refuser func(check, expected, got string, cause error) *login.Refusal

// audience refuses a token for an application that the provider does not list:
// azp decides if it is there, else aud (behaviour 4.2).
func (p provider) audience(c claims, refuse refuser) error {
	if p.anyAudience {
		return nil
	}
	for _, id := range c.parties() {
		if slices.Contains(p.audiences, id) {
			return nil
		}
	}
	return login.Unsupported(refuse("audience", quote(p.audiences...), quote(c.parties()...), nil))
}

// quote shows strings from outside: escaped, and not many of them.
func quote(list ...string) string {
	var b strings.Builder
	for i, s := range list {
		if i == 4 {
			b.WriteString(" …")
			break
		}
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%.200q", s)
	}
	return b.String()
}
