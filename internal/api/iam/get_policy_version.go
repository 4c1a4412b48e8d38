package iam

import (
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var policyVersionShape = wire.Struct{wire.Req("PolicyArn", arn), wire.Req("VersionId", versionID)}

type policyVersionInput struct {
	PolicyArn string
	VersionID string `json:"VersionId"`
}

func (s *Service) getPolicyVersion(ctx context.Context, caller idpool.Caller, in policyVersionInput) (policyVersionOutput, error) {
	p, err := s.viewPolicy(ctx, caller, in.PolicyArn)
	if err != nil {
		return policyVersionOutput{}, err
	}
	v, err := version(p, in.VersionID)
	out := listedVersion(p, v)
	out.Document = encoded(v.Document)
	return policyVersionOutput{out}, err
}
