package bench

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Point is how one path fares at one size.
type Point struct {
	Path       string  `json:"path"`
	Identities int     `json:"identities"` // in the store
	Clients    int     `json:"clients"`
	Measure    Measure `json:"measure"`
	Memory     float64 `json:"memory_mb"`   // of the server at most, mapped files and all
	Own        float64 `json:"own_mb"`      // of it what is not a mapped file
	Store      float64 `json:"store_bytes"` // on the disk
}

// crowdings are the numbers of clients that are tried: powers of four.
func crowdings(most int) (list []int) {
	for n := 1; n < most; n *= 4 {
		list = append(list, n)
	}
	return append(list, most)
}

// stages are the sizes of the store that are looked at: powers of ten up to the
// last.
func stages(last int, all bool) (list []int) {
	for n := 10_000; all && n < last; n *= 10 {
		list = append(list, n)
	}
	return append(list, last)
}

// grow fills the store, measuring on the way if the bench is to, and starts the
// server on it. It returns the last crowd, who are most of those there.
func (b *bench) grow(ctx context.Context) (last crowd, err error) {
	there, took := 0, time.Duration(0)
	for i, size := range stages(b.Fill, b.Grow) {
		b.stop()
		last = crowd{number: i + 1, size: size - there}
		begun := time.Now()
		if err := b.fill(ctx, last); err != nil {
			return last, fmt.Errorf("fill the store: %w", err)
		}
		took += time.Since(begun)
		there = size
		b.peak = 0
		begun = time.Now()
		if err := b.restart(ctx); err != nil {
			return last, err
		}
		if size == b.Fill {
			b.result.figure(fmt.Sprintf("first answer, %d identities", size), milliseconds(time.Since(begun)), "ms", 100)
		}
		if b.Grow {
			points, err := b.look(ctx, last, there, b.Clients)
			if err != nil {
				return last, err
			}
			b.result.Growth = append(b.result.Growth, points...)
		}
	}
	bytes, err := b.storeBytes(ctx)
	b.result.figure("filling", float64(b.Fill)/took.Seconds(), "identities/s", 0)
	b.result.figure("store, for an identity with one login", bytes/float64(b.Fill), "bytes", 0)
	return last, err
}

func (b *bench) fill(ctx context.Context, c crowd) (err error) {
	s, err := b.open(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if closed := s.Close(); err == nil {
			err = closed
		}
	}()
	if err := fill(ctx, s, b.world.pool, c, b.Progress); err != nil || b.db == nil {
		return err
	}
	return b.db.exec(ctx, fmt.Sprintf("ANALYZE %[1]s.identity, %[1]s.login", b.db.schema)) // as its own daemon does sooner or later
}

// crowd looks at the store as it is from one client, and from more and more.
func (b *bench) crowd(ctx context.Context, all crowd) error {
	for _, clients := range crowdings(b.Crowd) {
		b.peak = 0
		if err := b.restart(ctx); err != nil {
			return err
		}
		points, err := b.look(ctx, all, b.Fill, clients)
		if err != nil {
			return err
		}
		b.result.Crowding = append(b.result.Crowding, points...)
	}
	return nil
}

// look measures three paths once: people of a crowd who come back, and new ones.
func (b *bench) look(ctx context.Context, all crowd, identities, clients int) (points []Point, err error) {
	step := fmt.Sprintf("%d identities, %d clients", identities, clients)
	b.Progress(step, 0, 3)
	w := b.world
	if err := w.meet(ctx, min(regularCount, b.People/8+1), all.someone, b.Progress); err != nil {
		return nil, err
	}
	b.looks++
	if w.first, err = w.sign(ctx, jose.RS256, max(clients, b.People/8), newcomers(2+b.looks), b.Progress); err != nil {
		return nil, err
	}
	paths, err := w.paths()
	if err != nil {
		return nil, err
	}
	for i, p := range paths[1:4] {
		b.Progress(step, i, 3)
		l := load{host: b.ours.Host, pid: b.ours.PID, clients: clients, next: p.next, most: p.once}
		if p.once == 0 {
			if _, err := l.run(ctx, new(atomic.Int64), b.Time/10); err != nil {
				return nil, fmt.Errorf("%s: %w", p.name, err)
			}
		}
		m, err := l.run(ctx, new(atomic.Int64), b.Time)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
		points = append(points, Point{Path: p.name, Identities: identities, Clients: clients, Measure: m})
	}
	bytes, err := b.storeBytes(ctx)
	for i := range points {
		points[i].Memory, points[i].Own, points[i].Store = b.most(), residentMB(b.ours.PID, "RssAnon:"), bytes
	}
	return points, err
}
