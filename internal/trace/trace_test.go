package trace

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

const (
	traceID = "0af7651916cd43dd8448eb211c80319c"
	spanID  = "b7ad6b7169203331"
)

// collector is a collector that keeps what it is sent.
type collector struct {
	*httptest.Server
	mu       sync.Mutex
	messages []message
	headers  []http.Header
	answer   func(w http.ResponseWriter)
}

func newCollector(t *testing.T) *collector {
	c := &collector{answer: func(w http.ResponseWriter) { io.WriteString(w, "{}") }}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m message
		dec := json.NewDecoder(r.Body)
		dec.DisallowUnknownFields()
		if err := dec.Decode(&m); err != nil || r.Method != "POST" || r.URL.Path != "/v1/traces" {
			t.Errorf("%s %s: %v", r.Method, r.URL, err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.messages, c.headers = append(c.messages, m), append(c.headers, r.Header)
		c.answer(w)
	}))
	t.Cleanup(c.Close)
	return c
}

// spans are all that came, in order.
func (c *collector) spans() (list []span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.messages {
		list = append(list, m.ResourceSpans[0].ScopeSpans[0].Spans...)
	}
	return list
}

func (c *collector) config() Config {
	return Config{
		Endpoint: c.URL + "/v1/traces", Header: map[string]string{"Authorization": "secret"}, Timeout: 5 * time.Second,
		Resource: map[string]string{"service.name": "idpool", "zone": "a"}, Ratio: 1, Follow: true, Now: time.Now,
	}
}

// sent runs a tracer until what do does is sent.
func sent(t *Tracer, do func(ctx context.Context)) {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { t.Run(ctx); close(done) }()
	do(context.Background())
	stop()
	<-done
}

func header(values ...string) http.Header { return http.Header{"Traceparent": values} }

// TestSpans: a request and its parts reach the collector as what they are.
func TestSpans(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	config := c.config()
	at := time.Unix(1000, 5)
	config.Now = func() time.Time { at = at.Add(time.Second); return at }
	tracer := New(config, slog.New(slog.DiscardHandler))
	sent(tracer, func(ctx context.Context) {
		ctx, whole := tracer.Start(ctx, "request", header("00-"+traceID+"-"+spanID+"-01"))
		inner, part := Start(ctx, "store view")
		_, deep := Start(inner, "deep")
		deep.End()
		part.Text("what", "read")
		part.Text("nothing", "")
		part.Failed()
		part.End()
		whole.Name("sts/AssumeRole")
		whole.Int("status", 200)
		whole.End()
		if id := whole.TraceID(); id != traceID {
			t.Errorf("the trace is %s", id)
		}
	})
	got := c.spans()
	if len(got) != 3 {
		t.Fatalf("%d spans", len(got))
	}
	deep, part, whole := got[0], got[1], got[2]
	text, _ := json.Marshal(part)
	want := fmt.Sprintf(`{"traceId":%q,"spanId":%q,"parentSpanId":%q,"name":"store view","kind":1,"startTimeUnixNano":"1002000000005","endTimeUnixNano":"1005000000005",`+
		`"attributes":[{"key":"what","value":{"stringValue":"read"}}],"status":{"code":2}}`, traceID, part.SpanID, whole.SpanID)
	if string(text) != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	if whole.Parent != spanID || whole.Name != "sts/AssumeRole" || whole.Kind != server || whole.Status != nil || whole.Attributes[0].Value.Int != "200" {
		t.Errorf("the request is %+v", whole)
	}
	if deep.Parent != part.SpanID || deep.TraceID != traceID || len(deep.SpanID) != 16 || deep.SpanID == part.SpanID {
		t.Errorf("the part of the part is %+v", deep)
	}
	resource, _ := json.Marshal(c.messages[0].ResourceSpans[0].Resource)
	if want := `{"attributes":[{"key":"service.name","value":{"stringValue":"idpool"}},{"key":"zone","value":{"stringValue":"a"}}]}`; string(resource) != want {
		t.Errorf("resource %s", resource)
	}
	if h := c.headers[0]; h.Get("Authorization") != "secret" || h.Get("Content-Type") != "application/json" {
		t.Errorf("header %v", h)
	}
	if tracer.Sent.Load() != 3 || tracer.Lost.Load() != 0 {
		t.Errorf("%d sent, %d lost", tracer.Sent.Load(), tracer.Lost.Load())
	}
}

// TestKept: which traces are kept is decided by who began them, or by the ratio.
func TestKept(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ratio   float64
		follow  bool
		parents []string
		kept    bool
	}{
		"begun here":                  {1, true, nil, true},
		"begun here, none kept":       {0, true, nil, false},
		"kept elsewhere":              {0, true, []string{"00-" + traceID + "-" + spanID + "-01"}, true},
		"not kept elsewhere":          {1, true, []string{"00-" + traceID + "-" + spanID + "-00"}, false},
		"kept elsewhere, no matter":   {0, false, []string{"00-" + traceID + "-" + spanID + "-01"}, false},
		"elsewhere not, no matter":    {1, false, []string{"00-" + traceID + "-" + spanID + "-00"}, true},
		"a later version":             {0, true, []string{"01-" + traceID + "-" + spanID + "-03-more"}, true},
		"a version that cannot be":    {0, true, []string{"ff-" + traceID + "-" + spanID + "-01"}, false},
		"version 0 with more":         {0, true, []string{"00-" + traceID + "-" + spanID + "-01-more"}, false},
		"a later one without a dash":  {0, true, []string{"01-" + traceID + "-" + spanID + "-01more"}, false},
		"upper case":                  {0, true, []string{"00-" + strings.ToUpper(traceID) + "-" + spanID + "-01"}, false},
		"no trace":                    {0, true, []string{"00-" + strings.Repeat("0", 32) + "-" + spanID + "-01"}, false},
		"no span":                     {0, true, []string{"00-" + traceID + "-" + strings.Repeat("0", 16) + "-01"}, false},
		"two headers":                 {0, true, []string{"00-" + traceID + "-" + spanID + "-01", "00-" + traceID + "-" + spanID + "-01"}, false},
		"too short":                   {0, true, []string{"00-" + traceID + "-" + spanID}, false},
		"not hexadecimal":             {0, true, []string{"00-" + strings.Replace(traceID, "a", "g", 1) + "-" + spanID + "-01"}, false},
		"other dashes":                {0, true, []string{"00_" + traceID + "_" + spanID + "_01"}, false},
		"nonsense":                    {0, true, []string{strings.Repeat("-", 55)}, false},
		"nonsense, but all are kept":  {1, true, []string{"nonsense"}, true},
		"a trace that the ratio has":  {0.2, false, []string{"00-" + traceID[:16] + "1000000000000000-" + spanID + "-00"}, true},
		"a trace that it has not":     {0.2, false, []string{"00-" + traceID[:16] + "f000000000000000-" + spanID + "-01"}, false},
		"the top bit does not matter": {0.2, false, []string{"00-" + traceID[:16] + "0000000000000001-" + spanID + "-01"}, true},
	} {
		tracer := New(Config{Ratio: c.ratio, Follow: c.follow, Now: time.Now}, nil)
		ctx, s := tracer.Start(t.Context(), "request", header(c.parents...))
		if (s != nil) != c.kept || From(ctx) != s {
			t.Errorf("%s: kept is %t", name, s != nil)
		}
		_, part := Start(ctx, "part")
		if (part != nil) != c.kept {
			t.Errorf("%s: its part is kept: %t", name, part != nil)
		}
	}
}

// TestNobody: a span that nobody keeps takes everything and does nothing.
func TestNobody(t *testing.T) {
	t.Parallel()
	_, s := Start(t.Context(), "part")
	s.Name("x")
	s.Text("k", "v")
	s.Int("k", 1)
	s.Failed()
	s.End()
	if s != nil || s.TraceID() != "" {
		t.Errorf("%+v", s)
	}
}

// TestBadCollectors: a collector that fails costs spans, and one line of log.
func TestBadCollectors(t *testing.T) {
	t.Parallel()
	away := httptest.NewServer(nil)
	away.Close()
	for name, c := range map[string]struct {
		answer     func(http.ResponseWriter)
		sent, lost uint64
		log        string
	}{
		"takes a part":    {func(w http.ResponseWriter) { io.WriteString(w, `{"partialSuccess":{"rejectedSpans":"1"}}`) }, 2, 1, ""},
		"takes a part, 1": {func(w http.ResponseWriter) { io.WriteString(w, `{"partialSuccess":{"rejectedSpans":1}}`) }, 2, 1, ""},
		"rejects more":    {func(w http.ResponseWriter) { io.WriteString(w, `{"partialSuccess":{"rejectedSpans":"9"}}`) }, 0, 3, ""},
		"nonsense":        {func(w http.ResponseWriter) { io.WriteString(w, "<html>") }, 3, 0, ""},
		"fails":           {func(w http.ResponseWriter) { w.WriteHeader(503) }, 0, 3, "status 503"},
		"sends elsewhere": {func(w http.ResponseWriter) { w.Header().Set("Location", "/other"); w.WriteHeader(307) }, 0, 3, "status 307"},
		"is away":         {nil, 0, 3, "refused"},
	} {
		collector := newCollector(t)
		config := collector.config()
		if collector.answer = c.answer; c.answer == nil {
			config.Endpoint = away.URL
		}
		var log strings.Builder
		tracer := New(config, slog.New(slog.NewTextHandler(&log, nil)))
		for range 3 {
			_, s := tracer.Start(t.Context(), "request", nil)
			s.End()
			tracer.send([]*Span{<-tracer.queue})
		}
		if c.log == "" != (log.Len() == 0) || !strings.Contains(log.String(), c.log) || strings.Count(log.String(), "\n") > 1 || strings.Contains(log.String(), "secret") {
			t.Errorf("%s: log %q", name, log.String())
		}
		if got := tracer.Sent.Load() + tracer.Lost.Load(); got != 3 {
			t.Errorf("%s: %d of 3 spans are counted", name, got)
		}
		tracer.Sent.Store(0)
		tracer.Lost.Store(0)
		sent(tracer, func(ctx context.Context) {
			for range 3 {
				_, s := tracer.Start(ctx, "request", nil)
				s.End()
			}
		})
		if tracer.Sent.Load() != c.sent || tracer.Lost.Load() != c.lost {
			t.Errorf("%s: %d sent, %d lost", name, tracer.Sent.Load(), tracer.Lost.Load())
		}
	}
}

// TestFull: nobody waits for a collector. What there is no room for is lost.
func TestFull(t *testing.T) {
	t.Parallel()
	tracer := New(Config{Ratio: 1, Now: time.Now}, nil)
	for range maxWaiting + 10 {
		_, s := tracer.Start(t.Context(), "request", nil)
		s.End()
	}
	if len(tracer.queue) != maxWaiting || tracer.Lost.Load() != 10 {
		t.Errorf("%d wait, %d are lost", len(tracer.queue), tracer.Lost.Load())
	}
}

// round is a transport that counts what goes over it.
type round struct{ calls, spans atomic.Int64 }

func (r *round) RoundTrip(q *http.Request) (*http.Response, error) {
	var m message
	if err := json.NewDecoder(q.Body).Decode(&m); err != nil {
		return nil, err
	}
	r.calls.Add(1)
	r.spans.Add(int64(len(m.ResourceSpans[0].ScopeSpans[0].Spans)))
	return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("{}"))}, nil
}

// TestBatches: spans leave together, when there are many or some time is over.
func TestBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracer, net := New(Config{Endpoint: "http://collector", Ratio: 1, Timeout: time.Second, Now: time.Now}, slog.New(slog.DiscardHandler)), &round{}
		tracer.http.Transport = net
		want := func(calls, spans int64) {
			t.Helper()
			synctest.Wait()
			if net.calls.Load() != calls || net.spans.Load() != spans {
				t.Errorf("%d spans in %d batches, want %d in %d", net.spans.Load(), net.calls.Load(), spans, calls)
			}
		}
		span := func(n int) {
			for range n {
				_, s := tracer.Start(context.Background(), "request", nil)
				s.End()
			}
			synctest.Wait()
		}
		sent(tracer, func(context.Context) {
			span(3)
			want(0, 0)
			time.Sleep(sendEvery)
			want(1, 3)
			span(maxBatch + 1)
			want(2, 3+maxBatch)
			time.Sleep(sendEvery)
			want(3, 4+maxBatch)
			time.Sleep(10 * sendEvery)
			want(3, 4+maxBatch)
			span(2)
		})
		want(4, 6+maxBatch)
	})
}

func FuzzParent(f *testing.F) {
	for _, seed := range []string{"", "00-" + traceID + "-" + spanID + "-01", "01-" + traceID + "-" + spanID + "-00-x", "ff-" + traceID + "-" + spanID + "-01", strings.Repeat("-", 55)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, ok := parseParent([]string{text})
		if !ok {
			return
		}
		again := fmt.Sprintf("%x-%x", p.traceID, p.span)
		if text[3:52] != again || p.traceID == [16]byte{} || p.span == [8]byte{} {
			t.Errorf("%q was read as %s", text, again)
		}
	})
}
