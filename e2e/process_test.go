package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestStopsGracefully(t *testing.T) {
	n := serve(t, binary(t), t.TempDir(), "--dev")
	if status, body, err := post(n.url, "GetId", `{"IdentityPoolId":"us-east-1:00000000-0000-4000-8000-000000000000"}`, nil); err != nil || status != http.StatusBadRequest {
		t.Fatalf("GetId: %d %s %v", status, body, err)
	}
	for _, path := range []string{"/livez", "/readyz", "/metrics"} {
		if resp, err := http.Get(n.admin + path); err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %v %v", path, resp, err)
		}
	}
	n.Process.Signal(syscall.SIGTERM)
	if code := n.wait(t); code != 0 {
		t.Errorf("exit code %d after SIGTERM:\n%s", code, n.log.all.String())
	}
}

// TestBadStarts holds that a start which cannot work says so in one line,
// exits 1, and touches nothing.
func TestBadStarts(t *testing.T) {
	bin := binary(t)
	good := t.TempDir()
	n := serve(t, bin, good, "--dev")
	copied := func(t *testing.T, change func(path string, b []byte) []byte) string {
		t.Helper()
		dir := t.TempDir()
		for _, name := range []string{"idpool.db", "master.key", "credentials"} {
			b, err := os.ReadFile(filepath.Join(good, name))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), change(name, b), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	// run returns -1 for a server that stays up: it should not have started.
	run := func(data string, flags ...string) (code int, said string) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		cmd := exec.CommandContext(ctx, bin, append([]string{"serve", "--dev", "--listen", "127.0.0.1:0", "--admin-listen", "off", "--data", data}, flags...)...)
		cmd.Env = cleanEnv()
		out, _ := cmd.CombinedOutput()
		return cmd.ProcessState.ExitCode(), string(out)
	}
	db := func(change func(b []byte) []byte) func(string, []byte) []byte {
		return func(name string, b []byte) []byte {
			if name == "idpool.db" {
				return change(b)
			}
			return b
		}
	}
	t.Run("locked", func(t *testing.T) {
		code, said := run(good)
		if code != 1 || !strings.Contains(said, fmt.Sprintf("is in use by another idpool (process %d)", n.Process.Pid)) {
			t.Errorf("exit %d: %s", code, said)
		}
	})
	n.Process.Signal(syscall.SIGTERM)
	n.wait(t)
	for name, c := range map[string]struct {
		change func(string, []byte) []byte
		want   string
	}{
		"not a database":  {db(func([]byte) []byte { return []byte(strings.Repeat("hello, I am a text ", 100)) }), "is damaged or not a database"},
		"empty file":      {db(func([]byte) []byte { return nil }), "is damaged or not a database"},
		"truncated":       {db(func(b []byte) []byte { return b[:len(b)/2] }), "is damaged"},
		"odd length":      {db(func(b []byte) []byte { return b[:len(b)-1] }), "is damaged"},
		"other program's": {db(func(b []byte) []byte { copy(b[68:], "abcd"); return b }), "is a database of another program"},
		"newer version's": {db(func(b []byte) []byte { b[62] = 1; return b }), "was written by a newer version"},
		"other master key": {func(name string, b []byte) []byte {
			if name == "master.key" {
				return []byte(strings.Repeat("A", 43) + "=\n")
			}
			return b
		}, "the master key does not belong to this store"},
		"bad master key": {func(name string, b []byte) []byte {
			if name == "master.key" {
				return []byte("short\n")
			}
			return b
		}, "master key in"},
	} {
		t.Run(name, func(t *testing.T) {
			data := copied(t, c.change)
			before, _ := os.ReadFile(filepath.Join(data, "idpool.db"))
			code, said := run(data)
			if code != 1 || !strings.Contains(said, c.want) {
				t.Errorf("exit %d, said: %s", code, said)
			}
			if lines := strings.Count(strings.TrimSpace(said), "\n"); lines > 1 { // the error, and perhaps a hint
				t.Errorf("said too much:\n%s", said)
			}
			if after, _ := os.ReadFile(filepath.Join(data, "idpool.db")); string(after) != string(before) {
				t.Error("the database was changed")
			}
		})
	}
	t.Run("master key missing", func(t *testing.T) {
		data := copied(t, func(_ string, b []byte) []byte { return b })
		os.Remove(filepath.Join(data, "master.key"))
		code, said := run(data)
		if code != 1 || !strings.Contains(said, "is missing") {
			t.Errorf("exit %d: %s", code, said)
		}
		if _, err := os.Stat(filepath.Join(data, "master.key")); err == nil {
			t.Error("a new master key was made for an old store")
		}
	})
	t.Run("no folder", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "file")
		os.WriteFile(file, nil, 0o600)
		if code, said := run(filepath.Join(file, "data")); code != 1 || !strings.Contains(said, "make the data folder") {
			t.Errorf("exit %d: %s", code, said)
		}
	})
	t.Run("read-only folder", func(t *testing.T) {
		if os.Getuid() == 0 {
			readOnlyAsRoot(t, run)
			return
		}
		data := copied(t, func(_ string, b []byte) []byte { return b })
		os.Chmod(data, 0o500)
		defer os.Chmod(data, 0o700)
		if code, said := run(data); code != 1 || strings.Count(said, "\n") > 2 {
			t.Errorf("exit %d: %s", code, said)
		}
	})
	t.Run("usage", func(t *testing.T) {
		for _, flags := range [][]string{{"--listen", "0.0.0.0:0"}, {"--region", "Mars"}, {"--account", "1"}, {"--nope"}, {"--issuer", "http://pool.example.com"}, {"--tls-cert", "x"}} {
			if code, said := run(t.TempDir(), flags...); code != 2 || !strings.HasPrefix(said, "idpool: error: ") {
				t.Errorf("%v: exit %d: %s", flags, code, said)
			}
		}
	})
	t.Run("configuration", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "idpool.yaml")
		os.WriteFile(file, []byte("network:\n  allow_http: true\n  allow_cidr: []\n"), 0o600)
		if code, said := run(t.TempDir(), "--config", file); code != 1 || !strings.Contains(said, "line 3: unknown key allow_cidr") {
			t.Errorf("exit %d: %s", code, said)
		}
	})
	t.Run("port taken", func(t *testing.T) {
		other := serve(t, bin, t.TempDir(), "--dev")
		if code, said := run(t.TempDir(), "--listen", strings.TrimPrefix(other.url, "http://")); code != 1 || !strings.Contains(said, "address already in use") {
			t.Errorf("exit %d: %s", code, said)
		}
	})
}

// readOnlyAsRoot tries a folder on a read-only mount, because root may write
// where modes forbid it.
func readOnlyAsRoot(t *testing.T, run func(string, ...string) (int, string)) {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_RDONLY, ""); err != nil {
		t.Logf("left out: a read-only mount cannot be made here (%v)", err)
		return
	}
	defer syscall.Unmount(dir, 0)
	if code, said := run(dir); code != 1 || !strings.Contains(said, "read-only file system") || strings.Count(said, "\n") > 2 {
		t.Errorf("exit %d: %s", code, said)
	}
}
