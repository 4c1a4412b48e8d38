package e2e

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestReadme runs the lines under "## Try it" in README.md as a reader pastes
// them: the server that "make run" starts is in one terminal, at the default
// addresses, and a shell that knows nothing is the other.
func TestReadme(t *testing.T) {
	script := tryIt(t)
	for _, want := range []string{"create-identity-pool", "idpool dev token", "get-id", "get-credentials-for-identity", "get-caller-identity", "list-identity-pools"} {
		if !strings.Contains(script, want) {
			t.Errorf("the README does not show %q", want)
		}
	}
	started, err := exec.Command("make", "-C", "..", "--dry-run", "--no-print-directory", "run", "ARGS=").Output()
	if err != nil || !strings.HasSuffix(strings.TrimSpace(string(started)), "bin/idpool serve --dev") {
		t.Fatalf("make run does something else than this test: %v\n%s", err, started)
	}
	awsCLI(t)
	for _, address := range []string{"127.0.0.1:8437", "127.0.0.1:8438"} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			without(t, "a free "+address)
		}
		l.Close()
	}

	bin := binary(t)
	server := exec.Command(bin, "serve", "--dev", "--data", filepath.Join(t.TempDir(), "data"))
	server.Env = cleanEnv()
	if url := start(t, server, (*exec.Cmd).StderrPipe).line(t, "idpool: ready on "); url != "http://127.0.0.1:8437" {
		t.Fatalf("ready on %s", url)
	}

	// The folder is like a clone's after "make run", so that bin/idpool is there.
	clone := t.TempDir()
	if err := os.Mkdir(filepath.Join(clone, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(bin, filepath.Join(clone, "bin", "idpool")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script)
	cmd.Dir, cmd.Env = clone, cleanEnv("HOME="+clone)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "arn:aws:sts::000000000000:assumed-role/") || !strings.Contains(string(out), "/CognitoIdentityCredentials") {
		t.Fatalf("the README's lines: %v\n%s\n--- printed:\n%s", err, script, out)
	}
}

// TestReadmeGo runs the Go block of README.md as a test of somebody else's
// module, which knows idpool by its folder.
func TestReadmeGo(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := blocks(string(readme), "go")
	if len(shown) != 1 {
		t.Fatalf("README.md has %d ```go blocks", len(shown))
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	// The versions are those of the product, so nothing is downloaded.
	mod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	_, versions, _ := strings.Cut(string(mod), "module idpool\n")
	sum, err := os.ReadFile("../go.sum")
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"shop_test.go": shown[0], "go.sum": string(sum),
		"go.mod": "module shop\n" + versions + "\nrequire idpool v0.0.0\n\nreplace idpool => " + root + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "test", "-mod=mod", "-v", ".")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOPROXY=off", "GOFLAGS=")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestAliceIsAlwaysTheSame") {
		t.Fatalf("the README's test: %v\n%s", err, out)
	}
}

// tryIt is what the README tells to type in the second terminal: the sh blocks
// under its heading, but for the one that is "make run".
func tryIt(t *testing.T) string {
	t.Helper()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut("\n"+string(readme), "\n## Try it\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var script strings.Builder
	for _, block := range blocks(section, "sh") {
		if strings.TrimSpace(block) != "make run" {
			script.WriteString(block)
		}
	}
	if script.Len() == 0 {
		t.Fatal("README.md has no ```sh block under the heading \"## Try it\"")
	}
	return script.String()
}
