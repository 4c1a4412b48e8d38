package vectors

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"idpool/internal/credential"
	"idpool/internal/idpool"
	"idpool/internal/limit"
	"idpool/internal/login/logintest"
	"idpool/internal/login/oidc"
	"idpool/internal/login/social"
	"idpool/internal/node"
	"idpool/internal/saml/samltest"
	"idpool/internal/seal"
	"idpool/internal/store/sqlite"
)

// now is the time of every server but two.
var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// variant is a way to make a server. All have the same store and master key, as
// the nodes of one deployment have.
type variant struct {
	change func(*node.Config)
	later  time.Duration // how far its clock is ahead
	// setUp is the server where what a vector begins with is made, if not
	// here.
	setUp string
	fresh bool // each vector has one of its own
}

// usual is the server of a vector that names none: it verifies signatures, and
// takes roles by their name.
const usual = "usual"

var variants = map[string]variant{
	usual:     {change: func(c *node.Config) { c.RolesByName = true }},
	"strict":  {change: func(*node.Config) {}},
	"dev":     {change: func(c *node.Config) { c.Dev = true }},
	"earlier": {change: func(c *node.Config) { c.RolesByName = true }, later: -time.Hour, setUp: usual},
	"later":   {change: func(c *node.Config) { c.RolesByName = true }, later: 2 * time.Hour, setUp: usual},
	// One guest of a pool from an address, and one of everything else that is
	// counted.
	"small": {change: func(c *node.Config) {
		c.RolesByName = true
		c.Limits = limit.Config{Guests: 0.1, Counts: limit.Counts{Pools: 1, UserPoolClients: 1, Rules: 1, Tags: 1, OIDCProviders: 1}}
	}},
	// One call of each operation for an account; the clock stands still.
	"slow": {change: func(c *node.Config) { c.RolesByName = true; c.Limits = limit.Config{Others: 0.1} }},
	// One public request from an address.
	"crowded": {change: func(c *node.Config) { c.RolesByName = true; c.Limits = limit.Config{Address: 0.1} }, fresh: true},
	// Its store does not answer.
	"down": {change: func(c *node.Config) {
		c.RootKey = &credential.RootKey{ID: downKey, Secret: downKey}
		c.Account = downAccount
	}},
}

// The root key of the server that is down stands in its configuration, so that
// an operation is reached without the store.
const downKey, downAccount = "AKIADOWNDOWNDOWNDOWN", "999999999999"

// The issuers of login tokens, by what vectors call them. Their keys are
// published somewhere on loopback.
var providerNames = map[string]string{
	"shop": "login.example.com",
	"work": "login.example.org/realms/work",
	"pool": "cognito-idp.us-east-1.amazonaws.com/us-east-1_Ab12Cd34E",
}

// alsoShop are further issuers, whose keys are those of the shop.
var alsoShop = []string{"p1.example.com", "p2.example.com", "p3.example.com", "p4.example.com", "p5.example.com", "p6.example.com", "p7.example.com", "p8.example.com", "p9.example.com", "p10.example.com"}

// world is all that vectors talk to.
type world struct {
	store, closed idpool.Store
	keyring       *seal.Keyring
	issuers       map[string]*logintest.Issuer
	stranger      *logintest.Key // of no issuer
	corp          *samltest.Provider
	providers     map[string]oidc.Override
	social        map[string]social.Override
	hosts         map[string]*host
	states        map[string][]string
	accounts      atomic.Int64
	shared        credential.RootKey // of sharedAccount
}

// sharedAccount is that of the vectors in whose account nothing happens.
const sharedAccount = "100000000000"

// host is a running server.
type host struct {
	address string
	now     time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	master := make([]byte, seal.KeySize)
	rand.Read(master)
	keyring, err := seal.New(master)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		store: openStore(t), closed: openStore(t), keyring: keyring, stranger: logintest.NewKey(t, "ES256"),
		corp:    samltest.New("https://idp.example.com"),
		issuers: map[string]*logintest.Issuer{}, providers: map[string]oidc.Override{}, hosts: map[string]*host{}, states: states(t),
	}
	for short, name := range providerNames {
		w.issuers[short] = logintest.NewIssuer(t)
		w.providers[name] = oidc.Override{JWKSURI: w.issuers[short].URL + "/keys"}
	}
	w.providers["silent.example.com"] = oidc.Override{JWKSURI: "http://127.0.0.1:1"} // nobody answers there
	for _, name := range alsoShop {
		w.providers[name] = w.providers[providerNames["shop"]]
	}
	w.askable(t)
	w.hosts[usual] = w.start(t, variants[usual])
	if answer := w.hosts[usual].send(t, message{method: "GET", target: "/.well-known/jwks_uri"}); answer.status != "200" {
		t.Fatalf("the key set, which all servers share: %s", answer.text())
	}
	w.shared = w.rootKey(t, sharedAccount)
	for name, v := range variants {
		if name != usual && !v.fresh {
			w.hosts[name] = w.start(t, v)
		}
	}
	w.closed.Close()
	return w
}

// askable starts the providers that are asked about tokens: the user pool, which
// knows ann and nobody else, and Facebook. Amazon does not answer, nor does a
// second user pool.
func (w *world) askable(t *testing.T) {
	t.Helper()
	const nobody, down = "http://127.0.0.1:1", "cognito-idp.us-east-1.amazonaws.com/us-east-1_Down00000"
	clock, key := func() time.Time { return now }, aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}
	users := logintest.NewUserPool(t, clock, "us-east-1_Ab12Cd34E", key)
	users.Put("ann", "ann")
	pool := w.providers[providerNames["pool"]]
	pool.UserPool = oidc.UserPool{Endpoint: nobody}
	w.providers[down] = pool
	pool.UserPool = oidc.UserPool{Endpoint: users.URL, AccessKey: key}
	w.providers[providerNames["pool"]] = pool

	graph := logintest.NewGraph(t, clock, map[string]string{"1234567890": "secret"})
	graph.Put("EAAann", "1234567890", "10158")
	graph.Put("EAAother", "9876543210", "10158")
	w.social = map[string]social.Override{"graph.facebook.com": {Endpoint: graph.URL, AppSecrets: map[string]string{"": "secret"}}, "www.amazon.com": {Endpoint: nobody}}
}

func openStore(t *testing.T) idpool.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "idpool.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// start runs a server until the test ends.
func (w *world) start(t *testing.T, v variant) *host {
	t.Helper()
	h := &host{now: now.Add(v.later)}
	config := node.Config{
		Store: w.store, Keyring: w.keyring, Issuer: "https://idpool.example.com", Region: "us-east-1", Account: "000000000000",
		OIDC:   oidc.Config{Overrides: w.providers, AllowHTTP: true, AllowCIDRs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}},
		Social: w.social, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return h.now },
	}
	normal, _ := limit.Preset(limit.Default)
	config.Limits.Counts = normal.Counts // no rates: with a clock that stands still they would be spent once
	v.change(&config)
	if config.Account == downAccount {
		config.Store = w.closed
	}
	n, err := node.New(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.address = listener.Addr().String()
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- n.Serve(ctx, listener, nil) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return h
}

// newAccount names an account that nothing has happened in.
func (w *world) newAccount() string { return fmt.Sprintf("1%011d", w.accounts.Add(1)) }

// rootKey makes the root key of an account.
func (w *world) rootKey(t *testing.T, account string) (key credential.RootKey) {
	t.Helper()
	broker := credential.NewBroker(credential.Config{Store: w.store, Keyring: w.keyring, Account: account, Now: func() time.Time { return now }})
	if err := broker.EnsureRootKey(t.Context(), func(k credential.RootKey) error { key = k; return nil }); err != nil {
		t.Fatal(err)
	}
	return key
}

// message is a request as it is sent.
type message struct {
	method, target string
	header         [][2]string // in order
	body           string
}

func (m *message) get(name string) string {
	for _, h := range m.header {
		if strings.EqualFold(h[0], name) {
			return h[1]
		}
	}
	return ""
}

// set puts a header into the request, in the place of one of the same name; an
// empty value takes it away.
func (m *message) set(name, value string) {
	var kept [][2]string
	for _, h := range m.header {
		if !strings.EqualFold(h[0], name) {
			kept = append(kept, h)
		}
	}
	if value != "" {
		kept = append(kept, [2]string{name, value})
	}
	m.header = kept
}

// answer is a response as it came: its header lines are not read in any way.
type answer struct {
	status string
	header []string
	body   string
}

// text is an answer as a vector has it.
func (a answer) text() string {
	head := strings.Join(append([]string{a.status}, a.header...), "\n")
	if a.body == "" {
		return head
	}
	return head + "\n\n" + a.body
}

// take removes a header that every answer has, and returns its value.
func (a *answer) take(name string) (value string, ok bool) {
	for i, line := range a.header {
		if value, ok = strings.CutPrefix(line, name+": "); ok {
			a.header = append(a.header[:i:i], a.header[i+1:]...)
			return value, true
		}
	}
	return "", false
}

// send sends a request and reads the answer. It speaks HTTP itself, so that
// nothing is added to the one or taken from the other.
func (h *host) send(t *testing.T, m message) answer {
	t.Helper()
	conn, err := net.Dial("tcp", h.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	if m.get("Host") == "" {
		m.header = append([][2]string{{"Host", hostName}}, m.header...)
	}
	if m.get("Content-Length") == "" && m.body != "" {
		m.set("Content-Length", strconv.Itoa(len(m.body)))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", m.method, m.target)
	for _, line := range m.header {
		fmt.Fprintf(&b, "%s: %s\r\n", line[0], line[1])
	}
	b.WriteString("\r\n" + m.body)
	go io.WriteString(conn, b.String()) // beside the reading: a body that is too large is answered before its end
	a, err := readAnswer(bufio.NewReader(conn), m.method)
	if err != nil {
		t.Fatalf("read the answer to %s: %v", m.method, err)
	}
	return a
}

func readAnswer(r *bufio.Reader, method string) (a answer, err error) {
	line := func() string {
		text, readErr := r.ReadString('\n')
		if err == nil {
			err = readErr
		}
		return strings.TrimSuffix(text, "\r\n")
	}
	_, status, ok := strings.Cut(line(), "HTTP/1.1 ")
	if !ok {
		return a, errors.Join(err, errors.New("no status line"))
	}
	a.status, _, _ = strings.Cut(status, " ")
	length := 0
	for text := line(); text != "" && err == nil; text = line() {
		a.header = append(a.header, text)
		if n, ok := strings.CutPrefix(text, "Content-Length: "); ok {
			length, err = strconv.Atoi(n)
		}
	}
	if err != nil || method == "HEAD" {
		return a, err
	}
	body := make([]byte, length)
	_, err = io.ReadFull(r, body)
	a.body = string(body)
	return a, err
}
