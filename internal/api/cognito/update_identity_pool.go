package cognito

import (
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var updateIdentityPoolShape = wire.Struct{
	wire.Req("IdentityPoolId", poolID),
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

// updateIdentityPool replaces a pool's configuration; see applyTo for what an
// absent member means.
func (s *Service) updateIdentityPool(ctx context.Context, caller idpool.Caller, in poolDescription) (poolDescription, error) {
	if _, err := s.ownPool(ctx, caller, in.IdentityPoolID); err != nil {
		return poolDescription{}, err
	}
	if err := s.checkSAMLProviders(ctx, caller.Account, in.SAMLProviderARNs); err != nil {
		return poolDescription{}, err
	}
	pool, err := s.changePool(ctx, caller, in.IdentityPoolID, func(p *idpool.Pool) error {
		return s.applyTo(p, in.poolSettings)
	})
	if err != nil {
		return poolDescription{}, err
	}
	return describe(pool), nil
}
