package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// TestBackend has people sign in with a password at the back ends of
// examples/backend, each with a key that may do nothing but vouch, and become a
// role with what they get.
func TestBackend(t *testing.T) {
	t.Parallel()
	const provider = "login.example"
	n := strict(t, binary(t))
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var pool struct {
		IdentityPoolID string `json:"IdentityPoolId"`
	}
	must(n.asks(t, rootKey, "CreateIdentityPool", map[string]any{"IdentityPoolName": "app", "AllowUnauthenticatedIdentities": false, "DeveloperProviderName": provider}, &pool))
	form := func(pairs ...string) (answer string) {
		t.Helper()
		v := url.Values{}
		for i := 0; i < len(pairs); i += 2 {
			v.Set(pairs[i], pairs[i+1])
		}
		answer, err := n.asksIAM(t, rootKey, v.Encode())
		must(err)
		return answer
	}
	form("Action", "CreateRole", "RoleName", "person", "AssumeRolePolicyDocument", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Federated":"cognito-identity.amazonaws.com"},
		"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"cognito-identity.amazonaws.com:aud":"`+pool.IdentityPoolID+`"}}}}`)
	must(n.asks(t, rootKey, "SetIdentityPoolRoles", map[string]any{"IdentityPoolId": pool.IdentityPoolID, "Roles": map[string]string{"authenticated": "arn:aws:iam::000000000000:role/person"}}, nil))
	form("Action", "CreateUser", "UserName", "backend")
	form("Action", "PutUserPolicy", "UserName", "backend", "PolicyName", "vouch", "PolicyDocument", policyOf(t, pool.IdentityPoolID))
	made := form("Action", "CreateAccessKey", "UserName", "backend")
	key := aws.Credentials{AccessKeyID: element(t, made, "AccessKeyId"), SecretAccessKey: element(t, made, "SecretAccessKey")}
	if err := n.asks(t, key, "ListIdentityPools", map[string]int{"MaxResults": 1}, nil); err == nil {
		t.Error("the key of the back end may do more than vouch")
	}

	program := filepath.Join(t.TempDir(), "backend")
	if out, err := exec.Command("go", "build", "-o", program, "idpool/examples/backend").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	script, err := os.Open("../examples/backend/backend.mjs")
	must(err)
	defer script.Close()
	javaScript := exec.Command("node", "--input-type=module") // from here it finds the packages
	javaScript.Stdin = script
	for name, cmd := range map[string]*exec.Cmd{"go": exec.Command(program), "javascript": javaScript} {
		t.Run(name, func(t *testing.T) {
			if name == "javascript" {
				npmPackages(t)
			}
			cmd.Env = cleanEnv("AWS_ENDPOINT_URL="+n.url, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID="+key.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+key.SecretAccessKey,
				"POOL="+pool.IdentityPoolID, "PROVIDER="+provider, "LISTEN=127.0.0.1:0")
			at := start(t, cmd, (*exec.Cmd).StdoutPipe).line(t, "ready on ")
			login := func(user, password string) (status int, answer map[string]string) {
				t.Helper()
				body, err := json.Marshal(map[string]string{"user": user, "password": password})
				must(err)
				resp, err := http.Post(at+"/login", "application/json", strings.NewReader(string(body)))
				must(err)
				defer resp.Body.Close()
				text, err := io.ReadAll(resp.Body)
				must(err)
				if resp.StatusCode == http.StatusOK {
					must(json.Unmarshal(text, &answer))
				}
				return resp.StatusCode, answer
			}
			for _, wrong := range [][2]string{{"ann", "battery staple"}, {"carol", ""}, {"", ""}} {
				if status, _ := login(wrong[0], wrong[1]); status != http.StatusUnauthorized {
					t.Errorf("%q with %q: status %d", wrong[0], wrong[1], status)
				}
			}
			if status, _ := login("ann", strings.Repeat("x", 5000)); status != http.StatusBadRequest {
				t.Errorf("a long password: status %d", status)
			}
			ids := map[string]string{}
			for user, password := range map[string]string{"ann": "correct horse", "bob": "battery staple"} {
				_, first := login(user, password)
				status, got := login(user, password)
				if status != http.StatusOK || got["identityId"] == "" || got["identityId"] != first["identityId"] {
					t.Fatalf("%s: status %d, %v; before %v", user, status, got, first)
				}
				ids[user] = got["identityId"]
				var out struct {
					Credentials struct{ AccessKeyID, SecretKey, SessionToken string }
				}
				in := map[string]any{"IdentityId": got["identityId"], "Logins": map[string]string{"cognito-identity.amazonaws.com": got["token"]}}
				must(call(n.url, "GetCredentialsForIdentity", in, http.Header{}, &out))
				person := aws.Credentials{AccessKeyID: out.Credentials.AccessKeyID, SecretAccessKey: out.Credentials.SecretKey, SessionToken: out.Credentials.SessionToken}
				err := n.asks(t, person, "ListIdentityPools", map[string]int{"MaxResults": 1}, nil)
				if err == nil || !strings.Contains(err.Error(), "assumed-role/person/CognitoIdentityCredentials is not authorized") {
					t.Errorf("%s with credentials of the role: %v", user, err)
				}
			}
			if ids["ann"] == ids["bob"] {
				t.Errorf("ann and bob are both %s", ids["ann"])
			}
		})
	}
}

// policyOf is the policy that the page of the example shows, for a pool.
func policyOf(t *testing.T, pool string) string {
	t.Helper()
	page, err := os.ReadFile("../examples/backend/README.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```json\n(.*?)```").FindSubmatch(page)
	if block == nil {
		t.Fatal("the page of the example shows no policy")
	}
	return strings.Replace(string(block[1]), "identitypool/POOL", "identitypool/"+pool, 1)
}

// element is the text of the first element of a name.
func element(t *testing.T, xml, name string) string {
	t.Helper()
	found := regexp.MustCompile(fmt.Sprintf("<%s>([^<]+)</%[1]s>", name)).FindStringSubmatch(xml)
	if found == nil {
		t.Fatalf("no %s in %s", name, xml)
	}
	return found[1]
}
