package idpooltest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"

	"idpool/idpooltest"
	"idpool/internal/login/logintest"
)

// dial is a client of the official SDK that signs with a key.
func dial(srv *idpooltest.Server, accessKeyID, secret string) *cognitoidentity.Client {
	return cognitoidentity.New(cognitoidentity.Options{
		BaseEndpoint: aws.String(srv.URL), Region: "us-east-1", RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: accessKeyID, SecretAccessKey: secret}, nil
		}),
	})
}

func root(srv *idpooltest.Server) *cognitoidentity.Client {
	id, secret := srv.RootKey()
	return dial(srv, id, secret)
}

func arn(account, provider string) string {
	return "arn:aws:iam::" + account + ":oidc-provider/" + provider
}

// pool makes a pool that takes guests and, if there is a provider, its people.
func pool(t *testing.T, c *cognitoidentity.Client, providers ...string) *string {
	t.Helper()
	out, err := c.CreateIdentityPool(t.Context(), &cognitoidentity.CreateIdentityPoolInput{
		IdentityPoolName: aws.String("test"), AllowUnauthenticatedIdentities: true, OpenIdConnectProviderARNs: providers})
	if err != nil {
		t.Fatal(err)
	}
	return out.IdentityPoolId
}

func setRole(t *testing.T, c *cognitoidentity.Client, pool *string) error {
	t.Helper()
	_, err := c.SetIdentityPoolRoles(t.Context(), &cognitoidentity.SetIdentityPoolRolesInput{IdentityPoolId: pool,
		Roles: map[string]string{"authenticated": "arn:aws:iam::" + idpooltest.Account + ":role/people"}})
	return err
}

func wantError(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("got %v, want %s", err, text)
	}
}

func wantPanic(t *testing.T, text string, do func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if p := recover(); p == nil || !strings.Contains(fmt.Sprint(p), text) {
			t.Errorf("panic %v, want %s", p, text)
		}
	}()
	do()
}

// TestNew is the way that the package comment shows: a pool, somebody of the
// server's own issuer, and credentials.
func TestNew(t *testing.T) {
	srv := idpooltest.New(t)
	c := root(srv)
	id := pool(t, c, arn(idpooltest.Account, srv.Provider()))
	if err := setRole(t, c, id); err != nil {
		t.Fatal(err)
	}
	alice := map[string]string{srv.Provider(): srv.Token("alice", "web")}
	who, err := c.GetId(t.Context(), &cognitoidentity.GetIdInput{IdentityPoolId: id, Logins: alice})
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.GetCredentialsForIdentity(t.Context(), &cognitoidentity.GetCredentialsForIdentityInput{IdentityId: who.IdentityId, Logins: alice})
	if err != nil {
		t.Fatal(err)
	}
	if *out.IdentityId != *who.IdentityId || *out.Credentials.SecretKey == "" {
		t.Errorf("got %+v for %s", out, *who.IdentityId)
	}
	resp, err := http.Get(srv.Admin + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("/readyz: %s", resp.Status)
	}
}

func TestServersKnowNothingOfEachOther(t *testing.T) {
	one, two := idpooltest.New(t), idpooltest.New(t)
	id := pool(t, root(one))
	_, err := root(two).DescribeIdentityPool(t.Context(), &cognitoidentity.DescribeIdentityPoolInput{IdentityPoolId: id})
	wantError(t, err, "not found")
	if one.Provider() == two.Provider() {
		t.Error("they have one issuer")
	}
}

func TestServerIsGoneWhenTheTestEnds(t *testing.T) {
	var srv *idpooltest.Server
	t.Run("", func(t *testing.T) { srv = idpooltest.New(t) })
	for _, address := range []string{srv.URL, srv.Admin} {
		if resp, err := http.Get(address); err == nil {
			resp.Body.Close()
			t.Errorf("%s still answers", address)
		}
	}
}

func TestStrict(t *testing.T) {
	srv := idpooltest.New(t, idpooltest.Strict())
	c := root(srv)
	id := pool(t, c)
	key, secret := srv.RootKey()
	list := &cognitoidentity.ListIdentityPoolsInput{MaxResults: aws.Int32(1)}
	_, err := dial(srv, key, secret+"x").ListIdentityPools(t.Context(), list)
	wantError(t, err, "InvalidSignatureException")
	_, err = dial(srv, "123456789012", "any").ListIdentityPools(t.Context(), list)
	wantError(t, err, "UnrecognizedClientException")
	wantError(t, setRole(t, c, id), "Access to Role")
	if srv.Provider() != "" {
		t.Errorf("it has an issuer: %s", srv.Provider())
	}
	wantPanic(t, "", func() { srv.Token("alice", "web") })
}

func TestRolesByName(t *testing.T) {
	srv := idpooltest.New(t, idpooltest.Strict(), idpooltest.RolesByName())
	c := root(srv)
	if err := setRole(t, c, pool(t, c)); err != nil {
		t.Error(err)
	}
}

// TestIssuer signs somebody in at an issuer in the test, for which a strict
// server was told where it lives, and at one for which it was not.
func TestIssuer(t *testing.T) {
	const name = "cognito-idp.us-east-1.amazonaws.com/us-east-1_Ab12Cd34E"
	issuer := logintest.NewIssuer(t)
	ann := map[string]string{name: issuer.Token("ann", logintest.Audience("web"), logintest.Claim("token_use", "id"))}
	for _, told := range []bool{true, false} {
		opts := []idpooltest.Option{idpooltest.Strict()}
		if told {
			opts = append(opts, idpooltest.Issuer(name, issuer.URL))
		}
		c := root(idpooltest.New(t, opts...))
		made, err := c.CreateIdentityPool(t.Context(), &cognitoidentity.CreateIdentityPoolInput{IdentityPoolName: aws.String("test"),
			CognitoIdentityProviders: []types.CognitoIdentityProvider{{ProviderName: aws.String(name), ClientId: aws.String("web")}}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.GetId(t.Context(), &cognitoidentity.GetIdInput{IdentityPoolId: made.IdentityPoolId, Logins: ann})
		if told && err != nil {
			t.Error(err)
		} else if !told {
			wantError(t, err, "Issuer doesn't match providerName")
		}
	}
}

func TestNewAccount(t *testing.T) {
	for _, opts := range [][]idpooltest.Option{{idpooltest.Strict()}, nil} {
		srv := idpooltest.New(t, opts...)
		key, secret := srv.NewAccount("123456789012")
		id := pool(t, dial(srv, key, secret))
		_, err := root(srv).DescribeIdentityPool(t.Context(), &cognitoidentity.DescribeIdentityPoolInput{IdentityPoolId: id})
		if len(opts) > 0 { // in development mode a key is taken for what it spells
			wantError(t, err, "not found")
		}
		for _, bad := range []string{"123456789012", idpooltest.Account, "12345678901", "12345678901x", ""} {
			wantPanic(t, "account "+bad, func() { srv.NewAccount(bad) })
		}
	}
}

func TestClock(t *testing.T) {
	noon := time.Date(2031, 2, 3, 12, 0, 0, 0, time.UTC)
	srv := idpooltest.New(t, idpooltest.Clock(func() time.Time { return noon }))
	c := root(srv)
	id := pool(t, c, arn(idpooltest.Account, srv.Provider()))
	if err := setRole(t, c, id); err != nil {
		t.Fatal(err)
	}
	alice := map[string]string{srv.Provider(): srv.Token("alice", "web")}
	who, err := c.GetId(t.Context(), &cognitoidentity.GetIdInput{IdentityPoolId: id, Logins: alice})
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.GetCredentialsForIdentity(t.Context(), &cognitoidentity.GetCredentialsForIdentityInput{IdentityId: who.IdentityId, Logins: alice})
	if err != nil {
		t.Fatal(err)
	}
	if want := noon.Add(time.Hour); !out.Credentials.Expiration.Equal(want) {
		t.Errorf("the credentials end at %s, want %s", out.Credentials.Expiration, want)
	}
}

func TestLogTo(t *testing.T) {
	var log lockedBuffer
	srv := idpooltest.New(t, idpooltest.LogTo(&log))
	id := pool(t, root(srv))
	var line struct{ Op, Pool, Account string }
	if err := json.Unmarshal(log.bytes(), &line); err != nil {
		t.Fatalf("%v in %s", err, log.bytes())
	}
	if line.Op != "CreateIdentityPool" || line.Pool != *id || line.Account != idpooltest.Account {
		t.Errorf("the log says %s", log.bytes())
	}
}

// lockedBuffer is a buffer for a writer and a reader at once.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Clone(b.buf.Bytes())
}

func TestLimits(t *testing.T) {
	now := time.Now()
	srv := idpooltest.New(t, idpooltest.Limits("aws"), idpooltest.Clock(func() time.Time { return now }))
	c := root(srv)
	id := pool(t, c)
	get := func() error {
		_, err := c.GetId(t.Context(), &cognitoidentity.GetIdInput{IdentityPoolId: id})
		return err
	}
	for i := range 50 { // two seconds of 25
		if err := get(); err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
	}
	wantError(t, get(), "TooManyRequestsException")
	wantPanic(t, `there are no limits "none"`, func() { idpooltest.New(fatal{t}, idpooltest.Limits("none")) })
}

// fatal is a test that panics where a test would end.
type fatal struct{ testing.TB }

func (fatal) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
