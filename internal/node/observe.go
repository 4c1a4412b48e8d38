package node

import (
	"context"
	"net/http"
	"time"

	"idpool/internal/idpool"
	"idpool/internal/login"
	"idpool/internal/metrics"
	"idpool/internal/trace"
	"idpool/internal/wire"
)

// observer stands between the parts of a node where one calls the other. It
// counts, takes the time, and makes a span where traces are on; the parts
// themselves know nothing of it.
type observer struct {
	metrics *metrics.Metrics
	traced  bool
	now     func() time.Time
}

// span begins a part of the request that ctx belongs to.
func (o *observer) span(ctx context.Context, name string) (context.Context, *trace.Span) {
	if !o.traced {
		return ctx, nil
	}
	return trace.Start(ctx, name)
}

// store is a store whose transactions are observed.
type store struct {
	idpool.Store
	*observer
}

// View implements idpool.Store.
func (s store) View(ctx context.Context, fn func(idpool.Reader) error) error {
	ctx, span := s.span(ctx, "store view")
	defer span.End()
	began := s.now()
	err := s.Store.View(ctx, fn)
	s.metrics.View(s.now().Sub(began), s.away(err, span))
	return err
}

// Update implements idpool.Store.
func (s store) Update(ctx context.Context, fn func(idpool.Writer) error) error {
	ctx, span := s.span(ctx, "store update")
	defer span.End()
	began, tries := s.now(), 0
	err := s.Store.Update(ctx, func(w idpool.Writer) error {
		tries++
		return fn(w)
	})
	span.Int("idpool.tries", tries)
	s.metrics.Update(s.now().Sub(began), tries, s.away(err, span))
	return err
}

// away reports whether the store itself failed, and not what was to be done.
func (s store) away(err error, span *trace.Span) bool {
	if err == nil || idpool.KindOf(err) != idpool.Unavailable {
		return false
	}
	span.Failed()
	return true
}

// verifier is a kind of provider whose verifications are observed.
type verifier struct {
	login.Verifier
	*observer
	kind string
}

// Verify implements login.Verifier.
func (v verifier) Verify(ctx context.Context, pool *idpool.PoolConfig, p login.Presented) (idpool.VerifiedLogin, error) {
	ctx, span := v.span(ctx, "verify login")
	defer span.End()
	began := v.now()
	verified, err := v.Verifier.Verify(ctx, pool, p)
	outcome := loginOutcome(err)
	span.Text("idpool.login.kind", v.kind)
	span.Text("idpool.login.outcome", outcome)
	v.metrics.Login(v.kind, outcome, v.now().Sub(began))
	return verified, err
}

// Prefetch implements login.Prefetcher, for a kind that does.
func (v verifier) Prefetch(pool *idpool.PoolConfig) {
	if p, ok := v.Verifier.(login.Prefetcher); ok {
		p.Prefetch(pool)
	}
}

// The outcomes of verifying a login.
const (
	verified    = "verified"
	refused     = "refused"
	unavailable = "unavailable" // a provider had to be asked, and could not be
	failed      = "failed"      // a fault of ours
)

func loginOutcome(err error) string {
	switch {
	case err == nil:
		return verified
	case idpool.KindOf(err) == idpool.Upstream:
		return unavailable
	case idpool.KindOf(err) == idpool.Internal:
		return failed
	}
	return refused
}

// authentication observes who signed the requests of a service.
func (o *observer) authentication(s *wire.Service) {
	authenticate := s.Authenticate
	if !o.traced || authenticate == nil {
		return
	}
	s.Authenticate = func(ctx context.Context, r *http.Request, body []byte) (idpool.Caller, error) {
		ctx, span := o.span(ctx, "authenticate")
		defer span.End()
		return authenticate(ctx, r, body)
	}
}

// upstream observes a call of the STS of somebody else.
func (o *observer) upstream(ctx context.Context, name string) (context.Context, func(error)) {
	ctx, span := o.span(ctx, "upstream STS")
	began := o.now()
	return ctx, func(err error) {
		outcome := "ok"
		switch {
		case err == nil:
		case idpool.KindOf(err) == idpool.AccessDenied:
			outcome = refused
		default:
			outcome = unavailable
			span.Failed()
		}
		span.Text("idpool.upstream", name)
		span.Text("idpool.upstream.outcome", outcome)
		span.End()
		o.metrics.Upstream(name, outcome, o.now().Sub(began))
	}
}
