package idpool

import (
	"context"
	"time"
)

// Store keeps pools, identities, providers and keys.
//
// View runs fn on a consistent snapshot. Update runs fn in a serializable
// transaction: if fn fails nothing of it is kept, and when Update returns nil
// everything of it is durable. fn may run more than once, so it must not call
// the network, read the clock or draw random numbers; pass those in. Neither
// nests inside the other.
//
// A missing row is an error of kind NotFound. A store that cannot be reached
// is one of kind Unavailable. Times come back in UTC with millisecond
// precision. Strings are kept and compared byte for byte.
type Store interface {
	View(ctx context.Context, fn func(Reader) error) error
	Update(ctx context.Context, fn func(Writer) error) error
	// Ping reports whether the store answers.
	Ping(ctx context.Context) error
	Close() error
}

// Reader is what a transaction can read.
type Reader interface {
	// Pool returns a pool's configuration. A deleted pool is NotFound.
	Pool(ctx context.Context, id PoolID) (Pool, error)
	// PoolVersion returns the version of a pool: a cheap way to see that it
	// is still there and has not changed.
	PoolVersion(ctx context.Context, id PoolID) (int64, error)
	// Pools lists every pool of the account and region, by creation time,
	// then ID.
	Pools(ctx context.Context, account, region string) ([]PoolSummary, error)
	// SomePools lists up to limit pools, of whatever account, by ID.
	SomePools(ctx context.Context, limit int) ([]PoolID, error)
	// DeletedPools lists pools that are deleted but whose rows are not all
	// gone.
	DeletedPools(ctx context.Context) ([]PoolID, error)

	// Identity returns an identity with its logins, also a disabled one. It
	// does not look whether the pool still exists.
	Identity(ctx context.Context, id IdentityID) (Identity, error)
	// IdentityByLogin returns the identity a login leads to, with all its
	// logins.
	IdentityByLogin(ctx context.Context, pool PoolID, l Login) (Identity, error)
	// LoginOwner returns the ID of the identity a login leads to: what a
	// person who comes back costs.
	LoginOwner(ctx context.Context, pool PoolID, l Login) (IdentityID, error)
	// Identities lists up to limit identities of a pool whose IDs follow
	// after, in the order of their IDs.
	Identities(ctx context.Context, pool PoolID, after IdentityID, limit int) ([]Identity, error)

	// IdleGuests lists up to limit guests that were last seen before a time,
	// those who were away longest first.
	IdleGuests(ctx context.Context, before time.Time, limit int) ([]IdentityID, error)

	// OIDCProvider returns an IAM OIDC provider by its name.
	OIDCProvider(ctx context.Context, account, name string) (OIDCProvider, error)
	// OIDCProviders lists an account's providers by name.
	OIDCProviders(ctx context.Context, account string) ([]OIDCProvider, error)

	// Role, User, ManagedPolicy and SAMLProvider return an entity of IAM by
	// its name, without regard to case.
	Role(ctx context.Context, account, name string) (Role, error)
	User(ctx context.Context, account, name string) (User, error)
	ManagedPolicy(ctx context.Context, account, name string) (ManagedPolicy, error)
	SAMLProvider(ctx context.Context, account, name string) (SAMLProvider, error)
	// Roles, Users, ManagedPolicies and SAMLProviders list an account's
	// entities by name.
	Roles(ctx context.Context, account string) ([]Role, error)
	Users(ctx context.Context, account string) ([]User, error)
	ManagedPolicies(ctx context.Context, account string) ([]ManagedPolicy, error)
	SAMLProviders(ctx context.Context, account string) ([]SAMLProvider, error)

	// AccessKey returns an access key by its ID.
	AccessKey(ctx context.Context, id string) (AccessKey, error)
	// AccessKeys lists an account's keys by ID.
	AccessKeys(ctx context.Context, account string) ([]AccessKey, error)
	// EveryAccessKey lists up to limit keys of all accounts whose IDs follow
	// after, by ID.
	EveryAccessKey(ctx context.Context, after string, limit int) ([]AccessKey, error)

	// SigningKeys lists all signing keys, oldest first, ties by ID.
	SigningKeys(ctx context.Context) ([]SigningKey, error)
}

// Writer is what a transaction can read and change.
type Writer interface {
	Reader

	// CreatePool adds a pool.
	CreatePool(ctx context.Context, p Pool) error
	// UpdatePool replaces a pool's configuration. p.Version must be one more
	// than the version stored; otherwise the error is of kind Changed.
	UpdatePool(ctx context.Context, p Pool) error
	// DeletePool hides the pool and everything in it at once. Its identities
	// are removed later, by PurgeIdentities.
	DeletePool(ctx context.Context, id PoolID) error
	// PurgeIdentities removes up to limit identities of a deleted pool with
	// their logins and returns how many it removed. When it removes fewer
	// than limit, the pool leaves DeletedPools.
	PurgeIdentities(ctx context.Context, id PoolID, limit int) (int, error)

	// CreateIdentity adds an identity with its logins. A login that leads to
	// another identity is an error of kind Conflict.
	CreateIdentity(ctx context.Context, i Identity) error
	// UpdateIdentity replaces an identity's row and its logins. A login that
	// leads to another identity is an error of kind Conflict.
	UpdateIdentity(ctx context.Context, i Identity) error
	// DeleteIdentity removes an identity and its logins.
	DeleteIdentity(ctx context.Context, id IdentityID) error

	// PutOIDCProvider adds or replaces a provider.
	PutOIDCProvider(ctx context.Context, p OIDCProvider) error
	// DeleteOIDCProvider removes a provider; a missing one is NotFound.
	DeleteOIDCProvider(ctx context.Context, account, name string) error

	// PutRole, PutUser, PutManagedPolicy and PutSAMLProvider add or replace
	// an entity.
	PutRole(ctx context.Context, r Role) error
	PutUser(ctx context.Context, u User) error
	PutManagedPolicy(ctx context.Context, p ManagedPolicy) error
	PutSAMLProvider(ctx context.Context, p SAMLProvider) error
	// DeleteRole, DeleteUser, DeleteManagedPolicy and DeleteSAMLProvider
	// remove an entity; a missing one is NotFound.
	DeleteRole(ctx context.Context, account, name string) error
	DeleteUser(ctx context.Context, account, name string) error
	DeleteManagedPolicy(ctx context.Context, account, name string) error
	DeleteSAMLProvider(ctx context.Context, account, name string) error

	// DeleteAccessKey removes an access key; a missing one is NotFound.
	DeleteAccessKey(ctx context.Context, id string) error
	// PutAccessKey adds or replaces an access key.
	PutAccessKey(ctx context.Context, k AccessKey) error
	// PutSigningKey adds or replaces a signing key.
	PutSigningKey(ctx context.Context, k SigningKey) error

	// UseOnce notes that something was used which may be used once, and keeps
	// the note until a time. If there is one already the error is of kind
	// Exists. Notes whose time is over by now are forgotten first.
	UseOnce(ctx context.Context, id string, now, until time.Time) error
}
