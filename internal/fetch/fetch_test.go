package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// lab may go to loopback over plain http.
var lab = Policy{AllowHTTP: true, AllowCIDRs: loopback}

// serve starts a server and counts the connections that it gets.
func serve(t *testing.T, h http.HandlerFunc) (address string, connections *atomic.Int32) {
	t.Helper()
	connections = &atomic.Int32{}
	s := httptest.NewUnstartedServer(h)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	t.Cleanup(s.Close)
	return s.URL, connections
}

func hello(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }

// wantRefused wants an error that says something.
func wantRefused(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("got %v, want an error with %q", err, text)
	}
}

func TestGet(t *testing.T) {
	var got *http.Request
	address, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		w.Header().Set("Cache-Control", "max-age=60")
		io.WriteString(w, `{"keys":[]}`)
	})
	body, header, err := New(lab).Get(t.Context(), address+"/keys?x=1")
	if err != nil || string(body) != `{"keys":[]}` || header.Get("Cache-Control") != "max-age=60" {
		t.Fatalf("got %q, %v, %v", body, header, err)
	}
	for name, want := range map[string]string{"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "idpool", "Authorization": "", "Cookie": ""} {
		if got.Header.Get(name) != want {
			t.Errorf("sent %s: %q", name, got.Header.Get(name))
		}
	}
	if got.Method != "GET" || got.URL.String() != "/keys?x=1" || got.Proto != "HTTP/1.1" {
		t.Errorf("asked %s %s %s", got.Method, got.URL, got.Proto)
	}
}

func TestCheck(t *testing.T) {
	for address, want := range map[string][2]bool{ // strict, with plain http
		"https://login.example.com":         {true, true},
		"https://login.example.com:8443/x?": {true, true},
		"https://[2600::1]/":                {true, true},
		"HTTPS://login.example.com":         {true, true},
		"http://login.example.com":          {false, true},
		"":                                  {}, "login.example.com": {}, "//login.example.com": {}, "https:": {}, "https://": {}, "https:///x": {},
		"https://:443": {}, "https://:443/keys": {}, "https:login.example.com": {},
		"https://user@login.example.com": {}, "https://user:secret@login.example.com": {}, "https://@login.example.com": {},
		"https://login.example.com/#x": {},
		"ftp://login.example.com":      {}, "file:///etc/passwd": {}, "gopher://127.0.0.1:6379/": {}, "data:application/json,{}": {}, "javascript:x": {}, "httpss://login.example.com": {},
		"https://login.example.com:port": {}, "https://login.example.com/%zz": {}, "https://login example.com": {}, "https://login.example.com\n": {}, "\x00": {},
	} {
		for i, p := range []Policy{{}, {AllowHTTP: true}} {
			if err := p.Check(address); (err == nil) != want[i] {
				t.Errorf("plain http %t: %q: %v", p.AllowHTTP, address, err)
			}
		}
		if err := (Policy{Anywhere: true}).Check(address); (err == nil) != want[1] {
			t.Errorf("development mode: %q: %v", address, err)
		}
		if (Policy{}).Check(address) == nil {
			continue
		}
		if _, _, err := New(Policy{}).Get(t.Context(), address); err == nil {
			t.Errorf("%q was fetched", address)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: the error says the password: %v", address, err)
		}
	}
}

// TestGuard: whatever the name, the address that it leads to decides, and the
// server there does not even see a connection.
func TestGuard(t *testing.T) {
	names := startDNS(t)
	address, connections := serve(t, hello)
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(address, "http://"))
	const guarded = "a private or special address; network.allow_cidrs can allow it"
	for host, why := range map[string]string{
		"127.0.0.1": guarded, "localhost": guarded, "0.0.0.0": guarded, "[::1]": guarded, "[0:0:0:0:0:0:0:1]": guarded, "[::]": guarded,
		"[::ffff:127.0.0.1]": guarded, "[::ffff:7f00:1]": guarded, "[::127.0.0.1]": guarded, "[64:ff9b::7f00:1]": guarded,
		"inside.example.com": guarded, "inside.example.com.": guarded, "INSIDE.example.com": guarded, "inside6.example.com": guarded, "both.example.com": guarded,
		"127.1": "", "2130706433": "", "0x7f000001": "", "0177.0.0.1": "", "127.0.0.1.": "", // an address to some, a name to us
	} {
		for _, p := range []Policy{{AllowHTTP: true}, {AllowHTTP: true, AllowCIDRs: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32"), netip.MustParsePrefix("10.0.0.0/8")}}} {
			_, _, err := New(p).Get(t.Context(), "http://"+host+":"+port)
			wantRefused(t, err, why)
		}
	}
	if n := connections.Load(); n != 0 {
		t.Errorf("the server got %d connections", n)
	}
	for _, p := range []Policy{lab, {Anywhere: true}} { // the control: it is the guard, not the server
		for _, host := range []string{"127.0.0.1", "localhost", "inside.example.com"} {
			if _, _, err := New(p).Get(t.Context(), "http://"+host+":"+port); err != nil {
				t.Errorf("%+v: %v", p, err)
			}
		}
	}
	if names.Load() == 0 {
		t.Error("nobody asked the name server: the names above tested nothing")
	}
}

// TestRebinding: a name that led to a good address once does not lead to
// another one later.
func TestRebinding(t *testing.T) {
	startDNS(t)
	good, _ := serve(t, hello)
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(good, "http://"))
	// The name leads to 127.0.0.1 first, and to 127.0.0.3 ever after.
	canary, err := net.Listen("tcp", "127.0.0.3:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer canary.Close()
	c := New(Policy{AllowHTTP: true, AllowCIDRs: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	if _, _, err := c.Get(t.Context(), "http://turncoat.example.com:"+port); err != nil {
		t.Fatal(err)
	}
	c.http.CloseIdleConnections()
	_, _, err = c.Get(t.Context(), "http://turncoat.example.com:"+port)
	wantRefused(t, err, "127.0.0.3: a private or special address")
	canary.(*net.TCPListener).SetDeadline(time.Now())
	if conn, err := canary.Accept(); err == nil {
		t.Errorf("a connection from %s", conn.RemoteAddr())
	}
}

func TestNoRedirects(t *testing.T) {
	target, connections := serve(t, hello)
	for _, status := range []int{301, 302, 303, 307, 308} {
		address, _ := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, target, status) })
		_, _, err := New(lab).Get(t.Context(), address)
		wantRefused(t, err, fmt.Sprintf("status %d", status))
	}
	if n := connections.Load(); n != 0 {
		t.Errorf("the target got %d connections", n)
	}
}

func TestStatusAndEncoding(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string // in the error; empty for none
	}{
		"identity": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "identity")
			hello(w, r)
		}, ""},
		"gzip":        {func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Content-Encoding", "gzip"); hello(w, r) }, `content encoding "gzip"`},
		"br":          {func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Content-Encoding", "br"); hello(w, r) }, "content encoding"},
		"created":     {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(201); hello(w, r) }, "status 201"},
		"no content":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, "status 204"},
		"partial":     {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(206) }, "status 206"},
		"not found":   {func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }, "status 404"},
		"unavailable": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }, "status 503"},
		"hung up":     {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
		"cut short": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100")
			hello(w, r)
		}, "unexpected EOF"},
		"64 KB of header": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Long", strings.Repeat("x", 64<<10))
			hello(w, r)
		}, "header"},
	} {
		address, _ := serve(t, c.answer)
		body, _, err := New(lab).Get(t.Context(), address)
		switch {
		case c.want != "":
			wantRefused(t, err, c.want)
		case err != nil || string(body) != "hello":
			t.Errorf("%s: %q, %v", name, body, err)
		}
	}
}

func TestSize(t *testing.T) {
	for size, ok := range map[int]bool{0: true, MaxBody - 1: true, MaxBody: true, MaxBody + 1: false, 2 * MaxBody: false} {
		for _, chunked := range []bool{false, true} {
			address, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if chunked {
					w.(http.Flusher).Flush()
				}
				io.WriteString(w, strings.Repeat("x", size))
			})
			body, _, err := New(lab).Get(t.Context(), address)
			if ok && (err != nil || len(body) != size) {
				t.Errorf("%d bytes, chunked %t: %d bytes, %v", size, chunked, len(body), err)
			}
			if !ok {
				wantRefused(t, err, "longer than 1048576 bytes")
			}
		}
	}
	var sent atomic.Int64
	address, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for block := make([]byte, 64<<10); r.Context().Err() == nil; {
			n, err := w.Write(block)
			sent.Add(int64(n))
			if err != nil {
				return
			}
		}
	})
	_, _, err := New(lab).Get(t.Context(), address)
	wantRefused(t, err, "longer than 1048576 bytes")
	if n := sent.Load(); n > 64<<20 {
		t.Errorf("%d bytes were taken of a body without end", n)
	}
}

// TestTime runs on a clock of its own: servers that answer nothing, not all, or
// a byte at a time are given up after Timeout, to the last byte of the body.
func TestTime(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"no header": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"no body": func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		},
		"drips": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				io.WriteString(w, " ")
				w.(http.Flusher).Flush()
				time.Sleep(100 * time.Millisecond)
			}
		},
		"late, and then drips": func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(7 * time.Second)
			for r.Context().Err() == nil {
				io.WriteString(w, " ")
				w.(http.Flusher).Flush()
				time.Sleep(time.Second)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := New(lab)
				c.http.Transport.(*http.Transport).DialContext = pipeTo(t, answer)
				start := time.Now()
				_, _, err := c.Get(t.Context(), "http://login.example.com")
				wantRefused(t, err, "")
				if took := time.Since(start); took > Timeout || took < 5*time.Second {
					t.Errorf("given up after %s", took)
				}
				c.http.CloseIdleConnections()
			})
		})
	}
	synctest.Test(t, func(t *testing.T) { // the control: slow, but in time
		c := New(lab)
		c.http.Transport.(*http.Transport).DialContext = pipeTo(t, func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(7 * time.Second)
			w.(http.Flusher).Flush()
			time.Sleep(2 * time.Second)
			hello(w, r)
		})
		if body, _, err := c.Get(t.Context(), "http://login.example.com"); err != nil || string(body) != "hello" {
			t.Errorf("%q, %v", body, err)
		}
		c.http.CloseIdleConnections()
	})
}

// pipeTo dials a server in memory.
func pipeTo(t *testing.T, h http.HandlerFunc) func(context.Context, string, string) (net.Conn, error) {
	l := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
	s := &http.Server{Handler: h}
	go s.Serve(l)
	t.Cleanup(func() { s.Shutdown(context.Background()) }) // waits for its handlers
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		select {
		case l.conns <- theirs:
			return ours, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// pipes is a listener in memory.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	close(p.done)
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func TestCancelled(t *testing.T) {
	address, _ := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	_, _, err := New(lab).Get(ctx, address)
	wantRefused(t, err, "context canceled")
}

func TestTLS(t *testing.T) {
	start := func(change func(*httptest.Server)) *httptest.Server {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) }))
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		change(s)
		s.StartTLS()
		t.Cleanup(s.Close)
		return s
	}
	s := start(func(s *httptest.Server) { s.EnableHTTP2 = true })
	old := start(func(s *httptest.Server) {
		s.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	})
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	trusting := Policy{AllowCIDRs: loopback, RootCAs: roots}
	if body, _, err := New(trusting).Get(t.Context(), s.URL); err != nil || string(body) != "HTTP/1.1" {
		t.Errorf("a certificate that is trusted: %q, %v", body, err)
	}
	for name, c := range map[string]struct {
		policy        Policy
		address, want string
	}{
		"an authority that is not trusted": {Policy{AllowCIDRs: loopback}, s.URL, "certificate"},
		"an authority nobody named":        {Policy{AllowCIDRs: loopback, RootCAs: x509.NewCertPool()}, s.URL, "certificate"},
		"development mode verifies too":    {Policy{Anywhere: true}, s.URL, "certificate"},
		"another host":                     {trusting, strings.Replace(s.URL, "127.0.0.1", "localhost", 1), "certificate"},
		"TLS 1.1":                          {trusting, old.URL, "protocol version"},
		"plain http":                       {trusting, strings.Replace(s.URL, "https", "http", 1), "network.allow_http can allow it"},
	} {
		t.Log(name)
		_, _, err := New(c.policy).Get(t.Context(), c.address)
		wantRefused(t, err, c.want)
	}
}

// TestTransport is for those who send requests of their own: no proxy of the
// environment comes between, which would be what is dialled and looked at, and
// nothing is unpacked unasked.
func TestTransport(t *testing.T) {
	transport := lab.Transport()
	if transport.Proxy != nil {
		t.Error("the transport asks for a proxy")
	}
	address, _ := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Header.Get("Accept-Encoding")) })
	resp, err := (&http.Client{Transport: transport}).Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if encoding, err := io.ReadAll(resp.Body); err != nil || len(encoding) > 0 {
		t.Errorf("asked for the encoding %q (%v)", encoding, err)
	}
}
