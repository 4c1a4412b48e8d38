package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"idpool/internal/freeport"
)

// TestCeph does what docs/recipes/ceph.md says, with a Ceph that is started for
// it. Then people and guests work on the store by the SDKs, and those who must not
// get in try.
func TestCeph(t *testing.T) {
	t.Parallel()
	needs(t, "what the page uses", "curl", "jq", "sha1sum")
	text, err := os.ReadFile("../docs/recipes/ceph.md")
	if err != nil {
		t.Fatal(err)
	}
	bin, from, gateway := binary(t), issuer(t), freeport.Address(t)
	page := strings.ReplaceAll(string(text), "127.0.0.1:7480", gateway)
	began := time.Now()
	// Sessions may be short, so that one can be seen to end.
	cluster := ceph(t, gateway, strings.Join(blocks(page, "ini"), "")+"rgw sts min session duration = 1\n")
	t.Logf("Ceph is up after %.1f s", time.Since(began).Seconds())

	people := fmt.Sprintf("providers: {login.example.com: {issuer: %q}}\nnetwork: {allow_http: true, allow_cidrs: [127.0.0.1/32]}\n", from)
	n := serve(t, bin, filepath.Join(t.TempDir(), "idpool-data"), "--log-level", "info", "--config", configure(t, people+strings.Join(blocks(page, "yaml"), "")))
	page = strings.ReplaceAll(page, "127.0.0.1:8437", strings.TrimPrefix(n.url, "http://"))

	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	env := cleanEnv("ENDPOINT="+n.url, "ISSUER="+from, "IDPOOL="+bin, "STORE=http://"+gateway, "CEPH_CONF="+cluster)
	script := ". " + dir + "/cli.sh; aws() { run \"$@\"; }; token=$(mint alice)\n" + strings.Join(blocks(page, "sh"), "") + "\n. " + dir + "/ceph.sh\n"
	ctx, cancel := context.WithTimeout(t.Context(), 10*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", script)
	cmd.Dir, cmd.WaitDelay = filepath.Dir(n.data), time.Second
	cmd.Env = append(env, awsCLIs(t)[0].warmIn(t, cmd.Dir)...)
	out, err := cmd.CombinedOutput()
	printed := strings.Split(strings.TrimSpace(string(out)), "\n")
	names := []string{"POOL", "ALICE", "STAFF", "BOB", "CAROL"}
	if err != nil || len(printed) < len(names) || !strings.Contains(string(out), "\nhello\n") {
		t.Fatalf("the page's lines: %v\n%s\n--- printed:\n%s", err, script, out)
	}
	t.Logf("the page is done after %.1f s", time.Since(began).Seconds())
	env = append(env, "PROVIDER=login.example.com")
	for i, value := range printed[len(printed)-len(names):] {
		env = append(env, names[i]+"="+value)
	}
	t.Run("go", func(t *testing.T) {
		client := filepath.Join(t.TempDir(), "cephclient")
		if out, err := exec.Command("go", "build", "-C", "../compat", "-o", client, "./cephclient").CombinedOutput(); err != nil {
			t.Fatalf("build: %v\n%s", err, out)
		}
		suite(t, env, client)
	})
	t.Run("javascript", func(t *testing.T) {
		suite(t, env, "node", "--test", "ceph.mjs")
	})

	n.Process.Signal(syscall.SIGTERM)
	if code := n.wait(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if why := "upstream ceph: status 403: AccessDenied"; !strings.Contains(n.log.all.String(), why) {
		t.Errorf("the log does not say %q:\n%s", why, n.log.all.String())
	}
}
