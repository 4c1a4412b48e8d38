package compat

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	apicognito "idpool/internal/api/cognito"
	apiiam "idpool/internal/api/iam"
	apists "idpool/internal/api/sts"
	"idpool/internal/login/logintest"
	"idpool/internal/store/postgres/pgtest"
	"idpool/internal/wire"

	"idpool/idpooltest"
)

const region = "us-east-1"

// services are those that the server has.
var services = []*wire.Service{(&apicognito.Service{}).Wire(), (&apists.Service{}).Wire(), (&apiiam.Service{}).Wire()}

// registered are their operations, by service and name:
// "sts:GetCallerIdentity".
var registered = func() map[string]wire.Op {
	ops := map[string]wire.Op{}
	for _, service := range services {
		for _, op := range service.Ops {
			ops[service.Name+":"+op.Name] = op
		}
	}
	return ops
}()

// host is a server on which tests have accounts of their own. A strict one
// verifies signatures and takes only providers that IAM knows; roles it takes
// by their name.
type host struct {
	*idpooltest.Server
	strict     bool
	ones, twos *logintest.Issuer // issuers that every account can trust
	users      *logintest.Issuer // a Cognito user pool
	transport  http.RoundTripper
	accounts   atomic.Int64
}

// strictNames are the provider names of a strict host's issuers.
var strictNames = [2]string{"login.example.com", "people.example.org/realms/one"}

// modes runs a test against a server in development mode and a strict one.
func modes(t *testing.T, test func(t *testing.T, h *host)) {
	for _, mode := range []string{"dev", "strict"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			test(t, newHost(t, mode == "strict"))
		})
	}
}

func newHost(t *testing.T, strict bool, opts ...idpooltest.Option) *host {
	t.Helper()
	h := &host{strict: strict, ones: logintest.NewIssuer(t), twos: logintest.NewIssuer(t, logintest.WithPath("/realms/one"), logintest.WithAlg("RS256")),
		users: logintest.NewIssuer(t)}
	log := &safeBuffer{}
	opts = append([]idpooltest.Option{idpooltest.LogTo(log), idpooltest.Limits("default"), idpooltest.Issuer(userPool, h.users.URL)}, opts...)
	if strict {
		opts = append(opts, idpooltest.Strict(), idpooltest.RolesByName(),
			idpooltest.Issuer(strictNames[0], h.ones.URL), idpooltest.Issuer(strictNames[1], h.twos.URL))
	}
	if os.Getenv("IDPOOL_TEST_STORE") == "postgres" {
		opts = append(opts, idpooltest.Database(pgtest.Database(t)))
	}
	h.Server = idpooltest.New(t, opts...)
	// The SDK closes a request's body as soon as it has the answer's header,
	// which can cost the connection. So an answer must be read in one piece.
	transport := &http.Transport{MaxIdleConnsPerHost: 64, ReadBufferSize: 64 << 10}
	h.transport = transport
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		log.check(t)
	})
	return h
}

// safeBuffer is the log of a server.
type safeBuffer struct {
	mu    sync.Mutex
	bytes bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bytes.Write(p)
}

var (
	ourFault = regexp.MustCompile(`"status":5\d\d`)
	anyToken = regexp.MustCompile(`eyJ[\w-]+\.[\w-]+\.[\w-]+`)
)

// check holds what is true of every request: none fails by a fault of the
// server's, and no token is logged.
func (b *safeBuffer) check(t *testing.T) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for line := range bytes.Lines(b.bytes.Bytes()) {
		if ourFault.Match(line) || anyToken.Match(line) {
			t.Errorf("log: %s", line)
		}
	}
	if b.bytes.Len() == 0 {
		t.Error("the log is empty")
	}
}

// clients are the official clients of one caller.
type clients struct {
	cognito *ci.Client
	iam     *iam.Client
	sts     *sts.Client
}

// clients makes clients that sign with a key for a region. They send through
// the transport and try once.
func (h *host) clients(region string, signer aws.CredentialsProvider, transport http.RoundTripper) clients {
	web := &http.Client{Transport: transport}
	endpoint := aws.String(h.URL)
	return clients{
		cognito: ci.New(ci.Options{BaseEndpoint: endpoint, Region: region, Credentials: signer, HTTPClient: web, RetryMaxAttempts: 1}),
		iam:     iam.New(iam.Options{BaseEndpoint: endpoint, Region: region, Credentials: signer, HTTPClient: web, RetryMaxAttempts: 1}),
		sts:     sts.New(sts.Options{BaseEndpoint: endpoint, Region: region, Credentials: signer, HTTPClient: web, RetryMaxAttempts: 1}),
	}
}

// site is an account on a host, with clients of its root.
type site struct {
	*host
	clients
	account  string
	root     aws.CredentialsProvider
	one, two provider
	user     provider // of a user pool, which needs no IAM provider
	calls    *recorder
}

// site makes an account. It trusts the host's two issuers: in development mode
// one of them by its name only.
func (h *host) site(t *testing.T) *site {
	t.Helper()
	s := &site{host: h, account: fmt.Sprintf("%012d", 100_000_000_000+h.accounts.Add(1)), calls: &recorder{transport: h.transport}}
	s.one, s.two = s.provider(h.ones, strictNames[0]), s.provider(h.twos, strictNames[1])
	s.user = provider{Issuer: h.users, name: userPool}
	keyID, secret := s.account, "any secret"
	if h.strict {
		keyID, secret = h.NewAccount(s.account)
	}
	s.root = credentials.NewStaticCredentialsProvider(keyID, secret, "")
	s.clients = h.clients(region, s.root, s.calls)
	if h.strict {
		s.register(t, s.one)
	}
	s.register(t, s.two)
	return s
}

// in is the same account in another region.
func (s *site) in(region string) clients { return s.host.clients(region, s.root, s.calls) }

// provider is an issuer as an account knows it.
type provider struct {
	*logintest.Issuer
	name, url, arn string
}

func (s *site) provider(issuer *logintest.Issuer, strictName string) provider {
	p := provider{Issuer: issuer, name: issuer.Name(), url: issuer.URL}
	if s.strict {
		p.name, p.url = strictName, "https://"+strictName
	}
	p.arn = "arn:aws:iam::" + s.account + ":oidc-provider/" + p.name
	return p
}

// register makes the IAM OIDC provider of an issuer.
func (s *site) register(t *testing.T, p provider) {
	t.Helper()
	out, err := s.iam.CreateOpenIDConnectProvider(t.Context(), &iam.CreateOpenIDConnectProviderInput{
		Url: &p.url, ClientIDList: []string{logintest.DefaultAudience}})
	if err != nil {
		t.Fatal(err)
	}
	if got := aws.ToString(out.OpenIDConnectProviderArn); got != p.arn {
		t.Fatalf("CreateOpenIDConnectProvider: %s, want %s", got, p.arn)
	}
}

// login is the Logins map of somebody who signed in at the issuer.
func (p provider) login(subject string, opts ...logintest.TokenOption) map[string]string {
	return map[string]string{p.name: p.Token(subject, opts...)}
}

// both is the Logins map of somebody who signed in at several issuers.
func both(maps ...map[string]string) map[string]string {
	all := map[string]string{}
	for _, m := range maps {
		for name, token := range m {
			all[name] = token
		}
	}
	return all
}

// The roles of a site's pools.
func (s *site) role(name string) string { return "arn:aws:iam::" + s.account + ":role/" + name }

// pool makes a pool that takes guests and people of both issuers, with a role
// for each.
func (s *site) pool(t *testing.T, change ...func(*ci.CreateIdentityPoolInput)) string {
	t.Helper()
	in := &ci.CreateIdentityPoolInput{IdentityPoolName: aws.String("pool"), AllowUnauthenticatedIdentities: true,
		OpenIdConnectProviderARNs: []string{s.one.arn, s.two.arn}}
	for _, c := range change {
		c(in)
	}
	pool, err := s.cognito.CreateIdentityPool(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.cognito.SetIdentityPoolRoles(t.Context(), &ci.SetIdentityPoolRolesInput{IdentityPoolId: pool.IdentityPoolId,
		Roles: map[string]string{"authenticated": s.role("people"), "unauthenticated": s.role("guests")}})
	if err != nil {
		t.Fatal(err)
	}
	return *pool.IdentityPoolId
}

// noGuests makes a pool without guests.
func noGuests(in *ci.CreateIdentityPoolInput) { in.AllowUnauthenticatedIdentities = false }

// closePool turns guests off in a pool that has them.
func (s *site) closePool(t *testing.T, pool string) {
	t.Helper()
	_, err := s.cognito.UpdateIdentityPool(t.Context(), &ci.UpdateIdentityPoolInput{IdentityPoolId: &pool,
		IdentityPoolName: aws.String("pool"), OpenIdConnectProviderARNs: []string{s.one.arn, s.two.arn}})
	if err != nil {
		t.Fatal(err)
	}
}

// id signs somebody in; nil makes a guest.
func (s *site) id(t *testing.T, pool string, logins map[string]string) string {
	t.Helper()
	out, err := s.cognito.GetId(t.Context(), &ci.GetIdInput{IdentityPoolId: &pool, Logins: logins})
	if err != nil {
		t.Fatal(err)
	}
	return *out.IdentityId
}

// unlink takes logins away from an identity.
func (s *site) unlink(t *testing.T, identity string, logins map[string]string, providers ...string) {
	t.Helper()
	_, err := s.cognito.UnlinkIdentity(t.Context(), &ci.UnlinkIdentityInput{IdentityId: &identity, Logins: logins, LoginsToRemove: providers})
	if err != nil {
		t.Fatal(err)
	}
}

// loginsOf are the names of the providers that an identity is linked to.
func (s *site) loginsOf(t *testing.T, identity string) []string {
	t.Helper()
	out, err := s.cognito.DescribeIdentity(t.Context(), &ci.DescribeIdentityInput{IdentityId: &identity})
	if err != nil {
		t.Fatal(err)
	}
	return out.Logins
}

// wantLogins holds that an identity is linked to these providers and no others.
func (s *site) wantLogins(t *testing.T, identity string, providers ...string) {
	t.Helper()
	slices.Sort(providers)
	if got := s.loginsOf(t, identity); !slices.Equal(got, providers) {
		t.Errorf("the logins of %s are %q, want %q", identity, got, providers)
	}
}

// everybody is a pool's whole content as text, for comparison.
func (s *site) everybody(t *testing.T, pool string) []string {
	t.Helper()
	var all []string
	in := &ci.ListIdentitiesInput{IdentityPoolId: &pool, MaxResults: aws.Int32(60)}
	for {
		page, err := s.cognito.ListIdentities(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range page.Identities {
			all = append(all, fmt.Sprint(*i.IdentityId, i.Logins, i.CreationDate, i.LastModifiedDate))
		}
		if in.NextToken = page.NextToken; in.NextToken == nil {
			return all
		}
	}
}

// recorder counts what is asked of the server and how it is answered.
type recorder struct {
	transport http.RoundTripper

	mu       sync.Mutex
	done     map[string]int // operation → answered 200
	refused  map[string]int // operation → answered otherwise
	mistakes []string
}

// RoundTrip sends a request. The SDK signs what is not public and nothing else,
// and that must be what the server's table says.
func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	name, err := operation(req)
	if err != nil {
		return nil, err
	}
	resp, err := r.transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if signed := req.Header.Get("Authorization") != ""; signed == registered[name].Public {
		r.mistakes = append(r.mistakes, fmt.Sprintf("%s: signed %t, public %t", name, signed, registered[name].Public))
	}
	if r.done == nil {
		r.done, r.refused = map[string]int{}, map[string]int{}
	}
	if resp.StatusCode == http.StatusOK {
		r.done[name]++
	} else {
		r.refused[name]++
	}
	return resp, nil
}

// operation tells which one a request of the SDK is for.
func operation(req *http.Request) (string, error) {
	if _, name, ok := strings.Cut(req.Header.Get("X-Amz-Target"), "."); ok {
		return "cognito-identity:" + name, nil
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return "", err
	}
	req.Body = io.NopCloser(bytes.NewReader(body))
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return "", err
	}
	return map[string]string{"2011-06-15": "sts:", "2010-05-08": "iam:"}[form.Get("Version")] + form.Get("Action"), nil
}

// check holds that an operation was really tried: it did its work, and it
// refused.
func (r *recorder) check(t *testing.T, op string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.done[op] == 0 && neverDone[op] == "" || r.refused[op] == 0 {
		t.Errorf("%s was answered %d times and refused %d times", op, r.done[op], r.refused[op])
	}
	for _, m := range r.mistakes {
		t.Error(m)
	}
}
