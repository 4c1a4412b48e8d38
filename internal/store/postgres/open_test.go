package postgres

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"idpool/internal/store/postgres/pgtest"
)

// TestRefusedAddresses: each thing that can be wrong with a URL is one line,
// without the password.
func TestRefusedAddresses(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t)
	_, good, _ := strings.Cut(server.URL(), "@")
	server.Put(t, "pg_hba.conf", []byte("host all idpool 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"))
	server.Exec(t, "SELECT pg_reload_conf()", "CREATE USER guarded PASSWORD 'right'")
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	notLike := `the address of the database is not like postgres://user@host:5432/name (special characters of a password are written %40 and so on)`
	for address, want := range map[string]string{
		"":                            notLike,
		"idpool.db":                   notLike,
		"mysql://root:s3cret@host/db": notLike,
		"host=127.0.0.1 user=root password=s3cret":                                     notLike,
		"postgres://root:s3cret#@" + good:                                              notLike,
		"postgres://root:s3cr%zzet@" + good:                                            notLike,
		"postgres://root:s3cret@" + good + "?sslmode=always":                           `the address of the database: sslmode is invalid`,
		"postgres://root:s3cret@" + good + "?sslrootcert=/missing":                     `the address of the database: unable to read CA file: open /missing: no such file or directory`,
		"postgres://root:s3cret@" + good + "?pool_max_conns=many":                      `the address of the database: .*many.*`,
		"postgres://a:s3cret@" + good + "?default_query_exec_mode=simple_protocol":     `the address of the database: the simple protocol is not safe, and not used`,
		"postgres://idpool:s3cret@" + good + "?search_path=nowhere":                    `database postgres at 127.0.0.1 port \d+: search_path names no schema that is there`,
		"postgres://idpool:s3cret@" + good + "x":                                       `database postgresx at .*database "postgresx" does not exist.*`,
		"postgres://guarded:s3cret@" + good:                                            `database postgres at .*password authentication failed for user "guarded".*`,
		"postgres://idpool:s3cret@" + good + "?sslmode=require":                        `database postgres at .*server refused TLS connection`,
		"postgres://idpool:s3cret@" + free.Addr().String() + "/db":                     `database db at .*connection refused`,
		"postgres://idpool:s3cret@" + silent.Addr().String() + "/db?connect_timeout=1": `database db at .*timeout.*`,
	} {
		_, err := Open(t.Context(), address)
		if err == nil {
			t.Errorf("%s was taken", address)
			continue
		}
		if pattern := regexp.MustCompile(`\Aopen store: ` + strings.NewReplacer("(", `\(`, ")", `\)`).Replace(want) + `\z`); !pattern.MatchString(err.Error()) || strings.Contains(err.Error(), "s3cr") {
			t.Errorf("%s: got %v, want %s", address, err, want)
		}
	}
}

// certificate makes a certificate for 127.0.0.1 that signs itself, and its key.
func certificate(t *testing.T) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "postgres"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}

// TestTLSAndPassfile: the connection is verified TLS, and the password comes
// from a file.
func TestTLSAndPassfile(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t)
	cert, key := certificate(t)
	server.Put(t, "server.crt", cert)
	server.Put(t, "server.key", key)
	server.Put(t, "pg_hba.conf", []byte("host all idpool 127.0.0.1/32 trust\nhostssl all guarded 127.0.0.1/32 scram-sha-256\n"))
	server.Exec(t, "CREATE USER guarded PASSWORD 'from a file: \\ä'", "CREATE SCHEMA guarded AUTHORIZATION guarded", "ALTER SYSTEM SET ssl = on", "SELECT pg_reload_conf()")
	folder := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	other, _ := certificate(t)
	right, wrong := write("right", fmt.Sprintf("127.0.0.1:%d:*:guarded:from a file\\: \\\\ä\n", server.Port)), write("wrong", "*:*:*:guarded:other\n")
	ours, theirs := write("ours.pem", string(cert)), write("theirs.pem", string(other))
	address := fmt.Sprintf("postgres://guarded@127.0.0.1:%d/postgres?", server.Port)
	for _, c := range []struct{ query, want string }{
		{"sslmode=verify-full&sslrootcert=" + ours + "&passfile=" + right, ""},
		{"sslmode=verify-full&sslrootcert=" + theirs + "&passfile=" + right, "certificate signed by unknown authority"},
		{"sslmode=verify-full&sslrootcert=" + ours + "&passfile=" + wrong, "password authentication failed"},
		{"sslmode=disable&passfile=" + right, "no pg_hba.conf entry"},
	} {
		s, err := Open(t.Context(), address+c.query)
		if c.want != "" {
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "from a file") {
				t.Errorf("%s: got %v, want %s", c.query, err, c.want)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		var encrypted bool
		if err := s.pool.QueryRow(t.Context(), "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").Scan(&encrypted); err != nil || !encrypted {
			t.Errorf("encrypted: %t, %v", encrypted, err)
		}
		if err := s.Update(t.Context(), put(1)); err != nil {
			t.Error(err)
		}
		s.Close()
	}
}

// TestDurability: what the database does for others does not weaken a commit of
// ours; what is stronger is left.
func TestDurability(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]string{"off": "on", "local": "on", "on": "on", "remote_apply": "remote_apply"} {
		s := open(t, pgtest.Database(t)+"&synchronous_commit="+setting)
		var got string
		if err := s.pool.QueryRow(t.Context(), "SHOW synchronous_commit").Scan(&got); err != nil || got != want {
			t.Errorf("%s became %s, want %s; %v", setting, got, want, err)
		}
	}
}
