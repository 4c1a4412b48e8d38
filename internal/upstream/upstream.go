// Package upstream gets credentials from the STS of somebody else: AWS, or the S3
// store whose roles a pool hands out.
//
//	role ARN ─► Set.For: whose role it is ─► STS.Assume: our signed token, theirs the credentials
//
// Such an STS trusts our issuer as it would any other, and decides itself who
// becomes which of its roles. What it answers is as little trusted as a stranger's
// token: it is bounded in size and time, and read strictly.
package upstream

import (
	"context"
	"crypto/x509"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"idpool/internal/credential"
	"idpool/internal/fetch"
	"idpool/internal/idpool"
	"idpool/internal/policy"
)

// The bounds of one assumption.
const (
	timeout  = 10 * time.Second // all attempts together
	attempt  = 5 * time.Second  // one of them
	attempts = 3
	maxBody  = 256 << 10 // bytes of an answer
	maxField = 16 << 10  // bytes of a session token
)

// pause is what the first pause between two attempts lasts at most. The second
// lasts up to twice as long.
const pause = 200 * time.Millisecond

// Server is an STS.
type Server struct {
	Name     string // in the configuration
	Endpoint string // its address
	// GuestPolicies sends the session policies of guests along. A store that
	// knows no actions but its own may refuse them.
	GuestPolicies bool
}

// Rule says to which server the roles belong whose ARNs match.
type Rule struct {
	Match  string // an ARN; "*" stands for any characters, "?" for one
	Server string // name
}

// Config is what a Set is made of.
type Config struct {
	Servers []Server
	Rules   []Rule // the first that matches wins
	RootCAs *x509.CertPool
	Now     func() time.Time
}

// Set knows which roles belong to which server. A nil Set has none.
type Set struct {
	servers map[string]*STS
	rules   []Rule
}

// STS is a server that can be asked.
type STS struct {
	Server
	observe func(context.Context, string) (context.Context, func(error))
	http    *http.Client
	now     func() time.Time
}

// New makes a set. It fails for a rule that names no server.
func New(c Config) (*Set, error) {
	set := &Set{servers: map[string]*STS{}, rules: c.Rules}
	// The operator named the addresses, and may mean this machine.
	transport := fetch.Policy{Anywhere: true, RootCAs: c.RootCAs}.Transport()
	transport.MaxIdleConnsPerHost = 64
	client := &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the body is a token
	}
	for _, s := range c.Servers {
		set.servers[s.Name] = &STS{Server: s, http: client, now: c.Now}
	}
	for _, r := range c.Rules {
		if set.servers[r.Server] == nil {
			return nil, fmt.Errorf("the roles %q belong to upstream %q, which is not configured", r.Match, r.Server)
		}
	}
	return set, nil
}

// Observe has begin called with the name of the server before each assumption,
// and what it returns afterwards. It must be called before the set is used.
func (s *Set) Observe(begin func(ctx context.Context, server string) (context.Context, func(error))) {
	if s == nil {
		return
	}
	for _, sts := range s.servers {
		sts.observe = begin
	}
}

// For returns the server that the role belongs to; nil if it is one of our own.
func (s *Set) For(role string) *STS {
	if s == nil {
		return nil
	}
	i := slices.IndexFunc(s.rules, func(r Rule) bool { return policy.Matches(r.Match, role) })
	if i < 0 {
		return nil
	}
	return s.servers[s.rules[i].Server]
}

// Wish is the wish to become a role of the server.
type Wish struct {
	Role     string // ARN
	Name     string // of the session
	Token    string // an OpenID token of ours, signed
	Duration time.Duration
	Policy   string // a session policy, or empty
}

// Refusal is what a server said against a wish.
type Refusal struct {
	Server string
	Status int
	Code   string // of the protocol; empty if it said none
	Text   string
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("upstream %s: status %d: %.64s: %.512q", r.Server, r.Status, r.Code, r.Text)
}

// Assume asks for a session of a role by AssumeRoleWithWebIdentity (AWS STS API
// Reference). It asks again where that may help, with pauses in between, for at
// most ten seconds. The error is of kind AccessDenied if the server refuses, with
// a *Refusal behind it, and Upstream if it cannot be reached or makes no sense.
func (s *STS) Assume(ctx context.Context, w Wish) (c credential.Credentials, err error) {
	if s.observe != nil {
		var end func(error)
		ctx, end = s.observe(ctx, s.Name)
		defer func() { end(err) }()
	}
	return s.assume(ctx, w)
}

func (s *STS) assume(ctx context.Context, w Wish) (credential.Credentials, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for n := 1; ; n++ {
		c, err := s.once(ctx, w)
		refusal, refused := errors.AsType[*Refusal](err)
		switch {
		case err == nil:
			return c, nil
		case refused && !refusal.passing():
			return credential.Credentials{}, idpool.Errorf(idpool.AccessDenied, "the upstream STS refuses the role").Because(err)
		case n == attempts, !wait(ctx, rand.N(pause<<(n-1))):
			return credential.Credentials{}, idpool.Errorf(idpool.Upstream, "The upstream STS cannot be asked.").Because(fmt.Errorf("%w (attempt %d)", err, n))
		}
	}
}

// passing reports whether the same wish may be granted a moment later.
func (r *Refusal) passing() bool {
	switch r.Code {
	case "Throttling", "ThrottlingException", "RequestLimitExceeded", "SlowDown", "IDPCommunicationError", "ServiceUnavailable", "InternalFailure":
		return true
	}
	return r.Status >= 500 || r.Status == http.StatusTooManyRequests
}

func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// once asks once.
func (s *STS) once(ctx context.Context, w Wish) (c credential.Credentials, err error) {
	form := url.Values{
		"Action": {"AssumeRoleWithWebIdentity"}, "Version": {"2011-06-15"},
		"RoleArn": {w.Role}, "RoleSessionName": {w.Name}, "WebIdentityToken": {w.Token},
		"DurationSeconds": {strconv.Itoa(int(w.Duration / time.Second))},
	}
	if w.Policy != "" {
		form.Set("Policy", w.Policy)
	}
	ctx, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return c, fmt.Errorf("upstream %s: %w", s.Name, err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/xml, text/xml")
	r.Header.Set("User-Agent", "idpool")
	resp, err := s.http.Do(r)
	if err != nil {
		return c, fmt.Errorf("upstream %s: %w", s.Name, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	switch {
	case err != nil:
		return c, fmt.Errorf("upstream %s: %w", s.Name, err)
	case len(body) > maxBody:
		return c, fmt.Errorf("upstream %s: an answer of more than %d bytes", s.Name, maxBody)
	case resp.StatusCode != http.StatusOK:
		return c, s.refusal(resp.StatusCode, body, w.Token)
	}
	if c, err = readAnswer(body, s.now()); err != nil {
		return c, fmt.Errorf("upstream %s: %w", s.Name, err)
	}
	return c, nil
}

// refusal reads an answer that is no success. Redirects, and client errors that
// are not of the protocol, are no word of an STS. It may quote the token, which
// is left out.
func (s *STS) refusal(status int, body []byte, token string) error {
	var e struct {
		Code    string `xml:"Code"` // of a store that has no ErrorResponse around it
		Message string `xml:"Message"`
		Error   struct {
			Code    string `xml:"Code"`
			Message string `xml:"Message"`
		} `xml:"Error"`
	}
	if err := xml.Unmarshal(body, &e); err != nil && status < 500 {
		return fmt.Errorf("upstream %s: status %d, and no error of an STS", s.Name, status)
	}
	r := &Refusal{Server: s.Name, Status: status, Code: e.Code, Text: e.Message}
	if r.Code == "" {
		r.Code, r.Text = e.Error.Code, e.Error.Message
	}
	if r.Code == "" && status < 500 {
		return fmt.Errorf("upstream %s: status %d, and no error of an STS", s.Name, status)
	}
	r.Code, r.Text = strings.ReplaceAll(r.Code, token, "TOKEN"), strings.ReplaceAll(r.Text, token, "TOKEN")
	return r
}

// readAnswer reads the credentials out of an answer. Whatever the element around
// them is called, they stand in a result.
func readAnswer(body []byte, now time.Time) (credential.Credentials, error) {
	var a struct {
		Credentials []struct {
			AccessKeyID     string `xml:"AccessKeyId"`
			SecretAccessKey string `xml:"SecretAccessKey"`
			SessionToken    string `xml:"SessionToken"`
			Expiration      string `xml:"Expiration"`
		} `xml:"AssumeRoleWithWebIdentityResult>Credentials"`
	}
	if err := xml.Unmarshal(body, &a); err != nil {
		return credential.Credentials{}, errors.New("an answer that is not XML") // the error could quote a secret
	}
	if len(a.Credentials) != 1 {
		return credential.Credentials{}, fmt.Errorf("an answer with %d credentials", len(a.Credentials))
	}
	c := a.Credentials[0]
	for name, value := range map[string]string{"AccessKeyId": c.AccessKeyID, "SecretAccessKey": c.SecretAccessKey, "SessionToken": c.SessionToken} {
		if value == "" || len(value) > maxField || strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return credential.Credentials{}, fmt.Errorf("an answer whose %s is none", name)
		}
	}
	expires, err := time.Parse(time.RFC3339, c.Expiration)
	if err != nil || !expires.After(now) {
		return credential.Credentials{}, fmt.Errorf("an answer whose credentials end at %.64q", c.Expiration)
	}
	return credential.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken, Expiration: expires.UTC()}, nil
}
