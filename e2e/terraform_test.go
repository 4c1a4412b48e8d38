package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"
)

// TestTerraform makes, changes, imports and destroys pools, with the roles,
// providers, policies and users around them, with Terraform and its AWS provider
// on a strict server. After each step a plan must be empty: what the server
// answers is what was asked of it.
func TestTerraform(t *testing.T) {
	t.Parallel()
	n := strict(t, binary(t))
	run := terraform(t, n, rootKey)
	began := time.Now()

	dir := workspace(t, "terraform/pools")
	run(t, dir, 0, "Apply complete! Resources: 38 added, 0 changed, 0 destroyed.", "apply", "-auto-approve")
	run(t, dir, 0, "No changes.", "plan", "-detailed-exitcode")
	made := held(t, dir)
	wantPool(t, n, made.id("aws_cognito_identity_pool.full"), `{
		"IdentityPoolName": "everything, at once", "AllowUnauthenticatedIdentities": false, "AllowClassicFlow": true, "DeveloperProviderName": "login.shop",
		"OpenIdConnectProviderARNs": ["arn:aws:iam::000000000000:oidc-provider/login.example.com/realms/shop"],
		"SamlProviderARNs": ["arn:aws:iam::000000000000:saml-provider/staff"],
		"SupportedLoginProviders": {"accounts.google.com": "123456789012.apps.googleusercontent.com", "graph.facebook.com": "7346241598935552"},
		"CognitoIdentityProviders": [
			{"ProviderName": "cognito-idp.us-east-1.amazonaws.com/us-east-1_Ab12Cd34E", "ClientId": "2pijfd01vukifnjdg1kdgmdhf0", "ServerSideTokenCheck": false},
			{"ProviderName": "cognito-idp.us-east-1.amazonaws.com/us-east-1_Ab12Cd34E", "ClientId": "7lhlkkfbfb4q5kpp90urffao", "ServerSideTokenCheck": false}],
		"IdentityPoolTags": {"by": "terraform", "stage": "test", "team": "blue"}}`)

	// A guest becomes the role that Terraform made, by its trust policy.
	var guest struct{ IdentityId string }
	if err := call(n.url, "GetId", map[string]string{"IdentityPoolId": made.id("aws_cognito_identity_pool.guests")}, nil, &guest); err != nil {
		t.Fatal(err)
	}
	if err := call(n.url, "GetCredentialsForIdentity", guest, nil, new(any)); err != nil {
		t.Error(err)
	}

	// The user's key may do what the user's policy says.
	key := made.key("aws_iam_access_key.deployer")
	if err := n.asks(t, key, "ListIdentityPools", map[string]int{"MaxResults": 60}, new(any)); err != nil {
		t.Error(err)
	}
	gone := map[string]string{"IdentityPoolId": made.id("aws_cognito_identity_pool.full")}
	if err := n.asks(t, key, "DeleteIdentityPool", gone, new(any)); err == nil || !strings.Contains(err.Error(), "AccessDeniedException") {
		t.Errorf("a pool was deleted with the user's key: %v", err)
	}

	run(t, dir, 0, "Apply complete! Resources: 1 added, 14 changed, 1 destroyed.", "apply", "-auto-approve", "-var=changed=true")
	run(t, dir, 0, "No changes.", "plan", "-detailed-exitcode", "-var=changed=true")
	changed := held(t, dir)
	if before, after := made.id("aws_cognito_identity_pool.full"), changed.id("aws_cognito_identity_pool.full"); before != after {
		t.Errorf("the pool was %s and is %s", before, after)
	}
	if before, after := made.id("aws_cognito_identity_pool.last"), changed.id("aws_cognito_identity_pool.last"); before == after {
		t.Error("a pool was renamed: Terraform makes another")
	}
	if err := n.asks(t, key, "ListIdentityPools", map[string]int{"MaxResults": 60}, new(any)); err == nil || !strings.Contains(err.Error(), "UnrecognizedClientException") {
		t.Errorf("the user's key was made inactive: %v", err)
	}
	wantPool(t, n, changed.id("aws_cognito_identity_pool.full"), `{
		"IdentityPoolName": "everything, at once", "AllowUnauthenticatedIdentities": true, "AllowClassicFlow": false, "DeveloperProviderName": "login.shop",
		"OpenIdConnectProviderARNs": ["arn:aws:iam::000000000000:oidc-provider/login.example.com/realms/shop"],
		"SupportedLoginProviders": {"graph.facebook.com": "7346241598935552"},
		"CognitoIdentityProviders": [
			{"ProviderName": "cognito-idp.us-east-1.amazonaws.com/us-east-1_Ab12Cd34E", "ClientId": "7lhlkkfbfb4q5kpp90urffao", "ServerSideTokenCheck": true}],
		"IdentityPoolTags": {"by": "terraform", "cost": "low", "team": "red"}}`)

	// Somebody who has the files and not the state takes everything over.
	other := workspace(t, "terraform/pools")
	if err := os.WriteFile(filepath.Join(other, "imports.tf"), []byte(changed.imports()), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, other, 0, "Apply complete! Resources: 38 imported, 0 added, 0 changed, 0 destroyed.", "apply", "-auto-approve", "-var=changed=true")
	run(t, other, 0, "No changes.", "plan", "-detailed-exitcode", "-var=changed=true")
	run(t, other, 0, "Destroy complete! Resources: 38 destroyed.", "destroy", "-auto-approve", "-var=changed=true")
	t.Logf("apply to destroy: %.1f s", time.Since(began).Seconds())
	wantNothing(t, n)
}

// TestTerraformRefused holds that Terraform tells what the server does not take,
// at once and in the hosted service's words.
func TestTerraformRefused(t *testing.T) {
	t.Parallel()
	n := serve(t, binary(t), t.TempDir(), "--dev")
	run := terraform(t, n, aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"})
	said := run(t, workspace(t, "terraform/refused"), 1, "", "apply", "-auto-approve")
	for _, want := range []string{
		"NotAuthorizedException: Identity provider arn:aws:iam::111122223333:saml-provider/staff is not valid for account 000000000000",
		"InvalidParameterException: (graph.facebook.com) is not a valid RoleMapping ProviderName or is not a configured provider.",
		"NotAuthorizedException: Access to Role 'arn:aws:iam::111122223333:role/shopper' is forbidden.",
		"InvalidParameterException: (graph.facebook.com) is not a configured provider.",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("Terraform does not tell %q:\n%s", want, said)
		}
	}
}

// terraform starts Terraform's AWS provider for a server and a key, and returns
// how to run Terraform in a folder with it. The provider is started once, as for
// its debugger: to start it for each command would take most of the time. Nothing
// is fetched.
//
// Terraform cannot be installed from Debian's packages, so a machine without it
// leaves this out in CI as well.
func terraform(t *testing.T, n *node, key aws.Credentials) (run func(t *testing.T, dir string, code int, want string, args ...string) (said string)) {
	t.Helper()
	found, err := exec.Command("./peers.sh", "terraform").Output()
	if err != nil {
		t.Skip("left out for want of Terraform with its AWS provider")
	}
	program, provider, _ := strings.Cut(strings.TrimSpace(string(found)), "\n")
	rc := filepath.Join(t.TempDir(), "terraform.rc")
	if err := os.WriteFile(rc, []byte("disable_checkpoint = true\nprovider_installation {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := cleanEnv("AWS_ENDPOINT_URL="+n.url, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID="+key.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+key.SecretAccessKey, "TF_CLI_CONFIG_FILE="+rc, "TF_IN_AUTOMATION=1")

	cmd := exec.Command(provider, "-debug")
	cmd.Env = env
	attach := start(t, cmd, (*exec.Cmd).StdoutPipe).line(t, "\tTF_REATTACH_PROVIDERS=")
	env = append(env, "TF_REATTACH_PROVIDERS="+strings.Trim(attach, "'"))
	return func(t *testing.T, dir string, code int, want string, args ...string) string {
		t.Helper()
		began := time.Now()
		cmd := exec.CommandContext(t.Context(), program, append(args, "-no-color", "-input=false")...)
		cmd.Dir, cmd.Env, cmd.WaitDelay = dir, env, time.Second
		out, err := cmd.CombinedOutput()
		said := plain(string(out))
		if err != nil && !errors.As(err, new(*exec.ExitError)) || cmd.ProcessState.ExitCode() != code || !strings.Contains(said, want) {
			t.Fatalf("terraform %s: %v, want exit code %d and %q:\n%s", strings.Join(args, " "), err, code, want, out)
		}
		t.Logf("terraform %s: %.1f s", args[0], time.Since(began).Seconds())
		return said
	}
}

// plain undoes how Terraform breaks and frames what it says.
func plain(out string) string {
	return strings.Join(strings.FieldsFunc(out, func(r rune) bool { return strings.ContainsRune(" \n│╷╵", r) }), " ")
}

// workspace copies the files of a folder to one of their own, where Terraform
// keeps its state.
func workspace(t *testing.T, from string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// state is what Terraform believes to be there, by address.
type state map[string]map[string]any

func (s state) id(address string) string { return fmt.Sprint(s[address]["id"]) }

// key is an access key with its secret, which Terraform keeps in its state.
func (s state) key(address string) aws.Credentials {
	return aws.Credentials{AccessKeyID: s.id(address), SecretAccessKey: fmt.Sprint(s[address]["secret"])}
}

// imports is what to write to have it all imported.
func (s state) imports() string {
	var b strings.Builder
	for address, attributes := range s {
		id := s.id(address)
		if strings.HasPrefix(address, "aws_iam_role_policy_attachment.") { // whose ID is a number made up
			id = fmt.Sprint(attributes["role"], "/", attributes["policy_arn"])
		}
		fmt.Fprintf(&b, "import {\n  to = %s\n  id = %q\n}\n", address, id)
	}
	return b.String()
}

// held reads Terraform's state.
func held(t *testing.T, dir string) state {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "terraform.tfstate"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Resources []struct {
			Mode, Type, Name string
			Instances        []struct {
				IndexKey   any `json:"index_key"`
				Attributes map[string]any
			}
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	out := state{}
	for _, r := range file.Resources {
		for _, i := range r.Instances {
			address := r.Type + "." + r.Name
			switch key := i.IndexKey.(type) {
			case float64:
				address += fmt.Sprintf("[%g]", key)
			case string:
				address += fmt.Sprintf("[%q]", key)
			}
			if r.Mode == "managed" {
				out[address] = i.Attributes
			}
		}
	}
	return out
}

// wantPool asks the server about a pool and compares, but for its ID.
func wantPool(t *testing.T, n *node, id, want string) {
	t.Helper()
	var got, wanted map[string]any
	if err := n.asks(t, rootKey, "DescribeIdentityPool", map[string]string{"IdentityPoolId": id}, &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		t.Fatal(err)
	}
	wanted["IdentityPoolId"] = id
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Errorf("DescribeIdentityPool (-want +got):\n%s", diff)
	}
}

// wantNothing holds that no pool, provider, role, user or policy is left.
func wantNothing(t *testing.T, n *node) {
	t.Helper()
	var pools struct{ IdentityPools []any }
	if err := n.asks(t, rootKey, "ListIdentityPools", map[string]int{"MaxResults": 60}, &pools); err != nil || len(pools.IdentityPools) > 0 {
		t.Errorf("pools are left: %v (%v)", pools.IdentityPools, err)
	}
	for _, list := range []string{"ListOpenIDConnectProviders", "ListSAMLProviders", "ListRoles", "ListUsers", "ListPolicies&Scope=Local"} {
		if body, err := n.asksIAM(t, rootKey, "Action="+list); err != nil || strings.Contains(body, "<Arn>") {
			t.Errorf("%s: something is left: %s (%v)", list, body, err)
		}
	}
}
