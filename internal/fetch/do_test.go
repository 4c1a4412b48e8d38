package fetch

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestDo holds that a request arrives as it was made, and that an answer of any
// status comes back whole.
func TestDo(t *testing.T) {
	address, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Seen", r.Method+" "+r.URL.RawQuery+" "+r.Header.Get("X-Amz-Target"))
		w.WriteHeader(http.StatusTeapot)
		w.Write(body)
	})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address+"/?a=b", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Target", "Say")
	answer, err := New(lab).Do(r)
	if err != nil || answer.Status != http.StatusTeapot || string(answer.Body) != "hello" || answer.Header.Get("X-Seen") != "POST a=b Say" {
		t.Errorf("got %d %q %v, %v", answer.Status, answer.Body, answer.Header, err)
	}
}

// TestQueryStaysSecret holds that no error says what the query was, although
// net/http puts it into its own, and servers may say it again.
func TestQueryStaysSecret(t *testing.T) {
	raw := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				io.WriteString(conn, strings.ReplaceAll(text, "QUERY", r.URL.RawQuery))
				conn.Close()
			}
		}
	}
	for name, h := range map[string]http.HandlerFunc{
		"hangs up":         raw(""),
		"is not HTTP":      raw("QUERY\r\n\r\n"),
		"odd status":       raw("HTTP/1.1 QUERY\r\n\r\n"),
		"odd header":       raw("HTTP/1.1 200 OK\r\nQUERY\r\n\r\n"),
		"odd length":       raw("HTTP/1.1 200 OK\r\nContent-Length: QUERY\r\n\r\n"),
		"odd coding":       raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: QUERY\r\n\r\n"),
		"odd chunk":        raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nQUERY\r\n"),
		"content encoding": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Encoding", "br") },
		"stops":            raw("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"),
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/?again="+r.URL.RawQuery, http.StatusFound)
		},
	} {
		address, _ := serve(t, h)
		for _, address := range []string{address, "http://127.0.0.1:1", "https" + strings.TrimPrefix(address, "http"), "ftp://127.0.0.1"} {
			_, _, err := New(lab).Get(t.Context(), address+"/keys?token=hush")
			if err == nil || strings.Contains(err.Error(), "hush") {
				t.Errorf("%s, %s: %v", name, address, err)
			}
		}
	}
}
