// Package social verifies opaque access tokens, by asking the provider that
// handed them out whose they are and for which application they were made.
//
//	provider of the pool ─► application ─► asked within the last minute? ─► ask ─► application, expiry
//	                     ─► idpool.VerifiedLogin
//
// A kind is one file: what it asks, and how it reads the answer. A profile alone
// proves nothing: a token of somebody else's application is refused (behaviour
// 4.2).
package social

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/maypok86/otter/v2"

	"idpool/internal/fetch"
	"idpool/internal/idpool"
	"idpool/internal/login"
)

// Config says how providers are asked. Only Now must be set.
type Config struct {
	Now    func() time.Time
	Policy fetch.Policy // where they may live
	// Overrides say where a provider really lives, by provider name.
	Overrides map[string]Override
	// IDTokens verifies the ID tokens of Facebook's Limited Login, which come
	// under the same name. nil: they are refused.
	IDTokens login.Verifier
}

// Override is where a provider really lives, and what it is asked with.
type Override struct {
	Endpoint string // base address of its API; empty: the usual one
	// AppSecrets are the secrets of applications of Facebook, by ID; "" is for
	// any other. An application that has none is asked about without.
	AppSecrets map[string]string
}

// kinds are the providers, each with the base address of its API and its way to
// ask.
var kinds = map[string]struct {
	endpoint string
	ask      func(context.Context, question) (answer, error)
}{
	"graph.facebook.com": {"https://graph.facebook.com", askFacebook},
	"www.amazon.com":     {"https://api.amazon.com", askAmazon},
	"api.twitter.com":    {"https://api.twitter.com", askTwitter},
	"www.digits.com":     {"https://api.digits.com", askTwitter},
}

// Known reports whether a provider is one of these kinds.
func Known(name string) bool {
	_, is := kinds[name]
	return is
}

// The bounds.
const (
	maxToken = 4096 // bytes; Facebook's have some hundreds, Amazon's at most 2,048
	maxUser  = 255  // bytes of a person's ID, as of a sub
	// remembered is how long an answer counts, at most: long enough for the
	// calls of one sign-in, so short that who signs out is out soon.
	remembered    = time.Minute
	maxRemembered = 16_384 // answers
)

// question is what a provider is asked.
type question struct {
	*Verifier
	endpoint string // base address, without a slash at the end
	app      string // the application that the pool names
	secret   string // of the application, if it is configured
	token    string
}

// answer is what a provider said about a token that it takes.
type answer struct {
	apps    []string // the application that the token was made for, by all its names
	user    string
	expires time.Time // zero: not told
}

// refused is a provider's no to a token: the person's fault, not the provider's.
type refused struct{ check, expected, got string }

func (r *refused) Error() string { return r.check }

// Verifier is the kind of provider that hands out opaque access tokens. It is
// safe for concurrent use.
type Verifier struct {
	config Config
	client *fetch.Client
	known  *otter.Cache[tokenID, answer]
}

var _ login.Verifier = (*Verifier)(nil)

// New makes a verifier. It asks nobody before the first token comes.
func New(c Config) *Verifier {
	return &Verifier{
		config: c, client: fetch.New(c.Policy),
		known: otter.Must(&otter.Options[tokenID, answer]{MaximumSize: maxRemembered}),
	}
}

// Serves implements login.Verifier.
func (v *Verifier) Serves(pool *idpool.PoolConfig, name string) bool {
	return Known(name) && pool.SupportedLoginProviders[name] != ""
}

// Verify implements login.Verifier. The error is of kind Upstream if the
// provider does not answer, or not in a way that can be understood.
func (v *Verifier) Verify(ctx context.Context, pool *idpool.PoolConfig, p login.Presented) (idpool.VerifiedLogin, error) {
	if !v.Serves(pool, p.Provider) {
		return idpool.VerifiedLogin{}, login.Unsupported(&login.Refusal{Provider: p.Provider, Check: "provider"})
	}
	text := p.Token.Reveal()
	if p.Provider == "graph.facebook.com" && strings.Count(text, ".") == 2 && v.config.IDTokens != nil {
		return v.config.IDTokens.Verify(ctx, pool, p)
	}
	kind, o := kinds[p.Provider], v.config.Overrides[p.Provider]
	q := question{
		Verifier: v, app: pool.SupportedLoginProviders[p.Provider], token: text,
		endpoint: strings.TrimSuffix(cmp.Or(o.Endpoint, kind.endpoint), "/"),
	}
	q.secret = cmp.Or(o.AppSecrets[q.app], o.AppSecrets[""])
	if why := malformed(text); why != nil {
		return idpool.VerifiedLogin{}, refuse(p.Provider, why)
	}
	id := q.id(p.Provider)
	a, known := v.known.GetIfPresent(id)
	if now := v.config.Now(); !known || !now.Before(a.expires) {
		var err error
		if a, err = v.ask(ctx, p.Provider, q, kind.ask); err != nil {
			return idpool.VerifiedLogin{}, err
		}
		if until := now.Add(remembered); a.expires.IsZero() || a.expires.After(until) {
			a.expires = until
		}
		v.known.Set(id, a)
	}
	app, _, _ := strings.Cut(q.app, ";") // what follows is Twitter's secret
	return idpool.VerifiedLogin{
		Login:      idpool.Login{Provider: p.Provider, Subject: a.user},
		Detail:     p.Provider + ":" + app + ":" + a.user,
		MappingKey: p.Provider, TagsKey: p.Provider, Client: app,
		// All that there is to say (behaviour 6.4), and again under the
		// names of the default attribute maps (behaviour 6.6).
		Claims: idpool.Claims{"iss": p.Provider, "aud": app, "sub": a.user, "app_id": app, "user_id": a.user},
	}, nil
}

// ask asks a provider, within fetch.Timeout, and holds that the answer is about
// the pool's application, and about somebody.
func (v *Verifier) ask(ctx context.Context, name string, q question, kind func(context.Context, question) (answer, error)) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, fetch.Timeout)
	defer cancel()
	a, err := kind(ctx, q)
	if no, ok := errors.AsType[*refused](err); ok {
		return answer{}, refuse(name, no)
	}
	if err != nil {
		return answer{}, login.Unavailable(name, err)
	}
	if app, _, _ := strings.Cut(q.app, ";"); !slices.Contains(a.apps, app) {
		return answer{}, login.Unsupported(&login.Refusal{Provider: name, Check: "audience", Expected: quote(app), Got: quote(a.apps...)})
	}
	if a.user == "" || len(a.user) > maxUser {
		return answer{}, login.Unavailable(name, fmt.Errorf("the person's ID has %d bytes, not 1 to %d", len(a.user), maxUser))
	}
	if now := v.config.Now(); !a.expires.IsZero() && !now.Before(a.expires) {
		why := &login.Refusal{Provider: name, Check: "expiry", Expected: instant(a.expires), Got: instant(now), Now: now.Unix(), Claim: a.expires.Unix()}
		return answer{}, login.Invalid(why, "Token expired: %d >= %d", why.Now, why.Claim)
	}
	return a, nil
}

// malformed refuses what no provider needs to be asked about.
func malformed(token string) *refused {
	switch {
	case len(token) > maxToken:
		return &refused{"parse", fmt.Sprintf("at most %d bytes", maxToken), fmt.Sprint(len(token))}
	case strings.Count(token, ".") == 2 && strings.HasPrefix(token, "eyJ"):
		return &refused{"parse", "an access token", "an ID token"}
	}
	return nil
}

// refuse words a provider's no.
func refuse(name string, no *refused) error {
	why := &login.Refusal{Provider: name, Check: no.check, Expected: no.expected, Got: no.got}
	return login.Invalid(why, "The provider does not accept it.")
}

// tokenID is the SHA-256 of a token and of whom it was shown to.
type tokenID [sha256.Size]byte

func (q question) id(provider string) tokenID {
	return sha256.Sum256([]byte(strings.Join([]string{provider, q.endpoint, q.app, q.token}, "\x00")))
}

// quote shows strings from outside: escaped, and not much of them.
func quote(list ...string) string {
	var b strings.Builder
	for i, s := range list {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%.200q", s)
	}
	return b.String()
}

// instant shows a time to people.
func instant(t time.Time) string { return t.UTC().Format(time.RFC3339) }
