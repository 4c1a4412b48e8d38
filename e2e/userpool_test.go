package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// cognitoLocal is a running user pool that is not ours.
type cognitoLocal struct {
	*process
	url string
}

func startCognitoLocal(t *testing.T) *cognitoLocal {
	t.Helper()
	npmPackages(t)
	cmd := exec.Command("node", "userpool.mjs", t.TempDir())
	cmd.Env, cmd.Stderr = cleanEnv("AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE=1"), os.Stderr
	p := start(t, cmd, (*exec.Cmd).StdoutPipe)
	return &cognitoLocal{p, "http" + p.line(t, "http")}
}

// call calls the API of the user pool.
func (c *cognitoLocal) call(t *testing.T, op string, in, out any) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	status, answer, err := post(c.url, "", string(body), http.Header{
		"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {"AWSCognitoIdentityProviderService." + op},
	})
	if err != nil || status != http.StatusOK {
		t.Fatalf("%s: status %d: %s, %v", op, status, answer, err)
	}
	if out != nil {
		if err := json.Unmarshal([]byte(answer), out); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCognitoLocal holds that people of a user pool which is not ours sign in,
// and that one whom it deleted or disabled does not, as soon as it did.
func TestCognitoLocal(t *testing.T) {
	const id = "us-east-1_Ab12Cd34E"
	pool := startCognitoLocal(t)
	config := filepath.Join(t.TempDir(), "idpool.yaml")
	text := fmt.Sprintf("providers:\n  %q: { jwks_uri: \"%s/%s/.well-known/jwks.json\", user_info_endpoint: \"%s\" }\n", userPool, pool.url, id, pool.url)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	srv := serve(t, binary(t), filepath.Join(t.TempDir(), "data"), "--dev", "--config", config)

	type named map[string]any
	var made struct{ UserPoolClient struct{ ClientID string } }
	pool.call(t, "CreateUserPoolClient", named{"UserPoolId": id, "ClientName": "web"}, &made)
	client := made.UserPoolClient.ClientID
	signIn := func(name string) (idToken, accessToken string) {
		t.Helper()
		pool.call(t, "AdminCreateUser", named{"UserPoolId": id, "Username": name, "MessageAction": "SUPPRESS"}, nil)
		pool.call(t, "AdminSetUserPassword", named{"UserPoolId": id, "Username": name, "Password": "Secret-123", "Permanent": true}, nil)
		var out struct {
			AuthenticationResult struct{ IDToken, AccessToken string }
		}
		pool.call(t, "InitiateAuth", named{"ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": named{"USERNAME": name, "PASSWORD": "Secret-123"}}, &out)
		return out.AuthenticationResult.IDToken, out.AuthenticationResult.AccessToken
	}
	var identityPool struct{ IdentityPoolID string }
	err := call(srv.url, "CreateIdentityPool", named{"IdentityPoolName": "people", "AllowUnauthenticatedIdentities": false,
		"CognitoIdentityProviders": []named{{"ProviderName": userPool, "ClientId": client, "ServerSideTokenCheck": true}}}, anySignature, &identityPool)
	if err != nil {
		t.Fatal(err)
	}
	getID := func(token string) (identity string, err error) {
		var out struct{ IdentityID string }
		err = call(srv.url, "GetId", named{"IdentityPoolId": identityPool.IdentityPoolID, "Logins": named{userPool: token}}, nil, &out)
		return out.IdentityID, err
	}
	refused := func(token, text string) {
		t.Helper()
		if _, err := getID(token); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("got %v, want %q", err, text)
		}
	}
	const gone = "Invalid login token. User is signed out or deleted."

	token, access := signIn("ann")
	ann, err := getID(token)
	if err != nil {
		t.Fatal(err)
	}
	refused(access, "Invalid login token. Missing a required claim: aud")
	user := named{"UserPoolId": id, "Username": "ann"}
	pool.call(t, "AdminDisableUser", user, nil)
	refused(token, gone)
	pool.call(t, "AdminEnableUser", user, nil)
	if again, err := getID(token); err != nil || again != ann {
		t.Errorf("ann was %s, and is %s, %v", ann, again, err)
	}
	pool.call(t, "AdminDeleteUser", user, nil)
	refused(token, gone)
	other, _ := signIn("ann") // somebody else, under the name
	refused(token, gone)
	if id, err := getID(other); err != nil || id == ann {
		t.Errorf("the second ann is %s, %v", id, err)
	}
	pool.Process.Kill()
	pool.wait(t)
	refused(other, "ExternalServiceException")
}
