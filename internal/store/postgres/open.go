package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/semaphore"
)

// The settings of the pool, where the URL has no pool_… of its own.
const (
	maxConns     = 16 // more wait for each other on the server instead
	connectTime  = 3 * time.Second
	pingTime     = time.Second // for a connection that has been idle
	maxIdle      = 5 * time.Minute
	maxLifetime  = 30 * time.Minute // so that nodes find a new primary, and spread over new ones
	idleInUpdate = 30 * time.Second // after which the server ends a transaction of a node that hangs
)

// Open connects to the database at a URL and brings its schema forward, under a
// lock that all nodes respect. It fails, and changes nothing, for a database
// of another program or of a newer schema that this program cannot work on.
//
// Of the URL, postgres://user@host:5432/name, pgx takes everything that libpq
// knows: several hosts, sslmode, sslrootcert, passfile, target_session_attrs,
// search_path; and pool_max_conns.
func Open(ctx context.Context, address string) (*Store, error) {
	config, err := parse(address)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	where := fmt.Sprintf("database %s at %s port %d", config.ConnConfig.Database, config.ConnConfig.Host, config.ConnConfig.Port)
	if err := migrate(ctx, config.ConnConfig.Copy()); err != nil {
		return nil, fmt.Errorf("open store: %s: %w", where, oneLine(err))
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open store: %s: %w", where, oneLine(err))
	}
	all := max(1, int64(config.MaxConns)*3/4)
	return &Store{pool: pool, turns: semaphore.NewWeighted(all), all: all, commitTime: commitTime}, nil
}

// parse reads a URL. No part of it gets into the error, which is logged: it
// can hold a password.
func parse(address string) (*pgxpool.Config, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return nil, errors.New("the address of the database is not like postgres://user@host:5432/name (special characters of a password are written %40 and so on)")
	}
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		if cause := errors.Unwrap(err); cause != nil {
			err = cause // without the address
		}
		return nil, fmt.Errorf("the address of the database: %w", err)
	}
	c := config.ConnConfig
	if c.DefaultQueryExecMode == pgx.QueryExecModeSimpleProtocol {
		return nil, errors.New("the address of the database: the simple protocol is not safe, and not used")
	}
	if !u.Query().Has("pool_max_conns") {
		config.MaxConns = maxConns
	}
	if c.ConnectTimeout == 2*time.Minute { // the default of pgx
		c.ConnectTimeout = connectTime
	}
	config.PingTimeout, config.MaxConnIdleTime = pingTime, maxIdle
	config.MaxConnLifetime, config.MaxConnLifetimeJitter = maxLifetime, maxLifetime/4
	c.OnNotice, config.BeforeConnect, config.AfterConnect = noteWarning, cancelNothing, insistOnDurability
	for name, value := range map[string]string{
		"application_name":                    "idpool",
		"statement_timeout":                   milliseconds(statementTime),
		"idle_in_transaction_session_timeout": milliseconds(idleInUpdate),
	} {
		if c.RuntimeParams[name] == "" {
			c.RuntimeParams[name] = value
		}
	}
	return config, nil
}

// cancelNothing keeps a connection that is given up from asking the server to
// cancel what runs on it, as pgx does. A commit that waits for a standby would
// stop waiting: everybody would read what is on the primary only, and is lost
// with it. The server knows for itself how long a statement may take.
func cancelNothing(_ context.Context, c *pgx.ConnConfig) error {
	dial, connected := c.DialFunc, false // a connection is used by one goroutine at a time
	c.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		if connected {
			return nil, errors.New("nothing is cancelled")
		}
		return dial(ctx, network, address)
	}
	c.AfterConnect = func(context.Context, *pgconn.PgConn) error {
		connected = true
		return nil
	}
	return nil
}

// insistOnDurability makes sure that a connection answers a commit when it is
// on the disk, and on the standby if there is one that counts, whatever the
// database does for others.
func insistOnDurability(ctx context.Context, c *pgx.Conn) error {
	_, err := c.Exec(ctx, `SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') IN ('off', 'local')`)
	return err
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// lineError is an error on one line.
type lineError struct{ error }

func (e lineError) Error() string { return strings.Join(strings.Fields(e.error.Error()), " ") }
func (e lineError) Unwrap() error { return e.error }

func oneLine(err error) error { return lineError{err} }
