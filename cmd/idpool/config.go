package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"idpool/internal/idpool"
	"idpool/internal/login/oidc"
	"idpool/internal/login/social"
	"idpool/internal/policy"
	"idpool/internal/upstream"
)

// fileConfig is the configuration file. A key that it does not know is an
// error: a typo must not become a default.
type fileConfig struct {
	Providers map[string]providerConfig `yaml:"providers"` // by provider name
	Network   networkConfig             `yaml:"network"`
	Tokens    tokensConfig              `yaml:"tokens"`
	STS       stsConfig                 `yaml:"sts"`
	SAML      samlConfig                `yaml:"saml"`
	Limits    limitsConfig              `yaml:"limits"`
	Guests    guestsConfig              `yaml:"guests"`
	// Flags are values for flags of serve, by name with "_" for "-".
	Flags map[string]yaml.Node `yaml:",inline"`

	roots         *x509.CertPool  // from network.ca_file
	guestPolicies []policy.Policy // from guests.policy_files

	// From providers.
	issuers map[string]oidc.Override
	social  map[string]social.Override
}

type networkConfig struct {
	AllowHTTP  bool           `yaml:"allow_http"`
	AllowCIDRs []netip.Prefix `yaml:"allow_cidrs"`
	CAFile     string         `yaml:"ca_file"`
	KeySetTTL  time.Duration  `yaml:"key_set_ttl"`
	// TrustedProxies are believed about the clients they forward for.
	TrustedProxies []netip.Prefix `yaml:"trusted_proxies"`
}

// stsConfig says which roles belong to the STS of somebody else.
type stsConfig struct {
	Upstreams map[string]upstreamConfig `yaml:"upstreams"` // by a name of the operator's choice
	Roles     []struct {
		Match    string `yaml:"match"`
		Upstream string `yaml:"upstream"`
	} `yaml:"roles"`
}

type upstreamConfig struct {
	Endpoint      string `yaml:"endpoint"` // default: that of AWS in the region
	Region        string `yaml:"region"`
	GuestPolicies *bool  `yaml:"guest_policies"` // default: true
}

// address is where the STS is.
func (u upstreamConfig) address() string {
	if u.Endpoint == "" && u.Region != "" {
		return "https://sts." + u.Region + ".amazonaws.com/"
	}
	return u.Endpoint
}

type tokensConfig struct {
	ClockSkew time.Duration `yaml:"clock_skew"`
}

// maxKeySetTTL bounds how long a key may be believed after its issuer dropped
// it.
const maxKeySetTTL = 24 * time.Hour

// readConfig reads the configuration file; without a path, the defaults.
// flags are the keys that stand for flags.
func readConfig(path string, flags map[string]bool) (fileConfig, error) {
	c := fileConfig{
		Network: networkConfig{KeySetTTL: time.Hour},
		Tokens:  tokensConfig{ClockSkew: time.Minute},
	}
	if path == "" {
		return c, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return c, fmt.Errorf("read the configuration: %w", err)
	}
	dec := yaml.NewDecoder(strings.NewReader(string(text)))
	dec.KnownFields(true)
	if err := dec.Decode(&c); err != nil && !errors.Is(err, io.EOF) { // EOF: nothing but comments
		return c, fmt.Errorf("configuration %s: %w", path, plainYAMLError(err))
	}
	if err := errors.Join(c.checkFlags(text, flags), c.check()); err != nil {
		return c, fmt.Errorf("configuration %s: %w", path, err)
	}
	return c, nil
}

// checkFlags holds that every key which is no section is a flag with one value.
func (c *fileConfig) checkFlags(text []byte, flags map[string]bool) error {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil || len(document.Content) == 0 {
		return err
	}
	var errs []error
	for pair := range slices.Chunk(document.Content[0].Content, 2) {
		key, value := pair[0], pair[1]
		switch _, other := c.Flags[key.Value]; {
		case other && !flags[key.Value]:
			errs = append(errs, fmt.Errorf("line %d: unknown key %s", key.Line, key.Value))
		case other && value.Kind != yaml.ScalarNode:
			errs = append(errs, fmt.Errorf("line %d: %s takes one value", key.Line, key.Value))
		}
	}
	return errors.Join(errs...)
}

func (c *fileConfig) check() error {
	var errs []error
	say := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	say(c.Network.KeySetTTL <= 0 || c.Network.KeySetTTL > maxKeySetTTL, "network.key_set_ttl: %s is not between 1s and %s", c.Network.KeySetTTL, maxKeySetTTL)
	for _, prefix := range c.Network.TrustedProxies {
		say(prefix.Bits() == 0, "network.trusted_proxies: %s is everybody, who could then say to be anybody", prefix)
		say(prefix != prefix.Masked(), "network.trusted_proxies: %s is not a network; %s is", prefix, prefix.Masked())
	}
	say(c.Tokens.ClockSkew < 0 || c.Tokens.ClockSkew > 10*time.Minute, "tokens.clock_skew: %s is not between 0s and 10m", c.Tokens.ClockSkew)
	_, err := c.Limits.limits(false)
	say(err != nil, "%v", err)
	err = c.SAML.check()
	say(err != nil, "%v", err)
	c.guestPolicies, err = c.Guests.policies()
	say(err != nil, "%v", err)
	c.issuers, c.social = map[string]oidc.Override{}, map[string]social.Override{}
	for _, name := range slices.Sorted(maps.Keys(c.Providers)) {
		c.issuers[name], c.social[name], err = c.Providers[name].overrides(name)
		say(err != nil, "%w", err)
	}
	for name, u := range c.STS.Upstreams {
		at, err := url.Parse(u.address())
		say(u.Region != "" && !idpool.ValidRegion(u.Region), "sts.upstreams.%s.region: %q is not the name of a region", name, u.Region)
		say(err != nil || at.Host == "" || at.User != nil || at.Scheme != "https" && at.Scheme != "http", "sts.upstreams.%s.endpoint: %q is not an address", name, u.Endpoint)
	}
	for i, r := range c.STS.Roles {
		_, known := c.STS.Upstreams[r.Upstream]
		say(r.Match == "", "sts.roles[%d].match: it is missing", i)
		say(!known, "sts.roles[%d].upstream: %q is not one of sts.upstreams", i, r.Upstream)
	}
	if c.Network.CAFile != "" {
		pem, err := os.ReadFile(c.Network.CAFile)
		say(err != nil, "network.ca_file: %v", err)
		c.roots, _ = x509.SystemCertPool()
		if c.roots == nil {
			c.roots = x509.NewCertPool()
		}
		say(err == nil && !c.roots.AppendCertsFromPEM(pem), "network.ca_file: no certificate in %s", c.Network.CAFile)
	}
	return errors.Join(errs...)
}

var unknownField = regexp.MustCompile(`line (\d+): field (\S+) not found in type \S+`)

// plainYAMLError says in our words, on one line, which key is not known.
func plainYAMLError(err error) error {
	text := unknownField.ReplaceAllString(err.Error(), "line $1: unknown key $2")
	text = strings.TrimPrefix(text, "yaml: unmarshal errors:\n")
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, strings.TrimSpace(line))
	}
	return errors.New(strings.Join(lines, "; "))
}

// oidc is how tokens of OIDC issuers are verified.
func (c fileConfig) oidc() oidc.Config {
	skew := c.Tokens.ClockSkew
	if skew == 0 { // none, for which the package has another word
		skew = -1
	}
	return oidc.Config{
		Overrides: c.issuers, AllowHTTP: c.Network.AllowHTTP, AllowCIDRs: c.Network.AllowCIDRs, RootCAs: c.roots,
		KeySetTTL: c.Network.KeySetTTL, ClockSkew: skew,
	}
}

// upstreams are the STSs of others.
func (c fileConfig) upstreams() (*upstream.Set, error) {
	if len(c.STS.Upstreams) == 0 {
		return nil, nil
	}
	u := upstream.Config{RootCAs: c.roots, Now: time.Now}
	for name, s := range c.STS.Upstreams {
		u.Servers = append(u.Servers, upstream.Server{Name: name, Endpoint: s.address(), GuestPolicies: s.GuestPolicies == nil || *s.GuestPolicies})
	}
	for _, r := range c.STS.Roles {
		u.Rules = append(u.Rules, upstream.Rule{Match: r.Match, Server: r.Upstream})
	}
	return upstream.New(u)
}
