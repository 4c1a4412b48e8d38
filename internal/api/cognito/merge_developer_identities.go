package cognito

import (
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var mergeDeveloperIdentitiesShape = wire.Struct{
	wire.Req("SourceUserIdentifier", developerUser),
	wire.Req("DestinationUserIdentifier", developerUser),
	wire.Req("DeveloperProviderName", developerName),
	wire.Req("IdentityPoolId", poolID),
}

type mergeDeveloperIdentitiesInput struct {
	SourceUserIdentifier      string
	DestinationUserIdentifier string
	DeveloperProviderName     string
	IdentityPoolID            string `json:"IdentityPoolId"`
}

type mergeDeveloperIdentitiesOutput struct {
	IdentityID string `json:"IdentityId"`
}

// mergeDeveloperIdentities folds the identity of the source user into that of
// the destination user.
func (s *Service) mergeDeveloperIdentities(ctx context.Context, caller idpool.Caller, in mergeDeveloperIdentitiesInput) (mergeDeveloperIdentitiesOutput, error) {
	pool, err := s.ownPool(ctx, caller, in.IdentityPoolID)
	if err != nil {
		return mergeDeveloperIdentitiesOutput{}, err
	}
	source, err := pool.DeveloperUser(in.DeveloperProviderName, in.SourceUserIdentifier)
	if err != nil {
		return mergeDeveloperIdentitiesOutput{}, err
	}
	destination := idpool.Login{Provider: source.Provider, Subject: in.DestinationUserIdentifier}
	identity, outcome, err := idpool.MergeDevelopers(ctx, s.Store, pool.Pool, source, destination, s.now())
	if err != nil {
		return mergeDeveloperIdentitiesOutput{}, err
	}
	ev := wire.EventFrom(ctx)
	ev.Identity, ev.Outcome = identity.ID, string(outcome)
	return mergeDeveloperIdentitiesOutput{string(identity.ID)}, nil
}
