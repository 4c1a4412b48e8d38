package compat

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"

	"idpool/idpooltest"
	"idpool/internal/login/logintest"
)

// clock is a server's, which tests move. The server reads it in the background
// too.
type clock struct {
	start  time.Time
	passed atomic.Int64
}

func newClock() *clock { return &clock{start: time.Now()} }

func (c *clock) now() time.Time { return c.start.Add(time.Duration(c.passed.Load())) }

// jump sets it to so long after its start.
func (c *clock) jump(to time.Duration) { c.passed.Store(int64(to)) }

// at are clients with a key whose clock is another.
func (s *site) at(now func() time.Time, key aws.Credentials) clients {
	return s.host.clients(region, s.root, onTheWay{s.transport, func(r *http.Request, body []byte) []byte {
		if scope := regexp.MustCompile(`/([a-z0-9-]+)/aws4_request`).FindStringSubmatch(r.Header.Get("Authorization")); scope != nil {
			seal{key, scope[1], region, now()}.sign(r, body)
		}
		return body
	}})
}

// TestTimePasses holds that everything that is handed out ends when it says.
func TestTimePasses(t *testing.T) {
	t.Parallel()
	c := newClock()
	h := newHost(t, true, idpooltest.Clock(c.now))
	s := h.site(t)
	root, err := s.root.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	as := func(key aws.Credentials) clients { return s.at(c.now, key) }
	now := as(root)
	pool := s.pool(t, developers)
	ann := s.one.login("ann", logintest.Claim("iat", c.start.Unix()), logintest.Claim("exp", c.start.Unix()+3600))
	id := s.id(t, pool, ann)
	classic, err := s.cognito.GetOpenIdToken(t.Context(), &ci.GetOpenIdTokenInput{IdentityId: &id, Logins: ann})
	if err != nil {
		t.Fatal(err)
	}
	user, byBackEnd := s.vouch(t, pool, developer("u1"))
	minted, err := s.cognito.GetCredentialsForIdentity(t.Context(), &ci.GetCredentialsForIdentityInput{IdentityId: &id, Logins: ann})
	if err != nil {
		t.Fatal(err)
	}
	session := as(fromCognito(minted.Credentials))

	assume := func() error {
		_, err := now.sts.AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{RoleArn: aws.String(s.role("people")), RoleSessionName: aws.String("app"), WebIdentityToken: classic.Token})
		return err
	}
	enhanced := func() error {
		_, err := now.cognito.GetCredentialsForIdentity(t.Context(), &ci.GetCredentialsForIdentityInput{IdentityId: &user, Logins: map[string]string{ours: byBackEnd}})
		return err
	}
	signIn := func() error {
		_, err := now.cognito.GetId(t.Context(), &ci.GetIdInput{IdentityPoolId: &pool, Logins: ann})
		return err
	}
	whoAmI := func() error {
		_, err := session.sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
		return err
	}
	list := func() error {
		_, err := session.cognito.ListIdentityPools(t.Context(), &ci.ListIdentityPoolsInput{MaxResults: aws.Int32(1)})
		return err
	}
	issued := c.start.Unix()
	const sessionOver = "The security token included in the request is expired"
	for _, test := range []struct {
		name  string
		after time.Duration
		call  func() error
		over  func(t *testing.T, err error, now int64)
	}{
		{"token for the classic flow", 10 * time.Minute, assume, func(t *testing.T, err error, now int64) {
			refused[*ststypes.ExpiredTokenException](t, err, fmt.Sprintf("Token expired: current date/time %d must be before the expiration date/time %d", now, issued+600))
		}},
		{"token of a developer user", 15 * time.Minute, enhanced, func(t *testing.T, err error, now int64) {
			refused[*types.NotAuthorizedException](t, err, fmt.Sprintf("Invalid login token. Token expired: %d >= %d", now, issued+900))
		}},
		{"session at the STS", time.Hour, whoAmI, func(t *testing.T, err error, _ int64) { unmodelled(t, err, "ExpiredToken", sessionOver) }},
		{"session", time.Hour, list, func(t *testing.T, err error, _ int64) { unmodelled(t, err, "ExpiredTokenException", sessionOver) }},
		{"login token, with a minute of grace", time.Hour + time.Minute, signIn, func(t *testing.T, err error, now int64) {
			refused[*types.NotAuthorizedException](t, err, fmt.Sprintf("Invalid login token. Token expired: %d >= %d", now, issued+3600))
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c.jump(test.after - 3*time.Second)
			if err := test.call(); err != nil {
				t.Errorf("shortly before: %v", err)
			}
			c.jump(test.after + 3*time.Second)
			test.over(t, test.call(), c.now().Unix())
		})
	}
}

// TestLimits holds that the presets are applied: the hosted service's figures,
// on a clock that stands still.
func TestLimits(t *testing.T) {
	t.Parallel()
	start := time.Now()
	h := newHost(t, false, idpooltest.Limits("aws"), idpooltest.Clock(func() time.Time { return start }))
	s := h.site(t)
	pool := s.bare(t)
	tag := func(s *site, pool string) error {
		_, err := s.cognito.TagResource(t.Context(), &ci.TagResourceInput{ResourceArn: s.arn(pool), Tags: map[string]string{"a": "b"}})
		return err
	}
	for i := range 10 { // two seconds of five
		if err := tag(s, pool); err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
	}
	refused[*types.TooManyRequestsException](t, tag(s, pool), "Rate exceeded")
	// That is the account's matter for this operation, and nobody else's.
	if _, err := s.cognito.DescribeIdentityPool(t.Context(), &ci.DescribeIdentityPoolInput{IdentityPoolId: &pool}); err != nil {
		t.Error(err)
	}
	other := h.site(t)
	if err := tag(other, other.bare(t)); err != nil {
		t.Error(err)
	}
	in := &ci.CreateIdentityPoolInput{IdentityPoolName: aws.String("p")}
	for i := range 51 {
		in.CognitoIdentityProviders = append(in.CognitoIdentityProviders, types.CognitoIdentityProvider{ProviderName: aws.String(userPool), ClientId: aws.String(fmt.Sprint("c", i))})
	}
	_, err := s.cognito.CreateIdentityPool(t.Context(), in)
	refused[*types.LimitExceededException](t, err, "An identity pool can have at most 50 Cognito identity providers, not 51.")
	mapped := s.pool(t)
	many := rules(deny)
	for range 26 {
		many.RulesConfiguration.Rules = append(many.RulesConfiguration.Rules, s.rule("a", types.MappingRuleMatchTypeEquals, "b", "people"))
	}
	_, err = s.cognito.SetIdentityPoolRoles(t.Context(), &ci.SetIdentityPoolRolesInput{IdentityPoolId: &mapped, Roles: map[string]string{}, RoleMappings: map[string]types.RoleMapping{s.one.arn: many}})
	refused[*types.InvalidParameterException](t, err, "The role mapping of ("+s.one.arn+") has 26 rules, at most 25 are allowed.")
}

// TestDevIssuer holds that the server's own issuer of development mode is a
// provider like any other.
func TestDevIssuer(t *testing.T) {
	t.Parallel()
	h := newHost(t, false)
	s := h.site(t)
	arn := "arn:aws:iam::" + s.account + ":oidc-provider/" + h.Provider()
	pool := s.pool(t, func(in *ci.CreateIdentityPoolInput) {
		in.OpenIdConnectProviderARNs = append(in.OpenIdConnectProviderARNs, arn)
	})
	alice := map[string]string{h.Provider(): h.Token("alice", "any application")}
	id := s.id(t, pool, alice)
	if again := s.id(t, pool, both(alice, s.one.login("ann"))); again != id {
		t.Errorf("alice is %s and %s", id, again)
	}
	s.wantLogins(t, id, h.Provider(), s.one.name)
	out, err := s.cognito.GetCredentialsForIdentity(t.Context(), &ci.GetCredentialsForIdentityInput{IdentityId: &id, Logins: alice})
	if err != nil {
		t.Fatal(err)
	}
	s.isSession(t, fromCognito(out.Credentials), "people", "CognitoIdentityCredentials")
	token, err := s.cognito.GetOpenIdToken(t.Context(), &ci.GetOpenIdTokenInput{IdentityId: &id, Logins: alice})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"authenticated", h.Provider(), arn + ":OIDC:alice"}; !slices.Equal(s.believe(t, *token.Token).AMR, want) {
		t.Errorf("amr %q, want %q", s.believe(t, *token.Token).AMR, want)
	}
}
