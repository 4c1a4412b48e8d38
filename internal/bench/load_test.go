package bench

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestConn asks servers that keep the connection, and ones that close it after
// each answer; answers shorter and longer than the buffer.
func TestConn(t *testing.T) {
	t.Parallel()
	for name, keep := range map[string]bool{"kept": true, "closed": false} {
		for _, size := range []int{0, 100, 40_000} {
			var connections atomic.Int64
			srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Write([]byte(strings.Repeat("x", size)))
			}))
			srv.Config.SetKeepAlivesEnabled(keep)
			srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
				if s == http.StateNew {
					connections.Add(1)
				}
			}
			srv.Start()
			defer srv.Close()
			host := strings.TrimPrefix(srv.URL, "http://")
			c := newConn(host)
			defer c.Close()
			for range 3 {
				status, body, err := c.do(t.Context(), request(host, nil, []byte("hello")))
				if size > 2048 && err != nil { // sent in pieces, without its length
					if !strings.Contains(err.Error(), "does not tell its length") {
						t.Errorf("%s: %v", name, err)
					}
					c.Close()
					continue
				}
				if err != nil || status != 200 || len(body) != size {
					t.Errorf("%s: status %d, %d bytes, %v", name, status, len(body), err)
				}
			}
			if n := connections.Load(); size <= 2048 && (n == 1) != keep {
				t.Errorf("%s: %d connections for 3 requests", name, n)
			}
		}
	}
}

// TestLoadCounts holds that a load sends as many requests as it says, and that
// a refusal ends it.
func TestLoadCounts(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) > 100 {
			w.WriteHeader(http.StatusTeapot)
		}
	}))
	defer srv.Close()
	host := strings.TrimPrefix(srv.URL, "http://")
	l := load{host: host, clients: 4, most: 100, next: func(int) ([]byte, error) { return request(host, nil, nil), nil }}
	var n atomic.Int64
	m, err := l.run(t.Context(), &n, time.Hour)
	if err != nil || m.Requests != 100 || asked.Load() != 100 || n.Load() != 100 || m.PerSecond <= 0 {
		t.Errorf("%+v, %v; %d were asked", m, err, asked.Load())
	}
	if _, err := l.run(t.Context(), &n, time.Hour); err == nil || !strings.Contains(err.Error(), "status 418") {
		t.Errorf("a server that refuses: %v", err)
	}
}
