// Package bench measures the server beside what the machine can do at best, in
// one run:
//
//	ours ─┬─ the floor: a bare net/http handler that reads the same request and
//	      │  writes the same bytes
//	      └─ for new identities, the store's group-committed insert rate
//
// Servers run as processes of their own; the load comes from this one. Ours and
// the bound take turns, so that a machine whose speed drifts slows both.
package bench

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"idpool/internal/idpool"
	"idpool/internal/store/sqlite"
)

// Config says how much to measure.
type Config struct {
	Clients int           // connections at once
	Time    time.Duration // of each measurement; each is taken Rounds times
	Pools   int           // that the listing pages through
	People  int           // who sign in for the first time
	Data    string        // folder for stores; emptied by the caller
	// Start runs a command of this program and returns the address that it
	// serves and a function that stops it.
	Start    func(ctx context.Context, args ...string) (host string, stop func(), err error)
	Progress func(step string, done, of int)
}

// Rounds is how often each measurement is repeated; the median counts.
const Rounds = 3

// Row is one line of the result.
type Row struct {
	Path  string  `json:"path"`
	Ours  Measure `json:"ours"`
	Bound Measure `json:"bound"`
	What  string  `json:"bound_is"` // what the bound is
	Ratio float64 `json:"ratio"`    // ours to the bound, requests a second
	Reach float64 `json:"to_reach"`
}

// Result is what a run found.
type Result struct {
	Clients int   `json:"clients"`
	Pools   int   `json:"pools"`
	Rows    []Row `json:"rows"`
}

// Run measures. It takes about half a minute with the usual figures.
func Run(ctx context.Context, c Config) (Result, error) {
	issuer, err := newIssuer()
	if err != nil {
		return Result{}, err
	}
	defer issuer.Close()
	host, stop, err := c.Start(ctx, "bench-ours", "--data", filepath.Join(c.Data, "ours"), "--login-issuer", issuer.url())
	if err != nil {
		return Result{}, fmt.Errorf("start the server: %w", err)
	}
	defer stop()
	floor, stopFloor, err := c.Start(ctx, "bench-floor")
	if err != nil {
		return Result{}, fmt.Errorf("start the floor: %w", err)
	}
	defer stopFloor()

	world, err := newWorld(ctx, host, issuer, c)
	if err != nil {
		return Result{}, fmt.Errorf("set up: %w", err)
	}
	result := Result{Clients: c.Clients, Pools: c.Pools}
	for i, p := range world.paths() {
		c.Progress(p.name, i, len(world.paths()))
		row, err := c.measure(ctx, p, host, floor)
		if err != nil {
			return Result{}, fmt.Errorf("%s: %w", p.name, err)
		}
		result.Rows = append(result.Rows, row)
	}
	return result, nil
}

// path is one line to measure.
type path struct {
	name  string
	reach float64
	next  func(n int) ([]byte, bool)
	once  bool // each request can be sent once only: a new person
}

// measure takes turns between ours and the bound.
func (c Config) measure(ctx context.Context, p path, host, floor string) (Row, error) {
	ours := load{host: host, clients: c.Clients, next: p.next}
	row := Row{Path: p.name, Reach: p.reach}
	var us, them []Measure
	var n atomic.Int64
	if p.once {
		row.What = "group-committed inserts"
		share := c.People / Rounds
		for round := range Rounds {
			limit := (round + 1) * share
			ours.next = func(i int) ([]byte, bool) {
				if i >= limit {
					return nil, false
				}
				return p.next(i)
			}
			n.Store(int64(round * share))
			m, err := ours.run(ctx, &n, time.Minute)
			if err != nil {
				return row, err
			}
			raw, err := c.rawInserts(ctx, round, share)
			if err != nil {
				return row, err
			}
			us, them = append(us, m), append(them, raw)
		}
	} else {
		row.What = "bare handler"
		first, _ := p.next(0)
		if err := teach(ctx, host, floor, first); err != nil {
			return row, err
		}
		bare := load{host: floor, clients: c.Clients, next: p.next}
		for range Rounds {
			m, err := ours.run(ctx, &n, c.Time)
			if err != nil {
				return row, err
			}
			f, err := bare.run(ctx, &n, c.Time)
			if err != nil {
				return row, fmt.Errorf("floor: %w", err)
			}
			us, them = append(us, m), append(them, f)
		}
	}
	row.Ours, row.Bound = median(us), median(them)
	row.Ratio = row.Ours.PerSecond / row.Bound.PerSecond
	return row, nil
}

func median(list []Measure) Measure {
	slices.SortFunc(list, func(a, b Measure) int { return cmp.Compare(a.PerSecond, b.PerSecond) })
	return list[len(list)/2]
}

// rawInserts is how fast the store takes new identities with a login each,
// from as many clients, with nothing around it.
func (c Config) rawInserts(ctx context.Context, round, count int) (Measure, error) {
	store, err := sqlite.Open(ctx, filepath.Join(c.Data, fmt.Sprintf("raw%d.db", round)))
	if err != nil {
		return Measure{}, err
	}
	defer store.Close()
	now := time.Now().UTC().Truncate(time.Millisecond)
	pool := idpool.Pool{ID: idpool.NewPoolID("us-east-1"), Account: "000000000000", Name: "raw", Version: 1, Created: now, Modified: now}
	if err := store.Update(ctx, func(w idpool.Writer) error { return w.CreatePool(ctx, pool) }); err != nil {
		return Measure{}, err
	}
	var n atomic.Int64
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	start := time.Now()
	for range c.Clients {
		wg.Go(func() {
			for i := n.Add(1); i <= int64(count); i = n.Add(1) {
				at := time.Now().UTC().Truncate(time.Millisecond)
				identity := idpool.Identity{ID: idpool.NewIdentityID("us-east-1", at), Pool: pool.ID, Created: at, Modified: at,
					Logins: []idpool.Login{{Provider: Provider, Subject: subject(int(i))}}}
				if err := store.Update(ctx, func(w idpool.Writer) error { return w.CreateIdentity(ctx, identity) }); err != nil {
					failed.Store(&err)
					return
				}
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return Measure{}, *err
	}
	return Measure{PerSecond: float64(count) / time.Since(start).Seconds(), Requests: count}, nil
}

// teach has the floor answer as ours does.
func teach(ctx context.Context, host, floor string, req []byte) error {
	c, err := dial(ctx, host)
	if err != nil {
		return err
	}
	defer c.Close()
	status, body, err := c.do(req)
	if err != nil || status != 200 {
		return fmt.Errorf("status %d: %.200s (%v)", status, body, err)
	}
	return setFloor(ctx, floor, body)
}

// JSON writes the result for programs.
func (r Result) JSON() ([]byte, error) { return json.MarshalIndent(r, "", "  ") }
