package iam

import (
	"context"
	"time"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var updateRoleShape = wire.Struct{
	wire.Req("RoleName", roleName),
	wire.Opt("Description", description),
	wire.Opt("MaxSessionDuration", sessionTime),
}

type updateRoleInput struct {
	RoleName           string
	Description        *string
	MaxSessionDuration int
}

// updateRole changes what is given, and leaves the rest.
func (s *Service) updateRole(ctx context.Context, caller idpool.Caller, in updateRoleInput) (struct{}, error) {
	_, err := s.changeRole(ctx, caller, in.RoleName, func(_ idpool.Writer, r *idpool.Role) error {
		if in.Description != nil {
			r.Description = *in.Description
		}
		if in.MaxSessionDuration != 0 {
			r.MaxSession = time.Duration(in.MaxSessionDuration) * time.Second
		}
		return nil
	})
	return struct{}{}, err
}
