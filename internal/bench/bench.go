// Package bench measures the server beside what the machine can do at best, in
// one run:
//
//	ours ─┬─ the floor: a bare net/http handler that reads the same request and
//	      │  writes the same bytes
//	      ├─ for a token never seen, the floor with one verification by the
//	      │  standard library
//	      ├─ for new identities, the store's group-committed insert rate
//	      └─ on PostgreSQL, pgbench with the same statements
//
// The table is measured on an empty store, and again on one that millions of
// people are in already (Config.Fill); on the way there it can be seen to grow
// (Config.Grow). Another server that speaks the same API can stand in the place
// of the bounds (Config.Against).
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
	Clients  int           // connections at once
	Time     time.Duration // of each measurement; each is taken Rounds times
	Pools    int           // that the listing pages through
	People   int           // who sign in for the first time, and come back; for each table
	Fill     int           // people who are there before the second table; 0: no second table
	Grow     bool          // measure on the way to Fill, and from one client to Crowd
	Crowd    int           // clients at most
	Database string        // URL of a PostgreSQL database to work in; empty: the embedded store
	Against  string        // URL of another server; empty: none
	Data     string        // folder for stores; emptied by the caller
	Profile  string        // folder for CPU profiles of the server; empty: none
	// Start runs a command of this program, with more in its environment.
	Start    func(ctx context.Context, environ []string, args ...string) (Program, error)
	Progress func(step string, done, of int)
}

// DatabaseVariable is where a server under test finds the URL of its database:
// a password in its arguments could be read by everybody.
const DatabaseVariable = "IDPOOL_BENCH_DATABASE_URL"

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
	Path   string   `json:"path"`
	Ours   Measure  `json:"ours"`
	Bound  Measure  `json:"bound"`
	What   string   `json:"bound_is"`
	Ratio  float64  `json:"ratio"` // ours to the bound, requests a second
	Reach  float64  `json:"to_reach"`
	AtHalf Measure  `json:"at_half"`           // ours at half of its rate
	Alone  *Measure `json:"pgbench,omitempty"` // what pgbench reaches with the statements of the path
}

// Figure is a single figure beside what it should be at most.
type Figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	Reach float64 `json:"to_reach,omitempty"` // 0: nothing was promised
}

// Result is what a run found.
type Result struct {
	Clients  int      `json:"clients"`
	Pools    int      `json:"pools"`
	People   int      `json:"people"`
	Fill     int      `json:"fill"`
	Store    string   `json:"store"`
	Against  string   `json:"against,omitempty"`
	Rows     []Row    `json:"rows"`               // on an empty store, or ours beside another server
	Filled   []Row    `json:"filled,omitempty"`   // on a filled one
	Growth   []Point  `json:"growth,omitempty"`   // by identities
	Crowding []Point  `json:"crowding,omitempty"` // by clients
	Figures  []Figure `json:"figures,omitempty"`
	Notes    []string `json:"notes,omitempty"` // what was left out, and why
}

// JSON writes the result for programs.
func (r Result) JSON() ([]byte, error) { return json.MarshalIndent(r, "", "  ") }

// Run measures. It takes about a minute with the usual figures.
func Run(ctx context.Context, c Config) (_ Result, err error) {
	issuer, err := newIssuer()
	if err != nil {
		return Result{}, err
	}
	defer issuer.Close()
	b := &bench{Config: c, issuer: issuer, result: Result{
		Clients: c.Clients, Pools: c.Pools, People: c.People, Fill: c.Fill, Store: "SQLite", Against: c.Against,
	}}
	defer func() { b.ours.stop(); b.floor.stop() }()
	if c.Against != "" {
		return b.result, b.against(ctx)
	}
	if c.Database != "" {
		b.result.Store = "PostgreSQL"
		if b.db, err = newDatabase(ctx, c.Database); err != nil {
			return Result{}, err
		}
		defer func() { b.ours.stop(); err = errors.Join(err, b.db.drop()) }() // the server holds connections
	}
	err = b.run(ctx)
	return b.result, err
}

// bench is one run.
type bench struct {
	Config
	issuer      *issuer
	ours, floor Program
	world       *world
	db          *database // nil: the embedded store
	pgbench     *scripts  // nil: not on PostgreSQL
	aside       int       // stores opened beside the server's
	looks       int       // at the store on its way
	result      Result
	peak        float64 // MB of the server, of all its lives
}

func (p Program) stop() {
	if p.Stop != nil {
		p.Stop()
	}
}

func (b *bench) run(ctx context.Context) (err error) {
	if b.floor, err = b.Start(ctx, nil, "bench-floor"); err != nil {
		return fmt.Errorf("start the floor: %w", err)
	}
	begun := time.Now()
	if err := b.restart(ctx); err != nil {
		return err
	}
	if b.db == nil {
		b.result.figure("first answer, empty store", milliseconds(time.Since(begun)), "ms", 50)
	} else {
		b.result.figure("first answer, with making the tables", milliseconds(time.Since(begun)), "ms", 0)
	}
	b.result.figure("memory, idle", residentMB(b.ours.PID, "VmRSS:"), "MB", 30)
	if b.world, err = newWorld(ctx, b.ours.Host, b.issuer, b.Config); err != nil {
		return fmt.Errorf("set up: %w", err)
	}
	if b.db != nil {
		if err := b.prepare(ctx); err != nil {
			return fmt.Errorf("prepare pgbench: %w", err)
		}
	}
	if b.result.Rows, err = b.table(ctx, newcomers(1), newcomers(1)); err != nil {
		return err
	}
	b.result.figure("memory, at most, under load", b.most(), "MB", 256)
	if b.Fill == 0 {
		return nil
	}
	all, err := b.grow(ctx)
	if err != nil {
		return err
	}
	b.peak = 0
	if b.result.Filled, err = b.table(ctx, newcomers(2), all.someone); err != nil {
		return err
	}
	b.result.figure("memory, at most, under load, filled store", b.most(), "MB", 256)
	b.result.figure("of it what is not a mapped file, at the end", residentMB(b.ours.PID, "RssAnon:"), "MB", 0)
	if b.Grow {
		return b.crowd(ctx, all)
	}
	return nil
}

// newcomers are people of whom the store knows nothing. Their subjects have no
// order.
func newcomers(cohort int) func(i int) string {
	return func(i int) string { return subject(cohort*100_000_000 + i) }
}

// prepare records what pgbench will do, and makes the people that it looks for.
func (b *bench) prepare(ctx context.Context) error {
	s, err := b.open(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	b.pgbench, err = newScripts(ctx, s, b.world.pool, b.Data)
	if err != nil {
		return err
	}
	if b.pgbench.program == "" {
		b.result.Notes = append(b.result.Notes, "The column of pgbench is left out: pgbench is not here.")
		b.pgbench = nil
		return nil
	}
	_, err = b.pgbench.run(ctx, b.db, firstTime, b.Clients, knownPeople*b.Clients)
	return err
}

// table measures every path, with people who sign in for the first time, and
// people who come back to a server that never saw their tokens.
func (b *bench) table(ctx context.Context, first, back func(i int) string) (rows []Row, err error) {
	if err := b.world.invite(ctx, b.Config, first, back); err != nil {
		return nil, err
	}
	paths, err := b.world.paths()
	if err != nil {
		return nil, err
	}
	for i, p := range paths {
		b.Progress(p.name, i, len(paths))
		if p.forget { // what the server remembers of tokens goes with the process
			if err := b.restart(ctx); err != nil {
				return nil, err
			}
		}
		row, err := b.measure(ctx, p)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func (r *Result) figure(name string, value float64, unit string, reach float64) {
	r.Figures = append(r.Figures, Figure{name, value, unit, reach})
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// most is what the server held at most, in MB, in all its lives.
func (b *bench) most() float64 { return max(b.peak, residentMB(b.ours.PID, "VmHWM:")) }

// stop stops the server.
func (b *bench) stop() {
	if b.ours.PID != 0 {
		b.peak = b.most()
	}
	b.ours.stop()
}

// restart starts the server, again if it runs, and waits for its first answer.
func (b *bench) restart(ctx context.Context) (err error) {
	b.stop()
	var environ []string
	if b.db != nil {
		environ = []string{DatabaseVariable + "=" + b.db.url}
	}
	if b.ours, err = b.Start(ctx, environ, "bench-ours", "--data", b.folder(), "--login-issuer", b.issuer.url()); err != nil {
		return fmt.Errorf("start the server: %w", err)
	}
	c := newConn(b.ours.Host)
	defer c.Close()
	w := world{host: b.ours.Host}
	req, err := w.build(ctx, "GetId", map[string]string{"IdentityPoolId": region + ":00000000-0000-4000-8000-000000000000"})
	if err != nil {
		return err
	}
	if status, body, err := c.do(ctx, req); err != nil || status != 400 {
		return fmt.Errorf("first answer: status %d: %.200s (%v)", status, body, err)
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
	bare       bound = iota // a bare handler
	verified                // one that verifies an RSA signature besides
	verifiedEC              // one that verifies an ECDSA signature besides
	inserts                 // the store alone
)

func (b bound) String() string {
	return [...]string{"bare handler", "bare handler + one RSA verification", "bare handler + one ECDSA verification", "group-committed inserts"}[b]
}

// path is one line to measure.
type path struct {
	name   string
	bound  bound
	store  access // what it does there
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
	var us, them, alone []Measure
	for round := range Rounds {
		stop := b.profile(ctx, p.name, round)
		one, err := ours.run(ctx, &n, b.Time)
		stop()
		if err != nil {
			return row, err
		}
		other, err := Measure{}, error(nil)
		if p.bound == inserts {
			other, err = b.rawInserts(ctx, share)
		} else {
			other, err = floor.run(ctx, &m, b.Time)
		}
		if err != nil {
			return row, fmt.Errorf("%s: %w", p.bound, err)
		}
		us, them = append(us, one), append(them, other)
		if b.pgbench != nil && p.store != aside {
			theirs, err := b.pgbench.run(ctx, b.db, p.store, b.Clients, one.Requests)
			if err != nil {
				return row, err
			}
			alone = append(alone, theirs)
		}
	}
	if len(alone) > 0 {
		row.Alone = new(median(alone))
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
	c := newConn(b.ours.Host)
	defer c.Close()
	status, body, err := c.do(ctx, req)
	if err == nil && status != 200 {
		err = fmt.Errorf("status %d: %.200s", status, body)
	}
	return errors.Join(err, setFloor(ctx, b.floor.Host, body, p.bound))
}
