package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestRolesPage runs the lines of docs/roles.md as a reader pastes them, beside a
// strict server on a fresh folder: a guest becomes what the page makes, and is
// refused what the page says, in its words.
func TestRolesPage(t *testing.T) {
	t.Parallel()
	awsCLI(t)
	text, err := os.ReadFile("../docs/roles.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	folder := t.TempDir()
	n := serve(t, binary(t), filepath.Join(folder, "idpool-data"))
	script := strings.ReplaceAll(strings.Join(blocks(page, "sh"), ""), "http://127.0.0.1:8437", n.url)
	cmd := exec.CommandContext(t.Context(), "bash", "-uo", "pipefail", "-c", script)
	cmd.Dir, cmd.Env = folder, cleanEnv("HOME="+folder)
	out, err := cmd.CombinedOutput()
	_, said, _ := strings.Cut(page, "`... is not authorized")
	said, _, _ = strings.Cut(said, "`.")
	if err == nil || strings.Count(string(out), "An error occurred") != 1 || !strings.HasSuffix(strings.TrimSpace(string(out)), "assumed-role/visitor/CognitoIdentityCredentials is not authorized"+said) {
		t.Errorf("the page's lines: %v\n%s\n--- printed:\n%s", err, script, out)
	}
}
