package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

// aText is as plain as most texts in the log are, or anything but.
func aText(r *rand.Rand) string {
	if r.IntN(30) > 0 {
		return []string{"", "us-east-1:0189bd5c", "arn:aws:iam::111122223333:role/app", "Logins don't match. <&>"}[r.IntN(4)]
	}
	return []string{`a "quote"`, `back\slash`, "line\nbreak", "\x00\b\f\x1f\x7f", "é🎉", "\u2028\u2029\ufffd", "\xff half", "eyJhbGci.eyJzdWIi.c2ln"}[r.IntN(8)]
}

func anEvent(r *rand.Rand) *wire.Event {
	ev := &wire.Event{
		RequestID: aText(r), Service: aText(r), Op: aText(r), Remote: aText(r), Account: aText(r), Region: aText(r), AccessKey: aText(r), Principal: aText(r),
		Pool: idpool.PoolID(aText(r)), Identity: idpool.IdentityID(aText(r)), Role: aText(r), Upstream: aText(r), Outcome: aText(r),
		Status: r.IntN(600), Fault: aText(r), Msg: aText(r), Took: time.Duration(r.Int64()) - 1<<62,
	}
	for range r.IntN(3) {
		ev.Providers = append(ev.Providers, aText(r))
		ev.Tags = append(ev.Tags, aText(r))
		ev.RoleSteps = append(ev.RoleSteps, idpool.RoleStep{Source: aText(r), Role: aText(r), Matched: r.IntN(2) > 0, Why: aText(r)})
	}
	if r.IntN(2) > 0 {
		ev.Cause = errors.New(aText(r))
	}
	return ev
}

// TestLogIsThatOfSlog holds that a line is to the byte what slog's own handler of
// JSON makes of it.
func TestLogIsThatOfSlog(t *testing.T) {
	t.Parallel()
	var ours, theirs bytes.Buffer
	opts := &slog.HandlerOptions{Level: slog.LevelInfo}
	standard := slog.NewJSONHandler(&theirs, opts)
	handler := lineHandler{slog.NewJSONHandler(&ours, opts), &ours}
	same := func(record slog.Record) {
		t.Helper()
		ours.Reset()
		theirs.Reset()
		if err := handler.Handle(t.Context(), record); err != nil {
			t.Fatal(err)
		}
		standard.Handle(t.Context(), record)
		if ours.String() != theirs.String() {
			t.Fatalf("%s\nwant\n%s", &ours, &theirs)
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	times := []time.Time{{}, time.UnixMilli(1_700_000_000_000), time.Unix(1_700_000_000, 123_456_789).UTC(), time.Now(), time.Now().In(time.FixedZone("", -5400)), time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)}
	plain := 0
	for range 5000 {
		record := slog.NewRecord(times[r.IntN(len(times))], []slog.Level{slog.LevelInfo, slog.LevelWarn, slog.LevelError, 3}[r.IntN(4)], "request", 0)
		record.AddAttrs(anEvent(r).AppendLogAttrs(nil)...)
		same(record)
		if newLine().write(record) {
			plain++
		}
	}
	if plain < 500 {
		t.Errorf("only %d lines were plain", plain)
	}
	for _, attr := range []slog.Attr{
		{}, slog.Any("", nil), slog.String("", "no key"), slog.Any("key", nil), slog.Any("error", io.EOF), slog.Any("texts", []string(nil)), slog.Any("steps", []idpool.RoleStep(nil)),
		slog.Group("group", "a", 1), slog.Group("empty"), slog.Bool("bool", true), slog.Float64("float", 1e30), slog.Uint64("large", 1<<63), slog.Time("time", time.Now()),
		slog.Any("value", anEvent(r)), slog.Any("function", func() {}), slog.String(`"`, ""),
	} {
		record := slog.NewRecord(time.Now(), slog.LevelInfo, "any line", 0)
		record.AddAttrs(slog.Int("before", -1), attr, slog.Duration("after", time.Second))
		same(record)
	}
	logger := slog.New(handler).With("with", 1).WithGroup("group")
	ours.Reset()
	logger.Info("hello", "a", "b")
	if got := ours.String(); !bytes.HasSuffix(ours.Bytes(), []byte(`"msg":"hello","with":1,"group":{"a":"b"}}`+"\n")) {
		t.Errorf("with attributes of its own: %s", got)
	}
	if handler.Enabled(t.Context(), slog.LevelDebug) {
		t.Error("every level is enabled")
	}
}

// BenchmarkLog is the line of somebody who comes back.
func BenchmarkLog(b *testing.B) {
	ev := &wire.Event{
		RequestID: "4a0b6f0e-8f2f-4c37-9c2f-6f9d8f1f3f10", Service: "cognito-identity", Op: "GetId", Remote: "127.0.0.1:54321", Status: http.StatusOK,
		Pool: "us-east-1:0189bd5c-7a0e-7b3c-9b57-3f0f4ab1c2d3", Identity: "us-east-1:0189bd5c-7a0e-7b3c-9b57-3f0f4ab1c2d3",
		Providers: []string{"accounts.example.com"}, Outcome: "found", Took: 61234,
	}
	log, flush := newLogger(io.Discard, "json", "info")
	defer flush()
	for _, c := range []struct {
		name  string
		steps []idpool.RoleStep
	}{{"login", nil}, {"role", []idpool.RoleStep{{Source: "default role", Role: "arn:aws:iam::111122223333:role/app", Matched: true, Why: "the pool's role of authenticated identities"}}}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			ev.RoleSteps = c.steps
			for b.Loop() {
				record := slog.NewRecord(time.Now(), slog.LevelInfo, "request", 0)
				var room [24]slog.Attr
				record.AddAttrs(ev.AppendLogAttrs(room[:0])...)
				log.Handler().Handle(context.Background(), record)
			}
		})
	}
}
