package sqlite

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// roles are the processes that the test binary can be besides itself. Each
// gets the path of a database and reports on its standard output.
var roles = map[string]func(path string) error{
	"open":  openAndSay,
	"hold":  openAndHold,
	"crash": write,
}

func TestMain(m *testing.M) {
	role := os.Getenv("IDPOOL_TEST_ROLE")
	if role == "" {
		os.Exit(m.Run())
	}
	if err := roles[role](os.Getenv("IDPOOL_TEST_PATH")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// child is another process.
type child struct {
	*exec.Cmd
	lines  *bufio.Scanner
	stdin  io.Closer
	stderr bytes.Buffer
}

// start starts a child, which dies with the test.
func start(t *testing.T, role, path string) *child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{Cmd: exec.Command(self)}
	c.Env = append(os.Environ(), "IDPOOL_TEST_ROLE="+role, "IDPOOL_TEST_PATH="+path,
		"GORACE=atexit_sleep_ms=0") // the race detector would sleep for a second at the end
	c.Stderr = &c.stderr
	stdout, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if c.stdin, err = c.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	c.lines = bufio.NewScanner(stdout)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	return c
}

// expect reads one line, which must be this one.
func (c *child) expect(t *testing.T, want string) {
	t.Helper()
	if !c.lines.Scan() || c.lines.Text() != want {
		rest := c.rest()
		c.Wait()
		t.Fatalf("the child said %q %q, want %q: %s", c.lines.Text(), rest, want, &c.stderr)
	}
}

// rest reads to the end of what the child says.
func (c *child) rest() (lines []string) {
	for c.lines.Scan() {
		lines = append(lines, c.lines.Text())
	}
	return lines
}

// finish waits for the child's end, which must be a good one.
func (c *child) finish(t *testing.T) []string {
	t.Helper()
	lines := c.rest()
	if err := c.Wait(); err != nil {
		t.Fatalf("the child ended with %v: %s\n%s", err, &c.stderr, strings.Join(lines, "\n"))
	}
	return lines
}

func say(format string, args ...any) { fmt.Printf(format+"\n", args...) }

func openAndSay(path string) error {
	say("opening")
	s, err := Open(context.Background(), path)
	if err != nil {
		return err
	}
	say("open")
	return s.Close()
}

// openAndHold keeps a database open until its standard input ends.
func openAndHold(path string) error {
	s, err := Open(context.Background(), path)
	if err != nil {
		return err
	}
	say("open")
	io.Copy(io.Discard, os.Stdin)
	return s.Close()
}
