// Package bench measures the server beside what the machine can do at best, in
// one run:
//
//	ours ─┬─ the floor: a bare net/http handler that reads the same request and
//	      │  writes the same bytes
//	      ├─ for a token never seen, the floor with one RSA verification by the
//	      │  standard library
//	      └─ for new identities, the store's group-committed insert rate
//
// Servers run as processes of their own; the load comes from this one. Ours and
// the bound take turns, so that a machine whose speed drifts slows both.
package bench

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"
)

// Config says how much to measure.
type Config struct {
	Clients    int           // connections at once
	Time       time.Duration // of each measurement; each is taken Rounds times
	Pools      int           // that the listing pages through
	People     int           // who sign in for the first time, and come back
	Identities int           // that are there already
	Data       string        // folder for stores; emptied by the caller
	Profile    string        // folder for CPU profiles of the server; empty: none
	// Start runs a command of this program.
	Start    func(ctx context.Context, args ...string) (Program, error)
	Progress func(step string, done, of int)
}

// Program is a command of this program that runs beside the bench.
type Program struct {
	Host  string // that it serves
	Admin string // address of its profiles; empty: none
	PID   int
	Stop  func()
}

// Rounds is how often each measurement is repeated; the median counts.
const Rounds = 3

// Row is one line of the result.
type Row struct {
	Path   string  `json:"path"`
	Ours   Measure `json:"ours"`
	Bound  Measure `json:"bound"`
	What   string  `json:"bound_is"`
	Ratio  float64 `json:"ratio"` // ours to the bound, requests a second
	Reach  float64 `json:"to_reach"`
	AtHalf Measure `json:"at_half"` // ours at half of its rate
}

// Figure is a single figure beside what it should be at most.
type Figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	Reach float64 `json:"to_reach"`
}

// Result is what a run found.
type Result struct {
	Clients    int      `json:"clients"`
	Pools      int      `json:"pools"`
	Identities int      `json:"identities"`
	Rows       []Row    `json:"rows"`
	Figures    []Figure `json:"figures"`
}

// JSON writes the result for programs.
func (r Result) JSON() ([]byte, error) { return json.MarshalIndent(r, "", "  ") }

// Run measures. It takes about a minute with the usual figures.
func Run(ctx context.Context, c Config) (Result, error) {
	issuer, err := newIssuer()
	if err != nil {
		return Result{}, err
	}
	defer issuer.Close()
	b := &bench{Config: c, issuer: issuer, result: Result{Clients: c.Clients, Pools: c.Pools, Identities: c.Identities}}
	defer func() { b.ours.stop(); b.floor.stop() }()
	return b.result, b.run(ctx)
}

// bench is one run.
type bench struct {
	Config
	issuer      *issuer
	ours, floor Program
	world       *world
	result      Result
	peak        float64 // MB of the server, of all its lives
}

func (p Program) stop() {
	if p.Stop != nil {
		p.Stop()
	}
}

func (b *bench) run(ctx context.Context) (err error) {
	if b.floor, err = b.Start(ctx, "bench-floor"); err != nil {
		return fmt.Errorf("start the floor: %w", err)
	}
	if err := b.restart(ctx, "first answer, empty store", 50); err != nil {
		return err
	}
	b.result.figure("memory, idle", residentMB(b.ours.PID, "VmRSS:"), "MB", 30)
	if b.world, err = newWorld(ctx, b.ours.Host, b.issuer, b.Config); err != nil {
		return fmt.Errorf("set up: %w", err)
	}
	if b.Identities > 0 {
		b.ours.stop()
		if err := b.fill(ctx); err != nil {
			return fmt.Errorf("fill the store: %w", err)
		}
		if err := b.restart(ctx, fmt.Sprintf("first answer, %d identities", b.Identities), 100); err != nil {
			return err
		}
	}
	paths := b.world.paths()
	for i, p := range paths {
		b.Progress(p.name, i, len(paths))
		if p.forget { // what the server remembers of tokens goes with the process
			if err := b.restart(ctx, "", 0); err != nil {
				return err
			}
		}
		row, err := b.measure(ctx, p)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		b.result.Rows = append(b.result.Rows, row)
	}
	b.result.figure("memory, at most", max(b.peak, residentMB(b.ours.PID, "VmHWM:")), "MB", 256)
	return nil
}

func (r *Result) figure(name string, value float64, unit string, reach float64) {
	r.Figures = append(r.Figures, Figure{name, value, unit, reach})
}

// restart starts the server, again if it runs, and waits for its first answer.
func (b *bench) restart(ctx context.Context, figure string, reach float64) error {
	if b.ours.PID != 0 {
		b.peak = max(b.peak, residentMB(b.ours.PID, "VmHWM:"))
	}
	b.ours.stop()
	begun := time.Now()
	var err error
	b.ours, err = b.Start(ctx, "bench-ours", "--data", b.folder(), "--login-issuer", b.issuer.url())
	if err != nil {
		return fmt.Errorf("start the server: %w", err)
	}
	conn, err := dial(ctx, b.ours.Host)
	if err != nil {
		return err
	}
	defer conn.Close()
	w := world{host: b.ours.Host}
	req, err := w.build(ctx, "GetId", map[string]string{"IdentityPoolId": region + ":00000000-0000-4000-8000-000000000000"})
	if err != nil {
		return err
	}
	if status, body, err := conn.do(req); err != nil || status != 400 {
		return fmt.Errorf("first answer: status %d: %.200s (%v)", status, body, err)
	}
	if figure != "" {
		b.result.figure(figure, float64(time.Since(begun).Microseconds())/1000, "ms", reach)
	}
	if b.world != nil {
		b.world.host = b.ours.Host
	}
	return nil
}

func (b *bench) folder() string { return filepath.Join(b.Data, "ours") }

// bound is what a path is measured against.
type bound int

const (
	bare     bound = iota // a bare handler
	verified              // one that verifies an RSA signature besides
	inserts               // the store alone
)

func (b bound) String() string {
	return [...]string{"bare handler", "bare handler + one RSA verification", "group-committed inserts"}[b]
}

// path is one line to measure.
type path struct {
	name   string
	bound  bound
	reach  float64
	next   func(n int) ([]byte, error) // the request with a number
	keep   func(n int, answer []byte)  // may be nil
	once   int                         // so many requests, each good once; 0: any number
	forget bool                        // before it, the server forgets what it saw
}

// measure takes turns between ours and the bound, and then looks at ours at
// half of its rate.
func (b *bench) measure(ctx context.Context, p path) (row Row, err error) {
	row = Row{Path: p.name, Reach: p.reach, What: p.bound.String()}
	share := p.once / (Rounds + 1) // the last is for half of the rate
	ours := load{host: b.ours.Host, pid: b.ours.PID, clients: b.Clients, next: p.next, keep: p.keep, most: share}
	floor := load{host: b.floor.Host, pid: b.floor.PID, clients: b.Clients, next: p.next, most: share}
	if p.bound != inserts {
		if err := b.teach(ctx, p); err != nil {
			return row, err
		}
	}
	if p.once == 0 { // what is filled by the first requests is not measured
		if _, err := ours.run(ctx, new(atomic.Int64), b.Time/10); err != nil {
			return row, err
		}
	}
	var n, m atomic.Int64 // numbers of the requests to ours, and to the floor
	var us, them []Measure
	for round := range Rounds {
		stop := b.profile(ctx, p.name, round)
		one, err := ours.run(ctx, &n, b.Time)
		stop()
		if err != nil {
			return row, err
		}
		other, err := Measure{}, error(nil)
		if p.bound == inserts {
			other, err = b.rawInserts(ctx, round, share)
		} else {
			other, err = floor.run(ctx, &m, b.Time)
		}
		if err != nil {
			return row, fmt.Errorf("%s: %w", p.bound, err)
		}
		us, them = append(us, one), append(them, other)
	}
	row.Ours, row.Bound = median(us), median(them)
	row.Ratio = row.Ours.PerSecond / row.Bound.PerSecond
	ours.rate = row.Ours.PerSecond / 2
	row.AtHalf, err = ours.run(ctx, &n, b.Time)
	return row, err
}

func median(list []Measure) Measure {
	slices.SortFunc(list, func(a, b Measure) int { return cmp.Compare(a.PerSecond, b.PerSecond) })
	return list[len(list)/2]
}

// teach has the floor answer as ours does.
func (b *bench) teach(ctx context.Context, p path) error {
	req, err := p.next(0)
	if err != nil {
		return err
	}
	c, err := dial(ctx, b.ours.Host)
	if err != nil {
		return err
	}
	defer c.Close()
	status, body, err := c.do(req)
	if err == nil && status != 200 {
		err = fmt.Errorf("status %d: %.200s", status, body)
	}
	return errors.Join(err, setFloor(ctx, b.floor.Host, body, p.bound == verified))
}
