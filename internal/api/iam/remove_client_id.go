package iam

import (
	"context"
	"slices"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var removeClientIDShape = wire.Struct{
	wire.Req("OpenIDConnectProviderArn", arn),
	wire.Req("ClientID", clientID),
}

// removeClientID removes an audience; one that is not there is accepted.
func (s *Service) removeClientID(ctx context.Context, caller idpool.Caller, in clientIDInput) (wire.Empty, error) {
	return wire.Empty{}, s.changeProvider(ctx, caller, in.OpenIDConnectProviderArn, func(p *idpool.OIDCProvider) error {
		p.ClientIDs = slices.DeleteFunc(slices.Clone(p.ClientIDs), func(id string) bool { return id == in.ClientID })
		return nil
	})
}
