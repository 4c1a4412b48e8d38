package iam

import (
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var policyShape = wire.Struct{wire.Req("PolicyArn", arn)}

type policyInput struct{ PolicyArn string }

func (s *Service) getPolicy(ctx context.Context, caller idpool.Caller, in policyInput) (createPolicyOutput, error) {
	var out policyOutput
	err := s.Store.View(ctx, func(r idpool.Reader) error {
		p, err := managedPolicy(ctx, r, caller, in.PolicyArn)
		if err != nil {
			return err
		}
		count, err := attachments(ctx, r, caller.Account)
		tags := tagList(p.Tags)
		out = listedPolicy(p, count[p.ARN()])
		out.Description, out.Tags = p.Description, &tags
		return err
	})
	return createPolicyOutput{out}, err
}
