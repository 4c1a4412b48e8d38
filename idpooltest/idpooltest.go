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
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"testing"
	"time"

	"idpool/internal/credential"
	"idpool/internal/devissuer"
	"idpool/internal/login/oidc"
	"idpool/internal/node"
	"idpool/internal/seal"
	"idpool/internal/store/sqlite"
)

// Account is the account of the server's root key.
const Account = "000000000000"

// Server is a running server.
type Server struct {
	URL   string // of the API; what AWS_ENDPOINT_URL takes
	Admin string // address of metrics and health

	node *node.Node
	root credential.RootKey
}

// Option changes how a server is made.
type Option func(*settings)

type settings struct {
	strict bool
	log    io.Writer
	now    func() time.Time
}

// Strict makes a server that is not in development mode: signatures are
// verified, and roles must exist.
func Strict() Option { return func(s *settings) { s.strict = true } }

// LogTo writes the server's log, one JSON object on a line for each request.
// Without it the log is dropped.
func LogTo(w io.Writer) Option { return func(s *settings) { s.log = w } }

// Clock makes the server believe another time.
func Clock(now func() time.Time) Option { return func(s *settings) { s.now = now } }

// New starts a server in development mode and stops it when the test ends. It
// fails the test if it cannot.
func New(t testing.TB, opts ...Option) *Server {
	t.Helper()
	s := settings{log: io.Discard, now: time.Now}
	for _, o := range opts {
		o(&s)
	}
	ctx := context.Background()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("idpooltest: %v", err)
		}
	}
	store, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), "idpool.db"))
	must(err)
	api, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	admin, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	master := make([]byte, seal.KeySize)
	rand.Read(master)
	keyring, err := seal.New(master)
	must(err)
	srv := &Server{URL: "http://" + api.Addr().String(), Admin: "http://" + admin.Addr().String()}
	srv.root = credential.RootKey{ID: "AKIAIDPOOLTESTROOTKEY"[:20], Secret: rand.Text()}
	srv.node, err = node.New(ctx, node.Config{
		Store: store, Keyring: keyring, Issuer: srv.URL, Region: "us-east-1", Account: Account, Dev: !s.strict,
		RootKey: &srv.root, OIDC: oidc.Config{}, Log: slog.New(slog.NewJSONHandler(s.log, nil)), Now: s.now,
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

// RootKey is the access key of the account's root.
func (s *Server) RootKey() (accessKeyID, secretAccessKey string) { return s.root.ID, s.root.Secret }

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
