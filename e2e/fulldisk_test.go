package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestFullDisk lets guests come until the disk is full: who is refused reads a
// fault that is worth a retry, who was there is there, and when there is room
// new ones come again, without a restart and after one.
func TestFullDisk(t *testing.T) {
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=6m"); err != nil {
		without(t, "the right to mount a small disk")
	}
	defer syscall.Unmount(disk, syscall.MNT_DETACH)
	spare := filepath.Join(disk, "spare")
	bin, data := binary(t), filepath.Join(disk, "data")
	n := serve(t, bin, data, "--dev")
	var pool struct{ IdentityPoolId string }
	if err := call(n.url, "CreateIdentityPool", map[string]any{"IdentityPoolName": "full", "AllowUnauthenticatedIdentities": true}, anySignature, &pool); err != nil {
		t.Fatal(err)
	}
	var guests []string
	arrive := func() error {
		var out struct{ IdentityId string }
		err := call(n.url, "GetId", map[string]any{"IdentityPoolId": pool.IdentityPoolId}, nil, &out)
		if err == nil {
			guests = append(guests, out.IdentityId)
		}
		return err
	}
	there := func() {
		t.Helper()
		for _, id := range guests {
			if err := call(n.url, "DescribeIdentity", map[string]any{"IdentityId": id}, anySignature, nil); err != nil {
				t.Fatalf("a guest of %d is lost: %v", len(guests), err)
			}
		}
	}
	room := int64(1_500_000)
	if err := os.WriteFile(spare, make([]byte, room), 0o600); err != nil {
		t.Fatal(err)
	}
	for round := range 3 {
		var err error
		for before := len(guests); err == nil; err = arrive() {
			if len(guests)-before > 100_000 {
				t.Fatal("the disk is never full")
			}
		}
		if !strings.Contains(err.Error(), "status 500") || !strings.Contains(err.Error(), "InternalErrorException") {
			t.Fatalf("round %d: %v", round, err)
		}
		there()
		if resp, err := http.Get(n.admin + "/livez"); err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("round %d: %v %v", round, resp, err)
		}
		if round == 2 { // the last one is killed
			n.Process.Signal(syscall.SIGKILL)
			n.wait(t)
		}
		room -= 500_000
		if err := os.Truncate(spare, room); err != nil {
			t.Fatal(err)
		}
		if round == 2 {
			n = serve(t, bin, data, "--dev")
		}
		for range 10 {
			if err := arrive(); err != nil {
				t.Fatalf("round %d, with room again: %v", round, err)
			}
		}
		there()
	}
	t.Logf("%d guests", len(guests))
}
