package iam

import (
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var updateAssumeRolePolicyShape = wire.Struct{
	wire.Req("RoleName", roleName),
	wire.Req("PolicyDocument", policyDocument),
}

type updateAssumeRolePolicyInput struct{ RoleName, PolicyDocument string }

// updateAssumeRolePolicy replaces the trust policy of a role.
func (s *Service) updateAssumeRolePolicy(ctx context.Context, caller idpool.Caller, in updateAssumeRolePolicyInput) (wire.Empty, error) {
	if err := checkTrust(in.PolicyDocument); err != nil {
		return wire.Empty{}, err
	}
	_, err := s.changeRole(ctx, caller, in.RoleName, func(_ idpool.Writer, r *idpool.Role) error {
		r.Trust = in.PolicyDocument
		return nil
	})
	return wire.Empty{}, err
}
