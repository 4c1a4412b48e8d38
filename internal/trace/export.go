package trace

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync/atomic"
	"time"
)

// The bounds of what waits to be sent. A collector that is slow or away costs
// spans, never a request.
const (
	maxWaiting = 2048
	maxBatch   = 512
	sendEvery  = 5 * time.Second
	maxAnswer  = 64 << 10 // bytes of the collector's answer
)

// Tracer keeps spans and sends them to a collector.
type Tracer struct {
	// Sent and Lost count the spans that the collector took, and those that
	// it did not, or that there was no room for.
	Sent, Lost atomic.Uint64

	config  Config
	log     *slog.Logger
	queue   chan *Span
	http    *http.Client
	failing bool
}

// New makes a tracer. It sends nothing until Run.
func New(c Config, log *slog.Logger) *Tracer {
	return &Tracer{config: c, log: log, queue: make(chan *Span, maxWaiting), http: &http.Client{
		Timeout:       c.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the header can hold a secret
	}}
}

// take queues a span that has ended.
func (t *Tracer) take(s *Span) {
	select {
	case t.queue <- s:
	default:
		t.Lost.Add(1)
	}
}

// Run sends what was queued, until ctx ends; then what is left.
func (t *Tracer) Run(ctx context.Context) {
	tick := time.NewTicker(sendEvery)
	defer tick.Stop()
	var batch []*Span
	send := func() {
		t.send(batch)
		batch = batch[:0]
	}
	for {
		select {
		case s := <-t.queue:
			if batch = append(batch, s); len(batch) == maxBatch {
				send()
			}
		case <-tick.C:
			send()
		case <-ctx.Done():
			for {
				select {
				case s := <-t.queue:
					batch = append(batch, s)
					continue
				default:
				}
				send()
				return
			}
		}
	}
}

// send sends a batch once. Of several failures in a row the first is logged.
func (t *Tracer) send(batch []*Span) {
	if len(batch) == 0 {
		return
	}
	rejected, err := t.post(batch)
	if err != nil {
		rejected = len(batch)
		if !t.failing {
			t.log.Warn("send spans to the collector", "cause", err)
		}
	}
	t.failing = err != nil
	t.Sent.Add(uint64(len(batch) - rejected))
	t.Lost.Add(uint64(rejected))
}

func (t *Tracer) post(batch []*Span) (rejected int, err error) {
	body, err := json.Marshal(t.config.message(batch))
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), t.config.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.config.Endpoint, bytes.NewReader(body))
	if err != nil {
		return 0, errors.New("the address of the collector is none")
	}
	for name, value := range t.config.Header {
		r.Header.Set(name, value)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "idpool")
	resp, err := t.http.Do(r)
	if e, ok := errors.AsType[*url.Error](err); ok {
		return 0, e.Err // without the address, which may hold a secret
	}
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return 0, err
	}
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("status %d", resp.StatusCode)
	}
	var answer struct {
		PartialSuccess struct {
			RejectedSpans json.Number `json:"rejectedSpans"`
		} `json:"partialSuccess"`
	}
	json.Unmarshal(text, &answer) // whoever answers in another form rejects nothing
	n, _ := answer.PartialSuccess.RejectedSpans.Int64()
	return int(min(max(n, 0), int64(len(batch)))), nil
}

// The message of the protocol (opentelemetry/proto/trace/v1). Its JSON has IDs
// in hex and times as strings.
type (
	message struct {
		ResourceSpans []resourceSpans `json:"resourceSpans"`
	}
	resourceSpans struct {
		Resource   resource     `json:"resource"`
		ScopeSpans []scopeSpans `json:"scopeSpans"`
	}
	resource struct {
		Attributes []keyValue `json:"attributes"`
	}
	scopeSpans struct {
		Scope scope  `json:"scope"`
		Spans []span `json:"spans"`
	}
	scope struct {
		Name string `json:"name"`
	}
	span struct {
		TraceID    string     `json:"traceId"`
		SpanID     string     `json:"spanId"`
		Parent     string     `json:"parentSpanId,omitempty"`
		Name       string     `json:"name"`
		Kind       int        `json:"kind"`
		Start      string     `json:"startTimeUnixNano"`
		End        string     `json:"endTimeUnixNano"`
		Attributes []keyValue `json:"attributes,omitempty"`
		Status     *status    `json:"status,omitempty"`
	}
	keyValue struct {
		Key   string `json:"key"`
		Value value  `json:"value"`
	}
	value struct {
		Text string `json:"stringValue,omitempty"`
		Int  string `json:"intValue,omitempty"`
	}
	status struct {
		Code int `json:"code"`
	}
)

const statusError = 2

func (c *Config) message(batch []*Span) message {
	var about []keyValue
	for _, key := range slices.Sorted(maps.Keys(c.Resource)) {
		about = append(about, keyValue{key, value{Text: c.Resource[key]}})
	}
	spans := make([]span, len(batch))
	for i, s := range batch {
		spans[i] = s.encode()
	}
	return message{[]resourceSpans{{Resource: resource{about}, ScopeSpans: []scopeSpans{{Scope: scope{"idpool"}, Spans: spans}}}}}
}

func (s *Span) encode() span {
	nanos := func(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }
	e := span{
		TraceID: s.TraceID(), SpanID: hex.EncodeToString(s.id[:]), Name: s.name, Kind: s.kind,
		Start: nanos(s.began), End: nanos(s.ended),
	}
	if s.parent != [8]byte{} {
		e.Parent = hex.EncodeToString(s.parent[:])
	}
	for _, a := range s.attributes {
		v := value{Text: a.text}
		if a.text == "" {
			v.Int = strconv.FormatInt(a.num, 10)
		}
		e.Attributes = append(e.Attributes, keyValue{a.key, v})
	}
	if s.failed {
		e.Status = &status{statusError}
	}
	return e
}
