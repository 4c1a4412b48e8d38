// Package cognito is the Amazon Cognito Identity API: one operation, one file.
//
//	ops.go     the table of contents
//	shapes.go  the constrained types of the service model
//	faults.go  how this protocol names what can fail
//
// An operation orders the steps and decides nothing itself: it finds the pool,
// has the logins verified (package login), lets a rule decide (package idpool)
// and has tokens and credentials issued (packages token and credential).
package cognito

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"idpool/internal/credential"
	"idpool/internal/idpool"
	"idpool/internal/limit"
	"idpool/internal/login"
	"idpool/internal/seal"
	"idpool/internal/token"
	"idpool/internal/upstream"
	"idpool/internal/wire"
)

// Service holds what the operations work with.
type Service struct {
	Store     idpool.Store
	Directory *idpool.Directory
	Logins    login.Verifiers
	Issuer    *token.Issuer
	Broker    *credential.Broker
	Upstreams *upstream.Set // whose roles are not ours; may be nil
	// UpstreamGuestPolicy is the session policy of guests there.
	UpstreamGuestPolicy string
	Paging              *seal.Box // NextTokens
	Now                 func() time.Time
	// AnySAMLProvider accepts the ARN of a SAML provider that does not exist,
	// as long as it is one of the account: development mode.
	AnySAMLProvider bool
	Limits          *limit.Limiter
	// GuestMaxAge is after how long a guest nobody uses is deleted. Zero is
	// never.
	GuestMaxAge time.Duration
	// PoolDeleted is called after a pool was deleted, to have its rows
	// removed.
	PoolDeleted func()
}

// window is how far the date of a signature may be from now (behaviour 1.6).
const window = 5 * time.Minute

// Wire is the service as the wire layer serves it.
func (s *Service) Wire() *wire.Service {
	return &wire.Service{
		Name:   "cognito-identity",
		Target: "AWSCognitoIdentityService",
		Faults: faults,
		Ops:    s.ops(),
		Authenticate: func(ctx context.Context, r *http.Request, body []byte) (idpool.Caller, error) {
			return s.Broker.Authenticate(ctx, "cognito-identity", window, r, body)
		},
		Admit:     s.Limits.Admit,
		Authorize: s.authorize,
	}
}

// now is the time of the request, as precise as the store keeps it.
func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Millisecond) }

// ownPool is the pool of a signed request: of the caller's account and region.
// One of another account is as unknown as one that does not exist.
func (s *Service) ownPool(ctx context.Context, caller idpool.Caller, id string) (*idpool.PoolConfig, error) {
	pool, err := s.pool(ctx, idpool.PoolID(id))
	if err == nil && (pool.Account != caller.Account || pool.ID.Region() != caller.Region) {
		err = idpool.PoolNotFound(idpool.PoolID(id))
	}
	return pool, err
}

// pool is the pool of a public request.
func (s *Service) pool(ctx context.Context, id idpool.PoolID) (*idpool.PoolConfig, error) {
	wire.EventFrom(ctx).Pool = id
	pool, err := s.Directory.Pool(ctx, id)
	if idpool.IsNotFound(err) {
		return nil, idpool.PoolNotFound(id)
	}
	return pool, err
}

// identity reads an identity and the pool it is in. An identity whose pool is
// deleted is as unknown as one that does not exist.
func (s *Service) identity(ctx context.Context, id idpool.IdentityID) (idpool.Identity, *idpool.PoolConfig, error) {
	wire.EventFrom(ctx).Identity = id
	var identity idpool.Identity
	err := s.Store.View(ctx, func(r idpool.Reader) (err error) {
		identity, err = r.Identity(ctx, id)
		return err
	})
	if err == nil {
		var pool *idpool.PoolConfig
		if pool, err = s.pool(ctx, identity.Pool); err == nil {
			return identity, pool, nil
		}
	}
	if idpool.IsNotFound(err) {
		err = idpool.IdentityNotFound(id)
	}
	return idpool.Identity{}, nil, err
}

// ownIdentity is the identity of a signed request.
func (s *Service) ownIdentity(ctx context.Context, caller idpool.Caller, id string) (idpool.Identity, *idpool.PoolConfig, error) {
	identity, pool, err := s.identity(ctx, idpool.IdentityID(id))
	if err == nil && (pool.Account != caller.Account || pool.ID.Region() != caller.Region) {
		err = idpool.IdentityNotFound(idpool.IdentityID(id))
	}
	return identity, pool, err
}

// changePool changes a pool in a transaction and returns it as it is then.
func (s *Service) changePool(ctx context.Context, caller idpool.Caller, id string, change func(*idpool.Pool) error) (idpool.Pool, error) {
	known, err := s.ownPool(ctx, caller, id)
	if err != nil {
		return idpool.Pool{}, err
	}
	now := s.now()
	var pool idpool.Pool
	err = s.Store.Update(ctx, func(w idpool.Writer) error {
		stored, err := w.Pool(ctx, known.ID)
		if idpool.IsNotFound(err) {
			return idpool.PoolNotFound(known.ID)
		}
		if err != nil {
			return err
		}
		pool = stored.Clone()
		if err := change(&pool); err != nil {
			return err
		}
		pool.Version, pool.Modified = stored.Version+1, now
		return w.UpdatePool(ctx, pool)
	})
	if err != nil {
		return idpool.Pool{}, err
	}
	s.Directory.PoolChanged(ctx, pool.Account, pool.ID)
	s.prepare(ctx, pool.ID)
	return pool, nil
}

// prepare lets the kinds of provider get ready for a pool that is new, or has
// changed. It fails nothing: what is missing is fetched when it is needed.
func (s *Service) prepare(ctx context.Context, id idpool.PoolID) {
	if pool, err := s.Directory.Pool(ctx, id); err == nil {
		s.Logins.Prefetch(pool)
	}
}

// verify checks the Logins map of a request.
func (s *Service) verify(ctx context.Context, pool *idpool.PoolConfig, logins map[string]string) ([]idpool.VerifiedLogin, error) {
	providers := make([]string, 0, len(logins))
	presented := make([]login.Presented, 0, len(logins))
	for provider, text := range logins {
		providers = append(providers, provider)
		presented = append(presented, login.Presented{Provider: provider, Token: login.Token(text)})
	}
	slices.Sort(providers)
	wire.EventFrom(ctx).Providers = providers
	return s.Logins.Verify(ctx, pool, presented)
}

// resume is what the calls that carry an IdentityId share: find the identity
// and its pool, verify the logins, and let the rule say who it is.
func (s *Service) resume(ctx context.Context, op, id string, logins map[string]string, allowed func(*idpool.PoolConfig) error) (idpool.Identity, *idpool.PoolConfig, []idpool.VerifiedLogin, error) {
	identity, pool, err := s.identity(ctx, idpool.IdentityID(id))
	if err == nil {
		err = s.Limits.Account(op, pool.Account)
	}
	if err == nil {
		err = allowed(pool)
	}
	if err != nil {
		return idpool.Identity{}, nil, nil, err
	}
	verified, err := s.verify(ctx, pool, logins)
	if err != nil {
		return idpool.Identity{}, nil, nil, err
	}
	outcome, links := idpool.Found, idpool.Links(verified)
	if !identity.OpenedBy(links) {
		if identity, outcome, err = idpool.Resume(ctx, s.Store, pool.Pool, identity.ID, links, s.now()); err != nil {
			return idpool.Identity{}, nil, nil, err
		}
	}
	ev := wire.EventFrom(ctx)
	ev.Identity, ev.Outcome = identity.ID, string(outcome)
	return identity, pool, verified, idpool.TouchGuest(ctx, s.Store, identity, s.GuestMaxAge, s.now())
}

func anyPool(*idpool.PoolConfig) error { return nil }

// errNextToken is the refusal of a paging token that is not ours, or not for
// this caller and these arguments.
func errNextToken(cause error) error {
	return idpool.Errorf(idpool.Invalid, "The NextToken is not valid.").Because(cause)
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
