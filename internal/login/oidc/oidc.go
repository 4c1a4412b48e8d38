// Package oidc verifies ID tokens of OpenID Connect issuers.
//
//	provider of the pool ─► issuer, audiences ─► read the token strictly ─► issuer, audience
//	                     ─► key of that issuer ─► signature ─► times ─► idpool.VerifiedLogin
//
// Cognito user pools, Google, Apple and Facebook's Limited Login are rows of a
// table (provider.go): they differ in nothing but names.
//
// The configuration says whose tokens may come and where their keys are; a
// token never says whom to ask. Claims leave this package only after every
// check (OpenID Connect Core 1.0, 3.1.3.7; RFC 8725).
package oidc

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/maypok86/otter/v2"
	"github.com/maypok86/otter/v2/stats"

	"idpool/internal/fetch"
	"idpool/internal/idpool"
	"idpool/internal/login"
)

// Config says how tokens are verified. Only Now must be set.
type Config struct {
	Now       func() time.Time
	Dev       bool   // development mode: plain http, every address, and a provider that IAM does not know is taken by its name
	OwnIssuer string // whose tokens are never a login: our own
	// Overrides say where a provider really lives, by provider name.
	Overrides map[string]Override

	AllowHTTP  bool           // issuers without TLS
	AllowCIDRs []netip.Prefix // private ranges that issuers may live in
	RootCAs    *x509.CertPool // that vouch for issuers; nil: the system's

	// KeySetTTL is after how long at the latest a key that left its issuer's
	// key set is refused. Zero is an hour; a day is the most.
	KeySetTTL time.Duration
	// ClockSkew is the grace for exp, nbf and iat. Zero is a minute; below
	// zero is none.
	ClockSkew time.Duration
	// MaxTokens bounds how many verified tokens are remembered, counted in
	// pieces of 4 KiB of memory: most tokens are one. Zero is 16,384.
	MaxTokens int
	// KeysFetched is told what came of each fetch of a key set; nil: nobody.
	KeysFetched func(error)
}

// Override is where a provider really lives.
type Override struct {
	Issuer   string   // the expected iss, and the base of discovery; empty: as registered
	JWKSURI  string   // where the keys are; empty: where discovery says
	UserPool UserPool // for user pools with ServerSideTokenCheck
	// Algorithms are those that its tokens may be signed with, out of those
	// that [KnowsAlgorithm] knows. Empty: all of them.
	Algorithms []string
}

// Verifier is the kind of provider that issues ID tokens. It is safe for
// concurrent use.
type Verifier struct {
	config Config
	client *fetch.Client
	keys   *keySets
	seen   *otter.Cache[tokenID, seenToken]
}

var (
	_ login.Verifier   = (*Verifier)(nil)
	_ login.Prefetcher = (*Verifier)(nil)
)

// New makes a verifier. It asks no issuer before a pool or a token names one.
func New(c Config) *Verifier {
	if c.KeySetTTL <= 0 {
		c.KeySetTTL = time.Hour
	}
	c.KeySetTTL = min(c.KeySetTTL, 24*time.Hour)
	if c.ClockSkew == 0 {
		c.ClockSkew = time.Minute
	}
	c.ClockSkew = max(c.ClockSkew, 0)
	if c.MaxTokens <= 0 {
		c.MaxTokens = 16_384
	}
	client := fetch.New(fetch.Policy{AllowHTTP: c.AllowHTTP, AllowCIDRs: c.AllowCIDRs, Anywhere: c.Dev, RootCAs: c.RootCAs})
	return &Verifier{
		config: c,
		client: client,
		keys:   newKeySets(client, c.Now, c.KeySetTTL, c.KeysFetched),
		seen: otter.Must(&otter.Options[tokenID, seenToken]{
			MaximumWeight: uint64(c.MaxTokens),
			StatsRecorder: stats.NewCounter(),
			Weigher:       func(_ tokenID, t seenToken) uint32 { return t.weight },
			Executor:      func(work func()) { work() }, // a microsecond of it: less than a goroutine costs
		}),
	}
}

// Serves implements login.Verifier.
func (v *Verifier) Serves(pool *idpool.PoolConfig, name string) bool {
	_, ok := v.provider(pool, name)
	return ok
}

// Verify implements login.Verifier. Every refusal is of kind NotAuthorized,
// also that of an issuer that does not answer, and carries a *login.Refusal;
// the error is of kind Upstream only if a user pool had to be asked and could
// not be.
// The texts and the order of the checks are those of behaviour 4.3. A token
// that was verified before skips the two costly steps, reading it and checking
// its signature; all others are taken again.
func (v *Verifier) Verify(ctx context.Context, pool *idpool.PoolConfig, presented login.Presented) (idpool.VerifiedLogin, error) {
	p, ok := v.provider(pool, presented.Provider)
	if !ok {
		return idpool.VerifiedLogin{}, login.Unsupported(&login.Refusal{Provider: presented.Provider, Check: "provider"})
	}
	refuse := func(why *login.Refusal, format string, args ...any) (idpool.VerifiedLogin, error) {
		why.Provider = p.name
		return idpool.VerifiedLogin{}, login.Invalid(why, format, args...)
	}
	// 1. Is it a token at all, and does it say what it must?
	text := presented.Token.Reveal()
	id := idOf(text)
	c, known := v.recall(id, p)
	var t *token
	if !known {
		var why *login.Refusal
		if t, why = parse(text); why != nil {
			return refuse(why, "Not a valid OpenId Connect identity token.")
		}
		c = t.claims
	}
	if c.iss == v.config.OwnIssuer && c.iss != "" {
		return idpool.VerifiedLogin{}, login.CognitoToken()
	}
	if name := c.missing(); name != "" {
		return refuse(&login.Refusal{Check: "claims", Expected: "claim " + name, Got: "none", Cause: c.hint()}, "Missing a required claim: %s", name)
	}
	if use := c.all["token_use"]; p.userPool && use != "id" {
		return refuse(&login.Refusal{Check: "claims", Expected: "token_use id", Got: fmt.Sprintf("%.32q", fmt.Sprint(use)), Cause: c.hint()},
			"Not a valid OpenId Connect identity token.")
	}
	// 2. Whose is it, and for whom? So far only to word a refusal: nothing of
	// it is believed yet.
	if !slices.Contains(p.issuers, c.iss) {
		return refuse(&login.Refusal{Check: "issuer", Expected: oneOf(p.issuers), Got: quote(c.iss), Cause: difference(p.issuers, c.iss)},
			"Issuer doesn't match providerName")
	}
	client, ok := p.client(c.parties())
	if !ok {
		return idpool.VerifiedLogin{}, login.Unsupported(&login.Refusal{Provider: p.name, Check: "audience",
			Expected: oneOf(p.audiences), Got: quote(c.parties()...)})
	}
	// 3. Did the issuer sign it?
	var signer *key
	if !known {
		if !p.takes(t.alg) {
			return refuse(&login.Refusal{Check: "signature", Expected: "an alg of " + quote(p.algorithms...), Got: quote(t.alg)}, "Couldn't verify signed token.")
		}
		var why *login.Refusal
		if signer, why = v.keys.of(p.keysAt(c.iss)).verify(ctx, t); why != nil {
			return refuse(why, "Couldn't verify signed token.")
		}
	}
	// 4. Has its time come, and is it not over?
	now, skew := v.config.Now().Unix(), int64(v.config.ClockSkew/time.Second)
	if now-skew >= *c.exp {
		return refuse(&login.Refusal{Check: "expiry", Expected: instant(*c.exp), Got: instant(now), Now: now, Claim: *c.exp}, "Token expired: %d >= %d", now, *c.exp)
	}
	for _, start := range []*int64{c.nbf, c.iat} {
		if start != nil && *start > now+skew {
			return refuse(&login.Refusal{Check: "start", Expected: instant(*start), Got: instant(now), Now: now, Claim: *start}, "Token is not yet valid: %d < %d", now, *start)
		}
	}
	if !known {
		v.remember(id, t, signer)
	}
	// 5. Where the pool wants it: does the user pool still know the person?
	if slices.Contains(p.checked, client) {
		if err := v.askUserPool(ctx, p, c); err != nil {
			return idpool.VerifiedLogin{}, err
		}
	}
	return p.login(c, client), nil
}

// tokenID is the SHA-256 of a token.
type tokenID [sha256.Size]byte

func idOf(text string) tokenID {
	room := make([]byte, 0, 4<<10) // on the stack, which most tokens fit in
	return sha256.Sum256(append(room, text...))
}

// seenToken is a token that passed every check once.
type seenToken struct {
	alg    string
	claims *claims
	signer *key
	weight uint32
}

// TokenLookups counts the tokens that had been verified before, and those that
// had not.
func (v *Verifier) TokenLookups() (hits, misses uint64) {
	s := v.seen.Stats()
	return s.Hits, s.Misses
}

// recall returns the claims of a token whose signature was verified before, if
// its algorithm is one of the provider's, and the key that made it is still one
// of those that the provider's tokens are verified with now.
func (v *Verifier) recall(id tokenID, p *provider) (*claims, bool) {
	t, ok := v.seen.GetIfPresent(id)
	if !ok || !p.takes(t.alg) || !slices.Contains(p.issuers, t.claims.iss) || !v.keys.of(p.keysAt(t.claims.iss)).holds(t.signer) {
		return nil, false
	}
	return t.claims, true
}

func (v *Verifier) remember(id tokenID, t *token, signer *key) {
	const piece = 4 << 10
	v.seen.Set(id, seenToken{alg: t.alg, claims: t.claims, signer: signer, weight: uint32(1 + size(map[string]any(t.claims.all))/piece)})
}

// size estimates the bytes that a JSON value takes in memory, rather too high
// than too low.
func size(v any) int {
	const word = 16 // an interface or the header of a string
	switch v := v.(type) {
	case string:
		return 2*word + len(v)
	case json.Number:
		return 2*word + len(v)
	case []any:
		n := 3 * word
		for _, item := range v {
			n += word + size(item)
		}
		return n
	case map[string]any:
		n := 20 * word // room for eight members
		for name, item := range v {
			n += 3*word + len(name) + size(item)
		}
		return n
	}
	return word
}

// quote shows strings from outside: escaped, and not much of them.
func quote(list ...string) string {
	if len(list) == 0 {
		return "none"
	}
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

// oneOf shows what would have been right.
func oneOf(list []string) string {
	if len(list) == 1 {
		return quote(list[0])
	}
	return "one of " + quote(list...)
}

// instant shows a time claim to people.
func instant(seconds int64) string { return time.Unix(seconds, 0).UTC().Format(time.RFC3339) }

// difference says how an issuer differs from the one expected that is most like
// it, because people overlook it.
func difference(expected []string, got string) error {
	like := slices.MaxFunc(expected, func(a, b string) int { return common(a, got) - common(b, got) })
	trim := func(s string) string { return strings.TrimSuffix(s, "/") }
	_, e, _ := strings.Cut(like, "://")
	_, g, _ := strings.Cut(got, "://")
	switch {
	case trim(like) == trim(got):
		return errors.New("they differ in the slash at the end")
	case strings.EqualFold(like, got):
		return errors.New("they differ in upper and lower case")
	case e == g:
		return errors.New("they differ in the scheme")
	}
	return fmt.Errorf("they differ from character %d on", common(like, got)+1)
}

// common is how many bytes two texts begin with in common.
func common(a, b string) int {
	at := 0
	for at < min(len(a), len(b)) && a[at] == b[at] {
		at++
	}
	return at
}
