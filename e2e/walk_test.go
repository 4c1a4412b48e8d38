package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestWalk has the aws CLI go the whole way, and finds in the log why a person
// was refused.
func TestWalk(t *testing.T) {
	t.Parallel()
	bin, from := binary(t), issuer(t)
	config := configure(t, fmt.Sprintf("providers: {login.example.com: {issuer: %q}}\nnetwork: {allow_http: true, allow_cidrs: [127.0.0.1/32]}\n", from))
	n := serve(t, bin, filepath.Join(t.TempDir(), "data"), "--config", config, "--log-level", "info")
	env := clientEnv(n.url, from, bin, "AWS_SHARED_CREDENTIALS_FILE="+filepath.Join(n.data, "credentials"))
	suite(t, append(env, awsCLIs(t)[0].warm(t)...), "bash", "walk.sh")

	n.Process.Signal(syscall.SIGTERM)
	if code := n.wait(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	refused := 0
	for line := range strings.Lines(n.log.all.String()) {
		var event struct {
			Op, Pool, Message, Cause string
			Status                   int
		}
		if json.Unmarshal([]byte(line), &event) != nil || event.Op != "GetCredentialsForIdentity" || event.Status == http.StatusOK {
			continue
		}
		refused++
		want := fmt.Sprintf(`trust policy of customer, statement 1 (Allow): StringEquals of cognito-identity.amazonaws.com:aud wants ["us-east-1:00000000-0000-4000-8000-000000000000"], found [%q]`, event.Pool)
		if !strings.Contains(event.Cause, want) {
			t.Errorf("the log says that %s because\n%s, want\n%s", event.Message, event.Cause, want)
		}
	}
	if refused != 1 {
		t.Errorf("%d sign-ins were refused:\n%s", refused, n.log.all.String())
	}
}

// configure writes a configuration file.
func configure(t *testing.T, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "idpool.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
