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

	"github.com/alecthomas/kong"

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
	Listen      string `default:"127.0.0.1:8437" env:"IDPOOL_LISTEN" help:"Address of the API. Port 0 picks a free port."`
	AdminListen string `default:"127.0.0.1:8438" env:"IDPOOL_ADMIN_LISTEN" help:"Address of metrics, health and profiles; \"off\" for none."`
	Data        string `default:"./idpool-data" env:"IDPOOL_DATA" help:"Folder of the embedded store, the master key and the first root key. Default: ./idpool-data." placeholder:"DIR"`
	DatabaseURL string `env:"IDPOOL_DATABASE_URL" help:"PostgreSQL instead of the embedded store, for any number of servers: postgres://user@host:5432/name. Needs a master key in the environment." placeholder:"URL"`
	Issuer      string `env:"IDPOOL_ISSUER" help:"The iss of our OpenID tokens, and where the discovery document is reached. Default: http:// and the address of the API." placeholder:"URL"`
	Region      string `default:"us-east-1" env:"IDPOOL_REGION" help:"Region where a request names none."`
	Account     string `default:"000000000000" env:"IDPOOL_ACCOUNT" help:"Account of the root key, twelve digits."`
	Config      string `env:"IDPOOL_CONFIG" help:"YAML file with providers, network and tokens. Flags can stand there too: admin_listen: off." placeholder:"FILE"`
	Dev         bool   `env:"IDPOOL_DEV" help:"Development mode: not safe. Takes any signature and any role name, and has an issuer that signs anything."`
	DevAnywhere bool   `env:"IDPOOL_DEV_ANYWHERE" help:"Allow development mode on an address that is not loopback."`
	TLSCert     string `name:"tls-cert" env:"IDPOOL_TLS_CERT" help:"Certificate chain to serve https with; read again when it changes." placeholder:"FILE"`
	TLSKey      string `name:"tls-key" env:"IDPOOL_TLS_KEY" help:"Key of the certificate." placeholder:"FILE"`
	LogFormat   string `env:"IDPOOL_LOG_FORMAT" enum:"text,json,auto" default:"auto" help:"text, json, or auto: text on a terminal, else json."`
	LogLevel    string `env:"IDPOOL_LOG_LEVEL" enum:"debug,info,warn,error" default:"info" help:"debug, info, warn or error."`

	StopDelay time.Duration `default:"0s" env:"IDPOOL_STOP_DELAY" help:"How long to go on serving after SIGTERM while /readyz says no, so that a load balancer sees it first."`

	RootKeyID  string `name:"root-access-key-id" hidden:"" env:"IDPOOL_ROOT_ACCESS_KEY_ID"`
	RootSecret string `name:"root-secret-access-key" hidden:"" env:"IDPOOL_ROOT_SECRET_ACCESS_KEY"`
	MasterKey  string `name:"master-key" hidden:"" env:"IDPOOL_MASTER_KEY"`
	MasterFile string `name:"master-key-file" hidden:"" env:"IDPOOL_MASTER_KEY_FILE"`

	file fileConfig
}

// Help is the long text of "idpool serve --help".
func (serveCommand) Help() string {
	return `A flag beats its environment variable, which beats the configuration file,
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
the environment, or into a file that passfile=… names in the URL.`
}

// BeforeResolve reads the configuration file, which may hold flags that neither
// the command line nor the environment gives.
func (c *serveCommand) BeforeResolve(k *kong.Context) (err error) {
	var path string
	names := map[string]bool{}
	for _, flag := range k.Flags() {
		switch {
		case flag.Name == "config":
			path = k.FlagValue(flag).(string)
		case !flag.Hidden && len(flag.Envs) > 0:
			names[strings.ReplaceAll(flag.Name, "-", "_")] = true
		}
	}
	if c.file, err = readConfig(path, names); err != nil {
		return startError{err}
	}
	k.AddResolver(kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		value, given := c.file.Flags[strings.ReplaceAll(flag.Name, "-", "_")]
		for _, name := range flag.Envs {
			if _, set := os.LookupEnv(name); set {
				return nil, nil
			}
		}
		if !given {
			return nil, nil
		}
		return value.Value, nil
	}))
	return nil
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

// Run serves until the process is told to stop.
func (c *serveCommand) Run(ctx context.Context, s streams) error {
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
		Build: metrics.Build{Version: version, Commit: revision()}, Traces: traces, StopDelay: c.StopDelay,
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
