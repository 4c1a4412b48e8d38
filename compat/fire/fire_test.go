package fire

import (
	"context"
	"flag"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/jackc/pgx/v5"
)

var burn = flag.Duration("fire", 8*time.Second, "how long people sign in while servers and databases are killed")

// TestFire is the promise of docs/reliability.md: whatever is killed, nothing
// that was answered is lost, and nobody is two.
func TestFire(t *testing.T) {
	cluster := newCluster(t)
	c := newCrowd(t, cluster.nodes[:])
	kills, pauses, failovers, hangs := 0, 0, 0, 0
	c.storm(func() {
		any := func() *node { return cluster.nodes[rand.N(len(cluster.nodes))] }
		for end := time.Now().Add(*burn); failovers == 0 || time.Now().Before(end) && !t.Failed(); failovers++ {
			time.Sleep(time.Second)
			any().signal(syscall.SIGKILL)
			kills++
			time.Sleep(rand.N(time.Second))
			any().pause(rand.N(time.Second))
			pauses++
			if failovers%4 == 2 { // longer than a server waits for a commit
				c.expectWrites(false)
				cluster.failOver(t, 12*time.Second, 0)
				c.expectWrites(true)
				hangs++
			}
			cluster.failOver(t, rand.N(200*time.Millisecond), rand.N(time.Second))
			any().signal(syscall.SIGKILL) // while the standby is fresh
			kills++
		}
		time.Sleep(time.Second)
	})
	for _, n := range cluster.nodes {
		n.await(t)
	}
	identities := c.audit(cluster)
	lost, doubles := c.findAgain()
	broken, undecided := c.linearize()
	starts := 0
	for _, n := range cluster.nodes {
		starts += n.starts
	}
	t.Logf("%d requests of %d clients for %d people; %d answered, %d of unknown outcome; %d identities stored", c.requests.Load(), clients, len(c.people), c.answered.Load(), c.unknown.Load(), identities)
	t.Logf("%d servers killed, %d paused, %d starts; %d databases lost, %d of them behind a standby that hung; longest time without a write answered but for those: %s", kills, pauses, starts, failovers+hangs, hangs, c.longest.Round(time.Millisecond))
	t.Logf("%d writes answered, %d lost; %d duplicate identities; %d histories not linearizable, %d undecided", c.writes.Load(), lost, doubles, broken, undecided)
	if lost+doubles+broken+undecided > 0 {
		t.Error("promises were broken")
	}
	if c.writes.Load() < 100 || c.unknown.Load() == 0 || failovers == 0 {
		t.Error("hardly anything happened")
	}
}

// audit reads the tables as the last act of each history, and holds that they
// fit together. It returns how many identities are stored.
func (c *crowd) audit(cluster *cluster) int {
	c.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, cluster.both)
	if err != nil {
		c.Fatal(err)
	}
	defer conn.Close(ctx)
	for what, query := range map[string]string{
		"logins of nobody":                 "SELECT count(*) FROM login WHERE identity NOT IN (SELECT id FROM identity)",
		"logins in another pool":           "SELECT count(*) FROM login l JOIN identity i ON i.id = l.identity WHERE l.pool <> i.pool",
		"disabled identities with a login": "SELECT count(*) FROM login l JOIN identity i ON i.id = l.identity WHERE i.disabled <> 0",
		"people who count as guests":       "SELECT count(*) FROM login l JOIN identity i ON i.id = l.identity WHERE i.guest_seen IS NOT NULL",
	} {
		var n int
		if err := conn.QueryRow(ctx, query).Scan(&n); err != nil || n > 0 {
			c.Errorf("%s: %d, %v", what, n, err)
		}
	}
	// Everything in one snapshot: identities, and whose they are.
	rows, err := conn.Query(ctx, "SELECT i.id, i.disabled <> 0, coalesce(l.provider, ''), coalesce(l.subject, '') FROM identity i LEFT JOIN login l ON l.identity = i.id")
	if err != nil {
		c.Fatal(err)
	}
	stored, owner := map[string]identity{}, map[string][]string{}
	for rows.Next() {
		var id, provider, subject []byte
		i := identity{}
		if err := rows.Scan(&id, &i.disabled, &provider, &subject); err != nil {
			c.Fatal(err)
		}
		i.id = string(id)
		i.logins = stored[i.id].logins
		for n, issuer := range c.issuers {
			if issuer.Name() == string(provider) {
				i.logins |= 1 << n
			}
		}
		stored[i.id] = i
		if len(subject) > 0 && !slices.Contains(owner[string(subject)], i.id) {
			owner[string(subject)] = append(owner[string(subject)], i.id)
		}
	}
	if err := rows.Err(); err != nil {
		c.Fatal(err)
	}
	now := int64(time.Since(c.began))
	for name, who := range c.people {
		var theirs person
		for _, id := range slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(who.ids), owner[name]...)))) {
			if i, ok := stored[id]; ok {
				theirs = theirs.with(i)
			}
		}
		who.history = append(who.history, porcupine.Operation{Input: input{kind: audit}, Output: output{stored: theirs}, Call: now, Return: now})
	}
	return len(stored)
}

// findAgain asks all servers about everybody's logins: each leads to the identity
// that the tables say. It counts those who are lost, and those who are two.
func (c *crowd) findAgain() (lost, doubles int) {
	var all sync.WaitGroup
	var gone, two atomic.Int64
	queue := make(chan *somebody)
	for range clients {
		all.Go(func() {
			for who := range queue {
				tables := who.history[len(who.history)-1].Output.(output).stored
				for n := range c.issuers {
					login := mask(1) << n
					owners := tables.owners(login)
					if len(owners) > 1 {
						two.Add(1)
					}
					if len(owners) == 0 {
						continue // it would be made now
					}
					a, err := c.call(c.operation(who, input{kind: signIn, logins: login}))
					if err != nil || a.IdentityID != owners[0].id {
						gone.Add(1)
						c.Errorf("%s is stored as %s, and signs in as %s (%+v, %v)", who.name, owners[0].id, a.IdentityID, a, err)
					}
				}
				for _, id := range who.ids {
					if tables.find(id) == nil && !who.deleted(id) {
						gone.Add(1)
						c.Errorf("%s was told %s, and there is no such identity", who.name, id)
					}
				}
			}
		})
	}
	for _, who := range c.people {
		queue <- who
	}
	close(queue)
	all.Wait()
	return int(gone.Load()), int(two.Load())
}

// deleted says that somebody asked to delete an identity, whatever the answer.
func (s *somebody) deleted(id string) bool {
	return slices.ContainsFunc(s.history, func(o porcupine.Operation) bool {
		in := o.Input.(input)
		return in.kind == remove && in.id == id
	})
}

// linearize looks in each history for an order that explains it.
func (c *crowd) linearize() (broken, undecided int) {
	for name, who := range c.people {
		switch porcupine.CheckOperationsTimeout(model, who.history, time.Minute) {
		case porcupine.Illegal:
			if broken++; broken < 4 {
				c.Errorf("no order explains what happened to %s:\n%s", name, who.told())
			}
		case porcupine.Unknown:
			undecided++
		}
	}
	return broken, undecided
}

// told is a history in lines.
func (s *somebody) told() string {
	slices.SortFunc(s.history, func(a, b porcupine.Operation) int { return int(min(1, max(-1, a.Call-b.Call))) })
	var lines []string
	for _, o := range s.history {
		lines = append(lines, o.Input.(input).String()+" "+o.Output.(output).String()+" "+time.Duration(o.Call).String()+" to "+time.Duration(o.Return).String())
	}
	return strings.Join(lines, "\n")
}
