package server

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// readPiece reads what one write of the server sent, and takes it for a whole
// response.
func readPiece(t *testing.T, c net.Conn, method string) (*http.Response, string) {
	t.Helper()
	b := make([]byte, 1<<20)
	c.SetReadDeadline(time.Now().Add(time.Second))
	n, err := c.Read(b)
	if err != nil {
		t.Fatalf("after %q: %v", b[:n], err)
	}
	r := bufio.NewReader(bytes.NewReader(b[:n]))
	resp, body := parse(t, r, method)
	if left, _ := io.ReadAll(r); len(left) > 0 {
		t.Errorf("there is more in one piece than one response: %.100q", left)
	}
	return resp, body
}

// TestOnePiece: whatever its length, an answer leaves in one write, and so does
// the next one on the connection.
func TestOnePiece(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := toyServer(newToys(), nil)
		c := serve(t, s).dial()
		defer c.Close()
		const braces = len(`{"Filler":""}`)
		for _, size := range []int{0, 1, 100, 2000, 2047, 2048, 2049, 3900, 4000, 4095, 4096, 4097, 5000, 8192, 65536, 100_000, maxHeld - braces} {
			for _, headers := range [][]string{nil, {"Origin: https://app.example"}} {
				io.WriteString(c, request("Fill", fmt.Sprintf(`{"Size":%d}`, size), headers...))
				resp, body := readPiece(t, c, "POST")
				if resp.StatusCode != 200 || body != `{"Filler":"`+strings.Repeat("x", size)+`"}` {
					t.Fatalf("%d: status %d, %d bytes", size, resp.StatusCode, len(body))
				}
			}
			io.WriteString(c, request("Quiet", `{}`)) // no body at all
			if resp, body := readPiece(t, c, "POST"); resp.StatusCode != 200 || body != "" || resp.Header.Get("Content-Length") != "0" {
				t.Fatalf("after %d: status %d, %q", size, resp.StatusCode, body)
			}
			io.WriteString(c, request("Refuse", `{}`))
			if resp, body := readPiece(t, c, "POST"); resp.StatusCode != 400 || body != `{"__type":"InvalidParameterException","message":"No."}` {
				t.Fatalf("after %d: status %d, %q", size, resp.StatusCode, body)
			}
		}
		// A longer one leaves in parts, but it leaves.
		io.WriteString(c, request("Fill", fmt.Sprintf(`{"Size":%d}`, maxHeld)))
		if _, body := parse(t, bufio.NewReader(c), "POST"); len(body) != maxHeld+braces {
			t.Fatalf("%d bytes", len(body))
		}
		io.WriteString(c, request("Fill", `{"Size":10}`))
		if _, body := readPiece(t, c, "POST"); len(body) != 10+braces {
			t.Fatalf("the next one has %d bytes", len(body))
		}
	})
}

// TestPipelined: several requests in one write get their answers in order, each
// in one piece.
func TestPipelined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := toyServer(newToys(), nil)
		c := serve(t, s).dial()
		defer c.Close()
		sizes := []int{10, 10_000, 0, 5_000, 1, 200_000, 3}
		text := ""
		for _, size := range sizes {
			text += request("Fill", fmt.Sprintf(`{"Size":%d}`, size))
		}
		go io.WriteString(c, text)
		for _, size := range sizes {
			if _, body := readPiece(t, c, "POST"); len(body) != size+len(`{"Filler":""}`) {
				t.Fatalf("%d bytes where %d were asked for", len(body), size)
			}
		}
	})
}

// TestAnswersWithoutABody: what has no body, whatever its length says, does not
// wait for one.
func TestAnswersWithoutABody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, c := range map[string]struct {
			text   string
			status int
		}{
			"HEAD":             {"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
			"OPTIONS":          {"OPTIONS / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
			"preflight":        {"OPTIONS / HTTP/1.1\r\nHost: x\r\nOrigin: https://app.example\r\n\r\n", 200},
			"HEAD over 1.0":    {"HEAD / HTTP/1.0\r\n\r\n", 400},
			"GET over 1.0":     {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 400},
			"HEAD of a page":   {"HEAD /nothing HTTP/1.1\r\nHost: x\r\n\r\n", 404},
			"HEAD of document": {"HEAD /.well-known/openid-configuration HTTP/1.1\r\nHost: x\r\n\r\n", 200},
		} {
			s, _ := toyServer(newToys(), nil)
			method, _, _ := strings.Cut(c.text, " ")
			conn := serve(t, s).dial()
			io.WriteString(conn, c.text)
			if resp, _ := readPiece(t, conn, method); resp.StatusCode != c.status {
				t.Errorf("%s: status %d", name, resp.StatusCode)
			}
			if strings.Contains(c.text, "HTTP/1.1") {
				io.WriteString(conn, request("Fill", `{"Size":5000}`))
				if resp, body := readPiece(t, conn, "POST"); resp.StatusCode != 200 || len(body) < 5000 {
					t.Errorf("after %s: status %d, %d bytes", name, resp.StatusCode, len(body))
				}
			}
			conn.Close()
		}
	})
}

// A client that asks whether to go on is told so before the answer.
func TestContinue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := toyServer(newToys(), nil)
		c := serve(t, s).dial()
		defer c.Close()
		head, body, _ := strings.Cut(request("Fill", `{"Size":5000}`, "Expect: 100-continue"), "\r\n\r\n")
		io.WriteString(c, head+"\r\n\r\n")
		b := make([]byte, 100)
		if n, err := c.Read(b); err != nil || string(b[:n]) != "HTTP/1.1 100 Continue\r\n\r\n" {
			t.Fatalf("%q, %v", b[:n], err)
		}
		io.WriteString(c, body)
		if resp, body := readPiece(t, c, "POST"); resp.StatusCode != 200 || len(body) < 5000 {
			t.Errorf("status %d, %d bytes", resp.StatusCode, len(body))
		}
	})
}

// TestRefusedBodies: net/http takes no body for some answers, or not all of it.
// The client gets what it does take.
func TestRefusedBodies(t *testing.T) {
	for name, c := range map[string]struct {
		status, length int
		want           string // of the body
	}{
		"not allowed":              {204, -1, ""},
		"longer than said":         {200, 3, ""},
		"not modified":             {304, -1, ""},
		"as long as said, control": {200, 5, "hello"},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := newPipes()
			s := &http.Server{ConnContext: keepConn, ErrorLog: log.New(io.Discard, "", 0), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w = wholeAnswers(w, r)
				if c.length >= 0 {
					w.Header().Set("Content-Length", fmt.Sprint(c.length))
				}
				w.WriteHeader(c.status)
				io.WriteString(w, "hello")
			})}
			go s.Serve(wholeListener{p})
			defer s.Close()
			conn := p.dial()
			defer conn.Close()
			io.WriteString(conn, request("x", ""))
			conn.SetReadDeadline(time.Now().Add(time.Second))
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if body, _ := io.ReadAll(resp.Body); resp.StatusCode != c.status || string(body) != c.want {
				t.Errorf("%s: status %d, %q", name, resp.StatusCode, body)
			}
		})
	}
}
