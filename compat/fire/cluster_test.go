package fire

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"idpool/internal/freeport"
	"idpool/internal/store/postgres/pgtest"
)

// cluster is three servers, and the two databases behind them.
type cluster struct {
	nodes            [3]*node
	primary, standby *pgtest.Server
	both             string // the URL that the servers have
}

// patience is how long a server may take to come up. It decides whether the test
// hangs, never whether the server is quick enough.
const patience = time.Minute

func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{primary: pgtest.New(t)}
	one := c.primary.Schema(t)
	c.standby = c.primary.Standby(t)
	host := fmt.Sprintf("127.0.0.1:%d", c.primary.Port)
	c.both = strings.Replace(one, host, fmt.Sprintf("%s,127.0.0.1:%d", host, c.standby.Port), 1) + "&target_session_attrs=read-write"
	master := make([]byte, 32)
	rand.Read(master)
	bin := binary(t)
	for n := range c.nodes { // all at once on an empty database
		c.nodes[n] = &node{address: freeport.Address(t), log: filepath.Join(t.TempDir(), "log")}
		program := bin
		if before := os.Getenv("IDPOOL_BIN_BEFORE"); before != "" && n == 0 {
			program = before
		}
		c.nodes[n].keep(t, program, "IDPOOL_DATABASE_URL="+c.both, "IDPOOL_MASTER_KEY="+base64.StdEncoding.EncodeToString(master))
		if program != bin { // the database is the older program's, until a newer one starts
			c.nodes[n].await(t)
		}
	}
	for _, n := range c.nodes {
		n.await(t)
	}
	return c
}

// failOver loses the primary, a moment after the last word of it has reached the
// standby: whatever waited for the standby then was not answered, and is gone. The
// standby is promoted when somebody has noticed, and the one that was lost comes
// back as its standby.
func (c *cluster) failOver(t *testing.T, withheld, noticed time.Duration) {
	t.Helper()
	c.primary.Withhold(t)
	time.Sleep(withheld)
	c.primary.Lose(t)
	time.Sleep(noticed)
	c.standby.Promote(t)
	c.primary, c.standby = c.standby, c.primary
	c.standby.Follow(t, c.primary)
}

// binary is the program under test: $IDPOOL_BIN, or built now. One of the three
// servers can be an older one, $IDPOOL_BIN_BEFORE.
func binary(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("IDPOOL_BIN"); path != "" {
		return path
	}
	path := filepath.Join(t.TempDir(), "idpool")
	build := exec.Command("go", "build", "-o", path, "./cmd/idpool")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return path
}

// node is one server, which is started again whenever it ends.
type node struct {
	address, log string

	mu     sync.Mutex
	runs   *exec.Cmd
	starts int
	over   bool
}

// keep starts the server, and starts it again, until the test ends.
func (n *node) keep(t *testing.T, bin string, env ...string) {
	log, err := os.Create(n.log)
	if err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			n.mu.Lock()
			if n.over {
				n.mu.Unlock()
				return
			}
			cmd := exec.Command(bin, "serve", "--dev", "--listen", n.address, "--issuer", "http://127.0.0.1:8437", "--admin-listen", "off", "--data", data, "--log-level", "error")
			cmd.Env, cmd.Stderr = append(os.Environ(), env...), log
			cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
			err := cmd.Start()
			n.runs = cmd
			n.starts++
			n.mu.Unlock()
			if err != nil {
				t.Errorf("start the server: %v", err)
				return
			}
			cmd.Wait()
			time.Sleep(50 * time.Millisecond) // it may have ended for want of a database
		}
	}()
	t.Cleanup(func() {
		n.mu.Lock()
		n.over = true
		n.mu.Unlock()
		n.signal(syscall.SIGKILL)
		<-ended
		log.Close()
		if text, _ := os.ReadFile(n.log); t.Failed() || strings.Contains(string(text), "panic") {
			t.Errorf("the log of %s ends in:\n%s", n.address, text[max(0, len(text)-4000):])
		}
	})
}

// signal sends the server a signal, if it runs.
func (n *node) signal(s syscall.Signal) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.runs != nil && n.runs.Process != nil {
		n.runs.Process.Signal(s)
	}
}

// pause has the server do nothing for a while, with its connections open.
func (n *node) pause(d time.Duration) {
	n.signal(syscall.SIGSTOP)
	time.Sleep(d)
	n.signal(syscall.SIGCONT)
}

// await waits until the server answers.
func (n *node) await(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		r, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.address+"/.well-known/openid-configuration", nil)
		resp, err := http.DefaultClient.Do(r)
		if err == nil {
			resp.Body.Close()
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("the server does not answer: %v", err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
