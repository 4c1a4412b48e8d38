package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/rogpeppe/go-internal/testscript"

	"idpool/internal/store/postgres/pgtest"
)

// TestMain builds the program for the scripts as the Makefile does: without the
// race detector, which would take most of the time of its many short runs.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "idpool-test-")
	if err == nil {
		build := exec.Command("go", "build", "-trimpath", "-o", dir, ".")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		var out []byte
		if out, err = build.CombinedOutput(); err != nil {
			err = fmt.Errorf("build: %w\n%s", err, out)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// TestScripts runs testdata/*.txt, which read like documentation. Beside the
// commands of testscript they have those of the table below.
func TestScripts(t *testing.T) { runScripts(t, "testdata", func() []string { return nil }) }

// TestScriptsOnDatabase runs testdata/postgres/*.txt, each on a PostgreSQL database
// of its own.
func TestScriptsOnDatabase(t *testing.T) {
	pgtest.Database(t) // where there is no PostgreSQL the test ends here
	runScripts(t, "testdata/postgres", func() []string {
		return []string{"IDPOOL_DATABASE_URL=" + pgtest.Database(t),
			"KEY=" + base64.StdEncoding.EncodeToString(make([]byte, 32)), "OTHER=" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{1}, 32))}
	})
}

func runScripts(t *testing.T, folder string, vars func() []string) {
	testscript.Run(t, testscript.Params{
		Deadline:            time.Now().Add(4 * patience), // a server that should not have started
		Dir:                 folder,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Vars = append(e.Vars, "AWS_ACCESS_KEY_ID=any", "AWS_SECRET_ACCESS_KEY=any", "AWS_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true")
			e.Vars = append(e.Vars, vars()...)
			e.Values[serverKey{}] = new(server)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"start":       start,       // start idpool serve …: run it on free ports; $URL and $ADMIN say where
			"end":         end,         // end TERM: signal it; it must exit 0, and stderr is all that it printed
			"exits":       exits,       // exits 2 idpool …: run it; its exit code must be 2
			"mode":        mode,        // mode 0600 FILE: the file must have these permissions
			"get":         get,         // get URL: stdout is the status and the body
			"call":        call,        // call GetId JSON [POOL=IdentityPoolId]: stdout is status and body; keep a member in $POOL
			"keep":        keep,        // keep TOKEN: $TOKEN becomes the one line of stdout
			"claims":      claims,      // claims: stdout, which is a token, becomes its claims
			"certificate": certificate, // certificate NAME: make cert.pem and key.pem for a host of that name
			"peer":        peer,        // peer NAME: wait until the server at $URL shows the certificate of that name
			"repeat":      repeat,      // repeat 100 call …: do it so often
		},
	})
}

// patience is how long a server may take to come up or go down. It decides
// whether a test hangs, never whether the server is quick enough.
const patience = 30 * time.Second

type serverKey struct{}

// server is the server that a script started.
type server struct {
	cmd     *exec.Cmd
	printed bytes.Buffer  // to be read after done
	done    chan struct{} // closed when it has exited
}

func start(ts *testscript.TestScript, neg bool, args []string) {
	s := ts.Value(serverKey{}).(*server)
	if neg || s.cmd != nil {
		ts.Fatalf("usage: start idpool serve …, one at a time")
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = append(scriptEnv(ts), "PWD="+cmd.Dir)
	for _, flag := range []string{"LISTEN", "ADMIN_LISTEN"} {
		if ts.Getenv("IDPOOL_"+flag) == "" {
			cmd.Env = append(cmd.Env, "IDPOOL_"+flag+"=127.0.0.1:0")
		}
	}
	stderr, err := cmd.StderrPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	s.cmd, s.done, s.printed = cmd, make(chan struct{}), bytes.Buffer{}
	addresses := make(chan string, 2)
	go func() {
		defer close(s.done)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			fmt.Fprintln(&s.printed, lines.Text())
			for _, prefix := range []string{"idpool: ready on ", "idpool: admin on "} {
				if address, ok := strings.CutPrefix(lines.Text(), prefix); ok && len(addresses) < cap(addresses) {
					addresses <- address
				}
			}
		}
		cmd.Wait()
	}()
	ts.Defer(func() {
		cmd.Process.Kill()
		<-s.done
	})
	names := []string{"URL", "ADMIN"} // and without the scheme: $HOST, $ADMIN_HOST
	if strings.Contains(strings.Join(args, " "), "--admin-listen off") {
		names = names[:1]
	}
	for _, name := range names {
		select {
		case address := <-addresses:
			ts.Setenv(name, address)
			_, host, _ := strings.Cut(address, "://")
			ts.Setenv(strings.TrimPrefix(name+"_HOST", "URL_"), host)
		case <-s.done:
			ts.Fatalf("it exited before it was ready:\n%s", s.printed.String())
		case <-time.After(patience):
			ts.Fatalf("it did not become ready")
		}
	}
}

// scriptEnv are the variables of the script that a program of ours looks at.
func scriptEnv(ts *testscript.TestScript) (env []string) {
	for _, name := range []string{"PATH", "TMPDIR"} {
		env = append(env, name+"="+ts.Getenv(name))
	}
	for _, flag := range []string{"LISTEN", "ADMIN_LISTEN", "DATA", "REGION", "ACCOUNT", "ISSUER", "CONFIG", "DEV", "LOG_FORMAT", "LOG_LEVEL",
		"ROOT_ACCESS_KEY_ID", "ROOT_SECRET_ACCESS_KEY", "MASTER_KEY", "MASTER_KEY_FILE", "DATABASE_URL"} {
		if value := ts.Getenv("IDPOOL_" + flag); value != "" {
			env = append(env, "IDPOOL_"+flag+"="+value)
		}
	}
	return env
}

func end(ts *testscript.TestScript, neg bool, args []string) {
	s := ts.Value(serverKey{}).(*server)
	signals := map[string]os.Signal{"TERM": syscall.SIGTERM, "INT": syscall.SIGINT}
	if neg || len(args) != 1 || signals[args[0]] == nil || s.cmd == nil {
		ts.Fatalf("usage: end TERM|INT, after start")
	}
	ts.Check(s.cmd.Process.Signal(signals[args[0]]))
	select {
	case <-s.done:
	case <-time.After(patience):
		ts.Fatalf("it did not exit")
	}
	ts.Stderr().Write(s.printed.Bytes())
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		ts.Fatalf("exit code %d:\n%s", code, s.printed.String())
	}
	s.cmd = nil
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	if err != nil || neg {
		ts.Fatalf("usage: exits CODE idpool …")
	}
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		failed, ok := err.(*exec.ExitError)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = failed.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d:\n%s", got, want, ts.ReadFile("stderr"))
	}
}

func mode(ts *testscript.TestScript, neg bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); neg == (got == args[0]) {
		ts.Fatalf("%s has mode %s", args[1], got)
	}
}

func get(ts *testscript.TestScript, _ bool, args []string) {
	resp, err := http.Get(args[0])
	ts.Check(err)
	show(ts, resp)
}

// show prints an answer and returns its body.
func show(ts *testscript.TestScript, resp *http.Response) []byte {
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%d %s\n", resp.StatusCode, body)
	return body
}

func call(ts *testscript.TestScript, _ bool, args []string) {
	body := []byte(args[1])
	r, err := http.NewRequest(http.MethodPost, ts.Getenv("URL")+"/", bytes.NewReader(body))
	ts.Check(err)
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AWSCognitoIdentityService."+args[0])
	sum := sha256.Sum256(body)
	key := aws.Credentials{AccessKeyID: ts.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: ts.Getenv("AWS_SECRET_ACCESS_KEY")}
	ts.Check(v4.NewSigner().SignHTTP(context.Background(), key, r, hex.EncodeToString(sum[:]), "cognito-identity", ts.Getenv("AWS_REGION"), time.Now()))
	resp, err := http.DefaultClient.Do(r)
	ts.Check(err)
	answer := show(ts, resp)
	for _, keep := range args[2:] {
		variable, member, _ := strings.Cut(keep, "=")
		var members map[string]any
		ts.Check(json.Unmarshal(answer, &members))
		ts.Setenv(variable, fmt.Sprint(members[member]))
	}
}

func keep(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}

func claims(ts *testscript.TestScript, _ bool, _ []string) {
	parts := strings.Split(strings.TrimSpace(ts.ReadFile("stdout")), ".")
	if len(parts) != 3 {
		ts.Fatalf("stdout is not a token alone")
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%s\n", text)
}

func certificate(ts *testscript.TestScript, _ bool, args []string) {
	cert, key, err := selfSigned(args[0])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("key.pem"), key, 0o600))
	ts.Check(os.WriteFile(ts.MkAbs("cert.pem"), cert, 0o600))
}

// selfSigned makes a certificate for a host, and its key.
func selfSigned(host string) (certPEM, keyPEM []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: host},
		DNSNames: []string{host}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), err
}

func peer(ts *testscript.TestScript, _ bool, args []string) {
	host, ok := strings.CutPrefix(ts.Getenv("URL"), "https://")
	if !ok {
		ts.Fatalf("%s is not https", ts.Getenv("URL"))
	}
	shown := ""
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		conn, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp", host, &tls.Config{InsecureSkipVerify: true})
		ts.Check(err)
		shown = conn.ConnectionState().PeerCertificates[0].Subject.CommonName
		conn.Close()
		if shown == args[0] {
			return
		}
	}
	ts.Fatalf("the server shows the certificate of %s", shown)
}

func repeat(ts *testscript.TestScript, neg bool, args []string) {
	n, err := strconv.Atoi(args[0])
	if err != nil || args[1] != "call" {
		ts.Fatalf("usage: repeat N call …")
	}
	for range n {
		call(ts, neg, args[2:])
	}
}
