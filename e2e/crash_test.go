package e2e

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var crashes = flag.Int("crashes", 10, "how often the crash test kills the server")

// TestCrash kills the server at random moments while people sign in, starts it
// again on the same data, and compares with what was answered: nothing is
// lost, and nobody has two identities.
func TestCrash(t *testing.T) {
	c := newCrowd(t)
	for crash := range *crashes {
		c.storm(t, crash, syscall.SIGKILL)
		// Those of this crash are all looked at, older ones now and then.
		c.check(t, func(who string) bool { return strings.HasPrefix(who, fmt.Sprint(crash, "-")) || rand.IntN(20) == 0 })
	}
	c.check(t, func(string) bool { return true })
	if len(c.people) < *crashes || len(c.guests) < *crashes {
		t.Fatalf("only %d people and %d guests were answered in %d crashes: the test did nothing", len(c.people), len(c.guests), *crashes)
	}
	t.Logf("%d crashes; %d people and %d guests answered and found again; %d unanswered", *crashes, len(c.people), len(c.guests), len(c.failures))
}

// TestStopsUnderLoad asks the server to stop while people sign in: it exits 0,
// and what was answered is still true when it comes back.
func TestStopsUnderLoad(t *testing.T) {
	c := newCrowd(t)
	for round, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		if code := c.storm(t, round, signal); code != 0 {
			t.Errorf("exit code %d after %s", code, signal)
		}
		c.check(t, func(string) bool { return true })
	}
}

// crowd is everybody who talks to the server, with what they were answered.
type crowd struct {
	bin, data, address, pool string
	server                   *node

	mu       sync.Mutex
	people   map[string]string // who → identity
	guests   []string
	failures []error
	doubles  []string
}

func newCrowd(t *testing.T) *crowd {
	t.Helper()
	c := &crowd{bin: binary(t), data: t.TempDir(), address: "127.0.0.1:0", people: map[string]string{}}
	c.restart(t)
	c.address = strings.TrimPrefix(c.server.url, "http://") // the issuer's name must not change with the port
	var pool struct{ IdentityPoolId string }
	if err := call(c.server.url, "CreateIdentityPool", map[string]any{"IdentityPoolName": "crash", "AllowUnauthenticatedIdentities": true,
		"OpenIdConnectProviderARNs": []string{"arn:aws:iam::000000000000:oidc-provider/" + c.address + "/dev"}}, anySignature, &pool); err != nil {
		t.Fatal(err)
	}
	c.pool = pool.IdentityPoolId
	return c
}

func (c *crowd) restart(t *testing.T) {
	t.Helper()
	c.server = serve(t, c.bin, c.data, "--dev", "--listen", c.address)
}

// storm lets 16 writers at the server, sends it a signal at a random moment,
// and starts it again. It returns the exit code.
func (c *crowd) storm(t *testing.T, round int, signal syscall.Signal) int {
	t.Helper()
	var writers sync.WaitGroup
	for writer := range 16 {
		writers.Go(func() {
			for i := 0; ; i++ {
				if err := c.act(round, writer, i); err != nil {
					c.failed(err)
					return // the server is gone
				}
			}
		})
	}
	time.Sleep(time.Duration(20+rand.IntN(180)) * time.Millisecond)
	if err := c.server.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	code := c.server.wait(t)
	writers.Wait()
	c.restart(t)
	return code
}

// act lets one writer do something once and notes what it was answered.
func (c *crowd) act(round, writer, i int) error {
	switch {
	case writer < 12: // two writers for each person: they race
		who := fmt.Sprintf("%d-%d-%d", round, writer/2, i)
		return c.met(who, "", who)
	case writer < 14:
		id, err := c.identity("GetId", map[string]any{"IdentityPoolId": c.pool})
		if err == nil {
			c.mu.Lock()
			c.guests = append(c.guests, id)
			c.mu.Unlock()
		}
		return err
	default: // a guest who becomes a person
		id, err := c.identity("GetId", map[string]any{"IdentityPoolId": c.pool})
		if err != nil {
			return err
		}
		who := fmt.Sprintf("%d-%d-%d", round, writer, i)
		return c.met(who, id, who)
	}
}

// met signs somebody in, as the guest given or anew, and compares with what
// was answered before.
func (c *crowd) met(who, guest, sub string) error {
	id, err := c.signIn(sub, guest)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if before, known := c.people[who]; known && before != id {
		c.doubles = append(c.doubles, fmt.Sprintf("%s is %s and %s", who, before, id))
	}
	c.people[who] = id
	return nil
}

func (c *crowd) signIn(sub, guest string) (string, error) {
	token, err := devToken(c.server.url, sub)
	if err != nil {
		return "", err
	}
	logins := map[string]string{c.address + "/dev": token}
	if guest != "" {
		return c.identity("GetOpenIdToken", map[string]any{"IdentityId": guest, "Logins": logins})
	}
	return c.identity("GetId", map[string]any{"IdentityPoolId": c.pool, "Logins": logins})
}

func (c *crowd) identity(op string, in map[string]any) (string, error) {
	var out struct{ IdentityId string }
	err := call(c.server.url, op, in, nil, &out)
	return out.IdentityId, err
}

func (c *crowd) failed(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failures = append(c.failures, err)
}

// check asks again for everybody that it is told to look at.
func (c *crowd) check(t *testing.T, look func(who string) bool) {
	t.Helper()
	for _, double := range c.doubles {
		t.Error(double)
	}
	for _, err := range c.failures {
		if strings.Contains(err.Error(), "status ") { // an answer, and not the one that was due
			t.Error(err)
		}
	}
	for who, want := range c.people {
		if !look(who) {
			continue
		}
		if got, err := c.signIn(who, ""); err != nil || got != want {
			t.Fatalf("%s was answered %s, and is %s after the restart (%v)", who, want, got, err)
		}
	}
	for i, id := range c.guests {
		if i < len(c.guests)-50 && !look("guest") {
			continue
		}
		if got, err := c.identity("GetOpenIdToken", map[string]any{"IdentityId": id}); err != nil || got != id {
			t.Fatalf("guest %s is %s after the restart (%v)", id, got, err)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
}

// devToken asks the development issuer for a token.
func devToken(url, sub string) (string, error) {
	var out struct {
		Token string `json:"id_token"`
	}
	err := call(url+"/dev/token", "", map[string]string{"sub": sub, "aud": "web"}, nil, &out)
	return out.Token, err
}
