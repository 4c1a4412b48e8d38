package server

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"idpool/internal/wire"
)

// These tests run on a clock of their own: the limits are the real ones, and
// nobody waits for them.

// untilClosed reads what the server sends until it closes the connection, and
// says how long that took.
func untilClosed(c net.Conn) (text string, took time.Duration) {
	start := time.Now()
	got, _ := io.ReadAll(c)
	return string(got), time.Since(start)
}

// drip writes a text a byte at a time, until the server has enough of it.
func drip(c net.Conn, text string, every time.Duration) {
	for i := range text {
		if _, err := io.WriteString(c, text[i:i+1]); err != nil {
			return
		}
		time.Sleep(every)
	}
}

// TestSlowClients: a connection lasts no longer than its limit, whatever it is
// slow at.
func TestSlowClients(t *testing.T) {
	long := strings.Repeat("x", 1000)
	for name, c := range map[string]struct {
		send   func(net.Conn)
		status string // of the answer, if there is one
		after  time.Duration
	}{
		"says nothing":   {func(net.Conn) {}, "", headerTime},
		"half a header":  {func(c net.Conn) { io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\n") }, "", headerTime},
		"drips a header": {func(c net.Conn) { drip(c, "POST / HTTP/1.1\r\nX-Long: "+long, 100*time.Millisecond) }, "", headerTime},
		"no body":        {func(c net.Conn) { io.WriteString(c, strings.TrimSuffix(request("Fill", long), long)) }, "400 Bad Request", readTime},
		"half a body":    {func(c net.Conn) { io.WriteString(c, strings.TrimSuffix(request("Fill", long), long[1:])) }, "400 Bad Request", readTime},
		"drips a body":   {func(c net.Conn) { drip(c, request("Fill", long), 20*time.Millisecond) }, "400 Bad Request", readTime},
		"drips chunks": {func(c net.Conn) {
			drip(c, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"+strings.Repeat("1\r\nx\r\n", 500), 10*time.Millisecond)
		}, "400 Bad Request", readTime},
		"idle afterwards":   {func(c net.Conn) { io.WriteString(c, request("Quiet", "{}")) }, "200 OK", idleTime},
		"half a second one": {func(c net.Conn) { io.WriteString(c, request("Quiet", "{}")+"POST / HT") }, "200 OK", headerTime},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, _ := toyServer(newToys(), nil)
				conn := serve(t, s).dial()
				var sender sync.WaitGroup
				defer sender.Wait()
				defer conn.Close()
				sender.Go(func() { c.send(conn) })
				text, took := untilClosed(conn)
				if status, _, _ := strings.Cut(strings.TrimPrefix(text, "HTTP/1.1 "), "\r\n"); status != c.status {
					t.Errorf("answered %q", text)
				}
				if took < c.after || took > c.after+time.Second { // net/http lingers a little
					t.Errorf("closed after %s, want %s", took, c.after)
				}
			})
		})
	}
	t.Run("does not read", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, _ := toyServer(newToys(), nil)
			conn := serve(t, s).dial()
			defer conn.Close()
			io.WriteString(conn, request("Fill", `{"Size":100000}`))
			time.Sleep(writeTime + time.Second)
			if text, _ := untilClosed(conn); text != "" {
				t.Errorf("got %d bytes after the time for them was over", len(text))
			}
		})
	})
}

// TestSizes are the bounds on what is read of a request.
func TestSizes(t *testing.T) {
	fill := func(n int) string { return `{"Size":3}` + strings.Repeat(" ", n-len(`{"Size":3}`)) }
	chunked := func(n int) string {
		return fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Target: Toy.Fill\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", n, fill(n))
	}
	for name, c := range map[string]struct {
		text   string
		status int
		closes bool
	}{
		"the largest body":           {request("Fill", fill(wire.MaxBody)), 200, false},
		"a byte more":                {request("Fill", fill(wire.MaxBody+1)), 413, true},
		"much more":                  {request("Fill", fill(3*wire.MaxBody)), 413, true},
		"the largest body in chunks": {chunked(wire.MaxBody), 200, true}, // it could have had a length, too
		"a byte more in chunks":      {chunked(wire.MaxBody + 1), 413, true},
		"a large header":             {request("Fill", "{}", "X-Long: "+strings.Repeat("x", 30<<10)), 200, false},
		"a larger header":            {request("Fill", "{}", "X-Long: "+strings.Repeat("x", 40<<10)), 431, true},
		"many headers":               {request("Fill", "{}", strings.Split(strings.TrimSuffix(strings.Repeat("X-Long: x\n", 5000), "\n"), "\n")...), 431, true},
		"a long address":             {strings.Replace(request("Fill", "{}"), "/", "/?x="+strings.Repeat("x", 40<<10), 1), 431, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, _ := toyServer(newToys(), nil)
				p := serve(t, s)
				conn := p.dial()
				defer conn.Close()
				go io.WriteString(conn, c.text)
				r := bufio.NewReader(conn)
				resp, body := parse(t, r, "POST")
				if resp.StatusCode != c.status || resp.Close != c.closes || c.status == 413 && body != "" {
					t.Errorf("status %d, closes %t, %q", resp.StatusCode, resp.Close, body)
				}
				if c.closes {
					if left, took := untilClosed(conn); left != "" || took > time.Second {
						t.Errorf("then %q, closed after %s", left, took)
					}
					conn = p.dial()
					defer conn.Close()
					r = bufio.NewReader(conn)
				}
				go io.WriteString(conn, request("Fill", `{"Size":3}`))
				if resp, body := parse(t, r, "POST"); resp.StatusCode != 200 || body != `{"Filler":"xxx"}` {
					t.Errorf("the next request: status %d, %s", resp.StatusCode, body)
				}
			})
		})
	}
}

// TestFraming: requests that two servers could cut apart in two ways, or that
// are none, are refused, and nothing behind them is taken for a request.
func TestFraming(t *testing.T) {
	const smuggled = "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Target: Toy.Fill\r\nContent-Length: 2\r\n\r\n{}"
	for name, text := range map[string]string{
		"two lengths":               "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello" + smuggled,
		"a list of lengths":         "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5, 6\r\n\r\nhello" + smuggled,
		"a negative length":         "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n" + smuggled,
		"a length with a sign":      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +0\r\n\r\n" + smuggled,
		"a huge length":             "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n" + smuggled,
		"unknown coding":            "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n" + smuggled,
		"two codings":               "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + smuggled,
		"bad chunk":                 "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + smuggled,
		"chunk without an end":      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxx\r\n0\r\n\r\n" + smuggled,
		"blank before the colon":    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length : 0\r\n\r\n" + smuggled,
		"a folded line":             "POST / HTTP/1.1\r\nHost: x\r\n folded: x\r\nX: y\r\n\x00: z\r\n\r\n" + smuggled,
		"a NUL":                     "POST / HTTP/1.1\r\nHost: x\r\nX-Nul: a\x00b\r\n\r\n" + smuggled,
		"no host":                   "POST / HTTP/1.1\r\n\r\n" + smuggled,
		"two hosts":                 "POST / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n" + smuggled,
		"another version":           "POST / HTTP/9.9\r\nHost: x\r\n\r\n" + smuggled,
		"no version":                "POST /\r\n\r\n" + smuggled,
		"no request":                "hello\r\n\r\n" + smuggled,
		"TLS":                       "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n" + smuggled,
		"HTTP/2":                    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + smuggled,
		"a method that is none":     "PO ST / HTTP/1.1\r\nHost: x\r\n\r\n" + smuggled,
		"an address that is none":   "POST /%zz HTTP/1.1\r\nHost: x\r\n\r\n" + smuggled,
		"a length and chunks":       "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
		"a length and chunks, more": "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, log := toyServer(newToys(), nil)
				conn := serve(t, s).dial()
				defer conn.Close()
				go io.WriteString(conn, text)
				got, took := untilClosed(conn)
				if !strings.HasPrefix(got, "HTTP/1.1 4") && !strings.HasPrefix(got, "HTTP/1.1 5") || strings.HasPrefix(got, "HTTP/1.1 500") || took > headerTime {
					t.Errorf("answered %q, closed after %s", got, took)
				}
				if strings.Contains(got, "HTTP/1.1 200") {
					t.Errorf("what stood behind was taken for a request: %q", got)
				}
				for _, event := range log.events(t) {
					if event["op"] == "Fill" || event["status"].(float64) >= 500 {
						t.Errorf("logged %v", event)
					}
				}
			})
		})
	}
}

// TestStop: what is in flight is finished, and nothing new is begun.
func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newToys()
		s, _ := toyServer(y, nil)
		p := newPipes()
		ctx, stop := context.WithCancel(context.Background())
		served := make(chan error, 1)
		go func() { served <- s.Serve(ctx, p, nil) }()
		busy, idle := p.dial(), p.dial()
		defer busy.Close()
		defer idle.Close()
		io.WriteString(idle, request("Quiet", "{}"))
		readPiece(t, idle, "POST")
		idle.SetReadDeadline(time.Time{})
		io.WriteString(busy, request("Wait", "{}"))
		<-y.entered
		stop()
		if text, took := untilClosed(idle); text != "" || took > time.Second {
			t.Errorf("an idle connection got %q and was closed after %s", text, took)
		}
		select {
		case <-p.done:
		default:
			t.Error("the server still listens")
		}
		time.Sleep(drainTime - 2*time.Second)
		select {
		case err := <-served:
			t.Fatalf("stopped with a request in flight: %v", err)
		default:
		}
		close(y.release)
		resp, body := readPiece(t, busy, "POST")
		if resp.StatusCode != 200 || body != `{"Filler":"done"}` || !resp.Close {
			t.Errorf("status %d, %s, closes %t", resp.StatusCode, body, resp.Close)
		}
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
}

// TestStopGivesUp: a request that does not end does not keep the server.
func TestStopGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newToys()
		s, _ := toyServer(y, nil)
		p := newPipes()
		ctx, stop := context.WithCancel(context.Background())
		served := make(chan error, 1)
		go func() { served <- s.Serve(ctx, p, nil) }()
		conn := p.dial()
		defer conn.Close()
		io.WriteString(conn, request("Wait", "{}"))
		<-y.entered
		start := time.Now()
		stop()
		err := <-served
		if took := time.Since(start); took != drainTime || err == nil || !strings.Contains(err.Error(), "requests were still in flight") {
			t.Errorf("after %s: %v", took, err)
		}
		if text, took := untilClosed(conn); text != "" || took > 0 {
			t.Errorf("the client got %q, closed after %s", text, took)
		}
		close(y.release)
	})
}
