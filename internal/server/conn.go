package server

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"net/http"
)

// An answer must reach the client in one piece: some SDKs fail now and then
// when a body comes in a segment of its own (a bug of theirs that shows on fast
// networks), and one write costs less than three. net/http writes through a
// buffer of 4 KB, so a longer answer would leave in parts. wholeConn holds
// back what is written until header and body are complete.

// wholeListener wraps what it accepts.
type wholeListener struct{ net.Listener }

func (l wholeListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	whole := &wholeConn{Conn: c}
	if secure, ok := c.(*tls.Conn); ok {
		return &wholeTLS{whole, secure}, nil
	}
	return whole, nil
}

// wholeTLS lets net/http see that a connection is one of TLS, and fill
// Request.TLS.
type wholeTLS struct {
	*wholeConn
	tls *tls.Conn
}

// ConnectionState is what net/http asks for. The handshake may be still to come.
func (c *wholeTLS) ConnectionState() tls.ConnectionState { return c.tls.ConnectionState() }

// wholeConn is a connection of the API. It is used by one request at a time.
type wholeConn struct {
	net.Conn
	body int    // length of the body to wait for; 0: write through
	held []byte // written, not yet sent
}

// maxHeld bounds what is held back; a longer answer leaves in parts.
const maxHeld = 256 << 10

func (c *wholeConn) Write(p []byte) (int, error) {
	whole := p
	if len(c.held) > 0 || !c.complete(p) {
		c.held = append(c.held, p...)
		if !c.complete(c.held) {
			return len(p), nil
		}
		whole = c.held
	}
	c.body, c.held = 0, c.held[:0]
	if _, err := c.Conn.Write(whole); err != nil {
		return 0, err
	}
	return len(p), nil
}

// complete reports whether a text has the body that is waited for.
func (c *wholeConn) complete(text []byte) bool {
	if c.body == 0 {
		return true
	}
	end := bytes.Index(text, []byte("\r\n\r\n"))
	return end >= 0 && len(text) >= end+4+c.body
}

type connKey struct{}

// keepConn lets a handler find its connection.
func keepConn(ctx context.Context, c net.Conn) context.Context {
	switch c := c.(type) {
	case *wholeConn:
		return context.WithValue(ctx, connKey{}, c)
	case *wholeTLS:
		return context.WithValue(ctx, connKey{}, c.wholeConn)
	}
	return ctx
}

// wholeAnswers makes the one answer of a handler leave in one piece. The
// handler writes its body in one call, after its header. The answer to a HEAD
// has no body to wait for, whatever the handler writes.
func wholeAnswers(w http.ResponseWriter, r *http.Request) http.ResponseWriter {
	if c, ok := r.Context().Value(connKey{}).(*wholeConn); ok && r.ProtoMajor == 1 && r.Method != http.MethodHead {
		return &wholeWriter{w, c}
	}
	return w
}

type wholeWriter struct {
	http.ResponseWriter
	conn *wholeConn
}

func (w *wholeWriter) Write(body []byte) (int, error) {
	if len(body) <= maxHeld {
		w.conn.body = len(body)
	}
	n, err := w.ResponseWriter.Write(body)
	if err != nil { // a body that is not sent is not waited for
		w.conn.body = 0
	}
	return n, err
}

// Unwrap gives http.ResponseController its way to the writer below.
func (w *wholeWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
