// Package metrics counts what a server does, for a monitor to scrape in the
// text format of Prometheus. docs/operating.md says what each metric is good
// for.
//
// Labels are bounded: services, operations, faults and kinds are names of ours,
// upstreams those of the operator. Nothing that a stranger sends is ever one.
// What a package counts itself, because it is on the way of every request, is
// read when somebody scrapes.
package metrics

import (
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Build says which program is running.
type Build struct{ Version, Commit string }

// Metrics are those of one server. They are safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry

	requests       *prometheus.CounterVec
	requestSeconds *prometheus.HistogramVec

	view, update     prometheus.Observer
	storeUnavailable *prometheus.CounterVec
	storeRetries     prometheus.Counter

	logins       *prometheus.CounterVec
	loginSeconds *prometheus.HistogramVec

	keySetFetches *prometheus.CounterVec

	upstreamCalls   *prometheus.CounterVec
	upstreamSeconds *prometheus.HistogramVec
}

// New makes the metrics of a server. Those whose labels are known are there
// from the first scrape, at zero: a rate needs something to begin from.
func New(b Build) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	info := m.gauges("idpool_build_info", "Always 1; which program is running.", "version", "commit", "go_version")
	info.WithLabelValues(b.Version, b.Commit, runtime.Version()).Set(1)

	m.requests = m.counters("idpool_requests_total", "Requests by service, operation and the error code they were answered with.", "service", "op", "fault")
	m.requestSeconds = m.seconds("idpool_request_seconds", "Time from the arrival of a request to its answer.", "service", "op")

	store := m.seconds("idpool_store_seconds", "Time of a transaction of the store, all tries together.", "call")
	m.view, m.update = store.WithLabelValues("view"), store.WithLabelValues("update")
	m.storeUnavailable = m.counters("idpool_store_unavailable_total", "Transactions that failed because the store does not answer.", "call")
	m.storeUnavailable.WithLabelValues("view")
	m.storeUnavailable.WithLabelValues("update")
	m.storeRetries = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "idpool_store_retries_total", Help: "Further tries of updates that others were in the way of, or shared a commit with one that failed.",
	})
	m.registry.MustRegister(m.storeRetries)

	m.logins = m.counters("idpool_logins_total", "Logins by kind of provider and what verifying them came to.", "kind", "outcome")
	m.loginSeconds = m.seconds("idpool_login_seconds", "Time to verify a login.", "kind")

	m.keySetFetches = m.counters("idpool_key_set_fetches_total", "Fetches of the key sets of OpenID Connect issuers.", "outcome")
	m.keySetFetches.WithLabelValues("ok")
	m.keySetFetches.WithLabelValues("failed")

	m.upstreamCalls = m.counters("idpool_upstream_calls_total", "Calls of the STSs of others, by upstream and what came of them.", "upstream", "outcome")
	m.upstreamSeconds = m.seconds("idpool_upstream_seconds", "Time of a call of the STS of others, all attempts together.", "upstream")
	return m
}

// Handler answers scrapes, also in the OpenMetrics format, which has exemplars.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
}

// Request counts a request. fault is the error code sent, or empty. trace is the
// ID of its trace, or empty: it becomes the exemplar of the time taken.
func (m *Metrics) Request(service, op, fault string, took time.Duration, trace string) {
	m.requests.WithLabelValues(service, op, fault).Inc()
	seconds := m.requestSeconds.WithLabelValues(service, op)
	if e, ok := seconds.(prometheus.ExemplarObserver); ok && trace != "" {
		e.ObserveWithExemplar(took.Seconds(), prometheus.Labels{"trace_id": trace})
		return
	}
	seconds.Observe(took.Seconds())
}

// View counts a read of the store.
func (m *Metrics) View(took time.Duration, unavailable bool) {
	m.view.Observe(took.Seconds())
	if unavailable {
		m.storeUnavailable.WithLabelValues("view").Inc()
	}
}

// Update counts a change of the store, which took one try or more.
func (m *Metrics) Update(took time.Duration, tries int, unavailable bool) {
	m.update.Observe(took.Seconds())
	if tries > 1 {
		m.storeRetries.Add(float64(tries - 1))
	}
	if unavailable {
		m.storeUnavailable.WithLabelValues("update").Inc()
	}
}

// Login counts a login that was verified, or not.
func (m *Metrics) Login(kind, outcome string, took time.Duration) {
	m.logins.WithLabelValues(kind, outcome).Inc()
	m.loginSeconds.WithLabelValues(kind).Observe(took.Seconds())
}

// KeySet counts a fetch of an issuer's key set.
func (m *Metrics) KeySet(err error) {
	outcome := "ok"
	if err != nil {
		outcome = "failed"
	}
	m.keySetFetches.WithLabelValues(outcome).Inc()
}

// Upstream counts a call of the STS of somebody else.
func (m *Metrics) Upstream(name, outcome string, took time.Duration) {
	m.upstreamCalls.WithLabelValues(name, outcome).Inc()
	m.upstreamSeconds.WithLabelValues(name).Observe(took.Seconds())
}

// Cache shows the hits and misses of a cache, which counts them itself.
func (m *Metrics) Cache(name string, counts func() (hits, misses uint64)) {
	const metric, help = "idpool_cache_lookups_total", "Lookups in a cache that found what they asked for, or did not."
	m.count(metric, help, prometheus.Labels{"cache": name, "result": "hit"}, func() uint64 { hits, _ := counts(); return hits })
	m.count(metric, help, prometheus.Labels{"cache": name, "result": "miss"}, func() uint64 { _, misses := counts(); return misses })
}

// Limit shows how many requests a limit refused.
func (m *Metrics) Limit(name string, refused func() uint64) {
	m.count("idpool_limited_total", "Requests refused by a limit.", prometheus.Labels{"limit": name}, refused)
}

// Sessions shows how many sessions were made.
func (m *Metrics) Sessions(minted func() uint64) {
	m.count("idpool_sessions_minted_total", "Temporary credentials made by the built-in STS.", nil, minted)
}

// Spans shows how many spans of traces a collector took, and how many it did
// not.
func (m *Metrics) Spans(sent, lost func() uint64) {
	m.count("idpool_spans_sent_total", "Spans that the collector took.", nil, sent)
	m.count("idpool_spans_lost_total", "Spans that the collector did not take, or that there was no room for.", nil, lost)
}

// count shows a count that somebody else keeps.
func (m *Metrics) count(name, help string, labels prometheus.Labels, value func() uint64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels},
		func() float64 { return float64(value()) }))
}

func (m *Metrics) counters(name, help string, labels ...string) *prometheus.CounterVec {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	m.registry.MustRegister(v)
	return v
}

func (m *Metrics) gauges(name, help string, labels ...string) *prometheus.GaugeVec {
	v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	m.registry.MustRegister(v)
	return v
}

// seconds is a histogram from 50 µs to 6.5 s, each bucket twice as wide as the
// one before.
func (m *Metrics) seconds(name, help string, labels ...string) *prometheus.HistogramVec {
	v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: prometheus.ExponentialBuckets(50e-6, 2, 18)}, labels)
	m.registry.MustRegister(v)
	return v
}
