package node_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"idpool/internal/limit"
	"idpool/internal/metrics"
	"idpool/internal/node"
	"idpool/internal/trace"
	"idpool/internal/upstream"
)

// collected is a span as a collector reads it.
type collected struct {
	TraceID    string `json:"traceId"`
	SpanID     string `json:"spanId"`
	Parent     string `json:"parentSpanId"`
	Name       string
	Start      string `json:"startTimeUnixNano"`
	End        string `json:"endTimeUnixNano"`
	Attributes []struct {
		Key   string
		Value struct{ StringValue, IntValue string }
	}
}

func (c collected) text(key string) string {
	for _, a := range c.Attributes {
		if a.Key == key {
			return a.Value.StringValue + a.Value.IntValue
		}
	}
	return ""
}

// collector takes spans, and keeps what was sent.
type collector struct {
	*httptest.Server
	mu    sync.Mutex
	text  strings.Builder
	spans []collected
}

func newCollector(t *testing.T) *collector {
	c := &collector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m struct {
			ResourceSpans []struct {
				ScopeSpans []struct{ Spans []collected }
			}
		}
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = json.Unmarshal(body, &m)
		}
		if err != nil {
			t.Error(err)
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.text.Write(body)
		c.spans = append(c.spans, m.ResourceSpans[0].ScopeSpans[0].Spans...)
	}))
	t.Cleanup(c.Close)
	return c
}

// observed is a node that did everything there is to see, with its metrics and
// spans.
func observed(t *testing.T) (w *world, metricsText string, c *collector) {
	t.Helper()
	store := openStore(t, filepath.Join(t.TempDir(), "idpool.db"))
	t.Cleanup(func() { store.Close() })
	c = newCollector(t)
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>", http.StatusForbidden)
	}))
	t.Cleanup(broken.Close)
	set, err := upstream.New(upstream.Config{Servers: []upstream.Server{{Name: "ceph", Endpoint: broken.URL}},
		Rules: []upstream.Rule{{Match: "arn:aws:iam::" + account + ":role/bucket", Server: "ceph"}}, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	w, stop := start(t, store, func(c2 *node.Config) {
		c2.RolesByName, c2.Upstreams = true, set
		c2.Limits = limit.Config{Operations: map[string]float64{"TagResource": 0.001}}
		c2.Build = metrics.Build{Version: "v0.0.0", Commit: "abcdef"}
		c2.Traces = trace.New(trace.Config{Endpoint: c.URL, Timeout: 5 * time.Second, Resource: map[string]string{"service.name": "idpool"}, Ratio: 1, Follow: true, Now: time.Now},
			slog.New(slog.DiscardHandler))
	})
	defer stop()
	mixedLoad(t, w, false)
	root := credentials{w.root.ID, w.root.Secret, ""}
	type m = map[string]any
	var pool struct {
		ID string `json:"IdentityPoolId"`
	}
	var guest struct {
		ID string `json:"IdentityId"`
	}
	w.cognito("CreateIdentityPool", root, 200, m{"IdentityPoolName": "q", "AllowUnauthenticatedIdentities": true}, &pool)
	w.cognito("SetIdentityPoolRoles", root, 200, m{"IdentityPoolId": pool.ID, "Roles": m{"unauthenticated": "arn:aws:iam::" + account + ":role/bucket"}}, nil)
	w.cognito("GetId", credentials{}, 200, m{"IdentityPoolId": pool.ID}, &guest)
	w.cognito("GetCredentialsForIdentity", credentials{}, 400, m{"IdentityId": guest.ID}, nil)
	arn := "arn:aws:cognito-identity:us-east-1:" + account + ":identitypool/" + pool.ID
	w.cognito("TagResource", root, 200, m{"ResourceArn": arn, "Tags": m{"a": "b"}}, nil)
	w.cognito("TagResource", root, 400, m{"ResourceArn": arn, "Tags": m{"a": "b"}}, nil)
	_, metricsText = w.do(mustRequest(t, w.admin+"/metrics"))
	stop()
	return w, metricsText, c
}

// TestMetrics: after a mixed load every metric says what happened, and the
// dashboards and the page about them name those that there are.
func TestMetrics(t *testing.T) {
	t.Parallel()
	_, text, _ := observed(t)
	value := func(series string) float64 {
		t.Helper()
		for line := range strings.Lines(text) {
			if rest, ok := strings.CutPrefix(line, series+" "); ok {
				v, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
				if err != nil {
					t.Fatal(err)
				}
				return v
			}
		}
		t.Errorf("there is no %s", series)
		return 0
	}
	for series, least := range map[string]float64{
		`idpool_requests_total{fault="",op="GetId",service="cognito-identity"}`:                                                              2,
		`idpool_requests_total{fault="InvalidIdentityPoolConfigurationException",op="GetCredentialsForIdentity",service="cognito-identity"}`: 1,
		`idpool_requests_total{fault="TooManyRequestsException",op="TagResource",service="cognito-identity"}`:                                1,
		`idpool_request_seconds_count{op="GetId",service="cognito-identity"}`:                                                                30,
		`idpool_store_seconds_count{call="view"}`:                                                                                            10,
		`idpool_store_seconds_count{call="update"}`:                                                                                          5,
		`idpool_logins_total{kind="oidc",outcome="verified"}`:                                                                                4,
		`idpool_logins_total{kind="oidc",outcome="refused"}`:                                                                                 20,
		`idpool_login_seconds_count{kind="oidc"}`:                                                                                            24,
		`idpool_key_set_fetches_total{outcome="ok"}`:                                                                                         1,
		`idpool_cache_lookups_total{cache="tokens",result="hit"}`:                                                                            2,
		`idpool_cache_lookups_total{cache="tokens",result="miss"}`:                                                                           5,
		`idpool_cache_lookups_total{cache="pools",result="hit"}`:                                                                             20,
		`idpool_cache_lookups_total{cache="pools",result="miss"}`:                                                                            1,
		`idpool_cache_lookups_total{cache="principals",result="miss"}`:                                                                       1,
		`idpool_cache_lookups_total{cache="access_keys",result="miss"}`:                                                                      1,
		`idpool_limited_total{limit="account"}`:                                                                                              1,
		`idpool_sessions_minted_total`:                                                                                                       4,
		`idpool_upstream_calls_total{outcome="refused",upstream="ceph"}`:                                                                     1,
		`idpool_upstream_seconds_count{upstream="ceph"}`:                                                                                     1,
	} {
		if got := value(series); got < least {
			t.Errorf("%s is %g, want %g or more", series, got, least)
		}
	}
	if !strings.Contains(text, `idpool_build_info{commit="abcdef",go_version="go1`) {
		t.Error("idpool_build_info does not say which program this is")
	}

	var exported []string
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (idpool_\w+) (\w+)$`).FindAllStringSubmatch(text, -1) {
		exported = append(exported, m[1])
		if m[2] == "histogram" {
			exported = append(exported, m[1]+"_bucket", m[1]+"_sum", m[1]+"_count")
		}
	}
	for _, file := range []string{"deploy/grafana/idpool.json", "deploy/prometheus/alerts.yaml", "docs/operating.md"} {
		page, err := os.ReadFile(filepath.Join("../..", file))
		if err != nil {
			t.Fatal(err)
		}
		named := regexp.MustCompile(`\bidpool_[a-z_]+`).FindAllString(string(page), -1)
		for _, name := range named {
			if !slices.Contains(exported, name) {
				t.Errorf("%s names %s, which is not exported", file, name)
			}
		}
		if len(named) < 5 {
			t.Errorf("%s names %d metrics", file, len(named))
		}
		if file != "docs/operating.md" {
			continue
		}
		for _, name := range exported {
			if !regexp.MustCompile(`_(bucket|sum|count)$`).MatchString(name) && !strings.Contains(string(page), "`"+name+"`") {
				t.Errorf("%s does not explain %s", file, name)
			}
		}
	}
}

// TestTraces: each request is a span with its parts in it, and its log line
// names the trace. No secret is in any of it.
func TestTraces(t *testing.T) {
	t.Parallel()
	w, _, c := observed(t)
	w.wantNoSecret("the spans", c.text.String())
	byID, requests, parts := map[string]collected{}, map[string]collected{}, map[string]int{}
	for _, s := range c.spans {
		byID[s.SpanID] = s
		if id := s.text("aws.request_id"); id != "" {
			requests[id] = s
		}
	}
	for _, s := range c.spans {
		if s.Start > s.End {
			t.Errorf("%s ends before it begins", s.Name)
		}
		if s.Parent == "" {
			continue
		}
		whole, ok := byID[s.Parent]
		if !ok || whole.TraceID != s.TraceID || whole.Start > s.Start {
			t.Errorf("%s is no part of %s", s.Name, whole.Name)
		}
		parts[whole.Name+": "+s.Name]++
	}
	for _, part := range []string{
		"cognito-identity/GetId: verify login", "cognito-identity/GetId: store update", "cognito-identity/CreateIdentityPool: authenticate",
		"cognito-identity/GetCredentialsForIdentity: store view", "cognito-identity/GetCredentialsForIdentity: upstream STS", "sts/GetCallerIdentity: authenticate",
	} {
		if parts[part] == 0 {
			t.Errorf("no span %q in %v", part, parts)
		}
	}
	events := w.events()
	for _, event := range events {
		span, ok := requests[event["request"].(string)]
		if !ok || span.TraceID != event["trace"] || span.text("http.response.status_code") != fmt.Sprint(event["status"]) {
			t.Errorf("the event %v has the span %+v", event, span)
		}
	}
	if len(events) < 60 || len(requests) != len(events) {
		t.Errorf("%d events, %d spans of requests", len(events), len(requests))
	}
}

// TestFollowedTrace: who calls with a trace of its own finds the request in it.
func TestFollowedTrace(t *testing.T) {
	t.Parallel()
	const id = "0af7651916cd43dd8448eb211c80319c"
	for _, on := range []bool{true, false} {
		store := openStore(t, filepath.Join(t.TempDir(), "idpool.db"))
		defer store.Close()
		c := newCollector(t)
		w, stop := start(t, store, func(config *node.Config) {
			if on {
				config.Traces = trace.New(trace.Config{Endpoint: c.URL, Timeout: 5 * time.Second, Follow: true, Now: time.Now}, slog.New(slog.DiscardHandler))
			}
		})
		defer stop()
		r, err := http.NewRequest("POST", w.url+"/", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		r.Header.Set("X-Amz-Target", "AWSCognitoIdentityService.GetId")
		w.do(r) // not kept
		r.Body = io.NopCloser(strings.NewReader("{}"))
		r.Header.Set("Traceparent", "00-"+id+"-b7ad6b7169203331-01")
		w.do(r)
		stop()
		events := w.events()
		if _, named := events[0]["trace"]; named || len(events) != 2 {
			t.Errorf("events %v", events)
		}
		if !on {
			if _, named := events[1]["trace"]; named || len(c.spans) > 0 {
				t.Errorf("without traces: %v, %v", events, c.spans)
			}
			continue
		}
		if len(c.spans) != 1 || c.spans[0].TraceID != id || c.spans[0].Parent != "b7ad6b7169203331" || events[1]["trace"] != id || events[1]["request"] != c.spans[0].text("aws.request_id") {
			t.Errorf("spans %+v, events %v", c.spans, events)
		}
	}
}
