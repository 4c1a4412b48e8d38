package bench

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
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

	"idpool/internal/idpool"
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
	keys map[jose.SignatureAlgorithm]*jose.JSONWebKey
}

func newIssuer() (*issuer, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	i := &issuer{keys: map[jose.SignatureAlgorithm]*jose.JSONWebKey{
		jose.RS256: {Key: key, KeyID: "bench", Algorithm: string(jose.RS256), Use: "sig"},
		jose.ES256: {Key: curve, KeyID: "bench-elliptic", Algorithm: string(jose.ES256), Use: "sig"},
	}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /issuer/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(map[string]string{"issuer": i.url(), "jwks_uri": i.url() + "/keys"})
	})
	mux.HandleFunc("GET /issuer/keys", func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{i.keys[jose.RS256].Public(), i.keys[jose.ES256].Public()}})
	})
	i.Server = httptest.NewServer(mux)
	return i, nil
}

func (i *issuer) url() string { return i.URL + "/issuer" }

// world is what a bench works with: pools, and people with tokens.
type world struct {
	host     string
	issuer   *issuer
	provider string // name of the issuer
	at       string // URL that it is registered with
	pool     idpool.PoolID
	cast
}

// cast are the people of one table.
type cast struct {
	regulars []person // whose tokens the server has seen
	first    []string // tokens of people who never signed in
	back     []string // tokens, never seen, of people who did
	elliptic []string // the same, signed with ES256
	found    []string // their identities, once they were asked for
}

type person struct{ token, identity string }

// regularCount is how many people the paths of tokens seen before go round, so
// that not one row of the store answers them all.
const regularCount = 1000

// newWorld makes pools, the provider and a role through the API.
func newWorld(ctx context.Context, host string, issuer *issuer, c Config) (*world, error) {
	w := &world{host: host, issuer: issuer, provider: Provider, at: "https://" + Provider}
	client := newConn(host)
	defer client.Close()
	if err := w.trust(ctx, client); err != nil {
		return nil, err
	}
	if err := w.makePool(ctx, client); err != nil {
		return nil, err
	}
	if err := w.setRole(ctx, client); err != nil {
		return nil, err
	}
	return w, w.makePools(ctx, c)
}

func (w *world) setRole(ctx context.Context, client *conn) error {
	return w.call(ctx, client, "SetIdentityPoolRoles", map[string]any{
		"IdentityPoolId": w.pool, "Roles": map[string]string{"authenticated": "arn:aws:iam::" + account + ":role/bench"},
	}, nil)
}

func (w *world) makePool(ctx context.Context, client *conn) error {
	var made struct{ IdentityPoolId idpool.PoolID }
	err := w.call(ctx, client, "CreateIdentityPool", map[string]any{
		"IdentityPoolName": "bench", "AllowUnauthenticatedIdentities": true,
		"OpenIdConnectProviderARNs": []string{"arn:aws:iam::" + account + ":oidc-provider/" + w.provider},
	}, &made)
	w.pool = made.IdentityPoolId
	return err
}

// makePools makes the other pools.
func (w *world) makePools(ctx context.Context, c Config) error {
	var connections sync.Pool
	var done atomic.Int64
	return each(ctx, c.Clients, c.Pools-1, func(i int) error {
		client, ok := connections.Get().(*conn)
		if !ok {
			client = newConn(w.host)
		}
		defer connections.Put(client)
		if n := done.Add(1); n%100 == 0 {
			c.Progress("create pools", int(n), c.Pools)
		}
		return w.call(ctx, client, "CreateIdentityPool", map[string]any{
			"IdentityPoolName": fmt.Sprintf("pool number %d", i), "AllowUnauthenticatedIdentities": false}, nil)
	})
}

// subject is a subject of 32 hexadecimal digits.
func subject(i int) string {
	sum := sha256.Sum256(fmt.Append(nil, i))
	return hex.EncodeToString(sum[:16])
}

// sign makes tokens for people.
func (w *world) sign(ctx context.Context, alg jose.SignatureAlgorithm, n int, subject func(i int) string, progress func(step string, done, of int)) ([]string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: w.issuer.keys[alg]}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	tokens := make([]string, n)
	return tokens, each(ctx, 2, n, func(i int) (err error) {
		if i%100 == 0 {
			progress("sign tokens", i, n)
		}
		sub := subject(i)
		tokens[i], err = jwt.Signed(signer).Claims(map[string]any{
			"iss": w.issuer.url(), "aud": audience, "sub": sub, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
			"email": sub + "@example.com", "email_verified": true, "name": "Somebody With A Name",
		}).Serialize()
		return err
	})
}

// invite makes the cast of a table from people who come for the first time, and
// people who come back; they may be the same.
func (w *world) invite(ctx context.Context, c Config, first, back func(i int) string) (err error) {
	if err := w.meet(ctx, min(regularCount, c.People), func(i int) string { return back(c.People + i) }, c.Progress); err != nil {
		return err
	}
	if w.first, err = w.sign(ctx, jose.RS256, c.People, first, c.Progress); err != nil {
		return err
	}
	w.back, w.found = w.first, make([]string, c.People)
	if first(0) != back(0) {
		if w.back, err = w.sign(ctx, jose.RS256, c.People, back, c.Progress); err != nil {
			return err
		}
	}
	w.elliptic, err = w.sign(ctx, jose.ES256, c.People, back, c.Progress)
	return err
}

// meet has people sign in, who are the regulars from then on.
func (w *world) meet(ctx context.Context, n int, subject func(i int) string, progress func(step string, done, of int)) error {
	tokens, err := w.sign(ctx, jose.RS256, n, subject, progress)
	if err != nil {
		return err
	}
	w.regulars = make([]person, n)
	var connections sync.Pool
	return each(ctx, 8, n, func(i int) error {
		client, ok := connections.Get().(*conn)
		if !ok {
			client = newConn(w.host)
		}
		defer connections.Put(client)
		var id struct{ IdentityId string }
		err := w.call(ctx, client, "GetId", w.getID(tokens[i]), &id)
		w.regulars[i] = person{tokens[i], id.IdentityId}
		return err
	})
}

func (w *world) getID(token string) map[string]any {
	return map[string]any{"IdentityPoolId": w.pool, "Logins": w.logins(token)}
}

func (w *world) logins(token string) map[string]string {
	return map[string]string{w.provider: token}
}

func (w *world) getCredentials(p person) map[string]any {
	return map[string]any{"IdentityId": p.identity, "Logins": w.logins(p.token)}
}

// round makes the requests of an operation for every regular, to be sent again
// and again.
func (w *world) round(op string, in func(p person) map[string]any) (next func(n int) ([]byte, error), err error) {
	requests := make([][]byte, len(w.regulars))
	for i, p := range w.regulars {
		if requests[i], err = w.build(context.Background(), op, in(p)); err != nil {
			return nil, err
		}
	}
	return func(n int) ([]byte, error) { return requests[n%len(requests)], nil }, nil
}

// paths are the lines to measure (docs/performance.md says why these).
func (w *world) paths() ([]path, error) {
	list, err1 := w.listing()
	getID, err2 := w.round("GetId", func(p person) map[string]any { return w.getID(p.token) })
	credentials, err3 := w.round("GetCredentialsForIdentity", w.getCredentials)
	ask := func(tokens []string) func(n int) ([]byte, error) {
		return func(n int) ([]byte, error) { return w.build(context.Background(), "GetId", w.getID(tokens[n])) }
	}
	return []path{
		{name: "ListIdentityPools, signed, a page of 60", reach: 0.60, next: list},
		{name: "GetId, returning, token seen before", store: byLogin, reach: 0.60, next: getID},
		{name: "GetCredentialsForIdentity, token seen before", store: byID, reach: 0.60, next: credentials},
		{name: "GetId, new person, durable", store: firstTime, bound: inserts, reach: 0.50, once: len(w.first), next: ask(w.first)},
		{name: "GetId, returning, token never seen", store: byLogin, bound: verified, reach: 0.60, once: len(w.back), next: ask(w.back), forget: true,
			keep: func(n int, answer []byte) {
				w.found[n] = string(answer[len(`{"IdentityId":"`) : len(answer)-len(`"}`)])
			}},
		{name: "GetId, returning, ES256 token never seen", store: byLogin, bound: verifiedEC, reach: 0.60, once: len(w.elliptic), next: ask(w.elliptic), forget: true},
		{name: "GetCredentialsForIdentity, token never seen", store: byID, bound: verified, reach: 0.60, once: len(w.back), forget: true,
			next: func(n int) ([]byte, error) {
				return w.build(context.Background(), "GetCredentialsForIdentity", w.getCredentials(person{w.back[n], w.found[n]}))
			}},
	}, errors.Join(err1, err2, err3)
}

// listing is one page of pools, asked for again and again.
func (w *world) listing() (next func(n int) ([]byte, error), err error) {
	req, err := w.build(context.Background(), "ListIdentityPools", map[string]any{"MaxResults": 60})
	return func(int) ([]byte, error) { return req, nil }, err
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
	err := w.iam(ctx, c, url.Values{"Action": {"CreateOpenIDConnectProvider"}, "Url": {w.at}, "ClientIDList.member.1": {audience}})
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
	status, body, err := c.do(ctx, req)
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
	status, body, err := c.do(ctx, req)
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
