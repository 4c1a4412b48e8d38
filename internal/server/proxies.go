package server

import (
	"crypto/tls"
	"net/http"
	"net/netip"
	"strings"
)

// proxies are where load balancers are that say whom they forward for. What
// anybody else says of that is not read.
type proxies []netip.Prefix

func (p proxies) have(address netip.Addr) bool {
	for _, prefix := range p {
		if prefix.Contains(address) {
			return true
		}
	}
	return false
}

// seeClient has a request that a proxy forwards look as if the client itself had
// sent it: its address, and whether it spoke TLS.
//
// Each proxy adds to X-Forwarded-For who came to it. Read from the end, the first
// address that is no proxy's is the client's; what stands before it the client may
// have written.
func (p proxies) seeClient(r *http.Request) {
	if len(p) == 0 {
		return
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !p.have(peer.Addr().Unmap()) {
		return
	}
	rest := strings.Join(r.Header["X-Forwarded-For"], ",")
	for more := true; more; {
		var last string
		if at := strings.LastIndexByte(rest, ','); at >= 0 {
			rest, last = rest[:at], rest[at+1:]
		} else {
			last, more = rest, false
		}
		address, err := netip.ParseAddr(strings.TrimSpace(last))
		if err != nil { // nobody knows who that was
			break
		}
		address = address.Unmap().WithZone("")
		r.RemoteAddr = netip.AddrPortFrom(address, 0).String()
		if !p.have(address) {
			break
		}
	}
	switch protocols := r.Header["X-Forwarded-Proto"]; {
	case len(protocols) == 0:
	case protocols[len(protocols)-1] == "https" && r.TLS == nil:
		r.TLS = new(tls.ConnectionState) // which ended at the proxy
	case protocols[len(protocols)-1] == "http":
		r.TLS = nil
	}
}
