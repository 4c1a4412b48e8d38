package main

import (
	"bytes"
	"io"
	"log/slog"
	"sync"
	"time"
)

// flushEvery is how long a log line may wait for its neighbours. One write for
// many lines keeps the log off the path of a request.
const flushEvery = 100 * time.Millisecond

// newLogger makes the log. The function returned writes what still waits.
func newLogger(w io.Writer, format, level string) (*slog.Logger, func()) {
	var at slog.Level
	if err := at.UnmarshalText([]byte(level)); err != nil {
		at = slog.LevelInfo // the flag allows known levels only
	}
	opts := &slog.HandlerOptions{Level: at}
	if format == "text" || format == "auto" && isTerminal(w) {
		return slog.New(slog.NewTextHandler(w, opts)), func() {}
	}
	b := &bufferedWriter{to: w, stop: make(chan struct{}), stopped: make(chan struct{})}
	go b.run()
	return slog.New(slog.NewJSONHandler(b, opts)), func() { close(b.stop); <-b.stopped }
}

// bufferedWriter gathers lines and writes them in the background.
type bufferedWriter struct {
	to            io.Writer
	stop, stopped chan struct{}

	mu  sync.Mutex
	buf bytes.Buffer
}

// maxWaiting bounds the memory of lines that wait, for a reader that is slow.
const maxWaiting = 1 << 20

func (b *bufferedWriter) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.buf.Len() > maxWaiting {
		b.drain()
	}
	return b.buf.Write(line)
}

func (b *bufferedWriter) run() {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			b.mu.Lock()
			b.drain()
			b.mu.Unlock()
		case <-b.stop:
			b.mu.Lock()
			b.drain()
			b.mu.Unlock()
			close(b.stopped)
			return
		}
	}
}

// drain writes what waits; b.mu is held.
func (b *bufferedWriter) drain() {
	b.to.Write(b.buf.Bytes())
	b.buf.Reset()
}
