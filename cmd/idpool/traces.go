package main

import (
	"log/slog"
	"os"
	"time"

	"idpool/internal/trace"
)

// newTraces is where spans go; nil if the environment names no collector.
func newTraces(log *slog.Logger) (*trace.Tracer, error) {
	config, err := trace.FromEnvironment(os.Getenv)
	if config == nil || err != nil {
		return nil, err
	}
	config.Now = time.Now
	return trace.New(*config, log), nil
}
