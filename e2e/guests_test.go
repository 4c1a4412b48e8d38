package e2e

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// TestGuestPolicies holds that guests.policy_files decides what a guest may do,
// whose role may do everything.
func TestGuestPolicies(t *testing.T) {
	t.Parallel()
	bin := binary(t)
	file := filepath.Join(t.TempDir(), "guests.json")
	if err := os.WriteFile(file, []byte(`{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "iam:*", "Resource": "*"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		config     string
		pools, iam bool // what a guest may ask about
	}{
		"as at the hosted service": {"", true, false},
		"none":                     {"guests: { policy_files: [] }\n", true, true},
		"a file":                   {fmt.Sprintf("guests: { policy_files: [%q] }\n", file), false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := strict(t, bin, "--config", configure(t, c.config))
			pool, guest := n.guest(t)
			_, errIAM := n.asksIAM(t, guest, "Action=ListRoles")
			for _, asked := range []struct {
				action string
				may    bool
				err    error
			}{
				{"cognito-identity:DescribeIdentityPool", c.pools, n.asks(t, guest, "DescribeIdentityPool", map[string]string{"IdentityPoolId": pool}, new(any))},
				{"iam:ListRoles", c.iam, errIAM},
			} {
				denied := asked.err != nil && strings.Contains(asked.err.Error(), "because no session policy allows the "+asked.action+" action")
				if denied == asked.may || !denied && asked.err != nil {
					t.Errorf("%s: %v, want allowed %t", asked.action, asked.err, asked.may)
				}
			}
		})
	}
}

// guest makes a pool whose guests get a role that may do everything, and is one.
func (n *node) guest(t *testing.T) (pool string, key aws.Credentials) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var made struct{ IdentityPoolId string }
	must(n.asks(t, rootKey, "CreateIdentityPool", map[string]any{"IdentityPoolName": "guests", "AllowUnauthenticatedIdentities": true}, &made))
	trust := `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"Federated": "cognito-identity.amazonaws.com"}, "Action": "sts:AssumeRoleWithWebIdentity",
		"Condition": {"StringEquals": {"cognito-identity.amazonaws.com:aud": "` + made.IdentityPoolId + `"}}}}`
	for _, form := range []string{"Action=CreateRole&AssumeRolePolicyDocument=" + url.QueryEscape(trust), "Action=AttachRolePolicy&PolicyArn=arn:aws:iam::aws:policy/AdministratorAccess"} {
		_, err := n.asksIAM(t, rootKey, form+"&RoleName=guest")
		must(err)
	}
	roles := map[string]string{"unauthenticated": "arn:aws:iam::000000000000:role/guest"}
	must(n.asks(t, rootKey, "SetIdentityPoolRoles", map[string]any{"IdentityPoolId": made.IdentityPoolId, "Roles": roles}, nil))
	var id struct{ IdentityId string }
	must(call(n.url, "GetId", made, nil, &id))
	var got struct {
		Credentials struct{ AccessKeyId, SecretKey, SessionToken string }
	}
	must(call(n.url, "GetCredentialsForIdentity", id, nil, &got))
	return made.IdentityPoolId, aws.Credentials{AccessKeyID: got.Credentials.AccessKeyId, SecretAccessKey: got.Credentials.SecretKey, SessionToken: got.Credentials.SessionToken}
}
