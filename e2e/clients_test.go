package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// clientEnv is what a client's tests are told. Versions of the aws CLI and
// boto3 before 2.13 and 1.28 know nothing of AWS_ENDPOINT_URL, so the tests
// name the endpoint themselves.
func clientEnv(url, issuer, bin string, more ...string) []string {
	return cleanEnv(append([]string{"ENDPOINT=" + url, "ISSUER=" + issuer, "IDPOOL=" + bin,
		"AWS_ENDPOINT_URL=" + url, "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1"}, more...)...)
}

// userPool is a Cognito user pool that lives at the OpenID provider of the
// tests.
const userPool = "cognito-idp.us-east-1.amazonaws.com/us-east-1_Ab12Cd34E"

// TestClients runs each client against a server in development mode of its
// own. People come from an OpenID provider that is not ours.
func TestClients(t *testing.T) {
	t.Parallel()
	bin := binary(t)
	from := issuer(t)
	config := configure(t, fmt.Sprintf("providers: {%q: {issuer: %q}}\nlimits: {tags: 50, rules: 25}\n", userPool, from))
	run := func(t *testing.T, env []string, name string, args ...string) {
		t.Helper()
		n := serve(t, bin, t.TempDir(), "--dev", "--config", config)
		env = append(env, "USER_POOL="+userPool, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test")
		suite(t, clientEnv(n.url, from, bin, env...), name, args...)
	}
	t.Run("javascript", func(t *testing.T) {
		t.Parallel()
		run(t, nil, "node", "--test", "sdk.mjs")
	})
	t.Run("boto3", func(t *testing.T) {
		t.Parallel()
		run(t, nil, python(t), "boto3_test.py")
	})
	for _, cli := range awsCLIs(t) {
		t.Run("aws "+cli.version, func(t *testing.T) {
			t.Parallel()
			run(t, cli.warm(t), "bash", "aws.sh")
		})
	}
}

// TestStrict runs each client against a server that is not in development
// mode, with its root key and with wrong ones.
func TestStrict(t *testing.T) {
	t.Parallel()
	bin := binary(t)
	warm := awsCLIs(t)[0].warm(t)
	run := func(t *testing.T, env []string) {
		t.Run("javascript", func(t *testing.T) { npmPackages(t); suite(t, env, "node", "--test", "strict.mjs") })
		t.Run("boto3", func(t *testing.T) { suite(t, env, python(t), "strict.py") })
		t.Run("aws", func(t *testing.T) { suite(t, append(env, warm...), "bash", "strict.sh") })
	}
	t.Run("generated key", func(t *testing.T) {
		n := serve(t, bin, filepath.Join(t.TempDir(), "data"))
		for name, want := range map[string]os.FileMode{"": 0o700, "credentials": 0o600, "master.key": 0o600} {
			if info, err := os.Stat(filepath.Join(n.data, name)); err != nil || info.Mode().Perm() != want {
				t.Errorf("data folder, %q: %v %v, want mode %o", name, info, err, want)
			}
		}
		run(t, clientEnv(n.url, nowhere, bin, "AWS_SHARED_CREDENTIALS_FILE="+filepath.Join(n.data, "credentials")))
	})
	t.Run("given key", func(t *testing.T) {
		n := strict(t, bin)
		if _, err := os.Stat(filepath.Join(n.data, "credentials")); err == nil {
			t.Error("a key was made although one was given")
		}
		run(t, clientEnv(n.url, nowhere, bin, "AWS_ACCESS_KEY_ID="+rootKey.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+rootKey.SecretAccessKey))
	})
}
