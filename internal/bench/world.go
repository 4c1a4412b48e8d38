package bench

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// The root key of the server under test.
const (
	RootKeyID  = "AKIAIDPOOLBENCH00000"
	RootSecret = "a secret for the bench, known to everybody"
)

// StoreFile is the name of the server's database in its folder.
const StoreFile = "idpool.db"

// Provider is the name of the issuer of the bench's people. Where it really
// lives, the server is told by its configuration.
const Provider = "login.bench.example"

const (
	audience = "bench"
	account  = "000000000000"
	region   = "us-east-1"
)

// issuer is the provider of the bench's people.
type issuer struct {
	*httptest.Server
	key jose.JSONWebKey
}

func newIssuer() (*issuer, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	i := &issuer{key: jose.JSONWebKey{Key: key, KeyID: "bench", Algorithm: string(jose.RS256), Use: "sig"}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /issuer/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(map[string]string{"issuer": i.url(), "jwks_uri": i.url() + "/keys"})
	})
	mux.HandleFunc("GET /issuer/keys", func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{i.key.Public()}})
	})
	i.Server = httptest.NewServer(mux)
	return i, nil
}

func (i *issuer) url() string { return i.URL + "/issuer" }

// world is what a bench works with: pools, and people with tokens.
type world struct {
	host     string
	issuer   *issuer
	pool     string
	tokens   []string // of people who never signed in
	people   []string // their identities, once they have
	returned string   // token of somebody who did
	identity string   // who that is
}

// newWorld makes pools and people through the API.
func newWorld(ctx context.Context, host string, issuer *issuer, c Config) (*world, error) {
	w := &world{host: host, issuer: issuer}
	if err := w.sign(ctx, c); err != nil {
		return nil, err
	}
	return w, w.fill(ctx, c)
}

func subject(i int) string {
	sum := sha256.Sum256(fmt.Append(nil, i))
	return hex.EncodeToString(sum[:16])
}

// sign makes a token for each new person, and one for the person who returns.
func (w *world) sign(ctx context.Context, c Config) error {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: w.issuer.key}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return err
	}
	now := time.Now()
	token := func(sub string) (string, error) {
		return jwt.Signed(signer).Claims(map[string]any{
			"iss": w.issuer.url(), "aud": audience, "sub": sub, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
			"email": sub + "@example.com", "email_verified": true, "name": "Somebody With A Name",
		}).Serialize()
	}
	if w.returned, err = token("somebody"); err != nil {
		return err
	}
	w.tokens = make([]string, c.People)
	return each(ctx, 2, c.People, func(i int) error {
		if i%100 == 0 {
			c.Progress("sign tokens", i, c.People)
		}
		var err error
		w.tokens[i], err = token(subject(i))
		return err
	})
}

// fill makes the pools, the provider and the person who returns.
func (w *world) fill(ctx context.Context, c Config) error {
	client, err := dial(ctx, w.host)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := w.trust(ctx, client); err != nil {
		return err
	}
	var made struct{ IdentityPoolId string }
	if err := w.call(ctx, client, "CreateIdentityPool", map[string]any{
		"IdentityPoolName": "bench", "AllowUnauthenticatedIdentities": true,
		"OpenIdConnectProviderARNs": []string{"arn:aws:iam::" + account + ":oidc-provider/" + Provider},
	}, &made); err != nil {
		return err
	}
	w.pool = made.IdentityPoolId
	if err := w.call(ctx, client, "SetIdentityPoolRoles", map[string]any{
		"IdentityPoolId": w.pool, "Roles": map[string]string{"authenticated": "arn:aws:iam::" + account + ":role/bench"},
	}, nil); err != nil {
		return err
	}
	var id struct{ IdentityId string }
	if err := w.call(ctx, client, "GetId", w.getID(w.returned), &id); err != nil {
		return err
	}
	w.identity = id.IdentityId
	var connections sync.Pool
	var done atomic.Int64
	return each(ctx, c.Clients, c.Pools-1, func(i int) error {
		client, _ := connections.Get().(*conn)
		if client == nil {
			var err error
			if client, err = dial(ctx, w.host); err != nil {
				return err
			}
		}
		defer connections.Put(client)
		if n := done.Add(1); n%100 == 0 {
			c.Progress("create pools", int(n), c.Pools)
		}
		return w.call(ctx, client, "CreateIdentityPool", map[string]any{
			"IdentityPoolName": fmt.Sprintf("pool number %d", i), "AllowUnauthenticatedIdentities": false}, nil)
	})
}

func (w *world) getID(token string) map[string]any {
	return map[string]any{"IdentityPoolId": w.pool, "Logins": w.logins(token)}
}

func (w *world) logins(token string) map[string]string {
	return map[string]string{Provider: token}
}

// paths are the lines to measure (docs/performance.md says why these). People
// sign in for the first time, then come back twice, each time to a server that
// never saw their tokens.
func (w *world) paths() []path {
	same := func(op string, in any) func(int) ([]byte, error) {
		req, err := w.build(context.Background(), op, in)
		return func(int) ([]byte, error) { return req, err }
	}
	getID := func(n int) ([]byte, error) { return w.build(context.Background(), "GetId", w.getID(w.tokens[n])) }
	credentials := func(n int) ([]byte, error) {
		return w.build(context.Background(), "GetCredentialsForIdentity", map[string]any{"IdentityId": w.people[n], "Logins": w.logins(w.tokens[n])})
	}
	w.people = make([]string, len(w.tokens))
	return []path{
		{name: "ListIdentityPools, signed, a page of 60", reach: 0.60, next: same("ListIdentityPools", map[string]any{"MaxResults": 60})},
		{name: "GetId, returning, token seen before", reach: 0.60, next: same("GetId", w.getID(w.returned))},
		{name: "GetCredentialsForIdentity, token seen before", reach: 0.60, next: same("GetCredentialsForIdentity",
			map[string]any{"IdentityId": w.identity, "Logins": w.logins(w.returned)})},
		{name: "GetId, new person, durable", bound: inserts, reach: 0.50, once: len(w.tokens), next: getID},
		{name: "GetId, returning, token never seen", bound: verified, reach: 0.60, once: len(w.tokens), next: getID, forget: true,
			keep: func(n int, answer []byte) {
				w.people[n] = string(answer[len(`{"IdentityId":"`) : len(answer)-len(`"}`)])
			}},
		{name: "GetCredentialsForIdentity, token never seen", bound: verified, reach: 0.60, once: len(w.tokens), next: credentials, forget: true},
	}
}

// public are the operations that need no signature.
var public = map[string]bool{"GetId": true, "GetCredentialsForIdentity": true, "GetOpenIdToken": true}

// build makes the bytes of a call, signed now if it needs a signature.
func (w *world) build(ctx context.Context, op string, in any) ([]byte, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	header := http.Header{
		"Content-Type": {"application/x-amz-json-1.1"},
		"X-Amz-Target": {"AWSCognitoIdentityService." + op},
	}
	if public[op] {
		return request(w.host, header, body), nil
	}
	return w.signed(ctx, "cognito-identity", header, body)
}

func (w *world) signed(ctx context.Context, service string, header http.Header, body []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+w.host+"/", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header = header
	sum := sha256.Sum256(body)
	err = v4.NewSigner().SignHTTP(ctx, aws.Credentials{AccessKeyID: RootKeyID, SecretAccessKey: RootSecret}, r,
		hex.EncodeToString(sum[:]), service, region, time.Now())
	return request(w.host, r.Header, body), err
}

// trustPolicy lets people of any pool become the role.
const trustPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"cognito-identity.amazonaws.com"},
"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringLike":{"cognito-identity.amazonaws.com:aud":"` + region + `:*"},
"ForAnyValue:StringLike":{"cognito-identity.amazonaws.com:amr":"authenticated"}}}]}`

// trust registers the issuer and a role with IAM.
func (w *world) trust(ctx context.Context, c *conn) error {
	err := w.iam(ctx, c, url.Values{"Action": {"CreateOpenIDConnectProvider"}, "Url": {"https://" + Provider}, "ClientIDList.member.1": {audience}})
	if err != nil {
		return err
	}
	return w.iam(ctx, c, url.Values{"Action": {"CreateRole"}, "RoleName": {"bench"}, "AssumeRolePolicyDocument": {trustPolicy}})
}

func (w *world) iam(ctx context.Context, c *conn, form url.Values) error {
	form.Set("Version", "2010-05-08")
	req, err := w.signed(ctx, "iam", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, []byte(form.Encode()))
	if err != nil {
		return err
	}
	status, body, err := c.do(req)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%s: status %d: %.300s", form.Get("Action"), status, body)
	}
	return err
}

func (w *world) call(ctx context.Context, c *conn, op string, in, out any) error {
	req, err := w.build(ctx, op, in)
	if err != nil {
		return err
	}
	status, body, err := c.do(req)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("%s: status %d: %.300s", op, status, body)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(body, out)
}

// each runs fn for every number below n, from several goroutines, until one
// fails.
func each(ctx context.Context, workers, n int, fn func(i int) error) error {
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := int(next.Add(1) - 1); i < n && failed.Load() == nil && ctx.Err() == nil; i = int(next.Add(1) - 1) {
				if err := fn(i); err != nil {
					failed.CompareAndSwap(nil, &err)
				}
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return ctx.Err()
}
