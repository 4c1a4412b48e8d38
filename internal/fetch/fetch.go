// Package fetch gets documents from addresses that an operator configured, and
// trusts nothing about them: not that the name leads where it should, not that
// the server is quick, brief or honest.
package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// The bounds of one fetch.
const (
	Timeout = 10 * time.Second
	MaxBody = 1 << 20
)

// Policy says where a client may go.
type Policy struct {
	AllowHTTP  bool           // plain http
	AllowCIDRs []netip.Prefix // private ranges that are allowed
	Anywhere   bool           // every address: development mode
	RootCAs    *x509.CertPool // nil: the system's
}

// Client gets documents. It follows no redirects, uses no proxy, and checks the
// address that is really dialled, after the name was resolved, so that a name
// cannot lead it into a private network.
type Client struct {
	policy Policy
	http   *http.Client
}

// New makes a client.
func New(p Policy) *Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second, Control: p.control}
	return &Client{policy: p, http: &http.Client{
		Timeout:       Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{RootCAs: p.RootCAs, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    5 * time.Second,
			ResponseHeaderTimeout:  8 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
			DisableCompression:     true,
			MaxIdleConnsPerHost:    2,
			IdleConnTimeout:        90 * time.Second,
		},
	}}
}

// Get fetches a document. The address must be https, or http where that is
// allowed. Any status but 200 is an error.
func (c *Client) Get(ctx context.Context, address string) (body []byte, header http.Header, err error) {
	if err := c.Check(address); err != nil {
		return nil, nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, nil, err
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Accept-Encoding", "identity")
	resp, err := c.http.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("status %d", resp.StatusCode)
	}
	if encoding := resp.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return nil, nil, fmt.Errorf("content encoding %.32q", encoding)
	}
	body, err = io.ReadAll(io.LimitReader(resp.Body, MaxBody+1))
	if err == nil && len(body) > MaxBody {
		err = fmt.Errorf("longer than %d bytes", MaxBody)
	}
	return body, resp.Header, err
}

// Check reports whether an address is one that the policy allows, as far as
// its text tells.
func (c *Client) Check(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return errors.New("not an address")
	case u.Host == "" || u.User != nil:
		return errors.New("not an address with a host and without a user")
	case u.Scheme == "https", u.Scheme == "http" && (c.policy.AllowHTTP || c.policy.Anywhere):
		return nil
	}
	return fmt.Errorf("scheme %.16q is not allowed", u.Scheme)
}

// control is called with the address of every connection before it is made.
func (p Policy) control(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("dial %q: %w", address, err)
	}
	if !p.allows(ap.Addr()) {
		return fmt.Errorf("dial %s: a private or special address; allow it with network.allow_cidrs", ap.Addr())
	}
	return nil
}

// special are the ranges that lead nowhere a public issuer lives, beyond those
// that netip knows by name (IANA special-purpose address registries).
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"), // carrier-grade NAT
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("192.88.99.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"), // NAT64: an IPv4 address in disguise
	netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("100::/64"),
	netip.MustParsePrefix("2001::/23"), // Teredo and others
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("2002::/16"), // 6to4
	netip.MustParsePrefix("fec0::/10"),
}

func (p Policy) allows(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if p.Anywhere {
		return true
	}
	for _, prefix := range p.AllowCIDRs {
		if prefix.Contains(a) {
			return true
		}
	}
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() {
		return false
	}
	for _, prefix := range special {
		if prefix.Contains(a) {
			return false
		}
	}
	return true
}
