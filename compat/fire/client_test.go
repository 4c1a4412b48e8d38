package fire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"idpool/internal/login/logintest"
)

const (
	clients   = 64
	together  = 4 // clients that are busy with the same person
	calls     = 6 // of one client for one person
	providers = 3
	forever   = math.MaxInt64
)

// crowd is everybody who talks to the servers.
type crowd struct {
	*testing.T
	nodes   []*node
	issuers [providers]*logintest.Issuer
	pool    string
	began   time.Time
	http    *http.Client
	over    atomic.Bool

	requests, answered, writes, unknown, nth atomic.Int64

	mu      sync.Mutex
	people  map[string]*somebody
	last    time.Time     // when a write was last answered
	longest time.Duration // between two of them
	waits   bool          // for a standby that hangs: nobody expects a write to be answered
}

// somebody is a person, with what was asked about them and answered.
type somebody struct {
	name   string
	tokens [providers]string

	mu      sync.Mutex
	ids     []string // that were answered
	history []porcupine.Operation
}

func newCrowd(t *testing.T, nodes []*node) *crowd {
	t.Helper()
	c := &crowd{T: t, nodes: nodes, began: time.Now(), people: map[string]*somebody{}, http: &http.Client{
		Timeout:   20 * time.Second, // longer than a server may take
		Transport: &http.Transport{MaxIdleConnsPerHost: clients},
	}}
	var arns []string
	for n := range c.issuers {
		c.issuers[n] = logintest.NewIssuer(t, logintest.WithAlg("ES256"))
		arns = append(arns, "arn:aws:iam::000000000000:oidc-provider/"+c.issuers[n].Name())
	}
	c.pool = c.must("CreateIdentityPool", map[string]any{"IdentityPoolName": "fire", "AllowUnauthenticatedIdentities": true, "OpenIdConnectProviderARNs": arns}).IdentityPoolID
	role := "arn:aws:iam::000000000000:role/people"
	c.must("SetIdentityPoolRoles", map[string]any{"IdentityPoolId": c.pool, "Roles": map[string]string{"authenticated": role, "unauthenticated": role}})
	time.Sleep(time.Second) // after which every server knows
	return c
}

// storm lets the clients at the servers until the function returns.
func (c *crowd) storm(meanwhile func()) {
	var all sync.WaitGroup
	c.last = time.Now()
	for client := range clients {
		all.Go(func() {
			for n := 0; !c.over.Load() && !c.Failed(); n++ {
				who := c.person(fmt.Sprint(client/together, "-", n))
				for range calls {
					in := who.choose()
					if c.act(who, in) {
						continue
					}
					time.Sleep(rand.N(50 * time.Millisecond))
					c.act(who, in) // once more, as SDKs do
					break          // more calls without an answer would explain too much
				}
			}
		})
	}
	meanwhile()
	c.over.Store(true)
	all.Wait()
}

// person finds or makes a person.
func (c *crowd) person(name string) *somebody {
	c.mu.Lock()
	defer c.mu.Unlock()
	who := c.people[name]
	if who == nil {
		who = &somebody{name: name}
		for n, issuer := range c.issuers {
			who.tokens[n] = issuer.Token(name)
		}
		c.people[name] = who
	}
	return who
}

// choose is what somebody does next.
func (s *somebody) choose() input {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := mask(1) << rand.N(providers)
	some := mask(rand.N(1 + int(everything)))
	dice := rand.N(100)
	switch {
	case dice < 30 || len(s.ids) == 0:
		return input{kind: signIn, logins: one | some&mask(rand.N(1+int(everything)))}
	case dice < 45:
		return input{kind: guest}
	}
	in := input{id: s.ids[rand.N(len(s.ids))], logins: some}
	switch {
	case dice < 75:
		in.kind = resume
	case dice < 87:
		in.kind, in.logins, in.away = unlink, one|some, mask(1)<<rand.N(providers)
	case dice < 91:
		in.kind = remove
	default:
		in.kind = look
	}
	return in
}

// act makes a call and notes it with its answer, if there was one. Who reached
// no server asks another.
func (c *crowd) act(who *somebody, in input) (answered bool) {
	in.nth = int(c.nth.Add(1))
	var out output
	var called, returned int64
	for {
		called = int64(time.Since(c.began))
		answer, err := c.call(c.operation(who, in))
		returned = int64(time.Since(c.began))
		if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
			if c.over.Load() && c.Failed() {
				return false
			}
			time.Sleep(rand.N(20 * time.Millisecond))
			continue
		}
		if out = c.output(who, in, answer, err); out.unknown {
			c.unknown.Add(1)
			returned = forever
		}
		break
	}
	c.note(who, in, out)
	who.mu.Lock()
	defer who.mu.Unlock()
	who.history = append(who.history, porcupine.Operation{Input: in, Output: out, Call: called, Return: returned})
	return !out.unknown
}

// note counts an answer. Deletions, unlinkings and the first time that an ID is
// heard of count as writes; a link to a known identity does not, because its
// answer looks like that of somebody who returns.
func (c *crowd) note(who *somebody, in input, out output) {
	if out.unknown {
		return
	}
	c.answered.Add(1)
	who.mu.Lock()
	write := in.kind == unlink || in.kind == remove
	if out.id != "" && !slices.Contains(who.ids, out.id) {
		who.ids = append(who.ids, out.id)
		write = true
	}
	who.mu.Unlock()
	if !write || out.refused != "" {
		return
	}
	c.writes.Add(1)
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.waits {
		c.longest = max(c.longest, now.Sub(c.last))
	}
	c.last = now
}

// expectWrites says whether a time without a write answered counts.
func (c *crowd) expectWrites(expected bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waits, c.last = !expected, time.Now()
}

// operation is a call as the API has it.
func (c *crowd) operation(who *somebody, in input) (name string, body map[string]any) {
	logins := map[string]string{}
	away := []string{}
	for n, issuer := range c.issuers {
		if in.logins>>n&1 == 1 {
			logins[issuer.Name()] = who.tokens[n]
		}
		if in.away>>n&1 == 1 {
			away = append(away, issuer.Name())
		}
	}
	switch in.kind {
	case signIn, guest:
		return "GetId", map[string]any{"IdentityPoolId": c.pool, "Logins": logins}
	case resume:
		return "GetCredentialsForIdentity", map[string]any{"IdentityId": in.id, "Logins": logins}
	case unlink:
		return "UnlinkIdentity", map[string]any{"IdentityId": in.id, "Logins": logins, "LoginsToRemove": away}
	case remove:
		return "DeleteIdentities", map[string]any{"IdentityIdsToDelete": []string{in.id}}
	}
	return "DescribeIdentity", map[string]any{"IdentityId": in.id}
}

// output is what an answer says. One that is not due fails the test.
func (c *crowd) output(who *somebody, in input, a answer, err error) (out output) {
	switch {
	case err != nil, a.status >= 500, len(a.UnprocessedIdentityIDs) > 0:
		return output{unknown: true}
	case a.status == http.StatusOK:
		out.id = a.IdentityID
		for n, issuer := range c.issuers {
			if slices.Contains(a.Logins, issuer.Name()) {
				out.logins |= 1 << n
			}
		}
		if in.kind == look {
			out.id = ""
		}
		return out
	case a.code() != forbidden && a.code() != notFound, strings.Contains(a.Message, "token"):
		c.Errorf("%s: %+v was refused: %+v", who.name, in, a)
	}
	return output{refused: a.code()}
}

// answer is what any of the calls answers.
type answer struct {
	status                 int
	IdentityPoolID         string `json:"IdentityPoolId"`
	IdentityID             string `json:"IdentityId"`
	Logins                 []string
	UnprocessedIdentityIDs []any  `json:"UnprocessedIdentityIds"`
	Type                   string `json:"__type"`
	Message                string `json:"message"`
}

func (a answer) code() string { return a.Type[strings.LastIndexByte(a.Type, '#')+1:] }

// call makes a call to any of the servers, without the help of an SDK, which
// would try again.
func (c *crowd) call(name string, in map[string]any) (a answer, err error) {
	body, err := json.Marshal(in)
	if err != nil {
		return a, err
	}
	c.requests.Add(1)
	r, err := http.NewRequest(http.MethodPost, "http://"+c.nodes[rand.N(len(c.nodes))].address, bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AWSCognitoIdentityService."+name)
	switch name {
	case "CreateIdentityPool", "SetIdentityPoolRoles", "DeleteIdentities", "DescribeIdentity": // development mode takes any signature
		r.Header.Set("X-Amz-Date", "20260101T000000Z")
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=any/20260101/us-east-1/cognito-identity/aws4_request, SignedHeaders=host, Signature="+strings.Repeat("0", 64))
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && len(text) > 0 {
		err = json.Unmarshal(text, &a)
	}
	a.status = resp.StatusCode
	return a, err
}

// must makes a call that has to succeed.
func (c *crowd) must(name string, in map[string]any) answer {
	c.Helper()
	a, err := c.call(name, in)
	if err != nil || a.status != http.StatusOK {
		c.Fatalf("%s: %+v, %v", name, a, err)
	}
	return a
}
