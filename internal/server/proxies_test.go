package server

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestSeeClient(t *testing.T) {
	p := proxies{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, c := range []struct {
		peer  string
		lines []string // of X-Forwarded-For
		want  string
	}{
		{"10.1.2.3:4444", []string{"192.0.2.7"}, "192.0.2.7:0"},
		{"10.1.2.3:4444", []string{"192.0.2.7, 10.9.9.9"}, "192.0.2.7:0"},
		{"10.1.2.3:4444", []string{"192.0.2.7", "10.9.9.9"}, "192.0.2.7:0"},
		{"10.1.2.3:4444", []string{"198.51.100.1, 192.0.2.7"}, "192.0.2.7:0"}, // the first was the client's own idea
		{"10.1.2.3:4444", []string{"10.0.0.1, 192.0.2.7"}, "192.0.2.7:0"},
		{"10.1.2.3:4444", []string{"10.0.0.1,10.0.0.2"}, "10.0.0.1:0"}, // a client inside
		{"10.1.2.3:4444", []string{"2001:db8::7"}, "[2001:db8::7]:0"},
		{"10.1.2.3:4444", []string{"::ffff:192.0.2.7"}, "192.0.2.7:0"},
		{"[::ffff:10.1.2.3]:4444", []string{"192.0.2.7"}, "192.0.2.7:0"},
		{"[fd00::1]:4444", []string{"192.0.2.7"}, "192.0.2.7:0"},
		{"10.1.2.3:4444", []string{"192.0.2.7, unknown"}, "10.1.2.3:4444"},
		{"10.1.2.3:4444", []string{"unknown, 10.0.0.2"}, "10.0.0.2:0"},
		{"10.1.2.3:4444", []string{""}, "10.1.2.3:4444"},
		{"10.1.2.3:4444", nil, "10.1.2.3:4444"},
		{"192.0.2.9:4444", []string{"192.0.2.7"}, "192.0.2.9:4444"}, // no proxy
		{"[2001:db8::9]:4444", []string{"10.0.0.1"}, "[2001:db8::9]:4444"},
		{"@", []string{"192.0.2.7"}, "@"}, // a Unix socket
	} {
		r := &http.Request{RemoteAddr: c.peer, Header: http.Header{}}
		if c.lines != nil {
			r.Header["X-Forwarded-For"] = c.lines
		}
		p.seeClient(r)
		if r.RemoteAddr != c.want {
			t.Errorf("%s with %q: got %s, want %s", c.peer, c.lines, r.RemoteAddr, c.want)
		}
	}
}

func TestSeeClientsTLS(t *testing.T) {
	p := proxies{netip.MustParsePrefix("10.0.0.0/8")}
	for _, c := range []struct {
		peer string
		tls  bool
		says []string
		want bool
	}{
		{"10.0.0.1:1", false, []string{"https"}, true},
		{"10.0.0.1:1", false, []string{"http"}, false},
		{"10.0.0.1:1", true, []string{"http"}, false},
		{"10.0.0.1:1", true, []string{"https"}, true},
		{"10.0.0.1:1", false, []string{"https", "http"}, false},
		{"10.0.0.1:1", false, []string{"HTTPS, https"}, false},
		{"10.0.0.1:1", true, nil, true},
		{"192.0.2.1:1", false, []string{"https"}, false},
		{"192.0.2.1:1", true, []string{"http"}, true},
	} {
		r := &http.Request{RemoteAddr: c.peer, Header: http.Header{"X-Forwarded-For": {"192.0.2.7"}}}
		if c.tls {
			r.TLS = new(tls.ConnectionState)
		}
		if c.says != nil {
			r.Header["X-Forwarded-Proto"] = c.says
		}
		p.seeClient(r)
		if got := r.TLS != nil; got != c.want {
			t.Errorf("%s over TLS %v says %q: got %v, want %v", c.peer, c.tls, c.says, got, c.want)
		}
	}
}

// TestForwarded: the event of a request that a proxy forwards has the client's
// address.
func TestForwarded(t *testing.T) {
	log := &lines{}
	s := New(toyConfig(newToys(), nil, log, func(c *Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} }))
	for peer, want := range map[string]string{"10.0.0.1:4444": "198.51.100.7:0", "192.0.2.1:4444": "192.0.2.1:4444"} {
		r := httptest.NewRequest("POST", "/", strings.NewReader("{}"))
		r.RemoteAddr = peer
		r.Header.Set("X-Forwarded-For", "203.0.113.5, 198.51.100.7")
		w := httptest.NewRecorder()
		s.api.Handler.ServeHTTP(w, r)
		if text := log.String(); !strings.Contains(text, `"remote":"`+want+`"`) {
			t.Errorf("from %s: no remote %s in %s", peer, want, text)
		}
	}
}

// TestNobodyIsBelieved: whatever a client writes before the proxies write, it is
// seen as who it is.
func TestNobodyIsBelieved(t *testing.T) {
	p := proxies{netip.MustParsePrefix("10.0.0.0/8")}
	rapid.Check(t, func(t *rapid.T) {
		claims := rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom([]string{"10.0.0.1", "192.0.2.66", "::1", "", " ", "unknown", "10.0.0.1:80"}), rapid.String()), 0, 5).Draw(t, "claims")
		client := fmt.Sprintf("192.0.2.%d", rapid.IntRange(0, 65).Draw(t, "client"))
		chain := append(claims, client)
		for range rapid.IntRange(0, 3).Draw(t, "proxies") {
			chain = append(chain, "10.3.3.3")
		}
		r := &http.Request{RemoteAddr: "10.4.4.4:80", Header: http.Header{"X-Forwarded-For": {strings.Join(chain, ", ")}}}
		p.seeClient(r)
		if r.RemoteAddr != client+":0" {
			t.Fatalf("%q is seen as %s", chain, r.RemoteAddr)
		}
		r = &http.Request{RemoteAddr: client + ":80", Header: http.Header{"X-Forwarded-For": {strings.Join(claims, ",")}}}
		p.seeClient(r)
		if r.RemoteAddr != client+":80" {
			t.Fatalf("%s, who says %q, is seen as %s", client, claims, r.RemoteAddr)
		}
	})
}
