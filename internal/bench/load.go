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
// measured is the server.
type conn struct {
	net.Conn
	r *bufio.Reader
}

func dial(ctx context.Context, host string) (*conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, r: bufio.NewReaderSize(c, 16<<10)}, nil
}

var lengthHeader = []byte("Content-Length: ")

// do sends one request and returns status and body of the answer. The body is
// valid until the next call.
func (c *conn) do(req []byte) (status int, body []byte, err error) {
	if _, err := c.Write(req); err != nil {
		return 0, nil, err
	}
	length := -1
	for first := true; ; first = false {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return 0, nil, err
		}
		switch {
		case first && len(line) > 12:
			status, _ = strconv.Atoi(string(line[9:12]))
		case len(line) == 2: // the empty line
			if length < 0 {
				return 0, nil, fmt.Errorf("an answer without its length")
			}
			if body, err = c.r.Peek(length); err != nil {
				body = make([]byte, length) // longer than the buffer
				_, err = io.ReadFull(c.r, body)
				return status, body, err
			}
			c.r.Discard(length)
			return status, body, nil
		case bytes.HasPrefix(line, lengthHeader):
			length, _ = strconv.Atoi(string(bytes.TrimSpace(line[len(lengthHeader):])))
		}
	}
}

// Measure is what a load came to.
type Measure struct {
	PerSecond float64 `json:"per_second"`
	P50       float64 `json:"p50_ms"`
	P99       float64 `json:"p99_ms"`
	Requests  int     `json:"requests"`
}

// load is a stream of requests to one server. next returns the request with a
// number, and false when there are no more.
type load struct {
	host    string
	clients int
	next    func(n int) ([]byte, bool)
}

// run sends requests until the time is over or there are no more; n is the
// number of the first. Any answer but 200 is an error: a server that refuses is
// quick.
func (l load) run(ctx context.Context, n *atomic.Int64, d time.Duration) (Measure, error) {
	deadline := time.Now().Add(d)
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
	start := time.Now()
	for range l.clients {
		wg.Go(func() {
			c, err := dial(ctx, l.host)
			if err != nil {
				fail(err)
				return
			}
			defer c.Close()
			var own []time.Duration
			for {
				sent := time.Now()
				if sent.After(deadline) {
					break
				}
				req, ok := l.next(int(n.Add(1) - 1))
				if !ok {
					break
				}
				status, body, err := c.do(req)
				if err == nil && status != http.StatusOK {
					err = fmt.Errorf("status %d: %.200s", status, body)
				}
				if err != nil {
					fail(err)
					return
				}
				own = append(own, time.Since(sent))
			}
			mu.Lock()
			took = append(took, own...)
			mu.Unlock()
		})
	}
	wg.Wait()
	elapsed := time.Since(start)
	if failed != nil {
		return Measure{}, failed
	}
	if len(took) == 0 {
		return Measure{}, fmt.Errorf("no request was sent")
	}
	slices.Sort(took)
	at := func(q float64) float64 { return float64(took[int(q*float64(len(took)-1))].Microseconds()) / 1000 }
	return Measure{PerSecond: float64(len(took)) / elapsed.Seconds(), P50: at(0.50), P99: at(0.99), Requests: len(took)}, nil
}
