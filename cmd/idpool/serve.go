package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"idpool/internal/control"
	"idpool/internal/credential"
	"idpool/internal/idpool"
	"idpool/internal/metrics"
	"idpool/internal/node"
	"idpool/internal/seal"
	"idpool/internal/store/postgres"
	"idpool/internal/store/sqlite"
	"idpool/internal/trace"
)

// serveCommand are the flags of the contract.
type serveCommand struct {
	Listen      string
	AdminListen string
	Data        string
	DatabaseURL string
	Issuer      string
	Region      string
	Account     string
	Config      string
	Dev         bool
	DevAnywhere bool
	TLSCert     string
	TLSKey      string
	LogFormat   string
	LogLevel    string
	StopDelay   time.Duration

	RootKeyID  string
	RootSecret string
	MasterKey  string
	MasterFile string

	file fileConfig
}

func (c *serveCommand) command() *cobra.Command {
	cmd := &cobra.Command{
		Use: "serve [flags]", Short: "Run the server.",
		Long: `A flag beats its environment variable, which beats the configuration file,
which beats the default. Read from the environment only:
  IDPOOL_ROOT_ACCESS_KEY_ID, IDPOOL_ROOT_SECRET_ACCESS_KEY
      the root key of the account. Without them the first start makes one and
      writes it to <data>/credentials.
  OTEL_EXPORTER_OTLP_ENDPOINT and the other OTEL_ variables of OpenTelemetry
      where traces are sent, as http/json. Without it there are none.
  IDPOOL_MASTER_KEY or IDPOOL_MASTER_KEY_FILE
      32 bytes in base64 that seal keys, secrets and tokens; several, separated
      by commas, while they are rotated. Without them <data>/master.key, which
      the first start makes; servers on one PostgreSQL database need the same.
A password in --database-url can be seen by others on the machine: put it into
the environment, or into a file that passfile=… names in the URL.`,
		Args:    noArguments,
		PreRunE: func(cmd *cobra.Command, _ []string) error { return c.readFile(cmd) },
		RunE:    runs(c.run),
	}
	define(cmd,
		flag{name: "listen", to: text(&c.Listen), kind: "ADDRESS", env: "IDPOOL_LISTEN", value: "127.0.0.1:8437", help: "Address of the API. Port 0 picks a free port."},
		flag{name: "admin-listen", to: text(&c.AdminListen), kind: "ADDRESS", env: "IDPOOL_ADMIN_LISTEN", value: "127.0.0.1:8438", help: "Address of metrics, health and profiles; \"off\" for none."},
		flag{name: "data", to: text(&c.Data), kind: "DIR", env: "IDPOOL_DATA", value: "./idpool-data", help: "Folder of the embedded store, the master key and the first root key."},
		flag{name: "database-url", to: text(&c.DatabaseURL), kind: "URL", env: "IDPOOL_DATABASE_URL", help: "PostgreSQL instead of the embedded store, for any number of servers: postgres://user@host:5432/name. Needs a master key in the environment."},
		flag{name: "issuer", to: text(&c.Issuer), kind: "URL", env: "IDPOOL_ISSUER", help: "The iss of our OpenID tokens, and where the discovery document is reached. Default: http:// and the address of the API."},
		flag{name: "region", to: text(&c.Region), kind: "NAME", env: "IDPOOL_REGION", value: "us-east-1", help: "Region where a request names none."},
		flag{name: "account", to: text(&c.Account), kind: "ID", env: "IDPOOL_ACCOUNT", value: "000000000000", help: "Account of the root key, twelve digits."},
		flag{name: configFlag, to: text(&c.Config), kind: "FILE", env: "IDPOOL_CONFIG", help: "YAML file with providers, network and tokens. Flags can stand there too: admin_listen: off."},
		flag{name: "dev", to: boolean(&c.Dev), kind: isSwitch, env: "IDPOOL_DEV", help: "Development mode: not safe. Takes any signature and any role name, and has an issuer that signs anything."},
		flag{name: "dev-anywhere", to: boolean(&c.DevAnywhere), kind: isSwitch, env: "IDPOOL_DEV_ANYWHERE", help: "Allow development mode on an address that is not loopback."},
		flag{name: "tls-cert", to: text(&c.TLSCert), kind: "FILE", env: "IDPOOL_TLS_CERT", help: "Certificate chain to serve https with; read again when it changes."},
		flag{name: "tls-key", to: text(&c.TLSKey), kind: "FILE", env: "IDPOOL_TLS_KEY", help: "Key of the certificate."},
		flag{name: "log-format", to: text(&c.LogFormat), kind: "FORMAT", choices: []string{"text", "json", "auto"}, env: "IDPOOL_LOG_FORMAT", value: "auto", help: "text, json, or auto: text on a terminal, else json."},
		flag{name: "log-level", to: text(&c.LogLevel), kind: "LEVEL", choices: []string{"debug", "info", "warn", "error"}, env: "IDPOOL_LOG_LEVEL", value: "info", help: "debug, info, warn or error."},
		flag{name: "stop-delay", to: duration(&c.StopDelay), kind: "DURATION", env: "IDPOOL_STOP_DELAY", value: "0s", help: "How long to go on serving after SIGTERM while /readyz says no, so that a load balancer sees it first."},
		flag{name: "root-access-key-id", to: text(&c.RootKeyID), env: "IDPOOL_ROOT_ACCESS_KEY_ID", hidden: true},
		flag{name: "root-secret-access-key", to: text(&c.RootSecret), env: "IDPOOL_ROOT_SECRET_ACCESS_KEY", hidden: true},
		flag{name: "master-key", to: text(&c.MasterKey), env: "IDPOOL_MASTER_KEY", hidden: true},
		flag{name: "master-key-file", to: text(&c.MasterFile), env: "IDPOOL_MASTER_KEY_FILE", hidden: true},
	)
	return cmd
}

// configFlag names the file that may hold all flags but this one.
const configFlag = "config"

// readFile reads the configuration file, which may hold flags that neither the
// command line nor the environment gives.
func (c *serveCommand) readFile(cmd *cobra.Command) (err error) {
	key := func(f *flag) string { return strings.ReplaceAll(f.name, "-", "_") }
	known := map[string]bool{}
	cmd.Flags().VisitAll(func(defined *pflag.Flag) {
		if f, ours := defined.Value.(*flag); ours && !f.hidden && f.name != configFlag {
			known[key(f)] = true
		}
	})
	if c.file, err = readConfig(c.Config, known); err != nil {
		return err
	}
	return misuse(cmd, fill(cmd, func(f *flag) (text, origin string) {
		if value, given := c.file.Flags[key(f)]; given {
			return value.Value, c.Config
		}
		return "", ""
	}))
}

var twelveDigits = regexp.MustCompile(`^[0-9]{12}$`)

// check finds everything that is wrong with the flags, at once.
func (c *serveCommand) check() error {
	var errs []error
	say := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	say(c.DatabaseURL != "" && c.MasterKey == "" && c.MasterFile == "", "%s", noSharedKey)
	say(!idpool.ValidRegion(c.Region), "--region: %q is not the name of a region, such as us-east-1", c.Region)
	say(!twelveDigits.MatchString(c.Account), "--account: %q is not twelve digits", c.Account)
	say(c.Dev && !c.DevAnywhere && !loopback(c.Listen), "--dev: development mode accepts anybody, and %s is not a loopback address (add --dev-anywhere to do it all the same)", c.Listen)
	say(c.StopDelay < 0 || c.StopDelay > maxStopDelay, "--stop-delay: %s is not between 0s and %s", c.StopDelay, maxStopDelay)
	say((c.TLSCert == "") != (c.TLSKey == ""), "--tls-cert and --tls-key: give both or neither")
	say((c.RootKeyID == "") != (c.RootSecret == ""), "IDPOOL_ROOT_ACCESS_KEY_ID and IDPOOL_ROOT_SECRET_ACCESS_KEY: give both or neither")
	_, err := trace.FromEnvironment(os.Getenv)
	say(err != nil, "%v", err)
	say(c.MasterKey != "" && c.MasterFile != "", "IDPOOL_MASTER_KEY and IDPOOL_MASTER_KEY_FILE: give one or neither")
	if c.Issuer != "" {
		u, err := url.Parse(c.Issuer)
		say(err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || strings.HasSuffix(c.Issuer, "/"),
			"--issuer: %q is not an address like https://pool.example.com", c.Issuer)
		say(err == nil && !safeIssuer(u), "--issuer: must be https, unless its host is loopback")
	} else if c.TLSCert == "" {
		say(!loopback(c.Listen), "--issuer: %s is not a loopback address, so our tokens need an https issuer", c.Listen)
	}
	if len(errs) > 0 {
		return usageError{errors.Join(errs...)}
	}
	return nil
}

// maxStopDelay bounds what a typo can do to a stop.
const maxStopDelay = 5 * time.Minute

const noSharedKey = "--database-url: the servers on a database share a master key: give it in IDPOOL_MASTER_KEY or IDPOOL_MASTER_KEY_FILE"

func safeIssuer(u *url.URL) bool {
	return u.Scheme == "https" || u.Scheme == "http" && loopback(net.JoinHostPort(u.Hostname(), "0"))
}

// loopback reports whether a listen address can be reached from this machine
// only.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// run serves until the process is told to stop.
func (c *serveCommand) run(ctx context.Context, s streams) error {
	if err := c.check(); err != nil {
		return err
	}
	log, flush := newLogger(s.err, c.LogFormat, c.LogLevel)
	defer flush()

	api, err := listen(c.Listen, "--listen")
	if err != nil {
		return err
	}
	defer api.Close()
	scheme := "http://"
	if c.TLSCert != "" {
		certificates, err := newCertificates(c.TLSCert, c.TLSKey, time.Now)
		if err != nil {
			return err
		}
		scheme = "https://"
		api = tls.NewListener(api, &tls.Config{GetCertificate: certificates.get, MinVersion: tls.VersionTLS12})
	}
	var admin net.Listener
	if c.AdminListen != "off" {
		if admin, err = listen(c.AdminListen, "--admin-listen"); err != nil {
			return err
		}
		defer admin.Close()
	}
	address := scheme + api.Addr().String()
	if c.Issuer == "" {
		c.Issuer = address
	}

	store, keyring, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	n, err := c.node(ctx, store, keyring, log)
	if err != nil {
		return err
	}
	if c.DatabaseURL == "" { // to a database the tools go themselves
		tools, err := control.Listen(c.Data)
		if err != nil {
			return err
		}
		controlled := &http.Server{Handler: control.Handler(control.Local{Broker: n.Broker, Keys: n.Keys}), ReadHeaderTimeout: 5 * time.Second}
		go controlled.Serve(tools)
		defer controlled.Close()
	}
	background, stop := context.WithCancel(context.Background())
	finished := make(chan struct{})
	go func() { n.Background(background); close(finished) }()
	defer func() { stop(); <-finished }() // before the store is closed

	defer giveHeadroom()()
	if c.Dev {
		fmt.Fprintln(s.err, "idpool: DEVELOPMENT MODE: every signature and every role name is accepted. Do not use it for anything real.")
	}
	fmt.Fprintf(s.err, "idpool: ready on %s\n", address)
	if admin != nil {
		fmt.Fprintf(s.err, "idpool: admin on http://%s\n", admin.Addr())
	}
	return n.Serve(ctx, api, admin)
}

func listen(address, flag string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, hinted{fmt.Errorf("listen: %w", err), "choose another address with " + flag + ", or stop what listens there"}
	}
	return l, nil
}

// open opens the store and the master key: the database, whose key is in the
// environment, or the embedded store with the key beside it.
func (c *serveCommand) open(ctx context.Context) (idpool.Store, *seal.Keyring, error) {
	syscall.Umask(0o077) // whatever the folder's mode, what we write is for us alone
	if c.DatabaseURL != "" {
		keyring, err := c.keyring(false)
		if err != nil {
			return nil, nil, err
		}
		store, err := postgres.Open(ctx, c.DatabaseURL)
		if err != nil {
			return nil, nil, err
		}
		return store, keyring, nil
	}
	if err := c.makeFolder(); err != nil {
		return nil, nil, err
	}
	path := filepath.Join(c.Data, "idpool.db")
	_, statErr := os.Stat(path)
	keyring, err := c.keyring(errors.Is(statErr, os.ErrNotExist))
	if err != nil {
		return nil, nil, err
	}
	store, err := sqlite.Open(ctx, path)
	if err != nil {
		return nil, nil, err
	}
	return store, keyring, nil
}

func (c *serveCommand) makeFolder() error {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	return nil
}

// node makes the server, and the account's root key at the first start.
func (c *serveCommand) node(ctx context.Context, store idpool.Store, keyring *seal.Keyring, log *slog.Logger) (*node.Node, error) {
	limits, err := c.file.Limits.limits(c.Dev)
	if err != nil {
		return nil, err
	}
	upstreams, err := c.file.upstreams()
	if err != nil {
		return nil, err
	}
	traces, err := newTraces(log)
	if err != nil {
		return nil, err
	}
	config := node.Config{
		Build: metrics.Build{Version: version, Commit: revision()}, Traces: traces, StopDelay: c.StopDelay, TrustedProxies: c.file.Network.TrustedProxies,
		Upstreams: upstreams,
		Store:     store, Shared: c.DatabaseURL != "", Keyring: keyring, Issuer: c.Issuer, Region: c.Region, Account: c.Account, Dev: c.Dev,
		OIDC: c.file.oidc(), Social: c.file.social, SAML: c.file.SAML.config(), Limits: limits, GuestMaxAge: c.file.Limits.GuestMaxAge, GuestPolicies: c.file.guestPolicies, Log: log, Now: time.Now,
	}
	if c.RootKeyID != "" {
		config.RootKey = &credential.RootKey{ID: c.RootKeyID, Secret: c.RootSecret}
	}
	n, err := node.New(ctx, config)
	if err != nil {
		return nil, foreign(err)
	}
	if err := c.rootKey(ctx, n.Broker, store); err != nil {
		return nil, foreign(fmt.Errorf("root key: %w", err))
	}
	return n, nil
}

// rootKey makes the account's root key at the first start, in a file and in the
// store. Of several servers that start at once on one database each may write
// the file, and one stores its key: the others take theirs back.
func (c *serveCommand) rootKey(ctx context.Context, broker *credential.Broker, store idpool.Store) error {
	path, made := filepath.Join(c.Data, "credentials"), ""
	err := broker.EnsureRootKey(ctx, func(key credential.RootKey) error {
		if err := c.makeFolder(); err != nil {
			return err
		}
		made = key.ID
		return writeCredentials(path, key)
	})
	if err != nil || made == "" {
		return err
	}
	err = store.View(ctx, func(r idpool.Reader) error {
		_, err := r.AccessKey(ctx, made)
		return err
	})
	if idpool.IsNotFound(err) {
		return os.Remove(path)
	}
	return err
}
