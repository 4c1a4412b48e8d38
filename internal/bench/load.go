package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// request builds the bytes of a POST that keeps its connection.
func request(host string, header http.Header, body []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "POST / HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n", host, len(body))
	header.Write(&b)
	b.WriteString("\r\n")
	b.Write(body)
	return b.Bytes()
}

// conn is a client that does as little as HTTP/1.1 allows, so that what is
// measured is the server. It connects when it must: some servers close after
// each answer.
type conn struct {
	host string
	held net.Conn // nil: none
	r    *bufio.Reader
}

func newConn(host string) *conn { return &conn{host: host, r: bufio.NewReaderSize(nil, 16<<10)} }

// Close closes the connection, if there is one.
func (c *conn) Close() {
	if c.held != nil {
		c.held.Close()
		c.held = nil
	}
}

func (c *conn) open(ctx context.Context) (err error) {
	if c.held != nil {
		return nil
	}
	var d net.Dialer
	if c.held, err = d.DialContext(ctx, "tcp", c.host); err == nil {
		c.r.Reset(c.held)
	}
	return err
}

// do sends one request and returns status and body of the answer. The body is
// valid until the next call.
func (c *conn) do(ctx context.Context, req []byte) (status int, body []byte, err error) {
	if err := c.open(ctx); err != nil {
		return 0, nil, err
	}
	if _, err := c.held.Write(req); err != nil {
		return 0, nil, err
	}
	length, closes := -1, false
	for first := true; ; first = false {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return 0, nil, err
		}
		line = bytes.TrimRight(line, "\r\n")
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case first:
			if len(line) < 12 {
				return 0, nil, fmt.Errorf("not an answer: %q", line)
			}
			status, _ = strconv.Atoi(string(line[9:12]))
			closes = line[7] == '0' // HTTP/1.0
		case len(line) == 0:
			body, err := c.body(length)
			if closes {
				c.Close()
			}
			return status, body, err
		case bytes.EqualFold(name, []byte("Content-Length")):
			length, _ = strconv.Atoi(string(bytes.TrimSpace(value)))
		case bytes.EqualFold(name, []byte("Connection")):
			closes = closes || bytes.EqualFold(bytes.TrimSpace(value), []byte("close"))
		}
	}
}

// longest is the longest answer that is read.
const longest = 16 << 20

func (c *conn) body(length int) ([]byte, error) {
	if length < 0 || length > longest {
		return nil, fmt.Errorf("an answer of %d bytes, or one that does not tell its length", length)
	}
	if body, err := c.r.Peek(length); err == nil {
		c.r.Discard(length)
		return body, nil
	}
	body := make([]byte, length) // longer than the buffer
	_, err := io.ReadFull(c.r, body)
	return body, err
}

// Measure is what a load came to.
type Measure struct {
	PerSecond float64 `json:"per_second"`
	P50       float64 `json:"p50_ms"`
	P99       float64 `json:"p99_ms"`
	CPU       float64 `json:"cpu_us"` // processor time of the server for one request
	Requests  int     `json:"requests"`
}

// load is a stream of requests to one server.
type load struct {
	host    string
	pid     int
	clients int
	rate    float64                     // requests a second; 0: as fast as it goes
	most    int                         // of a run; 0: any number
	next    func(n int) ([]byte, error) // the request with a number
	keep    func(n int, answer []byte)
}

// run sends requests until the time is over or there were enough; n is the
// number of the first. Any answer but 200 is an error: a server that refuses is
// quick. At a given rate, the time of an answer counts from when its request
// was due.
func (l load) run(ctx context.Context, n *atomic.Int64, d time.Duration) (Measure, error) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var took []time.Duration
	var failed error
	fail := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		if failed == nil {
			failed = err
		}
	}
	connections := make([]*conn, l.clients)
	for i := range connections {
		c := newConn(l.host)
		if err := c.open(ctx); err != nil {
			return Measure{}, err
		}
		defer c.Close()
		connections[i] = c
	}
	first := n.Load()
	cpu, begun := cpuOf(l.pid), time.Now()
	deadline := begun.Add(d)
	if l.most > 0 {
		deadline = begun.Add(time.Minute)
	}
	for i, c := range connections {
		wg.Go(func() {
			var own []time.Duration
			defer func() {
				mu.Lock()
				took = append(took, own...)
				mu.Unlock()
			}()
			due := begun.Add(l.pause() * time.Duration(i) / time.Duration(l.clients))
			for {
				if l.rate > 0 {
					time.Sleep(time.Until(due))
				} else {
					due = time.Now()
				}
				if len(own) > 0 && time.Now().After(deadline) { // each client sends one at least
					return
				}
				number := n.Add(1) - 1
				if l.most > 0 && number-first >= int64(l.most) {
					return
				}
				req, err := l.next(int(number))
				if err != nil {
					fail(err)
					return
				}
				status, body, err := c.do(ctx, req)
				if err == nil && status != http.StatusOK {
					err = fmt.Errorf("status %d: %.200s", status, body)
				}
				if err != nil {
					fail(err)
					return
				}
				own = append(own, time.Since(due))
				if l.keep != nil {
					l.keep(int(number), body)
				}
				due = due.Add(l.pause())
			}
		})
	}
	wg.Wait()
	elapsed, cpu := time.Since(begun), cpuOf(l.pid)-cpu
	if l.most > 0 {
		n.Store(first + int64(l.most))
	}
	if failed != nil {
		return Measure{}, failed
	}
	if len(took) == 0 {
		return Measure{}, fmt.Errorf("no request was sent")
	}
	slices.Sort(took)
	at := func(q float64) float64 { return float64(took[int(q*float64(len(took)-1))].Microseconds()) / 1000 }
	return Measure{PerSecond: float64(len(took)) / elapsed.Seconds(), P50: at(0.50), P99: at(0.99), CPU: cpu / float64(len(took)), Requests: len(took)}, nil
}

// pause is the time between two requests of one client.
func (l load) pause() time.Duration {
	if l.rate <= 0 {
		return 0
	}
	return time.Duration(float64(l.clients) / l.rate * float64(time.Second))
}
