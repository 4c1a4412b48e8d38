package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"idpool/internal/freeport"
)

// cephConfig is the least that makes a cluster on one machine: a monitor, an OSD
// that keeps everything in memory, no manager, no keys, one placement group for a
// pool. The monitor decides without waiting for more to decide, so all of it is
// up in two seconds. The gateway would speak to the monitor encrypted, which
// needs keys.
const cephConfig = `[global]
fsid = %[2]s
run dir = %[1]s
pid file = %[1]s/$name.pid
log file = %[1]s/$name.log
admin socket =
mon host = v2:%[3]s
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
ms mon client mode = crc
paxos propose interval = 0.01
paxos min wait = 0.01
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pg autoscale mode = off
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail crit = 1
[mon]
mon data = %[1]s/mon
mon cluster log file = %[1]s/cluster.log
[osd]
osd data = %[1]s/osd
osd objectstore = memstore
[client]
rgw frontends = beast endpoint=%[4]s
rgw rados pool pg num min = 1
`

// ceph starts a Ceph cluster of its own, with its S3 gateway at an address,
// until the test ends. more is added to the gateway's configuration. What comes
// out is the path of ceph.conf, by which Ceph's programs find the cluster.
func ceph(t *testing.T, gateway, more string) (config string) {
	t.Helper()
	needs(t, "Ceph", "ceph", "ceph-mon", "ceph-osd", "monmaptool", "radosgw", "radosgw-admin")
	dir, cluster, osd, monitor := t.TempDir(), uuid(t), uuid(t), freeport.Address(t)
	for _, name := range []string{"mon", "osd"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	config = filepath.Join(dir, "ceph.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, cephConfig+more, dir, cluster, monitor, gateway), 0o600); err != nil {
		t.Fatal(err)
	}
	command := func(name string, args ...string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Env = cleanEnv("CEPH_CONF=" + config)
		return cmd
	}
	run := func(name string, args ...string) {
		t.Helper()
		if out, err := command(name, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
		}
	}
	daemon := func(name string, args ...string) {
		t.Helper()
		start(t, command(name, append(args, "-f")...), (*exec.Cmd).StderrPipe)
	}
	monmap := filepath.Join(dir, "monmap")
	run("monmaptool", "--create", "--fsid", cluster, "--addv", "a", "[v2:"+monitor+"]", monmap)
	run("ceph-mon", "-i", "a", "--mkfs", "--monmap", monmap)
	daemon("ceph-mon", "-i", "a")
	run("ceph", "--connect-timeout", "30", "osd", "new", osd)
	run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
	daemon("ceph-osd", "-i", "0")
	daemon("radosgw")
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		resp, err := http.Get("http://" + gateway)
		if err == nil {
			resp.Body.Close()
			return config
		}
		if time.Since(began) > patience {
			log, _ := os.ReadFile(filepath.Join(dir, "client.admin.log"))
			t.Fatalf("the gateway is not up: %v\n%s", err, log)
		}
	}
}

// needs makes sure that programs are there.
func needs(t *testing.T, what string, programs ...string) {
	t.Helper()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			without(t, what+": there is no "+program)
		}
	}
}

// uuid is a random UUID.
func uuid(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/proc/sys/kernel/random/uuid")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}
