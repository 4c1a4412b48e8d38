// Package trace tells a collector where the time of a request goes: spans by
// the OpenTelemetry protocol, over HTTP, in its JSON encoding (OTLP/HTTP).
//
//	request ─► Tracer.Start: whose trace, is it kept ─► Start: a part of it ─► End
//	        ─► queue ─► batch ─► collector
//
// A request that is not kept costs the decision; a server without a collector
// has no Tracer, and nothing of this is on the way of its requests. Spans hold
// names and IDs, never a token or a secret.
package trace

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"net/http"
	"time"
)

// Span is a part of a request: what it was, and from when to when. A nil Span
// is one that nobody keeps; its methods do nothing. A span is used by one
// goroutine at a time.
type Span struct {
	tracer     *Tracer
	traceID    [16]byte
	id, parent [8]byte // parent: zero if there is none
	kind       int     // of the protocol
	name       string
	began      time.Time
	ended      time.Time
	attributes []attribute
	failed     bool
}

// The kinds of span that the protocol knows, as far as there are such.
const (
	internal = 1 // a part of our own
	server   = 2 // a request that was answered
)

type attribute struct {
	key  string
	text string
	num  int64 // if text is empty
}

type spanKey struct{}

// From is the span that ctx belongs to; nil if there is none.
func From(ctx context.Context) *Span {
	s, _ := ctx.Value(spanKey{}).(*Span)
	return s
}

// Start begins the span of a request. Its header may say that it is part of a
// trace (W3C Trace Context).
func (t *Tracer) Start(ctx context.Context, name string, header http.Header) (context.Context, *Span) {
	s := &Span{tracer: t, kind: server, name: name}
	parent, follows := parseParent(header.Values("Traceparent"))
	if follows {
		s.traceID, s.parent = parent.traceID, parent.span
	} else {
		rand.Read(s.traceID[:])
	}
	if !t.config.keeps(s.traceID, follows, parent.sampled) {
		return ctx, nil
	}
	return s.begin(ctx)
}

// Start begins a part of the span that ctx belongs to.
func Start(ctx context.Context, name string) (context.Context, *Span) {
	whole := From(ctx)
	if whole == nil {
		return ctx, nil
	}
	s := &Span{tracer: whole.tracer, traceID: whole.traceID, parent: whole.id, kind: internal, name: name}
	return s.begin(ctx)
}

func (s *Span) begin(ctx context.Context) (context.Context, *Span) {
	rand.Read(s.id[:])
	s.began = s.tracer.config.Now()
	return context.WithValue(ctx, spanKey{}, s), s
}

// Name names the span, once it is known what it is.
func (s *Span) Name(name string) {
	if s != nil {
		s.name = name
	}
}

// Text notes something about the span; nothing if the value is empty.
func (s *Span) Text(key, value string) {
	if s != nil && value != "" {
		s.attributes = append(s.attributes, attribute{key: key, text: value})
	}
}

// Int notes a number about the span.
func (s *Span) Int(key string, value int) {
	if s != nil {
		s.attributes = append(s.attributes, attribute{key: key, num: int64(value)})
	}
}

// Failed marks the span as one that did not do what it should.
func (s *Span) Failed() {
	if s != nil {
		s.failed = true
	}
}

// TraceID is the ID of the trace, in hex; empty if there is none.
func (s *Span) TraceID() string {
	if s == nil {
		return ""
	}
	return hex.EncodeToString(s.traceID[:])
}

// End ends the span and gives it to the tracer.
func (s *Span) End() {
	if s != nil {
		s.ended = s.tracer.config.Now()
		s.tracer.take(s)
	}
}

// parent is where a request belongs, as its header says.
type parent struct {
	traceID [16]byte
	span    [8]byte
	sampled bool
}

// parseParent reads a traceparent header (W3C Trace Context, 3.2). One that is
// not as it should be is as none. A later version may have more parts behind.
func parseParent(values []string) (p parent, ok bool) {
	const size = len("00-0123456789abcdef0123456789abcdef-0123456789abcdef-00")
	if len(values) != 1 || len(values[0]) < size {
		return parent{}, false
	}
	text := values[0]
	version, fine := unhex(text[:2])
	if !fine || version[0] == 0xff || version[0] == 0 && len(text) != size || len(text) > size && text[size] != '-' {
		return parent{}, false
	}
	traceID, fine1 := unhex(text[3:35])
	span, fine2 := unhex(text[36:52])
	flags, fine3 := unhex(text[53:55])
	if !fine1 || !fine2 || !fine3 || text[2] != '-' || text[35] != '-' || text[52] != '-' {
		return parent{}, false
	}
	p = parent{traceID: [16]byte(traceID), span: [8]byte(span), sampled: flags[0]&1 != 0}
	return p, p.traceID != [16]byte{} && p.span != [8]byte{}
}

// unhex reads hexadecimal digits, which must be in lower case.
func unhex(text string) ([]byte, bool) {
	for i := range len(text) {
		if text[i] >= 'A' && text[i] <= 'F' {
			return nil, false
		}
	}
	b, err := hex.DecodeString(text)
	return b, err == nil
}

// keeps decides whether a trace is kept.
func (c *Config) keeps(traceID [16]byte, follows, sampled bool) bool {
	if follows && c.Follow {
		return sampled
	}
	// The same part of all IDs is kept by every program of the trace, as the
	// TraceIdRatioBased sampler of OpenTelemetry does it.
	return float64(binary.BigEndian.Uint64(traceID[8:])>>1) < c.Ratio*(1<<63)
}
