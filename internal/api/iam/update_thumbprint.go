package iam

import (
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var updateThumbprintShape = wire.Struct{
	wire.Req("OpenIDConnectProviderArn", arn),
	wire.Req("ThumbprintList", wire.List{Of: thumbprint}),
}

type updateThumbprintInput struct {
	OpenIDConnectProviderArn string
	ThumbprintList           []string
}

// updateThumbprint replaces the list of certificate thumbprints.
func (s *Service) updateThumbprint(ctx context.Context, caller idpool.Caller, in updateThumbprintInput) (wire.Empty, error) {
	return wire.Empty{}, s.changeProvider(ctx, caller, in.OpenIDConnectProviderArn, func(p *idpool.OIDCProvider) error {
		p.Thumbprints = in.ThumbprintList
		return checkLists(*p)
	})
}
