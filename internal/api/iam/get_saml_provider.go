package iam

import (
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var samlProviderShape = wire.Struct{wire.Req("SAMLProviderArn", arn)}

type samlProviderInput struct{ SAMLProviderArn string }

type getSAMLProviderOutput struct {
	SAMLProviderUUID     string
	SAMLMetadataDocument string
	CreateDate           date
	ValidUntil           date
	Tags                 wire.XMLList[tag]
}

func (s *Service) getSAMLProvider(ctx context.Context, caller idpool.Caller, in samlProviderInput) (getSAMLProviderOutput, error) {
	p, err := s.viewSAMLProvider(ctx, caller, in.SAMLProviderArn)
	return getSAMLProviderOutput{p.ID, p.Metadata, date(p.Created), date(p.ValidUntil), tagList(p.Tags)}, err
}
