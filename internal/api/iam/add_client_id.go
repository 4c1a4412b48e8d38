package iam

import (
	"context"
	"slices"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var addClientIDShape = wire.Struct{
	wire.Req("OpenIDConnectProviderArn", arn),
	wire.Req("ClientID", clientID),
}

type clientIDInput struct {
	OpenIDConnectProviderArn string
	ClientID                 string
}

// addClientID adds an audience; one that is there already is accepted.
func (s *Service) addClientID(ctx context.Context, caller idpool.Caller, in clientIDInput) (wire.Empty, error) {
	return wire.Empty{}, s.changeProvider(ctx, caller, in.OpenIDConnectProviderArn, func(p *idpool.OIDCProvider) error {
		p.ClientIDs = unique(append(slices.Clone(p.ClientIDs), in.ClientID))
		return checkLists(*p)
	})
}
