package metrics

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

func scrape(m *Metrics, accept string) string {
	r := httptest.NewRequest("GET", "/metrics", nil)
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, r)
	return w.Body.String()
}

func full() *Metrics {
	m := New(Build{Version: "v1", Commit: "abc"})
	m.Request("sts", "AssumeRole", "AccessDenied", 3*time.Millisecond, "")
	m.View(time.Millisecond, false)
	m.Update(time.Millisecond, 4, true)
	m.Login("oidc", "refused", time.Millisecond)
	m.KeySet(nil)
	m.KeySet(errors.New("away"))
	m.Upstream("ceph", "ok", time.Second)
	m.Cache("pools", func() (hits, misses uint64) { return 7, 2 })
	m.Limit("guests", func() uint64 { return 5 })
	m.Sessions(func() uint64 { return 6 })
	m.Spans(func() uint64 { return 8 }, func() uint64 { return 9 })
	return m
}

// TestNames: what is exported keeps to the conventions of Prometheus.
func TestNames(t *testing.T) {
	text := scrape(full(), "text/plain")
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "idpool_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	for _, line := range []string{
		`idpool_build_info{commit="abc",go_version="go`,
		`idpool_requests_total{fault="AccessDenied",op="AssumeRole",service="sts"} 1`,
		`idpool_request_seconds_bucket{op="AssumeRole",service="sts",le="0.0032"} 1`,
		`idpool_store_seconds_count{call="view"} 1`,
		`idpool_store_seconds_count{call="update"} 1`,
		`idpool_store_retries_total 3`,
		`idpool_store_unavailable_total{call="update"} 1`,
		`idpool_store_unavailable_total{call="view"} 0`,
		`idpool_logins_total{kind="oidc",outcome="refused"} 1`,
		`idpool_login_seconds_count{kind="oidc"} 1`,
		`idpool_key_set_fetches_total{outcome="ok"} 1`,
		`idpool_key_set_fetches_total{outcome="failed"} 1`,
		`idpool_upstream_calls_total{outcome="ok",upstream="ceph"} 1`,
		`idpool_upstream_seconds_sum{upstream="ceph"} 1`,
		`idpool_cache_lookups_total{cache="pools",result="hit"} 7`,
		`idpool_cache_lookups_total{cache="pools",result="miss"} 2`,
		`idpool_limited_total{limit="guests"} 5`,
		`idpool_sessions_minted_total 6`,
		`idpool_spans_sent_total 8`,
		`idpool_spans_lost_total 9`,
	} {
		if !strings.Contains(text, "\n"+line) {
			t.Errorf("%s is missing", line)
		}
	}
}

// TestExemplar: a request in a trace leads to it from the bucket of its time.
func TestExemplar(t *testing.T) {
	m := full()
	m.Request("sts", "AssumeRole", "", time.Millisecond, "0af7651916cd43dd8448eb211c80319c")
	text := scrape(m, "application/openmetrics-text; version=1.0.0")
	if !strings.Contains(text, `# {trace_id="0af7651916cd43dd8448eb211c80319c"} 0.001`) {
		t.Errorf("no exemplar in\n%s", text)
	}
}

// BenchmarkRequest is what the metrics cost each request.
func BenchmarkRequest(b *testing.B) {
	m := New(Build{})
	b.ReportAllocs()
	for b.Loop() {
		m.Request("cognito-identity", "GetCredentialsForIdentity", "", 80*time.Microsecond, "")
		m.View(20*time.Microsecond, false)
		m.Login("oidc", "verified", 10*time.Microsecond)
	}
}
