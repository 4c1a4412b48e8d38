package cognito

import (
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var createIdentityPoolShape = wire.Struct{
	wire.Req("IdentityPoolName", poolName),
	wire.Req("AllowUnauthenticatedIdentities", wire.Bool{}),
	wire.Opt("AllowClassicFlow", wire.Bool{}),
	wire.Opt("SupportedLoginProviders", loginProviders),
	wire.Opt("DeveloperProviderName", developerName),
	wire.Opt("OpenIdConnectProviderARNs", wire.List{Of: arn}),
	wire.Opt("CognitoIdentityProviders", userPools),
	wire.Opt("SamlProviderARNs", wire.List{Of: arn}),
	wire.Opt("IdentityPoolTags", tags),
}

// createIdentityPool makes a pool in the caller's account and region. Names may
// repeat: each call makes another pool.
func (s *Service) createIdentityPool(ctx context.Context, caller idpool.Caller, in poolSettings) (poolDescription, error) {
	now := s.now()
	pool := idpool.Pool{ID: idpool.NewPoolID(caller.Region), Account: caller.Account, Version: 1, Created: now, Modified: now}
	if err := s.applyTo(&pool, in); err != nil {
		return poolDescription{}, err
	}
	if err := s.checkSAMLProviders(ctx, caller.Account, in.SAMLProviderARNs); err != nil {
		return poolDescription{}, err
	}
	if limit := s.Limits.Pools; limit > 0 {
		held, err := s.Directory.CountPools(ctx, pool.Account, caller.Region)
		if err != nil {
			return poolDescription{}, err
		}
		if held >= limit {
			return poolDescription{}, idpool.Errorf(idpool.Limit, "An account can have at most %d identity pools in a region.", limit)
		}
	}
	err := s.Store.Update(ctx, func(w idpool.Writer) error { return w.CreatePool(ctx, pool) })
	if err != nil {
		return poolDescription{}, err
	}
	s.Directory.PoolChanged(ctx, pool.Account, pool.ID)
	s.prepare(ctx, pool.ID)
	wire.EventFrom(ctx).Pool = pool.ID
	return describe(pool), nil
}
