package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"idpool/internal/store/postgres/pgtest"
)

// patience is how long a process may take to come up or go down. It decides
// whether a test hangs, never whether the server is quick enough.
const patience = 30 * time.Second

// binary is the program under test: $IDPOOL_BIN, or built now.
func binary(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("IDPOOL_BIN"); path != "" {
		return path
	}
	path := filepath.Join(t.TempDir(), "idpool")
	if out, err := exec.Command("go", "build", "-o", path, "idpool/cmd/idpool").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return path
}

// without leaves a test out for want of something; with CI=true that is a
// failure.
func without(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("cannot run for want of %s (make peers installs programs)", what)
	}
	t.Skipf("left out for want of %s (make peers installs programs)", what)
}

// process is a program that runs beside the test.
type process struct {
	*exec.Cmd
	exited chan struct{}
	err    error
	log    *lines
}

// lines keeps what a process prints and lets a test wait for a line.
type lines struct {
	seen chan string
	all  bytes.Buffer
}

// start runs a program until the test ends. The lines of the stream named come
// out of log.seen.
func start(t testing.TB, cmd *exec.Cmd, stream func(*exec.Cmd) (io.ReadCloser, error)) *process {
	t.Helper()
	p := &process{Cmd: cmd, exited: make(chan struct{}), log: &lines{seen: make(chan string, 1000)}}
	out, err := stream(cmd)
	if err != nil {
		t.Fatal(err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", cmd.Path, err)
	}
	go func() {
		for r := bufio.NewScanner(out); r.Scan(); {
			p.log.all.WriteString(r.Text() + "\n")
			select {
			case p.log.seen <- r.Text():
			default: // nobody reads that far
			}
		}
		p.err = cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-p.exited
	})
	return p
}

// line waits for a line that starts with the prefix and returns the rest.
func (p *process) line(t testing.TB, prefix string) string {
	t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case line := <-p.log.seen:
			if rest, ok := strings.CutPrefix(line, prefix); ok {
				return rest
			}
		case <-p.exited:
			t.Fatalf("%s ended (%v) before it printed %q:\n%s", p.Path, p.err, prefix, p.log.all.String())
		case <-deadline:
			t.Fatalf("%s did not print %q", p.Path, prefix)
		}
	}
}

// wait waits for the process to end and returns its exit code.
func (p *process) wait(t testing.TB) int {
	t.Helper()
	select {
	case <-p.exited:
		return p.ProcessState.ExitCode()
	case <-time.After(patience):
		t.Fatalf("%s did not end", p.Path)
		return 0
	}
}

// node is a running server.
type node struct {
	*process
	url, admin, data string
}

// serve starts the server on free ports.
func serve(t testing.TB, bin, data string, flags ...string) *node {
	t.Helper()
	return serveWith(t, nil, bin, data, flags...)
}

// serveWith does the same with more in the server's environment.
func serveWith(t testing.TB, env []string, bin, data string, flags ...string) *node {
	t.Helper()
	args := []string{"serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data", data, "--log-level", "error"}
	if os.Getenv("IDPOOL_TEST_STORE") == "postgres" {
		args = append(args, "--database-url", pgtest.Database(t))
		env = append(env, "IDPOOL_MASTER_KEY="+base64.StdEncoding.EncodeToString(make([]byte, 32)))
	}
	cmd := exec.Command(bin, append(args, flags...)...)
	cmd.Env = cleanEnv(env...)
	p := start(t, cmd, (*exec.Cmd).StderrPipe)
	n := &node{process: p, data: data}
	n.url = p.line(t, "idpool: ready on ")
	n.admin = p.line(t, "idpool: admin on ")
	return n
}

// nowhere is an address at which nobody listens.
const nowhere = "http://127.0.0.1:9"

// cleanEnv is an environment in which no AWS tool finds anything but what a
// test gives it. A call to any host but this one ends at a proxy that is not
// there, so no real host is ever asked.
func cleanEnv(more ...string) []string {
	env := slices.DeleteFunc(os.Environ(), func(kv string) bool {
		return strings.HasPrefix(kv, "AWS_") || strings.HasPrefix(kv, "IDPOOL_")
	})
	env = append(env, "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY"} {
		env = append(env, name+"="+nowhere, strings.ToLower(name)+"="+nowhere)
	}
	env = append(env, "NO_PROXY=127.0.0.1,localhost", "no_proxy=127.0.0.1,localhost", "NODE_NO_WARNINGS=1")
	return append(env, more...)
}

// TestMain puts the Node that peers.sh may have fetched before the system's,
// which is too old then.
func TestMain(m *testing.M) {
	if own, _ := filepath.Glob(".node/node_modules/node-*/bin"); len(own) == 1 {
		if dir, err := filepath.Abs(own[0]); err == nil {
			os.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
		}
	}
	os.Exit(m.Run())
}

// python finds the Python that has boto3: the first on the PATH, or Debian's.
func python(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(name, "-c", "import boto3").Run() == nil {
			return name
		}
	}
	without(t, "Python with boto3")
	return ""
}

// awsCLI makes sure that there is one.
func awsCLI(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("aws"); err != nil {
		without(t, "the aws CLI")
	}
}

// cli is an aws CLI.
type cli struct{ version, python string } // python: empty for one that is not written in it

// awsCLIs are the aws CLIs that are there, perhaps both a version 1 and a
// version 2.
func awsCLIs(t *testing.T) (found []cli) {
	t.Helper()
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		out, err := exec.Command(python, "warm.py", "version").Output()
		c := cli{strings.TrimSpace(string(out)), python}
		if err == nil && !slices.ContainsFunc(found, func(f cli) bool { return f.version == c.version }) {
			found = append(found, c)
		}
	}
	if len(found) == 0 {
		awsCLI(t)
		found = append(found, cli{version: "of another kind"})
	}
	return found
}

// warm has the CLI serve calls until the test ends, and returns the environment
// in which the scripts find it. One that is not written in Python is started
// for each call.
func (c cli) warm(t *testing.T) []string {
	t.Helper()
	return c.warmIn(t, ".")
}

// warmIn does the same in a folder, where the scripts' files are.
func (c cli) warmIn(t *testing.T, dir string) []string {
	t.Helper()
	if c.python == "" {
		return nil
	}
	program, err := filepath.Abs("warm.py")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(c.python, program)
	cmd.Dir, cmd.Env, cmd.Stderr = dir, cleanEnv(), os.Stderr
	return []string{"WARM=" + start(t, cmd, (*exec.Cmd).StdoutPipe).line(t, "warm on ")}
}

// npmPackages makes sure that Node and the packages of package.json are there.
func npmPackages(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		without(t, "Node")
	}
	if _, err := os.Stat("node_modules/.installed"); err != nil {
		without(t, "what e2e/package.json names")
	}
}

// issuer starts the OpenID provider that is not ours and returns its address.
func issuer(t *testing.T) string {
	t.Helper()
	npmPackages(t)
	cmd := exec.Command("node", "oidc.mjs")
	cmd.Env = cleanEnv()
	return "http" + start(t, cmd, (*exec.Cmd).StdoutPipe).line(t, "http")
}

// suite runs a client's own tests and shows their output if they fail.
func suite(t *testing.T, env []string, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = env
	cmd.WaitDelay = time.Second // for what its children hold open
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	if testing.Verbose() {
		t.Logf("%s", out)
	}
}

// post sends a JSON call without the help of any SDK.
func post(url, op, body string, header http.Header) (status int, answer string, err error) {
	r, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	for name, values := range header {
		r.Header[name] = values
	}
	if op != "" {
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		r.Header.Set("X-Amz-Target", "AWSCognitoIdentityService."+op)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

// anySignature is one that development mode takes.
var anySignature = http.Header{"X-Amz-Date": {"20260101T000000Z"}, "Authorization": {
	"AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/cognito-identity/aws4_request, SignedHeaders=host, Signature=" + strings.Repeat("0", 64)}}

// call sends a JSON call without the help of any SDK. out is nil where the answer
// does not matter. out is nil for an operation
// that answers nothing.
func call(url, op string, in any, header http.Header, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	status, answer, err := post(url, op, string(body), header)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("%s: status %d: %s", op, status, answer)
	}
	if out == nil {
		return nil
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal([]byte(answer), out)
}
