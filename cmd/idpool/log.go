package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"idpool/internal/idpool"
	"idpool/internal/wire"
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
	return slog.New(lineHandler{slog.NewJSONHandler(b, opts), b}), func() { close(b.stop); <-b.stopped }
}

// lineHandler writes what slog's handler of JSON would, to the byte, in half of
// the time if it is as plain as the line of a request that went well. Any other
// line it leaves to slog.
type lineHandler struct {
	slog.Handler // of JSON
	to           io.Writer
}

// Handle implements slog.Handler.
func (h lineHandler) Handle(ctx context.Context, r slog.Record) error {
	l := lines.Get().(*line)
	defer lines.Put(l)
	l.Reset()
	if !l.write(r) {
		return h.Handler.Handle(ctx, r)
	}
	_, err := h.to.Write(l.Bytes())
	return err
}

// line is a line that is being made.
type line struct {
	bytes.Buffer
	json *json.Encoder // into it
}

var lines = sync.Pool{New: func() any { return newLine() }}

func newLine() *line {
	l := &line{}
	l.json = json.NewEncoder(&l.Buffer)
	l.json.SetEscapeHTML(false)
	return l
}

// write writes a record; false if it is not plain.
func (l *line) write(r slog.Record) bool {
	l.WriteString(`{"time":"`)
	at, err := r.Time.AppendText(l.AvailableBuffer())
	if err != nil || r.Time.IsZero() {
		return false
	}
	l.Write(at)
	l.WriteString(`","level":"`)
	l.WriteString(r.Level.String())
	l.WriteString(`","msg":`)
	plain := l.text(r.Message)
	r.Attrs(func(a slog.Attr) bool {
		plain = plain && a.Key != "" && l.attr(a)
		return plain
	})
	l.WriteString("}\n")
	return plain
}

func (l *line) attr(a slog.Attr) bool {
	l.WriteByte(',')
	if !l.text(a.Key) {
		return false
	}
	l.WriteByte(':')
	switch a.Value.Kind() {
	case slog.KindString:
		return l.text(a.Value.String())
	case slog.KindInt64:
		l.number(a.Value.Int64())
		return true
	case slog.KindDuration:
		l.number(int64(a.Value.Duration()))
		return true
	case slog.KindAny:
		switch v := a.Value.Any().(type) {
		case []string, []idpool.RoleStep:
			if err := l.json.Encode(v); err != nil {
				return false
			}
			l.Truncate(l.Len() - 1) // its line break
			return true
		}
	}
	return false
}

func (l *line) number(n int64) { l.Write(strconv.AppendInt(l.AvailableBuffer(), n, 10)) }

// text writes a string that needs no escapes.
func (l *line) text(s string) bool {
	if !wire.PlainText(s) {
		return false
	}
	l.WriteByte('"')
	l.WriteString(s)
	l.WriteByte('"')
	return true
}

// bufferedWriter gathers lines and writes them in the background.
type bufferedWriter struct {
	to            io.Writer
	stop, stopped chan struct{}

	mu  sync.Mutex
	buf []byte // lines that wait

	draining sync.Mutex
	spare    []byte // what buf becomes meanwhile
}

// maxWaiting bounds the memory of lines that wait, for a reader that is slow.
const maxWaiting = 1 << 20

func (b *bufferedWriter) Write(line []byte) (int, error) {
	b.mu.Lock()
	b.buf = append(b.buf, line...)
	full := len(b.buf) > maxWaiting
	b.mu.Unlock()
	if full {
		b.drain()
	}
	return len(line), nil
}

func (b *bufferedWriter) run() {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			b.drain()
		case <-b.stop:
			b.drain()
			close(b.stopped)
			return
		}
	}
}

// drain writes what waits. New lines gather meanwhile, and wait for nobody.
func (b *bufferedWriter) drain() {
	b.draining.Lock()
	defer b.draining.Unlock()
	b.mu.Lock()
	waiting := b.buf
	b.buf = b.spare[:0]
	b.mu.Unlock()
	if len(waiting) > 0 {
		b.to.Write(waiting)
	}
	b.spare = waiting
}
