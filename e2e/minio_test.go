package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"idpool/internal/freeport"
)

// TestMinIO does what docs/recipes/minio.md says, with a MinIO that is on the
// PATH. It cannot be installed from Debian's packages, so a machine without it
// leaves this out in CI as well.
func TestMinIO(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("minio"); err != nil {
		t.Skip("left out for want of minio")
	}
	for _, program := range []string{"curl", "openssl"} {
		if _, err := exec.LookPath(program); err != nil {
			without(t, program)
		}
	}
	awsCLI(t)
	text, err := os.ReadFile("../docs/recipes/minio.md")
	if err != nil {
		t.Fatal(err)
	}
	store := freeport.Address(t)
	page := strings.ReplaceAll(string(text), "127.0.0.1:9000", store)
	n := serve(t, binary(t), t.TempDir(), "--dev", "--config", configure(t, strings.Join(blocks(page, "yaml"), "")))
	page = strings.ReplaceAll(page, "127.0.0.1:8437", strings.TrimPrefix(n.url, "http://"))

	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(n.Path, filepath.Join(dir, "bin", "idpool")); err != nil {
		t.Fatal(err)
	}
	// What the page says, and then two who must not get in: somebody of another
	// pool, and whoever changes the role's name.
	script := "trap 'kill $(jobs -p)' EXIT\n" + strings.Join(blocks(page, "sh"), "") + `
echo --- refused
other=$(pools create-identity-pool --identity-pool-name other --no-allow-unauthenticated-identities \
  --open-id-connect-provider-arns "arn:aws:iam::000000000000:oidc-provider/${login%%=*}" --query IdentityPoolId)
for r in "$role" "${role}x"; do
  pools set-identity-pool-roles --identity-pool-id "$other" --roles authenticated="$r"
  stranger=$(pools get-id --identity-pool-id "$other" --logins "$login" --query IdentityId)
  ! pools get-credentials-for-identity --identity-id "$stranger" --logins "$login" 2>&1
done
`
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script)
	// The address is for "idpool dev token", which the page has ask the default one.
	cmd.Dir, cmd.Env = dir, cleanEnv("HOME="+dir, "AWS_ENDPOINT_URL="+n.url, "MINIO_BROWSER=off", "MINIO_UPDATE=off", "MINIO_CALLHOME_ENABLE=off")
	out, err := cmd.CombinedOutput()
	worked, refused, _ := strings.Cut(string(out), "--- refused\n")
	if err != nil || !strings.Contains(worked, "\nhello\n") || strings.Count(refused, "(InvalidIdentityPoolConfigurationException)") != 2 {
		t.Fatalf("the page's lines: %v\n%s\n--- printed:\n%s", err, script, out)
	}
}

// blocks are the texts of one language that a page shows.
func blocks(page, language string) (list []string) {
	for _, block := range strings.Split(page, "\n```"+language+"\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		list = append(list, block)
	}
	return list
}
