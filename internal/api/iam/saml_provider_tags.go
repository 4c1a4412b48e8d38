package iam

import (
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

// The tags of SAML providers.

var (
	tagSAMLProviderShape   = wire.Struct{wire.Req("SAMLProviderArn", arn), wire.Req("Tags", tags)}
	untagSAMLProviderShape = wire.Struct{wire.Req("SAMLProviderArn", arn), wire.Req("TagKeys", tagKeys)}
	pagedSAMLProviderShape = paged(wire.Req("SAMLProviderArn", arn))
)

type (
	tagSAMLProviderInput struct {
		SAMLProviderArn string
		Tags            []tag
	}
	untagSAMLProviderInput struct {
		SAMLProviderArn string
		TagKeys         []string
	}
	pagedSAMLProviderInput struct {
		SAMLProviderArn string
		pageInput
	}
)

func (s *Service) tagSAMLProvider(ctx context.Context, caller idpool.Caller, in tagSAMLProviderInput) (wire.Empty, error) {
	err := s.changeSAMLProvider(ctx, caller, in.SAMLProviderArn, func(p *idpool.SAMLProvider) error { return addTags(&p.Tags, in.Tags) })
	return wire.Empty{}, err
}

func (s *Service) untagSAMLProvider(ctx context.Context, caller idpool.Caller, in untagSAMLProviderInput) (wire.Empty, error) {
	err := s.changeSAMLProvider(ctx, caller, in.SAMLProviderArn, func(p *idpool.SAMLProvider) error {
		removeTags(p.Tags, in.TagKeys)
		return nil
	})
	return wire.Empty{}, err
}

func (s *Service) listSAMLProviderTags(ctx context.Context, caller idpool.Caller, in pagedSAMLProviderInput) (tagsOutput, error) {
	p, err := s.viewSAMLProvider(ctx, caller, in.SAMLProviderArn)
	if err != nil {
		return tagsOutput{}, err
	}
	return s.pageTags(caller, in.pageInput, p.Tags, "ListSAMLProviderTags", p.ARN())
}
