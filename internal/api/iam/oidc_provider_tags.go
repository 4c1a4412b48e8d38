package iam

import (
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

// The tags of OIDC providers.

var (
	tagOIDCProviderShape   = wire.Struct{wire.Req("OpenIDConnectProviderArn", arn), wire.Req("Tags", tags)}
	untagOIDCProviderShape = wire.Struct{wire.Req("OpenIDConnectProviderArn", arn), wire.Req("TagKeys", tagKeys)}
	pagedOIDCProviderShape = paged(wire.Req("OpenIDConnectProviderArn", arn))
)

type (
	tagOIDCProviderInput struct {
		OpenIDConnectProviderArn string
		Tags                     []tag
	}
	untagOIDCProviderInput struct {
		OpenIDConnectProviderArn string
		TagKeys                  []string
	}
	pagedOIDCProviderInput struct {
		OpenIDConnectProviderArn string
		pageInput
	}
)

func (s *Service) tagOIDCProvider(ctx context.Context, caller idpool.Caller, in tagOIDCProviderInput) (wire.Empty, error) {
	err := s.changeProvider(ctx, caller, in.OpenIDConnectProviderArn, func(p *idpool.OIDCProvider) error { return addTags(&p.Tags, in.Tags) })
	return wire.Empty{}, err
}

func (s *Service) untagOIDCProvider(ctx context.Context, caller idpool.Caller, in untagOIDCProviderInput) (wire.Empty, error) {
	err := s.changeProvider(ctx, caller, in.OpenIDConnectProviderArn, func(p *idpool.OIDCProvider) error {
		removeTags(p.Tags, in.TagKeys)
		return nil
	})
	return wire.Empty{}, err
}

func (s *Service) listOIDCProviderTags(ctx context.Context, caller idpool.Caller, in pagedOIDCProviderInput) (tagsOutput, error) {
	p, err := s.viewProvider(ctx, caller, in.OpenIDConnectProviderArn)
	if err != nil {
		return tagsOutput{}, err
	}
	return s.pageTags(caller, in.pageInput, p.Tags, "ListOpenIDConnectProviderTags", p.ARN())
}
