package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"idpool/internal/idpool"
	"idpool/internal/metrics"
	"idpool/internal/token"
	"idpool/internal/wire"
)

// toyInput asks the toy service for something. Its operations take it all.
type toyInput struct {
	Size   int    // of the answer
	Secret string // never to be seen again
}

type toyOutput struct{ Filler string }

// toys are services with one operation of each sort that a server has to bear.
type toys struct {
	entered chan struct{} // by Wait, when it is called
	release chan struct{} // what Wait waits for
}

func newToys() *toys { return &toys{entered: make(chan struct{}, 100), release: make(chan struct{})} }

var toyShape = wire.Struct{wire.Opt("Size", wire.Int{Min: 0, Max: 1 << 20}), wire.Opt("Secret", wire.Str{Sensitive: true})}

func (y *toys) service() *wire.Service {
	return &wire.Service{
		Name: "toy", Target: "Toy", Version: "2020-01-01", Namespace: "https://toy.example/",
		Faults: wire.Faults{
			idpool.Internal: wire.ServerFault("InternalErrorException"),
			idpool.Invalid:  wire.ClientFault("InvalidParameterException"),
		},
		Ops: []wire.Op{
			wire.Public("Fill", toyShape, func(_ context.Context, in toyInput) (toyOutput, error) {
				return toyOutput{strings.Repeat("x", in.Size)}, nil
			}),
			wire.Public("Quiet", toyShape, func(context.Context, toyInput) (wire.Empty, error) { return wire.Empty{}, nil }),
			wire.Public("Refuse", toyShape, func(context.Context, toyInput) (wire.Empty, error) {
				return wire.Empty{}, idpool.Errorf(idpool.Invalid, "No.").Because(errors.New("the cause"))
			}),
			wire.Public("Panic", toyShape, func(_ context.Context, in toyInput) (wire.Empty, error) { panic("out of " + in.Secret) }),
			wire.Public("Wait", toyShape, func(context.Context, toyInput) (toyOutput, error) {
				y.entered <- struct{}{}
				<-y.release
				return toyOutput{"done"}, nil
			}),
		},
	}
}

// lines is a log that is read while it is written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// events are the lines about requests, each a JSON object.
func (l *lines) events(t testing.TB) (events []map[string]any) {
	t.Helper()
	for line := range strings.Lines(l.String()) {
		var event map[string]any
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if event["msg"] == "request" {
			events = append(events, event)
		}
	}
	return events
}

// toyServer is a server of the toy service. Its log has every level.
func toyServer(y *toys, store idpool.Store) (*Server, *lines) {
	log := &lines{}
	return New(toyConfig(y, store, log, func(*Config) {})), log
}

func toyConfig(y *toys, store idpool.Store, log *lines, change func(*Config)) Config {
	c := Config{
		Services: []*wire.Service{y.service()}, Issuer: &token.Issuer{URL: "http://toy.example", Keys: &token.Keys{}},
		Store: store, Metrics: metrics.New(metrics.Build{}), Log: slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})), Now: time.Now,
	}
	change(&c)
	return c
}

// pipes is a listener in memory. Writes on its connections are not joined: one
// Read gets what one Write sent.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial() net.Conn {
	ours, theirs := net.Pipe()
	p.conns <- theirs
	return ours
}

// serve runs a server in memory until the test ends.
func serve(t *testing.T, s *Server) *pipes {
	t.Helper()
	p := newPipes()
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, p, nil) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return p
}

// request is the text of a request for an operation.
func request(op, body string, headers ...string) string {
	text := "POST / HTTP/1.1\r\nHost: toy.example\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Target: Toy." + op + "\r\n"
	for _, h := range headers {
		text += h + "\r\n"
	}
	return text + "Content-Length: " + itoa(len(body)) + "\r\n\r\n" + body
}

func itoa(n int) string { b, _ := json.Marshal(n); return string(b) }

// parse reads a response, to its end.
func parse(t testing.TB, r *bufio.Reader, method string) (*http.Response, string) {
	t.Helper()
	resp, err := http.ReadResponse(r, &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}
