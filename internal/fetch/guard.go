package fetch

import (
	"fmt"
	"net/netip"
	"syscall"
)

// control is called by the dialler with the address of every connection before
// it is made: after the name was resolved, so that no name, however it
// resolves and whenever it changes its mind, leads to an address that the
// policy refuses.
func (p Policy) control(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("dial %q: %w", address, err)
	}
	if !p.allows(to.Addr()) {
		return fmt.Errorf("dial %s: a private or special address; network.allow_cidrs can allow it", to.Addr())
	}
	return nil
}

// allows reports whether an address may be dialled.
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
	if !a.IsGlobalUnicast() || a.IsPrivate() {
		return false
	}
	for _, prefix := range special {
		if prefix.Contains(a) {
			return false
		}
	}
	return true
}

// special are the ranges that lead nowhere a public server lives, beyond the
// private, loopback, link-local, multicast and unspecified ones (the IANA
// special-purpose address registries, RFC 6890). The IPv6 ranges that wrap an
// IPv4 address are here because what they wrap could be anything.
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
	netip.MustParsePrefix("::/96"),           // IPv4-compatible
	netip.MustParsePrefix("::ffff:0:0:0/96"), // IPv4-translated
	netip.MustParsePrefix("64:ff9b::/96"),    // NAT64
	netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("100::/64"),
	netip.MustParsePrefix("2001::/23"), // Teredo and others
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("2002::/16"), // 6to4
	netip.MustParsePrefix("3fff::/20"),
	netip.MustParsePrefix("5f00::/16"),
	netip.MustParsePrefix("fec0::/10"),
}
