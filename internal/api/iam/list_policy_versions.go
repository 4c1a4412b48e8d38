package iam

import (
	"context"
	"slices"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var pagedPolicyShape = paged(wire.Req("PolicyArn", arn))

type pagedPolicyInput struct {
	PolicyArn string
	pageInput
}

type listPolicyVersionsOutput struct {
	Versions wire.XMLList[versionOutput]
	pageOutput
}

// listPolicyVersions lists the versions of a policy, the newest first.
func (s *Service) listPolicyVersions(ctx context.Context, caller idpool.Caller, in pagedPolicyInput) (out listPolicyVersionsOutput, err error) {
	p, err := s.viewPolicy(ctx, caller, in.PolicyArn)
	if err != nil {
		return out, err
	}
	list := slices.Clone(p.Versions)
	slices.Reverse(list)
	list, out.pageOutput, err = page(s, caller, in.pageInput, list, versionKey, "ListPolicyVersions", p.ARN())
	for _, v := range list {
		out.Versions = append(out.Versions, listedVersion(p, v))
	}
	return out, err
}
