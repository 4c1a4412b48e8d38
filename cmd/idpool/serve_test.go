package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// TestServesUnderLoad runs the program inside of the test, for the race
// detector: requests from many sides while the log is written, then a stop in
// their midst. Whoever got an answer got a whole one.
func TestServesUnderLoad(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	stderr, printed := io.Pipe()
	exited := make(chan int, 1)
	go func() {
		exited <- run(ctx, []string{"serve", "--dev", "--data", filepath.Join(t.TempDir(), "data"), "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"}, io.Discard, printed)
		printed.Close()
	}()
	lines := bufio.NewScanner(stderr)
	address := ""
	for address == "" && lines.Scan() {
		address, _ = strings.CutPrefix(lines.Text(), "idpool: ready on ")
		if !strings.HasPrefix(address, "http") {
			address = ""
		}
	}
	logged := 0
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines.Scan() {
			if strings.Contains(lines.Text(), `"op":"ListIdentityPools"`) {
				logged++
			}
		}
	}()

	const each = 50
	var answered sync.WaitGroup
	answers := make(chan int, 8*each)
	for range 8 {
		answered.Go(func() {
			for i := range each {
				if i == each/2 {
					stop()
				}
				r, _ := http.NewRequest(http.MethodPost, address, strings.NewReader(`{"MaxResults":1}`))
				r.Header.Set("Content-Type", "application/x-amz-json-1.1")
				r.Header.Set("X-Amz-Target", "AWSCognitoIdentityService.ListIdentityPools")
				resp, err := http.DefaultClient.Do(r)
				if err != nil {
					return // stopped
				}
				body, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil || !bytes.HasSuffix(body, []byte("}")) {
					t.Errorf("half an answer: %q, %v", body, err)
				}
				answers <- resp.StatusCode
			}
		})
	}
	answered.Wait()
	if code := <-exited; code != exitDone {
		t.Errorf("exit code %d", code)
	}
	<-read
	if n := len(answers); n < each/2 || logged < n {
		t.Errorf("%d answers, %d of them in the log", n, logged)
	}
}

// TestCertificates holds that a certificate is looked at once a second at the
// most, and that the one before stays until a whole new pair is there.
func TestCertificates(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	now := time.Now()
	replace := func(name string, content []byte) {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
		os.Chtimes(name, now, now)
	}
	pair := func(host string) (certPEM, keyPEM []byte) {
		certPEM, keyPEM, err := selfSigned(host)
		if err != nil {
			t.Fatal(err)
		}
		return certPEM, keyPEM
	}
	cert1, key1 := pair("one")
	cert2, key2 := pair("two")
	replace(cert, cert1)
	replace(key, key1)
	c, err := newCertificates(cert, key, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	shown := func() string {
		pair, err := c.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		return pair.Leaf.Subject.CommonName
	}
	for _, step := range []struct {
		name string
		do   func()
		want string
	}{
		{"at first", func() {}, "one"},
		{"the certificate changed, the key not yet", func() { now = now.Add(2 * time.Second); replace(cert, cert2) }, "one"},
		{"still not", func() { now = now.Add(2 * time.Second) }, "one"},
		{"both changed", func() { now = now.Add(2 * time.Second); replace(key, key2) }, "two"},
		{"changed again, but just now", func() { now = now.Add(time.Millisecond); replace(cert, cert1); replace(key, key1) }, "two"},
		{"a second later", func() { now = now.Add(time.Second) }, "one"},
		{"the files are gone", func() { now = now.Add(2 * time.Second); os.Remove(cert); os.Remove(key) }, "one"},
	} {
		step.do()
		if got := shown(); got != step.want {
			t.Fatalf("%s: the certificate of %s, want %s", step.name, got, step.want)
		}
	}
}

// TestLogForReaders holds that people at a terminal read text and programs
// read JSON, if nobody asks for one of them.
func TestLogForReaders(t *testing.T) {
	pty, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer pty.Close()
	var unlocked, number int32
	for request, value := range map[uintptr]*int32{syscall.TIOCSPTLCK: &unlocked, syscall.TIOCGPTN: &number} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, pty.Fd(), request, uintptr(unsafe.Pointer(value))); errno != 0 {
			t.Fatal(errno)
		}
	}
	terminal, err := os.OpenFile(fmt.Sprint("/dev/pts/", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	log, flush := newLogger(terminal, "auto", "info")
	log.Info("hello")
	flush()
	line, err := bufio.NewReader(pty).ReadString('\n')
	if err != nil || !strings.Contains(line, "level=INFO msg=hello") {
		t.Errorf("on a terminal: %q, %v", line, err)
	}

	var file bytes.Buffer
	log, flush = newLogger(&file, "auto", "info")
	log.Debug("not this")
	log.Info("hello")
	flush()
	if got := file.String(); !strings.HasSuffix(got, `"level":"INFO","msg":"hello"}`+"\n") || strings.Contains(got, "not this") {
		t.Errorf("in a file: %q", got)
	}
}

// TestLogKeepsOrder holds that lines from many sides come out whole, each
// once, and those of one side in their order.
func TestLogKeepsOrder(t *testing.T) {
	var out bytes.Buffer
	log, flush := newLogger(&out, "json", "info")
	var writers sync.WaitGroup
	for side := range 8 {
		writers.Go(func() {
			for i := range 500 {
				log.Info(strings.Repeat("x", 500), "side", side, "i", i)
			}
		})
	}
	writers.Wait()
	flush()
	next := [8]int{}
	for line := range strings.Lines(out.String()) {
		var side, i int
		_, tail, _ := strings.Cut(line, `"side":`)
		if n, err := fmt.Sscanf(tail, `%d,"i":%d}`, &side, &i); n != 2 || err != nil || next[side] != i {
			t.Fatalf("line %d of side %d, after %d: %v", i, side, next[side], err)
		}
		next[side]++
	}
	for side, n := range next {
		if n != 500 {
			t.Errorf("%d lines of side %d", n, side)
		}
	}
}
