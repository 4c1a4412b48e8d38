package main

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"idpool/internal/idpool"
	"idpool/internal/login"
	"idpool/internal/login/logintest"
	"idpool/internal/login/oidc"
)

// TestClockSkew holds that the grace of tokens.clock_skew is what the file says,
// and not another one for none.
func TestClockSkew(t *testing.T) {
	t.Parallel()
	now := func() time.Time { return time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC) }
	issuer := logintest.NewIssuer(t, logintest.WithClock(now))
	pool := &idpool.PoolConfig{
		Pool:          idpool.Pool{Account: "000000000000", OIDCProviderARNs: []string{idpool.ProviderARN("000000000000", issuer.Name())}},
		OIDCProviders: map[string]idpool.OIDCProvider{issuer.Name(): {Name: issuer.Name(), URL: issuer.URL, ClientIDs: []string{logintest.DefaultAudience}}},
	}
	expired := issuer.Token("ann", logintest.ExpiresIn(-30*time.Second))
	for text, taken := range map[string]bool{
		"":                          true, // a minute
		"tokens: {clock_skew: 31s}": true,
		"tokens: {clock_skew: 30s}": false,
		"tokens: {clock_skew: 0s}":  false,
	} {
		path := filepath.Join(t.TempDir(), "idpool.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := readConfig(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		c.Network.AllowHTTP, c.Network.AllowCIDRs = true, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		config := c.oidc()
		config.Now = now
		_, err = oidc.New(config).Verify(t.Context(), pool, login.Presented{Provider: issuer.Name(), Token: login.Token(expired)})
		if (err == nil) != taken {
			t.Errorf("%q: a token that expired 30 seconds ago: %v", text, err)
		}
	}
}
