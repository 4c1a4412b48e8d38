package iam

import (
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

// The tags of customer managed policies.

var (
	tagPolicyShape   = wire.Struct{wire.Req("PolicyArn", arn), wire.Req("Tags", tags)}
	untagPolicyShape = wire.Struct{wire.Req("PolicyArn", arn), wire.Req("TagKeys", tagKeys)}
)

type (
	tagPolicyInput struct {
		PolicyArn string
		Tags      []tag
	}
	untagPolicyInput struct {
		PolicyArn string
		TagKeys   []string
	}
)

func (s *Service) tagPolicy(ctx context.Context, caller idpool.Caller, in tagPolicyInput) (wire.Empty, error) {
	err := s.changePolicy(ctx, caller, in.PolicyArn, func(p *idpool.ManagedPolicy) error { return addTags(&p.Tags, in.Tags) })
	return wire.Empty{}, err
}

func (s *Service) untagPolicy(ctx context.Context, caller idpool.Caller, in untagPolicyInput) (wire.Empty, error) {
	err := s.changePolicy(ctx, caller, in.PolicyArn, func(p *idpool.ManagedPolicy) error {
		removeTags(p.Tags, in.TagKeys)
		return nil
	})
	return wire.Empty{}, err
}

func (s *Service) listPolicyTags(ctx context.Context, caller idpool.Caller, in pagedPolicyInput) (tagsOutput, error) {
	p, err := s.viewPolicy(ctx, caller, in.PolicyArn)
	if err != nil {
		return tagsOutput{}, err
	}
	return s.pageTags(caller, in.pageInput, p.Tags, "ListPolicyTags", p.ARN())
}
