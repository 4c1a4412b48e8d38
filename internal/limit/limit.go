// Package limit bounds how much of the server one account, one client address
// or one pool can use.
//
//	request ─► Admit: the rate of its client address, or of its account for the operation
//	public  ─► Account: the rate of the pool's account for the operation
//	        ─► Guest: the rate of new guests of a pool from an address
//
// Rates are token buckets, kept in bounded tables: a stranger who comes from
// many addresses makes the table forget, not grow.
package limit

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/time/rate"

	"idpool/internal/idpool"
)

// Config are the limits. A rate is in requests a second, zero or less means
// that there is no limit; the bucket of a rate holds two seconds of it, and at
// least one request.
type Config struct {
	// Operations are the rates of one account, by operation.
	Operations map[string]float64
	// Others is the rate of one account for each operation that Operations
	// does not name.
	Others float64
	// Address is the rate of one client address for all public operations
	// together: an IPv4 address, or the /64 network of an IPv6 address.
	Address float64
	// Guests is the rate at which one client address can make guests of one
	// pool. Each is a row in the store.
	Guests float64

	Counts
}

// Counts bound how many there can be of something. Zero means no limit but that
// of the service model.
type Counts struct {
	Pools           int // of an account in a region
	UserPoolClients int // of a pool
	Rules           int // of a role mapping
	Tags            int // of a pool
	OIDCProviders   int // of an account
}

// The presets.
const (
	Default = "default" // generous
	AWS     = "aws"     // the figures of the hosted service (behaviour 7.2)
	Off     = "off"     // none
)

// Preset returns the limits of a preset, and whether there is one of that name.
func Preset(name string) (Config, bool) {
	switch name {
	case Off:
		return Config{}, true
	case Default:
		return Config{
			Others: 20_000, Address: 2_000, Guests: 100,
			Counts: Counts{Pools: 100_000, UserPoolClients: 1_000, Rules: 400, Tags: 50, OIDCProviders: 1_000},
		}, true
	case AWS:
		c, _ := Preset(Default)
		c.Operations = map[string]float64{
			"GetId": 25, "GetOpenIdToken": 200, "GetCredentialsForIdentity": 200, "GetOpenIdTokenForDeveloperIdentity": 200,
			"ListTagsForResource": 10, "TagResource": 5, "UntagResource": 5,
		}
		c.Counts = Counts{Pools: 1_000, UserPoolClients: 50, Rules: 25, Tags: 50, OIDCProviders: 100}
		return c, true
	}
	return Config{}, false
}

// Presets are the names of the presets.
func Presets() []string { return []string{Default, AWS, Off} }

// maxBuckets bounds each table. A bucket that is not asked for in bucketAge is
// full again and can be forgotten.
const (
	maxBuckets = 100_000
	bucketAge  = time.Minute
)

// Limiter counts requests. It is safe for concurrent use.
type Limiter struct {
	Config
	// Refused are the requests refused, by the limit that did.
	Refused struct{ Addresses, Accounts, Guests atomic.Uint64 }

	now     func() time.Time
	buckets *otter.Cache[string, *rate.Limiter]
}

// New makes a limiter.
func New(c Config, now func() time.Time) *Limiter {
	return &Limiter{Config: c, now: now, buckets: otter.Must(&otter.Options[string, *rate.Limiter]{
		MaximumSize:      maxBuckets,
		ExpiryCalculator: otter.ExpiryAccessing[string, *rate.Limiter](bucketAge),
	})}
}

// Admit counts a request of an account to an operation, or without an account
// a public request of a client address. The error is of kind Throttled.
func (l *Limiter) Admit(op, account string, client netip.Addr) error {
	if account == "" {
		return l.take(l.Address, "address "+network(client), &l.Refused.Addresses)
	}
	return l.Account(op, account)
}

// Account counts a request to an account's operation. The error is of kind
// Throttled.
func (l *Limiter) Account(op, account string) error {
	limit, named := l.Operations[op]
	if !named {
		limit = l.Others
	}
	return l.take(limit, "account "+account+" "+op, &l.Refused.Accounts)
}

// Guest counts a new guest of a pool, made from a client address. The error is
// of kind Throttled.
func (l *Limiter) Guest(pool idpool.PoolID, client netip.Addr) error {
	return l.take(l.Guests, "guest "+string(pool)+" "+network(client), &l.Refused.Guests)
}

func (l *Limiter) take(limit float64, bucket string, refused *atomic.Uint64) error {
	if limit <= 0 {
		return nil
	}
	b, ok := l.buckets.GetIfPresent(bucket)
	if !ok {
		b, _ = l.buckets.ComputeIfAbsent(bucket, func() (*rate.Limiter, bool) {
			return rate.NewLimiter(rate.Limit(limit), max(1, int(2*limit))), false
		})
	}
	if b.AllowN(l.now(), 1) {
		return nil
	}
	refused.Add(1)
	return idpool.Errorf(idpool.Throttled, "Rate exceeded").Because(fmt.Errorf("more than %g a second: %s", limit, bucket))
}

// network is what a client address is counted as: a household with IPv6 has a
// whole /64 of addresses.
func network(client netip.Addr) string {
	if client.Is6() {
		prefix, _ := client.WithZone("").Prefix(64) // fails only for more bits than there are
		return prefix.String()
	}
	return client.String()
}

// Check says what is wrong with limits that an operator chose. operations are
// the names that there are.
func (c Config) Check(operations []string) error {
	for _, name := range slices.Sorted(maps.Keys(c.Operations)) {
		if !slices.Contains(operations, name) {
			return fmt.Errorf("there is no operation %q", name)
		}
	}
	return nil
}
