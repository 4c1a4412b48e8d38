package iam

import (
	"context"
	"fmt"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var createPolicyVersionShape = wire.Struct{
	wire.Req("PolicyArn", arn),
	wire.Req("PolicyDocument", policyDocument),
	wire.Opt("SetAsDefault", wire.Bool{}),
}

type createPolicyVersionInput struct {
	PolicyArn, PolicyDocument string
	SetAsDefault              bool
}

type policyVersionOutput struct{ PolicyVersion versionOutput }

func (s *Service) createPolicyVersion(ctx context.Context, caller idpool.Caller, in createPolicyVersionInput) (out policyVersionOutput, err error) {
	if err := checkManaged(in.PolicyDocument); err != nil {
		return out, err
	}
	now := s.moment()
	err = s.changePolicy(ctx, caller, in.PolicyArn, func(p *idpool.ManagedPolicy) error {
		if len(p.Versions) >= maxVersions {
			return idpool.Errorf(idpool.Limit, "A managed policy can have up to %d versions. Before you create a new version, you must delete an existing version.", maxVersions)
		}
		p.Made++
		fresh := idpool.PolicyVersion{ID: fmt.Sprint("v", p.Made), Document: in.PolicyDocument, Created: now}
		p.Versions, p.Updated = append(p.Versions, fresh), now
		if in.SetAsDefault {
			p.Default = fresh.ID
		}
		out.PolicyVersion = listedVersion(*p, fresh)
		return nil
	})
	return out, err
}
