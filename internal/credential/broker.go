package credential

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"github.com/maypok86/otter/v2"

	"idpool/internal/idpool"
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
}

// RootKey is the root access key that the operator gave.
type RootKey struct{ ID, Secret string }

// Broker mints temporary credentials and knows who signed a request.
type Broker struct {
	Config
	Sessions *seal.Box // session tokens
	secrets  *seal.Box // of access keys, at rest
	keys     *otter.Cache[string, accessKey]
}

// accessKey is an access key with its secret in clear, in memory only.
type accessKey struct {
	account, secret string
}

// keyAge bounds how long an access key is remembered after it was read.
const keyAge = time.Second

// NewBroker makes a broker.
func NewBroker(c Config) *Broker {
	return &Broker{
		Config:   c,
		Sessions: c.Keyring.Box("session tokens"),
		secrets:  c.Keyring.Box("access keys"),
		keys: otter.Must(&otter.Options[string, accessKey]{
			MaximumSize:      10_000,
			ExpiryCalculator: otter.ExpiryWriting[string, accessKey](keyAge),
		}),
	}
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
	if len(held) > 0 {
		return nil
	}
	secret := make([]byte, 30)
	rand.Read(secret)
	fresh := RootKey{ID: newAccessKeyID("AKIA"), Secret: base64.StdEncoding.EncodeToString(secret)}
	if err := announce(fresh); err != nil {
		return err
	}
	row := idpool.AccessKey{ID: fresh.ID, Account: b.Account, Created: b.Now().UTC().Truncate(time.Millisecond),
		Secret: b.secrets.Seal([]byte(fresh.Secret), "access-key", b.Account, fresh.ID)}
	return b.Store.Update(ctx, func(w idpool.Writer) error {
		held, err := w.AccessKeys(ctx, b.Account)
		if err != nil || len(held) > 0 {
			return err
		}
		return w.PutAccessKey(ctx, row)
	})
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
		return b.anyCaller(sig)
	}
	now := b.Now()
	verify := func(secret string) error {
		if err := sig.Check(service, now, window); err != nil {
			return err
		}
		return sig.Verify(r, body, secret)
	}
	if sig.SessionToken != "" {
		session, secret, err := openSession(b.Sessions, sig.AccessKeyID, sig.SessionToken)
		if err != nil {
			return idpool.Caller{}, unknown(idpool.UnknownSession, verify, fmt.Errorf("session token of %.32q: %w", sig.AccessKeyID, err))
		}
		if err := verify(secret); err != nil {
			return idpool.Caller{}, err
		}
		return sessionCaller(session, sig.Region, now)
	}
	key, err := b.accessKey(ctx, sig.AccessKeyID)
	if idpool.IsNotFound(err) {
		return idpool.Caller{}, unknown(idpool.UnknownAccessKey, verify, fmt.Errorf("no access key %.32q", sig.AccessKeyID))
	}
	if err != nil {
		return idpool.Caller{}, err
	}
	if err := verify(key.secret); err != nil {
		return idpool.Caller{}, err
	}
	return idpool.RootCaller(key.account, sig.Region, sig.AccessKeyID), nil
}

// unknown refuses a key that does not exist after the same work as for one
// that does, so that the time tells nothing.
func unknown(kind idpool.Kind, verify func(secret string) error, cause error) error {
	verify("no secret is this one")
	return idpool.Errorf(kind, "The security token included in the request is invalid.").Because(cause)
}

// anyCaller is who signed a request in development mode: the session if the
// session token is one of ours, else the root of the account that the access
// key ID spells, else the root of the server's account.
func (b *Broker) anyCaller(sig *Signature) (idpool.Caller, error) {
	if !idpool.ValidRegion(sig.Region) {
		return idpool.Caller{}, idpool.Errorf(idpool.InvalidSignature, "Credential should be scoped to a valid region, not '%.64s'. ", sig.Region)
	}
	if sig.SessionToken != "" {
		if session, _, err := openSession(b.Sessions, sig.AccessKeyID, sig.SessionToken); err == nil {
			return sessionCaller(session, sig.Region, b.Now())
		}
	}
	account := b.Account
	if twelveDigits.MatchString(sig.AccessKeyID) {
		account = sig.AccessKeyID
	}
	return idpool.RootCaller(account, sig.Region, sig.AccessKeyID), nil
}

// sessionCaller is the caller that a session makes.
func sessionCaller(s Session, region string, now time.Time) (idpool.Caller, error) {
	if !now.Before(s.Expires) {
		return idpool.Caller{}, idpool.Errorf(idpool.ExpiredSession, "The security token included in the request is expired").
			Because(fmt.Errorf("session %s ended at %s", s.ID, s.Expires.Format(time.RFC3339)))
	}
	role, ok := idpool.ParseRoleARN(s.Role)
	if !ok {
		return idpool.Caller{}, fmt.Errorf("session %s has no role: %q", s.ID, s.Role)
	}
	return idpool.Caller{Account: role.Account, Region: region, ARN: s.ARN(), UserID: s.UserID(), AccessKeyID: s.AccessKeyID}, nil
}

// accessKey finds a long-lived key. A missing one is NotFound.
func (b *Broker) accessKey(ctx context.Context, id string) (accessKey, error) {
	if b.RootKey != nil && id == b.RootKey.ID {
		return accessKey{account: b.Account, secret: b.RootKey.Secret}, nil
	}
	if key, ok := b.keys.GetIfPresent(id); ok {
		return key, nil
	}
	var row idpool.AccessKey
	err := b.Store.View(ctx, func(r idpool.Reader) (err error) {
		row, err = r.AccessKey(ctx, id)
		return err
	})
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
	return accessKey{account: row.Account, secret: string(secret)}, nil
}
