package pgtest

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Withhold has nothing reach the standbys any more, though they stay connected.
func (s *Server) Withhold(t testing.TB) {
	t.Helper()
	var sender int
	s.query(t, &sender, "SELECT pid FROM pg_stat_replication")
	if err := syscall.Kill(sender, syscall.SIGSTOP); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
}

// kill kills every process of the server.
func (s *Server) kill(t testing.TB) {
	t.Helper()
	pid, err := strconv.Atoi(s.pidFile(t)[0])
	if err != nil {
		t.Fatalf("pgtest: postmaster.pid: %v", err)
	}
	syscall.Kill(pid, syscall.SIGSTOP) // so that it starts no more of them
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	for _, child := range bytes.Fields(children) {
		if pid, err := strconv.Atoi(string(child)); err == nil {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	syscall.Kill(pid, syscall.SIGKILL)
}

// pidFile are the lines of postmaster.pid: the first is the process, the seventh
// the key and the ID of memory that the kernel would keep.
func (s *Server) pidFile(t testing.TB) []string {
	t.Helper()
	file, err := os.ReadFile(filepath.Join(s.Folder, "postmaster.pid"))
	lines := strings.Split(string(file), "\n")
	if err != nil || len(lines) < 7 {
		t.Fatalf("pgtest: postmaster.pid has %d lines, %v", len(lines), err)
	}
	return lines
}

// Lose takes the server's machine away: every process of it is killed, and its
// data is gone. It works on Linux.
func (s *Server) Lose(t testing.TB) {
	t.Helper()
	memory := strings.Fields(s.pidFile(t)[6])
	s.kill(t)
	for { // until nobody listens
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.Port))
		if err != nil {
			break
		}
		conn.Close()
		time.Sleep(time.Millisecond)
	}
	if len(memory) == 2 {
		exec.Command("ipcrm", "-m", memory[1]).Run()
	}
	if err := os.RemoveAll(s.Folder); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
}

// Follow brings a server that was lost back, at its old address, as a standby of
// another, for which every commit waits from now on.
func (s *Server) Follow(t testing.TB, primary *Server) {
	t.Helper()
	err := os.Mkdir(s.Folder, 0o700)
	if err == nil {
		err = s.chooseOwner()
	}
	if err == nil {
		err = s.copyOf(primary)
	}
	if err == nil {
		err = s.start()
	}
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	primary.waitForStandby(t)
}
