package fetch

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

// TestAllows looks at the edges of every range that is not public.
func TestAllows(t *testing.T) {
	for address, want := range map[string]bool{
		"8.8.8.8": true, "1.0.0.0": true, "9.255.255.255": true, "11.0.0.0": true, "100.63.255.255": true, "100.128.0.0": true,
		"126.255.255.255": true, "128.0.0.0": true, "169.253.255.255": true, "169.255.0.0": true, "172.15.255.255": true, "172.32.0.0": true,
		"192.0.1.0": true, "192.0.3.0": true, "192.88.98.255": true, "192.88.100.0": true, "192.167.255.255": true, "192.169.0.0": true,
		"198.17.255.255": true, "198.20.0.0": true, "198.51.99.255": true, "198.51.101.0": true, "203.0.112.255": true, "203.0.114.0": true, "223.255.255.255": true,
		"2600::1": true, "2a00:1450::1": true, "2001:200::1": true, "2001:db7::1": true, "2003::1": true,

		"0.0.0.0": false, "0.255.255.255": false, // this network
		"10.0.0.0": false, "10.255.255.255": false, "172.16.0.0": false, "172.31.255.255": false, "192.168.0.0": false, "192.168.255.255": false, // private
		"100.64.0.0": false, "100.127.255.255": false, // carrier-grade NAT
		"127.0.0.0": false, "127.0.0.1": false, "127.255.255.255": false, // loopback
		"169.254.0.0": false, "169.254.169.254": false, "169.254.255.255": false, // link-local, and the metadata of clouds
		"192.0.0.0": false, "192.0.0.192": false, "192.0.2.1": false, "192.88.99.1": false, "198.18.0.0": false, "198.19.255.255": false, "198.51.100.1": false, "203.0.113.1": false,
		"224.0.0.1": false, "239.255.255.255": false, "240.0.0.0": false, "255.255.255.255": false,

		"::": false, "::1": false, "::2": false, "::8.8.8.8": false, "::127.0.0.1": false, // unspecified, loopback, IPv4-compatible
		"fc00::1": false, "fd00:ec2::254": false, "fdff::1": false, "fe80::1": false, "fe80::1%eth0": false, "febf::1": false, "fec0::1": false, "feff::1": false,
		"ff02::1": false, "ff0e::1": false,
		"2001:db8::1": false, "3fff::1": false, "100::1": false, "5f00::1": false,
		// Those that wrap an IPv4 address, private or not.
		"::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::ffff:169.254.169.254": false, "::ffff:100.64.0.1": false, "::ffff:7f00:1": false,
		"::ffff:0:127.0.0.1": false, "::ffff:0:8.8.8.8": false,
		"64:ff9b::127.0.0.1": false, "64:ff9b::8.8.8.8": false, "64:ff9b::169.254.169.254": false, "64:ff9b:1::10.0.0.1": false,
		"2002:7f00:1::": false, "2002:a00:1::": false, "2002:808:808::1": false,
		"2001:0:4136:e378:8000:63bf:3fff:fdd2": false,
		"::ffff:8.8.8.8":                       true, // is 8.8.8.8
	} {
		a := netip.MustParseAddr(address)
		if got := (Policy{}).allows(a); got != want {
			t.Errorf("%s is allowed: %t", a, got)
		}
		if got := (Policy{AllowHTTP: true}).allows(a); got != want {
			t.Errorf("%s is allowed where plain http is: %t", a, got)
		}
		if !(Policy{Anywhere: true}).allows(a) {
			t.Errorf("%s is not allowed in development mode", a)
		}
	}
}

func TestAllowList(t *testing.T) {
	p := Policy{AllowCIDRs: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32"), netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00::/8")}}
	for address, want := range map[string]bool{
		"127.0.0.2": true, "::ffff:127.0.0.2": true, "10.1.2.3": true, "fd12::1": true, "8.8.8.8": true,
		"127.0.0.1": false, "127.0.0.3": false, "10.2.0.0": false, "fc00::1": false, "169.254.169.254": false, "64:ff9b::127.0.0.2": false, "2002:7f00:2::": false, "::127.0.0.2": false,
	} {
		if got := p.allows(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s is allowed: %t", address, got)
		}
	}
}

// However an IPv4 address is written into an IPv6 one, it leads nowhere that
// it does not lead to by itself.
func TestWrappedAddresses(t *testing.T) {
	wraps := map[string]func(v4 [4]byte) netip.Addr{
		"mapped":     func(v4 [4]byte) netip.Addr { return netip.AddrFrom16(netip.AddrFrom4(v4).As16()) },
		"compatible": func(v4 [4]byte) netip.Addr { return wrap("::", 12, v4) },
		"translated": func(v4 [4]byte) netip.Addr { return wrap("::ffff:0:0:0", 12, v4) },
		"NAT64":      func(v4 [4]byte) netip.Addr { return wrap("64:ff9b::", 12, v4) },
		"NAT64, own": func(v4 [4]byte) netip.Addr { return wrap("64:ff9b:1::", 12, v4) },
		"6to4":       func(v4 [4]byte) netip.Addr { return wrap("2002::", 2, v4) },
		"Teredo":     func(v4 [4]byte) netip.Addr { return wrap("2001::", 4, v4) },
	}
	rapid.Check(t, func(t *rapid.T) {
		var v4 [4]byte
		copy(v4[:], rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "address"))
		plain := Policy{}.allows(netip.AddrFrom4(v4))
		for name, wrapped := range wraps {
			if a := wrapped(v4); (Policy{}).allows(a) && !plain {
				t.Errorf("%s: %s is allowed, %v is not", name, a, v4)
			}
		}
	})
}

// wrap puts an IPv4 address into a prefix.
func wrap(prefix string, at int, v4 [4]byte) netip.Addr {
	b := netip.MustParseAddr(prefix).As16()
	copy(b[at:], v4[:])
	return netip.AddrFrom16(b)
}

// FuzzControl: the hook gets whatever the dialler makes of a name.
func FuzzControl(f *testing.F) {
	for _, seed := range []string{"127.0.0.1:80", "[::1]:80", "[fe80::1%eth0]:443", "8.8.8.8:443", "localhost:80", "", "[::ffff:10.0.0.1]:1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, address string) {
		if (Policy{}).control("tcp", address, nil) != nil {
			return
		}
		to, err := netip.ParseAddrPort(address)
		if a := to.Addr().Unmap(); err != nil || a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsUnspecified() || a.IsMulticast() {
			t.Errorf("%q may be dialled", address)
		}
	})
}
