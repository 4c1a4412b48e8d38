// Package idpooltest is a whole identity-pool server inside a Go test.
//
//	srv := idpooltest.New(t)
//	client := cognitoidentity.New(cognitoidentity.Options{
//		BaseEndpoint: aws.String(srv.URL), Region: "us-east-1",
//		Credentials:  aws.CredentialsProviderFunc(…srv.RootKey()…),
//	})
//	token := srv.Token("alice", "web")
//
// The server is the real one: it listens on a loopback port, keeps what it is
// told in a database of its own, and is gone when the test ends.
package idpooltest

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"idpool/internal/credential"
	"idpool/internal/devissuer"
	"idpool/internal/idpool"
	"idpool/internal/limit"
	"idpool/internal/login/oidc"
	"idpool/internal/node"
	"idpool/internal/seal"
	"idpool/internal/store/postgres"
	"idpool/internal/store/sqlite"
	"idpool/internal/upstream"
)

// Account is the account of the server's root key.
const Account = "000000000000"

// Server is a running server.
type Server struct {
	URL   string // of the API; what AWS_ENDPOINT_URL takes
	Admin string // address of metrics and health

	node    *node.Node
	root    credential.RootKey
	store   idpool.Store
	keyring *seal.Keyring
	now     func() time.Time
}

// Option changes how a server is made.
type Option func(*settings)

type settings struct {
	strict, rolesByName bool
	issuers             map[string]oidc.Override
	upstreams           upstream.Config
	limits              string
	database            string
	log                 io.Writer
	now                 func() time.Time
}

// Strict makes a server that is not in development mode: signatures are
// verified, and roles and OIDC providers must exist.
func Strict() Option { return func(s *settings) { s.strict = true } }

// RolesByName takes a role that does not exist by its name, as development mode
// does: it trusts every pool of its account.
func RolesByName() Option { return func(s *settings) { s.rolesByName = true } }

// Issuer says where a provider really lives, and what iss its tokens have. So
// a strict server, whose providers have https addresses without a port, takes
// the tokens of an issuer in the test. The address may be plain http and on
// loopback.
func Issuer(provider, url string) Option {
	return func(s *settings) { s.issuers[provider] = oidc.Override{Issuer: url} }
}

// Upstream says that roles belong to another STS, which is asked for their
// credentials. In the pattern of their ARNs "*" stands for any characters.
func Upstream(roles, url string) Option {
	return func(s *settings) {
		name := fmt.Sprintf("upstream-%d", len(s.upstreams.Servers)+1)
		s.upstreams.Servers = append(s.upstreams.Servers, upstream.Server{Name: name, Endpoint: url, GuestPolicies: true})
		s.upstreams.Rules = append(s.upstreams.Rules, upstream.Rule{Match: roles, Server: name})
	}
}

// Limits sets the limits of a preset: "default", "aws" or "off". Without it
// there are none.
func Limits(preset string) Option { return func(s *settings) { s.limits = preset } }

// LogTo writes the server's log, one JSON object on a line for each request.
// Without it the log is dropped.
func LogTo(w io.Writer) Option { return func(s *settings) { s.log = w } }

// Clock makes the server believe another time.
func Clock(now func() time.Time) Option { return func(s *settings) { s.now = now } }

// Database keeps what the server is told in the PostgreSQL database at a URL,
// postgres://user@host:5432/name?search_path=schema, where there must be no
// tables but those of another such server, which then shares it.
func Database(url string) Option { return func(s *settings) { s.database = url } }

// New starts a server in development mode and stops it when the test ends. It
// fails the test if it cannot.
func New(t testing.TB, opts ...Option) *Server {
	t.Helper()
	s := settings{log: io.Discard, now: time.Now, issuers: map[string]oidc.Override{}, limits: limit.Off}
	for _, o := range opts {
		o(&s)
	}
	limits, ok := limit.Preset(s.limits)
	if !ok {
		t.Fatalf("idpooltest: there are no limits %q", s.limits)
	}
	ctx := context.Background()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("idpooltest: %v", err)
		}
	}
	store, err := open(ctx, t, s.database)
	must(err)
	api, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	admin, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	master := make([]byte, seal.KeySize)
	rand.Read(master)
	keyring, err := seal.New(master)
	must(err)
	srv := &Server{URL: "http://" + api.Addr().String(), Admin: "http://" + admin.Addr().String(), store: store, keyring: keyring, now: s.now}
	srv.root = credential.RootKey{ID: "AKIAIDPOOLTESTROOTKE", Secret: rand.Text()}
	trust := oidc.Config{Overrides: s.issuers}
	if len(s.issuers) > 0 {
		trust.AllowHTTP, trust.AllowCIDRs = true, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	}
	s.upstreams.Now = s.now
	upstreams, err := upstream.New(s.upstreams)
	must(err)
	srv.node, err = node.New(ctx, node.Config{
		Store: store, Shared: s.database != "", Keyring: keyring, Issuer: srv.URL, Region: "us-east-1", Account: Account, Dev: !s.strict, RolesByName: s.rolesByName,
		RootKey: &srv.root, OIDC: trust, Upstreams: upstreams, Limits: limits, Log: slog.New(slog.NewJSONHandler(s.log, nil)), Now: s.now,
	})
	must(err)
	ctx, stop := context.WithCancel(ctx)
	served, idle := make(chan error, 1), make(chan struct{})
	go func() { served <- srv.node.Serve(ctx, api, admin) }()
	go func() { srv.node.Background(ctx); close(idle) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Errorf("idpooltest: %v", err)
		}
		<-idle
		if err := store.Close(); err != nil {
			t.Errorf("idpooltest: %v", err)
		}
	})
	return srv
}

func open(ctx context.Context, t testing.TB, database string) (idpool.Store, error) {
	if database != "" {
		return postgres.Open(ctx, database)
	}
	return sqlite.Open(ctx, filepath.Join(t.TempDir(), "idpool.db"))
}

// RootKey is the access key of the account's root.
func (s *Server) RootKey() (accessKeyID, secretAccessKey string) { return s.root.ID, s.root.Secret }

var twelveDigits = regexp.MustCompile(`^[0-9]{12}$`)

// NewAccount makes another account and returns the access key of its root. It
// panics if id is not twelve digits, or if the account exists.
func (s *Server) NewAccount(id string) (accessKeyID, secretAccessKey string) {
	if !twelveDigits.MatchString(id) || id == Account {
		panic("idpooltest: cannot make an account " + id)
	}
	broker := credential.NewBroker(credential.Config{Store: s.store, Keyring: s.keyring, Account: id, Now: s.now})
	var key credential.RootKey
	if err := broker.EnsureRootKey(context.Background(), func(k credential.RootKey) error { key = k; return nil }); err != nil {
		panic("idpooltest: " + err.Error())
	}
	if key.ID == "" {
		panic("idpooltest: there is an account " + id)
	}
	return key.ID, key.Secret
}

// RotateKey makes another key sign OpenID tokens, in two seconds of the server's
// clock, and returns its ID.
func (s *Server) RotateKey() (id string, err error) {
	key, err := s.node.Keys.Rotate(context.Background(), true)
	return key.ID, err
}

// RetireKey has the tokens refused that a key signed. The one that signs cannot be
// retired.
func (s *Server) RetireKey(id string) error { return s.node.Keys.Retire(context.Background(), id) }

// Provider is the name of the server's own issuer in a Logins map. A pool
// trusts it by the ARN arn:aws:iam::000000000000:oidc-provider/ and the name.
// A strict server has none.
func (s *Server) Provider() string {
	if s.node.Dev == nil {
		return ""
	}
	return s.node.Dev.Name()
}

// Token forges an ID token of the server's own issuer, valid for an hour. It
// panics on a strict server, which has no such issuer.
func (s *Server) Token(subject, audience string) string {
	token, err := s.node.Dev.Token(devissuer.Wish{Subject: subject, Audience: audience})
	if err != nil {
		panic("idpooltest: " + err.Error())
	}
	return token
}
