package iam

import (
	"context"
	"slices"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

func (s *Service) deletePolicyVersion(ctx context.Context, caller idpool.Caller, in policyVersionInput) (wire.Empty, error) {
	return wire.Empty{}, s.changePolicy(ctx, caller, in.PolicyArn, func(p *idpool.ManagedPolicy) error {
		if _, err := version(*p, in.VersionID); err != nil {
			return err
		}
		if in.VersionID == p.Default {
			return idpool.Errorf(idpool.Conflict, "Cannot delete the default version of a policy.")
		}
		p.Versions = slices.DeleteFunc(p.Versions, func(v idpool.PolicyVersion) bool { return v.ID == in.VersionID })
		return nil
	})
}
