package cognito

import (
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var unlinkDeveloperIdentityShape = wire.Struct{
	wire.Req("IdentityId", identityID),
	wire.Req("IdentityPoolId", poolID),
	wire.Req("DeveloperProviderName", developerName),
	wire.Req("DeveloperUserIdentifier", developerUser),
}

type unlinkDeveloperIdentityInput struct {
	IdentityID              string `json:"IdentityId"`
	IdentityPoolID          string `json:"IdentityPoolId"`
	DeveloperProviderName   string
	DeveloperUserIdentifier string
}

// unlinkDeveloperIdentity takes a developer user away from an identity.
func (s *Service) unlinkDeveloperIdentity(ctx context.Context, caller idpool.Caller, in unlinkDeveloperIdentityInput) (wire.Empty, error) {
	pool, err := s.ownPool(ctx, caller, in.IdentityPoolID)
	if err != nil {
		return wire.Empty{}, err
	}
	user, err := pool.DeveloperUser(in.DeveloperProviderName, in.DeveloperUserIdentifier)
	if err != nil {
		return wire.Empty{}, err
	}
	ev := wire.EventFrom(ctx)
	ev.Identity = idpool.IdentityID(in.IdentityID)
	if _, err := idpool.UnlinkDeveloper(ctx, s.Store, pool.Pool, ev.Identity, user, s.now()); err != nil {
		return wire.Empty{}, err
	}
	ev.Outcome = string(idpool.Unlinked)
	return wire.Empty{}, nil
}
