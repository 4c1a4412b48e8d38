package compat

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"idpool/idpooltest"
	"idpool/internal/login/logintest"
)

// TestUpstream has a pool hand out roles of another server's, whose STS knows the
// pool's server as one issuer among others, and asks it for its keys.
func TestUpstream(t *testing.T) {
	t.Parallel()
	const provider, elsewhere = "login.example.com", "111122223333"
	const theirs = "arn:aws:iam::" + elsewhere + ":role/reader"
	ctx, issuer, log := t.Context(), logintest.NewIssuer(t), &safeBuffer{}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	// Development mode takes an issuer that is plain http and on loopback; a
	// role that exists is checked in it as always.
	store := idpooltest.New(t)
	behind, err := url.Parse(store.URL)
	must(err)
	front := httptest.NewServer(httputil.NewSingleHostReverseProxy(behind))
	t.Cleanup(front.Close)
	server := idpooltest.New(t, idpooltest.Strict(), idpooltest.RolesByName(), idpooltest.Issuer(provider, issuer.URL),
		idpooltest.Upstream("arn:aws:iam::"+elsewhere+":role/*", front.URL), idpooltest.LogTo(log))
	transport := &http.Transport{ReadBufferSize: 64 << 10}
	t.Cleanup(transport.CloseIdleConnections)
	ours, other := &host{Server: server, strict: true, transport: transport}, &host{Server: store, transport: transport}
	keyID, secret := server.RootKey()
	root := ours.clients(region, credentials.NewStaticCredentialsProvider(keyID, secret, ""), transport)
	storeRoot := other.clients(region, credentials.NewStaticCredentialsProvider(elsewhere, "any", ""), transport)

	made, err := root.iam.CreateOpenIDConnectProvider(ctx, &iam.CreateOpenIDConnectProviderInput{Url: aws.String("https://" + provider), ClientIDList: []string{logintest.DefaultAudience}})
	must(err)
	pool, err := root.cognito.CreateIdentityPool(ctx, &ci.CreateIdentityPoolInput{IdentityPoolName: aws.String("shop"), AllowUnauthenticatedIdentities: true,
		OpenIdConnectProviderARNs: []string{*made.OpenIDConnectProviderArn}})
	must(err)
	_, err = root.cognito.SetIdentityPoolRoles(ctx, &ci.SetIdentityPoolRolesInput{IdentityPoolId: pool.IdentityPoolId, Roles: map[string]string{"authenticated": theirs, "unauthenticated": theirs}})
	must(err)

	// There, an administrator trusts our issuer, for this pool, and people who
	// have signed in.
	name := strings.TrimPrefix(server.URL, "http://")
	_, err = storeRoot.iam.CreateOpenIDConnectProvider(ctx, &iam.CreateOpenIDConnectProviderInput{Url: aws.String(server.URL), ClientIDList: []string{*pool.IdentityPoolId}})
	must(err)
	trust := func(pool string) *string {
		return aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::` + elsewhere + `:oidc-provider/` + name + `"},"Action":"sts:AssumeRoleWithWebIdentity",` +
			`"Condition":{"StringEquals":{"` + name + `:aud":"` + pool + `"},"ForAnyValue:StringEquals":{"` + name + `:amr":"authenticated"}}}]}`)
	}
	role, err := storeRoot.iam.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("reader"), AssumeRolePolicyDocument: trust(*pool.IdentityPoolId)})
	must(err)

	app := ours.clients(region, aws.AnonymousCredentials{}, transport)
	signIn := func(logins map[string]string) (*ci.GetCredentialsForIdentityOutput, error) {
		id, err := app.cognito.GetId(ctx, &ci.GetIdInput{IdentityPoolId: pool.IdentityPoolId, Logins: logins})
		must(err)
		return app.cognito.GetCredentialsForIdentity(ctx, &ci.GetCredentialsForIdentityInput{IdentityId: id.IdentityId, Logins: logins})
	}
	ann := map[string]string{provider: issuer.Token("ann")}
	signed, err := signIn(ann)
	must(err)
	session := other.clients(region, credentials.StaticCredentialsProvider{Value: fromCognito(signed.Credentials)}, transport)
	me, err := session.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	must(err)
	if *me.Arn != "arn:aws:sts::"+elsewhere+":assumed-role/reader/CognitoIdentityCredentials" || *me.UserId != *role.Role.RoleId+":CognitoIdentityCredentials" {
		t.Errorf("there she is %s, %s", *me.Arn, *me.UserId)
	}
	here := ours.clients(region, credentials.StaticCredentialsProvider{Value: fromCognito(signed.Credentials)}, transport)
	if _, err := here.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}); err == nil {
		t.Error("credentials of the other server are good at ours")
	}

	// A guest is refused there, which here is a fault of the pool's.
	_, err = signIn(nil)
	refused[*types.InvalidIdentityPoolConfigurationException](t, err, noRole)
	log.saysOf(t, "GetCredentialsForIdentity", "upstream upstream-1: status 403: AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")

	_, err = storeRoot.iam.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: aws.String("reader"), PolicyDocument: trust("us-east-1:another")})
	must(err)
	_, err = signIn(ann)
	refused[*types.InvalidIdentityPoolConfigurationException](t, err, noRole)

	front.Close()
	_, err = signIn(ann)
	refused[*types.ExternalServiceException](t, err, "The upstream STS cannot be asked.")
	log.saysOf(t, "GetCredentialsForIdentity", "upstream upstream-1", "connection refused")
}
