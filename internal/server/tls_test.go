package server

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestOverTLS: a handler sees whether the request came over TLS, which policies
// ask about, and its answer leaves whole there too.
func TestOverTLS(t *testing.T) {
	example := httptest.NewTLSServer(nil) // for its certificate
	defer example.Close()
	for _, secure := range []bool{true, false} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := "http://" + l.Addr().String()
		if secure {
			address = "https://" + l.Addr().String()
			l = tls.NewListener(l, &tls.Config{Certificates: example.TLS.Certificates})
		}
		saw := make(chan bool, 1)
		s := &http.Server{ConnContext: keepConn, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			saw <- r.TLS != nil
			w = wholeAnswers(w, r)
			if _, ok := w.(*wholeWriter); !ok {
				t.Errorf("TLS %v: the answer may leave in parts", secure)
			}
			w.Header().Set("Content-Length", "10000")
			io.WriteString(w, strings.Repeat("x", 10_000))
		})}
		go s.Serve(wholeListener{l})
		defer s.Close()
		resp, err := example.Client().Get(address)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if got := <-saw; got != secure || len(body) != 10_000 || err != nil {
			t.Errorf("TLS %v: the handler sees %v; %d bytes (%v)", secure, got, len(body), err)
		}
	}
}
