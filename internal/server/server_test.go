package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"idpool/internal/idpool"
	"idpool/internal/store/sqlite"
)

func openStore(t testing.TB) *sqlite.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "idpool.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// call sends a request to the server's handler.
func call(s *Server, method, op, body string, headers map[string]string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "Toy."+op)
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	s.api.Handler.ServeHTTP(w, r)
	return w
}

// requestID is spelled as the hosted service does, not as package http.
var requestID = "x-amzn-RequestId"

// TestCORS is the table of behaviour 1.5: these headers and no others.
func TestCORS(t *testing.T) {
	exposed := map[string]string{"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date"}
	amplify := "content-type,x-amz-target,x-amz-user-agent,cache-control"
	for name, c := range map[string]struct {
		method, op string
		headers    map[string]string
		status     int
		want       map[string]string
	}{
		"no origin":               {"POST", "Fill", nil, 200, map[string]string{}},
		"no origin, an error":     {"POST", "Refuse", nil, 400, map[string]string{}},
		"an origin":               {"POST", "Fill", map[string]string{"Origin": "https://app.example"}, 200, exposed},
		"an origin, an error":     {"POST", "Refuse", map[string]string{"Origin": "https://app.example"}, 400, exposed},
		"an origin, our fault":    {"POST", "Panic", map[string]string{"Origin": "https://app.example"}, 500, exposed},
		"an origin, no operation": {"POST", "Nothing", map[string]string{"Origin": "https://app.example"}, 400, exposed},
		"the null origin":         {"POST", "Fill", map[string]string{"Origin": "null"}, 200, exposed},
		"with cookies":            {"POST", "Fill", map[string]string{"Origin": "https://app.example", "Cookie": "a=b"}, 200, exposed},
		"preflight": {"OPTIONS", "", map[string]string{"Origin": "https://app.example", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": amplify}, 200,
			map[string]string{"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": amplify, "Access-Control-Allow-Methods": "POST", "Access-Control-Max-Age": "172800"}},
		"preflight of anything": {"OPTIONS", "", map[string]string{"Origin": "null", "Access-Control-Request-Method": "BREW", "Access-Control-Request-Headers": "x-anything"}, 200,
			map[string]string{"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "x-anything", "Access-Control-Allow-Methods": "BREW", "Access-Control-Max-Age": "172800"}},
		"preflight that asks nothing": {"OPTIONS", "", map[string]string{"Origin": "https://app.example"}, 200,
			map[string]string{"Access-Control-Allow-Origin": "*", "Access-Control-Max-Age": "172800"}},
		"no preflight": {"OPTIONS", "", nil, 400, map[string]string{}},
	} {
		s, _ := toyServer(newToys(), nil)
		w := call(s, c.method, c.op, "{}", c.headers)
		got := map[string]string{}
		for key, values := range w.Header() {
			if strings.HasPrefix(key, "Access-Control-") || key == "Vary" {
				got[key] = strings.Join(values, "|")
			}
		}
		if w.Code != c.status || !maps.Equal(got, c.want) {
			t.Errorf("%s: status %d, %v; want %d, %v", name, w.Code, got, c.status, c.want)
		}
		if c.method == "OPTIONS" && c.status == 200 && (w.Body.Len() > 0 || w.Header().Get("Content-Length") != "0" || w.Header().Get("Content-Type") != "") {
			t.Errorf("%s: a body of %s bytes, %v", name, w.Header().Get("Content-Length"), w.Header())
		}
		if ids := w.Header()[requestID]; len(ids) != 1 || !uuid.MatchString(ids[0]) {
			t.Errorf("%s: request ID %v", name, ids)
		}
	}
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// TestPanic: a bug in one operation is one answer and one line of the log.
func TestPanic(t *testing.T) {
	s, log := toyServer(newToys(), nil)
	server := httptest.NewServer(s.api.Handler)
	defer server.Close()
	for range 3 {
		for _, c := range []struct {
			op, body string
			status   int
			want     string
		}{
			{"Panic", `{"Secret":"order"}`, 500, `{"__type":"InternalErrorException","message":"Internal error."}`},
			{"Fill", `{"Size":1}`, 200, `{"Filler":"x"}`},
		} {
			r, err := http.NewRequest("POST", server.URL, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-amz-json-1.1")
			r.Header.Set("X-Amz-Target", "Toy."+c.op)
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || resp.StatusCode != c.status || string(body) != c.want {
				t.Errorf("%s: status %d, %s (%v)", c.op, resp.StatusCode, body, err)
			}
			if text := fmt.Sprint(resp.Header); strings.Contains(text, "order") || strings.Contains(text, "goroutine") {
				t.Errorf("%s: the header tells: %s", c.op, text)
			}
		}
	}
	events := log.events(t)
	if len(events) != 6 {
		t.Fatalf("%d events", len(events))
	}
	for i, event := range events {
		cause, _ := event["cause"].(string)
		if i%2 == 0 && (event["level"] != "ERROR" || event["status"] != 500.0 || event["fault"] != "InternalErrorException" ||
			!strings.HasPrefix(cause, "panic: out of order\n") || !strings.Contains(cause, "world_test.go")) {
			t.Errorf("logged %v", event)
		}
		if i%2 == 1 && (event["level"] != "INFO" || event["status"] != 200.0 || cause != "") {
			t.Errorf("logged %v", event)
		}
	}
}

// TestEvents: one line for each request, and it is there before the answer.
func TestEvents(t *testing.T) {
	s, log := toyServer(newToys(), nil)
	for name, c := range map[string]struct {
		method, op, body, level string
		want                    map[string]any
	}{
		"success":           {"POST", "Fill", `{"Size":3}`, "INFO", map[string]any{"service": "toy", "op": "Fill", "status": 200.0}},
		"refused":           {"POST", "Refuse", `{}`, "WARN", map[string]any{"service": "toy", "op": "Refuse", "status": 400.0, "fault": "InvalidParameterException", "message": "No.", "cause": "the cause"}},
		"unknown operation": {"POST", "Nothing", `{}`, "WARN", map[string]any{"status": 400.0, "fault": "UnknownOperationException"}},
		"no JSON":           {"POST", "Fill", `{`, "WARN", map[string]any{"status": 400.0, "fault": "SerializationException"}},
		"constraint":        {"POST", "Fill", `{"Size":-1}`, "WARN", map[string]any{"op": "Fill", "status": 400.0, "fault": "ValidationException"}},
		"another method":    {"PUT", "Fill", `{}`, "WARN", map[string]any{"status": 400.0, "fault": "BadRequest"}},
		"too large":         {"POST", "Fill", strings.Repeat(" ", 1<<20+1), "WARN", map[string]any{"status": 413.0, "fault": "RequestEntityTooLarge"}},
	} {
		before := len(log.events(t))
		w := call(s, c.method, c.op, c.body, nil)
		events := log.events(t)
		if len(events) != before+1 {
			t.Errorf("%s: %d events", name, len(events)-before)
			continue
		}
		event := events[before]
		if event["level"] != c.level || event["request"] != w.Header()[requestID][0] || event["remote"] != "192.0.2.1:1234" || event["took"] == nil {
			t.Errorf("%s: logged %v", name, event)
		}
		for key, want := range c.want {
			if event[key] != want {
				t.Errorf("%s: %s is %v, want %v", name, key, event[key], want)
			}
		}
	}
}

// Many at once get an event each, with the ID that the client was told.
func TestEventsOfManyAtOnce(t *testing.T) {
	s, log := toyServer(newToys(), nil)
	server := httptest.NewServer(s.api.Handler)
	defer server.Close()
	ops := []string{"Fill", "Refuse", "Panic", "Quiet", "Nothing"}
	var mu sync.Mutex
	told := map[string]int{}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 15 {
				r, _ := http.NewRequest("POST", server.URL, strings.NewReader(`{"Size":5000}`))
				r.Header.Set("Content-Type", "application/x-amz-json-1.1")
				r.Header.Set("X-Amz-Target", "Toy."+ops[(i+n)%len(ops)])
				resp, err := http.DefaultClient.Do(r)
				if err != nil {
					t.Error(err)
					return
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				mu.Lock()
				told[resp.Header.Get("x-amzn-RequestId")] = resp.StatusCode
				mu.Unlock()
			}
		})
	}
	all.Wait()
	events := log.events(t)
	if len(events) != 120 || len(told) != 120 {
		t.Fatalf("%d events for %d requests", len(events), len(told))
	}
	for _, event := range events {
		if status, ok := told[event["request"].(string)]; !ok || float64(status) != event["status"] {
			t.Errorf("no client was told of %v", event)
		}
	}
}

// TestAddresses: what is served where, and what is not.
func TestAddresses(t *testing.T) {
	s, _ := toyServer(newToys(), openStore(t))
	for _, c := range []struct {
		handler http.Handler
		table   map[string]int
	}{
		{s.api.Handler, map[string]int{
			"GET /.well-known/openid-configuration": 200, "POST /.well-known/openid-configuration": 404, "GET /nothing": 404, "POST /nothing": 404,
			"GET /metrics": 404, "GET /livez": 404, "GET /readyz": 404, "GET /debug/pprof/": 404, "GET /dev/jwks": 404, "POST /dev/token": 404, "GET /": 400, "PUT /": 400, "DELETE /": 400,
		}},
		{s.admin.Handler, map[string]int{
			"GET /metrics": 200, "GET /livez": 200, "GET /readyz": 200, "GET /debug/pprof/": 200, "GET /debug/pprof/cmdline": 200, "GET /debug/pprof/heap": 200,
			"GET /": 404, "POST /": 404, "POST /metrics": 405, "GET /.well-known/openid-configuration": 404,
		}},
	} {
		for line, want := range c.table {
			method, path, _ := strings.Cut(line, " ")
			w := httptest.NewRecorder()
			c.handler.ServeHTTP(w, httptest.NewRequest(method, path, nil))
			if w.Code != want {
				t.Errorf("%s: status %d, want %d", line, w.Code, want)
			}
		}
	}
}

// TestMetrics: requests are counted by names of ours, whatever strangers call
// them.
func TestMetrics(t *testing.T) {
	s, _ := toyServer(newToys(), nil)
	for range 3 {
		call(s, "POST", "Fill", `{}`, nil)
	}
	call(s, "POST", "Refuse", `{}`, nil)
	call(s, "POST", "Panic", `{}`, nil)
	for i := range 50 {
		call(s, "POST", fmt.Sprintf("Stranger%d", i), `{}`, nil)
		call(s, "POST", "Fill", `{}`, map[string]string{"X-Amz-Target": fmt.Sprintf("Stranger%d.Fill", i)})
		call(s, "POST", "", fmt.Sprintf("Action=Stranger%d&Version=2020-01-01", i), map[string]string{"Content-Type": "application/x-www-form-urlencoded"})
		call(s, "POST", "", fmt.Sprintf("Action=Fill&Version=Stranger%d", i), map[string]string{"Content-Type": "application/x-www-form-urlencoded"})
		call(s, "POST", "Fill", fmt.Sprintf(`{"Stranger%d":"Stranger"`, i), nil)
	}
	w := httptest.NewRecorder()
	s.admin.Handler.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	text := w.Body.String()
	for _, line := range []string{
		`idpool_requests_total{fault="",op="Fill",service="toy"} 3`,
		`idpool_requests_total{fault="InvalidParameterException",op="Refuse",service="toy"} 1`,
		`idpool_requests_total{fault="InternalErrorException",op="Panic",service="toy"} 1`,
		`idpool_request_seconds_count{op="Refuse",service="toy"} 1`,
		`go_goroutines `, `process_open_fds `,
	} {
		if !strings.Contains(text, "\n"+line) {
			t.Errorf("%s is missing", line)
		}
	}
	if strings.Contains(text, "Stranger") {
		t.Errorf("a stranger's name is a label:\n%s", text)
	}
	total := 0
	for line := range strings.Lines(text) {
		var n int
		if _, count, ok := strings.Cut(line, "} "); ok && strings.HasPrefix(line, "idpool_requests_total{") {
			fmt.Sscan(count, &n)
			total += n
		}
	}
	if total != 255 {
		t.Errorf("%d requests are counted, want 255", total)
	}
}

// TestReady: the server is ready while its store answers and it is not told to
// stop; it is alive all the time.
func TestReady(t *testing.T) {
	store := openStore(t)
	y := newToys()
	s, _ := toyServer(y, store)
	listen := func() net.Listener {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	api, admin := listen(), listen()
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, api, admin) }()
	ask := func(path string) (int, string) {
		t.Helper()
		resp, err := http.Get("http://" + admin.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(body)
	}
	want := func(path string, status int, text string) {
		t.Helper()
		if code, body := ask(path); code != status || !strings.HasPrefix(body, text) {
			t.Errorf("%s: status %d, %q; want %d, %q", path, code, body, status, text)
		}
	}
	want("/livez", 200, "alive\n")
	want("/readyz", 200, "ready\n")
	conn, err := net.Dial("tcp", api.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, request("Wait", "{}"))
	<-y.entered
	stop()
	for code, body := ask("/readyz"); code != 503; code, body = ask("/readyz") { // until it is noticed
		if code != 200 || body != "ready\n" {
			t.Fatalf("status %d, %q", code, body)
		}
		time.Sleep(time.Millisecond)
	}
	want("/readyz", 503, "stopping\n")
	want("/livez", 200, "alive\n")
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	want("/readyz", 503, "stopping\n")
	close(y.release)
	if resp, body := parse(t, bufio.NewReader(conn), "POST"); resp.StatusCode != 200 || body != `{"Filler":"done"}` {
		t.Errorf("what was in flight: status %d, %s", resp.StatusCode, body)
	}
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if _, err := http.Get("http://" + admin.Addr().String() + "/livez"); err == nil {
		t.Error("the operators' address is still served")
	}

	s, _ = toyServer(y, store) // closed
	w := httptest.NewRecorder()
	s.admin.Handler.ServeHTTP(w, httptest.NewRequest("GET", "/readyz", nil))
	if w.Code != 503 || !strings.HasPrefix(w.Body.String(), "the store does not answer: ") {
		t.Errorf("without a store: status %d, %s", w.Code, w.Body)
	}
	w = httptest.NewRecorder()
	s.admin.Handler.ServeHTTP(w, httptest.NewRequest("GET", "/livez", nil))
	if w.Code != 200 {
		t.Errorf("without a store: status %d", w.Code)
	}
}

// TestStopDelay: after a stop /readyz says no at once, while new connections are
// served as before until the delay is over.
func TestStopDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const delay = 10 * time.Second
		s := New(toyConfig(newToys(), readyStore{}, &lines{}, func(c *Config) { c.StopDelay = delay }))
		ready := func() int {
			w := httptest.NewRecorder()
			s.admin.Handler.ServeHTTP(w, httptest.NewRequest("GET", "/readyz", nil))
			return w.Code
		}
		serves := func(p *pipes) bool {
			select {
			case <-p.done:
				return false
			default:
			}
			c := p.dial()
			defer c.Close()
			go io.WriteString(c, request("Quiet", "{}"))
			resp, _ := parse(t, bufio.NewReader(c), "POST")
			return resp.StatusCode == 200
		}
		p := newPipes()
		ctx, stop := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() { served <- s.Serve(ctx, p, nil) }()
		if ready() != 200 || !serves(p) {
			t.Error("it is not ready before the stop")
		}
		stop()
		synctest.Wait()
		if ready() != 503 || !serves(p) {
			t.Error("right after the stop it says that it is ready, or refuses")
		}
		time.Sleep(delay - time.Second)
		if ready() != 503 || !serves(p) {
			t.Error("before the delay is over it says that it is ready, or refuses")
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if serves(p) {
			t.Error("after the delay it still takes connections")
		}
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
}

// readyStore is a store that answers, and nothing else: a database has
// goroutines and files that do not go with a clock of the test's own.
type readyStore struct{ idpool.Store }

func (readyStore) Ping(context.Context) error { return nil }

// A listener that fails ends the server.
func TestServeWithoutAListener(t *testing.T) {
	for _, broken := range []int{0, 1} {
		listeners := []net.Listener{newPipes(), newPipes()}
		listeners[broken].Close()
		s, _ := toyServer(newToys(), nil)
		err := s.Serve(t.Context(), listeners[0], listeners[1])
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("listener %d: %v", broken, err)
		}
		<-listeners[1-broken].(*pipes).done // the other one is not served any longer
	}
}
