package server

import (
	"context"
	"net/http"

	"idpool/internal/trace"
	"idpool/internal/wire"
)

// traced makes each request of the API a span, which may be part of a trace
// that the client's header names.
func (c Config) traced(api http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, span := c.Traces.Start(r.Context(), "request", r.Header)
		defer span.End()
		if span != nil {
			r = r.WithContext(ctx)
		}
		api.ServeHTTP(w, r)
	})
}

// span writes the event of a request into its span, under the names of
// OpenTelemetry's semantic conventions where they have one. It returns nil if
// nobody keeps the request.
func (c Config) span(ctx context.Context, ev *wire.Event) *trace.Span {
	if c.Traces == nil {
		return nil
	}
	span := trace.From(ctx)
	if span == nil {
		return nil
	}
	if ev.Op != "" {
		span.Name(ev.Service + "/" + ev.Op)
	}
	span.Text("rpc.system", "aws-api")
	span.Text("rpc.service", ev.Service)
	span.Text("rpc.method", ev.Op)
	span.Text("aws.request_id", ev.RequestID)
	span.Int("http.response.status_code", ev.Status)
	span.Text("error.type", ev.Fault)
	span.Text("idpool.account", ev.Account)
	span.Text("idpool.pool", string(ev.Pool))
	span.Text("idpool.identity", string(ev.Identity))
	span.Text("idpool.role", ev.Role)
	span.Text("idpool.outcome", ev.Outcome)
	if ev.Status >= 500 {
		span.Failed()
	}
	return span
}
