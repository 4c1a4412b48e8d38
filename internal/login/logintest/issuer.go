// Package logintest is an OpenID Connect issuer for tests: a real HTTP server
// on loopback with a discovery document, a key set and real keys, that signs
// whatever it is asked to, and answers as badly as it is told to. Beside it are
// those who are asked about tokens: Facebook's [Graph], Amazon's [TokenInfo],
// [Twitter], and the API of a Cognito [UserPool].
//
//	issuer := logintest.NewIssuer(t)
//	token := issuer.Token("ann", logintest.Audience("shop"), logintest.ExpiresIn(time.Minute))
package logintest

import (
	"crypto/x509"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// DefaultAudience is the audience of a token that names no other.
const DefaultAudience = "app"

// Document is something that an issuer publishes.
type Document int

// What an issuer publishes.
const (
	Discovery Document = iota
	KeySet
)

// Issuer is an issuer of ID tokens. It is safe for concurrent use, and gone
// when the test ends.
type Issuer struct {
	URL string // iss of its tokens; ends without a slash

	t      testing.TB
	server *httptest.Server
	now    func() time.Time

	mu      sync.Mutex
	keys    []*Key // published
	signer  *Key
	answers map[Document]http.Handler // instead of the usual ones
	fetches map[Document]int
}

// Option changes how an issuer is made.
type Option func(*options)

type options struct {
	path, host, alg string
	tls             bool
	now             func() time.Time
}

// WithPath puts the issuer below a path, such as "/realms/one".
func WithPath(path string) Option { return func(o *options) { o.path = path } }

// WithHost makes the issuer listen on another loopback address, such as
// "127.0.0.2".
func WithHost(host string) Option { return func(o *options) { o.host = host } }

// WithTLS makes it an https issuer; see [Issuer.RootCAs].
func WithTLS() Option { return func(o *options) { o.tls = true } }

// WithAlg chooses the algorithm of its first key: RS256, RS384, RS512, ES256,
// ES384 or ES512. Without it that is ES256, whose keys are made in no time.
func WithAlg(alg string) Option { return func(o *options) { o.alg = alg } }

// WithClock gives the issuer a clock other than the system's.
func WithClock(now func() time.Time) Option { return func(o *options) { o.now = now } }

// NewIssuer starts an issuer with one key.
func NewIssuer(t testing.TB, opts ...Option) *Issuer {
	t.Helper()
	o := options{host: "127.0.0.1", alg: "ES256", now: time.Now}
	for _, opt := range opts {
		opt(&o)
	}
	i := &Issuer{t: t, now: o.now, answers: map[Document]http.Handler{}, fetches: map[Document]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+o.path+"/.well-known/openid-configuration", i.serve(Discovery))
	mux.HandleFunc("GET "+o.path+"/keys", i.serve(KeySet))
	listener, err := net.Listen("tcp", net.JoinHostPort(o.host, "0"))
	if err != nil {
		t.Fatalf("logintest: %v", err)
	}
	i.server = httptest.NewUnstartedServer(mux)
	i.server.Listener.Close()
	i.server.Listener = listener
	i.server.Config.ErrorLog = log.New(io.Discard, "", 0) // tests hang up on purpose
	if o.tls {
		i.server.StartTLS()
	} else {
		i.server.Start()
	}
	t.Cleanup(i.Close)
	i.URL = i.server.URL + o.path
	i.Rotate(o.alg)
	return i
}

// Close stops the server: from now on the issuer is down.
func (i *Issuer) Close() {
	i.server.CloseClientConnections() // those that hang, too
	i.server.Close()
}

// Name is the issuer's provider name: its URL without the scheme.
func (i *Issuer) Name() string {
	_, name, _ := strings.Cut(i.URL, "://")
	return name
}

// RootCAs vouch for an issuer made with [WithTLS].
func (i *Issuer) RootCAs() *x509.CertPool {
	pool := x509.NewCertPool()
	if cert := i.server.Certificate(); cert != nil {
		pool.AddCert(cert)
	}
	return pool
}

// Key is the key that signs now.
func (i *Issuer) Key() *Key {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.signer
}

// Keys are the keys of the key set, oldest first.
func (i *Issuer) Keys() []*Key {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.keys)
}

// Rotate makes a new key, publishes it beside the others and signs with it
// from now on.
func (i *Issuer) Rotate(alg string) *Key {
	i.t.Helper()
	k := NewKey(i.t, alg)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys, i.signer = append(i.keys, k), k
	return k
}

// Withdraw takes a key out of the key set.
func (i *Issuer) Withdraw(k *Key) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = slices.DeleteFunc(i.keys, func(held *Key) bool { return held == k })
}

// Publish makes these the keys of the key set.
func (i *Issuer) Publish(keys ...*Key) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = slices.Clone(keys)
}

// Answer has a document answered by a handler; nil has it answered as usual
// again.
func (i *Issuer) Answer(d Document, h http.Handler) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.answers[d] = h
}

// Fetches is how often a document was asked for.
func (i *Issuer) Fetches(d Document) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.fetches[d]
}

// Usual answers a document as it is answered without [Issuer.Answer].
func (i *Issuer) Usual(d Document) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { Text(string(i.document(d))).ServeHTTP(w, r) })
}

func (i *Issuer) serve(d Document) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		i.fetches[d]++
		h := i.answers[d]
		i.mu.Unlock()
		if h == nil {
			h = i.Usual(d)
		}
		h.ServeHTTP(w, r)
	}
}

func (i *Issuer) document(d Document) []byte {
	i.mu.Lock()
	defer i.mu.Unlock()
	if d == Discovery {
		return toJSON(map[string]any{
			"issuer": i.URL, "jwks_uri": i.URL + "/keys", "authorization_endpoint": i.URL + "/authorize",
			"response_types_supported": []string{"id_token"}, "subject_types_supported": []string{"public"},
			"id_token_signing_alg_values_supported": []string{"RS256", "RS384", "RS512", "ES256", "ES384", "ES512"},
		})
	}
	keys := []any{}
	for _, k := range i.keys {
		keys = append(keys, k.JWK())
	}
	return toJSON(map[string]any{"keys": keys})
}

func toJSON(v any) []byte {
	out, err := json.Marshal(v)
	if err != nil {
		panic("logintest: " + err.Error())
	}
	return out
}
