// Package server is the whole of idpool behind two addresses: the API, and the
// one for operators.
//
//	API    POST /            the AWS services
//	       /.well-known/…    our issuer's documents
//	       /dev/…            the development issuer, in development mode
//	admin  /metrics /livez /readyz /debug/pprof/
//
// It wires nothing concrete: it is given the services, and adds what they
// share: limits, the log of events, metrics.
package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"idpool/internal/devissuer"
	"idpool/internal/idpool"
	"idpool/internal/metrics"
	"idpool/internal/token"
	"idpool/internal/trace"
	"idpool/internal/wire"
)

// Config is what a Server serves.
type Config struct {
	Services []*wire.Service
	Issuer   *token.Issuer
	Dev      *devissuer.Issuer // nil outside of development mode
	Store    idpool.Store      // asked whether the server is ready
	Metrics  *metrics.Metrics
	Traces   *trace.Tracer // nil: nobody wants them
	Log      *slog.Logger
	Now      func() time.Time
	// StopDelay is how long the API goes on as before after a stop, while
	// /readyz says no: long enough for a load balancer to see it.
	StopDelay time.Duration
	// TrustedProxies are the networks of load balancers that are believed about
	// the clients they forward for.
	TrustedProxies []netip.Prefix
}

// Server serves the API and the operators' address.
type Server struct {
	api, admin *http.Server
	stopping   atomic.Bool
	stopDelay  time.Duration
}

// The limits on a connection. A request's body is bounded by wire.MaxBody.
const (
	headerTime = 5 * time.Second
	readTime   = 15 * time.Second
	writeTime  = 45 * time.Second // from the header on: to read the body, to wait (25 s, package wire), and to write
	idleTime   = 2 * time.Minute
	maxHeader  = 32 << 10
)

// drainTime is how long requests in flight may take after a stop.
const drainTime = 10 * time.Second

// New makes a server.
func New(c Config) *Server {
	s := &Server{stopDelay: c.StopDelay}
	quiet := slog.NewLogLogger(c.Log.Handler(), slog.LevelDebug) // what strangers do to a connection
	s.api = &http.Server{
		Handler: c.apiHandler(), ErrorLog: quiet, ConnContext: keepConn,
		ReadHeaderTimeout: headerTime, ReadTimeout: readTime, WriteTimeout: writeTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
	}
	s.admin = &http.Server{
		Handler: s.adminHandler(c.Store, c.Metrics), ErrorLog: quiet,
		ReadHeaderTimeout: headerTime, ReadTimeout: readTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
	}
	return s
}

func (c Config) apiHandler() http.Handler {
	var aws http.Handler = &wire.Handler{Services: c.Services, Now: c.Now, Observe: func(ctx context.Context, ev *wire.Event) {
		span := c.span(ctx, ev)
		c.Metrics.Request(ev.Service, ev.Op, ev.Fault, ev.Took, span.TraceID())
		c.logEvent(ctx, ev, span.TraceID())
	}}
	if c.Traces != nil {
		aws = c.traced(aws)
	}
	mux := http.NewServeMux()
	c.Issuer.Mount(mux)
	if c.Dev != nil {
		c.Dev.Mount(mux)
	}
	mux.Handle("/{$}", aws)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "there is nothing at this address", http.StatusNotFound)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TransferEncoding) > 0 {
			// It may have had a length as well, which net/http keeps to itself.
			// Nothing behind it is to be taken for a request (RFC 9112, 6.3).
			w.Header().Set("Connection", "close")
		}
		proxies(c.TrustedProxies).seeClient(r)
		if r.URL.Path == "/" { // the hot path needs no routing
			aws.ServeHTTP(wholeAnswers(w, r), r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// logEvent writes the one line of a request: a client's mistake is news, a
// fault of ours an error. It names the trace that the request is in, if any.
func (c Config) logEvent(ctx context.Context, ev *wire.Event, trace string) {
	level := slog.LevelInfo
	switch {
	case ev.Status >= 500:
		level = slog.LevelError
	case ev.Status >= 400:
		level = slog.LevelWarn
	}
	log := c.Log.Handler() // not the Logger, which would look for the line of code
	if !log.Enabled(ctx, level) {
		return
	}
	var room [24]slog.Attr // more than an event has
	line := slog.NewRecord(c.Now(), level, "request", 0)
	line.AddAttrs(ev.AppendLogAttrs(room[:0])...)
	if trace != "" {
		line.AddAttrs(slog.String("trace", trace))
	}
	log.Handle(ctx, line)
}

// Serve serves until ctx ends and the delay is over, then finishes the requests
// in flight. admin may be nil.
func (s *Server) Serve(ctx context.Context, api, admin net.Listener) error {
	failed := make(chan error, 2)
	go func() { failed <- s.api.Serve(wholeListener{api}) }()
	if admin != nil {
		go func() { failed <- s.admin.Serve(admin) }()
	}
	select {
	case err := <-failed:
		return errors.Join(err, s.api.Close(), s.admin.Close())
	case <-ctx.Done():
	}
	s.stopping.Store(true) // /readyz says so from here on
	if s.stopDelay > 0 {
		select {
		case err := <-failed:
			return errors.Join(err, s.api.Close(), s.admin.Close())
		case <-time.After(s.stopDelay):
		}
	}
	drain, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	err := s.api.Shutdown(drain)
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.Join(errors.New("requests were still in flight when the time to finish them was over"), s.api.Close())
	}
	return errors.Join(err, s.admin.Close())
}
