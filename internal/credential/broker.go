package credential

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
	"github.com/maypok86/otter/v2/stats"

	"idpool/internal/idpool"
	"idpool/internal/policy"
	"idpool/internal/seal"
)

// Config is what a Broker needs.
type Config struct {
	Store       idpool.Store
	Keyring     *seal.Keyring
	Account     string // of the root key, and of callers that name none
	Now         func() time.Time
	RootKey     *RootKey // given by the operator; nil: the one in the store
	AnyCaller   bool     // development: any access key and any signature
	RolesByName bool     // development: a role that does not exist is taken by its name
	// GuestPolicies limit the sessions of guests in the enhanced flow, beside
	// the policies of their role (behaviour 6.5).
	GuestPolicies []policy.Policy
}

// RootKey is the root access key that the operator gave.
type RootKey struct{ ID, Secret string }

// Broker mints temporary credentials and knows who signed a request.
type Broker struct {
	Config
	// Minted counts the sessions that were made.
	Minted atomic.Uint64

	Sessions   *seal.Box // session tokens
	secrets    *seal.Box // of access keys, at rest
	keys       *otter.Cache[string, accessKey]
	principals *otter.Cache[principalKey, *principal]
	rootSigner signer       // of the root key that the operator gave
	reading    sync.RWMutex // read-locked from when something is read until it is remembered
}

// accessKey is an access key with its secret in clear, in memory only.
type accessKey struct {
	account, user, secret string
	signer                *signer
}

// memory bounds how long what was read of access keys, roles and users is
// remembered: a change on another node counts after that.
const memory = time.Second

// NewBroker makes a broker.
func NewBroker(c Config) *Broker {
	return &Broker{
		Config:   c,
		Sessions: c.Keyring.Box("session tokens"),
		secrets:  c.Keyring.Box("access keys"),
		keys: otter.Must(&otter.Options[string, accessKey]{
			MaximumSize:      10_000,
			ExpiryCalculator: otter.ExpiryWriting[string, accessKey](memory),
			StatsRecorder:    stats.NewCounter(),
		}),
		principals: otter.Must(&otter.Options[principalKey, *principal]{
			MaximumSize:      10_000,
			ExpiryCalculator: otter.ExpiryWriting[principalKey, *principal](memory),
			StatsRecorder:    stats.NewCounter(),
		}),
	}
}

// KeyLookups counts the access keys that were remembered when they were asked
// for, and those that were not.
func (b *Broker) KeyLookups() (hits, misses uint64) {
	s := b.keys.Stats()
	return s.Hits, s.Misses
}

// PrincipalLookups counts the same of roles and users.
func (b *Broker) PrincipalLookups() (hits, misses uint64) {
	s := b.principals.Stats()
	return s.Hits, s.Misses
}

// EnsureRootKey makes the account's root key at the first start, unless the
// operator gave one. announce gets the key before it is stored, so that a crash
// in between leaves a key that nobody knows of nowhere; it may be called for a
// key that another node's takes the place of. It fails with [seal.ErrOpen] if
// the keyring cannot open the key that is there: another master key is noticed
// at start, not at the first call.
func (b *Broker) EnsureRootKey(ctx context.Context, announce func(RootKey) error) error {
	if b.RootKey != nil {
		return nil
	}
	var held []idpool.AccessKey
	err := b.Store.View(ctx, func(r idpool.Reader) (err error) {
		held, err = r.AccessKeys(ctx, b.Account)
		return err
	})
	if err != nil {
		return err
	}
	for _, row := range held {
		if _, err := b.unseal(row); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(held, isRootKey) {
		return nil
	}
	row, secret := b.NewAccessKey(b.Account, "")
	if err := announce(RootKey{ID: row.ID, Secret: secret}); err != nil {
		return err
	}
	return b.Store.Update(ctx, func(w idpool.Writer) error {
		held, err := w.AccessKeys(ctx, b.Account)
		if err != nil || slices.ContainsFunc(held, isRootKey) {
			return err
		}
		return w.PutAccessKey(ctx, row)
	})
}

func isRootKey(k idpool.AccessKey) bool { return k.User == "" }

// NewAccessKey draws an access key for a user of the account, or for its root if
// the name is empty. The secret in the row is sealed; secret is the only copy in
// clear.
func (b *Broker) NewAccessKey(account, user string) (row idpool.AccessKey, secret string) {
	random := make([]byte, 30)
	rand.Read(random)
	secret = base64.StdEncoding.EncodeToString(random)
	row = idpool.AccessKey{ID: newAccessKeyID("AKIA"), Account: account, User: user, Created: b.Now().UTC().Truncate(time.Millisecond)}
	row.Secret = b.secrets.Seal([]byte(secret), "access-key", account, row.ID)
	return row, secret
}

// CreateAccount makes an account: its root key, whose secret is shown to nobody
// again. The error is of kind Exists if the account has one, Invalid if the ID is
// not twelve digits.
func (b *Broker) CreateAccount(ctx context.Context, id string) (RootKey, error) {
	if !twelveDigits.MatchString(id) {
		return RootKey{}, idpool.Errorf(idpool.Invalid, "account %.32q is not twelve digits", id)
	}
	exists := idpool.Errorf(idpool.Exists, "there is an account %s already", id)
	if b.RootKey != nil && id == b.Account {
		return RootKey{}, exists
	}
	row, secret := b.NewAccessKey(id, "")
	err := b.Store.Update(ctx, func(w idpool.Writer) error {
		held, err := w.AccessKeys(ctx, id)
		if err == nil && slices.ContainsFunc(held, isRootKey) {
			err = exists
		}
		if err != nil {
			return err
		}
		return w.PutAccessKey(ctx, row)
	})
	return RootKey{ID: row.ID, Secret: secret}, err
}

// Rewrap seals the secret of every access key anew that was sealed under an older
// master key, and returns how many those were.
func (b *Broker) Rewrap(ctx context.Context) (n int, err error) {
	const page = 200
	for after := ""; ; {
		var rows []idpool.AccessKey
		changed := 0
		err = b.Store.Update(ctx, func(w idpool.Writer) (err error) {
			changed = 0
			if rows, err = w.EveryAccessKey(ctx, after, page); err != nil {
				return err
			}
			for _, row := range rows {
				if b.secrets.Current(row.Secret) {
					continue
				}
				key, err := b.unseal(row)
				if err != nil {
					return err
				}
				row.Secret = b.secrets.Seal([]byte(key.secret), "access-key", row.Account, row.ID)
				if err := w.PutAccessKey(ctx, row); err != nil {
					return err
				}
				changed++
			}
			return nil
		})
		if n += changed; err != nil || len(rows) < page {
			return n, err
		}
		after = rows[len(rows)-1].ID
	}
}

var twelveDigits = regexp.MustCompile(`^[0-9]{12}$`)

// Authenticate verifies the signature of a request over its body and returns
// who signed it. The signature must be scoped to the service and made within
// window of now. The error is of one of the signature kinds.
func (b *Broker) Authenticate(ctx context.Context, service string, window time.Duration, r *http.Request, body []byte) (idpool.Caller, error) {
	sig, err := ParseSignature(r)
	if err != nil {
		return idpool.Caller{}, err
	}
	if b.AnyCaller {
		return b.anyCaller(ctx, sig)
	}
	now := b.Now()
	verify := func(secret string, signingKey func(scope) []byte) error {
		if err := sig.Check(service, now, window); err != nil {
			return err
		}
		return sig.verify(r, body, signingKey(sig.scope(secret)))
	}
	if sig.SessionToken != "" {
		session, secret, err := openSession(b.Sessions, sig.AccessKeyID, sig.SessionToken)
		if err != nil {
			return idpool.Caller{}, unknown(idpool.UnknownSession, verify, fmt.Errorf("session token of %.32q: %w", sig.AccessKeyID, err))
		}
		if err := verify(secret, scope.signingKey); err != nil {
			return idpool.Caller{}, err
		}
		return b.sessionCaller(ctx, session, sig.Region)
	}
	key, err := b.accessKey(ctx, sig.AccessKeyID)
	if idpool.IsNotFound(err) {
		return idpool.Caller{}, unknown(idpool.UnknownAccessKey, verify, fmt.Errorf("no active access key %.32q", sig.AccessKeyID))
	}
	if err != nil {
		return idpool.Caller{}, err
	}
	if err := verify(key.secret, key.signer.signingKey); err != nil {
		return idpool.Caller{}, err
	}
	if key.user == "" {
		return idpool.RootCaller(key.account, sig.Region, sig.AccessKeyID), nil
	}
	return b.userCaller(ctx, key.account, key.user, sig.Region, sig.AccessKeyID)
}

// unknown refuses a key that does not exist after the same work as for one that
// does and has not signed in the last second, so that the time tells nobody which
// keys there are. Of one in use, 3 µs could tell that it is.
func unknown(kind idpool.Kind, verify func(secret string, signingKey func(scope) []byte) error, cause error) error {
	verify("no secret is this one", scope.signingKey)
	return idpool.Errorf(kind, "The security token included in the request is invalid.").Because(cause)
}

// anyCaller is who signed a request in development mode: the session if the
// session token is one of ours, else the root of the account that the access
// key ID spells, else the root of the server's account.
func (b *Broker) anyCaller(ctx context.Context, sig *Signature) (idpool.Caller, error) {
	if !idpool.ValidRegion(sig.Region) {
		return idpool.Caller{}, idpool.Errorf(idpool.InvalidSignature, "Credential should be scoped to a valid region, not '%.64s'. ", sig.Region)
	}
	if sig.SessionToken != "" {
		if session, _, err := openSession(b.Sessions, sig.AccessKeyID, sig.SessionToken); err == nil {
			return b.sessionCaller(ctx, session, sig.Region)
		}
	}
	account := b.Account
	if twelveDigits.MatchString(sig.AccessKeyID) {
		account = sig.AccessKeyID
	}
	return idpool.RootCaller(account, sig.Region, sig.AccessKeyID), nil
}

// sessionCaller is the caller that a session makes.
func (b *Broker) sessionCaller(ctx context.Context, s Session, region string) (c idpool.Caller, err error) {
	if !b.Now().Before(s.Expires) {
		return c, idpool.Errorf(idpool.ExpiredSession, "The security token included in the request is expired").
			Because(fmt.Errorf("session %s ended at %s", s.ID, s.Expires.Format(time.RFC3339)))
	}
	switch {
	case s.Role != "":
		c = idpool.Caller{Account: s.Account, Region: region, ARN: s.ARN(), UserID: s.UserID(), AccessKeyID: s.AccessKeyID}
	case s.User != "":
		c, err = b.userCaller(ctx, s.Account, s.User, region, s.AccessKeyID)
		if err == nil && c.UserID != s.OwnerID {
			err = idpool.Errorf(idpool.UnknownSession, "The security token included in the request is invalid.").
				Because(fmt.Errorf("user %s was deleted, and this one has the name", s.User))
		}
		if err != nil {
			return idpool.Caller{}, err
		}
	default:
		c = idpool.RootCaller(s.Account, region, s.AccessKeyID)
	}
	c.Session = &s
	return c, err
}

// userCaller is the caller that a user's key makes. A key whose user is gone is
// as unknown as one that does not exist.
func (b *Broker) userCaller(ctx context.Context, account, name, region, keyID string) (idpool.Caller, error) {
	p, err := b.user(ctx, account, name)
	if idpool.IsNotFound(err) {
		return idpool.Caller{}, idpool.Errorf(idpool.UnknownAccessKey, "The security token included in the request is invalid.").
			Because(fmt.Errorf("user %s of account %s is gone", name, account))
	}
	if err != nil {
		return idpool.Caller{}, err
	}
	return idpool.Caller{Account: account, Region: region, ARN: p.user.ARN(), UserID: p.user.ID, AccessKeyID: keyID, User: p.user.Name}, nil
}

// accessKey finds a long-lived key. A missing or inactive one is NotFound.
func (b *Broker) accessKey(ctx context.Context, id string) (accessKey, error) {
	if b.RootKey != nil && id == b.RootKey.ID {
		return accessKey{account: b.Account, secret: b.RootKey.Secret, signer: &b.rootSigner}, nil
	}
	if key, ok := b.keys.GetIfPresent(id); ok {
		return key, nil
	}
	b.reading.RLock()
	defer b.reading.RUnlock()
	var row idpool.AccessKey
	err := b.Store.View(ctx, func(r idpool.Reader) (err error) {
		row, err = r.AccessKey(ctx, id)
		return err
	})
	if err == nil && row.Inactive {
		err = idpool.Errorf(idpool.NotFound, "access key %s is inactive", id)
	}
	if err != nil {
		return accessKey{}, err
	}
	key, err := b.unseal(row)
	if err == nil {
		b.keys.Set(id, key)
	}
	return key, err
}

func (b *Broker) unseal(row idpool.AccessKey) (accessKey, error) {
	secret, err := b.secrets.Open(row.Secret, "access-key", row.Account, row.ID)
	if err != nil {
		return accessKey{}, fmt.Errorf("open access key %s: %w", row.ID, err)
	}
	return accessKey{account: row.Account, user: row.User, secret: string(secret), signer: new(signer)}, nil
}
