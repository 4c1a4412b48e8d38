package limit

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"idpool/internal/idpool"
)

// clock stands still until it is moved.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

// taken is how many of n requests are taken.
func taken(n int, request func() error) (count int) {
	for range n {
		err := request()
		switch {
		case err == nil:
			count++
		case idpool.KindOf(err) != idpool.Throttled || !strings.HasPrefix(err.Error(), "Rate exceeded"):
			panic(err)
		}
	}
	return count
}

var home = netip.MustParseAddr("192.0.2.1")

// TestRates holds that a bucket takes two seconds' worth at once, and then its
// rate, and that buckets do not share.
func TestRates(t *testing.T) {
	c := &clock{time.Unix(1_800_000_000, 0)}
	l := New(Config{Operations: map[string]float64{"TagResource": 5, "Free": 0}, Others: 10, Address: 20, Guests: 1, Counts: Counts{}}, c.now)
	for name, row := range map[string]struct {
		request func() error
		burst   int
		second  int
	}{
		"an operation with a rate": {func() error { return l.Admit("TagResource", "111122223333", home) }, 10, 5},
		"another account":          {func() error { return l.Admit("TagResource", "444455556666", home) }, 10, 5},
		"another operation":        {func() error { return l.Admit("ListIdentityPools", "111122223333", home) }, 20, 10},
		"a public request":         {func() error { return l.Admit("GetId", "", home) }, 40, 20},
		"from elsewhere":           {func() error { return l.Admit("GetId", "", netip.MustParseAddr("192.0.2.2")) }, 40, 20},
		"its account":              {func() error { return l.Account("GetId", "111122223333") }, 20, 10},
		"a guest":                  {func() error { return l.Guest("us-east-1:a", home) }, 2, 1},
		"a guest of another pool":  {func() error { return l.Guest("us-east-1:b", home) }, 2, 1},
		"no limit":                 {func() error { return l.Account("Free", "111122223333") }, 100, 100},
	} {
		if got := taken(100, row.request); got != row.burst {
			t.Errorf("%s: %d of 100 at once, want %d", name, got, row.burst)
		}
		c.at = c.at.Add(time.Second)
		if got := taken(100, row.request); got != row.second {
			t.Errorf("%s: %d of 100 a second later, want %d", name, got, row.second)
		}
	}
}

// TestIPv6Networks holds that a household with a /64 has one bucket.
func TestIPv6Networks(t *testing.T) {
	c := &clock{time.Unix(1_800_000_000, 0)}
	l := New(Config{Address: 5}, c.now)
	from := func(address string) func() error {
		return func() error { return l.Admit("GetId", "", netip.MustParseAddr(address)) }
	}
	for address, want := range map[string]int{"2001:db8::1%eth0": 10, "2001:db8:0:1::1": 10} {
		if got := taken(20, from(address)); got != want {
			t.Errorf("%s: %d, want %d", address, got, want)
		}
	}
	if got := taken(1, from("2001:db8::2")); got != 0 {
		t.Error("a neighbour in one network has a bucket of his own")
	}
}

// TestFewRequestsASecond holds that a rate below one still takes a request.
func TestFewRequestsASecond(t *testing.T) {
	c := &clock{time.Unix(1_800_000_000, 0)}
	l := New(Config{Others: 0.1}, c.now)
	if got := taken(10, func() error { return l.Account("GetId", "1") }); got != 1 {
		t.Errorf("%d at once", got)
	}
	c.at = c.at.Add(10 * time.Second)
	if got := taken(10, func() error { return l.Account("GetId", "1") }); got != 1 {
		t.Errorf("%d after ten seconds", got)
	}
}

// TestRaceForABucket holds that a new bucket is one bucket, whoever comes first.
func TestRaceForABucket(t *testing.T) {
	c := &clock{time.Unix(1_800_000_000, 0)}
	for round := range 50 {
		l := New(Config{Guests: 5}, c.now)
		var n atomic.Int64
		var wg sync.WaitGroup
		for range 32 {
			wg.Go(func() {
				if l.Guest("pool", home) == nil {
					n.Add(1)
				}
			})
		}
		wg.Wait()
		if n.Load() != 10 {
			t.Fatalf("round %d: %d taken, want 10", round, n.Load())
		}
	}
}

// TestManyAddresses holds that strangers from everywhere do not grow the table.
func TestManyAddresses(t *testing.T) {
	c := &clock{time.Unix(1_800_000_000, 0)}
	l := New(Config{Address: 1}, c.now)
	for i := range maxBuckets + 20_000 {
		l.Admit("GetId", "", netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	l.buckets.CleanUp()
	if n := l.buckets.EstimatedSize(); n > maxBuckets {
		t.Errorf("%d buckets, at most %d", n, maxBuckets)
	}
}

func TestPresets(t *testing.T) {
	for _, name := range Presets() {
		if _, ok := Preset(name); !ok {
			t.Errorf("no preset %s", name)
		}
	}
	if _, ok := Preset("AWS"); ok {
		t.Error("a preset in another case")
	}
	aws, _ := Preset(AWS)
	for op, want := range map[string]float64{"GetId": 25, "GetOpenIdToken": 200, "GetCredentialsForIdentity": 200, "GetOpenIdTokenForDeveloperIdentity": 200, "ListTagsForResource": 10, "TagResource": 5, "UntagResource": 5} {
		if aws.Operations[op] != want {
			t.Errorf("aws: %s %g, want %g", op, aws.Operations[op], want)
		}
	}
	if want := (Counts{Pools: 1000, UserPoolClients: 50, Rules: 25, Tags: 50, OIDCProviders: 100}); aws.Counts != want {
		t.Errorf("aws: %+v", aws.Counts)
	}
	off, _ := Preset(Off)
	l := New(off, time.Now)
	for i := range 100_000 {
		if l.Admit("GetId", "", home) != nil || l.Account("GetId", "1") != nil || l.Guest("p", home) != nil {
			t.Fatalf("off: request %d was refused", i)
		}
	}
	if err := (Config{Operations: map[string]float64{"GetID": 1}}).Check([]string{"GetId"}); err == nil || err.Error() != fmt.Sprintf("there is no operation %q", "GetID") {
		t.Errorf("a typo: %v", err)
	}
}
