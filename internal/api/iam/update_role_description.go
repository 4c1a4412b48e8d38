package iam

import (
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var updateRoleDescriptionShape = wire.Struct{
	wire.Req("RoleName", roleName),
	wire.Req("Description", description),
}

type updateRoleDescriptionInput struct{ RoleName, Description string }

// updateRoleDescription is what there was before UpdateRole; Terraform calls it.
func (s *Service) updateRoleDescription(ctx context.Context, caller idpool.Caller, in updateRoleDescriptionInput) (getRoleOutput, error) {
	r, err := s.changeRole(ctx, caller, in.RoleName, func(_ idpool.Writer, r *idpool.Role) error {
		r.Description = in.Description
		return nil
	})
	return getRoleOutput{listed(r)}, err
}
