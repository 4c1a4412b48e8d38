package bench

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync/atomic"
)

// against measures the same requests at ours and at another server, in turns.
// The other one is used only through the API. Of its answers, that they are 200
// is all that is asked.
func (b *bench) against(ctx context.Context) (err error) {
	u, err := url.Parse(b.Against)
	if err != nil || u.Scheme != "http" || u.Port() == "" {
		return fmt.Errorf("%q is not like http://127.0.0.1:5000", b.Against)
	}
	if err := b.restart(ctx); err != nil {
		return err
	}
	if b.world, err = newWorld(ctx, b.ours.Host, b.issuer, b.Config); err != nil {
		return fmt.Errorf("set up: %w", err)
	}
	other, err := b.otherWorld(ctx, u.Host)
	if err != nil {
		return fmt.Errorf("set up %s: %w", b.Against, err)
	}
	var both [2][]path
	for i, w := range []*world{b.world, other} {
		if err := w.meet(ctx, min(regularCount, b.People), newcomers(1), b.Progress); err != nil {
			return err
		}
		if both[i], err = w.paths(); err != nil {
			return err
		}
	}
	for i, ours := range both[0][:3] {
		b.Progress(ours.name, i, 3)
		one := load{host: b.ours.Host, pid: b.ours.PID, clients: b.Clients, next: ours.next}
		two := load{host: u.Host, clients: b.Clients, next: both[1][i].next}
		row, err := b.turns(ctx, ours.name, one, two)
		if err != nil {
			return err
		}
		b.result.Rows = append(b.result.Rows, row)
	}
	return nil
}

// otherWorld makes a pool and its like at another server. Nobody tells that one
// where our issuer really lives, so its name there is its address.
func (b *bench) otherWorld(ctx context.Context, host string) (*world, error) {
	w := &world{host: host, issuer: b.issuer, provider: strings.TrimPrefix(b.issuer.url(), "http://"), at: b.issuer.url()}
	client := newConn(host)
	defer client.Close()
	_ = w.trust(ctx, client) // a server without IAM can do without, and some have no roles:
	if err := w.makePool(ctx, client); err != nil {
		return nil, err
	}
	_ = w.setRole(ctx, client) // one that does need them refuses what is measured
	return w, w.makePools(ctx, b.Config)
}

// turns measures a path at both.
func (b *bench) turns(ctx context.Context, name string, ours, theirs load) (Row, error) {
	row := Row{Path: name, What: b.Against}
	var us, them []Measure
	var n, m atomic.Int64
	for range Rounds {
		one, err := ours.run(ctx, &n, b.Time)
		if err != nil {
			return row, fmt.Errorf("%s: %w", name, err)
		}
		other, err := theirs.run(ctx, &m, b.Time)
		if err != nil {
			return row, fmt.Errorf("%s at %s: %w", name, b.Against, err)
		}
		us, them = append(us, one), append(them, other)
	}
	row.Ours, row.Bound = median(us), median(them)
	row.Ratio = row.Ours.PerSecond / row.Bound.PerSecond
	return row, nil
}
