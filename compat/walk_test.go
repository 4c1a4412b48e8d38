package compat

import (
	"encoding/json"
	"net/http"
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

// TestWalk goes the whole way on a strict server with nothing but the SDK: from
// an empty account to a person's credentials that may do one thing, and to the
// day that the role trusts another pool. Nothing is taken by its name here.
func TestWalk(t *testing.T) {
	t.Parallel()
	const provider = "login.example.com"
	ctx, issuer, log := t.Context(), logintest.NewIssuer(t), &safeBuffer{}
	server := idpooltest.New(t, idpooltest.Strict(), idpooltest.Issuer(provider, issuer.URL), idpooltest.LogTo(log))
	transport := &http.Transport{ReadBufferSize: 64 << 10}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		log.check(t)
	})
	h := &host{Server: server, strict: true, transport: transport}
	keyID, secret := server.RootKey()
	root := h.clients(region, credentials.NewStaticCredentialsProvider(keyID, secret, ""), transport)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}

	made, err := root.iam.CreateOpenIDConnectProvider(ctx, &iam.CreateOpenIDConnectProviderInput{Url: aws.String("https://" + provider), ClientIDList: []string{logintest.DefaultAudience}})
	must(err)
	create := func(name string) *string {
		out, err := root.cognito.CreateIdentityPool(ctx, &ci.CreateIdentityPoolInput{IdentityPoolName: &name, AllowUnauthenticatedIdentities: true,
			OpenIdConnectProviderARNs: []string{*made.OpenIDConnectProviderArn}})
		must(err)
		return out.IdentityPoolId
	}
	pool, other := create("shop"), create("another shop")
	trust := func(pool string) *string {
		return aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"cognito-identity.amazonaws.com"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{` +
			`"StringEquals":{"cognito-identity.amazonaws.com:aud":"` + pool + `"},"ForAnyValue:StringLike":{"cognito-identity.amazonaws.com:amr":"authenticated"}}}]}`)
	}
	role, err := root.iam.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("customer"), Path: aws.String("/shop/"), AssumeRolePolicyDocument: trust(*pool)})
	must(err)
	arn := "arn:aws:cognito-identity:" + region + ":" + idpooltest.Account + ":identitypool/"
	_, err = root.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String("customer"), PolicyName: aws.String("look"),
		PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"cognito-identity:DescribeIdentityPool","Resource":"` + arn + *pool + `"}}`)})
	must(err)
	_, err = root.cognito.SetIdentityPoolRoles(ctx, &ci.SetIdentityPoolRolesInput{IdentityPoolId: pool, Roles: map[string]string{"authenticated": *role.Role.Arn, "unauthenticated": *role.Role.Arn}})
	must(err)

	// signIn is what an application does, who has no key.
	app := h.clients(region, aws.AnonymousCredentials{}, transport)
	signIn := func(logins map[string]string) (*ci.GetCredentialsForIdentityOutput, error) {
		id, err := app.cognito.GetId(ctx, &ci.GetIdInput{IdentityPoolId: pool, Logins: logins})
		must(err)
		return app.cognito.GetCredentialsForIdentity(ctx, &ci.GetCredentialsForIdentityInput{IdentityId: id.IdentityId, Logins: logins})
	}
	ann := map[string]string{provider: issuer.Token("ann")}
	signed, err := signIn(ann)
	must(err)
	session := h.clients(region, credentials.StaticCredentialsProvider{Value: fromCognito(signed.Credentials)}, transport)
	const assumed = "arn:aws:sts::" + idpooltest.Account + ":assumed-role/customer/CognitoIdentityCredentials"
	works := func() {
		t.Helper()
		me, err := session.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		must(err)
		if *me.Arn != assumed || *me.UserId != *role.Role.RoleId+":CognitoIdentityCredentials" || *me.Account != idpooltest.Account {
			t.Errorf("the session is %s, %s of %s", *me.Arn, *me.UserId, *me.Account)
		}
		seen, err := session.cognito.DescribeIdentityPool(ctx, &ci.DescribeIdentityPoolInput{IdentityPoolId: pool})
		must(err)
		if *seen.IdentityPoolName != "shop" {
			t.Errorf("described %s", *seen.IdentityPoolName)
		}
	}
	works()
	denied := func(err error, action, resource string) {
		t.Helper()
		unmodelled(t, err, "AccessDeniedException", "User: "+assumed+" is not authorized to perform: cognito-identity:"+action+" on resource: "+arn+resource+
			" because no identity-based policy allows the cognito-identity:"+action+" action")
	}
	_, err = session.cognito.DescribeIdentityPool(ctx, &ci.DescribeIdentityPoolInput{IdentityPoolId: other})
	denied(err, "DescribeIdentityPool", *other)
	_, err = session.cognito.DeleteIdentityPool(ctx, &ci.DeleteIdentityPoolInput{IdentityPoolId: pool})
	denied(err, "DeleteIdentityPool", *pool)
	_, err = session.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("customer")})
	unmodelled(t, err, "AccessDenied", "User: "+assumed+" is not authorized to perform: iam:GetRole on resource: "+*role.Role.Arn+" because no identity-based policy allows the iam:GetRole action")

	// A guest is of the right pool, and not authenticated.
	_, err = signIn(nil)
	refused[*types.InvalidIdentityPoolConfigurationException](t, err, noRole)
	log.saysOf(t, "GetCredentialsForIdentity", "cognito-identity.amazonaws.com:amr", "unauthenticated")

	// The role trusts another pool from now on. Who is in stays in.
	_, err = root.iam.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: aws.String("customer"), PolicyDocument: trust(*other)})
	must(err)
	_, err = signIn(ann)
	refused[*types.InvalidIdentityPoolConfigurationException](t, err, noRole)
	log.saysOf(t, "GetCredentialsForIdentity", "trust policy of customer, statement 1", "cognito-identity.amazonaws.com:aud", *pool, *other)
	works()

	_, err = root.iam.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: aws.String("customer"), PolicyDocument: trust(*pool)})
	must(err)
	again, err := signIn(ann)
	must(err)
	if *again.IdentityId != *signed.IdentityId {
		t.Errorf("ann is %s, and was %s", *again.IdentityId, *signed.IdentityId)
	}
}

// saysOf holds that the cause of the last refusal of an operation, as the
// operator reads it in the log, says all of this.
func (b *safeBuffer) saysOf(t *testing.T, op string, parts ...string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	cause := ""
	for line := range strings.Lines(b.bytes.String()) {
		var event struct {
			Op, Cause string
			Status    int
		}
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Fatalf("log: %s: %v", line, err)
		}
		if event.Op == op && event.Status != http.StatusOK {
			cause = event.Cause
		}
	}
	for _, part := range parts {
		if !strings.Contains(cause, part) {
			t.Errorf("%s was refused because %q, want %q in it", op, cause, part)
		}
	}
}
