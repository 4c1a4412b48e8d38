package iam

import (
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var roleShape = wire.Struct{wire.Req("RoleName", roleName)}

type roleInput struct{ RoleName string }

type getRoleOutput struct{ Role roleOutput }

func (s *Service) getRole(ctx context.Context, caller idpool.Caller, in roleInput) (getRoleOutput, error) {
	r, err := s.viewRole(ctx, caller, in.RoleName)
	return getRoleOutput{whole(r)}, err
}
