package iam

import (
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

// setDefaultPolicyVersion puts a version in force.
func (s *Service) setDefaultPolicyVersion(ctx context.Context, caller idpool.Caller, in policyVersionInput) (wire.Empty, error) {
	return wire.Empty{}, s.changePolicy(ctx, caller, in.PolicyArn, func(p *idpool.ManagedPolicy) error {
		v, err := version(*p, in.VersionID)
		p.Default = v.ID
		return err
	})
}
